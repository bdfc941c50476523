//! A person who answers at once, and a transcript of what was said.

use std::sync::{Arc, Mutex};

use card_enrolment::{Cancelled, Candidate, Dialog, Notice, PinAsk};
use card_pki::time::Timestamp;
use host_driver::Pin;

pub(crate) const PIN: &str = "246810";

/// What happens in a test, in order: what the person is told and asked, and the commands.
pub(crate) type Transcript = Arc<Mutex<Vec<String>>>;

/// Answers with these PINs, in turn; the last one again and again.
pub(crate) struct Person {
    pub(crate) pins: Vec<&'static str>,
    pub(crate) choice: usize,
    pub(crate) asked: Vec<PinAsk>,
    pub(crate) last_tries: usize,
    pub(crate) transcript: Transcript,
    /// Says no at the n-th question.
    pub(crate) patience: usize,
}

impl Person {
    pub(crate) fn new() -> Self {
        Self {
            pins: vec![PIN],
            choice: 0,
            asked: Vec::new(),
            last_tries: 0,
            transcript: Transcript::default(),
            patience: usize::MAX,
        }
    }

    fn note(&mut self, line: String) -> Result<(), Cancelled> {
        self.transcript.lock().unwrap().push(line);
        self.patience = self.patience.checked_sub(1).ok_or(Cancelled)?;
        Ok(())
    }
}

impl Dialog for Person {
    fn pin(&mut self, ask: &PinAsk) -> Result<Pin, Cancelled> {
        let again = if ask.wrong { " again" } else { "" };
        self.note(format!("PIN for {:?}, card {}, {:?} tries{again}", ask.purpose, ask.card, ask.tries))?;
        self.asked.push(ask.clone());
        let pin = if self.pins.len() > 1 { self.pins.remove(0) } else { self.pins[0] };
        Ok(Pin::with_policy(pin, ask.policy).unwrap())
    }

    fn last_try(&mut self, _ask: &PinAsk) -> Result<(), Cancelled> {
        self.last_tries += 1;
        self.note("last try?".into())
    }

    fn notice(&mut self, notice: &Notice<'_>) -> Result<(), Cancelled> {
        let line = match notice {
            Notice::Confirm { .. } => "confirm data and agreement".to_owned(),
            Notice::WillSign { old: Some(_) } => "f: will sign with the original certificate".to_owned(),
            Notice::WillSign { old: None } => "will sign".to_owned(),
            Notice::Updated { .. } => "i: updated".to_owned(),
            Notice::Completed => "j: completed".to_owned(),
            Notice::InsertCard { card, purpose } => format!("insert card {card} for {purpose:?}"),
            Notice::Reader { card, .. } => format!("reader of card {card}"),
            Notice::WillGenerate => "c: will generate".to_owned(),
            other => format!("{other:?}"),
        };
        self.note(line)
    }

    fn choose(&mut self, candidates: &[Candidate], _now: Timestamp) -> Result<usize, Cancelled> {
        self.note(format!("e: choose among {}", candidates.len()))?;
        Ok(self.choice)
    }
}
