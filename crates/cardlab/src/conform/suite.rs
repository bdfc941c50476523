//! `--suite`, `cardlab conform new` and `schema`: the testers' own cases.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use card_conformance::suite::{self, FileDigestInput};
use card_conformance::{Suite, embedded};

use super::mistake;
use crate::output;

#[derive(clap::Args)]
pub(crate) struct SuiteArgs {
    /// Folder with cases of your own, in place of the built-in ones; can be given more than once
    #[arg(long = "suite", value_name = "DIR")]
    pub(super) folders: Vec<PathBuf>,
}

/// A suite and the files that it is from.
pub(crate) struct Loaded {
    pub(crate) suite: Suite,
    pub(crate) files: Vec<FileDigestInput>,
}

impl SuiteArgs {
    /// The suite in the folders, or the built-in one.
    pub(super) fn load(&self) -> anyhow::Result<Loaded> {
        if self.folders.is_empty() {
            let suite = Suite::embedded().context("the built-in suite is broken")?;
            let file = |source: &card_conformance::Source<'_>| FileDigestInput {
                name: source.name.to_owned(),
                text: source.text.to_owned(),
            };
            let files = embedded::SCRIPTS.iter().chain([&embedded::CLAUSES]).map(file).collect();
            return Ok(Loaded { suite, files });
        }
        let (suite, files) = suite::from_dirs(&self.folders).map_err(mistake::of_suite)?;
        Ok(Loaded { suite, files })
    }
}

#[derive(clap::Args)]
#[command(after_help = "Nothing that is there is written over. `cardlab conform --suite DIR` plays what was made.")]
pub(crate) struct NewArgs {
    /// Folder to make, or an empty one
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn new(args: &NewArgs) -> anyhow::Result<ExitCode> {
    let name = args.folder.display();
    fs::create_dir_all(&args.folder).with_context(|| format!("cannot make the folder {name}"))?;
    let mut there = fs::read_dir(&args.folder).with_context(|| format!("cannot read the folder {name}"))?;
    anyhow::ensure!(there.next().is_none(), "{name} is not empty; nothing was written");
    for source in embedded::EXAMPLE {
        let path = args.folder.join(source.name);
        let file = File::create_new(&path).and_then(|mut file| file.write_all(source.text.as_bytes()));
        file.with_context(|| format!("cannot write {}", path.display()))?;
        output::line(path.display())?;
    }
    output::line(format_args!("now: cardlab conform --suite {name}"))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn schema() -> anyhow::Result<ExitCode> {
    output::line(embedded::SCHEMA.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
