//! What happened, in words.

use card_conformance::record::{ExchangeRecord, Part};
use card_conformance::report::explain::{Explained, Explainer};
use card_conformance::report::redact::write;
use card_trace::{Entry, Shown, What};
use card_wire::{Atr, Class, Protocol};

/// Names of the results that programs meet.
const RESULTS: &[(u32, &str)] = &[
    (0x8010_0002, "SCARD_E_CANCELLED"),
    (0x8010_0003, "SCARD_E_INVALID_HANDLE"),
    (0x8010_0004, "SCARD_E_INVALID_PARAMETER"),
    (0x8010_0006, "SCARD_E_NO_MEMORY"),
    (0x8010_0008, "SCARD_E_INSUFFICIENT_BUFFER"),
    (0x8010_0009, "SCARD_E_UNKNOWN_READER"),
    (0x8010_000A, "SCARD_E_TIMEOUT"),
    (0x8010_000B, "SCARD_E_SHARING_VIOLATION"),
    (0x8010_000C, "SCARD_E_NO_SMARTCARD"),
    (0x8010_000F, "SCARD_E_PROTO_MISMATCH"),
    (0x8010_0011, "SCARD_E_INVALID_VALUE"),
    (0x8010_0016, "SCARD_E_NOT_TRANSACTED"),
    (0x8010_0017, "SCARD_E_READER_UNAVAILABLE"),
    (0x8010_001D, "SCARD_E_NO_SERVICE"),
    (0x8010_001F, "SCARD_E_UNSUPPORTED_FEATURE"),
    (0x8010_002E, "SCARD_E_NO_READERS_AVAILABLE"),
    (0x8010_0066, "SCARD_W_UNRESPONSIVE_CARD"),
    (0x8010_0067, "SCARD_W_UNPOWERED_CARD"),
    (0x8010_0068, "SCARD_W_RESET_CARD"),
    (0x8010_0069, "SCARD_W_REMOVED_CARD"),
];

/// The command and its answer in words; nothing for other events.
pub(super) fn explain(explainer: &mut Explainer, entry: &Entry) -> Option<Explained> {
    let What::Command(command) = &entry.event.what else { return None };
    let answer = entry.answer.as_ref().and_then(|answer| answer.bytes.as_deref()).map(write);
    let record = ExchangeRecord { part: Part::Case, command: Some(write(command)), answer, micros: None };
    let mut explained = explainer.explain(&record);
    if entry.answer.is_none() {
        "the trace breaks off here".clone_into(&mut explained.meaning);
    }
    Some(explained)
}

/// A reset makes what was begun forgotten.
pub(super) fn reset(explainer: &mut Explainer) {
    explainer.explain(&ExchangeRecord { part: Part::Case, command: None, answer: None, micros: None });
}

/// Name and parameters as one phrase.
pub(super) fn phrase(explained: &Explained) -> String {
    let space = if explained.parameters.is_empty() { "" } else { " " };
    format!("{}{space}{}", explained.name, explained.parameters)
}

/// An event that is no command.
pub(super) fn event(what: &What) -> String {
    match what {
        What::Atr(atr) => format!("ATR {}: {}", spaced(atr), self::atr(atr)),
        What::Mute => "reset: the card stayed mute".to_owned(),
        What::PowerOff => "the card lost its power".to_owned(),
        What::Inserted => "card inserted".to_owned(),
        What::Removed => "card removed".to_owned(),
        What::Replaced => "card replaced by another".to_owned(),
        What::Unplugged => "reader unplugged".to_owned(),
        // What the service itself does has no name of a function.
        What::Call { name, result: 0 } if name.starts_with('(') => name.clone(),
        What::Call { name, result: 0 } => format!("SCard{name}: ok"),
        What::Call { name, result } => {
            let known = RESULTS.iter().find(|(code, _)| code == result).map_or("", |(_, name)| name);
            format!("SCard{name}: {result:08X} {known}").trim_end().to_owned()
        }
        What::Command(_) | What::Answer { .. } => String::new(),
    }
}

/// What an ATR says.
fn atr(bytes: &[u8]) -> String {
    let atr = match Atr::parse(bytes) {
        Ok(atr) => atr,
        Err(error) => return format!("not an answer to reset: {error}"),
    };
    let protocols = [(Protocol::T0, "T=0"), (Protocol::T1, "T=1")];
    let offered: Vec<&str> = protocols.iter().filter(|(p, _)| atr.offers(*p)).map(|(_, name)| *name).collect();
    let offered = if offered.is_empty() { "another protocol".to_owned() } else { offered.join(" and ") };
    let convention = if bytes.first() == Some(&0x3F) { "inverse" } else { "direct" };
    let historical = match atr.historical() {
        [] => "no historical bytes".to_owned(),
        bytes if bytes.len() > 2 && bytes.iter().all(|byte| (0x20..0x7F).contains(byte)) => {
            format!("historical bytes {} (\"{}\")", spaced(bytes), String::from_utf8_lossy(bytes))
        }
        bytes => format!("historical bytes {}", spaced(bytes)),
    };
    format!("{offered}, {convention} convention, {historical}")
}

fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

/// Class and instruction of a command that more of its chain follows, and the same of the last one.
pub(super) fn chain_key(command: &Shown) -> Option<(bool, [u8; 2])> {
    let (class, ins) = (Class((*command.first()?)?), (*command.get(1)?)?);
    Some((class.unchained() != class, [class.unchained().0, ins]))
}
