//! `--trace FILE`: the options of all commands that write a trace, and the trace until its end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use card_trace::{Reveal, Tracer};
use host_driver::Transport;

/// What is written down, and how much of it.
#[derive(clap::Args)]
pub(crate) struct TraceArgs {
    /// Write what happens between programs and cards to this file, line by line (see `cardlab trace --help`). PINs, keys
    /// that are imported, data of files and what the card deciphers are hidden
    #[arg(long, value_name = "FILE", help_heading = "Trace", global = true)]
    trace: Option<PathBuf>,
    /// Show data of files in the trace: certificates, and whatever else is there, keys that are written as files as well
    #[arg(long, requires = "trace", help_heading = "Trace", global = true)]
    trace_files: bool,
    /// Show in the trace what the card deciphers, what EXTERNAL and GENERAL AUTHENTICATE carry, and unknown instructions
    #[arg(long, requires = "trace", help_heading = "Trace", global = true)]
    trace_doubtful: bool,
}

/// A trace that is being written; none where none is asked for.
pub(crate) struct Recording(Option<(Tracer, PathBuf)>);

impl TraceArgs {
    /// Whether a trace is asked for.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.trace.is_some()
    }

    /// Begins the trace.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub(crate) fn begin(&self) -> anyhow::Result<Recording> {
        let Some(path) = &self.trace else { return Ok(Recording(None)) };
        let reveal = Reveal { files: self.trace_files, doubtful: self.trace_doubtful };
        // Not a cause in a chain: a closed pipe is no success here, as it is on standard output.
        let tracer = Tracer::create(path, reveal).map_err(|error| anyhow!("{}: {error}", cannot_write(path)))?;
        Ok(Recording(Some((tracer, path.clone()))))
    }
}

impl Recording {
    /// Who writes it.
    pub(crate) const fn tracer(&self) -> Option<&Tracer> {
        match &self.0 {
            Some((tracer, _)) => Some(tracer),
            None => None,
        }
    }

    /// A way to a card that is written down, where that is asked for.
    pub(crate) fn around(&self, transport: Box<dyn Transport>) -> Box<dyn Transport> {
        let Some(tracer) = self.tracer() else { return transport };
        let name = transport.describe();
        Box::new(tracer.transport(&name, transport))
    }

    /// Completes it. Says so where lines are missing, and makes a success a failure then.
    pub(crate) fn end(self, code: ExitCode) -> ExitCode {
        let Some((tracer, path)) = self.0 else { return code };
        match tracer.finish() {
            Ok(()) => code,
            Err(error) => {
                eprintln!(
                    "cardlab: {}: {error}; what is in it so far is whole, the rest is missing",
                    cannot_write(&path)
                );
                if code == ExitCode::SUCCESS { ExitCode::from(crate::COULD_NOT_RUN) } else { code }
            }
        }
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write the trace {}", path.display())
}
