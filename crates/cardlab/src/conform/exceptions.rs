//! `--exceptions`: cases that the card is known not to pass.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use card_conformance::exceptions::Exceptions;
use card_conformance::suite::FileDigestInput;
use card_conformance::{Report, Source, Suite};

use super::files::Known;
use super::mistake;
use crate::output;

#[derive(clap::Args)]
pub(crate) struct ExceptionArgs {
    /// Known exceptions of the card, each with its reason; GUIDE.md has the form
    #[arg(long = "exceptions", value_name = "FILE")]
    file: Option<PathBuf>,
    /// An exception whose case passes is a failure
    #[arg(long, requires = "file")]
    strict: bool,
}

impl ExceptionArgs {
    /// The exceptions for this suite; none without a file.
    pub(super) fn load(&self, suite: &Suite) -> anyhow::Result<Known> {
        let Some(path) = &self.file else { return Ok(Known::default()) };
        let name = path.display().to_string();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let exceptions = Exceptions::load(Source { name: &name, text: &text }, suite)
            .map_err(|error| mistake::underlined(&error, &text))?;
        Ok(Known { exceptions, digest: Some(FileDigestInput { name, text }.digest()) })
    }
}

/// The exit code of a run with these exceptions; says what became of each.
pub(super) fn judge(args: &ExceptionArgs, known: &Exceptions, report: &Report, json: bool) -> anyhow::Result<u8> {
    let records = known.sort(report.verdicts());
    if !json {
        for record in &records {
            for (word, ids) in [("known", &record.used), ("STALE", &record.stale)] {
                for id in ids {
                    output::line(format_args!("{word:<7}  {id}: {}", record.reason))?;
                }
            }
        }
    }
    let stale = args.strict && records.iter().any(|record| !record.stale.is_empty());
    let code = report.exit_code();
    let failures = report.verdicts().filter(|(_, verdict)| *verdict == card_conformance::record::VerdictKind::Failed);
    let is_new = |(id, verdict)| known.covering(id, verdict).is_none();
    Ok(match code {
        1 if !failures.into_iter().any(is_new) => u8::from(stale),
        0 => u8::from(stale),
        code => code,
    })
}
