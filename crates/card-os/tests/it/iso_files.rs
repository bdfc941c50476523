//! The ISO file system where the suite cannot look: T=0, two channels in each other's way, ENVELOPE byte by byte, images.

use card_os::Preset;
use card_wire::Protocol;

use crate::support::Host;

const EF: &str = "00E00000 0F 620D 820101 83021001 80020010 8800";
const RECORDS: &str = "00E00000 13 6211 82050221000403 83021002 880110 8A0105";

fn iso() -> Host {
    Host::new(&Preset::iso())
}

/// CREATE FILE with these control parameters.
fn create(parameters: &str) -> String {
    let digits = parameters.replace(' ', "");
    let len = digits.len() / 2;
    format!("00E00000 {:02X} 62 {len:02X} {digits}", len + 2)
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

/// A command in an ENVELOPE for each piece of 255 bytes, and the answer to the last.
fn envelop(host: &mut Host, command: &str) -> String {
    let bytes = hex::decode(command.replace(' ', "")).unwrap();
    let mut pieces: Vec<&[u8]> = bytes.chunks(255).collect();
    if bytes.len().is_multiple_of(255) {
        pieces.push(&[]);
    }
    let mut said = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let data = if piece.is_empty() { String::new() } else { format!("{:02X}{}", piece.len(), hex::encode(piece)) };
        said = host.send(&format!("00C20000 {data} 00"));
        assert!(at + 1 == pieces.len() || said == "9000", "piece {at} of {}: {said}", pieces.len());
    }
    said
}

#[test]
fn an_envelope_carries_a_command_of_any_length() {
    let mut host = iso();
    host.expect("00E00000 0F 620D 820101 83021001 80020400 8800", "9000");
    // Whatever stands at the end of a piece, no beginning of a command is executed.
    for len in (1..20).chain(240..260).chain(490..520).chain([765, 1000]) {
        let data = "5A".repeat(len);
        assert_eq!(envelop(&mut host, &format!("00D60000 00{len:04X} {data}")), "9000", "{len}");
        host.expect(&format!("00B00000 00{len:04X}"), &format!("{data} 9000"));
        assert_eq!(envelop(&mut host, &format!("002A9080 00{len:04X} {data} 0000")).len(), 2 * 34, "{len}");
        host.expect("00D60000 02 FFFF", "9000");
    }
    host.expect("00C20000 05 00B0000004 00", "FFFF5A5A 9000");
    for whole_or_nothing in ["00D60000", "00D600000401", "00A4", "00C2000000", "10D60000"] {
        let len = whole_or_nothing.len() / 2;
        host.expect(&format!("00C20000 {len:02X} {whole_or_nothing}"), "6700");
    }
    host.expect("00C20000", "6700");
    host.expect("00C20000 04 00FF0000", "6D00");
    host.expect("00C20000 04 FFFF0000", "6E00");
    host.expect("00C20100 04 00A4000C", "6A86");
    // Another command in between drops what has come.
    host.expect(&format!("00C20000 FF 00D60000 000100 {}", "11".repeat(248)), "9000");
    host.expect("00A4000C", "9000");
    host.expect(&format!("00C20000 08 {}", "11".repeat(8)), "6700");
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

#[test]
fn who_may_create_in_a_df_redefines_nothing_from_above() {
    let mut host = iso();
    // PIN 1 and the rules of the master file: reading with PIN 1, by compact form, by reference and by template.
    host.expect(&create("820108 83020001 8800 A50B 800101 810101 8203040803"), "9000");
    host.expect("00240101 04 31323334", "9000");
    host.expect(&create("8205042100100A 83022F06 80020040 8800"), "9000");
    host.expect("00E20000 06 800101 9E0111", "9000");
    host.expect("00E00000 09 6207 820138 83025000", "9000");
    for (id, rule) in [("5001", "8C020111"), ("5002", "8B0101"), ("5003", "AB08 800101 A403 830101")] {
        host.expect(&create(&format!("820101 8302{id} 80020004 8800 {rule}")), "9000");
    }
    // The same number and the same identifier again, in the DF: whoever made them knows the PIN.
    host.expect(&create("820108 83020001 8800 A50B 800101 810101 8203040803"), "9000");
    host.expect("00240181 04 39393939", "9000");
    host.expect("00200081 04 39393939", "9000");
    host.expect(&create("8205042100100A 83022F06 80020040 8800"), "9000");
    host.expect("00E20000 05 800101 9000", "9000");
    for id in ["5001", "5002", "5003"] {
        host.expect(&format!("00A4020C 02 {id}"), "9000");
        host.expect("00B0000004", "6982");
    }
    host.expect("00200001 04 31323334", "9000");
    for id in ["5001", "5002", "5003"] {
        host.expect(&format!("00A4020C 02 {id}"), "9000");
        host.expect("00B0000004", "00000000 9000");
    }
}

#[test]
fn a_file_that_another_channel_deleted_leaves_nothing_in_its_place() {
    let mut host = iso();
    host.expect("00E00000 09 6207 820138 83025000", "9000");
    host.expect(EF, "9000");
    host.expect("00700001", "9000");
    host.expect("01A4080C 04 50001001", "9000");
    host.expect("00E40000 02 1001", "9000");
    host.expect("01E40000", "6986");
    host.expect("00A4000C", "9000");
    host.expect("00E40000 02 5000", "9000");
    for command in ["01040000", "01E40000", "01CA008100", "01DA0081 01 01", "0122F201"] {
        host.expect(command, "6985");
    }
    host.expect(&EF.replacen("00", "01", 1), "6985");
    host.expect("01A40000 02 3F00 00", "6F0A 820138 83023F00 8A0101 9000");
}

#[test]
fn a_list_of_objects_is_answered_within_bounds() {
    let mut host = iso();
    host.expect(&format!("00DA00C1 007D00 {}", "5A".repeat(32_000)), "9000");
    host.expect(&format!("00CB3FFF 007534 5C827530 {} 0000", "C1".repeat(30_000)), "6A84");
    let (two, status) = host.send_all("00CB3FFF 000004 5C02C1C1 0000");
    assert_eq!((two.len(), status.as_str()), (64_008, "9000"));
}
