//! The data field of a good answer: what is known of it, and what becomes of the rest.

use std::ops::Range;
use std::sync::Arc;

use crate::signature::Check;

/// Bytes that are known beforehand.
#[derive(Clone)]
pub(crate) enum Known {
    Nothing,
    Fixed(&'static [u8]),
    /// Control information.
    Info(Arc<[u8]>),
    /// Content of a file, from an offset on.
    Content(Arc<Vec<u8>>, usize),
    /// Something put together, with a gap.
    Template(Vec<u8>),
}

/// What the model does with the whole data field.
#[derive(Clone)]
pub(crate) enum Finish {
    Nothing,
    Challenge,
    /// Keeps what stood in the gap as the public key of a slot.
    PublicKey(u8),
    /// The DER form of an ECDSA signature, over a field of so many bytes.
    Ecdsa(usize, Option<Box<Check>>),
    Rsa(Box<Check>),
}

/// A data field as the model foresees it.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) known: Known,
    /// Where the bytes are random.
    pub(crate) gap: Range<usize>,
    /// Length at least and at most.
    pub(crate) len: (usize, usize),
    pub(crate) finish: Finish,
}

impl Body {
    /// Bytes that are all known.
    pub(crate) const fn known(known: Known, len: usize) -> Self {
        Self { known, gap: 0..0, len: (len, len), finish: Finish::Nothing }
    }

    pub(crate) const EMPTY: Self = Self::known(Known::Nothing, 0);

    pub(crate) const fn fixed(bytes: &'static [u8]) -> Self {
        Self::known(Known::Fixed(bytes), bytes.len())
    }

    pub(crate) fn info(info: &Arc<[u8]>) -> Self {
        Self::known(Known::Info(info.clone()), info.len())
    }

    pub(crate) const fn random(min: usize, max: usize, finish: Finish) -> Self {
        Self { known: Known::Nothing, gap: 0..usize::MAX, len: (min, max), finish }
    }

    fn bytes(&self) -> &[u8] {
        match &self.known {
            Known::Nothing => &[],
            Known::Fixed(bytes) => bytes,
            Known::Info(bytes) => bytes,
            Known::Content(content, from) => content.get(*from..).unwrap_or_default(),
            Known::Template(bytes) => bytes,
        }
    }

    /// Whether `got` may stand from `at` on.
    pub(crate) fn matches(&self, at: usize, got: &[u8]) -> bool {
        let (end, known) = (at + got.len(), self.bytes());
        let same = |range: Range<usize>| {
            range.is_empty()
                || known.get(range.clone()).is_some_and(|bytes| bytes == &got[range.start - at..range.end - at])
        };
        same(at..end.min(self.gap.start.max(at))) && (self.gap.end >= end || same(at.max(self.gap.end)..end))
    }
}
