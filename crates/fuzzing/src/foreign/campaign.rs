//! The run: draw, send, look, and keep what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::reduce::{Pace, Reduced, Reducer, replay};
use super::{Breach, Coverage, ForeignCard, Promise, Script, StartError, Step, Trouble, Watch, play};
use crate::grammar::Grammar;

/// Commands between two resets.
const BETWEEN_RESETS: u64 = 64;
/// Commands between two words to the caller.
const BETWEEN_WORDS: u64 = 256;
/// Steps that are kept of a card that cannot be made anew.
const HISTORY: usize = 20_000;
/// How often an instruction may end the card before it is left out.
const SPARED: u32 = 5;
/// How often the card may fail to start again before the run ends.
const STARTS: u32 = 3;
/// How long the card may take for an answer while steps are dropped.
const REDUCING_LIMIT: Duration = Duration::from_secs(1);
/// How long the card may take for a second answer where one was seen.
const SETTLE: Duration = Duration::from_millis(20);
/// How long a finding may be cut down after the end of a run that has one.
const OVERTIME: Duration = Duration::from_secs(5);

/// What a run does.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides every choice.
    pub seed: u64,
    /// The run ends after so many commands.
    pub commands: Option<u64>,
    /// The run ends after this time.
    pub time: Option<Duration>,
    /// How long one answer may take; a key six times as long.
    pub limit: Duration,
    /// Nothing that could spend a try or change a PIN is sent.
    pub keep_pin: bool,
    /// A PIN that the card takes, where it is not 123456.
    pub pin: Option<Vec<u8>>,
    /// A card that can be made anew is, after so many commands: a finding is then no longer than this.
    pub restart_every: u64,
    /// How often a finding may be played again to cut it down, and for how long; at most five seconds beyond
    /// [`Options::time`].
    pub replays: usize,
    /// See [`Options::replays`].
    pub reduce_for: Duration,
}

/// Whether a finding comes again when its script is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It did.
    Yes,
    /// It did not: the card keeps more than its start makes new, or does not always do the same.
    No,
    /// It was not played again.
    NotYet,
}

/// A broken promise with the steps that lead to it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Counted from 1.
    pub number: usize,
    /// What the card did.
    pub breach: Breach,
    /// How to make it do that.
    pub script: Script,
    /// Whether that works.
    pub confirmed: Confirmed,
    /// Commands that had been drawn in this run.
    pub after: u64,
    /// How often it came.
    pub times: u64,
}

/// What is told while a run goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// So many commands have been drawn, and so many pairs reached.
    Progress(u64, usize),
    /// Something was found: all steps since the card was started.
    Found(&'a Finding),
    /// It was played again and cut down.
    Reduced(&'a Finding),
    /// Instructions that are left out from now on, because they end the card too often.
    LeftOut(u8),
}

/// Why a run ended.
#[derive(Debug)]
pub enum Ending {
    /// All was sent.
    Done,
    /// The user wanted to stop.
    Stopped,
    /// The card did not come back.
    CardLost(StartError),
}

/// What a run has done.
#[derive(Debug)]
pub struct Report {
    /// Commands that were sent, without those that confirm and reduce, and without those that were left out.
    pub commands: u64,
    /// How often the card was started.
    pub starts: u64,
    /// What was found, each once.
    pub findings: Vec<Finding>,
    /// What was reached.
    pub coverage: Coverage,
    /// Instructions that were left out.
    pub left_out: BTreeSet<u8>,
    /// How long it took.
    pub took: Duration,
    /// Why it ended.
    pub ending: Ending,
}

/// Runs. Equal seeds and equal answers give equal commands.
///
/// # Errors
/// [`StartError`] where the card cannot be started even once.
pub fn run(
    card: &mut dyn ForeignCard,
    options: &Options,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Report, StartError> {
    let mut grammar = Grammar::new(options.seed).keep_pin(options.keep_pin);
    if let Some(pin) = &options.pin {
        grammar = grammar.with_pin(pin);
    }
    let report = Report {
        commands: 0,
        starts: 1,
        findings: Vec::new(),
        coverage: Coverage::default(),
        left_out: BTreeSet::new(),
        took: Duration::ZERO,
        ending: Ending::Done,
    };
    card.start()?;
    let begin = Instant::now();
    let mut run = Run {
        card,
        options,
        tell,
        grammar,
        watch: Watch::new(),
        history: Vec::new(),
        drawn: 0,
        report,
        ended_by: BTreeMap::new(),
        begin,
    };
    if let Err(ending) = run.all() {
        run.report.ending = ending;
    }
    run.report.took = begin.elapsed();
    Ok(run.report)
}

struct Run<'r> {
    card: &'r mut dyn ForeignCard,
    options: &'r Options,
    tell: &'r mut dyn FnMut(Event<'_>),
    grammar: Grammar,
    watch: Watch,
    /// Since the card was started.
    history: Vec<Step>,
    /// Commands so far, with those that are left out: they count for the end, or it might never come.
    drawn: u64,
    report: Report,
    ended_by: BTreeMap<u8, u32>,
    begin: Instant,
}

impl Run<'_> {
    fn all(&mut self) -> Result<(), Ending> {
        while !self.is_over() {
            let drawn = self.drawn;
            if drawn > 0 && drawn.is_multiple_of(self.options.restart_every) && self.card.is_fresh_when_started() {
                self.start_anew()?;
            }
            if drawn.is_multiple_of(BETWEEN_RESETS) {
                self.grammar.reset();
                self.step(Step::Reset)?;
            }
            let command = self.grammar.next_command();
            self.drawn += 1;
            if command.get(1).is_none_or(|ins| !self.report.left_out.contains(ins)) {
                self.report.commands += 1;
                self.step(Step::Command(command))?;
            }
            if self.drawn.is_multiple_of(BETWEEN_WORDS) {
                (self.tell)(Event::Progress(self.drawn, self.report.coverage.len()));
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.options.commands.is_some_and(|most| self.drawn >= most)
            || self.options.time.is_some_and(|most| self.begin.elapsed() >= most)
    }

    fn step(&mut self, step: Step) -> Result<(), Ending> {
        if self.history.len() >= HISTORY {
            self.history.drain(..HISTORY / 2);
        }
        self.history.push(step.clone());
        let mut broken = Vec::new();
        let pace = Pace { limit: self.options.limit, settle: Duration::ZERO };
        match play(self.card, &mut self.watch, &step, pace, &mut broken) {
            Ok(answer) => {
                if let Step::Command(command) = &step {
                    self.report.coverage.count(command, &answer);
                    self.grammar.answered(command, &answer);
                }
                Ok(())
            }
            Err(Trouble::Stopped) => Err(Ending::Stopped),
            Err(Trouble::Breach(breach)) => {
                if let Step::Command(command) = &step {
                    self.report.coverage.count(command, &broken);
                }
                self.broken(breach, broken)
            }
        }
    }

    /// Keeps a new finding; goes on with a card that works.
    fn broken(&mut self, breach: Breach, answer: Vec<u8>) -> Result<(), Ending> {
        let ends = breach.promise.ends_the_card();
        let is_like = |finding: &&mut Finding| finding.breach.is_like(&breach);
        let ins = match self.report.findings.iter_mut().find(is_like) {
            Some(finding) => {
                finding.times += 1;
                // What was played again knows better which instruction it was.
                finding.breach.ins
            }
            None => {
                self.found(breach, answer)?;
                self.report.findings.last().and_then(|finding| finding.breach.ins)
            }
        };
        if let (true, Some(ins)) = (ends, ins) {
            let times = self.ended_by.entry(ins).or_default();
            *times += 1;
            if *times == SPARED {
                self.report.left_out.insert(ins);
                (self.tell)(Event::LeftOut(ins));
            }
        }
        if ends { self.start_anew() } else { Ok(()) }
    }

    fn found(&mut self, breach: Breach, answer: Vec<u8>) -> Result<(), Ending> {
        let mut finding = Finding {
            number: self.report.findings.len() + 1,
            script: Script::of(self.history.iter().cloned()),
            confirmed: Confirmed::NotYet,
            after: self.drawn,
            times: 1,
            breach,
        };
        let words = self.card.last_words();
        self.describe(&mut finding, &words, &answer);
        (self.tell)(Event::Found(&finding));
        let again = self.again(&mut finding, &words);
        (self.tell)(Event::Reduced(&finding));
        self.report.findings.push(finding);
        again?;
        // What was played changed the card.
        self.start_anew()
    }

    /// Plays a finding again on the card started anew, and drops what it does not need.
    fn again(&mut self, finding: &mut Finding, words: &[String]) -> Result<(), Ending> {
        let steps: Vec<Step> = finding.script.steps.iter().map(|(step, _)| step.clone()).collect();
        // A second answer that came late may have been taken for the answer to the next command.
        let unasked = finding.breach.promise == Promise::AnswersOnce;
        let pace = Pace { limit: self.options.limit, settle: if unasked { SETTLE } else { Duration::ZERO } };
        let first = replay(self.card, &steps, pace, &finding.breach, None).map_err(ended)?;
        let Some((at, breach)) = first.end else {
            finding.confirmed = Confirmed::No;
            self.describe(finding, words, &[]);
            return Ok(());
        };
        finding.confirmed = Confirmed::Yes;
        if unasked {
            finding.breach = breach;
        }
        let end = self.reducing_end();
        let reducing = Pace { limit: pace.limit.min(REDUCING_LIMIT), ..pace };
        let reducer = Reducer {
            card: &mut *self.card,
            breach: &finding.breach,
            pace: reducing,
            end,
            replays: self.options.replays,
        };
        let reduced = reducer.reduce(steps[..=at].to_vec());
        let result = self.keep_reduced(finding, reduced, pace);
        let newer = self.card.last_words();
        self.describe(finding, if newer.is_empty() { words } else { &newer }, &[]);
        result
    }

    fn reducing_end(&self) -> Instant {
        let end = Instant::now() + self.options.reduce_for;
        self.options.time.map_or(end, |time| end.min(self.begin + time + OVERTIME))
    }

    /// Takes over the fewer steps: confirmed once more, or as they are where there is no time for that.
    fn keep_reduced(&mut self, finding: &mut Finding, reduced: Reduced, pace: Pace) -> Result<(), Ending> {
        if let Some(early) = reduced.early {
            // A card that is only slow may have looked mute to the one who was in a hurry.
            let sure = finding.breach.promise != Promise::Answers || pace.limit <= REDUCING_LIMIT;
            if sure && !reduced.answers.is_empty() {
                finding.script = Script::of(reduced.steps);
                finding.script.answers = reduced.answers;
            }
            return Err(ended(early));
        }
        let last = replay(self.card, &reduced.steps, pace, &finding.breach, None).map_err(ended)?;
        if let Some((_, breach)) = last.end {
            if breach.promise == Promise::AnswersOnce {
                finding.breach = breach;
            }
            finding.script = Script::of(reduced.steps);
            finding.script.answers = last.answers;
        }
        Ok(())
    }

    fn describe(&self, finding: &mut Finding, words: &[String], answer: &[u8]) {
        let mut head = vec![
            format!("what: {}", finding.breach),
            format!("promise: {}", finding.breach.promise.word()),
            format!("seed: {}, command {}", self.options.seed, finding.after),
        ];
        if !answer.is_empty() {
            head.push(format!("answer: {}", super::watch::shortened(answer)));
        }
        head.push(match finding.confirmed {
            Confirmed::Yes => "played again: the same".to_owned(),
            Confirmed::No => "played again: it did not come again".to_owned(),
            Confirmed::NotYet => "played again: not yet".to_owned(),
        });
        head.extend(words.iter().map(|line| format!("the card said: {line}")));
        finding.script.head = head;
    }

    /// Starts the card and forgets what was known of it.
    fn start_anew(&mut self) -> Result<(), Ending> {
        self.history.clear();
        self.watch = Watch::new();
        if self.card.is_fresh_when_started() {
            self.grammar.forget();
        } else {
            self.grammar.reset();
        }
        let mut last = StartError::Stopped;
        for _ in 0..STARTS {
            self.report.starts += 1;
            match self.card.start() {
                Ok(_) => return Ok(()),
                Err(StartError::Stopped) => return Err(Ending::Stopped),
                Err(error @ StartError::NobodyConnected(_)) => return Err(Ending::CardLost(error)),
                Err(error) => last = error,
            }
        }
        Err(Ending::CardLost(last))
    }
}

fn ended(error: StartError) -> Ending {
    match error {
        StartError::Stopped => Ending::Stopped,
        error => Ending::CardLost(error),
    }
}

impl Report {
    /// Whether something of this kind was found.
    #[must_use]
    pub fn has(&self, promise: Promise) -> bool {
        self.findings.iter().any(|finding| finding.breach.promise == promise)
    }
}
