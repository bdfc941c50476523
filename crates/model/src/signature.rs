//! Arithmetic that a host could do: curve parameters, public operations, and whether imported parts make a key.

use std::sync::Arc;

use ecdsa::signature::hazmat::PrehashVerifier as _;
use num_bigint::BigUint;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use sha1::{Digest as _, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::keys::Key;

/// How a signature is made.
#[derive(Clone, Copy)]
pub(crate) enum Scheme {
    Pkcs1,
    Pss,
    /// Over a hash.
    Ecdsa,
    /// Over a message, which is hashed first.
    EcdsaSha1,
}

/// A signature that is to be checked when it has come whole.
#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) key: Key,
    pub(crate) scheme: Scheme,
    pub(crate) message: Vec<u8>,
}

impl Check {
    pub(crate) fn holds(&self, signature: &[u8]) -> Result<(), &'static str> {
        let Some(public) = &self.key.public else { return Ok(()) };
        let good = match self.scheme {
            Scheme::Pkcs1 => {
                let fill = vec![0xFF; public.len().saturating_sub(self.message.len() + 3)];
                let block = [&[0, 1][..], &fill, &[0], &self.message].concat();
                self.open(public, signature) == block
            }
            Scheme::Pss => is_pss(&self.open(public, signature), &self.message).unwrap_or(false),
            Scheme::Ecdsa => verify(public, &self.message, signature).is_some(),
            Scheme::EcdsaSha1 => verify(public, &Sha1::digest(&self.message), signature).is_some(),
        };
        good.then_some(()).ok_or("a signature of this key")
    }

    /// The RSA public operation, at the length of the modulus.
    fn open(&self, modulus: &Arc<[u8]>, signature: &[u8]) -> Vec<u8> {
        let number = BigUint::from_bytes_be(signature);
        let opened = number.modpow(&self.key.exponent.into(), &BigUint::from_bytes_be(modulus)).to_bytes_be();
        [vec![0; modulus.len().saturating_sub(opened.len())], opened].concat()
    }
}

fn verify(point: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let field = point.len() / 2;
    let hash = &hash[..hash.len().min(field)];
    let hash = [vec![0; field - hash.len()], hash.to_vec()].concat();
    if field == 32 {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
        key.verify_prehash(&hash, &p256::ecdsa::Signature::from_der(signature).ok()?).ok()
    } else {
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
        key.verify_prehash(&hash, &p384::ecdsa::Signature::from_der(signature).ok()?).ok()
    }
}

/// EMSA-PSS-VERIFY (RFC 8017) for a salt as long as the hash, whose length names the hash function.
fn is_pss(block: &[u8], hash: &[u8]) -> Option<bool> {
    let digest: fn(&[u8]) -> Vec<u8> = match hash.len() {
        20 => |bytes| Sha1::digest(bytes).to_vec(),
        28 => |bytes| Sha224::digest(bytes).to_vec(),
        32 => |bytes| Sha256::digest(bytes).to_vec(),
        48 => |bytes| Sha384::digest(bytes).to_vec(),
        _ => |bytes| Sha512::digest(bytes).to_vec(),
    };
    let [rest @ .., 0xBC] = block else { return None };
    let (masked, h) = rest.split_at_checked(rest.len().checked_sub(hash.len())?)?;
    let mut mask = Vec::new();
    for counter in 0u32.. {
        if mask.len() >= masked.len() {
            break;
        }
        mask.extend(digest(&[h, &counter.to_be_bytes()].concat()));
    }
    let mut open: Vec<u8> = masked.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
    *open.first_mut()? &= 0x7F;
    let (fill, salt) = open.split_at_checked(open.len().checked_sub(hash.len())?)?;
    let (one, zeros) = fill.split_last()?;
    let good = masked[0] < 0x80 && *one == 1 && zeros.iter().all(|byte| *byte == 0);
    Some(good && digest(&[&[0; 8], hash, salt].concat()) == h)
}

/// Whether this is SEQUENCE { INTEGER, INTEGER } in DER, both positive and no longer than the field.
pub(crate) fn is_der(bytes: &[u8], field: usize) -> bool {
    let integer = |bytes: &[u8]| match bytes {
        [0, next, ..] => *next >= 0x80 && bytes.len() <= field + 1,
        [first, ..] => (1..0x80).contains(first) && bytes.len() <= field,
        [] => false,
    };
    let whole = || {
        let (0x30, body, []) = crate::apdu::object(bytes)? else { return None };
        let (0x02, r, rest) = crate::apdu::object(body)? else { return None };
        let (0x02, s, []) = crate::apdu::object(rest)? else { return None };
        Some(integer(r) && integer(s) && bytes.len() == body.len() + 2)
    };
    whole().unwrap_or(false)
}

/// Whether this is a point of the curve that its length names.
pub(crate) fn is_point(bytes: &[u8]) -> bool {
    p256::PublicKey::from_sec1_bytes(bytes).is_ok() || p384::PublicKey::from_sec1_bytes(bytes).is_ok()
}

/// Modulus and public exponent of the RSA key with these parts, which all agree; primality is not looked at.
/// `None` where they contradict each other, or the exponent has more than four bytes.
pub(crate) fn join(p: &[u8], q: &[u8], qinv: &[u8], dp: &[u8], dq: &[u8]) -> Option<(Vec<u8>, u64)> {
    let [p, q, qinv, dp, dq] = [p, q, qinv, dp, dq].map(BigUint::from_bytes_be);
    let one = BigUint::from(1u8);
    if p.bits().div_ceil(8) != q.bits().div_ceil(8) || !p.bit(0) || !q.bit(0) || p <= one || q <= one {
        return None;
    }
    let (p1, q1) = (&p - &one, &q - &one);
    let e = dp.modinv(&p1)?;
    let agrees = dp < p1 && e.modinv(&q1)? == dq && q.modinv(&p)? == qinv;
    let exponent = u64::try_from(&e).ok().filter(|e| (3..1 << 32).contains(e))?;
    agrees.then(|| ((p * q).to_bytes_be(), exponent))
}

/// Fermat's test to the base 2, which is enough against numbers that nobody chose to pass it.
pub(crate) fn is_prime(bytes: &[u8]) -> bool {
    let number = BigUint::from_bytes_be(bytes);
    let two = BigUint::from(2u8);
    number > two && two.modpow(&(&number - 1u8), &number) == BigUint::from(1u8)
}

/// A curve that the card computes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

/// p, a, b, G and n (FIPS 186-5).
const P256: [&str; 5] = [
    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
    "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
     4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
];
const P384: [&str; 5] = [
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc",
    "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7\
     3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
];

/// The number that a byte's two digits spell, for each byte.
fn spells(digits: &str, bytes: &[u8]) -> bool {
    let value = |pair: &[u8]| core::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    digits.len() == 2 * bytes.len()
        && digits.as_bytes().chunks(2).zip(bytes).all(|(pair, byte)| value(pair) == Some(*byte))
}

impl Curve {
    /// The curve with exactly these parameters.
    pub(crate) fn recognise(parameters: [&[u8]; 5]) -> Option<Self> {
        let is = |curve: [&str; 5]| curve.iter().zip(parameters).all(|(digits, bytes)| spells(digits, bytes));
        match () {
            () if is(P256) => Some(Self::P256),
            () if is(P384) => Some(Self::P384),
            () => None,
        }
    }

    pub(crate) const fn field(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// A private scalar at the length of the field, if it is one.
    pub(crate) fn scalar(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let scalar = &bytes[zeros..];
        let padded = [vec![0; self.field().checked_sub(scalar.len())?], scalar.to_vec()].concat();
        let order = match self {
            Self::P256 => P256[4],
            Self::P384 => P384[4],
        };
        let order = BigUint::parse_bytes(order.as_bytes(), 16)?;
        (!scalar.is_empty() && BigUint::from_bytes_be(scalar) < order).then_some(padded)
    }

    /// The public point of a scalar.
    pub(crate) fn point(self, scalar: &[u8]) -> Option<Vec<u8>> {
        Some(match self {
            Self::P256 => {
                p256::SecretKey::from_slice(scalar).ok()?.public_key().to_sec1_point(false).as_bytes().to_vec()
            }
            Self::P384 => {
                p384::SecretKey::from_slice(scalar).ok()?.public_key().to_sec1_point(false).as_bytes().to_vec()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_signatures_are_minimal() {
        assert!(is_der(&[0x30, 6, 2, 1, 5, 2, 1, 7], 32));
        assert!(is_der(&[0x30, 7, 2, 2, 0, 0x80, 2, 1, 7], 32));
        for bad in [
            &[0x30, 6, 2, 1, 0, 2, 1, 7][..],
            &[0x30, 7, 2, 2, 0, 5, 2, 1, 7],
            &[0x30, 3, 2, 1, 5],
            &[0x30, 0x81, 6, 2, 1, 5, 2, 1, 7],
        ] {
            assert!(!is_der(bad, 32), "{bad:02X?}");
        }
    }

    #[test]
    fn parts_that_agree_make_a_key() {
        // p = 61, q = 53, e = 17.
        assert_eq!(join(&[61], &[53], &[38], &[53], &[49]), Some((vec![0x0C, 0xA1], 17)));
        assert_eq!(join(&[61], &[53], &[38], &[53], &[48]), None);
        assert_eq!(join(&[61], &[53], &[37], &[53], &[49]), None);
        assert!(is_prime(&[61]) && !is_prime(&[0x0C, 0xA1]));
    }

    #[test]
    fn the_generator_is_the_point_of_the_scalar_one() {
        for (curve, digits) in [(Curve::P256, P256), (Curve::P384, P384)] {
            let scalar = curve.scalar(&[0, 1]).unwrap();
            assert!(spells(digits[3], &curve.point(&scalar).unwrap()));
            assert_eq!(curve.scalar(&[0xFF; 48]), None);
            assert_eq!(curve.scalar(&[0]), None);
        }
    }
}
