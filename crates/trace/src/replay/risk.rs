//! What a command could do to a card that is there to stay. What is not known to change nothing is a risk.

use std::fmt;

use card_conformance::report::redact::Shown;
use card_conformance::tags::{self, Tag};
use card_wire::class::ClassKind;
use card_wire::{Class, Ins, Status};

/// The worst that a command could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Nobody here knows what it does.
    Unknown,
    /// It uses a key: signs, deciphers, authenticates.
    UsesKey,
    /// It writes, deletes or makes files, objects or keys.
    Writes,
    /// It shows a PIN, a PUK or a key: if that is wrong, a try is spent, and the last one blocks it.
    SpendsTry,
    /// It cannot be undone.
    Irreversible,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "do what nobody here knows",
            Self::UsesKey => "use keys",
            Self::Writes => "write, make or delete files, objects or keys",
            Self::SpendsTry => "spend PIN tries where a PIN is wrong",
            Self::Irreversible => "do what cannot be undone",
        })
    }
}

impl Risk {
    /// The risk of a command; none where it changes nothing.
    #[must_use]
    pub fn of(command: &Shown) -> Option<Self> {
        let bytes: Vec<u8> = command.iter().map(|byte| byte.unwrap_or(0)).collect();
        let [Some(class), Some(ins), Some(p1), Some(_), ref rest @ ..] = command[..] else {
            return Some(Self::Unknown);
        };
        if Class(class).kind() == ClassKind::Other {
            return Some(Self::Unknown);
        }
        let has_data = rest.len() > 1;
        match Ins(ins) {
            Ins::SELECT
            | Ins::READ_BINARY
            | Ins::READ_BINARY_ODD
            | Ins::READ_RECORD
            | Ins::SEARCH_RECORD
            | Ins::GET_DATA
            | Ins::GET_DATA_ODD
            | Ins::GET_RESPONSE
            | Ins::GET_CHALLENGE
            | Ins::MANAGE_CHANNEL => None,
            Ins::VERIFY if !has_data => None,
            Ins::MANAGE_SECURITY_ENVIRONMENT if matches!(p1 & 0x0F, 1 | 3) => None,
            Ins::GENERATE_ASYMMETRIC_KEY_PAIR if matches!(p1, 0x81 | 0x83) => None,
            Ins::PERFORM_SECURITY_OPERATION | Ins::INTERNAL_AUTHENTICATE => Some(Self::UsesKey),
            _ => Some(Self::worst(&bytes)),
        }
    }

    fn worst(bytes: &[u8]) -> Self {
        let tags = tags::of_command(bytes, Status::OK);
        let ins = bytes.get(1).map_or(Ins(0), |ins| Ins(*ins));
        match ins {
            _ if tags.contains(&Tag::Irreversible) => Self::Irreversible,
            Ins::VERIFY
            | Ins::CHANGE_REFERENCE_DATA
            | Ins::RESET_RETRY_COUNTER
            | Ins::ENABLE_VERIFICATION_REQUIREMENT
            | Ins::DISABLE_VERIFICATION_REQUIREMENT
            | Ins::EXTERNAL_AUTHENTICATE => Self::SpendsTry,
            // A chain of these is a write at its end.
            _ if tags.contains(&Tag::Writes) => Self::Writes,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_change_nothing_is_no_risk() {
        for (command, risk) in [
            ("00A40000023F00", None),
            ("00B0000000", None),
            ("00200001", None),
            ("002241B603800111", None),
            ("0046810000", None),
            ("0020000104········", Some(Risk::SpendsTry)),
            ("1020000104········", Some(Risk::SpendsTry)),
            ("002C000104········", Some(Risk::SpendsTry)),
            ("0024010104········", Some(Risk::Irreversible)),
            ("0082000104········", Some(Risk::SpendsTry)),
            ("0022F202", Some(Risk::Writes)),
            ("00D6000001··", Some(Risk::Writes)),
            ("10DB3FFF01··", Some(Risk::Writes)),
            ("00E40000", Some(Risk::Writes)),
            ("00FE0000", Some(Risk::Irreversible)),
            ("0044000002 3F00", Some(Risk::Irreversible)),
            ("002A9E9A01AA", Some(Risk::UsesKey)),
            ("80A40000", Some(Risk::Unknown)),
            ("FFCA000000", Some(Risk::Unknown)),
            ("00870000", Some(Risk::Unknown)),
            ("00", Some(Risk::Unknown)),
            ("00··0000", Some(Risk::Unknown)),
        ] {
            let bytes = card_conformance::report::redact::read(&command.replace(' ', "")).unwrap();
            assert_eq!(Risk::of(&bytes), risk, "{command}");
        }
        for ins in 0..=255 {
            let command = [Some(0), Some(ins), Some(0), Some(0), Some(1), Some(1)].to_vec();
            assert!(Risk::of(&command).is_some() || Ins(ins).name().is_some(), "{ins:02X}");
        }
    }
}
