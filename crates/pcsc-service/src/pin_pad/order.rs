//! What programs send with the control codes: PIN_VERIFY_STRUCTURE and PIN_MODIFY_STRUCTURE, packed and little-endian, and
//! the command behind them that lacks its PINs. Any bytes are an order or refused.

use std::time::Duration;

use zeroize::Zeroizing;

use super::format::{Coding, Format, Template};
use super::{Ends, MAX_DIGITS, Pin, Refusal, Wanted};

/// Bytes in front of the command.
const VERIFY: usize = 19;
const MODIFY: usize = 24;
/// How long an entry may take where the program does not say.
const USUAL_TIMEOUT: Duration = Duration::from_secs(30);
/// Commands that a pad puts PINs into: VERIFY, CHANGE REFERENCE DATA, DISABLE and ENABLE VERIFICATION REQUIREMENT, RESET
/// RETRY COUNTER. With others a program could have the PIN written to a file and read it there.
const INSTRUCTIONS: [u8; 5] = [0x20, 0x24, 0x26, 0x28, 0x2C];

/// What is to be typed, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order<'a> {
    pub(crate) timeout: Duration,
    pub(crate) min: u8,
    pub(crate) max: u8,
    pub(crate) ends: Ends,
    /// What is asked for, in this order, and the numbers of the messages.
    pub(crate) steps: Vec<(Wanted, Option<u8>)>,
    format: Format,
    template: Template<'a>,
    /// Where PINs go, in bytes behind Lc.
    current_at: usize,
    new_at: usize,
}

impl<'a> Order<'a> {
    /// One PIN into one command.
    ///
    /// # Errors
    /// 6B80 where no reader could do what the bytes say.
    pub(crate) fn verify(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (head, command) = bytes.split_first_chunk::<VERIFY>().ok_or(Refusal::STRUCTURE)?;
        let [seconds, _, format, block, length, max, min, ends, messages, _, _, message, ..] = *head;
        let steps = vec![(Wanted::Pin, shown(messages, &[message], 0))];
        let limits = limits(min, max)?;
        let template = template(&head[15..], command)?;
        Self::new(seconds, [format, block, length], limits, ends, steps, template)?.possible()
    }

    /// A new PIN, with or without the current one.
    ///
    /// # Errors
    /// As in [`Self::verify`].
    pub(crate) fn modify(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (head, command) = bytes.split_first_chunk::<MODIFY>().ok_or(Refusal::STRUCTURE)?;
        let [seconds, _, format, block, length, old_at, new_at, max, min, confirm, ends, count, ..] = *head;
        let texts = &head[14..17];
        if confirm > 3 {
            return Err(Refusal::STRUCTURE);
        }
        let asked = [(confirm & 2 != 0, Wanted::Current), (true, Wanted::New), (confirm & 1 != 0, Wanted::NewAgain)];
        let asked = asked.into_iter().filter(|(is_asked, _)| *is_asked).enumerate();
        let steps = asked.map(|(number, (_, wanted))| (wanted, shown(count, texts, number))).collect();
        let limits = limits(min, max)?;
        let template = template(&head[20..], command)?;
        // Both in one place is fine only where there is no place yet, and one is put behind the other.
        if confirm & 2 != 0 && old_at == new_at && !template.data.is_empty() {
            return Err(Refusal::STRUCTURE);
        }
        let order = Self::new(seconds, [format, block, length], limits, ends, steps, template)?;
        Self { current_at: old_at.into(), new_at: new_at.into(), ..order }.possible()
    }

    /// The same, if at least the shortest PINs fit into the command: nobody is to type for nothing.
    fn possible(self) -> Result<Self, Refusal> {
        let shortest = vec![b'0'; self.min.into()];
        let pins = self.steps.iter().filter_map(|(wanted, _)| Some((*wanted, Pin::new(&shortest)?)));
        match self.command(&pins.collect::<Vec<_>>()) {
            Ok(_) => Ok(self),
            Err(_) => Err(Refusal::STRUCTURE),
        }
    }

    fn new(
        seconds: u8,
        [format, block, length]: [u8; 3],
        (min, max): (u8, u8),
        ends: u8,
        steps: Vec<(Wanted, Option<u8>)>,
        template: Template<'a>,
    ) -> Result<Self, Refusal> {
        let coding = match format & 3 {
            0 => Coding::Binary,
            1 => Coding::Bcd,
            2 => Coding::Ascii,
            _ => return Err(Refusal::STRUCTURE),
        };
        if length & 0xE0 != 0 {
            return Err(Refusal::STRUCTURE);
        }
        let units = |in_bytes: bool, count: u8| usize::from(count) * if in_bytes { 8 } else { 1 };
        // A condition that there is none of is the key, as in the CCID driver.
        let ends = if matches!(ends, 1..=7) { ends } else { 2 };
        Ok(Self {
            timeout: if seconds == 0 { USUAL_TIMEOUT } else { Duration::from_secs(seconds.into()) },
            min,
            max,
            ends: Ends { at_max: ends & 1 != 0, with_key: ends & 2 != 0, with_time: ends & 4 != 0 },
            steps,
            format: Format {
                coding,
                is_right: format & 4 != 0,
                pin_at: units(format & 0x80 != 0, (format >> 3) & 0x0F),
                block: (block & 0x0F).into(),
                length_at: units(length & 0x10 != 0, length & 0x0F),
                length_bits: (block >> 4).into(),
            },
            template,
            current_at: 0,
            new_at: 0,
        })
    }

    /// Whether a PIN has as many digits as it is to have.
    pub(crate) fn takes(&self, pin: &Pin) -> bool {
        (usize::from(self.min)..=usize::from(self.max)).contains(&pin.digits().len())
    }

    /// The command with these PINs in it.
    ///
    /// # Errors
    /// 6403 where a PIN does not fit.
    pub(crate) fn command(&self, pins: &[(Wanted, Pin)]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let pins = pins.iter().filter_map(|(wanted, pin)| match wanted {
            Wanted::Pin | Wanted::Current => Some((self.current_at, pin)),
            Wanted::New => Some((self.new_at, pin)),
            Wanted::NewAgain => None,
        });
        self.format.fill(&self.template, &pins.collect::<Vec<_>>())
    }
}

/// The least and the most digits of a PIN. The word is 0xXXYY, XX the least.
fn limits(min: u8, max: u8) -> Result<(u8, u8), Refusal> {
    let max = max.min(MAX_DIGITS);
    if max == 0 || min > max { Err(Refusal::STRUCTURE) } else { Ok((min, max)) }
}

/// The message of a step, where the program wants so many of its own; FF are the pad's.
fn shown(count: u8, messages: &[u8], step: usize) -> Option<u8> {
    (count != 0xFF && step < usize::from(count)).then(|| messages.get(step).copied()).flatten()
}

/// The command behind a structure that ends with its length.
fn template<'a>(length: &[u8], command: &'a [u8]) -> Result<Template<'a>, Refusal> {
    let length = length.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    if usize::try_from(length).is_ok_and(|length| length == command.len())
        && let Some((header, rest)) = command.split_first_chunk::<4>()
        && INSTRUCTIONS.contains(&header[1])
        && let Some((data, le)) = data(rest)
    {
        return Ok(Template { header: *header, data, le });
    }
    Err(Refusal::STRUCTURE)
}

/// The data of a short command and its Le, behind the header. None where the lengths are not those of one.
fn data(rest: &[u8]) -> Option<(&[u8], Option<u8>)> {
    let Some((lc, rest)) = rest.split_first() else { return Some((&[], None)) };
    match rest.split_at_checked(usize::from(*lc))? {
        (data, []) => Some((data, None)),
        (data, [le]) => Some((data, Some(*le))),
        _ => None,
    }
}
