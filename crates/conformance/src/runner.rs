//! Plays cases on a target and compares what comes back.

use std::collections::BTreeMap;
use std::time::Instant;

use card_wire::Status;

use crate::cipher;
pub use crate::parallel::{Jobs, run_parallel, shuffle};

use crate::outcome::{Failure, Mismatch, Outcome, Report, SkipReason, Verdict};
use crate::script::{Action, CardState, Case, Expected, Step, Suite, Verify};
use crate::target::{FreshError, Part, Target};
use crate::template::{Template, Variables};
use crate::transcript::{Event, Transcript};
use crate::verify;

/// Plays the given cases in order and reports each outcome as it comes.
pub fn run_suite<'s>(
    suite: &Suite,
    cases: impl IntoIterator<Item = &'s Case>,
    target: &mut dyn Target,
    mut on_outcome: impl FnMut(&Outcome),
) -> Report {
    let mut player = Player::new(suite);
    let mut report = Report::default();
    for case in cases {
        let outcome = player.play(case, target);
        on_outcome(&outcome);
        report.outcomes.push(outcome);
    }
    report
}

/// Plays one case. It ends at the first step that does not come out as expected.
pub fn run_case(suite: &Suite, case: &Case, target: &mut dyn Target) -> Outcome {
    Player::new(suite).play(case, target)
}

/// Plays cases. On a target that keeps cards, each list of setups is played once; every further case that has it begins
/// on a copy of the card as it was then, with the same exchanges in its transcript.
pub struct Player<'s> {
    /// Names of the card, for expectations of its own.
    pub names: Vec<String>,
    /// Values that stand before those of the suite.
    pub values: Variables,
    /// The state of a card that is there to stay, where every case is played on it that says something about that state.
    /// Otherwise only those that need no fresh card are.
    pub resident: Option<CardState>,
    suite: &'s Suite,
    prepared: BTreeMap<String, Prepared>,
}

/// What a list of setups left behind, beside the card.
struct Prepared {
    transcript: Transcript,
    variables: Variables,
}

impl<'s> Player<'s> {
    /// A player without names and values of its own.
    #[must_use]
    pub fn new(suite: &'s Suite) -> Self {
        Self { names: Vec::new(), values: Variables::new(), resident: None, suite, prepared: BTreeMap::new() }
    }

    /// Plays one case. It ends at the first step that does not come out as expected.
    pub fn play(&mut self, case: &Case, target: &mut dyn Target) -> Outcome {
        let start = Instant::now();
        let mut variables = self.suite.values.clone();
        variables.extend(self.values.clone());
        let names = self.names.clone();
        let mut run = Run {
            target,
            transcript: Transcript::of(&case.id),
            variables,
            names,
            times: Vec::new(),
            resident: self.resident,
            is_there_to_stay: false,
        };
        let set_up = run.set_up(case, &mut self.prepared);
        let mut parts = [run.transcript.events().len(); 2];
        let verdict = match set_up {
            Err(verdict) => verdict,
            Ok(()) => {
                run.target.begin(case, Part::Steps);
                let verdict = run.steps(case.own_steps(), false);
                parts[1] = run.transcript.events().len();
                verdict.map_or_else(Verdict::Failed, |()| Verdict::Passed)
            }
        };
        let left_behind = if run.is_there_to_stay { run.steps(&case.teardown, false).err() } else { None };
        let Run { transcript, times, .. } = run;
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        Outcome {
            case: case.id.clone(),
            title: case.title.clone(),
            verdict,
            transcript,
            parts,
            micros,
            times,
            left_behind,
            simulated: None,
        }
    }
}

/// A case that is being played.
struct Run<'t> {
    target: &'t mut dyn Target,
    transcript: Transcript,
    variables: Variables,
    names: Vec<String>,
    times: Vec<(usize, u64)>,
    resident: Option<CardState>,
    /// The card is not made for this case, so what the case leaves must be put back.
    is_there_to_stay: bool,
}

impl Run<'_> {
    /// A fresh card, or a reset of the one that is there, and the setups.
    fn set_up(&mut self, case: &Case, prepared: &mut BTreeMap<String, Prepared>) -> Result<(), Verdict> {
        self.target.begin(case, Part::Setup);
        let key = format!("{} {}", case.preset, case.setups.join(" "));
        if let Some(kept) = prepared.get(&key)
            && self.target.restore(&key)
        {
            self.transcript.append(&kept.transcript);
            self.variables.extend(kept.variables.clone());
            return Ok(());
        }
        match self.prepare(case) {
            Ok(None) => {}
            Ok(Some(reason)) => return Err(Verdict::Skipped(reason)),
            Err(what) => {
                return Err(Verdict::Failed(Failure { file: case.file.clone(), line: case.line, setup: true, what }));
            }
        }
        let state = if self.is_there_to_stay { self.resident.unwrap_or_default() } else { CardState::Blank };
        let Some(setup) = case.setup_on(state) else { return Err(Verdict::Skipped(SkipReason::NeedsFreshCard)) };
        self.steps(setup, true).map_err(Verdict::Failed)?;
        if self.target.save(&key) {
            let (transcript, variables) = (self.transcript.clone(), self.variables.clone());
            prepared.insert(key, Prepared { transcript, variables });
        }
        Ok(())
    }

    fn steps(&mut self, steps: &[Step], setup: bool) -> Result<(), Failure> {
        steps.iter().try_for_each(|step| {
            self.step(step).map_err(|what| Failure { file: step.file.clone(), line: step.line, setup, what })
        })
    }

    /// Puts the card into the state in which every case begins.
    fn prepare(&mut self, case: &Case) -> Result<Option<SkipReason>, Mismatch> {
        match self.target.fresh(&case.preset) {
            Ok(()) => {
                self.transcript.push(Event::Fresh(case.preset.clone()));
                Ok(None)
            }
            Err(FreshError::CannotReset) if case.stateless || self.resident.is_some() => {
                self.is_there_to_stay = true;
                self.reset().map(|_| None)
            }
            Err(FreshError::CannotReset) => Ok(Some(SkipReason::NeedsFreshCard)),
            Err(error) => Err(Mismatch::Fresh(error)),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Mismatch> {
        match &step.action {
            Action::Send { command, status, repeat, count } => {
                for time in 0..*repeat {
                    if let Some(first) = count {
                        let number = usize::from(*first) + time;
                        let number = u16::try_from(number).unwrap_or(u16::MAX);
                        self.variables.insert("n".to_owned(), number.to_be_bytes()[..].into());
                    }
                    let command = self.bytes(command)?;
                    let data = self.exchange(&command, status, step.timing)?;
                    self.compare(step, &data)?;
                }
                Ok(())
            }
            Action::Reset => {
                let atr = self.reset()?;
                self.compare(step, &atr)
            }
            Action::Check(bytes) => {
                let bytes = self.bytes(bytes)?;
                self.compare(step, &bytes)
            }
            Action::Encrypt { modulus, block } => {
                let (modulus, block) = (self.bytes(modulus)?, self.bytes(block)?);
                let cryptogram = verify::encrypt(&modulus, &block).map_err(Mismatch::Verify)?;
                self.compare(step, &cryptogram)
            }
            Action::Aes { key, block } => {
                let (key, block) = (self.bytes(key)?, self.bytes(block)?);
                let encrypted = cipher::aes(&key, &block).map_err(Mismatch::Verify)?;
                self.compare(step, &encrypted)
            }
            Action::Oaep { modulus, message, hash } => {
                let (modulus, message) = (self.bytes(modulus)?, self.bytes(message)?);
                let cryptogram = cipher::oaep(&modulus, &message, *hash).map_err(Mismatch::Verify)?;
                self.compare(step, &cryptogram)
            }
        }
    }

    fn bytes(&self, template: &Template) -> Result<Vec<u8>, Mismatch> {
        template.bytes(&self.variables).map_err(Mismatch::Template)
    }

    fn reset(&mut self) -> Result<Vec<u8>, Mismatch> {
        let answer = self.target.reset();
        self.transcript.push(Event::Reset(answer.as_ref().ok().cloned()));
        answer.map_err(Mismatch::Transport)
    }

    /// Sends a command and returns the data of the answer if its status word is an expected one.
    fn exchange(&mut self, command: &[u8], expected: &Expected, timing: bool) -> Result<Vec<u8>, Mismatch> {
        let start = Instant::now();
        let answer = self.target.transmit(command);
        if timing {
            let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.times.push((self.transcript.events().len(), micros));
        }
        let recorded = answer.as_ref().ok().cloned();
        self.transcript.push(Event::Exchange { command: command.to_vec(), answer: recorded });
        let answer = answer.map_err(Mismatch::Transport)?;
        let (data, got) = Status::split(&answer).ok_or(Mismatch::ShortAnswer)?;
        let expected = expected.on(&self.names);
        if expected.contains(&got) {
            Ok(data.to_vec())
        } else {
            Err(Mismatch::Status { expected: expected.to_vec(), got })
        }
    }

    /// Holds data against everything that the step says about it, and keeps what it captures.
    fn compare(&mut self, step: &Step, data: &[u8]) -> Result<(), Mismatch> {
        if !step.data.matches(data, &self.variables).map_err(Mismatch::Template)? {
            return Err(Mismatch::Data { expected: step.data.to_string(), got: data.to_vec() });
        }
        for (path, pattern) in &step.tlv {
            let matched = match path.find(data) {
                Some(value) => pattern.matches(value, &self.variables).map_err(Mismatch::Template)?,
                None => false,
            };
            if !matched {
                let (path, expected) = (path.to_string(), pattern.to_string());
                return Err(Mismatch::Object { path, expected, got: data.to_vec() });
            }
        }
        if let Some(signature) = &step.verify {
            self.verify(signature, data)?;
        }
        for (name, part) in &step.captures {
            let value = part.of(data).ok_or_else(|| Mismatch::Capture { name: name.clone() })?;
            self.variables.insert(name.clone(), value.into());
        }
        Ok(())
    }

    fn verify(&self, wanted: &Verify, data: &[u8]) -> Result<(), Mismatch> {
        let (key, over) = (self.bytes(&wanted.key)?, self.bytes(&wanted.over)?);
        let signature = match &wanted.signature {
            Some(signature) => self.bytes(signature)?,
            None => data.to_vec(),
        };
        wanted.scheme.verify(&key, &over, &signature).map_err(Mismatch::Verify)
    }
}
