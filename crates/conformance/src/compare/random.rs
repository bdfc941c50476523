//! Which data is random by nature: it differs between two cards, and between two runs of one.

use card_wire::{Ins, Status};

use super::data::Free;
use crate::script::{Capture, Step};

/// Follows a case and says of each answer what of it is random.
#[derive(Debug, Default)]
pub(super) struct Randomness {
    /// The answer before this one is; GET RESPONSE fetches the rest of it.
    last: bool,
    /// A key was made, so what comes of keys depends on it.
    has_new_key: bool,
}

impl Randomness {
    /// What of the data of the answers to these commands is random: all of it where the command makes something random,
    /// or where the commands themselves depend on something that was; else what the case captures.
    pub(super) fn of(&mut self, step: &Step, commands: [&[u8]; 2], reference: &[u8]) -> Free {
        let [command, other] = commands;
        let ins = command.get(1).map_or(Ins(0), |ins| Ins(*ins));
        if ins != Ins::GET_RESPONSE {
            let made = is_made_random(command, &mut self.has_new_key);
            self.last = made || command != other || step.data.is_about_random();
        }
        if self.last {
            return Free::All;
        }
        let data = Status::split(reference).map_or(reference, |(data, _)| data);
        Free::Parts(step.captures.iter().filter_map(|(_, part)| range(part, data)).collect())
    }
}

/// Whether the answer to this command is random: it makes something random, or uses a key that was made before.
/// `has_new_key` is kept from command to command.
pub fn is_made_random(command: &[u8], has_new_key: &mut bool) -> bool {
    match command.get(1).map_or(Ins(0), |ins| Ins(*ins)) {
        Ins::GET_CHALLENGE | Ins::INTERNAL_AUTHENTICATE => true,
        Ins::GENERATE_ASYMMETRIC_KEY_PAIR => {
            *has_new_key = true;
            true
        }
        // A signature: ECDSA and PSS draw a number for each.
        Ins::PERFORM_SECURITY_OPERATION if command.get(2..4) == Some(&[0x9E, 0x9A]) => true,
        Ins::PERFORM_SECURITY_OPERATION | Ins::GET_DATA | Ins::GET_DATA_ODD => *has_new_key,
        _ => false,
    }
}

/// Where in the data the captured part is.
fn range(part: &Capture, data: &[u8]) -> Option<std::ops::Range<usize>> {
    let value = part.of(data)?;
    let start = (value.as_ptr() as usize).checked_sub(data.as_ptr() as usize)?;
    Some(start..start + value.len())
}
