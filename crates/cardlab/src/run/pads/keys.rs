//! The keys of a pad, and an entry while it is typed.

use anyhow::{Context as _, ensure};
use pcsc_service::{Entry, Pin, PinRequest};
use zeroize::Zeroizing;

/// Digits are themselves; the other keys are what a terminal sends for theirs.
pub(super) const OK: u8 = b'\r';
pub(super) const CANCEL: u8 = 0x1B;
pub(super) const CLEAR: u8 = 0x15;
pub(super) const BACK: u8 = 0x7F;

/// Most digits of an entry; more are not taken.
const MOST: usize = 255;

/// Keys that were pressed. They wipe themselves and are never shown.
pub(crate) struct Keys(Zeroizing<Vec<u8>>);

impl Keys {
    /// Reads keys: words that are digits, each of them a key, or `ok`, `cancel`, `clear`, `back`.
    ///
    /// # Errors
    /// Which word is none, but not what it is: it may be a PIN.
    pub(crate) fn parse<'w>(words: impl IntoIterator<Item = &'w str>) -> anyhow::Result<Self> {
        let mut keys = Zeroizing::new(Vec::new());
        for (number, word) in (1..).zip(words) {
            let wrong = || format!("word {number} is no key; there are digits, ok, cancel, clear and back");
            let key = match word {
                "ok" => OK,
                "cancel" => CANCEL,
                "clear" => CLEAR,
                "back" => BACK,
                _ => {
                    ensure!(!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()), wrong());
                    keys.extend(word.bytes());
                    continue;
                }
            };
            keys.push(key);
        }
        (!keys.is_empty())
            .then_some(Self(keys))
            .context("no keys to press; there are digits, ok, cancel, clear and back")
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What has been typed of a PIN.
pub(super) struct Typed<'r> {
    request: &'r PinRequest,
    digits: Zeroizing<Vec<u8>>,
}

impl<'r> Typed<'r> {
    pub(super) fn new(request: &'r PinRequest) -> Self {
        // Never moved, so that no copy is left behind.
        Self { request, digits: Zeroizing::new(Vec::with_capacity(MOST)) }
    }

    /// Presses a key. Says how the entry ended, where it did.
    pub(super) fn press(&mut self, key: u8) -> Option<Entry> {
        let ends = self.request.ends;
        match key {
            b'0'..=b'9' if self.digits.len() < MOST => self.digits.push(key),
            OK if ends.with_key => return Some(self.entry()),
            CANCEL => return Some(Entry::Cancelled),
            CLEAR => self.digits.clear(),
            BACK => drop(self.digits.pop()),
            _ => {}
        }
        let is_full = ends.at_max && self.digits.len() >= self.request.max.into();
        is_full.then(|| self.entry())
    }

    /// Nothing more comes.
    pub(super) fn time_out(&self) -> Entry {
        if self.request.ends.with_time { self.entry() } else { Entry::TimedOut }
    }

    fn entry(&self) -> Entry {
        // There are only digits, and not too many.
        Pin::new(&self.digits).map_or(Entry::Cancelled, Entry::Pin)
    }
}
