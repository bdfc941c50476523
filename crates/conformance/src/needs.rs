//! Capabilities that a case can need: names that scripts, card files and reports share; declared in a script, or proved
//! by its steps.

use std::collections::BTreeSet;

use card_wire::class::ClassKind;
use card_wire::{Command, Ins, tlv};

use crate::script::Step;
use crate::tags;
use crate::template::Variables;

/// A capability and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name.
    pub name: &'static str,
    /// What a card that has it can do.
    pub means: &'static str,
}

/// All capabilities, in the order in which they are shown.
pub const NEEDS: &[Need] = &[
    Need { name: "version-0", means: "speaks version 0 of OpenSC's dialect" },
    Need { name: "version-1", means: "speaks version 1 of OpenSC's dialect" },
    Need { name: "chaining", means: "takes chained commands" },
    Need { name: "extended", means: "takes extended lengths, the reader included" },
    Need { name: "challenge", means: "gives random numbers" },
    Need { name: "puk", means: "has a PUK that is set" },
    Need { name: "rsa-2048", means: "has an RSA-2048 key, or makes one" },
    Need { name: "rsa-3072", means: "makes RSA-3072 keys" },
    Need { name: "rsa-4096", means: "makes RSA-4096 keys" },
    Need { name: "p256", means: "has a P-256 key, or makes one" },
    Need { name: "p384", means: "has a P-384 key, or makes one" },
    Need { name: "pss", means: "signs with PSS" },
    Need { name: "ecdsa", means: "signs with ECDSA" },
    Need { name: "key-import", means: "takes private keys" },
    Need { name: "records", means: "has record EFs" },
    Need { name: "data-objects", means: "keeps data objects" },
    Need { name: "life-cycle", means: "activates, deactivates and terminates files" },
    Need { name: "channels", means: "has more than the basic logical channel" },
];

/// The capability of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Need> {
    NEEDS.iter().find(|need| need.name == name)
}

/// What the steps of a case prove that it needs: only what is done on every card on which the case passes counts.
#[must_use]
pub fn of(steps: &[Step], values: &Variables) -> BTreeSet<&'static str> {
    let mut needs = BTreeSet::new();
    for step in steps {
        let Some((bytes, status)) = step.sent(values) else { continue };
        if let (Ok(command), true) = (Command::parse(&bytes), status.words().all(tags::is_done)) {
            needs.extend(of_command(&command));
            needs.extend(version(step, &command, values));
        }
    }
    needs
}

/// What a card can do that does this command.
fn of_command(command: &Command<'_>) -> Vec<&'static str> {
    let mut needs = Vec::new();
    if matches!(command.cla.kind(), ClassKind::Interindustry { chained: true, .. }) {
        needs.push("chaining");
    }
    if command.extended {
        needs.push("extended");
    }
    needs.extend(match (command.ins, command.p1) {
        (Ins::GET_CHALLENGE, _) => Some("challenge"),
        (Ins::READ_RECORD | Ins::UPDATE_RECORD | Ins::WRITE_RECORD | Ins::APPEND_RECORD | Ins::SEARCH_RECORD, _) => {
            Some("records")
        }
        (
            Ins::ACTIVATE_FILE
            | Ins::DEACTIVATE_FILE
            | Ins::TERMINATE_DF
            | Ins::TERMINATE_EF
            | Ins::TERMINATE_CARD_USAGE,
            _,
        ) => Some("life-cycle"),
        (Ins::MANAGE_CHANNEL, 0x00) => Some("channels"),
        // With any other P1 no PUK is shown.
        (Ins::RESET_RETRY_COUNTER, 0x00 | 0x01) => Some("puk"),
        // The data of a key: CRT values, or a curve with its key.
        (Ins::PUT_DATA_ODD, 0x3F) if command.data.starts_with(&[0x7F, 0x48]) || command.data.starts_with(&[0xE0]) => {
            Some("key-import")
        }
        (Ins::MANAGE_SECURITY_ENVIRONMENT, 0x41) if matches!(command.p2, 0xA4 | 0xB6) => {
            match tlv::find(command.data, tlv::Tag(0x80)) {
                Ok(Some([0x12])) => Some("pss"),
                Ok(Some([0x21])) => Some("ecdsa"),
                _ => None,
            }
        }
        _ => None,
    });
    needs
}

/// The version of the dialect that a SELECT of the application proves. A card of version 1 takes the form of version 0
/// too, but answers nothing: what the step expects to be answered decides, not its P2 alone.
fn version(step: &Step, command: &Command<'_>, values: &Variables) -> Option<&'static str> {
    let is_application = command.ins == Ins::SELECT && command.p1 == 0x04 && values.get("aid")? == command.data;
    let may_be_empty = step.tlv.is_empty() && step.data.matches(&[], values) == Ok(true);
    match command.p2 {
        0x00 if is_application && !may_be_empty => Some("version-0"),
        0x0C if is_application && may_be_empty => Some("version-1"),
        _ => None,
    }
}

/// All of these, in the order in which capabilities are shown.
pub(crate) fn in_order(names: &BTreeSet<&'static str>) -> Vec<&'static str> {
    NEEDS.iter().map(|need| need.name).filter(|name| names.contains(name)).collect()
}

/// The name among `known` that is nearest to a mistyped one, if any is near.
#[must_use]
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = known.into_iter().map(|other| (distance(name, other), other)).min()?;
    (near.0 <= (name.chars().count() / 3).max(1)).then_some(near.1)
}

/// Characters to insert, delete, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["requirements", "status", "setup", "steps"];
        assert_eq!(nearest("stauts", known), Some("status"));
        assert_eq!(nearest("requirement", known), Some("requirements"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
