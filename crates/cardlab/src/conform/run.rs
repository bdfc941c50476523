//! Plays the chosen cases: on the built-in card in parallel, on a card that is there one after the other.

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use card_conformance::{
    Case, ForkingTarget, FreshError, Jobs, Part, Report, Suite, Target, TransportTarget, run_parallel, run_suite,
    shuffle,
};
use card_os::Preset;
use card_os::sim::SimCard;
use indicatif::{ProgressBar, ProgressStyle};
use ready_keys::{ReadyRsa, Switch};
use rsa_host::HostRsa;

use crate::target::{self, Kind, TargetArgs};

/// What the built-in card is called in reports.
const BUILT_IN: &str = "in-process card";

#[derive(clap::Args)]
pub(super) struct RunArgs {
    /// So many cases at once, on the built-in card; otherwise as many as the machine runs at once
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Play the cases in an order that this number decides; what comes out stays in the order of the suite
    #[arg(long, value_name = "SEED")]
    pub(super) shuffle: Option<u64>,
}

/// What came of a run.
pub(super) struct Played {
    pub(super) report: Report,
    /// What it was played on.
    pub(super) target: String,
    /// It was stopped before the last case.
    pub(super) stopped: bool,
}

/// The built-in card of a run.
pub(super) struct BuiltIn {
    /// For all cases, instead of each its own.
    pub(super) preset: Option<Preset>,
    pub(super) seed: u64,
}

/// Plays the cases on what the options name.
pub(super) fn play(
    suite: &Suite,
    mut cases: Vec<&Case>,
    args: &RunArgs,
    target: &TargetArgs,
    card: &BuiltIn,
) -> anyhow::Result<Played> {
    let is_built_in = target.target == Kind::Sim;
    anyhow::ensure!(
        is_built_in || args.jobs.is_none(),
        "--jobs goes with --target sim: one card does one thing at a time"
    );
    if let Some(seed) = args.shuffle {
        shuffle(&mut cases, seed);
    }
    let count = cases.len();
    let progress = progress(count);
    let (report, target) = if is_built_in {
        let jobs = args.jobs.map_or_else(Jobs::available, |jobs| Jobs::new(jobs.get())).until(stop_on_signal()?);
        let report = run_parallel(
            suite,
            &cases,
            jobs,
            || built_in(card),
            |_| {},
            |outcome| {
                progress.set_message(outcome.case.clone());
                progress.inc(1);
            },
        );
        (report, BUILT_IN.to_owned())
    } else {
        let mut target = TransportTarget::fixed(target.connect()?);
        let mut report = run_suite(suite, cases, &mut target, |outcome| {
            progress.set_message(outcome.case.clone());
            progress.inc(1);
        });
        if args.shuffle.is_some() {
            report.outcomes.sort_by_key(|outcome| suite.cases.iter().position(|case| case.id == outcome.case));
        }
        (report, target.describe())
    };
    progress.finish_and_clear();
    let stopped = report.outcomes.len() < count;
    Ok(Played { report, target, stopped })
}

/// Whether Ctrl-C was pressed. No case is begun after the first time; the second ends the program.
fn stop_on_signal() -> anyhow::Result<&'static AtomicBool> {
    static STOP: AtomicBool = AtomicBool::new(false);
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(&STOP)
}

fn progress(count: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}");
    ProgressBar::new(count as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The built-in card, forked from one that was prepared, with ready keys but where keys are what the case is about.
pub(super) fn built_in(card: &BuiltIn) -> Box<dyn Target> {
    let switch = Switch::default();
    let (preset, seed) = (card.preset.clone(), card.seed);
    let rsa = ReadyRsa::switched(HostRsa, switch.clone());
    let make = move |name: &str| {
        let preset = match &preset {
            Some(preset) => preset.clone(),
            None => target::preset(name).map_err(|error| FreshError::failed(format!("{error:#}")))?,
        };
        SimCard::from_seed(&preset, seed, rsa.clone()).map_err(FreshError::failed)
    };
    let target = ForkingTarget::new(make, SimCard::fork);
    Box::new(target.on_part(move |case, part| switch.compute(part == Part::Steps && case.is_about_generation())))
}
