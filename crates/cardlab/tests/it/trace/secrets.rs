//! What real programs send in secret is in no trace, and in nothing that is made from one.

use std::fmt::Write as _;

use num_bigint::BigUint;

use super::{Desk, PIN, PUK, initialise};

/// The parts of a key that `openssl` made, in hexadecimal: modulus and public exponent are none of them.
fn private_parts(desk: &Desk) -> Vec<String> {
    let script = "openssl genrsa -out key.pem 2048 2>/dev/null; openssl rsa -in key.pem -noout -text";
    let output = std::process::Command::new("sh").args(["-c", script]).current_dir(desk.home()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let names = ["privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"];
    let mut parts = Vec::new();
    for name in names {
        let (_, behind) = text.split_once(&format!("{name}:")).unwrap();
        let digits: String = behind.lines().skip(1).take_while(|line| line.starts_with(' ')).collect();
        let digits: String = digits.chars().filter(char::is_ascii_hexdigit).collect();
        let number = BigUint::parse_bytes(digits.as_bytes(), 16).unwrap();
        parts.push(format!("{number:X}"));
    }
    parts
}

/// Whether 16 digits in a row of the secret are in the text, wherever it was split.
fn leaks(text: &str, secret: &str) -> bool {
    let dense: String = text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_uppercase();
    secret.as_bytes().windows(24).any(|part| dense.contains(std::str::from_utf8(part).unwrap()))
}

#[test]
fn pins_keys_and_deciphered_texts_are_in_no_trace() {
    let Some(desk) = Desk::with_programs() else { return };
    let key = private_parts(&desk);
    desk.write("plain", "twenty-four plain letters");
    let script = format!(
        "{}
         pkcs15-tool --change-pin --pin {PIN} --new-pin 654321 >&2
         pkcs15-tool --unblock-pin --puk {PUK} --new-pin {PIN} >&2
         pkcs15-init --store-private-key key.pem --id 7 --key-usage decrypt,sign --auth-id FF --pin {PIN} >&2
         openssl rsa -in key.pem -pubout -out pub.pem 2>/dev/null
         openssl pkeyutl -encrypt -pubin -inkey pub.pem -in plain -out secret -pkeyopt rsa_padding_mode:pkcs1
         pkcs11-tool -l -p {PIN} --decrypt -m RSA-PKCS -d 7 -i secret -o opened >&2
         cmp opened plain",
        initialise()
    );
    for reader in ["isoapplet,apdu=short", "isoapplet,apdu=extended"] {
        for more in ["", "--trace-files", "--trace-files --trace-doubtful"] {
            desk.record(7, "s.trace", &format!("{more} --reader {reader}"), &script);
            let trace = desk.read("s.trace");
            let shown = desk.cardlab("trace show s.trace").ok().out;
            let json = desk.cardlab("trace show --json s.trace").ok().out;
            for text in [&trace, &shown, &json] {
                for secret in [PIN, PUK, "654321"] {
                    let mut digits = String::new();
                    secret.bytes().for_each(|byte| write!(digits, "{byte:02X}").unwrap());
                    let found = text.replace(' ', "").contains(&digits);
                    assert!(!found, "{secret} with {reader} {more}");
                }
                assert!(!key.iter().any(|part| leaks(text, part)), "a key with {reader} {more}");
            }
            // The test would see it: it is there where it was asked for.
            let plain = hex(b"twenty-four plain letters");
            assert_eq!(trace.contains(&plain), more.contains("doubtful"), "{reader} {more}");
            assert!(trace.contains("2A8086") && trace.contains("DB3FFF"), "{trace}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}
