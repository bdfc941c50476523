//! Who has the card for itself, and who waits for it.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::{Reader, Renewal};
use crate::caller::Caller;
use crate::proto::Rv;
use crate::state::{Disposition, State};

/// How long a command waits for another client's transaction before it is refused. Clients try again by themselves,
/// and those that do not want to wait must not wait longer.
const HOLD: Duration = Duration::from_millis(100);

impl Reader {
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

    /// Waits a moment for another client's transaction to end.
    pub(super) fn unlocked<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        handle: u32,
    ) -> Result<MutexGuard<'s, State>, Rv> {
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
}
