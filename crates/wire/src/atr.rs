//! The answer to reset (ISO/IEC 7816-3:2006).

use crate::error::{ParseError, ParseErrorKind};
use crate::icc::Protocol;

/// The longest ATR, in bytes: TS and 32 more.
pub const MAX_LEN: usize = 33;

/// A well-formed answer to reset.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Atr {
    bytes: [u8; MAX_LEN],
    len: usize,
    protocols: u16,
    /// Where the historical bytes begin and end.
    historical: (usize, usize),
}

impl Atr {
    /// Checks the structure of an ATR: TS, the interface bytes that T0 and each TD announce, the historical
    /// bytes, and TCK exactly where a protocol other than T=0 is offered.
    ///
    /// # Errors
    /// The kind and place of the first contradiction.
    pub fn parse(atr: &[u8]) -> Result<Self, ParseError> {
        if atr.len() > MAX_LEN {
            return Err(ParseError::new(ParseErrorKind::TooLong, MAX_LEN));
        }
        let byte = |at: usize| atr.get(at).copied().ok_or(ParseError::new(ParseErrorKind::TooShort, atr.len()));
        if !matches!(byte(0)?, 0x3B | 0x3F) {
            return Err(ParseError::new(ParseErrorKind::BadValue, 0));
        }
        let t0 = byte(1)?;
        let mut at = 2;
        let mut present = t0 >> 4;
        let mut protocols = 0u16;
        loop {
            at += (present & 0x07).count_ones() as usize;
            if present & 0x08 == 0 {
                break;
            }
            let td = byte(at)?;
            at += 1;
            protocols |= 1 << (td & 0x0F);
            present = td >> 4;
        }
        if protocols == 0 {
            protocols = 1;
        }
        let end = at + usize::from(t0 & 0x0F);
        let len = end + usize::from(protocols != 1);
        if atr.len() != len {
            let kind = if atr.len() < len { ParseErrorKind::TooShort } else { ParseErrorKind::TooLong };
            return Err(ParseError::new(kind, atr.len().min(len)));
        }
        if protocols != 1 && atr[1..].iter().fold(0, |sum, byte| sum ^ byte) != 0 {
            return Err(ParseError::new(ParseErrorKind::BadChecksum, end));
        }
        let mut bytes = [0; MAX_LEN];
        bytes[..len].copy_from_slice(atr);
        Ok(Self { bytes, len, protocols, historical: (at, end) })
    }

    /// The bytes as they come over the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The historical bytes.
    #[must_use]
    pub fn historical(&self) -> &[u8] {
        &self.bytes[self.historical.0..self.historical.1]
    }

    /// Whether the card offers the protocol.
    #[must_use]
    pub const fn offers(&self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::T0 => self.protocols & 1 != 0,
            Protocol::T1 => self.protocols & 2 != 0,
        }
    }
}

impl core::fmt::Debug for Atr {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Atr({:02X?})", self.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_atr_of_the_dialect_offers_both_protocols() {
        let atr = Atr::parse(&[0x3B, 0x80, 0x80, 0x01, 0x01]).unwrap();
        assert!(atr.offers(Protocol::T0) && atr.offers(Protocol::T1));
        assert_eq!(atr.as_bytes(), [0x3B, 0x80, 0x80, 0x01, 0x01]);
    }

    #[test]
    fn historical_bytes_are_behind_the_interface_bytes() {
        let iso = [0x3B, 0x85, 0x80, 0x01, 0x80, 0x73, 0xF7, 0x21, 0xDB, 0xFA];
        assert_eq!(Atr::parse(&iso).unwrap().historical(), [0x80, 0x73, 0xF7, 0x21, 0xDB]);
    }

    #[test]
    fn t0_only_needs_no_check_byte() {
        let atr = Atr::parse(&[0x3B, 0x02, 0x14, 0x50]).unwrap();
        assert_eq!(atr.historical(), [0x14, 0x50]);
        assert!(atr.offers(Protocol::T0) && !atr.offers(Protocol::T1));
    }

    #[test]
    fn contradictions_are_found() {
        let kind = |bytes: &[u8]| Atr::parse(bytes).map_err(|e| e.kind).unwrap_err();
        assert_eq!(kind(&[]), ParseErrorKind::TooShort);
        assert_eq!(kind(&[0x3A, 0x00]), ParseErrorKind::BadValue);
        assert_eq!(kind(&[0x3B, 0x80, 0x80, 0x01, 0x02]), ParseErrorKind::BadChecksum);
        assert_eq!(kind(&[0x3B, 0x02, 0x14]), ParseErrorKind::TooShort);
        assert_eq!(kind(&[0x3B, 0x00, 0x14]), ParseErrorKind::TooLong);
        assert_eq!(kind(&[0x3B; 40]), ParseErrorKind::TooLong);
    }
}
