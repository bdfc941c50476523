//! Paddings of RSA (RFC 8017): PKCS#1 v1.5 for signatures and decipherment, PSS.

use alloc::vec::Vec;

use sha2::Digest;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeLess as _};
use zeroize::Zeroizing;

/// Bytes that PKCS#1 v1.5 needs besides the message.
pub(crate) const PKCS1_OVERHEAD: usize = 11;

/// Signature block: 00 01 FF.. 00 and the message, `len` bytes in all. `None` if the message is too long.
pub(crate) fn pkcs1_sign(message: &[u8], len: usize) -> Option<Vec<u8>> {
    let fill = len.checked_sub(message.len() + 3).filter(|fill| *fill >= PKCS1_OVERHEAD - 3)?;
    let mut block = alloc::vec![0x00, 0x01];
    block.resize(2 + fill, 0xFF);
    block.push(0x00);
    block.extend_from_slice(message);
    Some(block)
}

/// Where the message of an encryption block begins: 00 02, at least eight bytes that are not zero, 00, message.
/// `None` for a bad block; how it is bad does not show in the time this takes.
pub(crate) fn pkcs1_message(block: &[u8]) -> Option<usize> {
    let mut found = Choice::from(0);
    let mut start = 0u32;
    for (at, byte) in (0u32..).zip(block).skip(2) {
        let first_zero = byte.ct_eq(&0) & !found;
        start.conditional_assign(&(at + 1), first_zero);
        found |= first_zero;
    }
    let long_enough = !start.ct_lt(&11);
    let head = block.first()?.ct_eq(&0x00) & block.get(1)?.ct_eq(&0x02);
    let good = found & head & long_enough;
    bool::from(good).then_some(()).and_then(|()| usize::try_from(start).ok())
}

/// PSS block for a hash whose length names the hash function (20, 28, 32, 48 or 64 bytes), with a salt as long as
/// the hash. `bits` is the length of the modulus in bits. `None` for another hash length.
pub(crate) fn pss(hash: &[u8], salt: &[u8], bits: usize) -> Option<Vec<u8>> {
    match hash.len() {
        20 => pss_with::<sha1::Sha1>(hash, salt, bits),
        28 => pss_with::<sha2::Sha224>(hash, salt, bits),
        32 => pss_with::<sha2::Sha256>(hash, salt, bits),
        48 => pss_with::<sha2::Sha384>(hash, salt, bits),
        64 => pss_with::<sha2::Sha512>(hash, salt, bits),
        _ => None,
    }
}

/// EMSA-PSS-ENCODE (RFC 8017), with MGF1 over the same hash.
fn pss_with<D: Digest>(hash: &[u8], salt: &[u8], modulus_bits: usize) -> Option<Vec<u8>> {
    let len = modulus_bits / 8;
    let masked_len = len.checked_sub(hash.len() + 1)?;
    let zeros = masked_len.checked_sub(salt.len() + 1)?;
    let h = D::new().chain_update([0; 8]).chain_update(hash).chain_update(salt).finalize();
    let mut block = alloc::vec![0; zeros];
    block.push(0x01);
    block.extend_from_slice(salt);
    for (byte, mask) in block.iter_mut().zip(mgf1::<D>(&h, masked_len).iter()) {
        *byte ^= mask;
    }
    // The modulus has a multiple of eight bits, so the block has one bit less than its bytes hold.
    block[0] &= 0x7F;
    block.extend_from_slice(&h);
    block.push(0xBC);
    Some(block)
}

fn mgf1<D: Digest>(seed: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let mut mask = Zeroizing::new(Vec::new());
    let mut counter = 0u32;
    while mask.len() < len {
        mask.extend_from_slice(&D::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize());
        counter += 1;
    }
    mask.truncate(len);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_blocks_have_their_exact_length() {
        let block = pkcs1_sign(&[7; 51], 256).unwrap();
        assert_eq!((block.len(), &block[..3], block[204]), (256, &[0, 1, 0xFF][..], 0));
        assert!(pkcs1_sign(&[7; 245], 256).is_some() && pkcs1_sign(&[7; 246], 256).is_none());
    }

    #[test]
    fn encryption_blocks_are_taken_apart() {
        let mut block = alloc::vec![0x00, 0x02];
        block.resize(10, 0xAA);
        block.push(0);
        block.extend_from_slice(b"message");
        assert_eq!(pkcs1_message(&block), Some(11));
        for (at, byte) in [(0, 1), (1, 1), (5, 0)] {
            let mut bad = block.clone();
            bad[at] = byte;
            assert_eq!(pkcs1_message(&bad), None);
        }
        assert_eq!(pkcs1_message(&[0x00, 0x02, 1, 1, 1, 1, 1, 1, 1, 1, 1]), None);
        assert_eq!(pkcs1_message(&[]), None);
    }

    #[test]
    fn pss_takes_the_five_hash_lengths() {
        for len in 0..=65 {
            let block = pss(&[1; 65][..len], &[2; 65][..len], 2048);
            assert_eq!(block.is_some(), matches!(len, 20 | 28 | 32 | 48 | 64));
            assert!(block.is_none_or(|block| block.len() == 256 && block[255] == 0xBC && block[0] < 0x80));
        }
    }
}
