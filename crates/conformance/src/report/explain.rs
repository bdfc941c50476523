//! Exchanges in words: the command named, its parameters said, data objects unfolded, the status explained.
//!
//! Works on the redacted hexadecimal of a record. Whatever is hidden, broken or unknown is shown as it is.

mod hidden;
mod params;
mod tree;

use card_wire::{Class, Command, Ins, Status};
use serde::Serialize;

use crate::record::{ExchangeRecord, Part};
use hidden::Bytes;
pub use tree::Node;

/// An exchange in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Its place in the case, from 1.
    pub number: usize,
    /// `setup`, `case` or `teardown`.
    pub part: &'static str,
    /// Name of the command; `reset` for a reset.
    pub name: String,
    /// What the parameters ask for.
    pub parameters: String,
    /// The command in hexadecimal with spaces; nothing for a reset.
    pub command: Option<String>,
    /// The data objects that were sent.
    pub sent: Vec<Node>,
    /// The answer's data, or the ATR, in hexadecimal with spaces.
    pub answer: Option<String>,
    /// Length of the answer's data in bytes.
    pub answer_len: usize,
    /// The data objects that came.
    pub came: Vec<Node>,
    /// The status word as four digits.
    pub status: Option<String>,
    /// What the status word means, or why there is none.
    pub meaning: String,
    /// How long the answer took, where the case asks for it.
    pub time: Option<String>,
}

/// The exchanges of one case in words.
#[must_use]
pub fn explain(exchanges: &[ExchangeRecord]) -> Vec<Explained> {
    let mut explainer = Explainer::default();
    exchanges.iter().map(|exchange| explainer.explain(exchange)).collect()
}

/// Explains exchanges of one card as they come: remembers chains and answers in parts, and nothing else.
#[derive(Default)]
pub struct Explainer {
    pending: Pending,
    count: usize,
}

impl Explainer {
    /// The next exchange in words.
    pub fn explain(&mut self, exchange: &ExchangeRecord) -> Explained {
        self.count += 1;
        one(self.count, exchange, &mut self.pending)
    }
}

impl std::fmt::Debug for Explainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explainer").field("count", &self.count).finish_non_exhaustive()
    }
}

/// The exchanges of one case as text, for people.
#[must_use]
pub fn text(exchanges: &[ExchangeRecord]) -> String {
    let mut text = String::new();
    let mut line = |indent: usize, content: &str| {
        text.extend(std::iter::repeat_n(' ', indent));
        text.push_str(content);
        text.push('\n');
    };
    for exchange in explain(exchanges) {
        let about = if exchange.parameters.is_empty() { String::new() } else { format!(": {}", exchange.parameters) };
        line(0, &format!("{}. {} [{}]{about}", exchange.number, exchange.name, exchange.part));
        if let Some(command) = &exchange.command {
            line(3, &format!("> {command}"));
        }
        exchange.sent.iter().for_each(|node| line(5 + 2 * node.depth, &node.line()));
        if let Some(answer) = exchange.answer.as_ref().filter(|answer| !answer.is_empty()) {
            line(3, &format!("< {answer}"));
        }
        exchange.came.iter().for_each(|node| line(5 + 2 * node.depth, &node.line()));
        let status = exchange.status.map(|status| format!("{status} ")).unwrap_or_default();
        let time = exchange.time.map(|time| format!(" [{time}]")).unwrap_or_default();
        line(3, &format!("= {status}{}{time}", exchange.meaning));
    }
    text
}

/// Name of an instruction as a heading: `SELECT`, `INS 77`.
#[must_use]
pub fn instruction(ins: u8) -> String {
    Ins(ins).to_string()
}

/// What PERFORM SECURITY OPERATION is to do, by P1 and P2: `compute a signature`.
#[must_use]
pub fn operation(p1: u8, p2: u8) -> String {
    params::operation(p1, p2)
}

/// The instruction byte and the status word of an exchange, where both are to be seen.
#[must_use]
pub fn reached(exchange: &ExchangeRecord) -> Option<(u8, u16)> {
    let command = Bytes::parse(exchange.command.as_ref()?)?;
    let (_, status) = Bytes::parse(exchange.answer.as_ref()?)?.split_status()?;
    Some((command.at(1)?, status?))
}

/// The meaning of a status word, without its number.
#[must_use]
pub fn meaning(status: u16) -> String {
    let text = Status(status).to_string();
    let text = text.split_once(" (").map_or(text.as_str(), |(_, text)| text);
    text.strip_suffix(')').unwrap_or(text).to_owned()
}

/// What chained commands and answers in parts have brought so far.
#[derive(Default)]
struct Pending {
    sent: Bytes,
    came: Bytes,
    /// Instruction of the command whose answer comes in parts.
    asked: Option<Ins>,
}

const fn word(part: Part) -> &'static str {
    match part {
        Part::Setup => "setup",
        Part::Case => "case",
        Part::Teardown => "teardown",
    }
}

fn one(number: usize, exchange: &ExchangeRecord, pending: &mut Pending) -> Explained {
    let mut explained = Explained {
        number,
        part: word(exchange.part),
        name: "reset".to_owned(),
        parameters: String::new(),
        command: None,
        sent: Vec::new(),
        answer: None,
        answer_len: 0,
        came: Vec::new(),
        status: None,
        meaning: String::new(),
        time: exchange.micros.map(super::duration),
    };
    match &exchange.command {
        Some(text) => {
            let ins = command(text, &mut explained, pending);
            answer(exchange.answer.as_deref(), ins, &mut explained, pending);
        }
        None => {
            *pending = Pending::default();
            explained.answer = exchange.answer.as_deref().map(spaced);
            explained.meaning =
                if exchange.answer.is_some() { "the card answered with its ATR" } else { "the card did not answer" }
                    .to_owned();
        }
    }
    explained
}

fn spaced(text: &str) -> String {
    Bytes::parse(text).map_or_else(|| text.to_owned(), |bytes| bytes.to_string())
}

fn command(text: &str, explained: &mut Explained, pending: &mut Pending) -> Option<Ins> {
    explained.command = Some(spaced(text));
    explained.name = "command".to_owned();
    let bytes = Bytes::parse(text)?;
    let ins = Ins(bytes.at(1)?);
    explained.name = ins.to_string();
    let filled = bytes.filled();
    let Ok(parsed) = Command::parse(&filled) else {
        explained.parameters = "its length fields do not fit its length".to_owned();
        return Some(ins);
    };
    let start = if parsed.extended { 7 } else { 5 };
    let data = bytes.slice(start, parsed.data.len());
    explained.parameters = params::say(&parsed, &data);
    let chained = parsed.cla.unchained() != parsed.cla;
    pending.sent.append(&data);
    if !chained {
        let whole = std::mem::take(&mut pending.sent);
        let context = tree::Context::sent(ins);
        explained.sent = tree::unfold(&whole, context);
    }
    if ins != Ins::GET_RESPONSE {
        pending.came = Bytes::default();
        pending.asked = Some(ins);
    }
    Some(ins)
}

fn answer(text: Option<&str>, ins: Option<Ins>, explained: &mut Explained, pending: &mut Pending) {
    let Some(text) = text else {
        explained.meaning = "no answer".to_owned();
        return;
    };
    let Some((data, status)) = Bytes::parse(text).and_then(|bytes| bytes.split_status()) else {
        explained.answer = Some(spaced(text));
        explained.meaning = "no status word".to_owned();
        return;
    };
    explained.answer = Some(data.to_string());
    explained.answer_len = data.len();
    match status {
        Some(status) => {
            explained.status = Some(format!("{status:04X}"));
            explained.meaning = meaning(status);
        }
        None => explained.meaning = "the status word is hidden".to_owned(),
    }
    pending.came.append(&data);
    let more = status.is_some_and(|status| Status(status).waiting().is_some());
    if !more {
        let whole = std::mem::take(&mut pending.came);
        if let Some(ins) = pending.asked.or(ins) {
            explained.came = tree::unfold(&whole, tree::Context::came(ins));
        }
    }
}

/// Whether the class byte has bits that a reader wants to be told about.
fn class(class: Class) -> Vec<String> {
    use card_wire::class::ClassKind;
    let ClassKind::Interindustry { channel, secure_messaging, chained } = class.kind() else {
        return vec![format!("proprietary class {:02X}", class.0)];
    };
    let mut words = Vec::new();
    if channel > 0 {
        words.push(format!("channel {channel}"));
    }
    if secure_messaging {
        words.push("secure messaging".to_owned());
    }
    if chained {
        words.push("more of the chain follows".to_owned());
    }
    words
}
