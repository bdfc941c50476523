//! Paddings of RSA (RFC 8017): PKCS#1 v1.5 for signatures and decipherment, PSS, OAEP.

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

/// The message in an OAEP block without label (RFC 8017, EME-OAEP), with MGF1 over the same hash. `None` for a bad block;
/// how it is bad does not show in the time this takes.
pub(crate) fn oaep_message<D: Digest>(block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let label = D::digest([]);
    let len = label.len();
    // A modulus too short for the hash: nothing that depends on the content.
    if block.len() < 2 * len + 2 {
        return None;
    }
    let (first, masked) = block.split_first()?;
    let (masked_seed, masked_db) = masked.split_at(len);
    let seed = unmasked::<D>(masked_seed, masked_db);
    let db = unmasked::<D>(masked_db, &seed);
    let (hash, rest) = db.split_at(len);
    let mut good = first.ct_eq(&0) & hash.ct_eq(&label);
    let mut found = Choice::from(0);
    let mut start = 0u32;
    for (at, byte) in (0u32..).zip(rest) {
        let (zero, one) = (byte.ct_eq(&0), byte.ct_eq(&1));
        start.conditional_assign(&(at + 1), one & !found);
        good &= found | zero | one;
        found |= one;
    }
    let start = usize::try_from(start).ok().filter(|_| bool::from(good & found))?;
    Some(Zeroizing::new(rest.get(start..)?.to_vec()))
}

/// `masked` under the mask that `seed` gives.
fn unmasked<D: Digest>(masked: &[u8], seed: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = mgf1::<D>(seed, masked.len());
    for (byte, masked) in out.iter_mut().zip(masked) {
        *byte ^= masked;
    }
    out
}

fn mgf1<D: Digest>(seed: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    // With room for the last hash: a vector that grows leaves its old bytes behind.
    let mut mask = Zeroizing::new(Vec::with_capacity(len + <D as Digest>::output_size()));
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

    /// `openssl pkeyutl -encrypt` with OAEP of "to the card only" for `fixtures/keys/rsa2048.der`, and then `-decrypt` without
    /// padding.
    fn blocks() -> [Vec<u8>; 2] {
        let sha1 = concat!(
            "005E90713462A3543292504C61EBB102B3E19CC2CBB09D4D85C5F294DF39F88B1CBEF52B368D7F10C50622B4312D7F2D",
            "65AD84135EC20E163D947FC0F73453218A6BB81A6F83B049F71D78D3285275A182BDDF4A120B30870321156A0E61CB58",
            "9B210750AD975D7476F80FB8445CB46E35498C921A8E9D9CED92E3B2E13BF7C198D5B8A95B63A50A9839AC0F024B7CE7",
            "EF981CA38D63D4EF738946756A395C357E911490F3084E6957B7F638762F7DF81BB160031EF0B541ABB9B81CD373EBB4",
            "34D6960F81898AB1F57011371D2993E0218EA09D5A8F870151EB632EFD0CFD40E7D1521C86B9D7B28FFB2BBEB0323B93",
            "EB45D59939CF76358216783093084394",
        );
        let sha256 = concat!(
            "007200E3E221CFB344C2E79E07714D55B6542C709027DBE001C4E46E082677B6CACE4B9DCCC563FE61B01053960AF330",
            "2F1193F92BB71CD1EC47402D0DED3A39D1EDBB0ABB1C4B0B59B9E8064F643BF07F6796CF1BE412A07ED4C4565DDD4DAE",
            "8E7FCAE99848761CDDB5410C7E6AE56843F7B83E9CD1240652E6C76C2292EEC892A7E9808D2D561C018228FF4F160060",
            "2F46BBF66CBA3EFDA5402602551C4B8D2010C432165AC3329AEF6DF5FDB18B102965CA2EDA3106E904E47BC0FFF03520",
            "0ECA220A6AA9E6862ED75B4571A0E916859ED0BDAE6E9FADF0E0D9EC57657AB890FAC8B8F841EACEDBBF8103FCCBC5D1",
            "324CE461E67DDC90241DE8B3711A015D",
        );
        [sha1, sha256].map(|digits| hex::decode(digits).unwrap())
    }

    #[test]
    fn oaep_blocks_of_openssl_are_taken_apart() {
        let [sha1, sha256] = blocks();
        assert_eq!(oaep_message::<sha1::Sha1>(&sha1).unwrap()[..], *b"to the card only");
        assert_eq!(oaep_message::<sha2::Sha256>(&sha256).unwrap()[..], *b"to the card only");
        assert_eq!(oaep_message::<sha2::Sha256>(&sha1), None);
        for at in [0, 1, 20, 21, 40, 41, 100, 255] {
            let mut bad = sha1.clone();
            bad[at] ^= 0x80;
            assert_eq!(oaep_message::<sha1::Sha1>(&bad), None, "{at}");
        }
        for len in [0, 1, 41, 65] {
            assert_eq!(oaep_message::<sha2::Sha256>(&sha256[..len]), None, "{len}");
        }
    }

    #[test]
    fn an_oaep_block_needs_its_separator() {
        // Masks come off by putting them on again, so a block is made of a seed and what is to be found behind it.
        let block = |db: &[u8]| {
            let db = unmasked::<sha1::Sha1>(db, &[7; 20]);
            [&[0][..], &unmasked::<sha1::Sha1>(&[7; 20], &db), &db].concat()
        };
        let label = sha1::Sha1::digest([]);
        let message =
            |rest: &[u8]| oaep_message::<sha1::Sha1>(&block(&[&label[..], rest].concat())).map(|m| m.to_vec());
        assert_eq!(message(&[0, 0, 1, 5, 0, 1]), Some(alloc::vec![5, 0, 1]));
        assert_eq!(message(&[1, 5]), Some(alloc::vec![5]));
        assert_eq!(message(&[0, 1]), Some(Vec::new()));
        assert_eq!(message(&[0, 2, 1, 5]), None);
        assert_eq!(message(&[0, 0, 0]), None);
        assert_eq!(message(&[5, 1]), None);
    }
}
