//! Where a card of `cardlab run` is: its reader, which it can ask to let go of it, and its memory's power.

use std::sync::{Arc, Mutex, PoisonError};

use pcsc_service::ReaderHandle;
use virtual_reader::Clock;

use super::fuse::Fuse;
use super::spec::Reader;

/// A reader as its cards know it; each clone is the same one. Which reader it is, is known once the service runs.
#[derive(Clone)]
pub(crate) struct Seat {
    reader: Arc<Mutex<Option<ReaderHandle>>>,
    card: Arc<Mutex<Option<Reader>>>,
    /// The time in which its cards work.
    pub(crate) clock: Clock,
    /// That of the memory of the card in it, where the card is ours.
    pub(crate) fuse: Fuse,
}

impl Seat {
    /// One whose cards take their time, or only say so.
    pub(crate) fn new(fast_forward: bool) -> Self {
        let reader = Arc::<Mutex<Option<ReaderHandle>>>::default();
        let own = Arc::clone(&reader);
        // Who waits for a card that has been pulled does not wait any longer.
        let is_there = move || {
            let reader = own.lock().unwrap_or_else(PoisonError::into_inner).clone();
            reader.is_none_or(|reader| reader.is_plugged() && reader.is_present())
        };
        let clock = if fast_forward { Clock::fast_forward() } else { Clock::real() };
        Self { reader, card: Arc::default(), clock: clock.as_long_as(is_there), fuse: Fuse::default() }
    }

    /// From now on this is its card.
    pub(crate) fn holds(&self, card: Reader) {
        *self.card.lock().unwrap_or_else(PoisonError::into_inner) = Some(card);
    }

    /// What its card was made from, also while it is pulled.
    pub(crate) fn card(&self) -> Option<Reader> {
        self.card.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it is this reader.
    pub(crate) fn is(&self, reader: ReaderHandle) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
    }

    /// The reader, also where it is not plugged in.
    pub(crate) fn reader(&self) -> Option<ReaderHandle> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the reader do something from within a command of its card.
    pub(crate) fn on_reader(&self, act: impl FnOnce(&ReaderHandle)) {
        if let Some(reader) = self.reader() {
            act(&reader);
        }
    }
}
