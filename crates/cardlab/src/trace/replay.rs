//! `cardlab trace replay`: a trace played to a card, up to the first answer that is another one.

mod options;
mod say;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use card_trace::replay::{Outcome, Replay, Risk, Skip};
use card_trace::{Entry, What};
use host_driver::Transport;

use super::input::Input;
use crate::conform::ask;
use crate::target::{Kind, TargetArgs};
use options::PinArgs;
use say::Story;

const EXAMPLES: &str = "\
Examples:
  cardlab run --seed 5 --trace a.trace --trace-files -- ./my-driver-tests
  cardlab trace replay a.trace --preset ready --seed 5 --pin-fd 3 --pin-pad 00 3<pin
  cardlab trace replay a.trace --image alice.img --all
  cardlab trace replay a.trace --target pcsc --reader ACS    only what changes nothing
Each command of the trace is sent in its order, with a reset where the trace has one. Hidden bytes
of answers compare with anything; challenges, generated keys and signatures by their length, unless
--strict is given, and what is deciphered with a key that was made anew with nothing. A command with
hidden bytes is left out, but for PINs that are given. Where the trace says that a PIN was wrong,
one that is wrong is sent: a try is spent again. The card is a blank isoapplet one, or what --preset
says: `ready` for the usual card of `cardlab run`.
To a card in a reader nothing is sent that could change it, unless --i-own-this-card is given.
Exit codes: 0 the same, 1 not the same, 2 it could not be played.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The trace
    file: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    /// Card in a file instead of a blank one (--target sim), which changes it; with --preset it is made if it is not there
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Play what happened in the reader with this number; needed where commands went to several
    #[arg(long, value_name = "N")]
    from: Option<u32>,
    /// Go on behind a difference, and count them
    #[arg(long)]
    all: bool,
    /// Compare what is random, too: equal seeds give equal cards
    #[arg(long)]
    strict: bool,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pins: PinArgs,
    /// On a card in a reader: also commands that could change it for good; asks first
    #[arg(long = "i-own-this-card")]
    own_card: bool,
    /// Ask nothing
    #[arg(long, requires = "own_card")]
    yes: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.target.check()?;
    ensure!(args.file.as_os_str() != "-", "a trace that is played must be a file: it is read twice");
    ensure!(!args.own_card || args.target.target == Kind::Pcsc, "--i-own-this-card goes with --target pcsc");
    let plan = Plan::read(args)?;
    let is_real = args.target.target == Kind::Pcsc;
    if is_real {
        plan.warn(args)?;
    }
    // Secrets are read before anything is sent.
    let pins = args.pins.read()?;
    let mut card = args.target.connect_or_open(args.image.as_deref())?;
    let mut replay = Replay::new(pins, args.strict, is_real && !args.own_card);
    let mut story = Story::new(&args.file, args.json);
    play(args, plan.reader, &mut replay, &mut card, &mut story)?;
    story.end()
}

fn play(
    args: &Args,
    reader: Option<u32>,
    replay: &mut Replay,
    card: &mut dyn Transport,
    story: &mut Story,
) -> anyhow::Result<()> {
    let mut input = Input::open(&args.file)?;
    while let Some(entry) = input.next()? {
        if entry.event.reader != reader || is_foreign(&entry) {
            continue;
        }
        let outcome = replay.play(&entry, card)?;
        let differs = matches!(outcome, Outcome::Differs(_));
        story.take(&entry, outcome)?;
        if differs && !args.all {
            break;
        }
    }
    story.note(input.ending());
    Ok(())
}

/// What programs called is nothing that a card could be sent.
const fn is_foreign(entry: &Entry) -> bool {
    matches!(entry.event.what, What::Call { .. })
}

/// What is going to be played.
struct Plan {
    reader: Option<u32>,
    /// What the commands could do, with how many of them.
    risks: BTreeMap<Risk, usize>,
    commands: usize,
}

impl Plan {
    /// Reads the whole trace once, so that nothing is sent from one that is broken or that nobody has chosen a reader of.
    fn read(args: &Args) -> anyhow::Result<Self> {
        let mut input = Input::open(&args.file)?;
        let mut readers: BTreeMap<Option<u32>, Self> = BTreeMap::new();
        while let Some(entry) = input.next()? {
            let What::Command(command) = &entry.event.what else { continue };
            let reader = entry.event.reader;
            let plan = readers.entry(reader).or_insert_with(|| Self { reader, risks: BTreeMap::new(), commands: 0 });
            plan.commands += 1;
            if let Some(risk) = Risk::of(command) {
                *plan.risks.entry(risk).or_default() += 1;
            }
        }
        let named = |reader: &Option<u32>| {
            let number = reader.map_or_else(|| "-".to_owned(), |reader| reader.to_string());
            let name = reader.and_then(|reader| input.trace.reader(reader)).unwrap_or("without a name");
            format!("{number} ({})", card_trace::escape(name))
        };
        let all = readers.keys().map(named).collect::<Vec<_>>().join(", ");
        let name = args.file.display();
        match (args.from, readers.len()) {
            (_, 0) => bail!("{name} has no commands that could be played"),
            (Some(from), _) => match readers.remove(&Some(from)) {
                Some(plan) => Ok(plan),
                None => bail!("no command in {name} went to reader {from}; there are {all}"),
            },
            (None, 1) => match readers.into_values().next() {
                Some(plan) => Ok(plan),
                None => bail!("{name} has no commands that could be played"),
            },
            (None, _) => bail!("the commands in {name} went to several readers: {all}; --from N chooses one"),
        }
    }

    /// Says what the trace could do to a card that is there to stay, and asks where it may.
    fn warn(&self, args: &Args) -> anyhow::Result<()> {
        if self.risks.is_empty() {
            return Ok(());
        }
        let risks: Vec<String> = self.risks.iter().map(|(risk, count)| format!("{count} could {risk}")).collect();
        let risks = format!("of the {} commands of this trace {}.", self.commands, risks.join(", "));
        if !args.own_card {
            eprintln!("cardlab: {risks} They are left out; --i-own-this-card sends them, too.");
            return Ok(());
        }
        eprintln!("cardlab: {risks}");
        if args.yes { Ok(()) } else { ask("--i-own-this-card", "All of them are going to be sent to the card.") }
    }
}

/// Why commands were left out, in words.
fn reason(skip: Skip) -> String {
    match skip {
        Skip::Hidden => "have hidden bytes".to_owned(),
        Skip::NoPin => "need a PIN that was not given (--pin-fd, --new-pin-fd, --puk-fd)".to_owned(),
        Skip::NotAllowed(risk) => format!("could {risk}"),
        Skip::NoCommand => "are no commands".to_owned(),
    }
}
