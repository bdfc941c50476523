//! `cardlab conform`: the suite, on the built-in card or another.

mod card;
mod compare;
mod describe;
mod exceptions;
mod files;
mod import;
mod mistake;
mod report;
mod run;
mod safety;
mod suite;

use std::process::ExitCode;

use card_conformance::capabilities;
use card_conformance::exceptions::Exceptions;
use card_conformance::record::{Capability, ExceptionRecord};
use card_conformance::resident::Resident;
use card_conformance::suite::FileDigestInput;
use card_conformance::template::Variables;
use card_conformance::{Case, Report, Suite, TransportTarget};
use serde::Serialize;

use crate::output;
use crate::target::{self, Kind, TargetArgs};
use crate::trace::{Recording, TraceArgs};

pub(crate) use self::card::Secrets;
pub(crate) use self::safety::ask;

const EXAMPLES: &str = "\
Examples:
  cardlab conform                         every case, each on a fresh card of its own preset
  cardlab conform --case 'pin-*'          the cases whose id contains this
  cardlab conform --preset certificate    the cases of one preset
  cardlab conform --shuffle 7 --jobs 4    in another order, four at once
  cardlab conform --target pcsc           the card in the reader: only what changes nothing and needs no PIN
  cardlab conform --html run.html --json-report run.json
  cardlab conform --suite my-suite        the cases of your own folder; `new` makes one to begin with
  cardlab conform --against sim --target pcsc   where the card differs from the built-in one
  cardlab conform describe --target pcsc  a draft of the card file of the card in the reader
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
    run: run::RunArgs,
    #[command(flatten)]
    card: card::CardArgs,
    #[command(flatten)]
    safety: safety::SafetyArgs,
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
    #[command(flatten)]
    files: files::Files,
    #[command(flatten)]
    trace: TraceArgs,
}

#[derive(clap::Subcommand)]
enum Sub {
    /// Check the digests of a record of a run, and its counts
    VerifyReport(report::VerifyArgs),
    /// Compare two records of runs: fixed, broken, new, gone
    Diff(report::DiffArgs),
    /// Keep what a card answers to each case in a golden file
    Record(compare::RecordArgs),
    /// Find out what a card can do and write a draft of its card file
    Describe(describe::DescribeArgs),
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
    /// Not played on the card, for any reason.
    skipped: usize,
    /// Of these, played on the built-in card in its place.
    simulated: usize,
    /// What the card can do; empty for the built-in one.
    capabilities: &'r [Capability],
    /// What came of the known exceptions.
    exceptions: Vec<ExceptionRecord>,
    cases: Vec<Row<'r>>,
}

#[derive(Serialize)]
struct Row<'r> {
    id: &'r str,
    title: &'r str,
    verdict: &'static str,
    reason: Option<String>,
    /// Why it was played on the built-in card in place of the card, if it was.
    simulated: Option<&'r str>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        args.command.is_none() || !args.trace.is_wanted(),
        "--trace goes with a run of the suite, not with a command of `cardlab conform`"
    );
    match &args.command {
        Some(Sub::VerifyReport(args)) => report::verify(args),
        Some(Sub::Diff(args)) => report::diff(args),
        Some(Sub::Record(args)) => compare::record(args),
        Some(Sub::Describe(args)) => describe::run(args),
        Some(Sub::New(args)) => suite::new(args),
        Some(Sub::Schema) => suite::schema(),
        Some(Sub::Import(args)) => import::run(args),
        None => play(args),
    }
}

fn play(args: &Args) -> anyhow::Result<ExitCode> {
    args.target.check()?;
    let is_one_card = args.target.target != Kind::Sim && !args.compare.is_wanted();
    anyhow::ensure!(
        !args.trace.is_wanted() || is_one_card,
        "--trace goes with --target pcsc or vpcd, without a comparison; of built-in cards, each case's exchanges are in --json-report"
    );
    let recording = args.trace.begin()?;
    let code = traced(args, &recording)?;
    Ok(recording.end(code))
}

fn traced(args: &Args, recording: &Recording) -> anyhow::Result<ExitCode> {
    args.safety.check(args.target.target, args.card.is_given())?;
    let suite::Loaded { suite, files } = args.suite.load()?;
    let known = args.exceptions.load(&suite)?;
    let preset = args.target.preset.as_deref().map(target::preset).transpose()?;
    let name = preset.as_ref().map(|preset| preset.name.as_str());
    let cases: Vec<&Case> = suite.select(&args.case, name).collect();
    if cases.is_empty() {
        anyhow::bail!("no case fits; `cardlab conform` without --case and --preset plays all {}", suite.cases.len());
    }
    if args.compare.is_wanted() {
        return compare::run(&args.compare, &args.target, &suite, &cases, args.json);
    }
    let started = jiff::Timestamp::now();
    let count = cases.len();
    let is_built_in = args.target.target == Kind::Sim;
    let card = if is_built_in { None } else { args.card.load()? };
    let seed = is_built_in.then(|| args.target.seed.unwrap_or(SEED));
    let played = match seed {
        Some(seed) => run::on_built_in(&suite, cases, &args.run, &run::BuiltIn { preset: preset.clone(), seed })?,
        None => on_card(args, &suite, cases, card.as_ref(), recording)?,
    };
    let (report, target, capabilities) = (played.report, played.target, played.capabilities);
    if args.json {
        let summary =
            Summary { capabilities: &capabilities, ..summary(&report, target.clone(), seed, &known.exceptions) };
        output::line(serde_json::to_string_pretty(&summary)?)?;
    } else {
        let place = seed.map_or_else(|| target.clone(), |seed| format!("{target}, seed {seed}"));
        output::line(format_args!("{count} cases on {place}"))?;
        output::line(report.table().to_string().trim_end())?;
    }
    args.files.write(&files::Ran {
        target: target.clone(),
        reader: args.target.reader.clone(),
        seed,
        shuffle: args.run.shuffle,
        started,
        suite: &suite,
        report: &report,
        capabilities: &capabilities,
        folders: &args.suite.folders,
        digests: files.iter().map(FileDigestInput::digest).collect(),
        known: &known,
        allowed: args.safety.allowed(),
        card: card.as_ref(),
    })?;
    if let Some(why) = played.stopped {
        eprintln!("cardlab: stopped: {why}; {} of {count} cases were played", report.outcomes.len());
        return Ok(ExitCode::from(crate::COULD_NOT_RUN));
    }
    if report.exit_code() == crate::COULD_NOT_RUN {
        eprintln!("cardlab: nothing ran on this card: the table says why for each case");
    }
    let code = exceptions::judge(&args.exceptions, &known.exceptions, &report, args.json)?;
    Ok(ExitCode::from(code))
}

/// Plays the cases on a card that is there to stay.
fn on_card(
    args: &Args,
    suite: &Suite,
    cases: Vec<&Case>,
    loaded: Option<&card::LoadedCard>,
    recording: &Recording,
) -> anyhow::Result<run::Played> {
    let (values, guard) = match loaded {
        Some(loaded) => (loaded.card.values(&suite.values, &loaded.secrets)?, loaded.card.guard(&loaded.secrets)?),
        None => (Variables::new(), None),
    };
    let mut target = TransportTarget::fixed(recording.around(args.target.connect()?));
    args.safety.confirm()?;
    let aid = suite.values.get("aid").map_or(&[][..], |aid| aid);
    let capabilities = capabilities::probe(&mut target, loaded.map(|loaded| &loaded.card), aid);
    if !args.json {
        output::line(capabilities::lines(&capabilities))?;
    }
    let stand_in = args.safety.has_stand_in().then(|| run::built_in(&run::BuiltIn { preset: None, seed: SEED }));
    let resident = Resident {
        suite,
        card: loaded.map(|loaded| &loaded.card),
        values,
        capabilities,
        allowed: args.safety.allowed(),
        guard,
    };
    run::on_resident(resident, cases, &args.run, &mut target, stand_in)
}

fn summary<'r>(report: &'r Report, target: String, seed: Option<u64>, known: &Exceptions) -> Summary<'r> {
    let cases = report.outcomes.iter().map(|outcome| Row {
        id: &outcome.case,
        title: &outcome.title,
        verdict: outcome.verdict.word(),
        reason: outcome.verdict.reason(),
        simulated: outcome.simulated.as_deref(),
    });
    let cases = cases.collect();
    let (passed, failed, skipped) = (report.passed(), report.failed(), report.skipped());
    let (simulated, exceptions) = (report.simulated(), known.sort(report.verdicts()));
    Summary { target, seed, passed, failed, skipped, simulated, capabilities: &[], exceptions, cases }
}
