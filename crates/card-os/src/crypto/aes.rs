//! AES, one block: what an administration key makes of a challenge.

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;

/// The block encrypted; `None` if no AES key is as long.
pub(crate) fn encrypt(key: &[u8], block: &[u8; BLOCK]) -> Option<[u8; BLOCK]> {
    match key.len() {
        16 => encrypt_with::<aes::Aes128>(key, block),
        24 => encrypt_with::<aes::Aes192>(key, block),
        32 => encrypt_with::<aes::Aes256>(key, block),
        _ => None,
    }
}

fn encrypt_with<C: KeyInit + BlockCipherEncrypt>(key: &[u8], block: &[u8; BLOCK]) -> Option<[u8; BLOCK]> {
    let mut block = Array::try_from(&block[..]).ok()?;
    C::new_from_slice(key).ok()?.encrypt_block(&mut block);
    <[u8; BLOCK]>::try_from(&block[..]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix C: the plaintext 00 11 22 … FF under the keys 00 01 02 … .
    #[test]
    fn the_examples_of_the_standard() {
        let key: [u8; 32] = core::array::from_fn(|at| u8::try_from(at).unwrap());
        let plain: [u8; 16] = core::array::from_fn(|at| 0x11 * u8::try_from(at).unwrap());
        for (len, first) in
            [(16, [0x69, 0xC4, 0xE0, 0xD8]), (24, [0xDD, 0xA9, 0x7C, 0xA4]), (32, [0x8E, 0xA2, 0xB7, 0xCA])]
        {
            assert_eq!(encrypt(&key[..len], &plain).unwrap()[..4], first);
        }
        assert_eq!(encrypt(&key[..17], &plain), None);
    }
}
