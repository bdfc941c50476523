//! Keys as the PKI applet knows them: slots, RSA keys, hash values and signatures. Curves are a file of their own.

use core::fmt;

use card_wire::tlv::{self, Tag};
use zeroize::Zeroizing;

use crate::curve::hex;
use crate::error::Error;

/// One of the card's key slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeySlot(u8);

impl KeySlot {
    /// How many slots there are.
    pub const COUNT: u8 = 16;
    /// Slot 0.
    pub const FIRST: Self = Self(0);

    /// The slot with this number, 0 to 15.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < Self::COUNT { Some(Self(number)) } else { None }
    }

    /// The slot's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// The sizes of RSA keys that the card generates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaSize {
    /// 2048 bits.
    Rsa2048,
    /// 4096 bits; version 1 only.
    Rsa4096,
}

impl RsaSize {
    /// Length of the modulus in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Rsa2048 => 256,
            Self::Rsa4096 => 512,
        }
    }

    pub(crate) const fn algorithm(self) -> u8 {
        match self {
            Self::Rsa2048 => 0xF3,
            Self::Rsa4096 => 0xF5,
        }
    }
}

/// An RSA public key as the card tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublicKey {
    /// The modulus, big-endian, without leading zeros.
    pub modulus: Vec<u8>,
    /// The public exponent, big-endian.
    pub exponent: Vec<u8>,
}

impl RsaPublicKey {
    /// Reads the answer to key generation: a modulus of exactly this size, and 65537.
    pub(crate) fn parse(answer: &[u8], size: RsaSize) -> Result<Self, Error> {
        let key = tlv::only(answer, Tag(0x7F49))?;
        let (modulus, exponent) = (tlv::find(key, Tag(0x81))?, tlv::find(key, Tag(0x82))?);
        match (modulus, exponent) {
            (Some(modulus @ [0x80..=0xFF, ..]), Some(exponent @ [1, 0, 1])) if modulus.len() == size.bytes() => {
                Ok(Self { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
            }
            _ => Err(Error::Malformed),
        }
    }
}

/// The secret parts of an RSA key that is imported, big-endian, borrowed from where they are kept.
#[derive(Clone, Copy)]
pub struct RsaParts<'a> {
    /// First prime.
    pub p: &'a [u8],
    /// Second prime.
    pub q: &'a [u8],
    /// Inverse of `q` modulo `p`.
    pub qinv: &'a [u8],
    /// Private exponent modulo `p` - 1.
    pub dp: &'a [u8],
    /// Private exponent modulo `q` - 1.
    pub dq: &'a [u8],
}

impl fmt::Debug for RsaParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl RsaParts<'_> {
    pub(crate) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let Self { p, q, qinv, dp, dq } = *self;
        wrap(0x7F48, &[(0x92, p), (0x93, q), (0x94, qinv), (0x95, dp), (0x96, dq)])
    }
}

/// A hash value that is to be signed. Its length cannot be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-1.
    Sha1([u8; 20]),
    /// SHA-224.
    Sha224([u8; 28]),
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-384.
    Sha384([u8; 48]),
    /// SHA-512.
    Sha512([u8; 64]),
}

impl Digest {
    /// The hash value.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(hash) => hash,
            Self::Sha224(hash) => hash,
            Self::Sha256(hash) => hash,
            Self::Sha384(hash) => hash,
            Self::Sha512(hash) => hash,
        }
    }

    /// The DER encoding of PKCS#1's DigestInfo.
    #[must_use]
    pub fn info(&self) -> Vec<u8> {
        let prefix: &[u8] = match self {
            Self::Sha1(_) => const { &hex::<15>("3021300906052B0E03021A05000414") },
            Self::Sha224(_) => const { &hex::<19>("302D300D06096086480165030402040500041C") },
            Self::Sha256(_) => const { &hex::<19>("3031300D060960864801650304020105000420") },
            Self::Sha384(_) => const { &hex::<19>("3041300D060960864801650304020205000430") },
            Self::Sha512(_) => const { &hex::<19>("3051300D060960864801650304020305000440") },
        };
        [prefix, self.bytes()].concat()
    }
}

/// Checks that an ECDSA signature is a DER sequence of two integers and nothing else.
pub(crate) fn check_signature(signature: &[u8]) -> Result<(), Error> {
    let mut integers = tlv::Reader::new(tlv::only(signature, Tag(0x30))?);
    for _ in 0..2 {
        let integer = integers.next().ok_or(Error::Malformed)??;
        if integer.tag != Tag(0x02) || integer.value.is_empty() {
            return Err(Error::Malformed);
        }
    }
    if integers.next().is_some() { Err(Error::Malformed) } else { Ok(()) }
}

pub(crate) fn wrap(tag: u32, objects: &[(u32, &[u8])]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let body = concat_objects(objects)?;
    concat_objects(&[(tag, &body)])
}

/// Encodes data objects one behind the other, without a reallocation that would leave a copy of a key behind.
pub(crate) fn concat_objects(objects: &[(u32, &[u8])]) -> Result<Zeroizing<Vec<u8>>, Error> {
    const LONGEST_HEADER: usize = 7;
    let capacity = objects.iter().map(|(_, value)| value.len() + LONGEST_HEADER).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(capacity));
    for (tag, value) in objects {
        let len = value.len();
        let header = tlv::header(Tag(*tag), len).ok_or(Error::TooLong { len, max: 0xFF_FFFF })?;
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(value);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_sixteen() {
        assert_eq!(KeySlot::new(15).map(KeySlot::number), Some(15));
        assert_eq!(KeySlot::new(16), None);
    }

    #[test]
    fn signatures_are_two_integers() {
        assert_eq!(check_signature(&[0x30, 6, 2, 1, 5, 2, 1, 6]), Ok(()));
        for bad in [&[][..], &[0x30, 3, 2, 1, 5], &[0x30, 6, 2, 1, 5, 4, 1, 6], &[0x30, 6, 2, 1, 5, 2, 1, 6, 0]] {
            assert_eq!(check_signature(bad), Err(Error::Malformed));
        }
    }

    #[test]
    fn secret_parts_are_not_printed() {
        let parts = RsaParts { p: b"prime", q: b"q", qinv: b"", dp: b"", dq: b"" };
        assert_eq!(format!("{parts:?}"), "…");
    }

    #[test]
    fn an_rsa_answer_must_have_the_size_that_was_asked_for() {
        let answer = |modulus: &[u8], exponent: &[u8]| wrap(0x7F49, &[(0x81, modulus), (0x82, exponent)]).unwrap();
        let parse = |answer: &[u8]| RsaPublicKey::parse(answer, RsaSize::Rsa2048);
        assert!(parse(&answer(&[0xC0; 256], &[1, 0, 1])).is_ok());
        assert_eq!(answer(&[0xC0; 256], &[1, 0, 1]).len(), 270);
        assert!(parse(&answer(&[0xC0; 255], &[1, 0, 1])).is_err());
        assert!(parse(&answer(&[0x40; 256], &[1, 0, 1])).is_err());
        assert!(parse(&answer(&[0xC0; 256], &[3])).is_err());
    }
}
