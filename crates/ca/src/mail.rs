//! A mail as a file: headers (RFC 5322) with words in any script (RFC 2047), and a body in UTF-8.

use base64ct::{Base64, Encoding as _};
use card_pki::time::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// An encoded word may have 75 characters, 12 of them its frame, and with a header's name must fit into one line: 39 bytes
/// become 52 characters.
const WORD_BYTES: usize = 39;

/// Header lines are folded before this column.
const FOLD: usize = 76;

/// A mail with one body.
pub(crate) struct Mail<'a> {
    pub(crate) from: (&'a str, &'a str),
    /// Name and address; a mail without an address is to be printed and sent on paper.
    pub(crate) to: (&'a str, Option<&'a str>),
    pub(crate) subject: &'a str,
    pub(crate) date: Timestamp,
    /// What makes the mail recognisable when it is written twice.
    pub(crate) id: &'a str,
    pub(crate) body: &'a str,
}

impl Mail<'_> {
    /// The mail as it stands in a file.
    pub(crate) fn text(&self) -> String {
        let taipei = TimeZone::fixed(Offset::constant(8));
        let date = self.date.to_zoned(taipei).strftime("%a, %d %b %Y %H:%M:%S %z").to_string();
        let to = match self.to {
            (name, Some(address)) => format!("{} <{address}>", phrase(name)),
            (_, None) => "undisclosed-recipients:;".to_owned(),
        };
        let headers = [
            ("Date", date),
            ("From", format!("{} <{}>", phrase(self.from.0), self.from.1)),
            ("To", to),
            ("Subject", words(self.subject)),
            ("Message-ID", format!("<{}>", self.id)),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Content-Transfer-Encoding", "8bit".to_owned()),
            ("Auto-Submitted", "auto-generated".to_owned()),
        ];
        let mut text = String::new();
        for (name, value) in headers {
            text.push_str(&folded(name, &value));
        }
        text.push_str("\r\n");
        for line in self.body.lines() {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text
    }
}

/// A header line, folded at spaces.
fn folded(name: &str, value: &str) -> String {
    let mut text = format!("{name}:");
    let mut column = text.len();
    for word in value.split(' ') {
        if column + 1 + word.len() > FOLD && column > name.len() + 1 {
            text.push_str("\r\n");
            column = 0;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.len();
    }
    text.push_str("\r\n");
    text
}

/// A display name: as it is where it has only letters, digits and spaces, else encoded.
fn phrase(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    if plain { name.to_owned() } else { encoded(name) }
}

/// Unstructured text: as it is where it is printable ASCII, else encoded.
fn words(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && !text.contains("=?");
    if plain { text.to_owned() } else { encoded(text) }
}

/// Encoded words; a character is never divided between two of them.
fn encoded(text: &str) -> String {
    let mut pieces = vec![String::new()];
    for c in text.chars() {
        match pieces.last_mut() {
            Some(piece) if piece.len() + c.len_utf8() <= WORD_BYTES => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    let words = pieces.iter().map(|piece| format!("=?UTF-8?B?{}?=", Base64::encode_string(piece.as_bytes())));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The inverse of `encoded`.
    fn decoded(text: &str) -> String {
        let piece = |word: &str| {
            let inner = word.strip_prefix("=?UTF-8?B?").unwrap().strip_suffix("?=").unwrap();
            String::from_utf8(Base64::decode_vec(inner).unwrap()).unwrap()
        };
        text.split(' ').map(piece).collect()
    }

    #[test]
    fn every_script_survives_and_every_word_is_short() {
        for text in ["憑證展期通知", &"陳筱玲\u{20000}".repeat(40), "a\r\nBcc: x@y", "=?UTF-8?B?YQ==?="] {
            let encoded = words(text);
            assert_eq!(decoded(&encoded), text);
            assert!(encoded.is_ascii() && encoded.split(' ').all(|word| word.len() <= 75));
            assert!(!encoded.contains(['\r', '\n']));
        }
        assert_eq!(words("Renewal notice"), "Renewal notice");
    }

    #[test]
    fn lines_are_folded_and_end_as_they_must() {
        let long = "展".repeat(200);
        let mail = Mail {
            from: ("Test CA", "ra@example.invalid"),
            to: (&long, Some("a@example.invalid")),
            subject: &long,
            date: Timestamp::from_second(1_800_000_000).unwrap(),
            id: "1@example.invalid",
            body: "第一行\n\nlast",
        };
        let text = mail.text();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.split("\r\n").all(|line| line.is_ascii() && line.len() <= 78 && !line.contains('\n')));
        assert!(head.starts_with("Date: Fri, 15 Jan 2027 16:00:00 +0800\r\nFrom: Test CA <ra@example.invalid>\r\n"));
        assert_eq!(body, "第一行\r\n\r\nlast\r\n");
    }
}
