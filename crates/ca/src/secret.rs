//! The passphrase under which the authority's keys are kept.

use std::fmt;
use std::io;

use zeroize::Zeroizing;

/// A passphrase: wiped when dropped, never shown.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// The passphrase with this text; one line end after it is not part of it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Self(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
    }

    /// Asks on the terminal, without showing what is typed.
    ///
    /// # Errors
    /// Where there is no terminal.
    pub fn ask(prompt: &str) -> io::Result<Self> {
        rpassword::prompt_password(prompt).map(Self::new)
    }

    /// Whether nothing was entered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both are the same, as when a new one is typed twice.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.as_bytes() == other.0.as_bytes()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_is_no_part_of_it_and_nothing_is_shown() {
        assert!(Passphrase::new("abc\r\n").same_as(&Passphrase::new("abc")));
        assert!(!Passphrase::new("abc\n\n").same_as(&Passphrase::new("abc")));
        assert_eq!(format!("{:?}", Passphrase::new("abc")), "…");
    }
}
