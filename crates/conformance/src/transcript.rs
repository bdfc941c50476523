//! What went over the wire in a case, as one canonical text: two runs are the same if their transcripts are.

use std::fmt;

/// The exchanges of one case, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    case: String,
    events: Vec<Event>,
}

/// One thing that happened between runner and card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A fresh card of this preset.
    Fresh(String),
    /// A reset, and the ATR; none where the transport failed.
    Reset(Option<Vec<u8>>),
    /// A command, and its answer with the status word; none where the transport failed.
    Exchange {
        /// The command as sent.
        command: Vec<u8>,
        /// The answer as received.
        answer: Option<Vec<u8>>,
    },
}

impl Transcript {
    /// The empty transcript of a case.
    #[must_use]
    pub fn of(case: &str) -> Self {
        Self { case: case.to_owned(), events: Vec::new() }
    }

    /// Appends an event.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Appends what happened in another case.
    pub(crate) fn append(&mut self, other: &Self) {
        self.events.extend_from_slice(&other.events);
    }

    /// What happened, in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or("-".to_owned(), hex::encode_upper);
        writeln!(f, "case {}", self.case)?;
        for event in &self.events {
            match event {
                Event::Fresh(preset) => writeln!(f, "fresh {preset}")?,
                Event::Reset(atr) => writeln!(f, "reset {}", answered(atr))?,
                Event::Exchange { command, answer } => {
                    writeln!(f, "> {}\n< {}", hex::encode_upper(command), answered(answer))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_each_direction() {
        let mut transcript = Transcript::of("a");
        transcript.push(Event::Fresh("isoapplet".to_owned()));
        transcript.push(Event::Reset(None));
        transcript.push(Event::Exchange { command: vec![0, 0xA4], answer: Some(vec![0x90, 0]) });
        assert_eq!(transcript.to_string(), "case a\nfresh isoapplet\nreset -\n> 00A4\n< 9000\n");
    }
}
