//! What must not enter a record: PINs and keys, by the field that they stand in and by their bytes.
//!
//! [`Secrets::redact`] takes the exchanges of one case at once, because a secret can be split over commands of which the
//! first looks harmless until the second is there. Header and length fields of a command stay, so that it can be named.
//! A doubtful field is hidden.

mod fields;
mod hunt;

use zeroize::Zeroizing;

use crate::record::{ExchangeRecord, Part, RunRecord};

/// What stands for a redacted byte.
pub const HIDDEN: &str = "··";

/// Secrets shorter than this are found by their field only: their bytes occur everywhere by chance.
pub const SHORTEST: usize = 4;

/// An exchange as it was on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct RawExchange {
    /// Where it belongs.
    pub part: Part,
    /// The command; nothing for a reset.
    pub command: Option<Vec<u8>>,
    /// The answer with its status word, or the ATR; nothing where none came.
    pub answer: Option<Vec<u8>>,
    /// How long the answer took, in microseconds, where the case asks for it.
    pub micros: Option<u64>,
    /// The current file holds a key: what is written to it and read from it is hidden.
    pub key_file: bool,
}

impl std::fmt::Debug for RawExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawExchange(…)")
    }
}

/// Byte strings that must not be seen anywhere.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Zeroizing<Vec<u8>>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// PINs, PUKs and keys as the card gets them, without padding.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let secrets = secrets.into_iter().map(Zeroizing::new);
        Self(secrets.filter(|secret| secret.len() >= SHORTEST).collect())
    }

    /// The exchanges of one case as they may be shown.
    #[must_use]
    pub fn redact(&self, exchanges: &[RawExchange]) -> Vec<ExchangeRecord> {
        let mut masks: Vec<Mask> = exchanges.iter().map(Mask::of).collect();
        fields::hide(exchanges, &mut masks);
        hunt::hide(exchanges, &mut masks, &self.0);
        let shown = |bytes: &Option<Vec<u8>>, mask: &[bool]| bytes.as_ref().map(|bytes| text(bytes, mask));
        let records = exchanges.iter().zip(&masks).map(|(exchange, mask)| ExchangeRecord {
            part: exchange.part,
            command: shown(&exchange.command, &mask.command),
            answer: shown(&exchange.answer, &mask.answer),
            micros: exchange.micros,
        });
        records.collect()
    }

    /// A text without the secrets, neither in hexadecimal nor as characters: for the reason of a failure, which tells
    /// what came.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        hunt::text(text, &self.0)
    }

    /// Takes the secrets out of all that is free text in a record: a second line of defence behind
    /// [`Secrets::redact`]. Ids, digests and times stay.
    pub fn sweep(&self, record: &mut RunRecord) {
        let run = &mut record.run;
        let options = [&mut run.reader, &mut run.atr, &mut run.serial, &mut run.operator].into_iter().flatten();
        let texts = [&mut run.target, &mut run.again].into_iter().chain(&mut run.allowed).chain(options);
        let texts = texts.chain(record.capabilities.iter_mut().map(|capability| &mut capability.how));
        let texts = texts.chain(record.exceptions.iter_mut().map(|exception| &mut exception.reason));
        for text in texts {
            *text = self.text(text);
        }
        for case in &mut record.cases {
            let options = [&mut case.source, &mut case.exception, &mut case.reason].into_iter().flatten();
            let exchanges = case.exchanges.iter_mut();
            let exchanges = exchanges.flat_map(|exchange| [&mut exchange.command, &mut exchange.answer]).flatten();
            for text in options.chain(exchanges).chain([&mut case.title]) {
                *text = self.text(text);
            }
        }
    }
}

/// Which bytes of an exchange are hidden.
struct Mask {
    command: Vec<bool>,
    answer: Vec<bool>,
}

impl Mask {
    fn of(exchange: &RawExchange) -> Self {
        let visible = |bytes: &Option<Vec<u8>>| vec![false; bytes.as_ref().map_or(0, Vec::len)];
        Self { command: visible(&exchange.command), answer: visible(&exchange.answer) }
    }
}

fn text(bytes: &[u8], mask: &[bool]) -> String {
    let shown: Shown = bytes.iter().zip(mask).map(|(byte, hidden)| (!hidden).then_some(*byte)).collect();
    write(&shown)
}

/// Bytes of which some are hidden: nothing stands for one that is.
pub type Shown = Vec<Option<u8>>;

/// How redacted bytes are shown.
#[must_use]
pub fn write(bytes: &[Option<u8>]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        match byte {
            Some(byte) => text.extend([byte >> 4, byte & 0x0F].map(|digit| DIGITS[usize::from(digit)])),
            None => text.push_str(HIDDEN),
        }
    }
    text
}

/// Reads back how redacted bytes are shown; nothing where a text is not of that form.
#[must_use]
pub fn read(text: &str) -> Option<Shown> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(HIDDEN) {
            bytes.push(None);
            rest = behind;
        } else {
            let (pair, behind) = rest.split_at_checked(2)?;
            let &[high, low] = pair.as_bytes() else { return None };
            bytes.push(Some(digit(high)? << 4 | digit(low)?));
            rest = behind;
        }
    }
    Some(bytes)
}
