//! What the driver logs at its most talkative, over all that the other tests do too.

use std::fmt::Write as _;
use std::sync::{Mutex, Once};

use host_driver::{Curve, Pin, Puk, RsaParts};

use crate::fake::{NEW_PIN, PIN, PUK, card, pin};
use host_driver::KeySlot;

static LINES: Mutex<String> = Mutex::new(String::new());
static INSTALL: Once = Once::new();

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        writeln!(LINES.lock().unwrap(), "{} {} {}", record.level(), record.target(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

/// From here on every line of this process is kept.
fn capture() {
    INSTALL.call_once(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

#[test]
fn no_secret_is_logged() {
    capture();
    let (new, puk) = (Pin::new(NEW_PIN).unwrap(), Puk::new(PUK).unwrap());
    let secret = [0xB7; 32];
    // Every answer, so that each way through the driver is taken; 6C10 makes it send a command twice.
    for answer in ["9000", "63C1", "6983", "6C10", "6700", "6102", "F00D"] {
        let _ = card(&[answer]).verify(&pin()).map(drop);
        let _ = card(&[answer]).change_pin(&pin(), &new);
        let _ = card(&[answer]).unblock_pin(&puk, &new);
        let _ = card(&[answer]).set_pin(&pin());
        let _ = card(&[answer]).set_puk(&puk);
        let mut card = card(&["9000", "9000", answer]);
        card.limits().extended = answer == "6700";
        let mut verified = card.verify(&pin()).unwrap();
        let _ = verified.import_ec(KeySlot::FIRST, Curve::P256, &secret);
        let long = [0xB7; 128];
        let parts = RsaParts { p: &long, q: &long, qinv: &long, dp: &long, dq: &long };
        let _ = verified.import_rsa(KeySlot::FIRST, &parts);
        let _ = verified.decipher(KeySlot::FIRST, &long);
    }
    let lines = LINES.lock().unwrap().to_lowercase();
    for secret in [PIN, NEW_PIN, PUK] {
        assert!(!lines.contains(secret), "in ASCII");
        assert!(!lines.contains(&hex::encode(secret)), "in hexadecimal");
        assert!(!lines.contains(&format!("{:02x?}", secret.as_bytes())), "as a list of bytes");
    }
    assert!(!lines.contains("b7b7"), "key bytes");
    assert!(lines.contains("verify: 00 20 00 01 lc=16 le=0 -> 0 bytes, 63c1 (wrong pin, 1 try left)"), "{lines}");
}

#[test]
fn deciphered_and_read_data_is_not_logged_and_selected_paths_are() {
    capture();
    let mut card = card(&["9000", "9000", "C0FFEE5EC2E79000", "C0FFEE5EC2E79000", "6A82"]);
    card.verify(&pin()).unwrap().decipher(KeySlot::FIRST, &[1; 200]).unwrap();
    card.read_binary(0, 6).unwrap();
    let _ = card.select(&[0x5ABC, 0x1234]);
    let lines = LINES.lock().unwrap().to_uppercase();
    assert!(!lines.contains("C0FFEE"));
    assert!(lines.contains("SELECT: 00 A4 08 00 LC=4 LE=256 5ABC1234 -> 0 BYTES, 6A82"), "{lines}");
}
