//! PINs and PUKs on their way from a file descriptor or a terminal to the card. Wiped when dropped, never printed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use host_driver::{Pin, Puk};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::texts::Lang;

/// The shortest PIN of this service.
pub(crate) const PIN_MIN: usize = 6;
/// The longest PIN.
pub(crate) const PIN_MAX: usize = 16;
/// The length of a PUK.
pub(crate) const PUK_LEN: usize = 16;
/// No line with a secret is longer; what follows is not read.
const LONGEST_LINE: usize = 256;

/// What a person typed or a script gave, before it is known to be a PIN.
pub(crate) type Typed = Zeroizing<String>;

/// Secrets that a script hands over on file descriptors, one a line.
#[derive(Default)]
pub(crate) struct Descriptors {
    open: BTreeMap<u32, Box<dyn Read>>,
}

impl Descriptors {
    /// The next line of the descriptor.
    pub(crate) fn line(&mut self, lang: Lang, fd: u32) -> Result<Typed, Failure> {
        let nothing = || Failure::missing("no-secret", lang.no_secret_on_fd(fd));
        let source = match self.open.entry(fd) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(open(fd).ok_or_else(nothing)?),
        };
        let line = read_line(source).ok_or_else(nothing)?;
        if line.is_empty() { Err(nothing()) } else { Ok(line) }
    }
}

fn open(fd: u32) -> Option<Box<dyn Read>> {
    if fd == 0 {
        return Some(Box::new(std::io::stdin()));
    }
    let file = [format!("/proc/self/fd/{fd}"), format!("/dev/fd/{fd}")].into_iter().find_map(|p| File::open(p).ok())?;
    Some(Box::new(file))
}

/// Byte by byte, so that no buffer keeps a copy and the next line stays where it is.
fn read_line(source: &mut dyn Read) -> Option<Typed> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    let mut byte = Zeroizing::new([0; 1]);
    while line.len() < LONGEST_LINE {
        match source.read(&mut *byte) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    let text = core::str::from_utf8(&line).ok()?;
    Some(Zeroizing::new(text.trim_end_matches('\r').to_owned()))
}

/// A PIN of this service, checked before anything is sent to the card.
pub(crate) fn pin(lang: Lang, typed: &Typed) -> Result<Pin, Failure> {
    let len = typed.chars().count();
    if !(PIN_MIN..=PIN_MAX).contains(&len) {
        return Err(Failure::new("pin-length", lang.pin_length(len)));
    }
    if !typed.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::new("pin-characters", lang.pin_not_ascii()));
    }
    Pin::new(typed.as_bytes()).map_err(|error| Failure::new("pin-length", lang.pin_length(error.len)))
}

/// A PUK, checked before anything is sent to the card.
pub(crate) fn puk(lang: Lang, typed: &Typed) -> Result<Puk, Failure> {
    Puk::new(typed.as_bytes()).map_err(|error| Failure::new("puk-length", lang.puk_length(error.len)))
}

/// A new random text of that many characters of the alphabet.
pub(crate) fn random(lang: Lang, alphabet: &[u8], len: usize) -> Result<Typed, Failure> {
    let fair = 256 - 256 % alphabet.len();
    let mut text = Zeroizing::new(String::with_capacity(len));
    let mut byte = Zeroizing::new([0; 1]);
    while text.len() < len {
        getrandom::fill(&mut *byte).map_err(|_| Failure::missing("no-randomness", lang.no_randomness()))?;
        let value = usize::from(byte[0]);
        // The few values above would make some characters more likely than others.
        if value < fair {
            text.push(char::from(alphabet[value % alphabet.len()]));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_characters_are_checked_here() {
        let code = |text: &str| pin(Lang::En, &Zeroizing::new(text.to_owned())).map_err(|failure| failure.code).err();
        assert_eq!(code("12345"), Some("pin-length"));
        assert_eq!(code("12345678901234567"), Some("pin-length"));
        assert_eq!(code("12345\u{6f22}"), Some("pin-characters"));
        assert_eq!(code("123 456"), Some("pin-characters"));
        assert_eq!((code("123456"), code("1234567890123456")), (None, None));
        assert!(puk(Lang::En, &Zeroizing::new("0123456789abcde".to_owned())).is_err());
    }

    #[test]
    fn lines_are_taken_one_by_one() {
        let mut source: &[u8] = b"123456\r\n7890ab\n\nrest";
        let mut next = || read_line(&mut source).unwrap().to_string();
        assert_eq!([next(), next(), next(), next(), next()], ["123456", "7890ab", "", "rest", ""]);
    }

    #[test]
    fn random_texts_keep_to_their_alphabet_and_differ() {
        let one = random(Lang::En, b"0123456789", 64).unwrap();
        let other = random(Lang::En, b"0123456789", 64).unwrap();
        assert!(one.len() == 64 && one.bytes().all(|byte| byte.is_ascii_digit()));
        assert_ne!(*one, *other);
    }
}
