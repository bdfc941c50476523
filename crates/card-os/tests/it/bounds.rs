//! Limits at their exact value, presets of all dialects in a memory, and what cards and errors say of themselves.

use card_os::crypto::rsa::CryptoError;
use card_os::nvm::NvmError;
use card_os::platform::{NoEvents, Parts};
use card_os::preset::{Dialect, Limits, PinPolicy};
use card_os::sim::{SimCard, SimNvm, SoftRsa, seeded_rng};
use card_os::{OpenError, Preset};

use crate::support::{Host, SELECT_AID, SET_PIN, SET_PUK};

fn create(id: u16, kind: u8) -> String {
    format!("00E00000176F1581020010 8201{kind:02X} 8302{id:04X} 8608FF00000000000000")
}

fn host(limits: Limits) -> Host {
    let mut host = Host::new(&Preset { limits, ..Preset::isoapplet() });
    host.send(SELECT_AID);
    host
}

#[test]
fn a_directory_holds_as_many_children_as_the_preset_says() {
    let mut host = host(Limits { df_children: 3, ..Preset::isoapplet().limits });
    for id in 1..=3 {
        host.expect(&create(id, 1), "9000");
    }
    host.expect(&create(4, 1), "6A84");
    host.expect("00E40000020002", "9000");
    host.expect(&create(4, 1), "9000");
}

#[test]
fn a_card_holds_as_many_files_as_the_preset_says() {
    // The master file is one of them.
    let mut host = host(Limits { files: 4, ..Preset::isoapplet().limits });
    host.expect(&create(1, 0x38), "9000");
    for id in 2..=3 {
        host.expect(&create(id, 1), "9000");
    }
    host.expect(&create(4, 1), "6A84");
}

#[test]
fn a_file_is_as_long_as_the_preset_says() {
    let mut host = host(Limits { file_len: 0x200, ..Preset::isoapplet().limits });
    host.expect("00E00000176F1581020201 820101 83021234 8608FF00000000000000", "6A84");
    host.expect("00E00000176F1581020200 820101 83021234 8608FF00000000000000", "9000");
}

#[test]
fn selection_below_a_directory_finds_nothing_beside_it() {
    let mut host = host(Preset::isoapplet().limits);
    host.expect(&create(2, 1), "9000");
    host.expect(&create(1, 0x38), "9000");
    host.expect("00A4020C020002", "6A82");
    host.expect("00A4000C023F00", "9000");
    host.expect("00A4020C020002", "9000");
}

#[test]
fn a_status_word_needs_two_bytes_of_room() {
    let mut host = Host::blank();
    assert_eq!(host.card.transmit(&[0, 0x20, 0, 1], &mut [0; 2]), [0x90, 0x00]);
    assert!(host.card.transmit(&[0, 0x20, 0, 1], &mut [0; 1]).is_empty());
}

#[test]
fn every_dialect_survives_in_a_memory() {
    for dialect in [Dialect::V0, Dialect::V1, Dialect::Auto] {
        let preset = Preset { dialect, ..Preset::certificate() };
        let image = SimCard::from_seed(&preset, 1, SoftRsa).unwrap().nvm().image();
        let parts = Parts { nvm: SimNvm::from_image(&image), rng: seeded_rng(1, 1), rsa: SoftRsa, events: NoEvents };
        assert_eq!(SimCard::open(parts).unwrap().preset(), &preset);
    }
}

#[test]
fn presets_bear_their_names_and_keep_their_bounds() {
    for name in Preset::NAMES {
        let preset = Preset::named(name).unwrap();
        assert_eq!(preset.name, *name);
        for (nvm_len, good) in [(0x5_0000, true), (0x5_0001, false), (8191, false)] {
            assert_eq!(Preset { nvm_len, ..preset.clone() }.check().is_ok(), good, "{nvm_len}");
        }
    }
    // The shortest memory for files of 128 bytes: the pages kept for updates, eight, and one more.
    let small = |pages: u32| Preset {
        nvm_len: 1536 + pages * 128,
        limits: Limits { file_len: 128, ..Preset::isoapplet().limits },
        ..Preset::isoapplet()
    };
    let least = (1..200).find(|pages| small(*pages).check().is_ok()).unwrap();
    assert!(SimCard::from_seed(&small(least), 1, SoftRsa).is_ok());
    assert!((52..60).contains(&least), "{least}");
}

#[test]
fn commits_are_counted_and_refusals_are_not() {
    let mut host = Host::blank();
    let start = host.card.commit_number();
    host.expect(&create(1, 1), "9000");
    host.expect("00D60000021234", "9000");
    assert_eq!(host.card.commit_number(), start + 2);
    host.expect(&create(1, 1), "6984");
    host.expect("00B0000002", "12349000");
    assert_eq!(host.card.commit_number(), start + 2);
}

/// The dialect's RESET RETRY COUNTER takes four bytes at least, whatever the policy allows elsewhere.
#[test]
fn a_short_new_pin_does_not_unblock() {
    let preset = Preset::isoapplet();
    let mut host = Host::new(&Preset { pin: PinPolicy { min: 1, ..preset.pin }, ..preset });
    for (command, answer) in [
        (SELECT_AID, "0006069000"),
        (SET_PUK, "9000"),
        (SET_PIN, "9000"),
        ("002C000113 30313233343536373839616263646566 313233", "6700"),
        ("002C000114 30313233343536373839616263646566 31323334", "9000"),
    ] {
        host.expect(command, answer);
    }
}

#[test]
fn a_card_without_power_says_nothing() {
    let mut card: Box<dyn card_wire::Icc> = Box::new(Host::blank().card);
    assert!(!card.transmit(&[0, 0x20, 0, 1], &mut [0; 258]).is_empty());
    card.power_off();
    assert!(card.transmit(&[0, 0x20, 0, 1], &mut [0; 258]).is_empty());
}

#[test]
fn errors_and_cards_say_what_they_are() {
    let errors = [
        OpenError::NotACard,
        OpenError::Version(9),
        OpenError::Damaged("here"),
        OpenError::BadSize,
        OpenError::BadPreset("rule"),
        OpenError::Medium(NvmError::PowerLoss),
        OpenError::Medium(NvmError::Read),
        OpenError::Medium(NvmError::Write),
    ];
    let crypto = [CryptoError::Unsupported, CryptoError::BadKey, CryptoError::BadInput, CryptoError::Failed];
    let texts: Vec<_> = errors.iter().map(ToString::to_string).chain(crypto.iter().map(ToString::to_string)).collect();
    let distinct: std::collections::BTreeSet<_> = texts.iter().filter(|text| text.len() > 15).collect();
    assert_eq!(distinct.len(), texts.len(), "{texts:?}");
    let mut host = Host::blank();
    assert_eq!(format!("{:?}", host.card), "Card(isoapplet, powered)");
    host.card.power_off();
    assert_eq!(format!("{:?}", host.card), "Card(isoapplet, unpowered)");
    assert_eq!(format!("{:?}", host.card.nvm()), "SimNvm(206336 bytes)");
}

/// The README says how much the small card holds: 64 pages of 128 bytes, whatever else is on it.
#[test]
fn the_small_card_holds_what_the_readme_says() {
    let mut host = Host::new(&Preset::tight());
    host.expect("00A4040C0CF276A288BCFBA69D34F31001", "9000");
    let file = |id: u16, len: u16| format!("00E00000 17 6F158102{len:04X} 820101 8302{id:04X} 8608FF00000000000000");
    // Nineteen pages each with their pointers, then seven.
    for id in 1..=3 {
        host.expect(&file(id, 2048), "9000");
    }
    host.expect(&file(4, 6 * 124), "9000");
    host.expect(&file(5, 1), "6A84");
    host.expect(&file(5, 2049), "6A84");
    // What is there can be rewritten all the same.
    host.expect(&format!("00D60000 FF {}", "5A".repeat(255)), "9000");
    host.expect("00E4000002 0004", "9000");
    host.expect(&file(5, 1), "9000");
}

#[test]
fn the_small_card_takes_short_commands_one_by_one() {
    let mut host = Host::new(&Preset::tight());
    host.expect("00A4040C0CF276A288BCFBA69D34F31001", "9000");
    host.expect("00840000 000008", "6700");
    host.expect("10E00000 02 6F15", "6884");
    host.expect("00840000", "6700");
    host.expect("0070000001", "6881");
}
