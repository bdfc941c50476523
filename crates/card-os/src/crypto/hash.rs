//! Hash functions that a host chooses by number, and the DigestInfo around their values (RFC 8017).

use alloc::vec::Vec;

use sha2::Digest;

/// The longest value, in bytes.
pub(crate) const MAX_LEN: usize = 64;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The function of an algorithm reference.
    pub(crate) const fn by_reference(reference: u8) -> Option<Self> {
        match reference {
            1 => Some(Self::Sha1),
            2 => Some(Self::Sha224),
            3 => Some(Self::Sha256),
            4 => Some(Self::Sha384),
            5 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Bytes of a value.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The hash of the data, in front of zeros.
    pub(crate) fn digest(self, data: &[u8]) -> [u8; MAX_LEN] {
        fn padded<D: Digest>(data: &[u8]) -> [u8; MAX_LEN] {
            let mut out = [0; MAX_LEN];
            for (to, from) in out.iter_mut().zip(D::digest(data)) {
                *to = from;
            }
            out
        }
        match self {
            Self::Sha1 => padded::<sha1::Sha1>(data),
            Self::Sha224 => padded::<sha2::Sha224>(data),
            Self::Sha256 => padded::<sha2::Sha256>(data),
            Self::Sha384 => padded::<sha2::Sha384>(data),
            Self::Sha512 => padded::<sha2::Sha512>(data),
        }
    }

    /// DigestInfo with a value of this function: `30 len 30 len 06 oid 05 00 04 len value`.
    pub(crate) fn digest_info(self, value: &[u8]) -> Vec<u8> {
        let oid: &[u8] = match self {
            Self::Sha1 => &[0x2B, 0x0E, 0x03, 0x02, 0x1A],
            Self::Sha224 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04],
            Self::Sha256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
            Self::Sha384 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
            Self::Sha512 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        };
        // All of it stays below 128 bytes, so that lengths are single bytes.
        let [oid_len, value_len] = [oid.len(), value.len()].map(|len| len.to_le_bytes()[0]);
        let mut out = alloc::vec![0x30, oid_len + value_len + 8, 0x30, oid_len + 4, 0x06, oid_len];
        out.extend_from_slice(oid);
        out.extend_from_slice(&[0x05, 0x00, 0x04, value_len]);
        out.extend_from_slice(value);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The prefixes of RFC 8017, 9.2.
    #[test]
    fn digest_infos_begin_as_the_standard_has_them() {
        let info = Hash::Sha256.digest_info(&[0xAA; 32]);
        assert_eq!(info[..10], [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01]);
        assert_eq!(info[10..19], [0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]);
        assert_eq!(info[19..], [0xAA; 32]);
        let info = Hash::Sha1.digest_info(&[0xAA; 20]);
        assert_eq!(
            info[..15],
            [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14]
        );
        for reference in 1..=5 {
            let hash = Hash::by_reference(reference).unwrap();
            let info = hash.digest_info(&hash.digest(b"abc")[..hash.len()]);
            assert_eq!(usize::from(info[1]) + 2, info.len());
            assert!(hash.digest(b"abc")[hash.len()..].iter().all(|byte| *byte == 0));
        }
        assert!(Hash::by_reference(0).is_none() && Hash::by_reference(6).is_none());
        assert_eq!(Hash::Sha1.digest(b"abc")[..4], [0xA9, 0x99, 0x3E, 0x36]);
    }
}
