//! The ISO file system where the suite cannot look: T=0, two channels in each other's way, ENVELOPE byte by byte, images.

use card_os::Preset;
use card_wire::Protocol;

use crate::support::Host;

const EF: &str = "00E00000 0F 620D 820101 83021001 80020010 8800";
const RECORDS: &str = "00E00000 13 6211 82050221000403 83021002 880110 8A0105";

fn iso() -> Host {
    Host::new(&Preset::iso())
}

#[test]
fn after_a_reset_the_master_file_is_selected() {
    let mut host = iso();
    host.expect(EF, "9000");
    host.expect("00D60000 02 ABCD", "9000");
    host.card.reset();
    host.expect("00B0000002", "6986");
    host.expect("00B11001 04 54020000 01", "6700");
    host.expect("00B11001 03 540100 04", "5302ABCD 9000");
    host.expect("00A4000000", "6F0A 820138 83023F00 8A0101 9000");
}

#[test]
fn without_le_data_waits_under_t0_and_is_none_under_t1() {
    let mut host = iso();
    host.expect("00A40000", "9000");
    host.card.power_on(Protocol::T0);
    host.expect("00A40000", "610C");
    host.expect("00C000000C", "6F0A 820138 83023F00 8A0101 9000");
    host.expect("00A4000C", "9000");
    host.expect(EF, "9000");
    host.expect("00040000", "9000");
    // The warning comes with the last of the data.
    host.expect("00A40000 02 1001", "6112");
    host.expect("00C0000004", "6F10 8201 610E");
    host.expect("00C000000E", "01 83021001 80020010 8800 8A0104 6283");
}

#[test]
fn an_envelope_carries_a_command_in_any_pieces() {
    let mut host = iso();
    host.expect(EF, "9000");
    let command = "00D60000 000010 000102030405060708090A0B0C0D0E0F".replace(' ', "");
    let bytes = hex::decode(&command).unwrap();
    for len in 8..=bytes.len() {
        for piece in bytes.chunks(len) {
            let said = host.send(&format!("00C20000 {:02X} {}", piece.len(), hex::encode(piece)));
            assert_eq!(said, "9000");
        }
        host.expect("00B0000002", "0001 9000");
        host.expect("00D60000 02 FFFF", "9000");
    }
    host.expect("00C20000 05 00B0000004 00", "FFFF0203 9000");
    host.expect("00C20000 04 00D60000", "6700");
    host.expect("00C20000 06 00D600000401", "9000");
    host.expect("00C20000", "6700");
    host.expect("00C20000 05 00C2000000", "6700");
    host.expect("00C20000 04 10D60000", "6700");
    host.expect("00C20000 04 00FF0000", "6D00");
    host.expect("00C20100 04 00A4000C", "6A86");
    // Another command in between drops what has come.
    host.expect("00C20000 06 00D600000401", "9000");
    host.expect("00A4000C", "9000");
    host.expect("00C20000 03 010203", "9000");
    host.expect("00C20000", "6700");
}

#[test]
fn a_chain_and_a_waiting_answer_belong_to_one_channel() {
    let mut host = iso();
    host.expect(EF, "9000");
    host.expect("0070000001", "01 9000");
    host.expect("10D60000 02 AAAA", "9000");
    host.expect("01A4000C", "6883");
    host.expect("00D60000 02 BBBB", "9000");
    host.expect("00B0000004", "BBBB0000 9000");
    host.expect("00A4000004", "6F0A8201 6108");
    host.expect("01C0000008", "6985");
    host.expect("00C0000008", "6985");
}

#[test]
fn channels_share_files_and_nothing_else() {
    let mut host = iso();
    host.expect(RECORDS, "9000");
    host.expect("00700002", "9000");
    host.expect("02E20010 04 01020304", "9000");
    host.expect("02E20010 04 05060708", "9000");
    host.expect("00B2000000", "01020304 9000");
    host.expect("02B2000000", "01020304 9000");
    host.expect("02B2000200", "05060708 9000");
    host.expect("00B2000200", "05060708 9000");
    host.expect("00B2000200", "6A83");
    // A file that the other channel deletes is gone here as well, and so is a DF.
    host.expect("02E40000", "9000");
    host.expect("00B2000000", "6986");
    host.expect("00E00000 09 6207 820138 83025001", "9000");
    host.expect("02A4000C 02 5001", "9000");
    host.expect("00A4000C", "9000");
    host.expect("00E40000 02 5001", "9000");
    host.expect("02A40300", "6A82");
    host.expect("0270800000", "6700");
    host.expect("02708000", "9000");
    host.expect("02A4000C", "6881");
}

#[test]
fn a_card_survives_its_image() {
    let mut host = iso();
    for command in [EF, "00D60000 04 01020304", RECORDS, "00E20000 04 AABBCCDD", "00DA0081 02 0102", "00440000"] {
        host.expect(command, "9000");
    }
    let counter = host.send("00CADF2004");
    host.card.power_off();
    host.card.power_on(Protocol::T1);
    host.expect("00CADF2004", &counter);
    host.expect("00CA008102", "0102 9000");
    host.expect("00B2011400", "AABBCCDD 9000");
    host.expect("00B11001 03 54010C 08", "530400000000 6282");
}
