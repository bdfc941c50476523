//! `cardlab serve`: our readers for programs that are started elsewhere, until Ctrl-C.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};

use anyhow::{Context as _, bail};

use crate::output;
use crate::run::READERS;
use crate::run::control::Control;
use crate::run::world::{Readers, World};

/// The longest path that leaves room for the socket of `cardlab ctl` beside it, in bytes.
const MAX_PATH: usize = 103;

const EXAMPLES: &str = "\
Examples:
  cardlab serve --reader certificate:alice.img > env &      a line to be read by a shell
  . ./env; pkcs11-tool -L; cardlab ctl remove; pkcs11-tool -L; kill %1
";

fn help() -> String {
    format!("{EXAMPLES}\n{READERS}")
}

#[derive(clap::Args)]
#[command(after_help = help())]
pub(crate) struct Args {
    #[command(flatten)]
    readers: Readers,
    /// Where to listen, instead of in a private directory: a path of at most 103 bytes that is not there yet. Who
    /// may enter its directory may use the cards
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let socket = args.socket.as_deref().map(std::path::absolute).transpose().context("--socket")?;
    if let Some(socket) = socket.as_ref().filter(|socket| socket.as_os_str().len() > MAX_PATH) {
        bail!("--socket {} has more than {MAX_PATH} bytes", socket.display());
    }
    let recording = args.readers.record()?;
    let world = Arc::new(World::start(&args.readers, &recording, socket.as_deref())?);
    let control = Control::listen(&world)?;
    let (stop, stopped) = mpsc::channel();
    // Until here Ctrl-C ends the process: it may wait for a simulator.
    ctrlc::set_handler(move || {
        // Whoever waits has gone already when this fails.
        let _ = stop.send(());
    })
    .context("cannot catch Ctrl-C")?;
    let words = world.environment().map(|(name, value)| format!("{name}={}", quoted(&value.to_string_lossy())));
    output::line(format_args!("export {}", words.join(" ")))?;
    stopped.recv().context("nobody is left who could stop this")?;
    drop(control);
    Ok(recording.end(world.end(ExitCode::SUCCESS)))
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() {
        assert_eq!(quoted("/tmp/cardlab-x/pcscd.comm"), "/tmp/cardlab-x/pcscd.comm");
        assert_eq!(quoted("/tmp/o'clock $HOME"), r"'/tmp/o'\''clock $HOME'");
    }
}
