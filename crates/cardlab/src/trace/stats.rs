//! `cardlab trace stats`: what a trace adds up to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use card_conformance::report::{duration, explain};
use card_trace::stats::{Commands, Stats};
use serde::Serialize;

use super::input::Input;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  cardlab trace stats out.trace
  cardlab trace stats --json --reader 0 out.trace
Times of commands are what the card took; medians and the like are right to one part in 128. A card
is at work while it has a command; time in which two are counts once.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The trace; - reads standard input
    file: PathBuf,
    /// One JSON document instead of lines; times in microseconds
    #[arg(long)]
    json: bool,
    /// Only what happened in the reader with this number
    #[arg(long, value_name = "N")]
    reader: Option<u32>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut input = Input::open(&args.file)?;
    let mut stats = Stats::default();
    while let Some(entry) = input.next()? {
        if args.reader.is_none() || args.reader == entry.event.reader {
            stats.add(&entry);
        }
    }
    input.has_reader(args.reader)?;
    if args.json {
        output::line(serde_json::to_string_pretty(&Document::of(&stats, input.trace.cut()))?)?;
    } else {
        lines(&stats, &input)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn words(time: Duration) -> String {
    duration(micros(time))
}

/// So many per mille.
fn share(part: Duration, whole: Duration) -> u128 {
    (part.as_micros() * 1000).checked_div(whole.as_micros()).unwrap_or(0)
}

fn lines(stats: &Stats, input: &Input) -> anyhow::Result<()> {
    let pins = &stats.pins;
    let span = stats.span();
    let percent = |part: Duration| format!("{} %", share(part, span) / 10);
    output::line(format_args!("time             {}", words(span)))?;
    output::line(format_args!("cards at work    {} ({})", words(stats.busy), percent(stats.busy)))?;
    output::line(format_args!("idle             {} ({})", words(stats.idle()), percent(stats.idle())))?;
    if stats.pause.line > 0 {
        output::line(format_args!(
            "longest pause    {}, ended by line {}",
            words(stats.pause.length),
            stats.pause.line
        ))?;
    }
    output::line(format_args!("resets           {}", stats.resets))?;
    output::line(format_args!("transactions     {}", stats.transactions))?;
    output::line(format_args!("failed calls     {}", stats.failed_calls))?;
    let left = pins.fewest_left.map_or_else(String::new, |left| format!(", fewest tries left {left}"));
    output::line(format_args!(
        "PINs and PUKs    {} right, {} wrong, {} refused as blocked{left}",
        pins.right, pins.wrong, pins.blocked
    ))?;
    if stats.all.count > 0 {
        output::line("")?;
        table(stats)?;
        output::line("")?;
        let mut statuses: Vec<_> = stats.statuses.iter().collect();
        statuses.sort_by_key(|(status, count)| (std::cmp::Reverse(**count), **status));
        for (status, count) in statuses {
            output::line(format_args!("{count:8}  {status:04X} {}", explain::meaning(*status)))?;
        }
    }
    input.ending().map_or(Ok(()), |ending| Ok(output::line(ending)?))
}

fn table(stats: &Stats) -> anyhow::Result<()> {
    let kinds = stats.kinds();
    let width = kinds.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max("command".len());
    output::line(format_args!(
        "{:width$} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>6}",
        "command", "count", "bytes out", "bytes in", "time", "median", "95 %", "longest", "share"
    ))?;
    let all = stats.all.times.total();
    let kinds = kinds.into_iter().chain([("all".to_owned(), &stats.all)]);
    for (name, Commands { count, sent, came, times, .. }) in kinds {
        let share = share(times.total(), all);
        output::line(format_args!(
            "{name:width$} {count:8} {sent:10} {came:10} {:>10} {:>10} {:>10} {:>10} {:>4} %",
            words(times.total()),
            words(times.percentile(50)),
            words(times.percentile(95)),
            words(times.longest()),
            share / 10
        ))?;
    }
    Ok(())
}

/// The figures for programs.
#[derive(Serialize)]
struct Document {
    span: u64,
    busy: u64,
    idle: u64,
    longest_pause: u64,
    longest_pause_line: u64,
    resets: u64,
    transactions: u64,
    failed_calls: u64,
    pins_right: u64,
    pins_wrong: u64,
    pins_blocked: u64,
    fewest_tries_left: Option<u8>,
    all: Row,
    commands: Vec<Row>,
    statuses: BTreeMap<String, u64>,
    /// The line in which the trace breaks off.
    cut: Option<u64>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    count: u64,
    bytes_out: u64,
    bytes_in: u64,
    unanswered: u64,
    total: u64,
    median: u64,
    p95: u64,
    max: u64,
    /// Of the time of all commands, from 0 to 1.
    share: f64,
}

impl Row {
    fn of(name: String, commands: &Commands, all: Duration) -> Self {
        let times = &commands.times;
        let total = times.total();
        Self {
            name,
            count: commands.count,
            bytes_out: commands.sent,
            bytes_in: commands.came,
            unanswered: commands.unanswered,
            total: micros(total),
            median: micros(times.percentile(50)),
            p95: micros(times.percentile(95)),
            max: micros(times.longest()),
            share: if all.is_zero() { 0.0 } else { total.as_secs_f64() / all.as_secs_f64() },
        }
    }
}

impl Document {
    fn of(stats: &Stats, cut: Option<u64>) -> Self {
        let all = stats.all.times.total();
        Self {
            span: micros(stats.span()),
            busy: micros(stats.busy),
            idle: micros(stats.idle()),
            longest_pause: micros(stats.pause.length),
            longest_pause_line: stats.pause.line,
            resets: stats.resets,
            transactions: stats.transactions,
            failed_calls: stats.failed_calls,
            pins_right: stats.pins.right,
            pins_wrong: stats.pins.wrong,
            pins_blocked: stats.pins.blocked,
            fewest_tries_left: stats.pins.fewest_left,
            all: Row::of("all".to_owned(), &stats.all, all),
            commands: stats.kinds().into_iter().map(|(name, commands)| Row::of(name, commands, all)).collect(),
            statuses: stats.statuses.iter().map(|(status, count)| (format!("{status:04X}"), *count)).collect(),
            cut,
        }
    }
}
