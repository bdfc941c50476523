//! A reader and what its clients can do with it, in the order of checks and with the results of pcsc-lite 1.9.9; where
//! we differ on purpose a comment begins with `Differs:`.
//!
//! Two locks. The state's is held for moments only, so that other clients always learn how things are. The slot's
//! is held while the card works, and while somebody types a PIN for it; it is always taken first.

mod commands;
mod pins;
mod sharing;
mod transactions;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use card_wire::Icc;

use crate::builder::{Clock, ReaderSpec};
use crate::control::ApduSize;
use crate::lock;
use crate::observe::What;
use crate::pin_pad::entering::Pad;
use crate::proto::{ReaderState, Rv};
use crate::settings::Settings;
use crate::slot::Slot;
use crate::state::{Missed, State};
use crate::waiting::Events;

/// How often those who wait for long look whether their client is still there.
const LOOK: Duration = Duration::from_millis(100);

/// A reader.
pub(crate) struct Reader {
    pub(crate) name: String,
    size: ApduSize,
    clock: Option<Clock>,
    pad: Option<Arc<Pad>>,
    settings: Settings,
    events: Arc<Events>,
    state: Mutex<State>,
    /// Something that a client may wait for has happened: a transaction has ended, the card has gone.
    changed: Condvar,
    slot: Mutex<Slot>,
    /// What happens to the card when the command that runs has been answered.
    due: Mutex<Option<Due>>,
}

/// What a card has asked for from within a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Reset,
    Removal,
}

/// How a card is made to forget.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Renewal {
    Warm,
    Cold,
    Off,
}

impl Reader {
    pub(crate) fn new(
        name: String,
        size: ApduSize,
        clock: Option<Clock>,
        pad: Option<Arc<Pad>>,
        settings: Settings,
        events: Arc<Events>,
    ) -> Self {
        let (state, changed, slot, due) = (Mutex::default(), Condvar::new(), Mutex::default(), Mutex::default());
        Self { name, size, clock, pad, settings, events, state, changed, slot, due }
    }

    /// The state as of now.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        state.settle(self.settings.power_grace);
        state
    }

    fn wait<'s>(&'s self, state: MutexGuard<'s, State>, limit: Duration) -> MutexGuard<'s, State> {
        let mut state = self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0;
        state.settle(self.settings.power_grace);
        state
    }

    /// Tells who watches.
    fn note(&self, handle: Option<u32>, what: What<'_>) {
        self.events.note(Some(&self.name), handle, what);
    }

    /// The slot for the reader's owner, who does not wait for somebody to type a PIN.
    fn hurried_slot(&self) -> MutexGuard<'_, Slot> {
        let _hurry = self.pad.as_deref().map(Pad::hurry);
        lock(&self.slot)
    }

    /// Has whoever waits for a PIN look whether it is still wanted.
    pub(crate) fn interrupt(&self) {
        if let Some(pad) = &self.pad {
            pad.interrupt();
        }
    }

    /// Tells those who wait for the card and those who wait for news.
    fn tell(&self) {
        self.changed.notify_all();
        self.interrupt();
        self.events.changed();
    }

    /// What clients see.
    pub(crate) fn snapshot(&self) -> ReaderState {
        let state = self.state();
        ReaderState {
            name: self.name.clone(),
            counter: state.counter,
            bits: state.shown as u32,
            sharing: state.sharing,
            atr: state.atr.clone(),
            protocol: state.protocol,
        }
    }

    /// Resets the card or takes its power; all handles but one miss it. With `by`, refuses where another handle has
    /// got the card for itself in the meantime.
    fn renew(&self, renewal: Renewal, but: Option<u32>, by: Option<u32>) -> Result<(), Rv> {
        self.renew_in(&mut lock(&self.slot), renewal, but, by)
    }

    /// The same, with the slot at hand.
    fn renew_in(&self, slot: &mut Slot, renewal: Renewal, but: Option<u32>, by: Option<u32>) -> Result<(), Rv> {
        let insertion = {
            let state = self.state();
            if by.is_some_and(|handle| state.is_locked_for(handle)) {
                return Err(Rv::SHARING_VIOLATION);
            }
            if !state.is_present() {
                return Err(Rv::NO_SMARTCARD);
            }
            state.insertion
        };
        let atr = match renewal {
            Renewal::Warm => slot.reset(),
            Renewal::Cold => slot.power_up(None),
            Renewal::Off => {
                slot.power_off();
                Vec::new()
            }
        };
        let mute = atr.is_empty() && renewal != Renewal::Off;
        self.note(by, if renewal == Renewal::Off { What::PoweredOff } else { What::Atr(&atr) });
        let mut state = self.state();
        if state.insertion != insertion {
            return Err(Rv::NO_SMARTCARD);
        }
        if renewal == Renewal::Off {
            state.unpowered();
        } else {
            state.renewed(atr);
        }
        state.miss(Missed::Reset, but);
        drop(state);
        self.tell();
        if mute { Err(Rv::UNRESPONSIVE_CARD) } else { Ok(()) }
    }

    /// Puts a card in. At the start of the service that is no event.
    ///
    /// # Errors
    /// The card, where there is one already.
    pub(crate) fn insert(&self, card: Box<dyn Icc>, is_event: bool) -> Result<(), Box<dyn Icc>> {
        let mut slot = self.hurried_slot();
        if !slot.is_empty() {
            return Err(card);
        }
        slot.put(card);
        self.note(None, What::Inserted);
        let atr = slot.power_up(None);
        self.note(None, What::Atr(&atr));
        let mut state = self.state();
        state.renewed(atr);
        state.insertion += 1;
        state.counter = state.counter.wrapping_add(u16::from(is_event));
        drop(state);
        self.tell();
        Ok(())
    }

    /// Pulls the card: clients are told at once. Then waits for a command that runs, whose answer is lost.
    pub(crate) fn remove(&self) -> Option<Box<dyn Icc>> {
        self.vanish();
        self.hurried_slot().take()
    }

    /// Tells clients that the card has gone; it is still to be taken out.
    pub(crate) fn vanish(&self) {
        let mut state = self.state();
        if state.is_present() {
            state.removed();
            self.note(None, What::Removed);
        }
        drop(state);
        self.tell();
    }

    /// Has something happen to the card once the command that runs has been answered.
    pub(crate) fn ask_for(&self, due: Due) {
        *lock(&self.due) = Some(due);
    }

    /// Does what a card has asked for from within its command.
    fn settle_due(&self, slot: &mut Slot) {
        let due = lock(&self.due).take();
        match due {
            // A card that is gone or stays mute is told at the next command.
            Some(Due::Reset) => drop(self.renew_in(slot, Renewal::Warm, None, None)),
            Some(Due::Removal) => self.vanish(),
            None => {}
        }
    }

    /// Exchanges the card between two commands, without an event. Returns the old one.
    pub(crate) fn replace(&self, card: Box<dyn Icc>) -> Option<Box<dyn Icc>> {
        let mut slot = self.hurried_slot();
        let (protocol, powered) = (slot.protocol(), self.state().powered);
        let old = slot.take();
        slot.put(card);
        self.note(None, What::Replaced);
        let atr = slot.power_up(old.is_some().then_some(protocol));
        self.note(None, What::Atr(&atr));
        let mut state = self.state();
        let agreed = state.protocol;
        let new = !state.is_present();
        state.renewed(atr);
        if new {
            state.counter = state.counter.wrapping_add(1);
        } else {
            (state.protocol, state.powered) = (agreed, powered && state.powered);
        }
        drop(state);
        self.tell();
        old
    }

    /// Resets the card as another program would.
    pub(crate) fn reset(&self) -> bool {
        self.renew_in(&mut self.hurried_slot(), Renewal::Warm, None, None).is_ok()
    }

    pub(crate) fn is_present(&self) -> bool {
        self.state().is_present()
    }

    /// The reader is pulled, and with it the card, which is still to be taken out. Handles end.
    pub(crate) fn unplug(&self) {
        let mut state = self.state();
        state.gone = true;
        state.handles.clear();
        if state.is_present() {
            state.removed();
        }
        state.free();
        self.note(None, What::Unplugged);
        drop(state);
        self.tell();
    }

    /// What a reader like it is made from.
    pub(crate) fn spec(&self) -> ReaderSpec {
        ReaderSpec::new(self.name.as_str()).apdu_size(self.size).having(self.clock.clone(), self.pad.clone())
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.state().gone
    }
}
