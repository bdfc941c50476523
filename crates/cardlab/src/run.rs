//! `cardlab run`: a program that sees our readers, and nothing else of us.

mod child;
mod spec;

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use pcsc_service::PcscService;

use self::spec::Reader;

const EXAMPLES: &str = "\
Examples:
  cardlab run -- opensc-tool -n                  a blank card in a reader of its own
  cardlab run --reader certificate:alice.img -- pkcs11-tool -l -t -p 123456
  cardlab run --reader 'iso,name=ACS ACR38U 00 00' --reader empty -- ./my-driver-tests

A reader is WHAT[:IMAGE][,KEY=VALUE]...: WHAT is isoapplet, certificate, iso, tight, a TOML file
or `empty`; IMAGE a file that holds the card and is made if it is not there. Keys: name=NAME,
seed=N (of the card's randomness), atr=HEX, apdu=short|extended (what the reader says it carries).

The exit code is the program's: 128 and the signal's number where a signal ended it, 127 or 126
where it could not be started, 2 where a reader could not be made.";

/// What is in the only reader where none is asked for.
const USUAL: &str = "isoapplet";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A reader and the card in it; as often as there are to be readers
    #[arg(long, value_name = "SPEC")]
    reader: Vec<String>,
    /// Seed of the cards' randomness: equal seeds give equal keys. For tests only
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The program that is to see the readers, and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let service = start(&args.reader, args.seed)?;
    let (name, value) = service.environment();
    let Some((program, rest)) = args.program.split_first() else { anyhow::bail!("there is no program to run") };
    child::run(Command::new(program).args(rest).env(name, value)).context("cannot run the program")
}

/// A service with these readers.
fn start(readers: &[String], seed: Option<u64>) -> anyhow::Result<PcscService> {
    let usual = [USUAL.to_owned()];
    let readers = if readers.is_empty() { &usual } else { readers };
    let mut builder = PcscService::builder();
    for reader in readers {
        let spec = Reader::parse(reader)?.build(seed).with_context(|| format!("--reader {reader}"))?;
        builder = builder.reader(spec);
    }
    builder.start().context("cannot start the private reader service")
}
