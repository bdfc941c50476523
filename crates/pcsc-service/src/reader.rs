//! A reader and what its clients can do with it, in the order of checks and with the results of pcsc-lite 1.9.9; where
//! we differ on purpose a comment begins with `Differs:`.
//!
//! Two locks. The state's is held for moments only, so that other clients always learn how things are. The slot's
//! is held while the card works; it is always taken first.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use card_wire::{Icc, Protocol};

use crate::caller::Caller;
use crate::control::{self, ApduSize, Facts};
use crate::lock;
use crate::proto::{ReaderState, Rv};
use crate::settings::Settings;
use crate::slot::{Slot, T0, T1};
use crate::state::{Disposition, Handle, MAX_HANDLES, Missed, Share, Shown, State, check_protocols};
use crate::waiting::Events;

/// How long a command waits for another client's transaction before it is refused. Clients try again by themselves,
/// and those that do not want to wait must not wait longer.
const HOLD: Duration = Duration::from_millis(100);
/// How often those who wait for long look whether their client is still there.
const LOOK: Duration = Duration::from_millis(100);

/// `SCARD_PCI` values that go with any protocol: raw, and what old clients send.
const ANY_PCI: [u32; 2] = [4, 0x1000];

/// A reader.
pub(crate) struct Reader {
    pub(crate) name: String,
    size: ApduSize,
    settings: Settings,
    events: Arc<Events>,
    state: Mutex<State>,
    /// Something that a client may wait for has happened: a transaction has ended, the card has gone.
    changed: Condvar,
    slot: Mutex<Slot>,
}

/// How a card is made to forget.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Renewal {
    Warm,
    Cold,
    Off,
}

impl Reader {
    pub(crate) fn new(name: String, size: ApduSize, settings: Settings, events: Arc<Events>) -> Self {
        let (state, changed, slot) = (Mutex::default(), Condvar::new(), Mutex::default());
        Self { name, size, settings, events, state, changed, slot }
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

    /// Tells those who wait for the card and those who wait for news.
    fn tell(&self) {
        self.changed.notify_all();
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

    /// Gives the client a handle; returns the protocol.
    pub(crate) fn connect(&self, handle: u32, caller: &Caller<'_>, share: Share, preferred: u32) -> Result<u32, Rv> {
        // A card that somebody is about to use keeps its power.
        self.state().connecting += 1;
        let result = loop {
            match self.try_connect(handle, caller, share, preferred) {
                Ok(None) => {}
                Ok(Some(protocol)) => break Ok(protocol),
                Err(rv) => break Err(rv),
            }
        };
        let mut state = self.state();
        state.connecting -= 1;
        state.note_use();
        drop(state);
        if result.is_ok() {
            self.tell();
        }
        result
    }

    /// One look at everything that a connection depends on; none where it changed something and takes another look.
    fn try_connect(&self, handle: u32, caller: &Caller<'_>, share: Share, preferred: u32) -> Result<Option<u32>, Rv> {
        let mut state = self.state();
        if state.gone {
            return Err(Rv::UNKNOWN_READER);
        }
        if state.sharing < 0 {
            return Err(Rv::SHARING_VIOLATION);
        }
        if state.owner.is_some() {
            // Differs: pcscd lets a program that waits for itself wait for ever.
            if state.owner_is(caller.client) || !caller.is_there() {
                return Err(Rv::SHARING_VIOLATION);
            }
            drop(self.wait(state, LOOK));
            return Ok(None);
        }
        if share != Share::Direct && !state.is_present() {
            return Err(Rv::NO_SMARTCARD);
        }
        if share != Share::Direct && !state.powered {
            drop(state);
            return self.power_up().map(|()| None);
        }
        let protocol = state.choose(preferred, share)?;
        if share == Share::Exclusive && state.sharing > 0 {
            return Err(Rv::SHARING_VIOLATION);
        }
        if state.handles.len() >= MAX_HANDLES {
            return Err(Rv::NO_MEMORY);
        }
        if protocol != state.protocol {
            self.negotiate(state, protocol);
            return Ok(None);
        }
        if share == Share::Exclusive {
            state.sharing = -1;
            state.lock(handle);
        } else {
            state.sharing += 1;
        }
        let direct = share == Share::Direct;
        state.handles.insert(handle, Handle { client: caller.client, missed: None, direct });
        Ok(Some(protocol))
    }

    /// Gives power to a card that has none, for a new handle.
    fn power_up(&self) -> Result<(), Rv> {
        let mut slot = lock(&self.slot);
        let insertion = {
            let state = self.state();
            if state.powered || !state.is_present() {
                return Ok(());
            }
            state.insertion
        };
        let atr = slot.power_up(None);
        let mute = atr.is_empty();
        let mut state = self.state();
        if state.insertion == insertion {
            state.renewed(atr);
        }
        drop(state);
        self.events.changed();
        if mute { Err(Rv::UNPOWERED_CARD) } else { Ok(()) }
    }

    /// Makes this the protocol that all clients use from now on, unless something else has happened: whoever asked
    /// looks again.
    fn negotiate(&self, state: MutexGuard<'_, State>, protocol: u32) {
        let before = (state.insertion, state.protocol, state.powered);
        drop(state);
        let mut slot = lock(&self.slot);
        let wanted = match protocol {
            T0 => Some(Protocol::T0),
            T1 => Some(Protocol::T1),
            _ => None,
        };
        let is_as_before = |state: &State| before == (state.insertion, state.protocol, state.powered);
        if !is_as_before(&self.state()) {
            return;
        }
        // The card learns its protocol with the power. Nobody has used it since it got it last.
        let other = before.2 && wanted.is_some_and(|wanted| wanted != slot.protocol());
        let atr = other.then(|| slot.power_up(wanted));
        let mut state = self.state();
        if is_as_before(&state) {
            if let Some(atr) = atr {
                state.renewed(atr);
            }
            if state.powered == before.2 {
                state.protocol = protocol;
            }
        }
    }

    pub(crate) fn reconnect(&self, handle: u32, share: u32, preferred: u32, initialization: u32) -> Result<u32, Rv> {
        if initialization > 2 {
            return Err(Rv::INVALID_VALUE);
        }
        let share = Share::try_from(share)?;
        check_protocols(preferred, share)?;
        let mut state = self.state();
        state.handle(handle)?;
        state = self.unlocked(state, handle)?;
        if initialization != 0 {
            drop(state);
            self.renew(if initialization == 1 { Renewal::Warm } else { Renewal::Cold }, None, Some(handle))?;
            state = self.state();
        }
        let protocol = loop {
            state.handle(handle)?;
            if state.is_locked_for(handle) {
                return Err(Rv::SHARING_VIOLATION);
            }
            match state.shown {
                Shown::Absent if share != Share::Direct => return Err(Rv::NO_SMARTCARD),
                Shown::Mute if share != Share::Direct => return Err(Rv::UNRESPONSIVE_CARD),
                _ => {}
            }
            let protocol = state.choose(preferred, share)?;
            if protocol == state.protocol {
                break protocol;
            }
            self.negotiate(state, protocol);
            state = self.state();
        };
        self.reshare(&mut state, handle, share)?;
        let own = state.handle(handle)?;
        (own.missed, own.direct) = (None, share == Share::Direct);
        state.note_use();
        drop(state);
        self.tell();
        Ok(protocol)
    }

    /// Changes how a handle shares the card.
    fn reshare(&self, state: &mut State, handle: u32, share: Share) -> Result<(), Rv> {
        match (share, state.sharing) {
            (Share::Exclusive, 1) => {
                state.sharing = -1;
                state.lock(handle);
            }
            (Share::Exclusive, -1) => {}
            (Share::Exclusive, _) => return Err(Rv::SHARING_VIOLATION),
            (Share::Shared | Share::Direct, -1) => {
                state.sharing = 1;
                // Differs: pcscd keeps the lock of the exclusive use, and every other client waits for ever.
                state.unlock();
            }
            (Share::Shared | Share::Direct, _) => {}
        }
        Ok(())
    }

    pub(crate) fn disconnect(&self, handle: u32, caller: &Caller<'_>, disposition: Disposition) -> Result<(), Rv> {
        let mut state = self.state();
        while disposition != Disposition::Leave && state.is_locked_for(handle) && !state.gone {
            // Differs: as in `connect`.
            if state.owner_is(caller.client) || !caller.is_there() {
                return Err(Rv::SHARING_VIOLATION);
            }
            state = self.wait(state, LOOK);
        }
        if state.gone {
            return Ok(());
        }
        drop(state);
        self.end_of(handle, disposition);
        Ok(())
    }

    /// The client has gone or has released its context: what it had for itself is reset, what it shared is left.
    pub(crate) fn release(&self, handle: u32) {
        let mut state = self.state();
        let Ok(own) = state.handle(handle) else { return };
        let fresh = own.missed.is_none();
        let alone = state.owner == Some(handle);
        drop(state);
        self.end_of(handle, if alone && fresh { Disposition::Reset } else { Disposition::Leave });
    }

    /// Does to the card what the client wants at the end, and forgets the handle.
    fn end_of(&self, handle: u32, disposition: Disposition) {
        let renewal = match disposition {
            Disposition::Reset => Some((Renewal::Warm, Some(handle))),
            Disposition::Unpower => Some((Renewal::Off, None)),
            Disposition::Leave | Disposition::Eject => None,
        };
        if let Some((renewal, but)) = renewal {
            // A card that is gone or stays mute is none of this client's business any more.
            let _ = self.renew(renewal, but, None);
        }
        self.state().drop_handle(handle);
        self.tell();
    }

    /// Resets the card or takes its power; all handles but one miss it. With `by`, refuses where another handle has
    /// got the card for itself in the meantime.
    fn renew(&self, renewal: Renewal, but: Option<u32>, by: Option<u32>) -> Result<(), Rv> {
        let mut slot = lock(&self.slot);
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

    /// Waits a moment for another client's transaction to end.
    fn unlocked<'s>(&'s self, mut state: MutexGuard<'s, State>, handle: u32) -> Result<MutexGuard<'s, State>, Rv> {
        if !state.is_locked_for(handle) {
            return Ok(state);
        }
        let end = Instant::now() + HOLD;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let client = state.handle(handle)?.client;
            if left.is_zero() || state.owner_is(client) {
                return Err(Rv::SHARING_VIOLATION);
            }
            state = self.wait(state, left);
            if !state.is_locked_for(handle) {
                return Ok(state);
            }
        }
    }

    pub(crate) fn begin(&self, handle: u32, caller: &Caller<'_>) -> Result<(), Rv> {
        let mut state = self.state();
        state.told(handle)?;
        if state.owner == Some(handle) || (state.owner.is_none() && state.queue.is_empty()) {
            state.lock(handle);
            return Ok(());
        }
        if state.owner_is(caller.client) {
            return Err(Rv::SHARING_VIOLATION);
        }
        // Differs: pcscd refuses after 0.1 s and lets chance decide who is next; here it is who came first.
        let ticket = state.tickets;
        state.tickets += 1;
        state.queue.push_back(ticket);
        let end = Instant::now() + self.settings.begin_hold;
        let result = loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break Err(Rv::SHARING_VIOLATION);
            }
            state = self.wait(state, left);
            if let Err(rv) = state.told(handle) {
                break Err(rv);
            }
            if state.owner.is_none() && state.queue.front() == Some(&ticket) {
                // A client that was killed while it waited gets nothing, so that its end resets nothing.
                if !caller.is_there() {
                    break Err(Rv::INVALID_HANDLE);
                }
                state.lock(handle);
                break Ok(());
            }
        };
        state.queue.retain(|waiting| *waiting != ticket);
        drop(state);
        self.changed.notify_all();
        result
    }

    pub(crate) fn end(&self, handle: u32, disposition: u32) -> Result<(), Rv> {
        let disposition = Disposition::try_from(disposition)?;
        {
            let mut state = self.state();
            state.told(handle)?;
            if state.is_locked_for(handle) {
                return Err(Rv::SHARING_VIOLATION);
            }
            // The lock of an exclusive handle is not a transaction.
            let own = u32::from(state.sharing < 0);
            if state.owner != Some(handle) || state.depth <= own {
                return Err(Rv::NOT_TRANSACTED);
            }
        }
        let renewal = match disposition {
            Disposition::Reset => Some(Renewal::Warm),
            Disposition::Unpower => Some(Renewal::Cold),
            Disposition::Leave | Disposition::Eject => None,
        };
        if let Some(renewal) = renewal {
            // What became of the card is told to every handle, this one included, at its next command.
            let _ = self.renew(renewal, None, None);
        }
        let mut state = self.state();
        if state.owner == Some(handle) {
            state.unlock();
        }
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    pub(crate) fn status(&self, handle: u32) -> Result<(), Rv> {
        let mut state = self.state();
        state.handle(handle)?;
        self.unlocked(state, handle)?.told(handle)
    }

    /// Whether a command on the handle may reach the card now, and which card that is.
    fn pass(&self, state: &mut State, handle: u32, pci: u32) -> Result<u64, Rv> {
        if state.is_locked_for(handle) {
            return Err(Rv::SHARING_VIOLATION);
        }
        state.told(handle)?;
        if !state.is_present() {
            return Err(Rv::NO_SMARTCARD);
        }
        if pci != state.protocol && !ANY_PCI.contains(&pci) {
            return Err(Rv::PROTO_MISMATCH);
        }
        Ok(state.insertion)
    }

    /// Sends a command to the card and appends its answer to `out`; returns the answer's length, or with the error
    /// the length that `room` is too short for.
    pub(crate) fn transmit(
        &self,
        handle: u32,
        pci: u32,
        command: &[u8],
        room: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, (Rv, usize)> {
        let failed = |rv| (rv, 0);
        {
            let mut state = self.state();
            state.handle(handle).map_err(failed)?;
            let mut state = self.unlocked(state, handle).map_err(failed)?;
            self.pass(&mut state, handle, pci).map_err(failed)?;
        }
        // Waits for another client's command. Then everything may be different.
        let mut slot = lock(&self.slot);
        let insertion = self.pass(&mut self.state(), handle, pci).map_err(failed)?;
        let answer = slot.transmit(command);
        if self.state().insertion != insertion {
            return Err(failed(Rv::NO_SMARTCARD));
        }
        match answer.len() {
            0 => Err(failed(Rv::NOT_TRANSACTED)),
            len if len > room => Err((Rv::INSUFFICIENT_BUFFER, len)),
            len => {
                out.extend_from_slice(answer);
                Ok(len)
            }
        }
    }

    /// The reader's own answer to a control code.
    pub(crate) fn control(&self, handle: u32, code: u32) -> Result<Vec<u8>, Rv> {
        let mut state = self.state();
        state.handle(handle)?;
        if state.is_locked_for(handle) {
            return Err(Rv::SHARING_VIOLATION);
        }
        drop(state);
        control::control(code, self.size)
    }

    /// The value of an attribute; none is the question whether it can be set.
    pub(crate) fn attribute(&self, handle: u32, id: Option<u32>) -> Result<Vec<u8>, Rv> {
        let mut state = self.state();
        state.handle(handle)?;
        if state.is_locked_for(handle) {
            return Err(Rv::SHARING_VIOLATION);
        }
        state.told(handle)?;
        let id = id.ok_or(Rv::UNSUPPORTED_FEATURE)?;
        let (present, powered) = (state.is_present(), state.powered);
        control::attribute(id, &Facts { name: &self.name, atr: &state.atr, present, powered })
    }

    /// Puts a card in. At the start of the service that is no event.
    ///
    /// # Errors
    /// The card, where there is one already.
    pub(crate) fn insert(&self, card: Box<dyn Icc>, is_event: bool) -> Result<(), Box<dyn Icc>> {
        let mut slot = lock(&self.slot);
        if !slot.is_empty() {
            return Err(card);
        }
        slot.put(card);
        let atr = slot.power_up(None);
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
        let mut state = self.state();
        if state.is_present() {
            state.removed();
        }
        drop(state);
        self.tell();
        lock(&self.slot).take()
    }

    /// Exchanges the card between two commands, without an event. Returns the old one.
    pub(crate) fn replace(&self, card: Box<dyn Icc>) -> Option<Box<dyn Icc>> {
        let mut slot = lock(&self.slot);
        let (protocol, powered) = (slot.protocol(), self.state().powered);
        let old = slot.take();
        slot.put(card);
        let atr = slot.power_up(old.is_some().then_some(protocol));
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
        self.renew(Renewal::Warm, None, None).is_ok()
    }

    pub(crate) fn is_present(&self) -> bool {
        self.state().is_present()
    }

    /// The reader is pulled, and with it the card.
    pub(crate) fn unplug(&self) -> Option<Box<dyn Icc>> {
        let mut state = self.state();
        state.gone = true;
        state.handles.clear();
        state.free();
        drop(state);
        self.tell();
        lock(&self.slot).take()
    }
}
