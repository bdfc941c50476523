//! `cardlab conform import`: cases from what other tools wrote down.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use card_conformance::{Source, Suite, import};

use crate::output;

const HELP: &str = "\
Each file becomes one case, on standard output. What the card answered is what it must answer; random data must have its
length. What is secret becomes a name: that of a built-in value where the bytes are those, else one to be given a value.
Know that opensc-tool follows 61xx and 6Cxx by itself: what it shows is not always what the card said.";

#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct ImportArgs {
    /// Scripts or transcripts of opensc-tool (-s, --send-apdu), scriptor or `cardlab apdu`
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The card that the cases are about
    #[arg(long, value_name = "NAME", default_value = "isoapplet")]
    preset: String,
}

pub(super) fn run(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        card_conformance::template::is_name(&args.preset),
        "a preset is named by lower-case letters, digits and hyphens"
    );
    let read = |path: &PathBuf| {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{} is not text", path.display()))?;
        Ok((path.display().to_string(), text))
    };
    let files = args.files.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    let sources: Vec<Source<'_>> = files.iter().map(|(name, text)| Source { name, text }).collect();
    let values = Suite::embedded().context("the built-in suite is broken")?.values;
    let script = import::script(&sources, &args.preset, &values)?;
    output::line(script.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
