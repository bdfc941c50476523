//! Who writes traces, and what becomes of one whose writer is killed or has no room.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{Desk, Said};

/// The commands and answers of a trace.
fn exchanges(trace: &str) -> Vec<String> {
    let of = |line: &str| line.split_once(" > ").or(line.split_once(" < ")).map(|(_, bytes)| bytes.to_owned());
    let bytes = trace.lines().filter_map(of);
    bytes.map(|bytes| bytes.split(" (").next().unwrap_or_default().to_owned()).collect()
}

const SELECT: &str = "00A404000CF276A288BCFBA69D34F31001";

#[test]
fn a_card_behind_vpcd_and_its_host_write_the_same() {
    let desk = Desk::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = format!("127.0.0.1:{port}");
    let mut sim = Command::new(env!("CARGO_BIN_EXE_cardlab"))
        .args(["sim", "--vpcd", &at, "--trace", "card.trace"])
        .current_dir(desk.home())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(sim.stdout.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().starts_with("card: preset isoapplet"));
    let drain = thread::spawn(move || said.map_while(Result::ok).last());
    desk.cardlab(&format!(
        "apdu --target vpcd --listen {at} --trace host.trace {SELECT} 0084000008 0020000104AABBCCDD"
    ))
    .ok();
    Command::new("kill").args(["-TERM", &sim.id().to_string()]).status().unwrap();
    assert!(sim.wait().unwrap().success());
    assert!(drain.join().unwrap().unwrap().starts_with("stopped"));
    let [card, host] = ["card.trace", "host.trace"].map(|name| desk.read(name));
    assert_eq!(exchanges(&card), exchanges(&host));
    assert_eq!(exchanges(&card).len(), 6);
    for trace in [&card, &host] {
        assert!(trace.contains(" ATR 3B80800101") && trace.contains("> 0020000104········") && !trace.contains("AABB"));
    }
    assert!(card.contains(&format!("# reader 0: vpcd at {at}\n")));
    desk.cardlab("trace show card.trace").ok().says("GET CHALLENGE");
}

#[test]
fn every_command_that_reaches_a_card_can_write_one() {
    let desk = Desk::new();
    let run = |name: &str, args: &str| {
        let program = env!("CARGO_BIN_EXE_cardlab");
        let script = format!("{program} {args} --trace {name} >&2 || exit $?");
        desk.run(&["run", "--seed", "3", "--trace", "outer.trace", "--", "sh", "-c", &script]).ok();
        let [outer, inner] = ["outer.trace", name].map(|name| exchanges(&desk.read(name)));
        assert!(!inner.is_empty() && outer == inner, "{name}: {outer:?} {inner:?}");
        desk.cardlab(&format!("trace show {name}")).ok().says("# reader 0: CardLab 00 00");
    };
    run("apdu.trace", &format!("apdu --target pcsc {SELECT} 0084000008"));
    run("replay.trace", "apdu --target pcsc 00A4000000");
    run("conform.trace", "conform --target pcsc --case challenge* --on-card-only");
    desk.write("find.apdu", format!("reset\n{SELECT}\n"));
    desk.cardlab("apdu --script find.apdu --trace script.trace").ok();
    assert_eq!(exchanges(&desk.read("script.trace")), [SELECT, "0006069000"]);
    desk.cardlab("apdu --image new.img --preset certificate --trace image.trace 00A4000000").ok();
    let said = desk.cardlab("card info --image new.img --trace tool.trace");
    assert_ne!(said.code, Some(0), "the card is blank");
    assert!(desk.read("tool.trace").contains("# reader 0: in-process card"));
    assert!(exchanges(&desk.read("tool.trace")).len() > 2);
    let said = desk.cardlab("conform --trace no.trace").says("--json-report");
    assert_eq!(said.code, Some(2));
    assert_eq!(desk.cardlab("conform schema --trace no.trace").says("goes with a run").code, Some(2));
    assert!(!desk.path("no.trace").exists());
    assert_eq!(desk.cardlab("apdu --trace-files 00A40000").code, Some(2), "it says nothing by itself");
}

#[test]
fn what_was_written_before_the_program_was_killed_is_there() {
    let Some(desk) = Desk::with_programs() else { return };
    let script = format!("opensc-tool -s {SELECT} -s 10DB3FFF047F480692 >&2; kill -9 $PPID; sleep 1");
    let said = desk.run(&["run", "--trace", "killed.trace", "--", "sh", "-c", &script]);
    assert_eq!(said.code, None, "{}", said.err);
    let trace = desk.read("killed.trace");
    assert!(trace.contains(SELECT) && trace.ends_with('\n'), "{trace}");
    let shown = desk.cardlab("trace show killed.trace").ok().out;
    assert!(shown.contains("SELECT by name F2 76"), "{shown}");
    desk.cardlab("trace stats killed.trace").ok();
    // A chain that was not complete when the card lost its power shows nothing of what it carried.
    assert!(!trace.contains("7F480692"), "{trace}");
}

#[test]
fn a_trace_that_cannot_be_written_is_told_and_is_no_success() {
    let desk = Desk::new();
    for place in ["/no/such/place", ".", "/dev/full"] {
        let said = desk.cardlab(&format!("run --trace {place} -- echo started")).says("cannot write the trace");
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{place}");
    }
    // Whoever reads goes away in the middle.
    let program = env!("CARGO_BIN_EXE_cardlab");
    let script = format!(
        "mkfifo pipe; head -1 pipe >&2 & {program} run --trace pipe -- sh -c 'wait; sleep 0.3; {program} apdu --target pcsc 00A40000'"
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(desk.home()).output().unwrap();
    let said = Said::of(output).says("cannot write the trace pipe").says("the rest is missing");
    assert_eq!(said.code, Some(2));
    assert!(said.out.contains("> 00A40000"), "the program was not disturbed");
    // Where the program has failed, that is the exit code.
    let script = script.replace("apdu --target pcsc 00A40000", "apdu --target pcsc 00A40000; exit 7");
    let output = Command::new("sh").args(["-c", &script]).current_dir(desk.home()).output().unwrap();
    assert_eq!(Said::of(output).says("cannot write the trace").code, Some(7));
}

#[test]
fn two_at_once_do_not_write_the_same_trace() {
    let desk = Desk::new();
    let mut first = Command::new(env!("CARGO_BIN_EXE_cardlab"))
        .args(["run", "--trace", "one.trace", "--", "sh", "-c", "echo ready; read word"])
        .current_dir(desk.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(first.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
    let before = desk.read("one.trace");
    let said = desk.cardlab("run --trace one.trace -- true").says("another program writes a trace to it");
    assert_eq!(said.code, Some(2));
    assert!(before.len() > 50 && desk.read("one.trace") == before, "it was left as it was");
    drop(first.stdin.take());
    assert!(wait(&mut first).is_some());
    desk.cardlab("run --trace one.trace -- true").ok();
}

/// Waits for a program that ends by itself.
fn wait(child: &mut std::process::Child) -> Option<i32> {
    for _ in 0..600 {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    None
}
