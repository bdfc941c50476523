//! `cardlab conform verify-report` and `diff`: records of runs, after the run.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use card_conformance::embedded;
use card_conformance::record::RunRecord;
use card_conformance::report::check::{Finding, Role, check};
use card_conformance::report::diff::diff as compare;
use card_conformance::report::json;

use crate::output;

/// No file of a run is longer; a record can name any file.
const LONGEST: u64 = 256 * 1024 * 1024;

const VERIFY_HELP: &str = "\
The suite files are those of --suite, else those built into this program; the card and the exceptions file are
looked for where the record says, and beside the record. A file that is not there is told, and no mistake unless
--suite names its folder.
Exit code: 0 nothing is wrong, 1 something was changed, 2 not a record.";

#[derive(clap::Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct VerifyArgs {
    /// The record, as --json-report wrote it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder of the suite that was played: each of its files must be there
    #[arg(long, value_name = "DIR")]
    suite: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(after_help = "Exit code: 0 nothing fails that did not fail before, 1 otherwise, 2 not a record.")]
pub(crate) struct DiffArgs {
    /// The earlier record
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The later record
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
}

pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    if let Some(suite) = &args.suite {
        anyhow::ensure!(suite.is_dir(), "there is no folder {}", suite.display());
    }
    let record = record(&args.file)?;
    let beside = args.file.parent().unwrap_or(Path::new("")).to_owned();
    let findings = check(&record, &|role, name| match (role, &args.suite) {
        (Role::Suite, Some(folder)) => content(&within(folder, name)?),
        (Role::Suite, None) => built_in(&record, name),
        (Role::Card | Role::Exceptions, _) => content(Path::new(name)).or_else(|| content(&within(&beside, name)?)),
    });
    let asked =
        |finding: &Finding| args.suite.is_some() && matches!(finding, Finding::Missing { role: Role::Suite, .. });
    let mut wrong = 0;
    for finding in &findings {
        let is_wrong = finding.is_wrong() || asked(finding);
        wrong += usize::from(is_wrong);
        output::line(format_args!("{}: {}", if is_wrong { "WRONG" } else { "note" }, plain(&finding.to_string())))?;
    }
    let notes = findings.len() - wrong;
    let verdict = if wrong == 0 { "the record is as it was written" } else { "the record or its files were changed" };
    output::line(format_args!("{verdict}: {} cases, {wrong} wrong, {notes} not checked", record.cases.len()))?;
    Ok(ExitCode::from(u8::from(wrong > 0)))
}

pub(super) fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let diff = compare(&record(&args.old)?, &record(&args.new)?);
    if args.json {
        output::line(serde_json::to_string_pretty(&diff)?)?;
    } else {
        output::line(&diff)?;
    }
    Ok(ExitCode::from(diff.exit_code()))
}

fn record(path: &Path) -> anyhow::Result<RunRecord> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    json::read(&text).with_context(|| path.display().to_string())
}

/// A file of the suite that this program has in it; nothing where it is another version, which is no mistake of the record.
fn built_in(record: &RunRecord, name: &str) -> Option<Vec<u8>> {
    let said = &record.digests.suite.iter().find(|file| file.name == name)?.sha256;
    let file = embedded::SCRIPTS.iter().chain([&embedded::CLAUSES]).find(|source| source.name == name)?;
    let text = file.text.as_bytes();
    json::sha256(text).eq_ignore_ascii_case(said).then(|| text.to_vec())
}

/// A name in a folder, if it leads nowhere else.
fn within(folder: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name);
    name.components().all(|part| matches!(part, Component::Normal(_))).then(|| folder.join(name))
}

/// What is in an ordinary file of a possible size.
fn content(path: &Path) -> Option<Vec<u8>> {
    let about = fs::metadata(path).ok().filter(|about| about.is_file() && about.len() <= LONGEST)?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(about.len()).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A record can say anything; it must not steer the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
