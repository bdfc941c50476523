//! Reference data of the ISO file system: PINs and administration keys, each in an internal EF. Knows no APDU.
//!
//! A try is spent, and committed, before the comparison: a power cut never gives one back.

mod holder;

use alloc::vec::Vec;

use card_wire::tlv::{self, Tag};

use crate::fs::attributes::Internal;
use crate::fs::internal;
use crate::nvm::index::{Entry, Index};
use crate::nvm::page::PageNo;
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};

pub(crate) use holder::{
    Error, State, Value, authenticate, change, require, require_by, reset, reset_by, set, state, verify,
};

/// Content of the EF of a PIN or key: set or not, tries left, tries in all, least and longest length, length of the
/// value, commits that only spent or restored tries (4), the value and zeros.
const SET: usize = 0;
const LEFT: usize = 1;
const TRIES: usize = 2;
const MIN: usize = 3;
const MAX: usize = 4;
const LEN: usize = 5;
const QUIET: usize = 6;
const VALUE: usize = 10;
/// Bytes in which a PIN is stored, and the longest PIN.
const PIN_LEN: usize = 16;
/// Bytes in which an administration key is stored.
const KEY_LEN: usize = 32;

/// Key kinds of a key file, tag 82.
pub(crate) mod kind {
    pub(crate) const RSA_2048: u8 = 0xF3;
    pub(crate) const RSA_3072: u8 = 0xF4;
    pub(crate) const RSA_4096: u8 = 0xF5;
    pub(crate) const P256: u8 = 0xE1;
    pub(crate) const P384: u8 = 0xE2;
}

/// What the proprietary information (A5) of an internal EF says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Pin { number: u8, min: u8, max: u8, tries: u8, resets_by: Option<u8>, flags: u8 },
    Key { number: u8, len: u8, tries: u8 },
    Pair { slot: u8, kind: u8 },
}

/// Flag of a PIN: its verification can be disabled.
pub(crate) const CAN_BE_DISABLED: u8 = 0x01;

impl Policy {
    /// Reads the value of A5. `None` for everything malformed or out of range.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        if tlv::Reader::new(value).any(|object| !object.is_ok_and(|object| matches!(object.tag.0, 0x80..=0x84))) {
            return None;
        }
        let find = |tag| tlv::find(value, Tag(tag)).ok().flatten();
        let optional = |tag| match find(tag) {
            None => Some(None),
            Some([byte]) => Some(Some(*byte)),
            Some(_) => None,
        };
        let ([kind], [number]) = (find(0x80)?, find(0x81)?) else { return None };
        let (resets_by, flags) = (optional(0x83)?, optional(0x84)?);
        match (*kind, find(0x82)?) {
            (1, [min, max, tries]) => {
                let sound = (1..=14).contains(number)
                    && (1..=*max).contains(min)
                    && usize::from(*max) <= PIN_LEN
                    && (1..=15).contains(tries)
                    && resets_by.is_none_or(|other| (1..=14).contains(&other))
                    && flags.is_none_or(|flags| flags <= CAN_BE_DISABLED);
                let flags = flags.unwrap_or(0);
                sound.then_some(Self::Pin { number: *number, min: *min, max: *max, tries: *tries, resets_by, flags })
            }
            (2, [len @ (16 | 24 | 32), tries @ 1..=15]) if (1..=14).contains(number) => (resets_by.is_none()
                && flags.is_none())
            .then_some(Self::Key { number: *number, len: *len, tries: *tries }),
            (3, [kind @ (kind::RSA_2048 | kind::RSA_3072 | kind::RSA_4096 | kind::P256 | kind::P384)]) => {
                let alone = resets_by.is_none() && flags.is_none() && *number < 16;
                alone.then_some(Self::Pair { slot: *number, kind: *kind })
            }
            _ => None,
        }
    }

    /// What the file holds, and its number or slot.
    pub(crate) const fn identity(self) -> (Internal, u8) {
        match self {
            Self::Pin { number, .. } => (Internal::Pin, number),
            Self::Key { number, .. } => (Internal::Key, number),
            Self::Pair { slot, .. } => (Internal::Pair, slot),
        }
    }

    /// The key kind of a key pair; 0 for the others.
    pub(crate) const fn algorithm(self) -> u8 {
        match self {
            Self::Pair { kind, .. } => kind,
            _ => 0,
        }
    }

    /// The content of the file before anything is set.
    pub(crate) fn blank(self) -> Vec<u8> {
        let (tries, min, max, len) = match self {
            Self::Pin { min, max, tries, .. } => (tries, min, max, PIN_LEN),
            Self::Key { len, tries, .. } => (tries, len, len, KEY_LEN),
            Self::Pair { .. } => return Vec::new(),
        };
        let mut content = alloc::vec![0; VALUE + len];
        content[LEFT] = tries;
        content[TRIES] = tries;
        content[MIN] = min;
        content[MAX] = max;
        content
    }
}

/// The card's change counter: its commits, less those that only spent or restored tries.
pub(crate) fn change_counter<N: Nvm>(store: &mut Store<N>) -> Result<u32, nvm::Error> {
    let mut counter = store.number();
    for page in holders(store.index()) {
        let object = store.object(page)?;
        let quiet = object.inline().get(QUIET..VALUE).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        counter = counter.wrapping_sub(quiet.map_or(0, u32::from_be_bytes));
    }
    Ok(counter)
}

/// Pages of the files that hold PINs and administration keys.
fn holders(index: &Index) -> Vec<PageNo> {
    let holds = |file: &&Entry| matches!(internal::identity(file), Some((Internal::Pin | Internal::Key, _)));
    index.files().filter(holds).map(|file| file.page).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_and_what_is_out_of_range_refused() {
        let pin = [0x80, 1, 1, 0x81, 1, 2, 0x82, 3, 4, 8, 3];
        let parsed = Policy::Pin { number: 2, min: 4, max: 8, tries: 3, resets_by: None, flags: 0 };
        assert_eq!(Policy::parse(&pin), Some(parsed));
        assert_eq!((parsed.identity(), parsed.blank().len()), ((Internal::Pin, 2), VALUE + PIN_LEN));
        for (at, value) in [(2, 0), (2, 4), (5, 0), (5, 15), (8, 0), (8, 9), (9, 17), (10, 0), (10, 16), (3, 0x86)] {
            let mut bad = pin;
            bad[at] = value;
            assert_eq!(Policy::parse(&bad), None, "{at}");
        }
        let more = |more: &[u8]| Policy::parse(&[&pin[..], more].concat());
        let Some(Policy::Pin { resets_by, flags, .. }) = more(&[0x83, 1, 1, 0x84, 1, 1]) else { panic!() };
        assert_eq!((resets_by, flags), (Some(1), CAN_BE_DISABLED));
        for bad in [&[0x83, 1, 0][..], &[0x83, 1, 15], &[0x83, 0], &[0x84, 1, 2], &[0x85, 0], &[0x84]] {
            assert_eq!(more(bad), None, "{bad:02X?}");
        }
    }

    #[test]
    fn keys_have_their_own_limits() {
        let key = |len, tries| Policy::parse(&[0x80, 1, 2, 0x81, 1, 3, 0x82, 2, len, tries]);
        assert_eq!(key(24, 5), Some(Policy::Key { number: 3, len: 24, tries: 5 }));
        assert!(key(17, 5).is_none() && key(16, 0).is_none() && key(16, 16).is_none());
        let pair = |slot, kind| Policy::parse(&[0x80, 1, 3, 0x81, 1, slot, 0x82, 1, kind]);
        assert_eq!(pair(0, kind::P384), Some(Policy::Pair { slot: 0, kind: kind::P384 }));
        assert!(pair(16, kind::P384).is_none() && pair(1, 0xE3).is_none());
        assert_eq!(pair(15, kind::RSA_3072).map(Policy::algorithm), Some(kind::RSA_3072));
    }
}
