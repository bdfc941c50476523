//! `cardlab conform --against`, `--golden` and `record`: a card beside another, or beside what it once answered.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use card_conformance::compare::{Comparison, Differential, Likeness};
use card_conformance::golden::{self, Golden};
use card_conformance::resident::{Decision, Resident};
use card_conformance::safety::Allowed;
use card_conformance::template::Variables;
use card_conformance::{Case, Player, Suite, Target, TransportTarget};
use clap::ValueEnum;
use serde::Serialize;

use super::SEED;
use super::run::{BuiltIn, built_in};
use super::suite::SuiteArgs;
use crate::output;
use crate::target::{self, Kind, TargetArgs};

/// Seed of the built-in card where it is compared with itself: only what does not depend on it is alike.
const OTHER_SEED: u64 = 2;

/// What a card is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Against {
    /// The built-in card of the preset that each case is about
    Sim,
}

/// Options that say nothing here: comparisons only read.
const OF_RUNS: [&str; 5] = ["card", "write", "spend_tries", "destructive", "own_card"];

#[derive(clap::Args)]
pub(crate) struct CompareArgs {
    /// Play each case to this card too and tell where the target first answers otherwise
    #[arg(long, value_enum, conflicts_with = "golden", conflicts_with_all = OF_RUNS)]
    against: Option<Against>,
    /// Tell where the target first answers otherwise than it is in this file, which `record` wrote
    #[arg(long, value_name = "FILE", conflicts_with_all = OF_RUNS)]
    golden: Option<PathBuf>,
}

impl CompareArgs {
    pub(super) fn is_wanted(&self) -> bool {
        self.against.is_some() || self.golden.is_some()
    }
}

#[derive(clap::Args)]
#[command(
    after_help = "PINs and keys are hidden in the file. `cardlab conform --golden FILE` compares a card with it."
)]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    suite: SuiteArgs,
    /// Only the cases whose id contains this; `*` stands for any characters
    #[arg(long, value_name = "PATTERN", default_value = "")]
    case: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    golden: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    overwrite: bool,
}

/// What came out, for machines.
#[derive(Serialize)]
struct Document {
    alike: usize,
    different: usize,
    not_compared: usize,
    cases: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
    result: &'static str,
    exchanges_alike: usize,
    what: Option<String>,
}

pub(super) fn run(
    args: &CompareArgs,
    place: &TargetArgs,
    suite: &Suite,
    cases: &[&Case],
    json: bool,
) -> anyhow::Result<ExitCode> {
    let (mut played, mut refused) = (Vec::new(), Vec::new());
    for case in cases {
        match refusal(place, suite, case) {
            None => played.push(*case),
            Some(why) => refused.push((*case, why)),
        }
    }
    let mut comparisons = match &args.golden {
        Some(path) => with_golden(path, place, suite, &played)?,
        None => with_built_in(place, suite, &played)?,
    };
    comparisons.extend(refused.into_iter().map(|(case, why)| Comparison {
        case: case.id.clone(),
        title: case.title.clone(),
        alike: 0,
        likeness: Likeness::NotCompared(why),
    }));
    let count = |wanted: fn(&Likeness) -> bool| comparisons.iter().filter(|one| wanted(&one.likeness)).count();
    let different = count(|likeness| matches!(likeness, Likeness::Diverged(_)));
    let not_compared = count(|likeness| matches!(likeness, Likeness::NotCompared(_)));
    let alike = comparisons.len() - different - not_compared;
    if json {
        let cases = comparisons.iter().map(row).collect();
        let document = Document { alike, different, not_compared, cases };
        output::line(serde_json::to_string_pretty(&document)?)?;
    } else {
        let told = comparisons.iter().filter(|one| one.likeness != Likeness::Same);
        told.map(output::line).collect::<Result<Vec<()>, _>>()?;
        output::line(format_args!("{alike} alike, {different} different, {not_compared} not compared"))?;
    }
    anyhow::ensure!(alike + different > 0, "nothing was compared");
    Ok(ExitCode::from(u8::from(different > 0)))
}

/// On a card that is not the built-in one only what costs nothing, even on a wrong card: otherwise why not.
fn refusal(place: &TargetArgs, suite: &Suite, case: &Case) -> Option<String> {
    if place.target == Kind::Sim {
        return None;
    }
    let resident = Resident {
        suite,
        card: None,
        values: Variables::new(),
        capabilities: Vec::new(),
        allowed: Allowed::default(),
        guard: None,
    };
    match resident.decide(case) {
        Decision::Play(_) => None,
        Decision::NotApplicable(why) => Some(why),
        Decision::Elsewhere(why) => Some(format!("refused: on somebody's card comparisons only read; {why}")),
    }
}

fn row(comparison: &Comparison) -> Row {
    let (result, what) = match &comparison.likeness {
        Likeness::Same => ("same", None),
        Likeness::SameFailure(why) => ("same", Some(format!("both fail: {why}"))),
        Likeness::Diverged(divergence) => ("different", Some(divergence.to_string())),
        Likeness::NotCompared(why) => ("not compared", Some(why.clone())),
    };
    let (id, title) = (comparison.case.clone(), comparison.title.clone());
    Row { id, title, result, exchanges_alike: comparison.alike, what }
}

/// The card of the options, and the seed that is its own unless another is asked for.
fn card(place: &TargetArgs, seed: u64) -> anyhow::Result<Box<dyn Target>> {
    let preset = place.preset.as_deref().map(target::preset).transpose()?;
    if place.target == Kind::Sim {
        return Ok(built_in(&BuiltIn { preset, seed: place.seed.unwrap_or(seed) }));
    }
    Ok(Box::new(TransportTarget::fixed(place.connect()?)))
}

fn with_built_in(place: &TargetArgs, suite: &Suite, cases: &[&Case]) -> anyhow::Result<Vec<Comparison>> {
    let (mut reference, mut target) = (built_in(&BuiltIn { preset: None, seed: SEED }), card(place, OTHER_SEED)?);
    let mut differential = Differential::new(suite);
    differential.secrets = golden::secrets(&suite.values);
    Ok(cases.iter().map(|case| differential.play(case, reference.as_mut(), target.as_mut())).collect())
}

fn with_golden(path: &Path, place: &TargetArgs, suite: &Suite, cases: &[&Case]) -> anyhow::Result<Vec<Comparison>> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let golden = Golden::read(&text).with_context(|| name.to_string())?;
    golden.fits(suite, place.preset.as_deref()).with_context(|| name.to_string())?;
    let mut target = card(place, OTHER_SEED)?;
    let first = cases.first().map(|case| case.preset.as_str());
    let (now, then) = (atr(target.as_mut(), first), golden.atr.as_ref());
    if let (Some(now), Some(then)) = (&now, then)
        && now != then
    {
        eprintln!("cardlab: the ATR is {}, it was {}", hex::encode_upper(now), hex::encode_upper(then));
    }
    let kept: std::collections::BTreeSet<&str> = golden.cases().collect();
    let (cases, new): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| kept.contains(case.id.as_str()));
    if !new.is_empty() {
        eprintln!("cardlab: {} of these cases are not in {name}; `record` keeps them", new.len());
    }
    let (mut player, secrets) = (Player::new(suite), golden::secrets(&suite.values));
    let compare = |case: &Case| {
        let outcome = player.play(case, target.as_mut());
        golden.compare(suite, case, &outcome, &secrets)
    };
    cases.into_iter().map(compare).collect::<Result<_, _>>().with_context(|| name.to_string())
}

pub(super) fn record(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    args.target.check()?;
    let name = args.golden.display();
    anyhow::ensure!(args.overwrite || !args.golden.exists(), "{name} is there already; --overwrite writes over it");
    let suite = args.suite.load()?.suite;
    let preset = args.target.preset.as_deref();
    let cases: Vec<&Case> = suite.select(&args.case, preset).collect();
    let cases: Vec<&Case> = cases.into_iter().filter(|case| refusal(&args.target, &suite, case).is_none()).collect();
    let first = cases
        .first()
        .context("no case fits, or none that only reads, which is all that is played on somebody's card")?;
    let mut target = card(&args.target, SEED)?;
    let program = concat!("cardlab ", env!("CARGO_PKG_VERSION"));
    let mut golden = Golden::new(program, atr(target.as_mut(), Some(&first.preset)), preset);
    let (mut player, secrets) = (Player::new(&suite), golden::secrets(&suite.values));
    for case in &cases {
        golden.record(case, &player.play(case, target.as_mut()), &secrets);
    }
    let kept = golden.cases().count();
    anyhow::ensure!(kept > 0, "nothing ran: every case needs a card that can be made anew; nothing was written");
    write(args, &golden.to_string()).with_context(|| format!("cannot write {name}"))?;
    output::line(format_args!("{kept} of {} cases kept in {name}", cases.len()))?;
    if args.target.target != Kind::Sim {
        eprintln!("cardlab: read the file before you give it away: what is secret is hidden as far as it is known");
    }
    Ok(ExitCode::SUCCESS)
}

fn write(args: &RecordArgs, text: &str) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true);
    // Not written over, even if it came into being since we looked.
    if args.overwrite {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(&args.golden)?.write_all(text.as_bytes())
}

/// The ATR of the card, or of a fresh one.
fn atr(target: &mut dyn Target, preset: Option<&str>) -> Option<Vec<u8>> {
    // Where no fresh card can be had, the one that is there is meant.
    let _ = target.fresh(preset?);
    target.reset().ok()
}
