//! The card under test as its tester describes it. The form of the file is in `GUIDE.md`.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::script::CardState;
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
