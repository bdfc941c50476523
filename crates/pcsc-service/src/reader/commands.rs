//! What is asked of the card and of the reader itself.

use std::time::{Duration, Instant};

use super::Reader;
use crate::caller::Caller;
use crate::control::{self, Control, Facts};
use crate::lock;
use crate::observe::What;
use crate::pin_pad::order::Order;
use crate::proto::Rv;
use crate::slot::Slot;
use crate::state::State;

/// `SCARD_PCI` values that go with any protocol: raw, and what old clients send.
const ANY_PCI: [u32; 2] = [4, 0x1000];

impl Reader {
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
        let result = match self.execute(&mut slot, handle, command, insertion) {
            Err(rv) => Err(failed(rv)),
            Ok(answer) if answer.len() > room => Err((Rv::INSUFFICIENT_BUFFER, answer.len())),
            Ok(answer) => {
                out.extend_from_slice(answer);
                Ok(answer.len())
            }
        };
        self.settle_due(&mut slot);
        result
    }

    /// Has the card of this insertion execute a command. What the card has asked for meanwhile is still to be done.
    pub(super) fn execute<'s>(
        &self,
        slot: &'s mut Slot,
        handle: u32,
        command: &[u8],
        insertion: u64,
    ) -> Result<&'s [u8], Rv> {
        let begin = self.events.is_watched().then(|| self.clock());
        let answer = slot.transmit(command);
        let (is_lost, is_gone) = {
            let state = self.state();
            (state.insertion != insertion, state.gone)
        };
        if let Some(begin) = begin {
            let answer = if is_lost { &[] } else { answer };
            self.note(Some(handle), What::Command { command, answer, took: begin() });
        }
        match answer {
            _ if is_gone => Err(Rv::READER_UNAVAILABLE),
            _ if is_lost => Err(Rv::NO_SMARTCARD),
            [] => Err(Rv::NOT_TRANSACTED),
            answer => Ok(answer),
        }
    }

    /// Tells how long it is since now.
    fn clock(&self) -> impl Fn() -> Duration {
        let (own, begin) = (self.clock.as_ref().map(|now| (now, now())), Instant::now());
        move || own.map_or_else(|| begin.elapsed(), |(now, begin)| now().saturating_sub(begin))
    }

    /// The reader's own answer to a control code, or the card's status word for a PIN that was typed.
    pub(crate) fn control(&self, handle: u32, code: u32, data: &[u8], caller: &Caller<'_>) -> Result<Vec<u8>, Rv> {
        let mut state = self.state();
        state.handle(handle)?;
        if state.is_locked_for(handle) {
            return Err(Rv::SHARING_VIOLATION);
        }
        drop(state);
        match control::control(code, self.size, self.pad.is_some())? {
            Control::Answer(answer) => Ok(answer),
            Control::Verify => self.with_pin(handle, Order::verify(data), caller),
            Control::Modify => self.with_pin(handle, Order::modify(data), caller),
        }
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
}
