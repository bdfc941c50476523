//! PIN, PUK and the life cycle that setting them drives. Knows no APDU.
//!
//! A try is spent, and committed, before the comparison: a power cut never gives one back.

use card_wire::Status;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::nvm::object::{CARD, Kind, Object, PINS};
use crate::nvm::page::PageNo;
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};
use crate::platform::{Event, Events};
use crate::preset::Preset;

/// Bytes in which a PIN is stored, padded with zeros.
pub(crate) const STORED: usize = 16;
/// Reference of the user PIN.
pub(crate) const PIN: u8 = 0x01;
/// Reference of the PUK.
pub(crate) const PUK: u8 = 0x02;

/// A PIN or PUK padded with zeros; wiped on drop.
pub(crate) type Value = Zeroizing<[u8; STORED]>;

/// Content of a PIN object: set or not, tries left, tries in all, and the value.
const CONTENT: u16 = 19;
const SET: usize = 0;
const LEFT: usize = 1;
const TRIES: usize = 2;
const VALUE: usize = 3;

/// Life-cycle states of the card, by the numbers of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifeCycle {
    /// Neither PIN nor PUK is set.
    Creation = 0,
    /// The PUK is set.
    Initialisation = 1,
    /// The PIN is set.
    Operational = 5,
}

/// Why nothing is done with a PIN or key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// Wrong; so many tries are left.
    Wrong(u8),
    /// No tries were left before this one.
    Blocked,
    /// It was never set.
    NotSet,
    /// The memory failed.
    Memory(nvm::Error),
}

impl From<nvm::Error> for Error {
    fn from(error: nvm::Error) -> Self {
        Self::Memory(error)
    }
}

impl Error {
    /// The status word on a card whose blocked PINs answer `blocked`, and those that were never set `not_set`.
    pub(crate) fn status(self, blocked: Status, not_set: Status) -> Status {
        match self {
            Self::Wrong(left) => Status::tries_left(left),
            Self::Blocked => blocked,
            Self::NotSet => not_set,
            Self::Memory(error) => error.into(),
        }
    }
}

/// Card state, PIN and PUK of a blank card.
pub(crate) fn blank_objects(preset: &Preset) -> [Object; 3] {
    let pin = |reference: u8, tries: u8| {
        let mut object = Object::new(Kind::Pin, PINS, u16::from(reference), &[], CONTENT);
        object.inline_mut()[LEFT] = tries;
        object.inline_mut()[TRIES] = tries;
        object
    };
    [Object::new(Kind::Card, CARD, 0, &[], 1), pin(PIN, preset.pin.tries), pin(PUK, preset.puk_tries)]
}

/// `pin` padded with zeros; `None` if it is too long.
pub(crate) fn padded(pin: &[u8]) -> Option<Value> {
    let mut value = Zeroizing::new([0; STORED]);
    value.get_mut(..pin.len())?.copy_from_slice(pin);
    Some(value)
}

/// Length of a PIN without its padding.
pub(crate) fn unpadded_len(pin: &[u8]) -> usize {
    pin.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

fn locate<N: Nvm>(store: &mut Store<N>, parent: PageNo, id: u8) -> Result<(PageNo, Object), nvm::Error> {
    let page = store.index().child(parent, u16::from(id)).ok_or(nvm::Error::Damaged)?.page;
    let object = store.object(page)?;
    // A content that is shorter than its owner expects cannot come from this program.
    let expected = if parent == CARD { 1 } else { usize::from(CONTENT) };
    if object.inline().len() == expected { Ok((page, object)) } else { Err(nvm::Error::Damaged) }
}

/// The card's life-cycle state.
pub(crate) fn life_cycle<N: Nvm>(store: &mut Store<N>) -> Result<LifeCycle, nvm::Error> {
    let (_, card) = locate(store, CARD, 0)?;
    match card.inline() {
        [0] => Ok(LifeCycle::Creation),
        [1] => Ok(LifeCycle::Initialisation),
        [5] => Ok(LifeCycle::Operational),
        _ => Err(nvm::Error::Damaged),
    }
}

/// Tries left.
pub(crate) fn tries_left<N: Nvm>(store: &mut Store<N>, reference: u8) -> Result<u8, nvm::Error> {
    Ok(locate(store, PINS, reference)?.1.inline()[LEFT])
}

/// Sets a PIN or PUK for the first time and moves the card to its next life-cycle state, both at once.
pub(crate) fn set<N: Nvm>(
    store: &mut Store<N>,
    reference: u8,
    value: &Value,
    next: LifeCycle,
) -> Result<(), nvm::Error> {
    let (card_page, mut card) = locate(store, CARD, 0)?;
    let (page, mut object) = locate(store, PINS, reference)?;
    card.inline_mut()[0] = next as u8;
    store_value(&mut object, value);
    let mut change = store.begin()?;
    change.update(page, object);
    change.update(card_page, card);
    change.commit()
}

fn store_value(object: &mut Object, value: &Value) {
    let content = object.inline_mut();
    content[SET] = 1;
    content[LEFT] = content[TRIES];
    content[VALUE..].copy_from_slice(&value[..]);
}

/// A try that was right: its counter is still spent until one of its methods restores it.
pub(crate) struct Passed {
    page: PageNo,
    object: Object,
    reference: u8,
}

/// Spends a try and compares.
fn attempt<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    reference: u8,
    candidate: &Value,
) -> Result<Passed, Error> {
    let (page, mut object) = locate(store, PINS, reference)?;
    if object.inline()[SET] == 0 {
        return Err(Error::NotSet);
    }
    let left = object.inline()[LEFT].checked_sub(1).ok_or(Error::Blocked)?;
    object.inline_mut()[LEFT] = left;
    let mut change = store.begin()?;
    change.update(page, object.clone());
    change.commit()?;
    let right = bool::from(object.inline()[VALUE..].ct_eq(&candidate[..]));
    if !right {
        events.event(Event::PinTry { reference, success: false, tries_left: left });
        return Err(Error::Wrong(left));
    }
    Ok(Passed { page, object, reference })
}

impl Passed {
    fn report<E: Events>(&self, events: &mut E) {
        let tries_left = self.object.inline()[TRIES];
        events.event(Event::PinTry { reference: self.reference, success: true, tries_left });
    }

    fn restored(&self) -> Object {
        let mut object = self.object.clone();
        object.inline_mut()[LEFT] = object.inline()[TRIES];
        object
    }
}

/// Verifies a PIN: the counter is full again when this returns `Ok`.
pub(crate) fn verify<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    reference: u8,
    candidate: &Value,
) -> Result<(), Error> {
    let passed = attempt(store, events, reference, candidate)?;
    let mut change = store.begin()?;
    change.update(passed.page, passed.restored());
    change.commit()?;
    passed.report(events);
    Ok(())
}

/// Replaces a PIN by whoever knows it.
pub(crate) fn change<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    reference: u8,
    old: &Value,
    new: &Value,
) -> Result<(), Error> {
    let passed = attempt(store, events, reference, old)?;
    let mut object = passed.object.clone();
    store_value(&mut object, new);
    let mut change = store.begin()?;
    change.update(passed.page, object);
    change.commit()?;
    passed.report(events);
    Ok(())
}

/// Sets a new PIN by the PUK; both counters are full afterwards.
pub(crate) fn unblock<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    puk: &Value,
    new: &Value,
) -> Result<(), Error> {
    let passed = attempt(store, events, PUK, puk)?;
    let (page, mut object) = locate(store, PINS, PIN)?;
    store_value(&mut object, new);
    let mut change = store.begin()?;
    change.update(page, object);
    change.update(passed.page, passed.restored());
    change.commit()?;
    passed.report(events);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_stripped_at_the_end_only() {
        assert_eq!(unpadded_len(b"12\x0034\x00\x00"), 5);
        assert_eq!(unpadded_len(&[0; 16]), 0);
        assert!(padded(&[1; 17]).is_none());
        assert_eq!(padded(b"1234").unwrap()[..5], *b"1234\x00");
    }
}
