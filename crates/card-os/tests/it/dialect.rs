//! The dialect's files, PINs and transfer rules. The conformance suite has the full list; here is what a broken
//! build should trip over first.

use card_os::Preset;
use card_os::sim::{SimCard, SoftRsa};

use crate::support::{Host, SELECT_AID, SELECT_AID_V1, SET_PIN, SET_PUK, VERIFY, VERIFY_WRONG};

const CREATE_5015: &str = "00E00000176F1581021388820138830250158608FF00000000000090";
const CREATE_4401: &str = "00E00000176F1581020100820101830244018608FF90909090909000";

#[test]
fn before_selection_there_is_only_select() {
    let mut host = Host::new(&Preset::isoapplet());
    host.expect("00B0000000", "6D00");
    host.expect("00A40400 06 A00000000101", "6A82");
    host.expect("00A40000023F0000", "6A82");
    host.expect("80A4000000", "6E00");
    host.expect(SELECT_AID, "0006069000");
}

#[test]
fn the_version_follows_the_host() {
    let mut host = Host::new(&Preset::isoapplet());
    host.expect(SELECT_AID_V1, "9000");
    host.expect("00CA010103", "01002E9000");
    host.expect("00CADF3005", "6A86");
    host.expect("00A404000CF276A288BCFBA69D34F31001", "0006069000");
}

#[test]
fn a_personalisation_by_hand() {
    let mut host = Host::blank();
    host.expect("00A4080004 50154946 00", "6A82");
    host.expect("00A40000023F0000", "6F07820138 83023F00 9000");
    host.expect(CREATE_5015, "9000");
    host.expect("00A4080002501500", "6F1581021388820138830250158608FF000000000000909000");
    host.expect(SET_PUK, "9000");
    host.expect(SET_PIN, "9000");
    host.expect(CREATE_4401, "9000");
    host.expect(CREATE_4401, "6984");
    host.expect("00D6000003AABBCC", "9000");
    host.expect("00B0000004", "AABBCC00 9000");
    host.expect("00B000FE10", "0000 9000");
    host.expect("00B0010010", "6B00");
    host.expect("00D600FF020102", "6B00");
    host.expect(SELECT_AID, "0006069000");
    host.expect("00A408000450154401 00", "6F1581020100820101830244018608FF909090909090009000");
    host.expect("00D6000003AABBCC", "6982");
    host.expect(VERIFY, "9000");
    host.expect("00D6000003DDBBCC", "9000");
    host.expect("00E40000024401", "9000");
    host.expect("00A408000450154401 00", "6A82");
    host.expect("00E40000025015", "9000");
    host.expect("00A4080002501500", "6A82");
}

#[test]
fn large_files_are_read_and_written_in_pieces() {
    let mut host = Host::blank();
    host.expect("00E00000 17 6F158102 8000 820101 83021234 8608FF00000000000000", "9000");
    let mut content = Vec::new();
    for offset in (0..0x8000usize).step_by(255) {
        let len = 255.min(0x8000 - offset);
        let data: Vec<u8> = (0..len).map(|n| u8::try_from((offset + n) % 251).unwrap()).collect();
        let offset = u16::try_from(offset).unwrap().to_be_bytes();
        let mut command = vec![0, 0xD6, offset[0], offset[1], u8::try_from(len).unwrap()];
        command.extend_from_slice(&data);
        assert_eq!(host.send_bytes(&command), [0x90, 0]);
        content.extend_from_slice(&data);
    }
    let answer = host.send_bytes(&[0, 0xB0, 0, 0, 0, 0, 0]);
    assert_eq!(answer.len(), 0x8002);
    assert_eq!(answer[..0x8000], content);
}

#[test]
fn the_pin_locks_and_the_puk_unlocks() {
    let mut host = Host::verified();
    for answer in ["63C2", "63C1", "63C0", "63C0"] {
        host.expect(VERIFY_WRONG, answer);
    }
    host.expect(VERIFY, "63C0");
    host.expect("0020000100", "63C0");
    host.expect("002C000120 30313233343536373839616263646566 36353433323100000000000000000000", "9000");
    host.expect("00200001 06 363534333231", "9000");
    let mut host = Host::new(&Preset::certificate());
    for command in [SET_PUK, SET_PIN] {
        host.send(SELECT_AID);
        host.expect(command, "9000");
    }
    for answer in ["63C2", "63C1", "63C0", "6983"] {
        host.expect(VERIFY_WRONG, answer);
    }
    host.expect(VERIFY, "6983");
}

#[test]
fn chains_and_long_answers() {
    let mut host = Host::verified();
    host.expect("10D6000001AA", "9000");
    host.expect("00B0000001", "6883");
    host.expect("00C0000000", "6985");
    let (challenge, status) = host.send_all("0084000000 0200");
    assert_eq!((challenge.len(), status.as_str()), (512, "9000"));
    let mut small = [0; 258];
    let answer = host.card.transmit(&[0, 0x84, 0, 0, 0, 2, 0], &mut small).to_vec();
    assert_eq!((answer.len(), &answer[256..]), (258, &[0x61, 0x00][..]));
    host.expect("1084000000", "6700");
}

#[test]
fn a_fork_lives_its_own_life() {
    let mut host = Host::verified();
    let mut fork = Host { card: host.card.fork() };
    fork.expect(CREATE_5015, "9000");
    host.expect("00A4080002501500", "6A82");
    let challenge = host.send("0084000010");
    assert_eq!(fork.send("0084000010"), challenge, "a fork draws the same randomness");
}

/// Sixteen levels below the master file, and the way back up once the deepest is gone.
#[test]
fn files_lie_as_deep_as_the_preset_says() {
    let mut host = Host::verified();
    let create = |id: u16, kind: u8| format!("00E00000176F1581020010 8201{kind:02X} 8302{id:04X} 8608FF00000000000000");
    for level in 1..=16 {
        host.expect(&create(0x5000 + level, 0x38), "9000");
    }
    for kind in [0x38, 0x01] {
        host.expect(&create(0x5011, kind), "6A84");
    }
    host.expect("00E40000025010", "9000");
    host.expect(&create(0x5011, 0x01), "9000");
    host.expect("00E40000025001", "9000");
    host.expect("00A40000025011", "6A82");
}

#[test]
fn any_command_gets_a_well_formed_answer() {
    proptest::proptest!(|(commands in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40), 0..40))| {
        let mut host = Host::verified();
        for command in commands {
            let answer = host.send_bytes(&command);
            proptest::prop_assert!(answer.len() >= 2);
            proptest::prop_assert!(matches!(answer[answer.len() - 2], 0x61..=0x6F | 0x90));
        }
    });
}

#[test]
fn a_card_can_move_to_another_thread() {
    let card: Box<dyn card_wire::Icc> = Box::new(SimCard::from_seed(&Preset::isoapplet(), 1, SoftRsa).unwrap());
    let atr = std::thread::spawn(move || {
        let mut card = card;
        card.power_on(card_wire::Protocol::T1).to_vec()
    });
    assert_eq!(atr.join().unwrap(), [0x3B, 0x80, 0x80, 0x01, 0x01]);
}
