//! What in an exchange may be secret beyond what redaction knows for sure. Looks at one command at a time and keeps
//! nothing but whether GET RESPONSE fetches the rest of a hidden answer.

use std::collections::BTreeSet;

use card_wire::class::ClassKind;
use card_wire::{Class, Ins};

/// What a trace shows. Never PINs, PUKs and keys in the commands that set, show or import them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reveal {
    /// What is written to and read from files and records, and what GET RESPONSE fetches. Keys that are written as
    /// files (administration keys of some cards) are among it.
    pub files: bool,
    /// What the card deciphers and what is given to it to be enciphered; both ways of EXTERNAL and GENERAL AUTHENTICATE;
    /// answers to ENVELOPE; both ways of instructions that have no name here, and PUT DATA of proprietary classes.
    pub doubtful: bool,
}

/// Which parts of an exchange are to be hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hide {
    /// The data field of the command.
    pub(crate) command: bool,
    /// The data field of the answer.
    pub(crate) answer: bool,
}

const GENERAL_AUTHENTICATE: Ins = Ins(0x86);
const GENERAL_AUTHENTICATE_ODD: Ins = Ins(0x87);
const GENERATE_ODD: Ins = Ins(0x47);
/// PUT KEY of GlobalPlatform cards.
const PUT_KEY: Ins = Ins(0xD8);
/// In P1 or P2 of PERFORM SECURITY OPERATION: a plain value comes, or goes.
const PLAIN: u8 = 0x80;

/// What follows an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubt {
    /// Logical channels whose last answer was hidden: GET RESPONSE brings the rest of it.
    hidden: BTreeSet<u8>,
}

/// The logical channel; of proprietary classes as many cards count them.
fn channel(class: u8) -> u8 {
    match Class(class).kind() {
        ClassKind::Interindustry { channel, .. } => channel,
        ClassKind::Other => class & 0x03,
    }
}

impl Doubt {
    /// What is to be hidden of this command and its answer.
    pub(crate) fn of(&mut self, command: &[u8], reveal: Reveal) -> Hide {
        let [class, ins, p1, p2, ..] = *command else { return Hide { command: true, answer: true } };
        let (both, none) = (Hide { command: true, answer: true }, Hide::default());
        let is_proprietary = Class(class).kind() == ClassKind::Other;
        let hide = match Ins(ins) {
            PUT_KEY => Hide { command: true, answer: false },
            _ if reveal.doubtful => none,
            Ins::EXTERNAL_AUTHENTICATE | GENERAL_AUTHENTICATE | GENERAL_AUTHENTICATE_ODD => both,
            Ins::PERFORM_SECURITY_OPERATION => Hide { command: (p1, p2) == (0x86, PLAIN), answer: p1 == PLAIN },
            Ins::ENVELOPE => Hide { command: false, answer: true },
            Ins::GET_RESPONSE => Hide { command: false, answer: self.hidden.contains(&channel(class)) },
            Ins::PUT_DATA | Ins::PUT_DATA_ODD => Hide { command: is_proprietary, answer: false },
            GENERATE_ODD => none,
            known if known.name().is_some() => none,
            _ => both,
        };
        if hide.answer {
            self.hidden.insert(channel(class));
        } else {
            self.hidden.remove(&channel(class));
        }
        hide
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(command: &str, reveal: Reveal) -> (bool, bool) {
        let hide = Doubt::default().of(&hex::decode(command).unwrap(), reveal);
        (hide.command, hide.answer)
    }

    #[test]
    fn what_is_deciphered_is_hidden_and_what_is_signed_is_not() {
        for (command, hide) in [
            ("002A80860200AA", (false, true)),
            ("012A80860200AA", (false, true)),
            ("002A86800200AA", (true, false)),
            ("002A9E9A0200AA", (false, false)),
            ("00820001021122", (true, true)),
            ("0087119B041122", (true, true)),
            ("80D8000102AABB", (true, false)),
            ("00C2000002AABB", (false, true)),
            ("00A40000023F00", (false, false)),
            ("80500000021122", (true, true)),
            ("80DB3FFF021122", (true, false)),
            ("00DB3FFF021122", (false, false)),
        ] {
            assert_eq!(hidden(command, Reveal::default()), hide, "{command}");
            let all = hidden(command, Reveal { files: true, doubtful: true });
            assert_eq!(all, (command.starts_with("80D8"), false), "{command}");
        }
    }

    #[test]
    fn the_rest_of_a_hidden_answer_is_hidden() {
        let mut doubt = Doubt::default();
        let mut of = |command: &[u8]| doubt.of(command, Reveal::default()).answer;
        assert!(of(&[0, 0x2A, 0x80, 0x86, 1, 0]));
        assert!(of(&[0, 0xC0, 0, 0, 0x20]) && of(&[0, 0xC0, 0, 0, 0x20]));
        // Another channel has nothing to do with it.
        assert!(!of(&[1, 0xA4, 0, 0]) && !of(&[1, 0xC0, 0, 0, 0x20]) && of(&[0, 0xC0, 0, 0, 0x20]));
        assert!(!of(&[0, 0xA4, 0, 0]) && !of(&[0, 0xC0, 0, 0, 0x20]));
    }
}
