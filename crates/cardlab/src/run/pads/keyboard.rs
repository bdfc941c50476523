//! Keys that `cardlab ctl press` presses. Those that nobody has asked for yet wait, so that a script can press first and
//! start its program then.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::ensure;
use pcsc_service::{Entry, EntryControl, PinPad, PinRequest};
use zeroize::Zeroize as _;

use super::keys::{Keys, Typed};

/// So many keys wait at most: some entries of 32 digits.
const MOST: usize = 256;

/// The keys of one pad.
#[derive(Default)]
pub(crate) struct Keyboard(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<u8>,
    /// The entry that takes keys.
    entry: Option<EntryControl>,
}

impl Drop for State {
    fn drop(&mut self) {
        self.waiting.make_contiguous().zeroize();
    }
}

impl Keyboard {
    /// Presses keys. Returns whether somebody is typing; else they wait.
    ///
    /// # Errors
    /// Where too many would wait; then none of them was pressed.
    pub(crate) fn press(&self, keys: &Keys) -> anyhow::Result<bool> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = MOST.saturating_sub(state.waiting.len());
        ensure!(
            keys.bytes().len() <= most,
            "none was pressed: {} keys wait for a program that asks for a PIN, and {MOST} can",
            state.waiting.len()
        );
        // Never moved by growing, so that no copy is left behind.
        state.waiting.reserve_exact(MOST);
        state.waiting.extend(keys.bytes());
        let entry = state.entry.clone().filter(|entry| !entry.is_over());
        drop(state);
        if let Some(entry) = &entry {
            entry.wake();
        }
        Ok(entry.is_some())
    }

    /// Types what has been pressed. Says how the entry ended, where it did.
    fn type_on(&self, typed: &mut Typed<'_>, control: &EntryControl) -> Option<Entry> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.entry = Some(control.clone());
        let ended = loop {
            // An entry that is over leaves the keys to the next one.
            if control.is_over() {
                break Some(Entry::Cancelled);
            }
            let Some(slot) = state.waiting.front_mut() else { break None };
            let key = std::mem::take(slot);
            state.waiting.pop_front();
            if let Some(entry) = typed.press(key) {
                break Some(entry);
            }
        };
        if ended.is_some() {
            state.entry = None;
        }
        ended
    }
}

/// Whoever stands at the pad.
pub(super) struct AtKeyboard(pub(super) Arc<Keyboard>);

impl PinPad for AtKeyboard {
    fn enter(&mut self, request: &PinRequest, control: &EntryControl) -> Entry {
        let mut typed = Typed::new(request);
        loop {
            if let Some(entry) = self.0.type_on(&mut typed, control) {
                return entry;
            }
            if control.left().is_zero() {
                self.0.0.lock().unwrap_or_else(PoisonError::into_inner).entry = None;
                return typed.time_out();
            }
            control.wait(control.left());
        }
    }
}
