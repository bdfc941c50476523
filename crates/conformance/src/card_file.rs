//! The card under test as its tester describes it. The form of the file is in `GUIDE.md`.

mod load;

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::error::ScriptError;
use crate::safety::{Guard, OwnPin};
use crate::script::{CardState, Source};
use crate::template::Variables;

/// A card, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardFile {
    /// What the tester calls it; expectations of scripts can be about this name.
    pub name: String,
    /// The preset whose cases apply to it, and whose built-in card stands in for it.
    pub preset: String,
    /// The state that it is in.
    pub state: CardState,
    /// Serial number, for the record.
    pub serial: Option<String>,
    /// Name of its application, 5 to 16 bytes; none where the PIN is asked for below the MF.
    pub aid: Option<Vec<u8>>,
    /// The user's PIN.
    pub pin: Option<Pin>,
    /// The PUK of that PIN.
    pub puk: Option<Puk>,
    /// References of keys, by what they are: `rsa2048`, `p256` and so on.
    pub keys: BTreeMap<String, u8>,
    /// The key that may be overwritten.
    pub spare: Option<u8>,
    /// Identifier of the DF in which the suite may create and delete.
    pub area: Option<u16>,
    /// Longest command that card and reader take, in bytes.
    pub max_command: Option<usize>,
    /// Longest answer, status word included, in bytes.
    pub max_response: Option<usize>,
    /// What it can do, where the tester knows it better than a probe.
    pub capabilities: BTreeMap<&'static str, bool>,
    /// Further values, over those of the suite.
    pub values: Variables,
}

impl CardFile {
    /// Reads the description of a card.
    ///
    /// # Errors
    /// The first mistake with its line and column. A secret in the file is one, and it is told without the secret.
    pub fn load(file: Source<'_>) -> Result<Self, ScriptError> {
        load::card(file)
    }

    /// The PIN as VERIFY sends it.
    ///
    /// # Errors
    /// [`SecretError`] where it does not follow the policy in the file.
    pub fn own_pin(&self, secrets: &CardSecrets) -> Result<Option<OwnPin>, SecretError> {
        let (Some(pin), Some(value)) = (&self.pin, &secrets.pin) else { return Ok(None) };
        if !(pin.min..=pin.max).contains(&value.len()) {
            return Err(SecretError::PinLength { min: pin.min, max: pin.max });
        }
        let len = pin.padded.unwrap_or(0).max(value.len());
        // Room for all of it at once: what grows leaves copies behind.
        let mut sent = Zeroizing::new(Vec::with_capacity(len));
        sent.extend_from_slice(value);
        sent.resize(len, 0x00);
        Ok(Some(OwnPin { reference: pin.reference, sent }))
    }

    /// What watches the PIN of the card, if its PIN is known.
    ///
    /// # Errors
    /// [`SecretError`] where PIN or PUK do not follow the policy in the file.
    pub fn guard(&self, secrets: &CardSecrets) -> Result<Option<Guard>, SecretError> {
        let (Some(pin), Some(own)) = (&self.pin, self.own_pin(secrets)?) else { return Ok(None) };
        let puk = secrets.puk.as_deref().map(Vec::as_slice);
        if puk.is_some_and(<[u8]>::is_empty) {
            return Err(SecretError::NoPuk);
        }
        Ok(Some(Guard::new(self.aid.as_deref(), own, pin.tries, puk)))
    }

    /// The values that stand before those of a suite on this card: `aid`, `pin`, `pin-padded`, `puk`, `area`, `spare`,
    /// `key-NAME`, and those that the file has itself. What the suite has as a wrong or new PIN or PUK is replaced where
    /// it is the card's own by chance.
    ///
    /// # Errors
    /// [`SecretError`] where the PIN does not follow the policy in the file.
    pub fn values(&self, suite: &Variables, secrets: &CardSecrets) -> Result<Variables, SecretError> {
        let mut values = Variables::new();
        let mut add = |name: &str, value: &[u8]| values.insert(name.to_owned(), value.into());
        if let Some(aid) = &self.aid {
            add("aid", aid);
        }
        if let Some(area) = self.area {
            add("area", &area.to_be_bytes());
        }
        if let Some(spare) = self.spare {
            add("spare", &[spare]);
        }
        for (name, reference) in &self.keys {
            add(&format!("key-{name}"), &[*reference]);
        }
        let own = self.own_pin(secrets)?;
        let mut own_values: Vec<&[u8]> = Vec::new();
        if let (Some(own), Some(typed)) = (&own, &secrets.pin) {
            add("pin", typed);
            add("pin-padded", &own.sent);
            own_values.extend([typed.as_slice(), own.sent.as_slice()]);
        }
        if let Some(puk) = &secrets.puk {
            add("puk", puk);
            own_values.push(puk);
        }
        for name in ["wrong-padded", "new-pin-padded", "wrong-puk"] {
            if let Some(value) = suite.get(name).filter(|value| own_values.contains(&&***value)) {
                let mut other = value.to_vec();
                other.iter_mut().take(1).for_each(|byte| *byte = if *byte == b'8' { b'7' } else { b'8' });
                add(name, &other);
            }
        }
        values.extend(self.values.clone());
        Ok(values)
    }
}

/// A secret that cannot be the card's. Its value is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The PIN is shorter or longer than the card file says.
    #[error("the PIN does not have {min} to {max} bytes, as the card file says; nothing was sent to the card")]
    PinLength {
        /// Shortest, in bytes.
        min: usize,
        /// Longest, in bytes.
        max: usize,
    },
    /// The PUK is empty.
    #[error("the PUK is empty; nothing was sent to the card")]
    NoPuk,
}

/// A PIN and its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its number, P2 of VERIFY.
    pub reference: u8,
    /// Shortest value, in bytes.
    pub min: usize,
    /// Longest value, in bytes.
    pub max: usize,
    /// Tries when none is spent.
    pub tries: u8,
    /// Length to which VERIFY pads with 00; none where it sends the PIN as it is.
    pub padded: Option<usize>,
    /// Where its value comes from.
    pub value: SecretSource,
}

/// A PUK and its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puk {
    /// Tries when none is spent.
    pub tries: u8,
    /// Where its value comes from.
    pub value: SecretSource,
}

/// Where a secret comes from: never from the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of the environment.
    Env(String),
    /// A file descriptor that the caller opened.
    Fd(i32),
    /// A person at the terminal.
    Prompt,
}

/// The secrets of a card. They are wiped, and never shown.
#[derive(Clone, Default)]
pub struct CardSecrets {
    /// The PIN as it is typed.
    pub pin: Option<Zeroizing<Vec<u8>>>,
    /// The PUK as it is typed.
    pub puk: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for CardSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardSecrets(..)")
    }
}
