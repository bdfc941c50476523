//! What the `openssl` program says to what the authority makes.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use card_pki::crl::Reason;

use crate::world::{CARD, OTHER_CARD, RENEWAL, START, application, at, world};

#[test]
fn openssl_accepts_chain_certificate_crl_and_renewal() {
    let Some(openssl) = testkit::require_or_skip(testkit::find_program("openssl")) else { return };
    let mut world = world();
    let renewal = world.renewal();
    let cms = renewal.cms();
    let new = world.ca.renew(CARD, &cms, renewal.now).unwrap();
    let bob = world.ca.issue(OTHER_CARD, &application("bob", 2), at(START)).unwrap();
    world.ca.revoke(bob.serial(), Reason::AffiliationChanged, renewal.now).unwrap();
    let crl = world.ca.crl_for(renewal.now, 30).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let chain = world.ca.chain();
    for (name, bytes) in [
        ("root", chain.root.to_pem().into_bytes()),
        ("issuing", chain.issuing.to_pem().into_bytes()),
        ("both", chain.to_pem().into_bytes()),
        ("old", world.old.to_pem().into_bytes()),
        ("new", new.to_pem().into_bytes()),
        ("bob", bob.to_pem().into_bytes()),
        ("crl", crl.der().to_vec()),
        ("cms", cms),
    ] {
        std::fs::write(path(name), bytes).unwrap();
    }
    let run = |arguments: &[&str]| told(&openssl, arguments);
    let now = at(RENEWAL).as_second().to_string();
    let (root, issuing, list) = (path("root"), path("issuing"), path("crl"));
    let verify = ["verify", "-x509_strict", "-attime", &now, "-CAfile", &root, "-untrusted", &issuing];
    for (name, good, says) in [("old", true, "OK"), ("new", true, "OK"), ("bob", false, "revoked")] {
        let file = path(name);
        let (ok, text) = run(&[&verify[..], &["-crl_check", "-CRLfile", &list, &file]].concat());
        assert!(ok == good && text.contains(says), "{name}: {text}");
    }
    let (ok, text) = run(&["crl", "-inform", "DER", "-in", &list, "-CAfile", &issuing, "-text", "-noout"]);
    let needed = ["verify OK", bob.serial(), "Affiliation Changed", "X509v3 CRL Number"];
    assert!(ok && needed.iter().all(|piece| text.contains(piece)), "{text}");
    let (ok, text) = run(&["x509", "-in", &path("new"), "-noout", "-text", "-nameopt", "utf8"]);
    let needed = [
        "Digital Signature, Non Repudiation",
        "TLS Web Client Authentication, E-mail Protection",
        "email:alice@example.org",
        "http://ca.example.org/site/crl.der",
        "CN=陳筱玲 alice",
        "Policy: 2.25.",
        "CA:FALSE",
    ];
    for piece in needed {
        assert!(ok && text.contains(piece), "{piece}: {text}");
    }
    let (file, both) = (path("cms"), path("both"));
    let verify = ["cms", "-verify", "-inform", "DER", "-in", &file, "-CAfile", &both, "-attime", &now];
    let (ok, text) = run(&[&verify[..], &["-purpose", "any", "-out", "/dev/null"]].concat());
    assert!(ok && text.contains("Verification successful"), "{text}");
}

#[test]
fn openssl_opens_the_keys_with_the_passphrase_only() {
    let Some(openssl) = testkit::require_or_skip(testkit::find_program("openssl")) else { return };
    let world = world();
    for name in ["root", "issuing", "recipient"] {
        let key = world.dir.path().join(format!("keys/{name}.pem"));
        let key = key.to_str().unwrap();
        assert!(told(&openssl, &["pkey", "-in", key, "-passin", "pass:correct horse", "-noout"]).0);
        assert!(!told(&openssl, &["pkey", "-in", key, "-passin", "pass:wrong", "-noout"]).0);
    }
}

/// Whether the program was content, and all that it said.
fn told(openssl: &Path, arguments: &[&str]) -> (bool, String) {
    let output = testkit::run_bounded(Command::new(openssl).args(arguments), Duration::from_secs(20));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}
