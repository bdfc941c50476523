//! Downloads after a write that failed.

use std::fs;
use std::process::Command;
use std::time::Instant;

use super::super::desk::{Desk, LATER, LIMIT, PIN};
use super::super::terminal::Terminal;
use super::{RENEW, certificates, states};

/// A renewal that the authority has answered; nothing of the answer is on the card. Made once for both tests.
fn answered() -> Desk {
    let desk = Desk::ready();
    desk.may_renew();
    desk.card(LATER, &RENEW).ends(3);
    desk.answered(LATER);
    desk
}

/// Installs, and kills the process when the card's memory has changed so many times.
fn install_killed_after(desk: &Desk, changes: usize) {
    let image = desk.path("card.img");
    let mut seen = fs::read(&image).unwrap();
    let args = ["install", "--pin-fd", "3", "--batch", "--image", "card.img", "--now", LATER];
    let mut child = desk.begin(Command::new("sh"), &args);
    let (end, mut count) = (Instant::now() + LIMIT, 0);
    while count < changes {
        assert!(Instant::now() < end, "the installation hangs");
        if child.try_wait().unwrap().is_some() {
            return;
        }
        let now = fs::read(&image).unwrap();
        if now != seen {
            (seen, count) = (now, count + 1);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_download_restores_what_a_killed_write_left_out() {
    let made = answered();
    fs::write(made.path("letter"), "to a friend").unwrap();
    let mut missing = 0;
    // Where the machine is busy a kill may come late; the first one is in time always, and removal.rs has exact moments.
    for changes in [0, 1, 2, 3, 4, 6, 8, 11, 14] {
        let desk = made.copy();
        install_killed_after(&desk, changes);
        let listed = desk.card(LATER, &["download", "--list", "--json"]).ends(0).json();
        let listed = listed["missing"].as_array().unwrap().clone();
        let done = desk.card(LATER, &["download", "--all", "--pin-fd", "3", "--json"]).ends(0).json();
        assert_eq!(done["downloaded"].as_array(), Some(&listed), "after {changes} changes");
        missing += listed.len();
        let found = certificates(&desk, LATER);
        assert_eq!((found[0].0.as_str(), found[1].0.as_str(), found.len()), ("current", "superseded", 2));
        assert!(listed.iter().all(|serial| serial.as_str() == Some(&found[0].1)), "{listed:?} {found:?}");
        let signed = desk.card(LATER, &["sign", "letter", "--pin-fd", "3", "--json"]).ends(0).json();
        assert_eq!(signed["certificate"].as_str(), Some(found[0].1.as_str()));
        desk.card(LATER, &["register"]).ends(0);
        desk.card(LATER, &["verify", "letter", "letter.sig"]).ends(0).says(&["is good", "issued by this authority"]);
        desk.card(LATER, &["download", "--list"]).ends(0).says(&["on the card already"]);
        desk.card(LATER, &["install", "--pin-fd", "3"]).ends(3);
        desk.answered(LATER);
        desk.card(LATER, &["install", "--pin-fd", "3"]).ends(0).says(&["completed"]);
        desk.card(LATER, &["retire", "--pin-fd", "3"]).ends(0).says(&["is retired"]);
        desk.keeps(&[PIN]);
    }
    assert!(missing > 0, "nothing was ever missing");
}

#[test]
fn missing_certificates_are_ticked_at_a_terminal() {
    let desk = answered();
    let before = fs::read(desk.path("card.img")).unwrap();
    let words = format!("download --image card.img --now {LATER}");
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("Certificate download").shows("  1. ").shows("empty takes all").types("q\r");
    terminal.ends(1);
    assert_eq!(fs::read(desk.path("card.img")).unwrap(), before);
    desk.card(LATER, &["download", "--pin-fd", "3"]).ends(2).says(&["--all | --serial"]);
    desk.card(LATER, &["download", "--serial", "00", "--pin-fd", "3"]).ends(2).says(&["00"]);
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("  1. ").shows("empty takes all").types("2\r").shows("not one of the numbers");
    terminal.shows("empty takes all").types("1\r").shows("Download them now?").types("y\r");
    terminal.shows("Writing the certificate").shows("PIN (6-16 characters):").types(&format!("{PIN}\r"));
    terminal.shows("[Enter] OK").types("\r").shows("The download is finished");
    terminal.ends(0);
    assert_eq!(states(&desk, LATER), ["current", "superseded"]);
}
