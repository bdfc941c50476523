//! Reference data of the ISO file system: PINs and administration keys, each in an internal EF. Knows no APDU.
//!
//! A try is spent, and committed, before the comparison: a power cut never gives one back.

use alloc::vec::Vec;

use card_wire::tlv::{self, Tag};

use crate::fs::attributes::Internal;
use crate::fs::internal;
use crate::nvm::index::{Entry, Index};
use crate::nvm::page::PageNo;
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};

/// Content of the EF of a PIN or key: set or not, tries left, tries in all, least and longest length, length of the
/// value, commits that only spent or restored tries (4), the value and zeros.
pub(crate) const SET: usize = 0;
pub(crate) const LEFT: usize = 1;
pub(crate) const TRIES: usize = 2;
pub(crate) const MIN: usize = 3;
pub(crate) const MAX: usize = 4;
pub(crate) const LEN: usize = 5;
pub(crate) const QUIET: usize = 6;
pub(crate) const VALUE: usize = 10;
/// Bytes in which a PIN is stored, and the longest PIN.
pub(crate) const PIN_LEN: usize = 16;
/// Bytes in which an administration key is stored.
pub(crate) const KEY_LEN: usize = 32;

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
