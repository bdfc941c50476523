//! What the parameters of a command ask for. The words are those of ISO/IEC 7816; a card may mean something else.

use card_wire::{Command, Ins};

use super::hidden::Bytes;

/// P1, P2, data and Le in words.
pub(super) fn say(command: &Command<'_>, data: &Bytes) -> String {
    let mut words = super::class(command.cla);
    let about = about(command, data);
    if !about.is_empty() {
        words.insert(0, about);
    }
    if data.len() > 0 {
        words.push(format!("{} of data", bytes(data.len())));
    }
    match command.ne {
        0 => {}
        256 | 65_536 => words.push("any answer length".to_owned()),
        ne => words.push(format!("asks for {}", bytes(ne))),
    }
    words.join(", ")
}

/// So many bytes, in words.
pub(super) fn bytes(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

fn about(command: &Command<'_>, data: &Bytes) -> String {
    let (p1, p2) = (command.p1, command.p2);
    match command.ins {
        Ins::SELECT => select(p1, p2, data),
        Ins::READ_BINARY | Ins::WRITE_BINARY | Ins::UPDATE_BINARY | Ins::ERASE_BINARY => binary(p1, p2),
        Ins::READ_BINARY_ODD | Ins::WRITE_BINARY_ODD | Ins::UPDATE_BINARY_ODD | Ins::ERASE_BINARY_ODD => {
            format!("file {}, offset in the data", file(command.p1p2()))
        }
        Ins::READ_RECORD | Ins::WRITE_RECORD | Ins::UPDATE_RECORD | Ins::APPEND_RECORD | Ins::SEARCH_RECORD => {
            record(p1, p2)
        }
        Ins::VERIFY
        | Ins::CHANGE_REFERENCE_DATA
        | Ins::RESET_RETRY_COUNTER
        | Ins::ENABLE_VERIFICATION_REQUIREMENT
        | Ins::DISABLE_VERIFICATION_REQUIREMENT => pin(command.ins, p1, p2, data),
        Ins::MANAGE_SECURITY_ENVIRONMENT => environment(p1, p2),
        Ins::PERFORM_SECURITY_OPERATION => operation(p1, p2),
        Ins::GENERATE_ASYMMETRIC_KEY_PAIR => generate(p1, p2),
        Ins::GET_DATA | Ins::GET_DATA_ODD | Ins::PUT_DATA | Ins::PUT_DATA_ODD => match command.p1p2() {
            0x3FFF => "object named in the data, current DF".to_owned(),
            0x00FF => "all objects".to_owned(),
            tag @ 0..0x100 => format!("object {tag:02X}"),
            tag => format!("object {tag:04X}"),
        },
        Ins::GET_CHALLENGE if p1 == 0 && p2 == 0 => "random bytes".to_owned(),
        Ins::GET_RESPONSE if p1 == 0 && p2 == 0 => "the rest of the answer".to_owned(),
        Ins::ENVELOPE if p1 == 0 && p2 == 0 => "carries a command".to_owned(),
        Ins::MANAGE_CHANNEL => channel(p1, p2),
        Ins::EXTERNAL_AUTHENTICATE | Ins::INTERNAL_AUTHENTICATE => {
            format!("algorithm {p1:02X}, key {}", reference(p2))
        }
        Ins::DELETE_FILE | Ins::ACTIVATE_FILE | Ins::DEACTIVATE_FILE | Ins::TERMINATE_DF | Ins::TERMINATE_EF
            if data.len() == 0 && p1 == 0 =>
        {
            "the current file".to_owned()
        }
        Ins::DELETE_FILE | Ins::ACTIVATE_FILE | Ins::DEACTIVATE_FILE | Ins::TERMINATE_DF | Ins::TERMINATE_EF => {
            format!("file {data}")
        }
        _ if p1 == 0 && p2 == 0 => String::new(),
        _ => format!("P1 {p1:02X}, P2 {p2:02X}"),
    }
}

fn file(fid: u16) -> String {
    match fid {
        0x0000 => "current".to_owned(),
        0x3F00 => "MF".to_owned(),
        0x0001..=0x001E => format!("SFI {fid}"),
        fid => format!("{fid:04X}"),
    }
}

fn select(p1: u8, p2: u8, data: &Bytes) -> String {
    let what = match p1 {
        0x00 if data.len() == 0 => "MF".to_owned(),
        0x00 => format!("file {data}"),
        0x01 => format!("DF {data} under the current DF"),
        0x02 => format!("EF {data} under the current DF"),
        0x03 => "parent DF".to_owned(),
        0x04 => format!("by name {data}"),
        0x08 => format!("path {data} from the MF"),
        0x09 => format!("path {data} from the current DF"),
        p1 => format!("P1 {p1:02X}"),
    };
    let which = match p2 & 0x03 {
        0 => "",
        1 => ", last",
        2 => ", next",
        _ => ", previous",
    };
    let form = match p2 & 0xFC {
        0x00 => "answer FCI",
        0x04 => "answer FCP",
        0x08 => "answer FMD",
        0x0C => "no answer data",
        _ => return format!("{what}, P2 {p2:02X}"),
    };
    format!("{what}{which}, {form}")
}

fn binary(p1: u8, p2: u8) -> String {
    if p1 & 0x80 != 0 {
        return format!("SFI {}, offset {p2}", p1 & 0x1F);
    }
    format!("offset {}", u16::from_be_bytes([p1, p2]))
}

fn record(p1: u8, p2: u8) -> String {
    let file = match p2 >> 3 {
        0 => "current EF".to_owned(),
        sfi => format!("SFI {sfi}"),
    };
    let which = match (p2 & 0x07, p1) {
        (4, 0) => "current record".to_owned(),
        (4, number) => format!("record {number}"),
        (5, number) => format!("records from {number}"),
        (6, number) => format!("records from the last to {number}"),
        (0, _) => "first record".to_owned(),
        (1, _) => "last record".to_owned(),
        (2, _) => "next record".to_owned(),
        (3, _) => "previous record".to_owned(),
        (mode, number) => format!("P1 {number:02X}, mode {mode}"),
    };
    format!("{which}, {file}")
}

fn reference(p2: u8) -> String {
    match p2 {
        0 => "implied".to_owned(),
        p2 if p2 & 0x80 != 0 => format!("{} of the DF", p2 & 0x1F),
        p2 => format!("{}", p2 & 0x1F),
    }
}

fn pin(ins: Ins, p1: u8, p2: u8, data: &Bytes) -> String {
    let reference = reference(p2);
    let act = match (ins, p1, data.len()) {
        (Ins::VERIFY, 0x00, 0) => "asks whether the PIN is needed and how many tries are left",
        (Ins::VERIFY, 0xFF, 0) => "takes the verification back",
        (Ins::VERIFY, 0x00, _) => "PIN",
        (Ins::CHANGE_REFERENCE_DATA | Ins::RESET_RETRY_COUNTER, _, 0) => "nothing sent",
        (Ins::CHANGE_REFERENCE_DATA, 0x00, _) => "old and new PIN",
        (Ins::CHANGE_REFERENCE_DATA, 0x01, _) => "new PIN",
        (Ins::RESET_RETRY_COUNTER, 0x00, _) => "PUK and new PIN",
        (Ins::RESET_RETRY_COUNTER, 0x01, _) => "PUK",
        (Ins::RESET_RETRY_COUNTER, 0x02, _) => "new PIN",
        (Ins::ENABLE_VERIFICATION_REQUIREMENT | Ins::DISABLE_VERIFICATION_REQUIREMENT, 0x00, _) => "with the PIN",
        (Ins::ENABLE_VERIFICATION_REQUIREMENT | Ins::DISABLE_VERIFICATION_REQUIREMENT, 0x01, _) => "without the PIN",
        _ => return format!("P1 {p1:02X}, reference {reference}"),
    };
    format!("reference {reference}, {act}")
}

fn environment(p1: u8, p2: u8) -> String {
    let act = match p1 & 0x0F {
        1 => "set",
        2 => "store",
        3 => "restore",
        4 => "erase",
        _ => return format!("P1 {p1:02X}, P2 {p2:02X}"),
    };
    let usage = match (p1 & 0x0F, p1 & 0xF0) {
        (1, 0x40) => " for computing and deciphering",
        (1, 0x80) => " for verifying and enciphering",
        (1, 0xC0) => " for both ways",
        _ => "",
    };
    let template = match (p1 & 0x0F, p2) {
        (1, 0xA4) => "authentication".to_owned(),
        (1, 0xA6) => "key agreement".to_owned(),
        (1, 0xAA) => "hash".to_owned(),
        (1, 0xB4) => "checksum".to_owned(),
        (1, 0xB6) => "signature".to_owned(),
        (1, 0xB8) => "confidentiality".to_owned(),
        (1, p2) => format!("template {p2:02X}"),
        (_, p2) => format!("environment {p2}"),
    };
    format!("{act} {template}{usage}")
}

/// What PERFORM SECURITY OPERATION is to do.
pub(super) fn operation(p1: u8, p2: u8) -> String {
    match (p1, p2) {
        (0x9E, 0x9A) => "compute a signature".to_owned(),
        (0x80, 0x86) => "decipher".to_owned(),
        (0x86, 0x80) => "encipher".to_owned(),
        (0x90, 0x80 | 0xA0) => "hash".to_owned(),
        (0x00, 0xA2) => "verify a checksum".to_owned(),
        (0x00, 0xA8) => "verify a signature".to_owned(),
        (0x00, 0xAE | 0xBE | 0x92) => "verify a certificate".to_owned(),
        (0x8E, 0x80) => "compute a checksum".to_owned(),
        _ => format!("answer {p1:02X}, data {p2:02X}"),
    }
}

fn generate(p1: u8, p2: u8) -> String {
    let act = match p1 & 0x07 {
        0x00 | 0x02 => "new key pair",
        0x01 | 0x03 => "public key of the existing pair",
        0x04 => "new key pair, no answer data",
        _ => "key pair",
    };
    let key = if p2 == 0 { String::new() } else { format!(", key {}", reference(p2)) };
    format!("{act}{key}")
}

fn channel(p1: u8, p2: u8) -> String {
    match (p1, p2) {
        (0x00, 0x00) => "open the next free channel".to_owned(),
        (0x00, number) => format!("open channel {number}"),
        (0x80, 0x00) => "close this channel".to_owned(),
        (0x80, number) => format!("close channel {number}"),
        _ => format!("P1 {p1:02X}, P2 {p2:02X}"),
    }
}
