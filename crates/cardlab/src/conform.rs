//! `cardlab conform`: the suite, on the built-in card or another.

mod compare;
mod exceptions;
mod import;
mod mistake;
mod report;
mod suite;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use card_conformance::{Case, FreshError, InProcessTarget, Report, Suite, Target, TransportTarget, Verdict, run_suite};
use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::Icc;
use indicatif::{ProgressBar, ProgressStyle};
use rsa_host::HostRsa;
use serde::Serialize;

use crate::output;
use crate::target::{self, Kind, TargetArgs};

const EXAMPLES: &str = "\
Examples:
  cardlab conform                         every case, each on a fresh card of its own preset
  cardlab conform --case 'pin-*'          the cases whose id contains this
  cardlab conform --preset certificate    the cases of one preset
  cardlab conform --target pcsc           the card in the reader: only what changes nothing and needs no PIN
  cardlab conform --suite my-suite        the cases of your own folder; `new` makes one to begin with
  cardlab conform --against sim --target pcsc   where the card differs from the built-in one
  cardlab conform verify-report FILE      whether a record is what was written
  cardlab conform diff OLD NEW            what changed between two records
Exit code: 0 all as expected, 1 not, 2 could not run or nothing ran.";

/// Seed of the built-in card where none is given: a run can always be repeated.
const SEED: u64 = 1;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Sub>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    suite: suite::SuiteArgs,
    #[command(flatten)]
    compare: compare::CompareArgs,
    #[command(flatten)]
    exceptions: exceptions::ExceptionArgs,
    /// Only the cases whose id contains this; `*` stands for any characters
    #[arg(long, value_name = "PATTERN", default_value = "")]
    case: String,
    /// One JSON document instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Sub {
    /// Check the digests of a record of a run, and its counts
    VerifyReport(report::VerifyArgs),
    /// Compare two records of runs: fixed, broken, new, gone
    Diff(report::DiffArgs),
    /// Keep what a card answers to each case in a golden file
    Record(compare::RecordArgs),
    /// Write a small suite with comments into a folder, to begin with
    New(suite::NewArgs),
    /// Print the form of a script as a JSON schema
    Schema,
    /// Turn scripts and transcripts of opensc-tool, scriptor and `cardlab apdu` into cases
    Import(import::ImportArgs),
}

#[derive(Serialize)]
struct Summary<'r> {
    target: String,
    seed: Option<u64>,
    passed: usize,
    failed: usize,
    skipped: usize,
    cases: Vec<Row<'r>>,
}

#[derive(Serialize)]
struct Row<'r> {
    id: &'r str,
    title: &'r str,
    verdict: &'static str,
    reason: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Some(Sub::VerifyReport(args)) => return report::verify(args),
        Some(Sub::Diff(args)) => return report::diff(args),
        Some(Sub::Record(args)) => return compare::record(args),
        Some(Sub::New(args)) => return suite::new(args),
        Some(Sub::Schema) => return suite::schema(),
        Some(Sub::Import(args)) => return import::run(args),
        None => {}
    }
    args.target.check()?;
    let suite = args.suite.load()?.suite;
    let exceptions = args.exceptions.load(&suite)?;
    let preset = args.target.preset.as_deref().map(target::preset).transpose()?;
    let name = preset.as_ref().map(|preset| preset.name.as_str());
    let cases: Vec<&Case> = suite.select(&args.case, name).collect();
    if cases.is_empty() {
        anyhow::bail!("no case fits; `cardlab conform` without --case and --preset plays all {}", suite.cases.len());
    }
    if args.compare.is_wanted() {
        return compare::run(&args.compare, &args.target, &suite, &cases, args.json);
    }
    let seed = args.target.seed.unwrap_or(SEED);
    let mut target = target(&args.target, preset.clone(), seed)?;
    let report = play(&suite, &cases, target.as_mut());
    let simulated = args.target.target == Kind::Sim;
    let place = if simulated { format!("{}, seed {seed}", target.describe()) } else { target.describe() };
    if args.json {
        let summary = summary(&report, target.describe(), simulated.then_some(seed));
        output::line(serde_json::to_string_pretty(&summary)?)?;
    } else {
        output::line(format_args!("{} cases on {place}", cases.len()))?;
        output::line(report.table().to_string().trim_end())?;
    }
    if report.exit_code() == crate::COULD_NOT_RUN {
        eprintln!("cardlab: nothing ran: every case needs a card that can be made anew; use --target sim");
    }
    let code = exceptions::judge(&args.exceptions, &exceptions, &report, args.json)?;
    Ok(ExitCode::from(code))
}

fn play(suite: &Suite, cases: &[&Case], target: &mut dyn Target) -> Report {
    let progress = if std::io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}");
        ProgressBar::new(cases.len() as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    } else {
        ProgressBar::hidden()
    };
    let report = run_suite(suite, cases.iter().copied(), target, |outcome| {
        progress.set_message(outcome.case.clone());
        progress.inc(1);
    });
    progress.finish_and_clear();
    report
}

fn target(args: &TargetArgs, preset: Option<Preset>, seed: u64) -> anyhow::Result<Box<dyn Target>> {
    if args.target != Kind::Sim {
        return Ok(Box::new(TransportTarget::fixed(args.connect()?)));
    }
    Ok(built_in(preset, seed))
}

/// The built-in card: of this preset, or of that which each case is about.
fn built_in(preset: Option<Preset>, seed: u64) -> Box<dyn Target> {
    Box::new(InProcessTarget::new(move |name: &str| {
        let preset = match &preset {
            Some(preset) => preset.clone(),
            None => target::preset(name).map_err(|error| FreshError::failed(format!("{error:#}")))?,
        };
        let card = SimCard::from_seed(&preset, seed, HostRsa).map_err(FreshError::failed)?;
        Ok(Box::new(card) as Box<dyn Icc>)
    }))
}

fn summary(report: &Report, target: String, seed: Option<u64>) -> Summary<'_> {
    let cases = report.outcomes.iter().map(|outcome| Row {
        id: &outcome.case,
        title: &outcome.title,
        verdict: outcome.verdict.word(),
        reason: match &outcome.verdict {
            Verdict::Passed => None,
            Verdict::Failed(failure) => Some(failure.to_string()),
            Verdict::Skipped(reason) => Some(reason.to_string()),
        },
    });
    let cases = cases.collect();
    Summary { target, seed, passed: report.passed(), failed: report.failed(), skipped: report.skipped(), cases }
}
