//! The data field of a good answer, and the status word behind it.

use std::ops::Range;

use super::words;
use crate::signature::Check;

/// What the model does with the whole data field.
#[derive(Clone)]
pub(crate) enum Finish {
    Nothing,
    /// Keeps it for EXTERNAL AUTHENTICATE on this channel.
    Challenge(usize),
    /// The gap is the public key of a slot.
    PublicKey(u8),
    /// The gap is the change counter.
    Counter,
    /// The DER form of an ECDSA signature, over a field of so many bytes.
    Ecdsa(usize, Option<Box<Check>>),
    Rsa(Option<Box<Check>>),
}

/// A data field as it is foreseen.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Where the bytes are not known.
    pub(crate) gap: Range<usize>,
    /// Length at least and at most.
    pub(crate) len: (usize, usize),
    /// The status word when all has come.
    pub(crate) end: u16,
    pub(crate) finish: Finish,
}

impl Body {
    pub(crate) fn known(bytes: Vec<u8>) -> Self {
        let len = (bytes.len(), bytes.len());
        Self { bytes, gap: 0..0, len, end: words::OK, finish: Finish::Nothing }
    }

    pub(crate) fn empty() -> Self {
        Self::known(Vec::new())
    }

    pub(crate) const fn random(min: usize, max: usize, finish: Finish) -> Self {
        Self { bytes: Vec::new(), gap: 0..usize::MAX, len: (min, max), end: words::OK, finish }
    }

    /// With this status word at the end.
    pub(crate) fn ending(self, end: u16) -> Self {
        Self { end, ..self }
    }

    /// Whether `got` may stand from `at` on.
    pub(crate) fn matches(&self, at: usize, got: &[u8]) -> bool {
        got.iter().enumerate().all(|(index, byte)| {
            let at = at + index;
            self.gap.contains(&at) || self.bytes.get(at) == Some(byte)
        })
    }

    /// The status word if `done` bytes were fetched before and `ne` are asked for.
    pub(crate) fn status(&self, done: usize, ne: usize) -> u16 {
        if ne == 0 {
            return self.end;
        }
        match self.len.0.saturating_sub(done + ne) {
            0 => self.end,
            left => 0x6100 + u16::from(u8::try_from(left).unwrap_or(0)),
        }
    }
}
