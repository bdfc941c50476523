//! Each command once, and the three exit codes.

use std::fs;

use card_pki::channel::{Answer, Channel, Kind, Recipient, Submission};
use card_pki::key::PublicKey;

use super::site::{PASSPHRASE, RENEWAL, START, Site};

#[test]
fn a_certificate_lives_from_registration_to_revocation() {
    let Some(site) = Site::new() else { return };
    let old = site.issued();
    assert_eq!(site.issued(), old, "the same request gets the same certificate");
    let due = site.done(RENEWAL, &["due", "--within", "1mo"]);
    assert_eq!(due["notices"][0]["to"], "alice@example.org");
    assert!(site.done(RENEWAL, &["due"])["notices"].as_array().unwrap().is_empty());

    fs::write(site.file("renewal"), site.renewal(&old)).unwrap();
    let renew =
        |now: &str| site.run(now, &["renew", "--card", "C1", &site.path("renewal"), "--out", &site.path("new.pem")]);
    assert_eq!(renew("2026-06-01").json["refusal"]["code"], "too-early");
    assert_eq!(renew(RENEWAL).code, 0);

    let list = site.done(RENEWAL, &["list"]);
    assert_eq!(list["certificates"].as_array().unwrap().len(), 2);
    let serial = list["certificates"][1]["serial"].as_str().unwrap().to_owned();
    assert_eq!(site.done(RENEWAL, &["revoke", &serial, "--reason", "key-compromise"])["reason"], "key-compromise");
    assert_eq!(site.refused(RENEWAL, &["revoke", &serial, "--reason", "superseded"]), "");
    assert_eq!(site.refused(RENEWAL, &["renew", "--card", "C1", &site.path("renewal")]), "revoked");
    let crl = site.done(RENEWAL, &["crl", "--days", "3", "--out", &site.path("crl")]);
    assert_eq!(crl["next_update"], "2027-01-13T04:00:00Z");
    let text = site.openssl(&["crl", "-inform", "DER", "-in", &site.path("crl"), "-noout", "-text"]);
    assert!(String::from_utf8(text).unwrap().contains(&serial));
    let shown = site.done(RENEWAL, &["show", &serial]);
    assert_eq!(shown["certificate"]["state"], "revoked");
    let audit = site.done(RENEWAL, &["audit"]);
    assert_eq!(audit["rows"][0]["event"], "created");
}

#[test]
fn a_lost_card_is_replaced_and_its_holder_stays() {
    let Some(site) = Site::new() else { return };
    let old = site.issued();
    let replaced = site.done(RENEWAL, &["replace", "--subscriber", "alice", "--lost", "C1", "--card", "C2"]);
    assert_eq!(replaced["revoked"][0], old.serial());
    assert_eq!(site.refused(RENEWAL, &["issue", "--card", "C1", &site.path("request")]), "card-replaced");
    fs::write(site.file("request2"), site.request("new", None)).unwrap();
    site.done(RENEWAL, &["issue", "--card", "C2", &site.path("request2")]);
    let shown = site.done(RENEWAL, &["show", "alice"]);
    assert_eq!(shown["cards"].as_array().unwrap().len(), 2);
    assert_eq!(site.done(RENEWAL, &["show", "C2"])["certificates"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_run_says_so_with_another_exit_code() {
    let Some(site) = Site::new() else { return };
    let before = fs::read(site.dir().join("state.json")).unwrap();
    let wrong = testkit::run_bounded(
        site.command(START, &["crl"]).env("CARDLAB_CA_PASSPHRASE", "wrong"),
        std::time::Duration::from_secs(60),
    );
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("passphrase is wrong"));
    assert_eq!(site.run(START, &["init"]).code, 2, "the directory is not empty");
    // Another issuer at work: the second one says so at once, or waits when it is told to.
    let lock = fs::File::options().write(true).open(site.dir().join("lock")).unwrap();
    lock.lock().unwrap();
    let said = site.run(START, &["crl"]);
    assert!(said.code == 2 && said.errors.contains("another process"), "{}", said.errors);
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| site.run(START, &["nonce", "--subscriber", "alice", "--wait", "50"]).code);
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(fs::read(site.dir().join("state.json")).unwrap(), before);
        lock.unlock().unwrap();
        waiting.join().unwrap()
    });
    assert_eq!(waiting, 0);
    let nowhere = site.run(START, &["list", "--dir", "/nonexistent"]);
    assert!(nowhere.code == 2 && nowhere.errors.contains("cardlab ca init"), "{}", nowhere.errors);
    assert_eq!(site.refused(START, &["nonce", "--subscriber", "nobody"]), "not-registered");
    fs::write(site.file("garbage"), b"-----BEGIN nothing").unwrap();
    assert_eq!(site.refused(START, &["issue", "--card", "C1", &site.path("garbage")]), "not-der");
}

#[test]
fn time_that_runs_backwards_is_a_warning_and_a_changed_log_is_an_error() {
    let Some(site) = Site::new() else { return };
    site.done(RENEWAL, &["nonce", "--subscriber", "alice"]);
    let said = site.run(START, &["nonce", "--subscriber", "alice"]);
    assert!(said.code == 0 && said.errors.contains("check the clock"), "{}", said.errors);
    let log = site.dir().join("audit.log");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("alice", "mallo", 1)).unwrap();
    assert_eq!(site.run(START, &["audit"]).code, 1);
}

#[test]
fn the_passphrase_comes_from_a_file_or_a_descriptor() {
    let Some(site) = Site::new() else { return };
    fs::write(site.file("passphrase"), format!("{PASSPHRASE}\nanother line\n")).unwrap();
    let limit = std::time::Duration::from_secs(60);
    let mut by_file =
        site.command(START, &["nonce", "--subscriber", "alice", "--passphrase-file", &site.path("passphrase")]);
    assert!(testkit::run_bounded(by_file.env("CARDLAB_CA_PASSPHRASE", "wrong"), limit).status.success());
    // The shell opens descriptor 7 for it.
    let script = format!(
        "exec {} ca nonce --subscriber alice --passphrase-fd 7 7< {}",
        env!("CARGO_BIN_EXE_cardlab"),
        site.path("passphrase")
    );
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).env("CARDLAB_CA", site.dir()).env_remove("CARDLAB_CA_PASSPHRASE");
    let output = testkit::run_bounded(&mut shell, limit);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_channel_is_answered_and_the_puk_is_kept() {
    let Some(site) = Site::new() else { return };
    let directory = site.path("channel");
    site.done(START, &["publish", "--channel", &directory]);
    let channel = Channel::open(&directory).unwrap();
    let recipient: Recipient = channel.recipient().unwrap().unwrap();
    channel.put_sealed(&recipient.seal(b"8765432187654321", "C1").unwrap()).unwrap();
    let spki = site.openssl(&["pkey", "-in", &site.path("old"), "-pubout", "-outform", "DER"]);
    let key = PublicKey::from_spki_der(&spki).unwrap().hash();
    let body = fs::read(site.file("request")).unwrap();
    channel.put_submission(&key, &Submission { kind: Kind::Application, card: "C1".into(), body }).unwrap();
    let said = site.done(START, &["answer", "--channel", &directory]);
    assert_eq!(said["cases"].as_array().unwrap().len(), 2);
    assert!(matches!(channel.answer(&key).unwrap(), Answer::Issued { .. }));
    assert_eq!(site.done(START, &["puk", "--card", "C1"])["puk"], "8765432187654321");
    let audit = site.done(START, &["audit"]).to_string();
    assert!(audit.contains("puk-shown") && !audit.contains("8765432187654321"));
    site.done(START, &["nonce", "--subscriber", "alice", "--channel", &directory]);
    assert_eq!(channel.nonce("alice").unwrap().unwrap().len(), 32);
}
