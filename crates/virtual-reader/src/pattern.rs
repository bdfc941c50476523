//! Bytes that a command or an answer is compared with: `00A404????F2*`.

use thiserror::Error;

/// Hexadecimal digits, `?` for any digit, and `*` at the end for anything that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    digits: Vec<Option<u8>>,
    open: bool,
}

/// A text that is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A character that is neither a digit nor `?`, or a `*` in front of the end.
    #[error("hexadecimal digits, `?`, and `*` at the end")]
    Character,
    /// An odd number of digits.
    #[error("half a byte")]
    Half,
}

impl Pattern {
    /// Reads a pattern; blanks count for nothing.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.trim_end();
        let (digits, open) = text.strip_suffix('*').map_or((text, false), |digits| (digits, true));
        let digit = |char: char| match char {
            '?' => Ok(None),
            _ => char.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).map(Some).ok_or(PatternError::Character),
        };
        let digits = digits.chars().filter(|char| !char.is_whitespace()).map(digit).collect::<Result<Vec<_>, _>>()?;
        if digits.len().is_multiple_of(2) { Ok(Self { digits, open }) } else { Err(PatternError::Half) }
    }

    /// Whether the bytes are like that.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let (given, wanted) = (2 * bytes.len(), self.digits.len());
        let long_enough = if self.open { given >= wanted } else { given == wanted };
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
        long_enough && digits.zip(&self.digits).all(|(digit, wanted)| wanted.is_none_or(|wanted| wanted == digit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_compared() {
        for (pattern, bytes, fits) in [
            ("00A4", &[0x00, 0xA4][..], true),
            ("00 a4", &[0x00, 0xA4], true),
            ("00A4", &[0x00, 0xA4, 0x00], false),
            ("00A4*", &[0x00, 0xA4, 0x00], true),
            ("00A4*", &[0x00], false),
            ("0?A4", &[0x0C, 0xA4], true),
            ("?0A4", &[0x0C, 0xA4], false),
            ("*", &[], true),
            ("", &[], true),
            ("", &[0], false),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().fits(bytes), fits, "{pattern} {bytes:02X?}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for text in ["0G", "0*0", "**", "é0"] {
            assert_eq!(Pattern::parse(text), Err(PatternError::Character), "{text}");
        }
        assert_eq!(Pattern::parse("00A"), Err(PatternError::Half));
    }
}
