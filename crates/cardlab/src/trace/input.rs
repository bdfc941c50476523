//! A trace as the commands read it: from a file or standard input, with errors that name it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context as _;
use card_trace::{ReadError, Trace};

/// A trace that is being read.
pub(super) struct Input {
    pub(super) trace: Trace<Box<dyn BufRead>>,
    name: String,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let is_standard = path.as_os_str() == "-";
        let name = if is_standard { "standard input".to_owned() } else { path.display().to_string() };
        let input: Box<dyn BufRead> = if is_standard {
            Box::new(BufReader::new(std::io::stdin()))
        } else {
            anyhow::ensure!(!path.is_dir(), "{name} is a directory, and no trace");
            Box::new(BufReader::new(File::open(path).with_context(|| format!("cannot read the trace {name}"))?))
        };
        let trace = Trace::new(input).map_err(|error| named(&name, &error))?;
        Ok(Self { trace, name })
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<card_trace::Entry>> {
        self.trace.next().transpose().map_err(|error| named(&self.name, &error))
    }

    /// A reader that was asked for must be there; known at the end.
    pub(super) fn has_reader(&self, wanted: Option<u32>) -> anyhow::Result<()> {
        let Some(reader) = wanted.filter(|reader| self.trace.reader(*reader).is_none()) else { return Ok(()) };
        let known: Vec<_> =
            self.trace.readers().map(|(number, name)| format!("{number} ({})", card_trace::escape(name))).collect();
        anyhow::bail!("there is no reader {reader} in {}; it has {}", self.name, known.join(", "));
    }

    /// What is to be said of a trace that breaks off; known at its end.
    pub(super) fn ending(&self) -> Option<String> {
        let line = self.trace.cut()?;
        Some(format!("{} breaks off in line {line}: whoever wrote it was killed, or still writes", self.name))
    }
}

fn named(name: &str, error: &ReadError) -> anyhow::Error {
    anyhow::anyhow!("{name}: {error}")
}
