//! The elliptic curves whose domain parameters the host knows, and their keys on the wire.

use card_wire::tlv::{self, Tag};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::key::{concat_objects, wrap};

/// A curve whose domain parameters are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256, also known as secp256r1.
    P256,
    /// NIST P-384, also known as secp384r1.
    P384,
}

/// The domain parameters of a curve, each as long as its field, the generator as an uncompressed point.
struct Domain {
    p: &'static [u8],
    a: &'static [u8],
    b: &'static [u8],
    g: &'static [u8],
    n: &'static [u8],
}

/// The cofactor of every curve here, in the two bytes that OpenSC sends.
const COFACTOR: &[u8] = &[0, 1];

impl Curve {
    /// Length of a field element in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    const fn domain(self) -> Domain {
        match self {
            Self::P256 => Domain {
                p: const { &hex::<32>("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF") },
                a: const { &hex::<32>("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC") },
                b: const { &hex::<32>("5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B") },
                g: const {
                    &hex::<65>(concat!(
                        "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296",
                        "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
                    ))
                },
                n: const { &hex::<32>("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551") },
            },
            Self::P384 => Domain {
                p: const {
                    &hex::<48>(concat!(
                        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
                        "FFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF"
                    ))
                },
                a: const {
                    &hex::<48>(concat!(
                        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
                        "FFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFC"
                    ))
                },
                b: const {
                    &hex::<48>(concat!(
                        "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE814112",
                        "0314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF"
                    ))
                },
                g: const {
                    &hex::<97>(concat!(
                        "04AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7",
                        "3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F"
                    ))
                },
                n: const {
                    &hex::<48>(concat!(
                        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
                        "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973"
                    ))
                },
            },
        }
    }

    fn objects(self) -> [(u32, &'static [u8]); 6] {
        let Domain { p, a, b, g, n } = self.domain();
        [(0x81, p), (0x82, a), (0x83, b), (0x84, g), (0x85, n), (0x87, COFACTOR)]
    }

    /// The domain parameters as key generation takes them.
    pub(crate) fn parameters(self) -> Result<Vec<u8>, Error> {
        Ok(concat_objects(&self.objects())?.to_vec())
    }

    /// A private key on this curve as import takes it.
    pub(crate) fn encode_key(self, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (len, max) = (secret.len(), self.bytes());
        if len > max {
            return Err(Error::TooLong { len, max });
        }
        let [p, a, b, g, n, h] = self.objects();
        wrap(0xE0, &[p, a, b, g, n, h, (0x88, secret)])
    }
}

/// An EC public key as the card tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcPublicKey {
    /// The curve.
    pub curve: Curve,
    /// The point, uncompressed: 04, x, y. That it lies on the curve has not been checked.
    pub point: Vec<u8>,
}

impl EcPublicKey {
    /// Reads the answer to key generation, which must name the very curve that was asked for.
    pub(crate) fn parse(answer: &[u8], curve: Curve) -> Result<Self, Error> {
        let key = tlv::only(answer, Tag(0x7F49))?;
        for (tag, value) in curve.objects() {
            if tlv::find(key, Tag(tag))? != Some(value) {
                return Err(Error::Malformed);
            }
        }
        match tlv::find(key, Tag(0x86))? {
            Some(point @ [0x04, ..]) if point.len() == 1 + 2 * curve.bytes() => {
                Ok(Self { curve, point: point.to_vec() })
            }
            _ => Err(Error::Malformed),
        }
    }
}

/// Decodes hexadecimal while compiling; anything wrong with it stops the compilation.
pub(crate) const fn hex<const N: usize>(text: &str) -> [u8; N] {
    const fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'F' => byte - b'A' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    assert!(text.len() == 2 * N, "wrong number of digits");
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = digit(text.as_bytes()[2 * at]) << 4 | digit(text.as_bytes()[2 * at + 1]);
        at += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_the_lengths_of_the_dialect() {
        assert_eq!(Curve::P256.parameters().unwrap().len(), 0xCF);
        assert_eq!(Curve::P384.parameters().unwrap().len(), 0x12F);
    }
}
