//! `cardlab trace show`: a trace decoded, for people and for programs.

use std::collections::BTreeMap;
use std::io::{BufWriter, IsTerminal as _, StdoutLock, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use card_conformance::report::duration;
use card_conformance::report::explain::{Explained, Explainer, Node};
use card_trace::{Entry, What};
use serde::Serialize;

use super::input::Input;
use super::words;

/// A chain with more parts is shown part by part.
const MOST_PARTS: usize = 2000;

const EXAMPLES: &str = "\
Examples:
  cardlab trace show out.trace | less
  cardlab trace show --no-data --reader 0 out.trace    one line a command
  cardlab run --trace >(cardlab trace show -) -- ./my-driver-tests
Seconds since the beginning, seconds since what came before, reader and handle, and what happened.
A chain of commands is one entry, at the time of its first. What a killed program has left is shown
as far as it goes. Exit codes: 0 shown, 2 no trace, or broken in the middle.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The trace; - reads standard input
    file: PathBuf,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
    /// Only what happened in the reader with this number
    #[arg(long, value_name = "N")]
    reader: Option<u32>,
    /// One line a command: no bytes, no data objects
    #[arg(long)]
    no_data: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut input = Input::open(&args.file)?;
    let is_watched = std::io::stdout().is_terminal();
    let mut out = Out { file: BufWriter::new(std::io::stdout().lock()), args, told: 0, count: 0, is_watched };
    if args.json {
        write!(out.file, "{{\"entries\": [")?;
    }
    let outcome = all(&mut input, &mut out);
    // What could be read is shown, whatever comes then.
    if args.json {
        let cut = serde_json::to_string(&input.trace.cut())?;
        writeln!(out.file, "\n], \"cut\": {cut}}}")?;
    } else if let Some(ending) = input.ending() {
        writeln!(out.file, "# {ending}")?;
    }
    out.file.flush()?;
    outcome?;
    input.has_reader(args.reader)?;
    Ok(ExitCode::SUCCESS)
}

fn all(input: &mut Input, out: &mut Out<'_>) -> anyhow::Result<()> {
    let mut lanes: BTreeMap<Option<u32>, Lane> = BTreeMap::new();
    let mut last = None;
    while let Some(entry) = input.next()? {
        let readers: Vec<String> = input
            .trace
            .readers()
            .skip(out.told)
            .map(|(number, name)| format!("# reader {number}: {}", card_trace::escape(name)))
            .collect();
        out.told += readers.len();
        if !out.args.json {
            readers.iter().try_for_each(|line| writeln!(out.file, "{line}"))?;
        }
        if out.args.reader.is_some() && entry.event.reader != out.args.reader {
            continue;
        }
        let delta = entry.event.at.saturating_sub(last.unwrap_or(entry.event.at));
        last = Some(entry.answer.as_ref().map_or(entry.event.at, |answer| answer.at));
        let lane = lanes.entry(entry.event.reader).or_default();
        for item in lane.take(entry, delta) {
            out.put(&item)?;
        }
    }
    lanes.into_values().flat_map(|lane| lane.parts).try_for_each(|item| out.put(&item))
}

/// Something to be shown: an event, a command, or a chain of them.
struct Item {
    entry: Entry,
    delta: Duration,
    explained: Option<Explained>,
    /// Line of the first part, number of parts, bytes of all their data; of a chain.
    chain: Option<(u64, usize, usize)>,
    /// Time that the parts took together.
    took: Option<Duration>,
}

/// What is remembered of one reader.
#[derive(Default)]
struct Lane {
    explainer: Explainer,
    /// Parts of a chain that is not complete.
    parts: Vec<Item>,
}

impl Lane {
    /// What can be shown now.
    fn take(&mut self, entry: Entry, delta: Duration) -> Vec<Item> {
        let explained = words::explain(&mut self.explainer, &entry);
        let took = entry.answer.as_ref().map(|answer| answer.took);
        let item = Item { entry, delta, explained, chain: None, took };
        let What::Command(command) = &item.entry.event.what else {
            if item.entry.event.what.is_reset() {
                words::reset(&mut self.explainer);
            }
            // A call of another program in the middle of a chain does not end it.
            let shown = if matches!(item.entry.event.what, What::Call { .. }) { Vec::new() } else { self.broken() };
            return shown.into_iter().chain([item]).collect();
        };
        let key = words::chain_key(command);
        let open = self.parts.first().and_then(|part| match &part.entry.event.what {
            What::Command(command) => words::chain_key(command).map(|(_, key)| key),
            _ => None,
        });
        let is_part = key.is_some_and(|(chained, _)| chained);
        let fits = open.is_none() || open == key.map(|(_, key)| key);
        match (fits, is_part, self.parts.is_empty()) {
            (true, true, _) if self.parts.len() < MOST_PARTS => {
                self.parts.push(item);
                Vec::new()
            }
            (true, false, false) => vec![self.complete(item)],
            _ => self.broken().into_iter().chain([item]).collect(),
        }
    }

    /// The parts by themselves: their chain is not completed.
    fn broken(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.parts)
    }

    /// The whole chain as one.
    fn complete(&mut self, last: Item) -> Item {
        let parts = std::mem::take(&mut self.parts);
        let Some(first) = parts.first() else { return last };
        let data = |item: &Item| match &item.entry.event.what {
            What::Command(command) => data_len(command),
            _ => 0,
        };
        let bytes = parts.iter().map(data).sum::<usize>() + data(&last);
        let took = parts.iter().filter_map(|part| part.took).chain(last.took).sum();
        let chain = Some((first.entry.line, parts.len() + 1, bytes));
        let (delta, at) = (first.delta, first.entry.event.at);
        let mut item = Item { delta, chain, took: Some(took), ..last };
        item.entry.event.at = at;
        item
    }
}

fn data_len(command: &card_trace::Shown) -> usize {
    let filled: Vec<u8> = command.iter().map(|byte| byte.unwrap_or(0)).collect();
    card_wire::Command::parse(&filled).map_or(0, |command| command.data.len())
}

/// Where it goes.
struct Out<'a> {
    file: BufWriter<StdoutLock<'static>>,
    args: &'a Args,
    /// Readers that have been named.
    told: usize,
    /// Entries that have been written.
    count: usize,
    /// It goes to a terminal.
    is_watched: bool,
}

/// An entry for programs.
#[derive(Serialize)]
struct Document<'a> {
    line: u64,
    seconds: f64,
    delta: f64,
    reader: Option<u32>,
    handle: Option<u32>,
    /// `command`, or what else happened.
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<Exchange<'a>>,
}

#[derive(Serialize)]
struct Exchange<'a> {
    name: &'a str,
    parameters: &'a str,
    /// How many commands the chain has, and the line of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<(usize, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Node]>::is_empty")]
    sent: &'a [Node],
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Node]>::is_empty")]
    came: &'a [Node],
    status: Option<&'a str>,
    meaning: &'a str,
    micros: Option<u128>,
}

impl Out<'_> {
    /// Writes an entry; at once where somebody looks on.
    fn put(&mut self, item: &Item) -> anyhow::Result<()> {
        self.write(item)?;
        if self.is_watched {
            self.file.flush()?;
        }
        Ok(())
    }

    fn write(&mut self, item: &Item) -> anyhow::Result<()> {
        self.count += 1;
        if self.args.json {
            let comma = if self.count == 1 { "\n" } else { ",\n" };
            write!(self.file, "{comma}{}", serde_json::to_string(&self.document(item))?)?;
            return Ok(());
        }
        let event = &item.entry.event;
        let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let head = format!(
            "{:12.6} {:+10.6} {}/{}",
            event.at.as_secs_f64(),
            item.delta.as_secs_f64(),
            number(event.reader),
            number(event.handle)
        );
        match &item.explained {
            None => writeln!(self.file, "{head}  {}", words::event(&event.what))?,
            Some(explained) => self.exchange(&head, item, explained)?,
        }
        Ok(())
    }

    fn exchange(&mut self, head: &str, item: &Item, explained: &Explained) -> std::io::Result<()> {
        let micros = item.took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let time = micros.map(|micros| format!(" [{}]", duration(micros))).unwrap_or_default();
        let status = explained.status.as_ref().map(|status| format!("{status} ")).unwrap_or_default();
        let result = format!("= {status}{}{time}", explained.meaning);
        let chain = item.chain.map(|(line, count, bytes)| {
            format!("chain of {count} commands with {bytes} bytes of data (lines {line} to {})", item.entry.line)
        });
        let phrase = words::phrase(explained);
        if self.args.no_data {
            let chain = chain.map(|chain| format!(", {chain}")).unwrap_or_default();
            return writeln!(self.file, "{head}  {phrase}{chain} {result}");
        }
        writeln!(self.file, "{head}  {phrase}")?;
        match (chain, &explained.command) {
            (Some(chain), _) => writeln!(self.file, "      > {chain}")?,
            (None, Some(command)) => writeln!(self.file, "      > {command}")?,
            (None, None) => {}
        }
        self.tree(&explained.sent)?;
        if let Some(answer) = explained.answer.as_ref().filter(|answer| !answer.is_empty()) {
            writeln!(self.file, "      < {answer}")?;
        }
        self.tree(&explained.came)?;
        writeln!(self.file, "      {result}")
    }

    fn tree(&mut self, nodes: &[Node]) -> std::io::Result<()> {
        nodes.iter().try_for_each(|node| writeln!(self.file, "{:1$}{2}", "", 8 + 2 * node.depth, node.line()))
    }

    fn document<'i>(&self, item: &'i Item) -> Document<'i> {
        let event = &item.entry.event;
        let exchange = item.explained.as_ref().map(|explained| {
            let data = |text: &'i Option<String>| text.as_deref().filter(|_| !self.args.no_data);
            Exchange {
                name: &explained.name,
                parameters: &explained.parameters,
                chain: item.chain.map(|(line, count, _)| (count, line)),
                command: data(&explained.command),
                sent: if self.args.no_data { &[] } else { &explained.sent },
                answer: data(&explained.answer),
                came: if self.args.no_data { &[] } else { &explained.came },
                status: explained.status.as_deref(),
                meaning: &explained.meaning,
                micros: item.took.map(|took| took.as_micros()),
            }
        });
        let what = if exchange.is_some() { "command".to_owned() } else { words::event(&event.what) };
        Document {
            line: item.entry.line,
            seconds: event.at.as_secs_f64(),
            delta: item.delta.as_secs_f64(),
            reader: event.reader,
            handle: event.handle,
            what,
            exchange,
        }
    }
}
