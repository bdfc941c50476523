//! Handles: how they come, change and go, and what they do to the card.

use std::sync::MutexGuard;

use card_wire::Protocol;

use super::{LOOK, Reader, Renewal};
use crate::caller::Caller;
use crate::lock;
use crate::observe::What;
use crate::proto::Rv;
use crate::slot::{T0, T1};
use crate::state::{Disposition, Handle, MAX_HANDLES, Share, Shown, State, check_protocols};

impl Reader {
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
        self.note(None, What::Atr(&atr));
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
                self.note(None, What::Atr(&atr));
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
}
