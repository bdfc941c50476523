//! An RSA public key as the card's files keep it: PKCS#1 RSAPublicKey (RFC 8017).

use der::asn1::UintRef;
use der::{Decode as _, Encode as _, Sequence};
use sha1::{Digest as _, Sha1};

use crate::key::RsaPublicKey;

#[derive(Sequence)]
struct RsaKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// Encodes a key.
pub(crate) fn encode(key: &RsaPublicKey) -> Option<Vec<u8>> {
    let modulus = UintRef::new(&key.modulus).ok()?;
    let exponent = UintRef::new(&key.exponent).ok()?;
    RsaKey { modulus, exponent }.to_der().ok()
}

/// Reads a key. What lies behind it in a file that is too long is not looked at.
pub(crate) fn parse(bytes: &[u8]) -> Option<RsaPublicKey> {
    let (key, _) = RsaKey::from_der_partial(bytes).ok()?;
    let (modulus, exponent) = (key.modulus.as_bytes().to_vec(), key.exponent.as_bytes().to_vec());
    Some(RsaPublicKey { modulus, exponent })
}

/// The SHA-1 of the encoded key: the identifier that RFC 5280's first method gives it.
pub(crate) fn identifier(encoded: &[u8]) -> [u8; 20] {
    Sha1::digest(encoded).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_returns() {
        let key = RsaPublicKey { modulus: vec![0xC1; 256], exponent: vec![1, 0, 1] };
        let bytes = encode(&key).unwrap();
        assert_eq!(bytes.len(), 270);
        assert_eq!(parse(&bytes), Some(key.clone()));
        assert_eq!(parse(&[bytes.as_slice(), &[0; 9]].concat()), Some(key));
        assert_eq!(parse(&bytes[..269]), None);
        assert_eq!(parse(&[]), None);
    }
}
