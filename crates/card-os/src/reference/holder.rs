//! What is done with a PIN or an administration key: trying it, setting it, filling its counter, asking about it.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{KEY_LEN, LEFT, LEN, MAX, MIN, PIN_LEN, QUIET, SET, TRIES, VALUE};
use crate::crypto::aes;
use crate::fs::attributes::{Attributes, Internal};
use crate::fs::internal;
use crate::nvm::index::Entry;
use crate::nvm::object::Object;
use crate::nvm::page::PageNo;
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};
pub(crate) use crate::pin::Error;
use crate::pin::unpadded_len;
use crate::platform::{Event, Events};

/// A PIN or key on its way in, padded with zeros; wiped on drop.
pub(crate) struct Value {
    bytes: Zeroizing<[u8; KEY_LEN]>,
    len: u8,
}

impl Value {
    /// A PIN; zeros at its end do not count. `None` if no PIN is as long.
    pub(crate) fn pin(bytes: &[u8]) -> Option<Self> {
        let len = unpadded_len(bytes);
        if len > PIN_LEN { None } else { Self::key(&bytes[..len]) }
    }

    /// A key. `None` if no key is as long.
    pub(crate) fn key(bytes: &[u8]) -> Option<Self> {
        let mut padded = Zeroizing::new([0; KEY_LEN]);
        padded.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { bytes: padded, len: u8::try_from(bytes.len()).ok()? })
    }

    pub(crate) const fn len(&self) -> u8 {
        self.len
    }
}

/// What can be said of a PIN or key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) set: bool,
    /// Tries left.
    pub(crate) left: u8,
    /// Least length of a new one.
    pub(crate) min: u8,
    /// Longest length of a new one.
    pub(crate) max: u8,
    /// Length of the one that is set.
    pub(crate) len: u8,
}

/// The object of a PIN or key, to be changed and then committed.
struct Holder {
    page: PageNo,
    object: Object,
    /// Number of a PIN. Keys have none: the listener is told of PINs.
    pin: Option<u8>,
}

impl Holder {
    fn load<N: Nvm>(store: &mut Store<N>, file: &Entry) -> Result<Self, nvm::Error> {
        let (pin, len) = match internal::identity(file) {
            Some((Internal::Pin, number)) => (Some(number), PIN_LEN),
            Some((Internal::Key, _)) => (None, KEY_LEN),
            _ => return Err(nvm::Error::Damaged),
        };
        let object = store.object(file.page)?;
        // A content that is shorter than its owner expects cannot come from this program.
        let sound = object.inline().len() == VALUE + len && usize::from(object.inline()[LEN]) <= len;
        if sound { Ok(Self { page: file.page, object, pin }) } else { Err(nvm::Error::Damaged) }
    }

    fn state(&self) -> State {
        let content = self.object.inline();
        State { set: content[SET] != 0, left: content[LEFT], min: content[MIN], max: content[MAX], len: content[LEN] }
    }

    /// The value with its padding.
    fn value(&self) -> &[u8] {
        &self.object.inline()[VALUE..]
    }

    fn put(&mut self, new: &Value) {
        let content = self.object.inline_mut();
        let len = content.len() - VALUE;
        content[SET] = 1;
        content[LEN] = new.len;
        content[VALUE..].copy_from_slice(&new.bytes[..len]);
        self.restore();
    }

    fn restore(&mut self) {
        let content = self.object.inline_mut();
        content[LEFT] = content[TRIES];
    }

    /// A new value, or only full tries.
    fn renew(&mut self, new: Option<&Value>) {
        match new {
            Some(new) => self.put(new),
            None => {
                self.restore();
                self.be_quiet();
            }
        }
    }

    /// Says whether a verification is required; `false` where that was so before.
    fn require(&mut self, required: bool) -> bool {
        let mut attributes = Attributes(self.object.attributes());
        let changes = attributes.is_disabled() == required;
        attributes.set_disabled(!required);
        self.object.set_attributes(attributes.0);
        changes
    }

    /// The next commit is none that the change counter counts.
    fn be_quiet(&mut self) {
        if let Some(quiet) = self.object.inline_mut()[QUIET..VALUE].first_chunk_mut::<4>() {
            *quiet = u32::from_be_bytes(*quiet).wrapping_add(1).to_be_bytes();
        }
    }

    fn report<E: Events>(&self, events: &mut E, success: bool) {
        if let Some(reference) = self.pin {
            events.event(Event::PinTry { reference, success, tries_left: self.state().left });
        }
    }
}

/// Commits all of them at once.
fn commit<N: Nvm>(store: &mut Store<N>, holders: &[&Holder]) -> Result<(), nvm::Error> {
    let mut change = store.begin()?;
    for holder in holders {
        change.update(holder.page, holder.object.clone());
    }
    change.commit()
}

/// What can be said of the PIN or key in a file.
pub(crate) fn state<N: Nvm>(store: &mut Store<N>, file: &Entry) -> Result<State, nvm::Error> {
    Ok(Holder::load(store, file)?.state())
}

/// Spends a try and compares. What comes back has its counter still spent.
fn attempt<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    file: &Entry,
    is_right: impl FnOnce(&Holder) -> bool,
) -> Result<Holder, Error> {
    let mut holder = Holder::load(store, file)?;
    let State { set, left, .. } = holder.state();
    if !set {
        return Err(Error::NotSet);
    }
    let left = left.checked_sub(1).ok_or(Error::Blocked)?;
    holder.object.inline_mut()[LEFT] = left;
    holder.be_quiet();
    commit(store, &[&holder])?;
    if is_right(&holder) {
        return Ok(holder);
    }
    holder.report(events, false);
    Err(Error::Wrong(left))
}

/// Tries a PIN. If it is right, its counter is full and `act` has been done to it, in one commit.
fn try_pin<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    file: &Entry,
    candidate: &Value,
    act: impl FnOnce(&mut Holder),
) -> Result<(), Error> {
    let mut holder = attempt(store, events, file, |holder| equals(holder, candidate))?;
    holder.restore();
    act(&mut holder);
    commit(store, &[&holder])?;
    holder.report(events, true);
    Ok(())
}

fn equals(holder: &Holder, candidate: &Value) -> bool {
    let value = holder.value();
    bool::from(value.ct_eq(&candidate.bytes[..value.len()]))
}

/// Verifies a PIN: the counter is full again when this returns `Ok`.
pub(crate) fn verify<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    file: &Entry,
    candidate: &Value,
) -> Result<(), Error> {
    try_pin(store, events, file, candidate, Holder::be_quiet)
}

/// Replaces a PIN by whoever knows it.
pub(crate) fn change<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    file: &Entry,
    old: &Value,
    new: &Value,
) -> Result<(), Error> {
    try_pin(store, events, file, old, |holder| holder.put(new))
}

/// Requires the verification of a PIN, or no more, for whoever knows it.
pub(crate) fn require_by<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    file: &Entry,
    candidate: &Value,
    required: bool,
) -> Result<(), Error> {
    try_pin(store, events, file, candidate, |holder| {
        if !holder.require(required) {
            holder.be_quiet();
        }
    })
}

/// Requires the verification of a PIN, or no more.
pub(crate) fn require<N: Nvm>(store: &mut Store<N>, file: &Entry, required: bool) -> Result<(), nvm::Error> {
    let mut holder = Holder::load(store, file)?;
    if holder.require(required) { commit(store, &[&holder]) } else { Ok(()) }
}

/// Sets a PIN or key; its counter is full then.
pub(crate) fn set<N: Nvm>(store: &mut Store<N>, file: &Entry, new: &Value) -> Result<(), nvm::Error> {
    reset(store, file, Some(new))
}

/// Fills the counter of a PIN, and gives it a new value if there is one.
pub(crate) fn reset<N: Nvm>(store: &mut Store<N>, file: &Entry, new: Option<&Value>) -> Result<(), nvm::Error> {
    let mut holder = Holder::load(store, file)?;
    holder.renew(new);
    commit(store, &[&holder])
}

/// The same by whoever knows the resetting PIN `by`; both counters are full afterwards.
pub(crate) fn reset_by<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    file: &Entry,
    by: &Entry,
    candidate: &Value,
    new: Option<&Value>,
) -> Result<(), Error> {
    if by.page == file.page {
        // A PIN that resets itself is one object, which must not be in a commit twice.
        return try_pin(store, events, by, candidate, |holder| holder.renew(new));
    }
    let mut passed = attempt(store, events, by, |holder| equals(holder, candidate))?;
    passed.restore();
    let mut holder = Holder::load(store, file)?;
    holder.renew(new);
    commit(store, &[&passed, &holder])?;
    passed.report(events, true);
    Ok(())
}

/// Tries an administration key: `answer` is right if it is the challenge, encrypted.
pub(crate) fn authenticate<N: Nvm, E: Events>(
    store: &mut Store<N>,
    events: &mut E,
    file: &Entry,
    challenge: &[u8; aes::BLOCK],
    answer: &[u8; aes::BLOCK],
) -> Result<(), Error> {
    let mut holder = attempt(store, events, file, |holder| {
        let key = &holder.value()[..usize::from(holder.state().len)];
        aes::encrypt(key, challenge).is_some_and(|expected| bool::from(expected.ct_eq(answer)))
    })?;
    holder.restore();
    holder.be_quiet();
    commit(store, &[&holder])?;
    Ok(())
}
