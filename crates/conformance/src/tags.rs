//! What a case can cost the card that it is played on: declared in its script, or proved by its steps.

use std::collections::BTreeSet;
use std::fmt;

use card_wire::{Command, Ins, Status};

use crate::script::Step;
use crate::template::Variables;

/// One thing that a case can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// It changes nothing that lasts and spends no try.
    Reads,
    /// It creates, changes or deletes files, objects or keys.
    Writes,
    /// It sends at least one wrong PIN, PUK or key.
    SpendsPinTry,
    /// It uses up all tries.
    BlocksPin,
    /// It sets what cannot be unset.
    Irreversible,
    /// It takes long on a real card.
    Slow,
}

impl Tag {
    /// All of them, from harmless to costly.
    pub const ALL: [Self; 6] =
        [Self::Reads, Self::Writes, Self::SpendsPinTry, Self::BlocksPin, Self::Irreversible, Self::Slow];

    /// The tag's name in scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::SpendsPinTry => "spends-pin-try",
            Self::BlocksPin => "blocks-pin",
            Self::Irreversible => "irreversible",
            Self::Slow => "slow",
        }
    }

    /// The tag of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| tag.name() == name)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the steps of a case prove that it costs. Never empty: a case that costs nothing reads.
#[must_use]
pub fn proved(steps: &[Step], values: &Variables) -> BTreeSet<Tag> {
    let mut tags = BTreeSet::new();
    for step in steps {
        if let Some((bytes, status)) = step.sent(values) {
            tags.extend(status.words().flat_map(|word| of_command(&bytes, word)));
        }
    }
    if tags.iter().all(|tag| *tag == Tag::Slow) {
        tags.insert(Tag::Reads);
    }
    tags
}

/// The status word says that the command was done.
pub(crate) fn is_done(status: Status) -> bool {
    status.is_ok() || status.waiting().is_some() || status.0 >> 8 == 0x62
}

/// What one command with this answer costs.
#[must_use]
pub fn of_command(bytes: &[u8], status: Status) -> Vec<Tag> {
    let [_, ins, p1, _, rest @ ..] = bytes else { return Vec::new() };
    let done = is_done(status);
    let has_data = rest.len() > 1;
    match Ins(*ins) {
        Ins::VERIFY
        | Ins::CHANGE_REFERENCE_DATA
        | Ins::RESET_RETRY_COUNTER
        | Ins::EXTERNAL_AUTHENTICATE
        | Ins::DISABLE_VERIFICATION_REQUIREMENT
        | Ins::ENABLE_VERIFICATION_REQUIREMENT => reference(Ins(*ins), *p1, has_data, status, done),
        Ins::GENERATE_ASYMMETRIC_KEY_PAIR if done && !matches!(p1, 0x81 | 0x83) => {
            let curve = Command::parse(bytes).is_ok_and(|command| !command.data.is_empty());
            if curve { vec![Tag::Writes] } else { vec![Tag::Writes, Tag::Slow] }
        }
        Ins::TERMINATE_CARD_USAGE | Ins::TERMINATE_DF | Ins::TERMINATE_EF if done => vec![Tag::Irreversible],
        // Of the master file: the card leaves its creation state for good.
        Ins::ACTIVATE_FILE if done => vec![Tag::Writes, Tag::Irreversible],
        Ins::MANAGE_SECURITY_ENVIRONMENT if done && matches!(p1, 0xF2 | 0xF4) => vec![Tag::Writes],
        Ins::CREATE_FILE
        | Ins::DELETE_FILE
        | Ins::DEACTIVATE_FILE
        | Ins::UPDATE_BINARY
        | Ins::UPDATE_BINARY_ODD
        | Ins::WRITE_BINARY
        | Ins::WRITE_BINARY_ODD
        | Ins::ERASE_BINARY
        | Ins::ERASE_BINARY_ODD
        | Ins::UPDATE_RECORD
        | Ins::WRITE_RECORD
        | Ins::APPEND_RECORD
        | Ins::PUT_DATA
        | Ins::PUT_DATA_ODD
        // An ENVELOPE may carry anything.
        | Ins::ENVELOPE
            if done =>
        {
            vec![Tag::Writes]
        }
        _ => Vec::new(),
    }
}

/// The commands that compare a secret.
fn reference(ins: Ins, p1: u8, has_data: bool, status: Status, done: bool) -> Vec<Tag> {
    // Asking for the tries that are left costs none; setting a first PIN cannot be undone.
    match (status.retries(), status, done) {
        _ if !has_data && ins == Ins::VERIFY => Vec::new(),
        (Some(0), ..) if has_data => vec![Tag::SpendsPinTry, Tag::BlocksPin],
        (Some(_), ..) if has_data => vec![Tag::SpendsPinTry],
        (_, Status::BLOCKED, _) => vec![Tag::SpendsPinTry, Tag::BlocksPin],
        (.., true) if ins == Ins::CHANGE_REFERENCE_DATA && p1 == 0x01 => vec![Tag::Writes, Tag::Irreversible],
        (.., true) if !matches!(ins, Ins::VERIFY | Ins::EXTERNAL_AUTHENTICATE) => vec![Tag::Writes],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hex: &str, status: u16) -> Vec<&'static str> {
        of_command(&hex::decode(hex).unwrap(), Status(status)).into_iter().map(Tag::name).collect()
    }

    #[test]
    fn commands_prove_what_they_cost() {
        assert_eq!(of("0020000106313233343536", 0x9000), [""; 0]);
        assert_eq!(of("0020000106313233343536", 0x63C2), ["spends-pin-try"]);
        assert_eq!(of("0020000106313233343536", 0x63C0), ["spends-pin-try", "blocks-pin"]);
        assert_eq!(of("00200001", 0x63C2), [""; 0]);
        assert_eq!(of("0020000106313233343536", 0x6983), ["spends-pin-try", "blocks-pin"]);
        assert_eq!(of("0024010106313233343536", 0x9000), ["writes", "irreversible"]);
        assert_eq!(of("00E0000002620082", 0x6A80), [""; 0]);
        assert_eq!(of("00D600000101", 0x9000), ["writes"]);
        assert_eq!(of("0046420000", 0x610E), ["writes", "slow"]);
        assert_eq!(of("00B0000000", 0x9000), [""; 0]);
    }

    #[test]
    fn names_are_read_back() {
        for tag in Tag::ALL {
            assert_eq!(Tag::named(tag.name()), Some(tag));
        }
        assert_eq!(Tag::named("read"), None);
    }
}
