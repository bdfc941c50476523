//! `cardlab fuzz`: our commands and what must be true of any card's answers, against a card that somebody else wrote.

pub(crate) mod card;
mod keep;
mod repeat;
mod say;

use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use card_fuzz::foreign::{self, Ending, Event, Options, StartError};
use clap::ArgGroup;

use crate::output;
use card::VpcdPort;
use keep::Keeper;
use say::{Progress, Summary};

const EXAMPLES: &str = "\
Examples:
  cardlab fuzz --target-cmd ./card               a program; frames on its input and output
  cardlab fuzz --target-cmd 'java -jar card.jar' --seconds 600 --out finds
  cardlab fuzz --target vpcd:35963               a simulator that connects as it would to vpcd
  cardlab fuzz --target-cmd ./card --seed 7      the same commands again
  cardlab apdu --target-cmd ./card --script finds/7-01-crash-a4.apdu

It writes, deletes, and blocks PINs: use it on a simulator, never on a card that you need.
--keep-pin leaves the PIN alone. What it holds against each answer: it comes in time and once;
the card goes on running; the status word is 61xx..6Fxx or 9xxx; there is no more data than Le
asks for (without Le: 256 bytes) and none with an error; the tries of a PIN do not come back
without a success.

What is found is played again on the card started anew and cut down to few commands, for at most
30 s each and 5 s beyond --seconds. An instruction that ends the card five times is left out
from then on.

A program gets frames on its standard input and answers on its standard output: a big-endian
length of two bytes, then so many bytes. A frame of one byte is a control: 00 power off, 01
power on, 02 reset (no answer), 04 give the ATR (answered by a frame with it). Every other frame
is a command APDU, answered by one frame with the response. On vpcd's socket it is the same. The
program ends when its input does; it and what it has started are killed where they do not.

Exit code: 0 nothing found, 1 something found, 2 could not run.";

/// Commands of a run where nothing else is said.
const COMMANDS: u64 = 100_000;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group(ArgGroup::new("card").required(true)))]
pub(crate) struct Args {
    /// Wait on this machine's loopback address for a card simulator: vpcd:PORT
    #[arg(long, value_name = "vpcd:PORT", group = "card")]
    target: Option<VpcdPort>,
    /// Start this program as the card; no shell reads the line
    #[arg(long, value_name = "CMD", group = "card")]
    target_cmd: Option<String>,
    /// Decides every choice; drawn and printed where it is not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// End after so many commands [default: 100000]
    #[arg(long, value_name = "N", conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    commands: Option<u64>,
    /// End after this time
    #[arg(long, value_name = "N", value_parser = card::seconds)]
    seconds: Option<Duration>,
    /// Directory for the scripts of what is found
    #[arg(long, value_name = "DIR", default_value = "cardlab-finds")]
    out: PathBuf,
    /// How many seconds one answer may take; a key six times as long
    #[arg(long, value_name = "S", default_value = "10", value_parser = card::seconds)]
    answer_timeout: Duration,
    /// Start the program anew after so many commands (--target-cmd)
    #[arg(long, value_name = "N", default_value = "2000", value_parser = clap::value_parser!(u64).range(1..))]
    restart_every: u64,
    /// Send no VERIFY with data, no CHANGE REFERENCE DATA and no RESET RETRY COUNTER
    #[arg(long)]
    keep_pin: bool,
    /// Environment variable with a PIN that the card takes; scripts then hold it [default PIN: 123456]
    #[arg(long, value_name = "NAME", conflicts_with = "keep_pin")]
    pin_env: Option<String>,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let stop = card::stop_on_interrupt()?;
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(()) >> 32);
    let options = options(args, seed)?;
    let (target, mut card) = match (&args.target_cmd, args.target) {
        (Some(command), _) => (command.clone(), card::program(command, &stop)?),
        (None, Some(port)) => ("a card on vpcd's socket".to_owned(), card::socket(port, &stop)?),
        (None, None) => anyhow::bail!("no card: give --target-cmd or --target"),
    };
    let mut keeper = Keeper::new(&args.out, seed, repeat::head(args, &options))?;
    if !args.json {
        output::line(format_args!("card: {target}; seed {seed}"))?;
    }
    let mut progress = Progress::new(options.commands, args.json);
    let mut trouble = None;
    let report = foreign::run(card.as_mut(), &options, &mut |event| {
        if let Event::Found(finding) | Event::Reduced(finding) = &event
            && let Err(error) = keeper.save(finding)
        {
            // The card is not asked to wait for a disk: said at once and once more at the end.
            eprintln!("cardlab: {error:#}");
            trouble = Some(error);
        }
        progress.show(&event, &keeper);
    });
    progress.end();
    let report = match report {
        Ok(report) => report,
        Err(StartError::Stopped) => anyhow::bail!("stopped before a card was there"),
        Err(error) => return Err(error).context("nothing was sent"),
    };
    let summary = Summary::new(&report, target, seed, &keeper);
    if args.json {
        output::line(serde_json::to_string_pretty(&summary)?)?;
    } else {
        output::line(summary.text(&report))?;
    }
    match (trouble, &report.ending) {
        (Some(error), _) => Err(error.context("not all that was found could be kept")),
        (None, _) if !report.findings.is_empty() => Ok(ExitCode::FAILURE),
        (None, Ending::CardLost(error)) => Err(anyhow::anyhow!("the card did not come back: {error}")),
        (None, _) => Ok(ExitCode::SUCCESS),
    }
}

fn options(args: &Args, seed: u64) -> anyhow::Result<Options> {
    let pin = args.pin_env.as_ref().map(|name| {
        let value = std::env::var(name).with_context(|| format!("--pin-env: there is no variable {name}"))?;
        anyhow::ensure!((1..=16).contains(&value.len()), "--pin-env: a PIN has 1 to 16 bytes");
        Ok(value.into_bytes())
    });
    Ok(Options {
        seed,
        commands: args.commands.or(if args.seconds.is_none() { Some(COMMANDS) } else { None }),
        time: args.seconds,
        limit: args.answer_timeout,
        keep_pin: args.keep_pin,
        pin: pin.transpose()?,
        restart_every: args.restart_every,
        replays: 300,
        reduce_for: Duration::from_secs(30),
    })
}
