//! Internal EFs: what tag A5 says of a PIN, an administration key or a key pair.

use super::files::{Kind, Secret, Tries};
use crate::apdu;

/// The file; `None` for everything malformed.
pub(crate) fn parse(value: &[u8]) -> Option<Kind> {
    let mut rest = value;
    while !rest.is_empty() {
        let (0x80..=0x84, _, after) = apdu::object(rest)? else { return None };
        rest = after;
    }
    let found = apdu::find(value, [0x80, 0x81, 0x82, 0x83, 0x84])?;
    let [Some(&[kind]), Some(&[number]), Some(limits), resetter, flags] = found else { return None };
    // Only a PIN has one that resets it, and flags.
    if kind != 1 && (resetter.is_some() || flags.is_some()) {
        return None;
    }
    match (kind, limits) {
        (1, &[least, longest, tries]) => {
            let good = (1..=14).contains(&number)
                && (1..=15).contains(&tries)
                && (1..=16).contains(&longest)
                && (1..=longest).contains(&least);
            let resetter = match resetter {
                None => None,
                Some(&[resetter @ 1..=14]) => Some(resetter),
                Some(_) => return None,
            };
            let can_be_disabled = match flags {
                None | Some([0]) => false,
                Some([1]) => true,
                Some(_) => return None,
            };
            let len = (usize::from(least), usize::from(longest));
            let tries = Tries { left: tries, all: tries };
            let secret = Secret { number, tries, value: None, len, resetter, can_be_disabled, disabled: false };
            good.then_some(Kind::Pin(secret))
        }
        (2, &[len @ (0x10 | 0x18 | 0x20), tries]) => {
            let good = (1..=14).contains(&number) && (1..=15).contains(&tries);
            let (len, tries) = (usize::from(len), Tries { left: tries, all: tries });
            let (len, value) = ((len, len), None);
            let secret = Secret { number, tries, value, len, resetter: None, can_be_disabled: false, disabled: false };
            good.then_some(Kind::Aes(secret))
        }
        (3, &[algorithm @ (0xF3 | 0xF4 | 0xF5 | 0xE1 | 0xE2)]) => {
            (number <= 0x0F).then_some(Kind::Pair(number, algorithm))
        }
        _ => None,
    }
}
