//! ECDSA on the NIST curves P-256 and P-384 (FIPS 186-5). Other curves of the dialect are not offered.

use alloc::vec::Vec;

use ecdsa::hazmat::sign_prehashed_rfc6979;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// A curve that the card computes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

/// Domain parameters as the dialect sends them: big-endian, at the length of the field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Domain<'a> {
    /// Prime of the field.
    pub(crate) p: &'a [u8],
    /// First coefficient.
    pub(crate) a: &'a [u8],
    /// Second coefficient.
    pub(crate) b: &'a [u8],
    /// Generator, uncompressed.
    pub(crate) g: &'a [u8],
    /// Order of the generator.
    pub(crate) n: &'a [u8],
}

/// A private key and its public point, uncompressed.
pub(crate) struct EcKey {
    pub(crate) d: Zeroizing<Vec<u8>>,
    pub(crate) q: Vec<u8>,
}

const P256: Domain<'static> = Domain {
    p: &hex::<32>("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF"),
    a: &hex::<32>("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC"),
    b: &hex::<32>("5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B"),
    g: &hex::<65>(concat!(
        "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E",
        "162BCE33576B315ECECBB6406837BF51F5",
    )),
    n: &hex::<32>("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"),
};

const P384: Domain<'static> = Domain {
    p: &hex::<48>("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF"),
    a: &hex::<48>("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFC"),
    b: &hex::<48>("B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF"),
    g: &hex::<97>(concat!(
        "04AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760A",
        "B73617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F",
    )),
    n: &hex::<48>("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973"),
};

impl Curve {
    /// The curve with exactly these parameters.
    pub(crate) fn recognise(domain: &Domain<'_>) -> Option<Self> {
        [Self::P256, Self::P384].into_iter().find(|curve| curve.domain() == *domain)
    }

    const fn domain(self) -> Domain<'static> {
        match self {
            Self::P256 => P256,
            Self::P384 => P384,
        }
    }

    /// Bytes of a field element and of a scalar.
    pub(crate) const fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// The key with this private scalar; `None` if it is zero or not below the order.
    pub(crate) fn key(self, d: &[u8]) -> Option<EcKey> {
        let q = match self {
            Self::P256 => p256::SecretKey::from_slice(d).ok()?.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P384 => p384::SecretKey::from_slice(d).ok()?.public_key().to_sec1_point(false).as_bytes().to_vec(),
        };
        Some(EcKey { d: Zeroizing::new(d.to_vec()), q })
    }

    /// A new key. Candidates are drawn until one is in range, so that all keys are equally likely.
    pub(crate) fn generate(self, rng: &mut impl CryptoRng) -> EcKey {
        let mut d = Zeroizing::new(alloc::vec![0; self.field_len()]);
        loop {
            rng.fill_bytes(&mut d);
            if let Some(key) = self.key(&d) {
                return key;
            }
        }
    }

    /// Signs a hash: DER SEQUENCE of r and s. A hash longer than the field is truncated, a shorter one is taken as
    /// the number that it spells. The nonce is derived from key and hash (RFC 6979), with `extra` mixed in.
    pub(crate) fn sign(self, d: &[u8], hash: &[u8], extra: &[u8]) -> Option<Vec<u8>> {
        let len = self.field_len();
        let hash = &hash[..hash.len().min(len)];
        let mut z = alloc::vec![0; len - hash.len()];
        z.extend_from_slice(hash);
        match self {
            Self::P256 => {
                let d = p256::SecretKey::from_slice(d).ok()?.to_nonzero_scalar();
                let (signature, _) = sign_prehashed_rfc6979::<p256::NistP256, sha2::Sha256>(&d, &z, extra);
                Some(signature.to_der().as_bytes().to_vec())
            }
            Self::P384 => {
                let d = p384::SecretKey::from_slice(d).ok()?.to_nonzero_scalar();
                let (signature, _) = sign_prehashed_rfc6979::<p384::NistP384, sha2::Sha384>(&d, &z, extra);
                Some(signature.to_der().as_bytes().to_vec())
            }
        }
    }
}

/// Bytes from their hexadecimal digits, at compile time.
const fn hex<const N: usize>(digits: &str) -> [u8; N] {
    const fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            _ => byte - b'A' + 10,
        }
    }
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * N, "two digits for each byte");
    let mut out = [0; N];
    let mut at = 0;
    while at < N {
        out[at] = digit(digits[2 * at]) << 4 | digit(digits[2 * at + 1]);
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecdsa::signature::hazmat::PrehashVerifier as _;

    #[test]
    fn the_generator_is_the_point_of_the_scalar_one() {
        for curve in [Curve::P256, Curve::P384] {
            let mut one = alloc::vec![0; curve.field_len()];
            *one.last_mut().unwrap() = 1;
            assert_eq!(curve.key(&one).unwrap().q, curve.domain().g);
            assert!(curve.key(curve.domain().n).is_none(), "the order is out of range");
            assert_eq!(Curve::recognise(&curve.domain()), Some(curve));
        }
        let other = Domain { n: P256.p, ..P256 };
        assert_eq!(Curve::recognise(&other), None);
    }

    #[test]
    fn signatures_verify_for_short_and_long_hashes() {
        let d = [7; 32];
        let key = Curve::P256.key(&d).unwrap();
        let verifier = p256::ecdsa::VerifyingKey::from_sec1_bytes(&key.q).unwrap();
        for len in [20, 32, 64] {
            let hash = &[0xA5; 64][..len];
            let signature = Curve::P256.sign(&d, hash, &[1; 32]).unwrap();
            let signature = p256::ecdsa::Signature::from_der(&signature).unwrap();
            let mut z = alloc::vec![0; 32usize.saturating_sub(len)];
            z.extend_from_slice(&hash[..len.min(32)]);
            verifier.verify_prehash(&z, &signature).unwrap();
        }
        assert_ne!(Curve::P256.sign(&d, &[1; 32], &[1]), Curve::P256.sign(&d, &[1; 32], &[2]));
    }
}
