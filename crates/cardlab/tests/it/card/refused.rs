//! What a script may not do or has forgotten: told in a sentence, in both languages, with the card unchanged.

use std::fs;

use super::desk::{Desk, FIRST, LATER};

#[test]
fn impossible_pins_reach_no_card() {
    let desk = Desk::ready();
    let before = fs::read(desk.path("card.img")).unwrap();
    for (pin, english, chinese) in [("12345", "this one has 5", "有 5 個"), ("12345678901234567", "has 17", "有 17 個")]
    {
        desk.give("pin", pin);
        for command in [&["login"][..], &["renew"], &["sign", "card.img"], &["pin", "verify"]] {
            let args = [command, &["--pin-fd", "3"]].concat();
            desk.card(FIRST, &args).ends(1).says(&[english, "no try was spent"]);
            desk.card(FIRST, &[&args[..], &["--lang", "zh-TW"]].concat()).ends(1).says(&[chinese]);
        }
    }
    assert_eq!(fs::read(desk.path("card.img")).unwrap(), before);
}

#[test]
fn what_is_missing_is_named() {
    let desk = Desk::ready();
    let before = fs::read(desk.path("card.img")).unwrap();
    desk.may_renew();
    let other = "I agree to something else\n";
    fs::write(desk.path("other.txt"), other).unwrap();
    let cases: [(&[&str], i32, &str, &str); 7] = [
        (&["login"], 2, "--pin-fd N", "--pin-fd N"),
        (&["pin", "change", "--pin-fd", "3"], 2, "--new-pin-fd", "--new-pin-fd"),
        (&["pin", "unblock"], 2, "--puk-fd", "--puk-fd"),
        (&["login", "--pin-fd", "9"], 2, "file descriptor 9", "檔案描述符 9"),
        (&["renew", "--pin-fd", "3"], 2, "agreement must be accepted", "須先接受用戶約定條款"),
        (
            &["renew", "--pin-fd", "3", "--accept-agreement", "other.txt"],
            1,
            "not the authority's present",
            "並非憑證中心目前",
        ),
        (&["apply", "--pin-fd", "3"], 1, "valid until 2027-01-10 10:00:00", "2027-01-10 10:00:00"),
    ];
    for (args, code, english, chinese) in cases {
        desk.card(LATER, args).ends(code).says(&[english]);
        desk.card(LATER, &[args, &["--lang", "zh-TW"]].concat()).ends(code).says(&[chinese]);
    }
    let no_channel = ["apply", "--channel", "nowhere", "--pin-fd", "3"];
    desk.card(LATER, &no_channel).ends(2).says(&["cannot be reached", "nowhere"]);
    // A login for step 0 verifies the PIN, which the card writes down.
    let after = desk.card(LATER, &["certs", "--json"]).ends(0).json();
    assert_eq!(after["certificates"].as_array().unwrap().len(), 1);
    assert_eq!(before.len(), fs::read(desk.path("card.img")).unwrap().len());
}

#[test]
fn a_blank_card_and_a_missing_image_are_told() {
    let desk = Desk::blank();
    desk.card(FIRST, &["info"]).ends(2).says(&["there is no image"]);
    let options = cardlab::image::ImageOptions {
        path: desk.path("card.img"),
        preset: card_os::Preset::named("certificate"),
        seed: Some(1),
        durable: false,
    };
    drop(cardlab::image::open(&options).unwrap());
    desk.card(FIRST, &["info"]).ends(1).says(&["The card is blank", "cardlab card init"]);
    desk.card(FIRST, &["init", "--channel", ""]).ends(2);
    desk.card(FIRST, &["init", "--serial", "no spaces"]).ends(2).says(&["serial number"]);
}
