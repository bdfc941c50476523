//! What a host computes for a card: blocks for authentication and padded cryptograms, by other code than the card's.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, digest};

use crate::verify::{self, VerifyError};

/// A hash function that OAEP is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Hash {
    /// The function of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            _ => None,
        }
    }
}

/// Encrypts one block or several, each by itself, with AES; the length of the key chooses the function.
///
/// # Errors
/// [`VerifyError::Key`] for a key of another length, [`VerifyError::Input`] for data that is no whole blocks.
pub fn aes(key: &[u8], data: &[u8]) -> Result<Vec<u8>, VerifyError> {
    let (blocks, rest) = data.as_chunks::<16>();
    if !rest.is_empty() || blocks.is_empty() {
        return Err(VerifyError::Input);
    }
    match key.len() {
        16 => ecb::<aes::Aes128>(key, blocks),
        24 => ecb::<aes::Aes192>(key, blocks),
        32 => ecb::<aes::Aes256>(key, blocks),
        _ => Err(VerifyError::Key),
    }
}

fn ecb<C: KeyInit + BlockCipherEncrypt>(key: &[u8], blocks: &[[u8; 16]]) -> Result<Vec<u8>, VerifyError> {
    let cipher = C::new_from_slice(key).map_err(|_| VerifyError::Key)?;
    let mut output = Vec::new();
    for block in blocks {
        let mut block = aes::cipher::Block::<C>::try_from(&block[..]).map_err(|_| VerifyError::Key)?;
        cipher.encrypt_block(&mut block);
        output.extend_from_slice(&block);
    }
    Ok(output)
}

/// The OAEP cryptogram of a message for an RSA key with exponent 65537, with an empty label. The seed is always the same.
///
/// # Errors
/// [`VerifyError::Key`] for an unusable modulus, [`VerifyError::Input`] for a message that is too long.
pub fn oaep(modulus: &[u8], message: &[u8], hash: Hash) -> Result<Vec<u8>, VerifyError> {
    let block = match hash {
        Hash::Sha1 => padded::<Sha1>(modulus.len(), message),
        Hash::Sha256 => padded::<Sha256>(modulus.len(), message),
    };
    verify::encrypt(modulus, &block.ok_or(VerifyError::Input)?)
}

/// 00, the masked seed, and the masked data block: hash of the label, zeros, 01, message.
fn padded<D: Digest>(len: usize, message: &[u8]) -> Option<Vec<u8>> {
    let hash = D::digest(b"");
    let zeros = len.checked_sub(2 * hash.len() + 2 + message.len())?;
    let mut data: Vec<u8> = [&hash[..], &vec![0; zeros], &[0x01], message].concat();
    let mut seed = vec![0x5A; hash.len()];
    mask::<D>(&mut data, &seed);
    mask::<D>(&mut seed, &data);
    Some([&[0x00], &seed[..], &data].concat())
}

/// Adds the mask that MGF1 makes of `seed`.
fn mask<D: digest::Digest>(target: &mut [u8], seed: &[u8]) {
    let size = <D as Digest>::output_size();
    for (counter, chunk) in (0_u32..).zip(target.chunks_mut(size)) {
        let mask = D::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of FIPS 197, appendix C.
    #[test]
    fn aes_is_the_one_of_its_standard() {
        let data = hex::decode("00112233445566778899AABBCCDDEEFF").unwrap();
        let key: Vec<u8> = (0..32).collect();
        let outputs = [
            (16, "69c4e0d86a7b0430d8cdb78070b4c55a"),
            (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
            (32, "8ea2b7ca516745bfeafc49904b496089"),
        ];
        for (len, output) in outputs {
            assert_eq!(hex::encode(aes(&key[..len], &data).unwrap()), output);
        }
        let twice = aes(&key[..16], &data.repeat(2)).unwrap();
        assert_eq!(twice[..16], twice[16..]);
        assert_eq!(aes(&key[..15], &data), Err(VerifyError::Key));
        assert_eq!(aes(&key[..16], &data[..15]), Err(VerifyError::Input));
        assert_eq!(aes(&key[..16], &[]), Err(VerifyError::Input));
    }

    #[test]
    fn a_message_that_does_not_fit_has_no_cryptogram() {
        let modulus = [&[0xC3][..], &[0x11; 255]].concat();
        assert_eq!(oaep(&modulus, &[7; 214], Hash::Sha1).unwrap().len(), 256);
        assert_eq!(oaep(&modulus, &[7; 215], Hash::Sha1), Err(VerifyError::Input));
        assert_eq!(oaep(&modulus, &[7; 190], Hash::Sha256).unwrap().len(), 256);
        assert_eq!(oaep(&modulus, &[7; 191], Hash::Sha256), Err(VerifyError::Input));
        assert_eq!(oaep(&[], &[], Hash::Sha256), Err(VerifyError::Input));
        assert!(Hash::named("sha1").is_some() && Hash::named("md5").is_none());
    }
}
