//! Plays the chosen cases: on the built-in card in parallel, on a card that is there one after the other.

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use card_conformance::record::Capability;
use card_conformance::resident::Resident;
use card_conformance::{
    Case, ForkingTarget, FreshError, Jobs, Outcome, Part, Report, Suite, Target, run_parallel, shuffle,
};
use card_os::Preset;
use card_os::sim::SimCard;
use indicatif::{ProgressBar, ProgressStyle};
use ready_keys::{ReadyRsa, Switch};
use rsa_host::HostRsa;

use crate::target;

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
    /// Why it ended before the last case, if it did.
    pub(super) stopped: Option<String>,
    /// What the card can do; empty for the built-in one.
    pub(super) capabilities: Vec<Capability>,
}

/// The built-in card of a run.
pub(super) struct BuiltIn {
    /// For all cases, instead of each its own.
    pub(super) preset: Option<Preset>,
    pub(super) seed: u64,
}

/// Plays the cases on built-in cards.
pub(super) fn on_built_in(
    suite: &Suite,
    mut cases: Vec<&Case>,
    args: &RunArgs,
    card: &BuiltIn,
) -> anyhow::Result<Played> {
    args.order(&mut cases);
    let progress = progress(cases.len());
    let jobs = args.jobs.map_or_else(Jobs::available, |jobs| Jobs::new(jobs.get())).until(stop_on_signal()?);
    let report = run_parallel(suite, &cases, jobs, || built_in(card), |_| {}, |outcome| step(&progress, outcome));
    progress.finish_and_clear();
    let stopped = interrupted(&report, cases.len());
    Ok(Played { stopped, report, target: BUILT_IN.to_owned(), capabilities: Vec::new() })
}

/// Plays the cases on a card that is there to stay, and on a built-in one what may not be played on it.
pub(super) fn on_resident(
    resident: Resident<'_>,
    mut cases: Vec<&Case>,
    args: &RunArgs,
    target: &mut dyn Target,
    stand_in: Option<Box<dyn Target>>,
) -> anyhow::Result<Played> {
    anyhow::ensure!(args.jobs.is_none(), "--jobs goes with --target sim: one card does one thing at a time");
    args.order(&mut cases);
    let (suite, capabilities) = (resident.suite, resident.capabilities.clone());
    let progress = progress(cases.len());
    let stop = stop_on_signal()?;
    let (mut report, stopped) =
        resident.play(&cases, target, stand_in, || stop.load(Ordering::Relaxed), |outcome| step(&progress, outcome));
    progress.finish_and_clear();
    report.outcomes.sort_by_key(|outcome| suite.cases.iter().position(|case| case.id == outcome.case));
    let stopped = stopped.map(|stop| stop.to_string()).or_else(|| interrupted(&report, cases.len()));
    Ok(Played { stopped, report, target: target.describe(), capabilities })
}

impl RunArgs {
    fn order(&self, cases: &mut [&Case]) {
        if let Some(seed) = self.shuffle {
            shuffle(cases, seed);
        }
    }
}

fn step(progress: &ProgressBar, outcome: &Outcome) {
    progress.set_message(outcome.case.clone());
    progress.inc(1);
}

fn interrupted(report: &Report, count: usize) -> Option<String> {
    (report.outcomes.len() < count).then(|| "interrupted".to_owned())
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
