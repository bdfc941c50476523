//! The issuer killed with SIGKILL after ever longer times, then asked again: one certificate, an audit log that fits. And
//! a watcher that answers what comes.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use card_pki::channel::{Answer, Channel, Kind, Submission};
use card_pki::key::PublicKey;

use super::site::{START, Site};

#[test]
fn killed_at_any_moment_and_asked_again_it_issues_one_certificate() {
    let Some(site) = Site::new() else { return };
    let request = site.path("request");
    let arguments = ["issue", "--card", "C1", &request];
    // How long an undisturbed run takes here, on a copy: the kills are spread over it.
    let whole = {
        let Some(other) = Site::new() else { return };
        let begun = Instant::now();
        other.issued();
        begun.elapsed()
    };
    let kills = 24;
    for number in 0..kills {
        let mut child = site.command(START, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(whole * number / (kills - 1));
        let _ = child.kill();
        child.wait().unwrap();
    }
    site.done(START, &arguments);
    let list = site.done(START, &["list"]);
    assert_eq!(list["certificates"].as_array().unwrap().len(), 1);
    let rows = site.done(START, &["audit"])["rows"].to_string();
    assert_eq!(rows.matches("\"event\":\"issued\"").count(), 1);
}

#[test]
fn a_watcher_answers_what_comes_and_lets_others_work() {
    let Some(site) = Site::new() else { return };
    let directory = site.path("channel");
    site.done(START, &["publish", "--channel", &directory]);
    let channel = Channel::open(&directory).unwrap();
    let mut watcher =
        site.command(START, &["answer", "--channel", &directory, "--watch"]).stdout(Stdio::null()).spawn().unwrap();
    let spki = site.openssl(&["pkey", "-in", &site.path("old"), "-pubout", "-outform", "DER"]);
    let key = PublicKey::from_spki_der(&spki).unwrap().hash();
    let body = fs::read(site.file("request")).unwrap();
    channel.put_submission(&key, &Submission { kind: Kind::Application, card: "C1".into(), body }).unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let answered = loop {
        match channel.answer(&key).unwrap() {
            Answer::Pending if Instant::now() < end => thread::sleep(Duration::from_millis(50)),
            answer => break matches!(answer, Answer::Issued { .. }),
        }
    };
    let other = site.run(START, &["nonce", "--subscriber", "alice", "--wait", "50"]);
    let ended = Command::new("kill").args(["-INT", &watcher.id().to_string()]).status().unwrap();
    assert!(ended.success() && watcher.wait().unwrap().success(), "Ctrl-C is its proper end");
    assert!(answered);
    assert_eq!(other.code, 0, "{}", other.errors);
}
