//! The one error of everything that is parsed here.

use core::fmt;

/// Why bytes from outside were refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Offset in bytes of the first byte that could not be understood.
    pub at: usize,
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The input ends before the structure does.
    TooShort,
    /// Bytes are left over behind the structure, or it exceeds its bound.
    TooLong,
    /// A length field contradicts the bytes that follow, or uses a form that is not allowed.
    BadLength,
    /// A tag field uses a form that is not allowed (over three bytes, or a padded number).
    BadTag,
    /// A byte has a value that the format does not define.
    BadValue,
    /// A check byte or checksum does not match.
    BadChecksum,
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind, at: usize) -> Self {
        Self { kind, at }
    }

    /// The same error seen from a buffer in which the parsed bytes begin at `base`.
    #[must_use]
    pub const fn shifted(self, base: usize) -> Self {
        Self { kind: self.kind, at: self.at + base }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ParseErrorKind::TooShort => "input ends too early",
            ParseErrorKind::TooLong => "input is too long",
            ParseErrorKind::BadLength => "length field does not fit",
            ParseErrorKind::BadTag => "tag field is malformed",
            ParseErrorKind::BadValue => "value is not defined",
            ParseErrorKind::BadChecksum => "check byte does not match",
        };
        write!(f, "{what} (at byte {})", self.at)
    }
}

impl core::error::Error for ParseError {}
