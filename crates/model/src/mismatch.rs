//! How an answer differs from what the card may say. Shows no PIN and no key.

use core::fmt;

/// An answer that a card in this state must not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// First bytes of the command, and its data where it is no secret.
    command: Vec<u8>,
    /// Bytes of the whole command.
    command_len: usize,
    /// The status word that the card must answer.
    expected: u16,
    /// What the data field must be, in words.
    data: &'static str,
    /// The status word that came, if one did.
    status: Option<u16>,
    /// Bytes of the data field that came.
    data_len: usize,
}

/// Command bytes that are shown.
const SHOWN: usize = 64;

impl Mismatch {
    pub(crate) fn new(command: &[u8], expected: u16, data: &'static str, answer: &[u8]) -> Self {
        // VERIFY, CHANGE, DISABLE, ENABLE, RESET RETRY COUNTER and key import, in whatever class they came.
        let secret = matches!(command, [_, 0x20 | 0x24 | 0x26 | 0x28 | 0x2C | 0xDB, ..]);
        let shown = command.len().min(if secret { 4 } else { SHOWN });
        let (data_len, status) = match answer.split_last_chunk() {
            Some((data, status)) => (data.len(), Some(u16::from_be_bytes(*status))),
            None => (answer.len(), None),
        };
        let command_len = command.len();
        Self { command: command[..shown].to_vec(), command_len, expected, data, status, data_len }
    }

    /// The status word that was expected.
    #[must_use]
    pub const fn expected(&self) -> u16 {
        self.expected
    }

    /// The status word that came, if one did.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }
}

impl core::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("command ")?;
        for byte in &self.command {
            write!(f, "{byte:02X}")?;
        }
        if self.command.len() < self.command_len {
            write!(f, "… ({} bytes)", self.command_len)?;
        }
        write!(f, ": expected {:04X} and {}, got ", self.expected, self.data)?;
        match self.status {
            Some(status) => write!(f, "{status:04X} with {} bytes", self.data_len),
            None => write!(f, "no status word"),
        }
    }
}
