//! What a case could do to a card at worst: to one that is right, and to one that does what it should refuse.

use std::collections::BTreeSet;

use card_wire::tlv::{self, Tag as TlvTag};
use card_wire::{Class, Command, Ins, Status};
use zeroize::Zeroizing;

use crate::script::Step;
use crate::tags::{self, Tag};
use crate::template::Variables;

/// The PIN that the card is known to have. Wiped, and never shown.
#[derive(Clone)]
pub struct OwnPin {
    /// Its number, P2 of VERIFY.
    pub reference: u8,
    /// As VERIFY sends it, padding included.
    pub sent: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for OwnPin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OwnPin {{ reference: {:02X}, .. }}", self.reference)
    }
}

impl OwnPin {
    /// The command that shows it.
    #[must_use]
    pub fn verify(&self) -> Zeroizing<Vec<u8>> {
        let len = u8::try_from(self.sent.len()).unwrap_or(u8::MAX);
        let mut command = Zeroizing::new(Vec::with_capacity(5 + self.sent.len()));
        command.extend([Class::PLAIN.0, Ins::VERIFY.0, 0x00, self.reference, len]);
        command.extend_from_slice(&self.sent);
        command
    }

    /// The command that asks for the tries that are left: VERIFY without data.
    #[must_use]
    pub const fn ask(&self) -> [u8; 4] {
        [Class::PLAIN.0, Ins::VERIFY.0, 0x00, self.reference]
    }
}

/// What the steps of a case could do, whatever they expect: a card under test may do what it should refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    /// What it costs if every command is done.
    pub tags: BTreeSet<Tag>,
    /// Tries of the PIN that it could spend. A wrong PIN in an ordinary VERIFY counts once, as the card was seen to do; in
    /// any other command twice, as nobody knows how the card counts there.
    pub tries: usize,
    /// It shows the right PIN, which puts a counter back that was not full.
    pub shows_pin: bool,
    /// It sends a PUK, a key or a PIN of another number, whose tries nobody watches.
    pub spends_unwatched: bool,
    /// It sends a new value for the PIN together with the right one.
    pub replaces_pin: bool,
    /// It makes or writes a key.
    pub sets_key: bool,
    /// References of the keys that it names to the card; none where that cannot be told.
    pub keys: Option<BTreeSet<u8>>,
    /// Length of its longest command.
    pub longest: usize,
}

impl Risk {
    /// The risk of these steps. Names without a value stand for zeros.
    #[must_use]
    pub fn of<'s>(steps: impl IntoIterator<Item = &'s Step>, values: &Variables, pin: Option<&OwnPin>) -> Self {
        let mut risk = Self { keys: Some(BTreeSet::new()), ..Self::default() };
        for step in steps {
            if let Some((bytes, _)) = step.sent(values) {
                let bytes = Zeroizing::new(bytes);
                risk.add(&bytes, step.commands(), pin);
            }
        }
        if risk.tries > 0 {
            risk.tags.insert(Tag::SpendsPinTry);
        }
        risk
    }

    fn add(&mut self, bytes: &[u8], repeat: usize, pin: Option<&OwnPin>) {
        self.longest = self.longest.max(bytes.len());
        let [class, ins, p1, p2, rest @ ..] = bytes else { return };
        let has_data = rest.len() > 1;
        match Ins(*ins) {
            Ins::VERIFY if has_data => match pin.map(OwnPin::verify) {
                Some(right) if bytes == right.as_slice() => self.shows_pin = true,
                Some(right) if bytes.len() == right.len() && bytes.get(..5) == right.get(..5) => self.tries += repeat,
                _ => self.wrong(*p2, repeat, pin),
            },
            Ins::CHANGE_REFERENCE_DATA if has_data => self.change([*class, *p1, *p2], rest, repeat, pin),
            Ins::ENABLE_VERIFICATION_REQUIREMENT | Ins::DISABLE_VERIFICATION_REQUIREMENT if has_data => {
                self.wrong(*p2, repeat, pin);
                self.tags.insert(Tag::Writes);
            }
            // Their secrets are not the PIN, and an envelope may carry any of them.
            Ins::RESET_RETRY_COUNTER | Ins::EXTERNAL_AUTHENTICATE | Ins::ENVELOPE if has_data => {
                self.spends_unwatched = true;
            }
            Ins::MANAGE_SECURITY_ENVIRONMENT if has_data => self.name_key(bytes),
            Ins::GENERATE_ASYMMETRIC_KEY_PAIR => self.sets_key |= !matches!(p1, 0x81 | 0x83),
            Ins::PUT_DATA_ODD => self.sets_key |= has_data,
            _ => {}
        }
        let done = tags::of_command(bytes, Status::OK);
        self.tags.extend(done.into_iter().filter(|tag| *tag != Tag::Slow));
    }

    /// A PIN that is not the card's, as far as is known.
    fn wrong(&mut self, reference: u8, repeat: usize, pin: Option<&OwnPin>) {
        if pin.is_some_and(|pin| pin.reference == reference) {
            self.tries += 2 * repeat;
        } else {
            self.spends_unwatched = true;
        }
    }

    /// CHANGE REFERENCE DATA: the old value, then the new one; with P1 = 01 the new one alone.
    fn change(&mut self, [class, p1, p2]: [u8; 3], body: &[u8], repeat: usize, pin: Option<&OwnPin>) {
        let begins_right = |pin: &OwnPin| {
            (class, p1, p2) == (0x00, 0x00, pin.reference)
                && body.get(1..).is_some_and(|data| data.starts_with(&pin.sent))
        };
        if pin.is_some_and(begins_right) {
            self.replaces_pin = true;
            self.shows_pin = true;
        } else {
            self.wrong(p2, repeat, pin);
        }
    }

    /// MANAGE SECURITY ENVIRONMENT names keys in the object 84, or 83.
    fn name_key(&mut self, bytes: &[u8]) {
        let Ok(command) = Command::parse(bytes) else { return self.keys = None };
        for tag in [TlvTag(0x83), TlvTag(0x84)] {
            match (tlv::find(command.data, tag), &mut self.keys) {
                (Ok(Some([reference])), Some(keys)) => {
                    keys.insert(*reference);
                }
                (Ok(None), _) => {}
                _ => self.keys = None,
            }
        }
    }
}
