//! Bytes of which some are hidden.

use std::fmt;

/// Bytes in order; nothing for a hidden one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes(Vec<Option<u8>>);

impl Bytes {
    /// Reads hexadecimal with `··` for hidden bytes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let mut bytes = Vec::with_capacity(text.len() / 2);
        while let Some(high) = chars.next() {
            let pair = (high, chars.next()?);
            bytes.push(match pair {
                ('·', _) | (_, '·') => None,
                (high, low) => Some(u8::try_from(high.to_digit(16)? << 4 | low.to_digit(16)?).ok()?),
            });
        }
        Some(Self(bytes))
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn at(&self, index: usize) -> Option<u8> {
        self.0.get(index).copied().flatten()
    }

    /// With zero in place of what is hidden: for structure only.
    pub(super) fn filled(&self) -> Vec<u8> {
        self.0.iter().map(|byte| byte.unwrap_or(0)).collect()
    }

    /// All bytes, where none is hidden.
    pub(super) fn clear(&self) -> Option<Vec<u8>> {
        self.0.iter().copied().collect()
    }

    /// None is to be seen.
    pub(super) fn is_hidden(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    pub(super) fn slice(&self, start: usize, len: usize) -> Self {
        Self(self.0.get(start..).and_then(|rest| rest.get(..len)).unwrap_or_default().to_vec())
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Data and status word of an answer; no word where it is hidden.
    pub(super) fn split_status(self) -> Option<(Self, Option<u16>)> {
        let at = self.0.len().checked_sub(2)?;
        let word = self.at(at).zip(self.at(at + 1)).map(|(high, low)| u16::from_be_bytes([high, low]));
        Some((self.slice(0, at), word))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match byte {
                Some(byte) => write!(f, "{space}{byte:02X}")?,
                None => write!(f, "{space}··")?,
            }
        }
        Ok(())
    }
}
