//! The flows that are torn: what a card is put through, from a blank one on, on a small card whose memory is quick to
//! read whole.

use card_os::Preset;
use card_os::preset::Limits;

use crate::support::{SELECT_AID, SET_PIN, SET_PUK, VERIFY, VERIFY_WRONG};

/// One command, what it must be answered, and the same with a wrong PIN or PUK where a try is spent first.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) command: Vec<u8>,
    pub(crate) status: &'static str,
    pub(crate) wrong: Option<Vec<u8>>,
}

/// A life of a card.
#[derive(Clone)]
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    /// Steps in front of this one only prepare; they are torn in another flow.
    pub(crate) from: usize,
    /// The card.
    pub(crate) preset: fn() -> Preset,
}

/// A card of 160 pages, enough for RSA keys and files of all three forms.
pub(crate) fn small() -> Preset {
    let limits = Limits { files: 64, depth: 4, df_children: 30, file_len: 2048, ..Preset::isoapplet().limits };
    Preset { name: "small".to_owned(), nvm_len: 1536 + 160 * 128, limits, ..Preset::isoapplet() }
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace([' ', '\n'], "")).unwrap()
}

pub(crate) fn says(command: &str, status: &'static str) -> Step {
    Step { command: bytes(command), status, wrong: None }
}

pub(crate) fn ok(command: &str) -> Step {
    says(command, "9000")
}

pub(crate) fn tries(command: &str, wrong: &str) -> Step {
    Step { wrong: Some(bytes(wrong)), ..ok(command) }
}

/// Identifiers of all files in all flows.
pub(crate) const FILES: [u16; 14] =
    [0x5015, 0x5031, 0x5032, 0x4401, 0x4402, 0x4403, 0x5100, 0x5101, 0x5102, 0x6000, 0x6001, 0x6002, 0x6003, 0x6004];

fn ef(id: u16, len: u16) -> Step {
    ok(&format!("00E00000 17 6F158102 {len:04X} 820101 8302{id:04X} 8608FF00000000000000"))
}

fn df(id: u16) -> Step {
    ok(&format!("00E00000 10 6F0E 820138 8302{id:04X} 8405 A0000000{:02X}", id % 256))
}

/// UPDATE BINARY with bytes that are different at each place and in each call.
pub(crate) fn update(offset: u16, len: u16, salt: u16) -> Step {
    let data: String =
        (0..len).map(|at| format!("{:02X}", (at ^ (at >> 8).wrapping_mul(37) ^ salt) % 251 + 1)).collect();
    ok(&format!("00D6{offset:04X} 00{len:04X} {data}"))
}

pub(crate) fn select(id: u16) -> Step {
    ok(&format!("00A4000C02{id:04X}"))
}

pub(crate) fn delete(id: u16) -> Step {
    ok(&format!("00E4000002{id:04X}"))
}

pub(crate) fn value(name: &str) -> Vec<u8> {
    let keys = include_str!("../../../../../fixtures/conformance/_keys.toml");
    let (_, rest) = keys.split_once(&format!("\n{name} = \"\"\"")).unwrap();
    bytes(rest.split_once("\"\"\"").unwrap().0)
}

pub(crate) fn import(name: &str) -> Step {
    let data = value(name);
    ok(&format!("00DB3FFF 00{:04X} {}", data.len(), hex::encode(data)))
}

fn generate_ec() -> Step {
    let parameters = value("p256-params");
    ok(&format!("00460000 00{:04X} {} 0000", parameters.len(), hex::encode(parameters)))
}

fn slot(algorithm: u8, slot: u8) -> Step {
    ok(&format!("00224100 06 8001{algorithm:02X} 8401{slot:02X}"))
}

const GENERATE_RSA: &str = "00464200 000000";
const RSA_2048: u8 = 0xF3;
const CURVE: u8 = 0xEC;

const CHANGE: &str = "00240001 20 31323334353600000000000000000000 36353433323100000000000000000000";
const CHANGE_WRONG: &str = "00240001 20 39393939393900000000000000000000 36353433323100000000000000000000";
const UNBLOCK: &str = "002C0001 20 30313233343536373839616263646566 31323334353600000000000000000000";
const UNBLOCK_WRONG: &str = "002C0001 20 30303030303030303030303030303030 31323334353600000000000000000000";

/// What comes before all but the first flow.
fn with_pin() -> Vec<Step> {
    vec![ok(SELECT_AID), ok(SET_PUK), ok(SET_PIN), tries(VERIFY, VERIFY_WRONG)]
}

fn flow(name: &'static str, steps: Vec<Step>) -> Flow {
    let steps = [with_pin(), steps].concat();
    Flow { name, steps, from: 4, preset: small }
}

fn personalise() -> Flow {
    let mut steps =
        vec![ok(SELECT_AID), df(0x5015), ef(0x5031, 40), update(0, 40, 1), ef(0x5032, 300), update(0, 300, 2)];
    steps.extend([ef(0x4401, 1500), update(0, 1500, 3), ef(0x6000, 200), update(0, 200, 9), update(50, 9, 10)]);
    steps.extend([ok(SET_PUK), ok(SET_PIN), tries(VERIFY, VERIFY_WRONG)]);
    Flow { name: "personalise", steps, from: 0, preset: small }
}

fn first_keys() -> Flow {
    flow("first keys", vec![slot(CURVE, 0), generate_ec(), slot(RSA_2048, 1), ok(GENERATE_RSA)])
}

fn pins() -> Flow {
    let wrong = |status| says(VERIFY_WRONG, status);
    let steps = vec![
        wrong("63C2"),
        tries(VERIFY, VERIFY_WRONG),
        wrong("63C2"),
        wrong("63C1"),
        tries(VERIFY, VERIFY_WRONG),
        wrong("63C2"),
        wrong("63C1"),
        wrong("63C0"),
        says(VERIFY, "63C0"),
        says(UNBLOCK_WRONG, "63C4"),
        tries(UNBLOCK, UNBLOCK_WRONG),
        says(CHANGE_WRONG, "63C2"),
        tries(CHANGE, CHANGE_WRONG),
        says(VERIFY, "63C2"),
        tries(UNBLOCK, UNBLOCK_WRONG),
        tries(VERIFY, VERIFY_WRONG),
    ];
    flow("PIN block and unblock", steps)
}

fn deletions() -> Flow {
    let mut steps = vec![df(0x5100), ef(0x5101, 200), update(0, 200, 4), ef(0x5102, 20), update(0, 20, 5)];
    steps.extend([select(0x3F00), ef(0x4401, 30), update(0, 30, 6), delete(0x4401)]);
    steps.extend([ef(0x4402, 300), update(0, 300, 7), delete(0x4402)]);
    steps.extend([ef(0x4403, 1200), update(0, 1200, 8), delete(0x4403), delete(0x5100)]);
    flow("deletions", steps)
}

fn replaced_keys() -> Flow {
    let steps = vec![
        slot(CURVE, 0),
        import("p256-import"),
        import("p384-import"),
        generate_ec(),
        slot(RSA_2048, 0),
        import("rsa2048-import"),
        ok(GENERATE_RSA),
        slot(CURVE, 0),
        import("p256-import"),
    ];
    flow("import and replacement of keys", steps)
}

fn updates() -> Flow {
    let mut steps = vec![ef(0x5031, 40), update(7, 1, 10), update(0, 40, 11), ef(0x5032, 300), update(200, 1, 12)];
    steps.extend([
        update(120, 8, 13),
        update(0, 300, 14),
        ef(0x4401, 1500),
        update(1300, 2, 15),
        update(100, 1100, 16),
    ]);
    steps.extend([update(1239, 3, 17), update(0, 1500, 18)]);
    flow("updates of all forms", steps)
}

fn full() -> Flow {
    let mut steps: Vec<Step> = (0x6000..0x6006).map(|id| ef(id, 2048)).collect();
    steps.extend([ef(0x4402, 1400), ef(0x5031, 200)]);
    steps.push(Step { status: "6A84", ..ef(0x4403, 600) });
    let from = 4 + 6;
    steps.extend([select(0x6000), update(0, 2048, 19), update(0, 2048, 20), slot(CURVE, 0)]);
    steps.extend([Step { status: "6A84", ..generate_ec() }, delete(0x6000), ef(0x6000, 2048), update(2040, 8, 21)]);
    Flow { from, ..flow("a full memory", steps) }
}

/// All flows of the dialect.
pub(crate) fn flows() -> Vec<Flow> {
    vec![personalise(), first_keys(), pins(), deletions(), replaced_keys(), updates(), full()]
}
