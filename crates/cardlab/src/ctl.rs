//! `cardlab ctl`: pulls, inserts, resets and exchanges cards, pulls readers and presses their keys, for `cardlab run` and `cardlab serve`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use crate::run::control::{Control, ask};

const EXAMPLES: &str = "\
Examples:
  cardlab run -- sh -c 'cardlab ctl remove; opensc-tool -l; cardlab ctl insert; opensc-tool -n'
  cardlab ctl swap --reader 1 --card certificate:bob.img
  cardlab run --reader certificate:alice.img,pinpad=ctl -- sh -c 'cardlab ctl press 123456 ok; pkcs11-tool -l -O'
Programs that `cardlab run` starts know their readers from the variable CARDLAB_CONTROL.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// The control socket; CARDLAB_CONTROL where it is not given
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// Readers with their numbers, and whether there is a card in them
    List,
    /// Pull the card out, also while it works
    Remove(Which),
    /// Put the card back that was pulled, or another one
    Insert {
        #[command(flatten)]
        which: Which,
        /// A new card, or one in a file: WHAT[:IMAGE] as for --reader of `cardlab run`
        #[arg(long, value_name = "SPEC")]
        card: Option<String>,
    },
    /// Pull the card out and put another one in
    Swap {
        #[command(flatten)]
        which: Which,
        /// A new card, or one in a file: WHAT[:IMAGE] as for --reader of `cardlab run`
        #[arg(long, value_name = "SPEC")]
        card: String,
    },
    /// Reset the card as another program would
    Reset(Which),
    /// Pull the reader out, with the card in it
    Unplug(Which),
    /// Plug it in again
    Plug(Which),
    /// Press keys at the PIN pad of a reader with pinpad=ctl
    ///
    /// Keys that no program has asked for yet wait for one that does, 256 at most. Those behind the `ok` or `cancel` of
    /// one entry are the next entry's. What was pressed is not repeated anywhere.
    Press {
        #[command(flatten)]
        which: Which,
        /// Digits, one by one or together, `ok`, `cancel`, `clear` (all digits), `back` (the last one)
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
}

#[derive(clap::Args)]
struct Which {
    /// Number or name of the reader, or a part of the name; not needed where there is one
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

impl Which {
    fn word(&self) -> &str {
        self.reader.as_deref().unwrap_or_default()
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let socket = args.socket.clone().or_else(|| std::env::var_os(Control::VARIABLE).map(PathBuf::from));
    let socket = socket.context("no readers to control: CARDLAB_CONTROL is not set, and there is no --socket")?;
    let here = std::env::current_dir().context("this directory")?;
    let here = here.to_str().context("this directory's name is not text")?;
    let said = match &args.what {
        What::List => ask(&socket, &["list"]),
        What::Remove(which) => ask(&socket, &["remove", which.word()]),
        What::Insert { which, card } => {
            ask(&socket, &["insert", which.word(), card.as_deref().unwrap_or_default(), here])
        }
        What::Swap { which, card } => ask(&socket, &["swap", which.word(), card, here]),
        What::Reset(which) => ask(&socket, &["reset", which.word()]),
        What::Unplug(which) => ask(&socket, &["unplug", which.word()]),
        What::Plug(which) => ask(&socket, &["plug", which.word()]),
        What::Press { which, keys } => {
            let words = ["press", which.word()].into_iter().chain(keys.iter().map(String::as_str));
            ask(&socket, &words.collect::<Vec<_>>())
        }
    }?;
    std::io::stdout().write_all(said.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
