//! `cardlab trace show`.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use super::{Desk, SMALL, initialise};

#[test]
fn a_session_of_opensc_is_decoded() {
    let Some(desk) = Desk::with_programs() else { return };
    desk.record(5, "a.trace", "--trace-files", &format!("{}\npkcs11-tool -O >&2", initialise()));
    let said = desk.cardlab("trace show a.trace").ok();
    for words in [
        "# reader 0: CardLab 00 00",
        "ATR 3B 80 80 01 01: T=0 and T=1, direct convention, no historical bytes",
        "SCardBeginTransaction: ok",
        "SELECT by name F2 76 A2 88 BC FB A6 9D 34 F3 10 01",
        "6F FCI template",
        "83 file identifier, 2: 50 15",
        "VERIFY reference 1, PIN",
        "READ BINARY offset 0",
        "= 6A82 file or application not found",
        "= 9000 success [",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    assert!(!said.out.contains("31 32 33 34 35 36"), "{}", said.out);
    let short = desk.cardlab("trace show --no-data a.trace").ok().out;
    assert!(short.lines().count() * 3 < said.out.lines().count() * 2 && !short.contains("> 00"), "{short}");
    let json = desk.cardlab("trace show --json a.trace").ok().json();
    let entries = json["entries"].as_array().unwrap();
    assert_eq!(short.lines().count(), entries.len() + 1);
    assert!(entries.iter().any(|entry| entry["exchange"]["name"] == "CREATE FILE"));
    assert!(json["cut"].is_null());
}

#[test]
fn a_chain_is_one_and_a_reader_can_be_chosen() {
    let desk = Desk::new();
    desk.write("small.trace", SMALL);
    let all = desk.cardlab("trace show small.trace").ok().out;
    assert!(all.contains("> chain of 2 commands with 5 bytes of data (lines 12 to 14)"), "{all}");
    assert!(all.contains("SCardConnect: 8010000B SCARD_E_SHARING_VIOLATION"), "{all}");
    assert!(all.contains("= 63C2 wrong PIN, 2 tries left [100 µs]"), "{all}");
    let one = desk.cardlab("trace show --reader 1 --no-data small.trace").ok().out;
    assert_eq!(one.lines().filter(|line| line.contains(" 1/2 ")).count(), 2, "{one}");
    assert!(!one.contains("VERIFY"), "{one}");
    desk.cardlab("trace show --reader 2 small.trace").says("it has 0 (First 00 00), 1 (Second 00 00)");
    // The same with another system's line ends, and from standard input.
    desk.write("windows.trace", SMALL.replace('\n', "\r\n"));
    assert_eq!(desk.cardlab("trace show windows.trace").ok().out, all);
    let mut child = Command::new(env!("CARGO_BIN_EXE_cardlab"))
        .args(["trace", "show", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(SMALL.as_bytes()).unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(out, all);
}

#[test]
fn what_breaks_off_is_shown_as_far_as_it_goes() {
    let desk = Desk::new();
    let head = SMALL.lines().next().unwrap().len();
    for end in (head + 1..SMALL.len()).step_by(7) {
        desk.write("cut.trace", &SMALL.as_bytes()[..end]);
        let said = desk.cardlab("trace show cut.trace").ok();
        let text = String::from_utf8_lossy(&SMALL.as_bytes()[..end]);
        let last = text.rsplit('\n').next().unwrap();
        let told = said.out.contains("breaks off in line");
        // A line is told unless nothing of it can be missing; so is a command without its answer.
        let before = text.trim_end().rsplit('\n').next().unwrap();
        let unanswered = before.contains(" > ") && last.trim().is_empty();
        assert_eq!(told, unanswered || !(last.trim().is_empty() || last.ends_with(" us)")), "{end}: {}", said.out);
        let json = desk.cardlab("trace show --json cut.trace").ok().json();
        assert_eq!(!json["cut"].is_null(), told, "{end}");
    }
}

#[test]
fn what_is_no_trace_is_one_line_and_code_2() {
    let desk = Desk::new();
    desk.write("empty", "");
    desk.write("binary", [0x7F, b'E', b'L', b'F', 0, 0xFF, 0xFE, b'\n', 0xFF]);
    desk.write("new", "# cardlab trace 9: something else\n");
    desk.write("garbage", format!("{SMALL}what is this\n"));
    for (file, words) in [
        ("empty", "it is empty"),
        ("binary", "no trace: its first line"),
        ("new", "version 9"),
        ("garbage", "garbage: line 18: it does not begin with seconds"),
        ("missing", "cannot read the trace missing"),
        (".", "is a directory"),
    ] {
        let said = desk.cardlab(&format!("trace show {file}")).says(words);
        assert_eq!((said.code, said.err.lines().count()), (Some(2), 1), "{}", said.err);
    }
    // What is good in front of the garbage is shown, and is a document for programs, too.
    assert!(desk.cardlab("trace show garbage").out.contains("GET CHALLENGE"));
    assert_eq!(desk.cardlab("trace show --json garbage").json()["entries"].as_array().unwrap().len(), 8);
}

#[test]
fn whoever_has_seen_enough_may_go() {
    let desk = Desk::new();
    let body: String = SMALL.lines().skip(3).collect::<Vec<_>>().join("\n");
    desk.write("long.trace", format!("{SMALL}{}", format!("{body}\n").repeat(2000)));
    let script = format!("{} trace show long.trace | head -1; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_cardlab"));
    let output = Command::new("bash").args(["-c", &script]).current_dir(desk.home()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "# reader 0: First 00 00\n0\n");
    assert!(output.stderr.is_empty());
}
