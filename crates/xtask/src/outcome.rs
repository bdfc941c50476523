//! What came of the steps.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::steps::Step;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// What a step came to: its counts where it runs tests, and what to say where it failed.
pub(crate) type StepResult = Result<Counts, Failure>;

/// A step that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The tests that it ran; `failed` is at least one.
    pub(crate) counts: Counts,
    /// What is wrong, unless the step's own output says it.
    pub(crate) reason: String,
}

impl Failure {
    /// A step without tests that failed.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { counts: Counts { failed: 1, ..Counts::default() }, reason: reason.into() }
    }
}

/// The steps that were run.
#[derive(Default)]
pub(crate) struct Outcomes {
    done: Vec<(&'static str, Duration, bool)>,
    counts: Counts,
}

impl Outcomes {
    pub(crate) fn heading(&self, text: &str) {
        println!("\n== {text} ==");
    }

    pub(crate) fn run(&mut self, step: &Step, root: &Path) {
        self.heading(&format!("{}: {}", step.name, step.what));
        let begin = Instant::now();
        let result = (step.run)(root);
        let passed = result.is_ok();
        let counts = result.unwrap_or_else(|failure| {
            println!("FAILED: {}: {}", step.name, failure.reason);
            failure.counts
        });
        self.counts.passed += counts.passed;
        self.counts.failed += counts.failed;
        self.counts.skipped += counts.skipped;
        self.done.push((step.name, begin.elapsed(), passed));
    }

    /// Prints the table and the last line.
    pub(crate) fn report(&self) -> ExitCode {
        self.heading("summary");
        for (name, time, passed) in &self.done {
            println!("{:<12} {} ({:.1} s)", name, if *passed { "ok" } else { "FAILED" }, time.as_secs_f64());
        }
        let Counts { passed, failed, skipped } = self.counts;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if failed == 0 && self.done.iter().all(|(_, _, passed)| *passed) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
