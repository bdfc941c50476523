//! What holds for every answer of every card, whatever the command was.

use crate::canary::Secrets;
use crate::targets::apdu;

/// Longest answer: 65,536 bytes and the status word.
pub const MAX_ANSWER: usize = 65_538;

/// Holds an answer against its command: status word of a class that exists, data only where it may be, and no more of
/// it than was asked for. An answer may be missing only where the power went.
///
/// # Panics
/// Where the answer is malformed.
#[inline]
pub fn well_formed(command: &[u8], answer: &[u8], power_went: bool) {
    let Some((data, [sw1, sw2])) = answer.split_last_chunk::<2>() else {
        assert!(answer.is_empty(), "an answer of one byte");
        assert!(power_went, "no answer, although the power is on");
        return;
    };
    assert!(matches!(sw1, 0x61..=0x6F | 0x90), "status {sw1:02X}{sw2:02X}");
    assert!(*sw1 != 0x90 || *sw2 == 0, "status {sw1:02X}{sw2:02X}");
    if data.is_empty() {
        return;
    }
    assert!(matches!(sw1, 0x61 | 0x62 | 0x90), "data with status {sw1:02X}{sw2:02X}");
    // The dialect answers a command without Le with up to 256 bytes.
    let ne = apdu::oracle(command).map_or(0, |(_, ne)| if ne == 0 { 256 } else { ne });
    assert!(data.len() <= ne, "{} bytes where {ne} were asked for", data.len());
}

/// So much memory may one command touch: the whole of it a few times, and a little for every byte that travels.
///
/// # Panics
/// Where it was more.
#[inline]
pub fn bounded(work: u64, memory: u64, travelled: usize) {
    let bound = 8 * memory + 64 * u64::try_from(travelled).unwrap_or(0);
    assert!(work <= bound, "{work} bytes of memory touched, {bound} are the bound");
}

/// No planted secret is in the answer, unless the host sent it.
///
/// # Panics
/// Where one is.
#[inline]
pub fn silent(secrets: &Secrets, answer: &[u8], sent: &[u8]) {
    if let Some(leak) = secrets.leaked(answer, sent) {
        panic!("a secret in an answer of {} bytes, at {}", answer.len(), leak.at);
    }
}

/// What answers have told about the tries left; they never rise but by success. Where the power goes before the answer,
/// nobody but the model knows whether it was one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    pin: Option<u8>,
    puk: Option<u8>,
}

impl Counters {
    /// Follows one exchange.
    ///
    /// # Panics
    /// Where a counter has risen.
    #[inline]
    pub fn observe(&mut self, command: &[u8], answer: &[u8]) {
        let [class, ins @ (0x20 | 0x24 | 0x2C), p1, p2, body @ ..] = command else { return };
        if *class == 0x10 {
            // What ends this chain may succeed and look like a question. The model knows what it was.
            *self = Self::default();
        }
        if *class != 0x00 {
            return;
        }
        let Some((_, word)) = answer.split_last_chunk::<2>() else {
            // The power went: the command may have succeeded all the same. Whether it may, the model knows.
            *self = Self::default();
            return;
        };
        let left = match *word {
            [0x63, low @ 0xC0..=0xCF] => low & 0x0F,
            [0x69, 0x83] => 0,
            // An empty VERIFY only asks, as no chain came before it.
            [0x90, 0x00] => {
                let asks = *ins == 0x20 && body.is_empty();
                if !asks {
                    *self = Self { puk: if *ins == 0x2C { None } else { self.puk }, pin: None };
                }
                return;
            }
            _ => return,
        };
        let known = if *ins == 0x2C { &mut self.puk } else { &mut self.pin };
        let before = known.unwrap_or(u8::MAX);
        assert!(left <= before, "{ins:02X} {p1:02X}{p2:02X}: {before} tries were left, now {left}");
        *known = Some(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &[u8] = &[0x00, 0xB0, 0, 0, 4];

    #[test]
    fn good_answers_pass() {
        for answer in [&b"abcd\x90\x00"[..], b"ab\x62\x82", b"\x69\x82", b"abcd\x61\x07"] {
            well_formed(READ, answer, false);
        }
        well_formed(READ, b"", true);
    }

    #[test]
    fn each_kind_of_bad_answer_is_found() {
        let bad: [(&[u8], &[u8]); 8] = [
            (READ, b"a"),
            (READ, b""),
            (READ, b"\x60\x00"),
            (READ, b"\x91\x00"),
            (READ, b"\x90\x01"),
            (READ, b"abcd\x69\x82"),
            (READ, b"abcde\x90\x00"),
            (&READ[..3], b"a\x90\x00"),
        ];
        for (command, answer) in bad {
            let found = std::panic::catch_unwind(|| well_formed(command, answer, false));
            assert!(found.is_err(), "{answer:02X?}");
        }
    }

    #[test]
    fn counters_fall_and_rise_with_success_only() {
        let (verify, unblock) = ([&[0, 0x20, 0, 1, 16][..], &[0; 16]].concat(), [0, 0x2C, 0, 1, 1, 0]);
        let mut counters = Counters::default();
        for (command, answer) in [
            (&verify[..], [0x63, 0xC2]),
            (&verify, [0x63, 0xC1]),
            (&[0, 0x20, 0, 1], [0x63, 0xC1]),
            (&unblock, [0x63, 0xC4]),
            (&verify, [0x69, 0x83]),
            (&unblock, [0x90, 0x00]),
            (&verify, [0x63, 0xC2]),
            (&verify, [0x90, 0x00]),
            (&verify, [0x63, 0xC2]),
        ] {
            counters.observe(command, &answer);
        }
        let mut chained = counters;
        chained.observe(&[0x10, 0x20, 0, 1, 6], &[0x90, 0x00]);
        chained.observe(&verify[..4], &[0x90, 0x00]);
        chained.observe(&verify, &[0x63, 0xC2]);
        let mut cut = counters;
        cut.observe(&verify, &[]);
        cut.observe(&verify[..4], &[0x63, 0xC3]);
        let mut rising = counters;
        rising.observe(&verify, &[0x63, 0xC0]);
        // Asking does not give tries back.
        rising.observe(&[0, 0x20, 0, 1], &[0x90, 0x00]);
        assert!(std::panic::catch_unwind(move || rising.observe(&verify, &[0x63, 0xC1])).is_err());
    }

    #[test]
    fn a_success_that_was_not_told_gives_the_tries_back() {
        let verify = [&[0, 0x20, 0, 1, 16][..], &[0; 16]].concat();
        let mut counters = Counters::default();
        for answer in [&[0x63, 0xC1][..], &[], &[0x63, 0xC2]] {
            counters.observe(&verify, answer);
        }
    }

    #[test]
    fn work_without_bound_is_found() {
        bounded(8000, 1000, 0);
        assert!(std::panic::catch_unwind(|| bounded(8001, 1000, 0)).is_err());
    }
}
