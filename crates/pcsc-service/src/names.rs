//! Names of readers, and numbers that are unique in a service.

use std::collections::BTreeSet;

use crate::proto::NAME;

/// A reader's name as pcscd gives it: with the reader's and the slot's number in hexadecimal at the end, which some
/// programs count on. A name that has them already stays. None where it does not fit into a message or holds a
/// control character.
pub(crate) fn complete(name: &str, index: usize) -> Option<String> {
    let numbered = match name.as_bytes() {
        [.., b' ', a, b, b' ', c, d] => [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()),
        _ => false,
    };
    let whole = if numbered { name.to_owned() } else { format!("{name} {index:02X} 00") };
    let fits = !name.is_empty() && whole.len() < NAME && !name.chars().any(char::is_control);
    fits.then_some(whole)
}

/// Numbers from 1 to 0x7FFFFFFF, none of them twice at the same time: libpcsclite keeps handles and contexts of all its
/// connections in signed words and takes 0 for none.
#[derive(Default)]
pub(crate) struct Numbers {
    last: u32,
    used: BTreeSet<u32>,
}

impl Numbers {
    /// A number that is not in use. The same one does not come again soon.
    pub(crate) fn take(&mut self) -> u32 {
        loop {
            self.last = if self.last >= 0x7FFF_FFFF { 1 } else { self.last + 1 };
            if self.used.insert(self.last) {
                return self.last;
            }
        }
    }

    pub(crate) fn give_back(&mut self, number: u32) {
        self.used.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_with_two_numbers() {
        assert_eq!(complete("CardLab", 10).as_deref(), Some("CardLab 0A 00"));
        assert_eq!(complete("ACS ACR38U 00 00", 3).as_deref(), Some("ACS ACR38U 00 00"));
        assert_eq!(complete("ACR 38 1", 0).as_deref(), Some("ACR 38 1 00 00"));
        assert_eq!([complete("", 0), complete(&"x".repeat(122), 0), complete("a\0b", 0)], [None, None, None]);
        assert!(complete(&"x".repeat(121), 0).is_some());
    }

    #[test]
    fn numbers_in_use_are_passed_over() {
        let mut numbers = Numbers { last: 0x7FFF_FFFE, used: BTreeSet::from([1, 2]) };
        assert_eq!([numbers.take(), numbers.take(), numbers.take()], [0x7FFF_FFFF, 3, 4]);
    }
}
