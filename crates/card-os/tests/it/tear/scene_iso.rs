//! The flows of the ISO file system that are torn, and what a host sees of such a card.

use card_os::Preset;

use super::scene::{Flow, Step, delete, import, ok, says, select, small, tries, update};

/// The small card without an applet.
fn small_iso() -> Preset {
    let limits = small().limits;
    Preset { name: "small-iso".to_owned(), nvm_len: small().nvm_len, limits, ..Preset::iso() }
}

/// CREATE FILE with these control parameters.
fn create(parameters: &str) -> Step {
    let digits = parameters.replace(' ', "");
    let len = digits.len() / 2;
    ok(&format!("00E00000 {:02X} 62 {len:02X} {digits}", len + 2))
}

fn append(record: &str) -> Step {
    ok(&format!("00E20000 {:02X} {record}", record.len() / 2))
}

/// UPDATE RECORD by number.
fn put(number: u8, record: &str) -> Step {
    ok(&format!("00DC{number:02X}04 {:02X} {record}", record.len() / 2))
}

/// Identifiers of all files in all flows.
const FILES: [u16; 10] = [0x1001, 0x1002, 0x1003, 0x1004, 0x1005, 0x5001, 0x0001, 0x0002, 0x0003, 0x0004];

fn records() -> Vec<Step> {
    let long = "A5".repeat(200);
    let longer = "5A".repeat(220);
    let mut steps =
        vec![create("8205 0221 0004 03 8302 1001"), append("01020304"), append("05060708"), put(1, "11121314")];
    steps.extend([append("090A0B0C"), Step { status: "6A84", ..append("0D0E0F10") }]);
    // Records that lie across pages, and some that all move when one grows.
    steps.extend([create("8205 0421 00DC 08 8002 0400 8302 1002"), append(&long), append("0102"), append(&long)]);
    steps.extend([put(1, &longer), put(2, "AA"), put(3, "BB"), ok("00D20204 01 CC")]);
    steps.extend([create("8205 0621 0064 03 8302 1003")]);
    steps.extend(["11", "22", "33", "44"].map(|byte| append(&byte.repeat(100))));
    steps.extend([put(2, &"55".repeat(100)), ok(&format!("00DC0003 64 {}", "66".repeat(100)))]);
    steps.extend([delete(0x1002), delete(0x1001)]);
    steps
}

fn objects() -> Vec<Step> {
    let mut steps = vec![create("820138 83025001 8405 A000000001"), ok("00DA0081 04 01020304"), ok("00DA0081 02 0506")];
    steps.extend([
        ok(&format!("00DA5F50 00012C {}", "77".repeat(300))),
        ok(&format!("00DA5F50 64 {}", "88".repeat(100))),
    ]);
    steps.extend([create("820101 83021001 80020064"), update(0, 100, 1), ok("000E0032"), ok("00D00000 02 0A0B")]);
    steps.extend([ok("00040000"), says("00B0000000", "6985"), ok("00440000"), ok("00E80000 02 1001"), delete(0x1001)]);
    steps.extend([create("820108 83020003 A509 800103 810101 8201 E1"), ok("002241B6 06 800121 840101")]);
    steps.extend([ok("0022F203"), ok("0022F204"), ok("0022F403"), ok("00E40000 02 0003")]);
    steps.extend([select(0x3F00), ok("00040000 02 5001"), delete(0x5001)]);
    steps.extend([create("820138 83023F00 8A0101 8C02 02 90"), ok("00440000"), ok("00DA0081 01 01"), ok("00FE0000")]);
    // The rule of the master file allows no more than it mentions.
    steps.truncate(steps.len() - 2);
    steps.push(says("00DA0081 01 01", "6982"));
    steps
}

const VERIFY: &str = "00200001 04 31323334";
const VERIFY_WRONG: &str = "00200001 04 39393939";
const CHANGE: &str = "00240001 09 31323334 3534333231";
const CHANGE_WRONG: &str = "00240001 09 39393939 3534333231";
const UNBLOCK: &str = "002C0001 0C 3132333435363738 31323334";
const UNBLOCK_WRONG: &str = "002C0001 0C 3939393939393939 31323334";

/// PIN 1 and its resetting PIN 2.
fn make_pins() -> Vec<Step> {
    vec![
        create("820108 83020002 A50B 800101 810102 8203 080805"),
        ok("00240102 08 3132333435363738"),
        create("820108 83020001 8C0446000092 A511 800101 810101 8203 040803 830102 840101"),
        ok("00240101 04 31323334"),
    ]
}

fn pins() -> Vec<Step> {
    let wrong = |status| says(VERIFY_WRONG, status);
    let mut steps = make_pins();
    steps.extend([tries(VERIFY, VERIFY_WRONG), wrong("63C2"), tries(VERIFY, VERIFY_WRONG)]);
    steps.extend([wrong("63C2"), wrong("63C1"), wrong("63C0"), says(VERIFY, "6983")]);
    steps.extend([says(UNBLOCK_WRONG, "63C4"), tries(UNBLOCK, UNBLOCK_WRONG)]);
    steps.extend([says(CHANGE_WRONG, "63C2"), tries(CHANGE, CHANGE_WRONG), tries(UNBLOCK, UNBLOCK_WRONG)]);
    steps.extend([tries("002C0101 08 3132333435363738", "002C0101 08 3939393939393939")]);
    steps.extend([tries("00260001 04 31323334", "00260001 04 39393939")]);
    steps.extend([tries("00280001 04 31323334", "00280001 04 39393939"), tries(VERIFY, VERIFY_WRONG), delete(0x0001)]);
    steps
}

fn keys() -> Vec<Step> {
    let mut steps = vec![create("820108 83020003 A509 800103 810101 8201 E1"), ok("002241B6 06 800121 840101")];
    steps.extend([ok("00460000 000000"), ok("00460000 000000"), import("p256-import")]);
    steps.extend([create("820108 83020004 A509 800103 810102 8201 F3"), ok("002241B6 06 800111 840102")]);
    steps.extend([import("rsa2048-import"), ok("00460000 000000"), delete(0x0003), delete(0x0004)]);
    steps
}

/// All flows of the ISO file system.
pub(crate) fn flows() -> Vec<Flow> {
    let flow = |name, steps| Flow { name, steps, from: 0, preset: small_iso };
    vec![
        flow("records", records()),
        flow("objects and life cycles", objects()),
        flow("several PINs", pins()),
        flow("key files", keys()),
    ]
}

/// Everything that a host sees after a reset.
pub(crate) fn look(mut send: impl FnMut(&str) -> Vec<u8>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut ask = |command: &str| seen.push(hex::encode_upper(send(command)));
    let mut places = vec!["00A40000 02 3F00 00".to_owned()];
    places.push("00A40800 02 5001 00".to_owned());
    for place in places {
        ask(&place);
        for id in FILES {
            ask(&format!("00A40000 02 {id:04X} 00"));
            ask("00B00000 000000");
            ask("00B20105 000000");
        }
        for object in ["00CA0081 000000", "00CA5F50 000000", "0022F303", "0022F304"] {
            ask(object);
        }
    }
    ask("00CADF20 00");
    ask("00A40000 02 3F00 00");
    for (slot, algorithm) in [(1, "21"), (2, "11")] {
        ask(&format!("002241B6 06 8001{algorithm} 8401{slot:02X}"));
        ask("00468100 000000");
        ask("002A9E9A 000003 010203 0000");
    }
    for pin in ["0020000100", "0020000200", VERIFY_WRONG, "00200001 05 3534333231", VERIFY] {
        ask(pin);
    }
    ask(UNBLOCK_WRONG);
    seen
}
