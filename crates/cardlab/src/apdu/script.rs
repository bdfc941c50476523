//! `cardlab apdu --script`: a file of commands on any card, its answers held against what any card promises.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use card_fuzz::foreign::{Breach, Failure, ForeignCard, Pace, Script, StartError, Step, Trouble, Watch, play};
use card_trace::{Tracer, What};
use host_driver::{Transport, TransportError};
use serde::Serialize;

use super::{Args, Exchange, shown};
use crate::fuzz::card;
use crate::output;
use crate::target::Kind;
use crate::trace::Recording;

/// How long to look for a second answer.
const SETTLE: Duration = Duration::from_millis(20);

/// The whole run, for machines.
#[derive(Serialize)]
struct Document {
    exchanges: Vec<Exchange>,
    broken: Vec<Broken>,
}

#[derive(Serialize)]
struct Broken {
    line: usize,
    promise: &'static str,
    ins: Option<String>,
    text: String,
}

pub(super) fn run(args: &Args, path: &Path, recording: &Recording) -> anyhow::Result<ExitCode> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the script {name}"))?;
    let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{name} is no script: it is not text"))?;
    let script = Script::parse(&text).map_err(|error| anyhow::anyhow!("{name}:{}: {}", error.line, error.reason))?;
    let stop = card::stop_on_interrupt()?;
    let mut card: Box<dyn ForeignCard> = match (&args.target_cmd, args.target.target) {
        (Some(command), _) => card::program(command, &stop)?,
        (None, Kind::Vpcd) => card::listen(&args.target.listen, &stop)?,
        (None, Kind::Sim | Kind::Pcsc) => Box::new(Behind(args.target.connect_or_open(args.image.as_deref())?)),
    };
    if let Some(tracer) = recording.tracer() {
        card = Box::new(Recorded { card, tracer: tracer.clone() });
    }
    card.start()?;
    let mut watch = Watch::new();
    let pace = Pace { limit: args.answer_timeout, settle: SETTLE };
    let mut document = Document { exchanges: Vec::new(), broken: Vec::new() };
    for (step, line) in &script.steps {
        let mut broken = Vec::new();
        let (answer, breach) = match play(card.as_mut(), &mut watch, step, pace, &mut broken) {
            Ok(answer) => (answer, None),
            Err(Trouble::Breach(breach)) => (broken, Some(breach)),
            Err(Trouble::Stopped) => anyhow::bail!("stopped at line {line} of {name}"),
        };
        show(args.json, &mut document, step, &answer)?;
        if let Some(breach) = breach {
            if !args.json {
                output::line(format_args!("! {name}:{line}: {breach}"))?;
            }
            document.broken.push(told(*line, &breach));
            if breach.promise.ends_the_card() {
                break;
            }
        }
    }
    if args.json {
        output::line(serde_json::to_string_pretty(&document)?)?;
    }
    Ok(if document.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(json: bool, document: &mut Document, step: &Step, answer: &[u8]) -> anyhow::Result<()> {
    match step {
        Step::Reset if json => {
            document.exchanges.push(Exchange::without_status("reset".to_owned(), answer, "ATR"));
        }
        Step::Reset => output::line(format_args!("> reset\n< {}", hex::encode_upper(answer)))?,
        Step::Command(command) => match Exchange::new(command, answer) {
            Some(exchange) if json => document.exchanges.push(exchange),
            Some(exchange) => exchange.print()?,
            None if json => {
                let meaning = if answer.is_empty() { "no answer" } else { "an answer without a status word" };
                document.exchanges.push(Exchange::without_status(shown(command), answer, meaning));
            }
            None if answer.is_empty() => output::line(format_args!("> {}", shown(command)))?,
            None => output::line(format_args!("> {}\n< {}", shown(command), hex::encode_upper(answer)))?,
        },
    }
    Ok(())
}

fn told(line: usize, breach: &Breach) -> Broken {
    Broken {
        line,
        promise: breach.promise.word(),
        ins: breach.ins.map(|ins| format!("{ins:02X}")),
        text: breach.text.clone(),
    }
}

/// A card that is written down.
struct Recorded {
    card: Box<dyn ForeignCard>,
    tracer: Tracer,
}

impl Recorded {
    /// What it is called in the trace.
    const NAME: &'static str = "card of the script";

    fn note(&self, what: What) {
        self.tracer.note(Some(Self::NAME), None, what);
    }
}

impl ForeignCard for Recorded {
    fn start(&mut self) -> Result<Vec<u8>, StartError> {
        let atr = self.card.start();
        self.note(atr.as_ref().map_or(What::Mute, |atr| What::Atr(atr.clone())));
        atr
    }

    fn reset(&mut self, limit: Duration) -> Result<Vec<u8>, Failure> {
        let atr = self.card.reset(limit);
        self.note(atr.as_ref().map_or(What::Mute, |atr| What::Atr(atr.clone())));
        atr
    }

    fn transmit(&mut self, command: &[u8], limit: Duration) -> Result<Vec<u8>, Failure> {
        let begin = Instant::now();
        let answer = self.card.transmit(command, limit);
        let bytes = answer.as_ref().map_or(&[][..], Vec::as_slice);
        self.tracer.exchange(Self::NAME, None, command, bytes, begin.elapsed());
        answer
    }

    fn unasked(&mut self, wait: Duration) -> Option<usize> {
        self.card.unasked(wait)
    }

    fn is_fresh_when_started(&self) -> bool {
        self.card.is_fresh_when_started()
    }

    fn last_words(&self) -> Vec<String> {
        self.card.last_words()
    }
}

/// A card behind one of the driver's transports.
struct Behind(Box<dyn Transport>);

impl ForeignCard for Behind {
    fn start(&mut self) -> Result<Vec<u8>, StartError> {
        self.0.reset().map_err(|error| StartError::Listen(std::io::Error::other(error)))
    }

    fn reset(&mut self, limit: Duration) -> Result<Vec<u8>, Failure> {
        self.0.reset().map_err(|error| failure(&error, limit))
    }

    fn transmit(&mut self, command: &[u8], limit: Duration) -> Result<Vec<u8>, Failure> {
        match self.0.transmit(command) {
            // What the byte was is not told; that it was one is enough.
            Err(TransportError::ShortAnswer { len }) => Ok(vec![0; len]),
            result => result.map_err(|error| failure(&error, limit)),
        }
    }

    fn is_fresh_when_started(&self) -> bool {
        false
    }
}

fn failure(error: &TransportError, limit: Duration) -> Failure {
    match error {
        TransportError::Timeout => Failure::Silent(limit),
        error => Failure::Ended(error.to_string()),
    }
}
