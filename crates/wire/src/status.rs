//! Status words: numbers with names, and what they mean in words.

use core::fmt;

/// The two bytes that end every answer (ISO/IEC 7816-4:2020).
///
/// A number, not an enumeration: a card may answer anything, and an unknown word survives a round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(pub u16);

macro_rules! status_words {
    ($($name:ident = $word:literal, $text:literal;)*) => {
        impl Status {
            $(#[doc = $text] pub const $name: Self = Self($word);)*

            /// The words that have a fixed meaning, each with its text.
            pub const TABLE: &'static [(Self, &'static str)] = &[$((Self($word), $text),)*];
        }
    };
}

status_words! {
    OK = 0x9000, "success";
    CORRUPTED = 0x6281, "part of the returned data may be corrupted";
    END_OF_FILE = 0x6282, "end of file reached before Ne bytes were read";
    DEACTIVATED = 0x6283, "the selected file is deactivated";
    TERMINATED = 0x6285, "the selected file is terminated";
    NOT_CHANGED = 0x6400, "execution error, memory unchanged";
    MEMORY_FAILURE = 0x6581, "memory failure";
    WRONG_LENGTH = 0x6700, "wrong length";
    CHANNEL_NOT_SUPPORTED = 0x6881, "logical channel not supported";
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882, "secure messaging not supported";
    LAST_OF_CHAIN_EXPECTED = 0x6883, "last command of the chain expected; the chain is dropped";
    CHAINING_NOT_SUPPORTED = 0x6884, "command chaining not supported";
    NOT_ALLOWED = 0x6900, "command not allowed by the card's policy";
    INCOMPATIBLE_FILE = 0x6981, "command incompatible with the file structure, or no file selected";
    SECURITY_STATUS = 0x6982, "security status not satisfied: verify the PIN first";
    BLOCKED = 0x6983, "PIN or key blocked: no tries left";
    REFERENCE_DATA_UNUSABLE = 0x6984, "reference data not usable (malformed data field)";
    CONDITIONS = 0x6985, "conditions of use not satisfied";
    NO_CURRENT_EF = 0x6986, "command not allowed: no current EF, or wrong card state";
    WRONG_DATA = 0x6A80, "incorrect parameters in the data field";
    FUNCTION_NOT_SUPPORTED = 0x6A81, "function or algorithm not supported";
    NOT_FOUND = 0x6A82, "file or application not found";
    RECORD_NOT_FOUND = 0x6A83, "record not found";
    NO_MEMORY = 0x6A84, "not enough memory space in the file or card";
    WRONG_P1_P2 = 0x6A86, "incorrect parameters P1-P2";
    REFERENCE_NOT_FOUND = 0x6A88, "referenced data or key not found";
    FILE_EXISTS = 0x6A89, "file already exists";
    WRONG_OFFSET = 0x6B00, "wrong parameters P1-P2: offset outside the file";
    INS_NOT_SUPPORTED = 0x6D00, "instruction code not supported";
    CLASS_NOT_SUPPORTED = 0x6E00, "class not supported";
    NO_DIAGNOSIS = 0x6F00, "no precise diagnosis";
}

impl Status {
    /// 63Cx: a wrong PIN with `tries` tries left (at most 15 can be told).
    #[must_use]
    pub const fn tries_left(tries: u8) -> Self {
        let shown = if tries > 15 { 15 } else { tries };
        Self(0x63C0 | shown as u16)
    }

    /// The tries left that a 63Cx word tells.
    #[must_use]
    pub const fn retries(self) -> Option<u8> {
        if self.0 & 0xFFF0 == 0x63C0 { Some((self.0 & 0x0F) as u8) } else { None }
    }

    /// 61xx: `remaining` bytes of the answer wait for GET RESPONSE (00 stands for 256 or more).
    #[must_use]
    pub const fn more(remaining: usize) -> Self {
        let [low, ..] = remaining.to_le_bytes();
        Self(0x6100 | if remaining > 255 { 0 } else { low as u16 })
    }

    /// The number of bytes a 61xx word announces; 256 for 6100.
    #[must_use]
    pub const fn waiting(self) -> Option<usize> {
        self.count_behind(0x61)
    }

    /// The Le that a 6Cxx word asks for; 256 for 6C00.
    #[must_use]
    pub const fn corrected_ne(self) -> Option<usize> {
        self.count_behind(0x6C)
    }

    const fn count_behind(self, sw1: u8) -> Option<usize> {
        let [high, low] = self.0.to_be_bytes();
        match (high == sw1, low) {
            (false, _) => None,
            (true, 0) => Some(256),
            (true, low) => Some(low as usize),
        }
    }

    /// Exactly 9000.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0x9000
    }

    /// The two bytes in the order of the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// Splits an answer into its data and its status word; `None` if it is shorter than a status word.
    #[must_use]
    pub fn split(answer: &[u8]) -> Option<(&[u8], Self)> {
        let (data, word) = answer.split_last_chunk::<2>()?;
        Some((data, Self(u16::from_be_bytes(*word))))
    }

    /// The fixed text of the word, where it has one.
    #[must_use]
    pub fn text(self) -> Option<&'static str> {
        Self::TABLE.iter().find(|(word, _)| *word == self).map(|(_, text)| *text)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} (", self.0)?;
        match (self.text(), self.retries(), self.waiting(), self.corrected_ne()) {
            (Some(text), ..) => f.write_str(text)?,
            (_, Some(0), ..) => f.write_str("wrong PIN, no tries left: blocked")?,
            (_, Some(1), ..) => f.write_str("wrong PIN, 1 try left")?,
            (_, Some(tries), ..) => write!(f, "wrong PIN, {tries} tries left")?,
            (_, _, Some(count), _) => write!(f, "{count} more bytes wait for GET RESPONSE")?,
            (.., Some(ne)) => write!(f, "wrong Le, {ne} bytes are available")?,
            _ => f.write_str(match self.0 >> 8 {
                0x62 | 0x63 => "warning without a fixed meaning",
                0x64..=0x66 => "execution error without a fixed meaning",
                0x67..=0x6F => "checking error without a fixed meaning",
                0x90..=0x9F => "proprietary word",
                _ => "not a status word of ISO/IEC 7816-4",
            })?,
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn counters_are_read_back() {
        assert_eq!(Status::tries_left(2), Status(0x63C2));
        assert_eq!(Status::tries_left(99).retries(), Some(15));
        assert_eq!(Status::OK.retries(), None);
        assert_eq!(Status::more(14), Status(0x610E));
        assert_eq!(Status::more(256).waiting(), Some(256));
        assert_eq!(Status(0x6C00).corrected_ne(), Some(256));
    }

    #[test]
    fn every_word_can_be_said() {
        for word in 0..=u16::MAX {
            let text = Status(word).to_string();
            assert!(text.len() > 8, "{text}");
        }
        assert_eq!(Status(0x63C1).to_string(), "63C1 (wrong PIN, 1 try left)");
        assert_eq!(Status(0x610E).to_string(), "610E (14 more bytes wait for GET RESPONSE)");
    }

    #[test]
    fn answers_split_into_data_and_word() {
        assert_eq!(Status::split(&[1, 2, 0x90, 0]), Some((&[1, 2][..], Status::OK)));
        assert_eq!(Status::split(&[0x90]), None);
    }
}
