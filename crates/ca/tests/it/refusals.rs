//! Each check on a renewal and on an application, by one request that fails it and nothing else.

use std::process::Command;
use std::time::Duration;

use card_ca::CaError;
use card_pki::crl::Reason;
use card_pki::refusal::Refusal;
use card_pki::time::Window;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};

use crate::world::{
    CARD, OTHER_CARD, Renewal, START, World, application, at, copied, key, make, open, pkcs10, registration, subject,
    world,
};

fn code(error: &CaError) -> String {
    let refusal = error.refusal().unwrap_or_else(|| panic!("no refusal: {error}"));
    serde_json::to_value(refusal).unwrap()["code"].as_str().unwrap().to_owned()
}

/// What the authority says to a renewal, and that it issued nothing and wrote the refusal down.
fn refused(world: &mut World, renewal: &Renewal) -> String {
    refused_bytes(world, &renewal.card, &renewal.cms(), renewal)
}

fn refused_bytes(world: &mut World, card: &str, cms: &[u8], renewal: &Renewal) -> String {
    let before = world.ca.records();
    let rows_before = before.audit().unwrap().rows.len();
    let error = world.ca.renew(card, cms, renewal.now).unwrap_err();
    let after = world.ca.records();
    assert_eq!(after.certificates().unwrap().len(), before.certificates().unwrap().len());
    let rows = after.audit().unwrap().rows;
    assert_eq!(rows.len(), rows_before + 1);
    assert!(serde_json::to_string(rows.last().unwrap()).unwrap().contains("\"event\":\"refused\""));
    code(&error)
}

type Change = fn(&mut World, &mut Renewal);

const RENEWALS: [(&str, Change); 19] = [
    ("too-early", |_, r| r.now = at("2026-12-31T09:59:59")),
    ("expired", |_, r| r.now = at("2027-01-31T10:00:01")),
    ("revoked", |w, r| {
        w.ca.revoke(r.old.serial(), Reason::AffiliationChanged, r.now).unwrap();
    }),
    ("subject-differs", |_, r| r.subject_der = subject("王大明")),
    ("key-reused", |_, r| r.new_key = key(0)),
    ("key-seen", |w, _| {
        w.ca.issue(OTHER_CARD, &application("bob", 1), at(START)).unwrap();
    }),
    ("renewal-certificate-missing", |_, r| r.named = None),
    ("renewal-certificate-differs", |w, r| {
        r.named = Some(w.ca.issue(OTHER_CARD, &application("bob", 2), at(START)).unwrap());
    }),
    ("other-subscriber", |_, r| r.card = OTHER_CARD.into()),
    ("card-unknown", |_, r| r.card = "CARD-9".into()),
    ("card-replaced", |w, r| {
        // The old certificate was on a card that is still there, the new key is on one that is lost.
        w.ca.register(&registration("alice", "CARD-3"), r.now).unwrap();
        w.ca.replace("alice", "CARD-3", "CARD-4", Reason::Unspecified, r.now).unwrap();
        r.card = "CARD-3".into();
    }),
    ("agreement-outdated", |w, r| {
        w.ca.set_agreement("another text", r.now).unwrap();
    }),
    ("nonce-unknown", |_, r| r.nonce = vec![7; 32]),
    ("nonce-unknown", |w, r| r.nonce = w.ca.nonce("bob", r.now).unwrap().to_vec()),
    ("nonce-expired", |w, r| r.nonce = w.ca.nonce("alice", at("2027-01-10T11:49:59")).unwrap().to_vec()),
    ("nonce-used", |w, r| {
        // Another certificate of the same subscriber was renewed with it.
        w.ca.register(&registration("alice", "CARD-3"), at(START)).unwrap();
        let old = w.ca.issue("CARD-3", &application("alice", 3), at(START)).unwrap();
        let mut other = w.renewal();
        (other.old, other.named) = (old.clone(), Some(old));
        (other.old_key, other.new_key) = (key(3), key(4));
        other.card = "CARD-3".into();
        w.ca.renew(&other.card, &other.cms(), other.now).unwrap();
        r.nonce = other.nonce;
    }),
    ("already-renewed", |w, r| {
        w.ca.renew(CARD, &r.cms(), r.now).unwrap();
        r.nonce = w.ca.nonce("alice", r.now).unwrap().to_vec();
        r.new_key = key(2);
    }),
    ("not-issued-by-us", |_, r| {
        let dir = make(8);
        let mut other = open(dir.path());
        other.register(&registration("alice", CARD), at(START)).unwrap();
        r.old = other.issue(CARD, &application("alice", 0), at(START)).unwrap();
        r.named = Some(r.old.clone());
    }),
    ("unknown-certificate", |w, r| {
        // Signed by our key, but by an authority that was set back to an older copy of its directory.
        let dir = copied(w.dir.path());
        let mut other = open(dir.path());
        other.revoke(r.old.serial(), Reason::Superseded, at(START)).unwrap();
        r.old = other.issue(CARD, &application("alice", 3), at(START)).unwrap();
        (r.named, r.old_key) = (Some(r.old.clone()), key(3));
    }),
];

#[test]
fn each_check_on_a_renewal_has_its_refusal() {
    for (expected, change) in RENEWALS {
        let mut world = world();
        let mut renewal = world.renewal();
        change(&mut world, &mut renewal);
        assert_eq!(refused(&mut world, &renewal), expected);
    }
}

#[test]
fn the_window_is_open_to_the_second() {
    for now in ["2026-12-31T10:00:00", "2027-01-31T10:00:00"] {
        let mut world = world();
        let mut renewal = world.renewal();
        renewal.now = at(now);
        renewal.nonce = world.ca.nonce("alice", renewal.now).unwrap().to_vec();
        let new = world.ca.renew(CARD, &renewal.cms(), renewal.now).unwrap();
        assert!(new.validity().not_after > world.old.validity().not_after);
        let old = world.ca.records().certificates().unwrap().remove(0);
        assert_eq!(old.issued.state(renewal.now), "valid", "the old certificate stays valid to its end");
        assert_eq!(Window::before(old.issued.not_after).opens, at("2026-12-31T10:00:00"));
    }
}

#[test]
fn a_renewal_must_be_well_formed() {
    let mut world = world();
    let renewal = world.renewal();
    let good = renewal.cms();
    let mut broken = good.clone();
    *broken.last_mut().unwrap() ^= 1;
    for (expected, bytes) in [
        ("not-der", b"no DER at all".to_vec()),
        ("too-large", vec![0x30; 70_000]),
        ("bad-signature", broken),
        ("not-der", [good.as_slice(), &[0]].concat()),
    ] {
        assert_eq!(refused_bytes(&mut world, CARD, &bytes, &renewal), expected);
    }
    assert!(world.ca.renew(CARD, &good, renewal.now).is_ok(), "what was refused before is no hindrance");
}

/// What our own builder cannot make wrong, `openssl` can.
#[test]
fn a_renewal_has_one_signer_attributes_and_a_good_digest() {
    let Some(openssl) = testkit::require_or_skip(testkit::find_program("openssl")) else { return };
    let mut world = world();
    let other = world.ca.issue(OTHER_CARD, &application("bob", 2), at(START)).unwrap();
    let renewal = world.renewal();
    let request = pkcs10(&renewal.subject_der, renewal.new_key, renewal.named.as_ref());
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("request"), &request).unwrap();
    for (name, certificate, private) in [("one", &renewal.old, key(0)), ("two", &other, key(2))] {
        std::fs::write(path(name), certificate.to_pem()).unwrap();
        let pem = private.to_pkcs8_pem(LineEnding::LF).unwrap();
        std::fs::write(path(&format!("{name}.key")), pem.as_bytes()).unwrap();
    }
    let one = ["-signer", &path("one"), "-inkey", &path("one.key")].map(str::to_owned).to_vec();
    let two = ["-signer", &path("two"), "-inkey", &path("two.key")].map(str::to_owned).to_vec();
    let cases = [
        ("signers", [one.clone(), two].concat()),
        ("weak-digest", [one.clone(), vec!["-md".into(), "sha1".into()]].concat()),
        ("no-signed-attributes", [one.clone(), vec!["-noattr".into()]].concat()),
        ("nonce-unknown", one),
    ];
    for (expected, options) in cases {
        let mut command = Command::new(&openssl);
        command.args(["cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", &path("request")]);
        let output = testkit::run_bounded(command.args(options), Duration::from_secs(20));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(refused_bytes(&mut world, CARD, &output.stdout, &renewal), expected);
    }
}

#[test]
fn each_check_on_an_application_has_its_refusal() {
    let short = RsaPrivateKey::new_unchecked(&mut ChaCha20Rng::seed_from_u64(1), 1024).unwrap();
    let alice = registration("alice", CARD).subject_der;
    let mut broken = application("alice", 3);
    *broken.last_mut().unwrap() ^= 1;
    let mut world = world();
    world.ca.register(&registration("alice", "CARD-3"), at(START)).unwrap();
    let cases = [
        ("card-unknown", "CARD-9", application("alice", 3)),
        ("card-unknown", "../../etc", application("alice", 3)),
        ("subject-differs", "CARD-3", application("bob", 3)),
        ("key-seen", "CARD-3", application("alice", 0)),
        ("key-seen", OTHER_CARD, application("bob", 0)),
        ("weak-key", "CARD-3", pkcs10(&alice, &short, None)),
        ("bad-request-signature", "CARD-3", broken),
        ("not-der", "CARD-3", vec![1, 2, 3]),
        ("too-large", "CARD-3", vec![0x30; 20_000]),
        ("still-valid", CARD, application("alice", 3)),
        ("no-signed-attributes", "CARD-3", pkcs10(&alice, key(3), Some(&world.old))),
    ];
    for (expected, card, request) in cases {
        let error = world.ca.issue(card, &request, at(START)).unwrap_err();
        assert_eq!(code(&error), expected, "{card}");
    }
    assert_eq!(world.ca.records().certificates().unwrap().len(), 1);
}

/// A subscriber with a valid certificate on a card renews it. Without one, whatever the reason, an application is open
/// once the desk has registered the card anew.
#[test]
fn after_revocation_or_expiry_an_application_is_open_again_once_registered() {
    let refused = |world: &mut World, number, now| {
        let error = world.ca.issue(CARD, &application("alice", number), at(now)).unwrap_err();
        error.refusal().cloned().unwrap()
    };
    let again = |world: &mut World, now| {
        world.ca.register_anew(&registration("alice", CARD), at(now)).unwrap();
    };
    let mut revoked = world();
    revoked.ca.revoke(revoked.old.serial(), Reason::KeyCompromise, at(RENEWED)).unwrap();
    assert!(matches!(refused(&mut revoked, 3, RENEWED), Refusal::Revoked { .. }));
    again(&mut revoked, RENEWED);
    assert!(revoked.ca.issue(CARD, &application("alice", 3), at(RENEWED)).is_ok());
    let mut expired = world();
    assert!(matches!(refused(&mut expired, 3, "2027-01-31T10:00:01"), Refusal::Expired { .. }));
    again(&mut expired, "2027-01-31T10:00:01");
    assert!(expired.ca.issue(CARD, &application("alice", 3), at("2027-01-31T10:00:01")).is_ok());
    assert!(matches!(refused(&mut expired, 4, "2027-01-31T10:00:02"), Refusal::StillValid { .. }));
}

const RENEWED: &str = "2026-06-01";

#[test]
fn the_alternative_name_must_be_the_registered_one() {
    let Some(openssl) = testkit::require_or_skip(testkit::find_program("openssl")) else { return };
    let mut world = world();
    let plain = card_pki::channel::Registration {
        subject_der: card_pki::name::Subject {
            country: "TW".into(),
            organization: None,
            unit: vec![],
            common_name: "Carol".into(),
            serial_number: None,
        }
        .to_der()
        .unwrap(),
        ..registration("carol", "CARD-C")
    };
    world.ca.register(&plain, at(START)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, key(5).to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes()).unwrap();
    let request = |san: &str| {
        let mut command = Command::new(&openssl);
        command.args(["req", "-new", "-utf8", "-subj", "/C=TW/CN=Carol", "-outform", "DER", "-key"]).arg(&file);
        command.args(["-addext", &format!("subjectAltName=email:{san}"), "-config", "/dev/null"]);
        let output = testkit::run_bounded(&mut command, Duration::from_secs(20));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let error = world.ca.issue("CARD-C", &request("mallory@example.org"), at(START)).unwrap_err();
    assert_eq!(code(&error), "subject-alt-name-differs");
    let issued = world.ca.issue("CARD-C", &request("carol@example.org"), at(START)).unwrap();
    assert!(issued.subject_alt_name_der().is_some());
}
