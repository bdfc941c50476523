//! Entries in a file, one a line, used in turn: `123456 ok`, or `cancel`. Behind the last one nobody presses anything.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use pcsc_service::{Entry, EntryControl, PinPad, PinRequest};
use zeroize::Zeroizing;

use super::keys::{Keys, Typed};

/// The entries that are left.
pub(super) struct Script(VecDeque<Keys>);

impl Script {
    /// Reads the file. Empty lines and those that begin with `#` are none.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = Zeroizing::new(fs::read_to_string(path).context("cannot read the list of keys")?);
        let mut entries = VecDeque::new();
        for (number, line) in (1..).zip(text.lines()) {
            if !line.trim().is_empty() && !line.starts_with('#') {
                let keys = Keys::parse(line.split_whitespace()).with_context(|| format!("line {number}"))?;
                entries.push_back(keys);
            }
        }
        Ok(Self(entries))
    }
}

impl PinPad for Script {
    fn enter(&mut self, request: &PinRequest, _: &EntryControl) -> Entry {
        let mut typed = Typed::new(request);
        let keys = self.0.pop_front();
        let mut bytes = keys.iter().flat_map(|keys| keys.bytes());
        // Nobody waits for a file: where its keys end, so does the time.
        bytes.find_map(|key| typed.press(*key)).unwrap_or_else(|| typed.time_out())
    }
}
