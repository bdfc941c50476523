//! The PINs that a trace hides, put back into its commands.

use std::collections::BTreeMap;
use std::fmt;

use card_conformance::report::redact::Shown;
use card_wire::{Class, Command, Ins, Status};
use zeroize::Zeroizing;

use super::Skip;

type Secret = Zeroizing<Vec<u8>>;

/// PINs, new PINs and PUKs; each for one reference (P2), or for all that have none of their own.
#[derive(Default)]
pub struct Pins {
    pins: BTreeMap<Option<u8>, Secret>,
    new_pins: BTreeMap<Option<u8>, Secret>,
    puks: BTreeMap<Option<u8>, Secret>,
    /// Fills a PIN up to the length that was sent.
    padding: Option<u8>,
}

/// A PIN that was given does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongPins {
    /// By its length.
    #[error(
        "{ins} of reference {reference:02X} has {hidden} hidden bytes, and what was given for them has {given}; a padding byte fills a shorter PIN up"
    )]
    Length {
        /// The instruction.
        ins: Ins,
        /// P2.
        reference: u8,
        /// Bytes that are hidden.
        hidden: usize,
        /// Bytes that were given.
        given: usize,
    },
}

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Pin,
    New,
    Puk,
}

impl Pins {
    /// PINs that are filled up with this byte.
    #[must_use]
    pub fn padded(padding: Option<u8>) -> Self {
        Self { padding, ..Self::default() }
    }

    /// Adds a PIN.
    pub fn pin(&mut self, reference: Option<u8>, value: Secret) {
        self.pins.insert(reference, value);
    }

    /// Adds what a PIN is changed to.
    pub fn new_pin(&mut self, reference: Option<u8>, value: Secret) {
        self.new_pins.insert(reference, value);
    }

    /// Adds a PUK.
    pub fn puk(&mut self, reference: Option<u8>, value: Secret) {
        self.puks.insert(reference, value);
    }

    fn value(&self, which: Which, reference: u8) -> Option<&Secret> {
        let all = match which {
            Which::Pin => &self.pins,
            Which::New => &self.new_pins,
            Which::Puk => &self.puks,
        };
        all.get(&Some(reference)).or_else(|| all.get(&None))
    }

    /// The command with its hidden bytes. Where the trace says that the card refused a PIN, one that is wrong is put in.
    pub(super) fn fill(&self, command: &Shown, status: Option<Status>) -> Result<Result<Secret, Skip>, WrongPins> {
        if let Some(clear) = command.iter().copied().collect::<Option<Vec<u8>>>() {
            return Ok(if clear.len() < 4 { Err(Skip::NoCommand) } else { Ok(Zeroizing::new(clear)) });
        }
        let mut bytes: Secret = Zeroizing::new(command.iter().map(|byte| byte.unwrap_or(0)).collect());
        let Some(form) = Form::of(command, &bytes) else { return Ok(Err(Skip::Hidden)) };
        let values: Option<Vec<&Secret>> = form.parts.iter().map(|part| self.value(*part, form.reference)).collect();
        let Some(values) = values else { return Ok(Err(Skip::NoPin)) };
        let mut data = self.join(&values, &form)?;
        if status.is_some_and(|status| status.retries().is_some())
            && let Some(first) = data.first_mut()
        {
            *first = if *first == b'9' { b'8' } else { b'9' };
        }
        bytes[form.data].copy_from_slice(&data);
        Ok(Ok(bytes))
    }

    /// The values one after the other, each as long as its share where there is padding.
    fn join(&self, values: &[&Secret], form: &Form) -> Result<Secret, WrongPins> {
        let hidden = form.data.len();
        let mut data = Zeroizing::new(Vec::with_capacity(hidden));
        for value in values {
            let share = hidden / values.len();
            data.extend_from_slice(value);
            if let Some(padding) = self.padding {
                data.extend(std::iter::repeat_n(padding, share.saturating_sub(value.len())));
            }
        }
        if data.len() == hidden {
            return Ok(data);
        }
        let given = values.iter().map(|value| value.len()).sum();
        Err(WrongPins::Length { ins: form.ins, reference: form.reference, hidden, given })
    }

    /// A PIN that was changed is the PIN from now on.
    pub(super) fn answered(&mut self, command: &[u8], status: Option<Status>) {
        let [_, ins, p1, reference, ..] = *command else { return };
        let changes = matches!((Ins(ins), p1), (Ins::CHANGE_REFERENCE_DATA, 0) | (Ins::RESET_RETRY_COUNTER, 0 | 2));
        if changes
            && status == Some(Status::OK)
            && let Some(new) = self.value(Which::New, reference).cloned()
        {
            self.pins.insert(Some(reference), new);
        }
    }
}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pins(…)")
    }
}

/// What stands in a PIN command, and where.
struct Form {
    ins: Ins,
    reference: u8,
    parts: Vec<Which>,
    data: std::ops::Range<usize>,
}

impl Form {
    /// Of a command whose data is hidden as a whole, and nothing else of it is.
    fn of(command: &Shown, filled: &[u8]) -> Option<Self> {
        let parsed = Command::parse(filled).ok()?;
        if parsed.cla.unchained() != parsed.cla || matches!(parsed.cla, Class(0x80..)) {
            return None;
        }
        let start = if parsed.extended { 7 } else { 5 };
        let data = start..start + parsed.data.len();
        let fits = |(at, byte): (usize, &Option<u8>)| byte.is_none() == data.contains(&at);
        if !command.iter().enumerate().all(fits) {
            return None;
        }
        let parts = match (parsed.ins, parsed.p1) {
            (Ins::VERIFY, 0x00) | (Ins::CHANGE_REFERENCE_DATA, 0x01) => vec![Which::Pin],
            (Ins::ENABLE_VERIFICATION_REQUIREMENT | Ins::DISABLE_VERIFICATION_REQUIREMENT, 0x00) => vec![Which::Pin],
            (Ins::CHANGE_REFERENCE_DATA, 0x00) => vec![Which::Pin, Which::New],
            (Ins::RESET_RETRY_COUNTER, 0x00) => vec![Which::Puk, Which::New],
            (Ins::RESET_RETRY_COUNTER, 0x01) => vec![Which::Puk],
            (Ins::RESET_RETRY_COUNTER, 0x02) => vec![Which::New],
            _ => return None,
        };
        Some(Self { ins: parsed.ins, reference: parsed.p2, parts, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(padding: Option<u8>) -> Pins {
        let value = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        let mut pins = Pins::padded(padding);
        pins.pin(None, value("1234"));
        pins.pin(Some(2), value("2222"));
        pins.new_pin(None, value("5678"));
        pins.puk(None, value("99999999"));
        pins
    }

    fn filled(pins: &Pins, command: &str, status: u16) -> Result<Result<String, Skip>, WrongPins> {
        let command = card_conformance::report::redact::read(command).unwrap();
        pins.fill(&command, Some(Status(status))).map(|filled| filled.map(|bytes| hex::encode_upper(&*bytes)))
    }

    #[test]
    fn hidden_pins_are_put_back() {
        let exact = pins(None);
        for (command, whole) in [
            ("0020000104········", "002000010431323334"),
            ("0020000204········00", "00200002043232323200"),
            ("00200001000004········", "0020000100000431323334"),
            ("0024000108················", "00240001083132333435363738"),
            ("0024010104········", "002401010431323334"),
            ("002C00010C························", "002C00010C393939393939393935363738"),
            ("00A40000", "00A40000"),
        ] {
            assert_eq!(filled(&exact, command, 0x9000), Ok(Ok(whole.to_owned())), "{command}");
        }
        assert_eq!(filled(&exact, "0020000104········", 0x63C2).unwrap().unwrap(), "002000010439323334", "a wrong one");
        assert_eq!(
            filled(&pins(Some(0)), "0020000106············", 0x9000).unwrap().unwrap(),
            "0020000106313233340000"
        );
        let halves = filled(&pins(Some(0xFF)), "002400010A····················", 0x9000).unwrap().unwrap();
        assert_eq!(halves, "002400010A31323334FF35363738FF");
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_is_no_pin_is_left_out() {
        let exact = pins(None);
        assert!(matches!(
            filled(&exact, "0020000106············", 0x9000),
            Err(WrongPins::Length { hidden: 6, given: 4, .. })
        ));
        assert!(filled(&pins(Some(0)), "0020000103······", 0x9000).is_err(), "longer than the hidden bytes");
        assert_eq!(filled(&Pins::default(), "0020000104········", 0x9000), Ok(Err(Skip::NoPin)));
        for other in ["00D6000002····", "00DB3FFF047F480292", "1020000102····", "002000010431······", "00········"]
        {
            let outcome = filled(&exact, other, 0x9000).unwrap();
            assert_eq!(outcome.is_err(), other.contains('·'), "{other}");
        }
        assert_eq!(filled(&exact, "00A4", 0x9000), Ok(Err(Skip::NoCommand)));
        assert_eq!(format!("{exact:?}"), "Pins(…)");
    }

    #[test]
    fn a_changed_pin_is_the_pin() {
        let mut pins = pins(None);
        pins.answered(&[0, 0x24, 0, 1, 8], Some(Status(0x63C2)));
        assert_eq!(filled(&pins, "0020000104········", 0x9000).unwrap().unwrap(), "002000010431323334");
        pins.answered(&[0, 0x24, 0, 1, 8], Some(Status::OK));
        assert_eq!(filled(&pins, "0020000104········", 0x9000).unwrap().unwrap(), "002000010435363738");
    }
}
