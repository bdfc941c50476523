//! Commands whose PIN is typed at the reader's pad.

use zeroize::Zeroizing;

use super::Reader;
use crate::caller::Caller;
use crate::lock;
use crate::pin_pad::order::Order;
use crate::pin_pad::{Entry, Pin, PinRequest, Refusal, Wanted};
use crate::proto::Rv;
use crate::slot::Slot;

impl Reader {
    /// Has PINs typed and the card execute the command with them. Returns a status word, the card's or the reader's.
    pub(super) fn with_pin(
        &self,
        handle: u32,
        order: Result<Order<'_>, Refusal>,
        caller: &Caller<'_>,
    ) -> Result<Vec<u8>, Rv> {
        let order = match order {
            Ok(order) => order,
            Err(refusal) => return Ok(refusal.0.to_be_bytes().to_vec()),
        };
        // The reader is busy until the card has answered, as with any command: others wait here.
        let mut slot = lock(&self.slot);
        let insertion = {
            let mut state = self.state();
            state.handle(handle)?;
            if state.is_locked_for(handle) {
                return Err(Rv::SHARING_VIOLATION);
            }
            if !state.is_present() {
                return Err(Rv::NO_SMARTCARD);
            }
            state.insertion
        };
        let typed = self.typed(&order, insertion, caller);
        // Whatever was typed, and whoever still wants it: this is no card for it any more.
        let mut state = self.state();
        state.handle(handle)?;
        if state.insertion != insertion {
            return Err(Rv::NO_SMARTCARD);
        }
        drop(state);
        match typed {
            Ok(command) => self.status_of(&mut slot, handle, &command, insertion),
            Err(refusal) => Ok(refusal.0.to_be_bytes().to_vec()),
        }
    }

    /// The card's status word, without data: nothing that was typed comes back to the program.
    fn status_of(&self, slot: &mut Slot, handle: u32, command: &[u8], insertion: u64) -> Result<Vec<u8>, Rv> {
        let answer = self.execute(slot, handle, command, insertion);
        let status = answer.map(|answer| answer[answer.len().saturating_sub(2)..].to_vec());
        self.settle_due(slot);
        status
    }

    /// The command with the PINs that were typed for it.
    fn typed(&self, order: &Order<'_>, insertion: u64, caller: &Caller<'_>) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let pad = self.pad.as_ref().ok_or(Refusal::CANCELLED)?;
        let is_wanted = || {
            let state = self.state();
            let is_here = state.insertion == insertion && !state.gone;
            drop(state);
            is_here && caller.is_there()
        };
        let mut pins: Vec<(Wanted, Pin)> = Vec::with_capacity(order.steps.len());
        for (wanted, message) in &order.steps {
            let request = PinRequest {
                reader: self.name.clone(),
                wanted: *wanted,
                min: order.min,
                max: order.max,
                message: *message,
                timeout: order.timeout,
                ends: order.ends,
            };
            match pad.ask(request, is_wanted) {
                Some(Entry::Pin(pin)) if !order.takes(&pin) => return Err(Refusal::LENGTH),
                Some(Entry::Pin(pin)) => pins.push((*wanted, pin)),
                Some(Entry::TimedOut) => return Err(Refusal::TIMED_OUT),
                Some(Entry::Cancelled) | None => return Err(Refusal::CANCELLED),
            }
        }
        let one = |wanted| pins.iter().find(|(typed, _)| *typed == wanted).map(|(_, pin)| pin.digits());
        if one(Wanted::NewAgain).is_some_and(|again| one(Wanted::New) != Some(again)) {
            return Err(Refusal::NOT_THE_SAME);
        }
        order.command(&pins)
    }
}
