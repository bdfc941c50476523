//! What a run says: while it goes on, and at its end.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use card_fuzz::foreign::{Confirmed, Ending, Event, Finding, Report};
use card_wire::Ins;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::keep::Keeper;
use crate::output;

/// Commands between two lines where there is no terminal.
const BETWEEN_LINES: u64 = 20_480;

pub(super) struct Progress {
    bar: ProgressBar,
    json: bool,
}

impl Progress {
    pub(super) fn new(commands: Option<u64>, json: bool) -> Self {
        let bar = if std::io::stderr().is_terminal() { bar(commands) } else { ProgressBar::hidden() };
        Self { bar, json }
    }

    pub(super) fn show(&mut self, event: &Event<'_>, keeper: &Keeper) {
        match event {
            Event::Progress(commands, cells) => {
                self.bar.set_position(*commands);
                self.bar.set_message(format!("{cells} pairs reached"));
                if self.bar.is_hidden() && commands.is_multiple_of(BETWEEN_LINES) {
                    eprintln!("{commands} commands, {cells} pairs reached");
                }
            }
            Event::Found(finding) => {
                self.line(&format!("found {}: {}; playing it again", finding.number, finding.breach));
            }
            Event::Reduced(finding) => {
                let file =
                    keeper.path(finding).map_or_else(|| "not kept".to_owned(), |path| path.display().to_string());
                self.line(&format!("found {}: {}, {file}", finding.number, confirmed(finding)));
            }
            Event::LeftOut(ins) => {
                self.line(&format!(
                    "{} ({ins:02X}) ends the card again and again and is left out from now on",
                    Ins(*ins)
                ));
            }
        }
    }

    /// A line above the bar; a machine gets it on standard error.
    fn line(&self, text: &str) {
        self.bar.suspend(|| {
            if self.json {
                eprintln!("{text}");
            } else {
                // A closed pipe must not lose what is found later.
                let _ = output::line(text);
            }
        });
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn bar(commands: Option<u64>) -> ProgressBar {
    let (bar, form) = match commands {
        Some(commands) => (ProgressBar::new(commands), "{bar:30} {pos}/{len} {per_sec} {msg}"),
        None => (ProgressBar::new_spinner(), "{spinner} {pos} {per_sec} {msg}"),
    };
    bar.with_style(ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn confirmed(finding: &Finding) -> String {
    let commands = finding.script.commands();
    match finding.confirmed {
        Confirmed::Yes => format!("comes again with {commands} commands"),
        Confirmed::No => format!("did not come again with the same {commands} commands"),
        Confirmed::NotYet => format!("not played again, {commands} commands"),
    }
}

/// The whole run, for machines.
#[derive(Serialize)]
pub(super) struct Summary {
    target: String,
    seed: u64,
    commands: u64,
    seconds: f64,
    starts: u64,
    ending: String,
    findings: Vec<Found>,
    left_out: Vec<String>,
    pairs: usize,
    coverage: Vec<Cell>,
}

#[derive(Serialize)]
struct Found {
    promise: &'static str,
    ins: Option<String>,
    text: String,
    times: u64,
    after: u64,
    confirmed: Option<bool>,
    commands: usize,
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Cell {
    ins: String,
    status: String,
    count: u64,
}

impl Summary {
    pub(super) fn new(report: &Report, target: String, seed: u64, keeper: &Keeper) -> Self {
        let found = |finding: &Finding| Found {
            promise: finding.breach.promise.word(),
            ins: finding.breach.ins.map(|ins| format!("{ins:02X}")),
            text: finding.breach.text.clone(),
            times: finding.times,
            after: finding.after,
            confirmed: match finding.confirmed {
                Confirmed::Yes => Some(true),
                Confirmed::No => Some(false),
                Confirmed::NotYet => None,
            },
            commands: finding.script.commands(),
            file: keeper.path(finding).map(PathBuf::from),
        };
        let cell = |(ins, status, count)| Cell { ins: format!("{ins:02X}"), status: format!("{status:04X}"), count };
        Self {
            target,
            seed,
            commands: report.commands,
            seconds: report.took.as_secs_f64(),
            starts: report.starts,
            ending: match &report.ending {
                Ending::Done => "done".to_owned(),
                Ending::Stopped => "stopped".to_owned(),
                Ending::CardLost(error) => format!("the card did not come back: {error}"),
            },
            findings: report.findings.iter().map(found).collect(),
            left_out: report.left_out.iter().map(|ins| format!("{ins:02X}")).collect(),
            pairs: report.coverage.len(),
            coverage: report.coverage.cells().map(cell).collect(),
        }
    }

    /// The same in a few lines.
    pub(super) fn text(&self, report: &Report) -> String {
        let mut text = format!("reached: {}\n", report.coverage);
        if !self.left_out.is_empty() {
            let _ = writeln!(text, "left out after they had ended the card too often: {}", self.left_out.join(" "));
        }
        for ((found, number), finding) in self.findings.iter().zip(1..).zip(&report.findings) {
            let file = found.file.as_ref().map_or_else(|| "not kept".to_owned(), |file| file.display().to_string());
            let ins = found.ins.as_deref().unwrap_or("reset");
            let _ = writeln!(
                text,
                "{number}. {} on {ins}, {} times: {}\n   {}: {file}",
                found.promise,
                found.times,
                found.text,
                confirmed(finding)
            );
        }
        let rate =
            (u128::from(self.commands) * 1000).checked_div(report.took.max(Duration::from_millis(1)).as_millis());
        let _ = write!(
            text,
            "{}: {} commands, {} a second, card started {} times, seed {}: {} found",
            self.ending,
            self.commands,
            rate.unwrap_or(0),
            self.starts,
            self.seed,
            if self.findings.is_empty() { "nothing".to_owned() } else { self.findings.len().to_string() },
        );
        text
    }
}
