//! `cardlab trace stats`.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use super::{Desk, SMALL, Said};

#[test]
fn everything_is_counted() {
    let desk = Desk::new();
    desk.write("small.trace", SMALL);
    let json = desk.cardlab("trace stats --json small.trace").ok().json();
    for (name, value) in [
        ("span", 3400),
        ("busy", 1300),
        ("idle", 2100),
        ("longest_pause", 800),
        ("longest_pause_line", 12),
        ("resets", 1),
        ("transactions", 0),
        ("failed_calls", 1),
        ("pins_right", 0),
        ("pins_wrong", 1),
        ("fewest_tries_left", 2),
    ] {
        assert_eq!(json[name], value, "{name}: {json}");
    }
    assert_eq!(json["statuses"], serde_json::json!({ "9000": 4, "63C2": 1 }));
    let update = json["commands"].as_array().unwrap().iter().find(|row| row["name"] == "UPDATE BINARY").unwrap();
    for (name, value) in
        [("count", 2), ("bytes_out", 15), ("bytes_in", 4), ("total", 200), ("median", 100), ("max", 100)]
    {
        assert_eq!(update[name], value, "{name}: {update}");
    }
    assert_eq!(json["all"]["count"], 5);
    let one = desk.cardlab("trace stats --json --reader 1 small.trace").ok().json();
    assert_eq!((&one["all"]["count"], &one["commands"][0]["name"]), (&1.into(), &"GET CHALLENGE".into()));
    let lines = desk.cardlab("trace stats small.trace").ok().out;
    for words in ["cards at work    1.3 ms (38 %)", "0 right, 1 wrong", "63C2 wrong PIN, 2 tries left", "SELECT "] {
        assert!(lines.contains(words), "{words}: {lines}");
    }
    // Where nothing has happened there is nothing to divide by.
    desk.write("none.trace", "# cardlab trace 1\n");
    desk.cardlab("trace stats none.trace").ok().says("time             0 µs");
    desk.cardlab("trace stats --json none.trace").ok();
    desk.cardlab("trace stats --reader 4 none.trace").says("there is no reader 4");
}

#[test]
fn a_hundred_megabytes_need_no_memory() {
    let body: String = SMALL.lines().skip(3).map(|line| format!("{line}\n")).collect();
    let times = 100_000_000 / body.len();
    // Twice as much as the program needs by itself, and less than the trace.
    let script = format!("ulimit -v 90000; exec {} trace stats --json -", env!("CARGO_BIN_EXE_cardlab"));
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        input.write_all(SMALL.as_bytes()).unwrap();
        let block = body.repeat(1000);
        (0..times / 1000).try_for_each(|_| input.write_all(block.as_bytes())).unwrap();
        times / 1000 * 1000 + 1
    });
    let said = Said::of(child.wait_with_output().unwrap()).ok();
    let blocks = writer.join().unwrap();
    assert_eq!(said.json()["all"]["count"], blocks * 5);
}
