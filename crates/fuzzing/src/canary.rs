//! Secrets that are planted in the cards and must never come out again.
//!
//! A leak is eight bytes of a secret in a row, anywhere. The host may have sent them itself: with every hit the bytes
//! that it sent are searched for any three in a row of the eight, and only a leak without them counts.

use std::sync::OnceLock;

/// Bytes of a secret that make a leak.
pub const WINDOW: usize = 8;
/// Bytes of a leak that the host must have sent to be the one who brought it.
const PIECE: usize = 3;

/// Pseudo-random bytes, the same everywhere. Not for anything but tests.
fn bytes<const N: usize>(stream: u64) -> [u8; N] {
    // Not a multiple of the step below: streams must not be shifted copies of each other.
    let mut state = 0xD1B5_4A32_D192_ED03_u64.wrapping_mul(stream + 1);
    std::array::from_fn(|_| {
        // splitmix64
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [.., byte, _] = (z ^ (z >> 31)).to_be_bytes();
        byte
    })
}

/// A PIN of 16 random bytes; none of them is zero, so that it keeps its length.
#[must_use]
pub fn pin() -> [u8; 16] {
    bytes(1).map(|byte| byte.max(1))
}

/// A PUK of 16 random bytes.
#[must_use]
pub fn puk() -> [u8; 16] {
    bytes(2)
}

/// A PIN that begins like a short one, `123456`, and ends in ten bytes that nobody types.
#[must_use]
pub fn tainted_pin() -> [u8; 16] {
    let mut pin = bytes::<16>(3).map(|byte| byte.max(1));
    pin[..6].copy_from_slice(b"123456");
    pin
}

/// A scalar for P-256 or, longer, for P-384.
#[must_use]
pub fn scalar<const N: usize>() -> [u8; N] {
    let mut scalar = bytes::<N>(4);
    scalar[0] &= 0x7F;
    scalar
}

/// Bytes of a part of an RSA key: as many as `N`, of part number `part`.
#[must_use]
pub fn rsa_part(part: u64, len: usize) -> Vec<u8> {
    let long: [u8; 512] = bytes(16 + part);
    long[..len.min(long.len())].to_vec()
}

/// Parts of an RSA key that are secret: d, p, q, dp, dq, qinv.
pub const SECRET_PARTS: [u64; 6] = [1, 2, 3, 4, 5, 6];

/// What must not come out, made for searching fast.
#[derive(Debug)]
pub struct Secrets {
    /// All windows of all secrets, sorted.
    windows: Vec<[u8; WINDOW]>,
    /// One bit for each hash of a window: nearly all positions of an answer are dismissed by it.
    bits: Box<[u64; 1024]>,
}

/// A part of a secret that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Where in the bytes that were searched.
    pub at: usize,
    /// The bytes.
    pub bytes: [u8; WINDOW],
}

impl Secrets {
    /// Secrets to search for; those shorter than [`WINDOW`] are not searched for.
    #[must_use]
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s [u8]>) -> Self {
        let mut windows: Vec<[u8; WINDOW]> = secrets
            .into_iter()
            .flat_map(|secret| secret.windows(WINDOW))
            .filter_map(|window| window.first_chunk().copied())
            .collect();
        windows.sort_unstable();
        windows.dedup();
        let mut bits = Box::new([0; 1024]);
        for window in &windows {
            let (word, bit) = place(*window);
            bits[word] |= bit;
        }
        Self { windows, bits }
    }

    /// Everything that the prepared cards keep.
    #[must_use]
    pub fn planted() -> &'static Self {
        static PLANTED: OnceLock<Secrets> = OnceLock::new();
        PLANTED.get_or_init(|| {
            let mut secrets = vec![pin().to_vec(), puk().to_vec(), tainted_pin()[6..].to_vec()];
            secrets.extend([scalar::<32>().to_vec(), scalar::<48>().to_vec()]);
            secrets.extend(SECRET_PARTS.map(|part| rsa_part(part, 512)));
            Self::new(secrets.iter().map(Vec::as_slice))
        })
    }

    /// The first part of a secret in `bytes`.
    #[must_use]
    #[inline]
    pub fn find(&self, bytes: &[u8]) -> Option<Leak> {
        if bytes.len() < WINDOW { None } else { self.search(bytes) }
    }

    fn search(&self, bytes: &[u8]) -> Option<Leak> {
        let mut windows = bytes.windows(WINDOW).enumerate();
        windows.find_map(|(at, window)| {
            let window = *window.first_chunk()?;
            let (word, bit) = place(window);
            let suspicious = self.bits[word] & bit != 0;
            (suspicious && self.windows.binary_search(&window).is_ok()).then_some(Leak { at, bytes: window })
        })
    }

    /// A leak in `bytes` that cannot come from what the host `sent`.
    #[must_use]
    #[inline]
    pub fn leaked(&self, bytes: &[u8], sent: &[u8]) -> Option<Leak> {
        self.find(bytes).filter(|leak| !leak.was_sent(sent))
    }

    /// A leak in a text: as it is, or in hexadecimal or decimal numbers, as `Debug` writes bytes.
    #[must_use]
    pub fn leaked_in_text(&self, text: &str, sent: &[u8]) -> Option<Leak> {
        let words: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let decimal: Vec<u8> = words.iter().filter_map(|word| word.parse().ok()).collect();
        let joined: String = words.iter().map(|word| word.strip_prefix("0x").unwrap_or(word)).collect();
        let runs = joined.split(|c: char| !c.is_ascii_hexdigit());
        let odd_and_even = runs.flat_map(|run| [run, run.get(1..).unwrap_or_default()]);
        let mut read: Vec<Vec<u8>> =
            odd_and_even.filter_map(|run| hex::decode(&run[..run.len() - run.len() % 2]).ok()).collect();
        read.extend([decimal, text.as_bytes().to_vec()]);
        read.iter().find_map(|bytes| self.leaked(bytes, sent))
    }
}

impl Leak {
    /// Whether the host sent a part of it, and may have sent the rest in other pieces.
    #[must_use]
    pub fn was_sent(&self, sent: &[u8]) -> bool {
        let mut pieces = self.bytes.windows(PIECE);
        pieces.any(|piece| sent.windows(PIECE).any(|part| part == piece))
    }
}

#[inline]
fn place(window: [u8; WINDOW]) -> (usize, u64) {
    let hash = u64::from_le_bytes(window).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let [high, low, bit, ..] = hash.to_be_bytes();
    (usize::from(u16::from_be_bytes([high, low]) & 1023), 1 << (bit & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_every_secret_is_found_and_nothing_else() {
        let secrets = Secrets::planted();
        for secret in [&pin()[..], &puk(), &scalar::<32>(), &scalar::<48>(), &rsa_part(2, 256), &tainted_pin()[6..]] {
            for window in secret.windows(WINDOW) {
                // The byte in front may happen to be the secret's own.
                let found = secrets.find(&[b"abc", window, &[0; 9]].concat());
                assert!(found.is_some_and(|leak| matches!(leak.at, 2..=3)), "{found:?}");
                assert_eq!(secrets.find(&window[1..]), None);
            }
        }
        assert_eq!(secrets.find(&rsa_part(0, 512)), None, "the modulus is public");
        assert_eq!(secrets.find(&bytes::<65_536>(999)), None);
    }

    #[test]
    fn what_the_host_sent_is_no_leak() {
        let secrets = Secrets::planted();
        assert!(secrets.leaked(&pin(), b"other bytes").is_some());
        assert_eq!(secrets.leaked(&pin(), &pin()), None);
        assert_eq!(secrets.leaked(&pin()[..8], &pin()[2..5]), None);
    }

    #[test]
    fn numbers_in_texts_are_read() {
        let secrets = Secrets::planted();
        assert!(secrets.leaked_in_text(&format!("Command({:?})", pin()), &[]).is_some());
        assert!(secrets.leaked_in_text(&format!("Command({:02X?})", pin()), &[]).is_some());
        assert!(secrets.leaked_in_text(&format!("data {} end", hex::encode(puk())), &[]).is_some());
        assert_eq!(secrets.leaked_in_text("Answer { status: Status(36864), len: 16 }", &[]), None);
    }
}
