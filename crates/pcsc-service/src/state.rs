//! What a reader knows: the card's presence and power, who has handles on it, who has it alone, what each has missed.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::proto::Rv;
use crate::slot::{T0, T1, offered};

/// `SCARD_PROTOCOL_RAW`, and what old clients call "any".
const RAW: u32 = 4;
const ANY_OLD: u32 = 0x1000;

/// Most handles on one reader, and of one context, as in pcscd.
pub(crate) const MAX_HANDLES: usize = 200;

/// How a client wants to share a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Exclusive,
    Shared,
    Direct,
}

impl TryFrom<u32> for Share {
    type Error = Rv;

    fn try_from(word: u32) -> Result<Self, Rv> {
        match word {
            1 => Ok(Self::Exclusive),
            2 => Ok(Self::Shared),
            3 => Ok(Self::Direct),
            _ => Err(Rv::INVALID_VALUE),
        }
    }
}

/// What is to become of a card that a client is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    Leave,
    Reset,
    Unpower,
    /// Readers without a motor leave the card where it is.
    Eject,
}

impl TryFrom<u32> for Disposition {
    type Error = Rv;

    fn try_from(word: u32) -> Result<Self, Rv> {
        match word {
            0 => Ok(Self::Leave),
            1 => Ok(Self::Reset),
            2 => Ok(Self::Unpower),
            3 => Ok(Self::Eject),
            _ => Err(Rv::INVALID_VALUE),
        }
    }
}

/// The bits of a reader's state that clients see; the values are all that pcscd ever shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    /// No card.
    #[default]
    Absent = 0x02,
    /// Present, powered (or was, until the time of grace was over), negotiable.
    Ready = 0x34,
    /// Present, but gives no ATR.
    Mute = 0x0C,
    /// Present, and unpowered by a client.
    Off = 0x04,
}

/// A handle that a client has on the card.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) client: u64,
    /// What has happened to the card since the client last connected.
    pub(crate) missed: Option<Missed>,
    pub(crate) direct: bool,
}

/// What a client is told instead of an answer, until it has connected anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    Reset,
    Removal,
}

/// All of it. Behind a lock that is never held while a card executes.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) shown: Shown,
    pub(crate) powered: bool,
    pub(crate) atr: Vec<u8>,
    /// The protocol that clients have agreed on, as a bit; 0 for none yet.
    pub(crate) protocol: u32,
    /// Insertions and removals, modulo 65,536.
    pub(crate) counter: u16,
    /// Tells one card in the reader from the next. Unlike `counter` it also moves with an exchange under power.
    pub(crate) insertion: u64,
    pub(crate) handles: BTreeMap<u32, Handle>,
    /// Number of handles as clients see it; -1 for one exclusive handle.
    pub(crate) sharing: i32,
    /// The handle that has the card for itself, in a transaction or exclusively, and how many times over.
    pub(crate) owner: Option<u32>,
    pub(crate) depth: u32,
    /// Those who wait for a transaction, in the order they came.
    pub(crate) queue: VecDeque<u64>,
    pub(crate) tickets: u64,
    /// The reader has been unplugged.
    pub(crate) gone: bool,
    /// Clients that are about to get a handle.
    pub(crate) connecting: u32,
    /// Since when nobody uses the card.
    pub(crate) idle_since: Option<Instant>,
}

impl State {
    pub(crate) fn is_present(&self) -> bool {
        self.shown != Shown::Absent
    }

    /// The card has power without being used, and the time of grace is over: its power is gone.
    pub(crate) fn settle(&mut self, grace: Option<Duration>) {
        if let (Some(since), Some(grace)) = (self.idle_since, grace)
            && since.elapsed() >= grace
        {
            (self.powered, self.protocol, self.idle_since) = (false, 0, None);
        }
    }

    /// The handle, unless it or its reader has gone.
    pub(crate) fn handle(&mut self, handle: u32) -> Result<&mut Handle, Rv> {
        self.handles.get_mut(&handle).filter(|_| !self.gone).ok_or(Rv::INVALID_VALUE)
    }

    /// What the handle's client must be told first.
    pub(crate) fn told(&mut self, handle: u32) -> Result<(), Rv> {
        match self.handle(handle)?.missed {
            None => Ok(()),
            Some(Missed::Reset) => Err(Rv::RESET_CARD),
            Some(Missed::Removal) => Err(Rv::REMOVED_CARD),
        }
    }

    /// All handles but one have missed something.
    pub(crate) fn miss(&mut self, missed: Missed, but: Option<u32>) {
        let others = self.handles.iter_mut().filter(|(handle, _)| Some(**handle) != but);
        others.for_each(|(_, handle)| handle.missed = Some(missed));
    }

    /// Whether another handle has the card for itself.
    pub(crate) fn is_locked_for(&self, handle: u32) -> bool {
        self.owner.is_some_and(|owner| owner != handle)
    }

    /// Whether the one who has the card for itself is the same client: it cannot end that while it waits for us.
    pub(crate) fn owner_is(&self, client: u64) -> bool {
        self.owner.and_then(|owner| self.handles.get(&owner)).is_some_and(|owner| owner.client == client)
    }

    pub(crate) fn lock(&mut self, handle: u32) {
        self.depth = if self.owner == Some(handle) { self.depth.saturating_add(1) } else { 1 };
        self.owner = Some(handle);
    }

    /// Ends one transaction.
    pub(crate) fn unlock(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 {
            self.owner = None;
        }
    }

    /// Ends all transactions and exclusive use.
    pub(crate) fn free(&mut self) {
        (self.owner, self.depth) = (None, 0);
    }

    /// The protocol that a client who takes these gets. T=1 is preferred where both are possible, as pcscd does.
    pub(crate) fn choose(&self, preferred: u32, share: Share) -> Result<u32, Rv> {
        if preferred & RAW != 0 {
            return Ok(RAW);
        }
        if share == Share::Direct {
            return Ok(self.protocol);
        }
        let preferred = if preferred & ANY_OLD != 0 { preferred | T0 | T1 } else { preferred };
        let possible = if self.protocol == 0 { offered(&self.atr) } else { self.protocol };
        [T1, T0, RAW].into_iter().find(|bit| possible & preferred & bit != 0).ok_or(Rv::PROTO_MISMATCH)
    }

    /// The card has been reset or given power, and has said this.
    pub(crate) fn renewed(&mut self, atr: Vec<u8>) {
        self.shown = if atr.is_empty() { Shown::Mute } else { Shown::Ready };
        (self.powered, self.protocol) = (!atr.is_empty(), 0);
        self.atr = atr;
        self.atr.truncate(crate::proto::ATR);
        self.note_use();
    }

    /// A client has taken the card's power away.
    pub(crate) fn unpowered(&mut self) {
        (self.shown, self.powered, self.protocol, self.idle_since) = (Shown::Off, false, 0, None);
    }

    /// The card has gone.
    pub(crate) fn removed(&mut self) {
        (self.shown, self.powered, self.protocol, self.idle_since) = (Shown::Absent, false, 0, None);
        self.atr.clear();
        self.insertion += 1;
        self.counter = self.counter.wrapping_add(1);
        self.free();
        self.miss(Missed::Removal, None);
    }

    /// Notes since when nobody uses the card that has power.
    pub(crate) fn note_use(&mut self) {
        let used = !self.powered || self.connecting > 0 || self.handles.values().any(|handle| !handle.direct);
        self.idle_since = if used { None } else { self.idle_since.or_else(|| Some(Instant::now())) };
    }

    /// Forgets a handle.
    pub(crate) fn drop_handle(&mut self, handle: u32) {
        if self.handles.remove(&handle).is_some() {
            self.sharing = if self.sharing < 0 { 0 } else { (self.sharing - 1).max(0) };
            if self.owner == Some(handle) {
                self.free();
            }
            self.note_use();
        }
    }
}

/// Whether the request names a protocol at all, which all but direct connections must.
pub(crate) fn check_protocols(preferred: u32, share: Share) -> Result<(), Rv> {
    let named = preferred & (T0 | T1 | RAW | ANY_OLD) != 0;
    if named || share == Share::Direct { Ok(()) } else { Err(Rv::PROTO_MISMATCH) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t1_is_preferred_and_an_agreement_stays() {
        let mut state = State { atr: vec![0x3B, 0x80, 0x80, 0x01, 0x01], ..State::default() };
        assert_eq!(state.choose(3, Share::Shared), Ok(T1));
        assert_eq!(state.choose(1, Share::Shared), Ok(T0));
        assert_eq!(state.choose(0x1000, Share::Shared), Ok(T1));
        assert_eq!(state.choose(7, Share::Shared), Ok(RAW));
        assert_eq!(state.choose(8, Share::Shared), Err(Rv::PROTO_MISMATCH));
        assert_eq!(state.choose(0, Share::Direct), Ok(0));
        state.protocol = T0;
        assert_eq!(state.choose(3, Share::Shared), Ok(T0));
        assert_eq!(state.choose(2, Share::Shared), Err(Rv::PROTO_MISMATCH));
    }

    #[test]
    fn transactions_nest() {
        let mut state = State::default();
        state.lock(5);
        state.lock(5);
        state.unlock();
        assert!(state.is_locked_for(6) && !state.is_locked_for(5));
        state.unlock();
        assert!(!state.is_locked_for(6));
    }
}
