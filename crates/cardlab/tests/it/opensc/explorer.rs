//! A plain ISO card under tools that know nothing of it: opensc-explorer with its default driver, and scriptor.

use card_os::Preset;

use super::desk::{Desk, Said};

/// Plays lines in opensc-explorer.
fn explore(desk: &Desk, lines: &[&str]) -> Said {
    desk.write("explorer", lines.join("\n").as_bytes());
    desk.run("opensc-explorer -c default explorer")
}

/// The line that creates a file from these control parameters.
fn create(parameters: &str) -> String {
    let digits = parameters.replace(' ', "");
    let len = digits.len() / 2;
    format!("apdu 00E00000 {:02X} 62 {len:02X} {digits}", len + 2)
}

/// PIN 1 of the master file: 4 to 8 digits, three tries, reset by PIN 2; 1234 is set.
fn make_pins(desk: &Desk) {
    let resetting = create("820108 83020002 8800 A50B 800101 810102 8203 080805");
    let pin = create("820108 83020001 8800 A50E 800101 810101 8203 040803 830102");
    let lines = [&resetting, "apdu 00240102 08 3132333435363738", &pin, "apdu 00240101 04 31323334"];
    let said = explore(desk, &lines);
    assert_eq!(said.count("Success!"), 4, "{}", said.text);
}

#[test]
fn files_are_made_shown_and_read() {
    let Some(desk) = Desk::with(&Preset::iso()) else { return };
    let lines = ["info", "create 1001 16", "info 1001", "mkdir 5015 100", "cd 5015", "info", "create 2001 5", "cd .."];
    let said = explore(&desk, &lines).ok().lacks("failed").lacks("rror");
    let said = said.says("Dedicated File  ID 3F00").says("Creation state");
    let said = said.says("Working Elementary File  ID 1001").says("16 bytes").says("Transparent");
    said.says("Dedicated File  ID 5015").says("Operational, activated");

    desk.write("content", b"hello");
    explore(&desk, &["cd 5015", "put 2001 content", "cat 2001", "get 2001 back"]).ok().says("hello");
    assert_eq!(desk.read("back"), b"hello");
    explore(&desk, &["cd 5015", "rm 2001", "cat 2001"]).says("File not found");
}

#[test]
fn record_files_of_all_structures_are_listed_record_by_record() {
    let Some(desk) = Desk::with(&Preset::iso()) else { return };
    for (id, descriptor, shown) in
        [("1002", "02", "Linear fixed"), ("1004", "04", "Linear variable"), ("1006", "06", "Cyclic")]
    {
        let create = create(&format!("8205{descriptor}21000408 8302{id} 8800"));
        let info = format!("info {id}");
        let cat = format!("cat {id}");
        let lines = [&create, "apdu 00E20000 04 61626364", "apdu 00E20000 04 65666768", &info, &cat];
        let said = explore(&desk, &lines).ok().says(shown).says("Number of records:       8");
        let said = said.says("61 62 63 64 abcd").says("65 66 67 68 efgh");
        let order = ["abcd", "efgh"].map(|record| said.text.find(record).unwrap());
        // A cyclic file shows its newest record first.
        assert_eq!(order[0] < order[1], descriptor != "06", "{}", said.text);
    }
}

#[test]
fn pins_are_verified_changed_and_counted() {
    let Some(desk) = Desk::with(&Preset::iso()) else { return };
    make_pins(&desk);
    explore(&desk, &["verify CHV1 31:32:33:34"]).ok().says("Code correct");
    explore(&desk, &["verify CHV1 39:39:39:39"]).says("Incorrect code, 2 tries left");
    explore(&desk, &["change CHV1 31:32:33:34 35:36:37:38"]).ok().says("PIN changed");
    explore(&desk, &["verify CHV1 35:36:37:38"]).ok().says("Code correct");
    let wrong = ["verify CHV1 39:39:39:39"; 3];
    explore(&desk, &wrong).says("Incorrect code, 0 tries left");
    explore(&desk, &["verify CHV1 35:36:37:38"]).lacks("Code correct");
    explore(&desk, &["unblock CHV1 31:32:33:34:35:36:37:38 31:32:33:34"]).ok().says("PIN unblocked");
    explore(&desk, &["verify CHV1 31:32:33:34"]).ok().says("Code correct");
}

#[test]
fn a_rule_is_kept_and_a_deactivated_file_is_told() {
    let Some(desk) = Desk::with(&Preset::iso()) else { return };
    make_pins(&desk);
    // Reading with PIN 1, everything else always.
    explore(&desk, &[&create("820101 83021001 80020008 8800 8C08 7F 000000000000 11")]).says("Success!");
    explore(&desk, &["cat 1001"]).says("Read failed");
    explore(&desk, &["verify CHV1 31:32:33:34", "cat 1001"]).says("00000000: 00 00 00 00 00 00 00 00");
    explore(&desk, &["apdu 00040000 02 1001"]).says("Success!");
    explore(&desk, &["apdu 00A40000 02 1001 00"]).says("SW1=0x62, SW2=0x83");
}

/// What scriptor sends and must see, line by line.
const SCRIPT: &str = "reset
00 A4 00 00 00
00 E0 00 00 13 62 11 82 05 06 21 00 02 03 83 02 10 06 88 01 30 8A 01 05
00 E2 00 30 02 00 01
00 E2 00 30 02 00 02
00 E2 00 30 02 00 03
00 E2 00 30 02 00 04
00 B2 01 35 00
00 A2 01 34 01 03 00
00 70 00 00 01
01 B2 01 34 00
01 A4 00 00 02 10 06
00 70 80 01
01 A4 00 00
00 CA DF 20 04
";

#[test]
fn a_script_of_records_and_channels() {
    let Some(desk) = Desk::with(&Preset::iso()) else { return };
    desk.write("script", SCRIPT.as_bytes());
    let said = desk.run("scriptor script").ok();
    let answers: Vec<&str> = said
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("< "))
        .map(|line| line.split(':').next().unwrap().trim())
        .collect();
    let expected = [
        "OK",
        "6F 0A 82 01 38 83 02 3F 00 8A 01 01 90 00",
        "90 00",
        "90 00",
        "90 00",
        "90 00",
        "90 00",
        "00 04 00 03 00 02 90 00",
        "02 90 00",
        "01 90 00",
        "00 04 90 00",
        "90 00",
        "90 00",
        "68 81",
        "00 00 00 06 90 00",
    ];
    assert_eq!(answers, expected, "{}", said.text);
}
