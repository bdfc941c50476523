//! Traces: `--trace` of other commands, and `cardlab trace`.

mod input;
mod options;
mod replay;
mod show;
mod stats;
mod words;

use std::process::ExitCode;

pub(crate) use options::{Recording, TraceArgs};

const EXAMPLES: &str = "\
Examples:
  cardlab run --seed 5 --trace out.trace -- pkcs11-tool -O    writes one
  cardlab trace show out.trace | less
  cardlab trace show --no-data --reader 0 out.trace  one line a command
  cardlab trace show --json - < out.trace
  cardlab trace replay out.trace --preset ready --seed 5    plays it to the same card as that of run
  cardlab trace stats out.trace                      what takes how long
A trace is text, one event a line: seconds, the reader's number, the program's handle, and what
happened: `> ` and a command, `< ` and its answer with the time that the card took, or words.
`··` is a byte that is hidden: PINs, PUKs and imported keys always; data of files unless
--trace-files was given; what a card deciphers, EXTERNAL and GENERAL AUTHENTICATE and unknown
instructions unless --trace-doubtful was given.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show a trace decoded: names of commands, data objects, status words, times
    Show(show::Args),
    /// Play a trace to a card, up to the first answer that is another one
    Replay(Box<replay::Args>),
    /// Count: commands, bytes, times, status words, PIN tries, pauses
    Stats(stats::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Show(args) => show::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Stats(args) => stats::run(args),
    }
}
