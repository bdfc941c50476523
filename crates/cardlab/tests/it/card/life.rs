//! The whole life of a card from a script.

use std::fs;

use super::desk::{CARD, Desk, FIRST, LATER, PIN};

/// The states of the card's certificates, newest first.
fn states(desk: &Desk, now: &str) -> Vec<String> {
    let certs = desk.card(now, &["certs", "--json"]).ends(0).json();
    let rows = certs["certificates"].as_array().unwrap().clone();
    rows.iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_letter_is_written_once_and_the_puk_is_the_authoritys() {
    let desk = Desk::blank();
    desk.card(FIRST, &["init", "--serial", CARD]).ends(0).says(&["CARD PIN LETTER", "sealed"]);
    fs::remove_file(desk.path("card.img")).unwrap();
    desk.card(FIRST, &["init", "--serial", CARD, "--letter", "letter"]).ends(2).says(&["already holds a PUK"]);
    assert!(!desk.path("letter").exists(), "a letter for a card that was not made");
    let again = ["init", "--serial", CARD, "--letter", "letter", "--again"];
    desk.card(FIRST, &again).ends(0).says(&["letter"]);
    let letter = fs::read_to_string(desk.path("letter")).unwrap();
    let pin = letter
        .split_whitespace()
        .find(|word| word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit()) && *word != CARD);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(desk.path("letter")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    desk.give("pin", pin.unwrap());
    desk.card(FIRST, &["pin", "verify", "--pin-fd", "3"]).ends(0);
    desk.card(FIRST, &again).ends(1).says(&["personalised already"]);
    desk.registered();
    desk.answered(FIRST);
    let puk = desk.ca(&["puk", "--card", CARD, "--now", FIRST]).ends(0).out;
    desk.keeps(&[pin.unwrap(), puk.trim()]);
}

#[test]
fn renewal_retirement_and_the_stale_registration() {
    let desk = Desk::ready();
    let accept = ["--accept-agreement", "channel/agreement.txt"];
    let renew = [&["renew", "--pin-fd", "3"][..], &accept].concat();
    desk.card(FIRST, &renew).ends(1).says(&["too early", "2026-12-10 10:00:00", "2027-01-10 10:00:00"]);
    desk.card("2027-02-01", &renew).ends(1).says(&["expired on 2027-01-10 10:00:00"]);
    desk.card(LATER, &["register"]).ends(0).says(&["pkcs11:", "registered"]);
    desk.card(LATER, &["register"]).ends(0).says(&["nothing was changed"]);
    desk.may_renew();
    let waiting = desk.card(LATER, &renew).ends(3);
    let order = [
        "Do not leave",
        "Insert the card",
        "Reader:",
        "will be generated",
        "signed with the original card certificate",
        "Insert the card",
        "Reader:",
        "has been sent",
        "not answered yet",
    ];
    let mut at = 0;
    for words in order {
        at += waiting.err[at..].find(words).unwrap_or_else(|| panic!("{words}: {}", waiting.err));
    }
    desk.answered(LATER);
    desk.card(LATER, &["install", "--pin-fd", "3"]).ends(3).says(&["has been renewed", "out of date"]);
    desk.answered(LATER);
    desk.card(LATER, &["install", "--pin-fd", "3"]).ends(0).says(&["completed the renewal"]);
    assert_eq!(states(&desk, LATER), ["current", "superseded"]);
    desk.card(LATER, &["info"]).ends(0).says(&["out of date", "2027-11-20 10:00:00"]);
    desk.card(LATER, &["register"]).ends(0).says(&["are registered"]);
    desk.card(LATER, &["install", "--pin-fd", "3"]).ends(1).says(&["Nothing is waiting"]);
    desk.card(LATER, &["retire", "--pin-fd", "3"]).ends(0).says(&["is retired", "out of date"]);
    assert_eq!(states(&desk, LATER), ["current", "retired"]);
    desk.card(LATER, &["register"]).ends(0).says(&["Registration removed"]);
    desk.card(LATER, &["download"]).ends(0).says(&["on the card already"]);
    desk.keeps(&[PIN]);
}

#[test]
fn a_signature_holds_and_a_spoiled_one_does_not() {
    let desk = Desk::ready();
    fs::write(desk.path("letter"), "to a friend").unwrap();
    desk.card(FIRST, &["sign", "letter", "--pin-fd", "3"]).ends(0).says(&["letter.sig"]);
    let verify = ["verify", "letter", "letter.sig"];
    desk.card(FIRST, &verify).ends(2).says(&["No certificate is registered"]);
    desk.card(FIRST, &["register"]).ends(0);
    desk.card(FIRST, &verify).ends(0).says(&[
        "The signature is good",
        "issued by this authority",
        "not on the revocation",
    ]);
    desk.card("2027-02-01", &verify).ends(1).says(&["certificate does not hold", "2027-01-10 10:00:00"]);
    let serial = desk.card(FIRST, &["info", "--json"]).json()["current"].as_str().unwrap().to_owned();
    fs::write(desk.path("letter"), "to a fiend").unwrap();
    desk.card(FIRST, &verify).ends(1).says(&["not valid"]);
    fs::write(desk.path("letter"), "to a friend").unwrap();
    let revoke = ["revoke", &serial, "--reason", "key-compromise", "--now", FIRST];
    desk.ca(&revoke).ends(0);
    desk.ca(&["publish", "--channel", "channel", "--now", FIRST]).ends(0);
    desk.card(FIRST, &verify).ends(1).says(&["was revoked on 2026-01-10 10:00:00"]);
    desk.keeps(&[PIN]);
}

#[test]
fn a_locked_card_is_rescued_with_the_desks_puk() {
    let desk = Desk::ready();
    let verify = ["pin", "verify", "--pin-fd", "3"];
    desk.give("pin", "11112222");
    desk.card(FIRST, &verify).ends(1).says(&["Tries left: 2"]);
    let said = desk.card(FIRST, &["pin", "verify", "--pin-fd", "3", "--json"]).ends(1).json();
    assert_eq!((said["error"]["code"].as_str(), said["error"]["tries_left"].as_u64()), (Some("wrong-pin"), Some(1)));
    desk.card(FIRST, &verify).ends(1).says(&["--spend-last-try"]);
    desk.card(FIRST, &["info"]).ends(0).says(&["tries left: 1"]);
    let way_out = ["cardlab ca puk --card 00112233", "cardlab card pin unblock"];
    desk.card(FIRST, &["pin", "verify", "--pin-fd", "3", "--spend-last-try"]).ends(1).says(&way_out);
    desk.give("pin", PIN);
    desk.card(FIRST, &["login", "--pin-fd", "3", "--lang", "zh-TW"]).ends(1).says(&["鎖卡", way_out[0], way_out[1]]);
    desk.give("puk", "wrongwrongwrong!");
    desk.give("new", "abcdef");
    let unblock = ["pin", "unblock", "--puk-fd", "5", "--new-pin-fd", "4"];
    desk.card(FIRST, &unblock).ends(1).says(&["PUK is wrong", "Tries left: 4"]);
    let puk = desk.ca(&["puk", "--card", CARD, "--now", FIRST]).ends(0).out;
    desk.give("puk", puk.trim());
    desk.card(FIRST, &unblock).ends(0).says(&["unlocked"]);
    desk.give("pin", "abcdef");
    desk.card(FIRST, &verify).ends(0);
    desk.give("new", PIN);
    desk.card(FIRST, &["pin", "change", "--pin-fd", "3", "--new-pin-fd", "4"]).ends(0).says(&["changed"]);
    desk.keeps(&[PIN, "abcdef", "11112222", puk.trim()]);
}
