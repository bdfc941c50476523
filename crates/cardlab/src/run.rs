//! `cardlab run`: a program that sees our readers, and nothing else of us.

mod child;
pub(crate) mod control;
mod faults;
mod foreign;
mod fuse;
mod pads;
mod seat;
mod spec;
mod trace;
pub(crate) mod world;

use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use anyhow::Context as _;

use self::control::Control;
use self::world::{Readers, World};
use crate::trace::Recording;

/// What `--reader` takes.
pub(crate) const READERS: &str = "\
A reader is WHAT[:IMAGE][,KEY=VALUE]...: WHAT is `ready` (an isoapplet card with PIN 123456, PUK
0123456789abcdef, an RSA-2048 key that everybody knows and its certificate), isoapplet, certificate,
iso, tight, a TOML file (these are blank) or `empty`; IMAGE a file that holds the card and is made
if it is not there; `:IMAGE` is the card that is in it, whatever that is. Keys: name=NAME, seed=N
(of the card's randomness), atr=HEX, apdu=short|extended (what the reader says it carries),
speed=best|median|worst|any|FILE (as slow as real cards are: the fastest, a middling one, the
slowest, now this and now that one, or as the TOML file says).
`vpcd:PORT` waits for somebody else's simulator, which connects as to vpcd; `pcsc:NAME` is the card
in a real reader, whose name may be shortened.
pinpad= gives the reader a PIN pad, at which programs that know of pads have the PIN typed:
pinpad=ctl with `cardlab ctl press`; pinpad=terminal at this terminal, unseen (Enter, Esc to cancel,
Ctrl-U to clear); pinpad=file:PATH with the file's lines in turn (`123456 ok`, `cancel`; after the
last one nobody types, so 6400). pkcs15-tool first asks by itself: Enter there leads to the pad.
A comma in a name or a path is written \\, and a backslash before one \\\\. Programs with a PC/SC
library before 2.5 see the first 16 readers.
Without --reader there is one with a `ready` card.";

const EXAMPLES: &str = "\
Examples:
  cardlab run -- pkcs11-tool -l -t -p 123456     a card with a key in a reader of its own
  cardlab run --reader isoapplet:alice.img -- pkcs15-init --create-pkcs15 --so-pin 123456
  cardlab run --reader 'iso,name=ACS ACR38U 00 00' --reader empty -- ./my-driver-tests
  cardlab run --faults flaky.toml --trace out.trace -- ./my-driver-tests
  cardlab run --reader certificate:alice.img,pinpad=terminal -- pkcs11-tool -l -t
The program can pull, insert, reset and exchange cards, pull readers and press keys of PIN pads with
`cardlab ctl`. A list of faults is as short as
  [[fault]]
  instruction = \"20\"
  do = { remove = \"during\" }

The exit code is the program's: 128 and the signal's number where a signal ended it, 127 or 126
where it could not be started, 2 where a reader could not be made or a fault never came up.
";

fn help() -> String {
    format!("{EXAMPLES}\n{READERS}")
}

#[derive(clap::Args)]
#[command(after_help = help())]
pub(crate) struct Args {
    #[command(flatten)]
    readers: Readers,
    /// The program that is to see the readers, and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let recording = args.readers.record()?;
    let code = in_world(args, &recording)?;
    // The service has ended: nothing more is told.
    Ok(recording.end(code))
}

fn in_world(args: &Args, recording: &Recording) -> anyhow::Result<ExitCode> {
    let world = Arc::new(World::start(&args.readers, recording, None)?);
    let control = Control::listen(&world)?;
    let Some((program, rest)) = args.program.split_first() else { anyhow::bail!("there is no program to run") };
    let code = child::run(Command::new(program).args(rest).envs(world.environment()));
    drop(control);
    let code = code.context("cannot run the program");
    Ok(world.end(code?))
}
