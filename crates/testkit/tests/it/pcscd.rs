use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{PrivatePcscd, find_program, require_or_skip, run_bounded};

const LIMIT: Duration = Duration::from_secs(30);

/// The readers that an unmodified program sees.
fn listed(pcscd: &PrivatePcscd) -> String {
    let output = run_bounded(pcscd.command("opensc-tool").arg("-l"), LIMIT);
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

fn started() -> Option<PrivatePcscd> {
    let ready = find_program("opensc-tool").and_then(|_| PrivatePcscd::start());
    require_or_skip(ready)
}

/// Whether a process with the daemon's configuration still runs.
fn runs(conf: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(conf))
}

fn gone(conf: &str) -> bool {
    let end = Instant::now() + LIMIT;
    while runs(conf) {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

#[test]
fn a_program_sees_its_readers() {
    let Some(pcscd) = started() else { return };
    let list = listed(&pcscd);
    assert!(list.contains(&pcscd.reader_name()) && list.contains(&pcscd.second_reader_name()), "{list}");
    assert!(pcscd.socket_path().as_os_str().len() <= 107);
}

#[test]
fn it_restarts_in_its_place() {
    let Some(mut pcscd) = started() else { return };
    let (port, socket) = (pcscd.vpcd_port(), pcscd.socket_path());
    // A card in the slot leaves a connection behind that must not block the port.
    let _card = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    pcscd.halt();
    let list = listed(&pcscd);
    assert!(!list.contains("CardLab"), "a halted daemon has no readers: {list}");
    pcscd.resume().unwrap();
    pcscd.restart().unwrap();
    assert_eq!((pcscd.vpcd_port(), pcscd.socket_path()), (port, socket));
    assert!(listed(&pcscd).contains(&pcscd.reader_name()), "{}", pcscd.log());
}

#[test]
fn two_run_side_by_side() {
    let Some(one) = started() else { return };
    let Some(two) = started() else { return };
    assert_ne!(one.socket_path(), two.socket_path());
    assert!(one.vpcd_port().abs_diff(two.vpcd_port()) > 1);
    assert!(listed(&one).contains("CardLab"));
    drop(one);
    assert!(listed(&two).contains("CardLab"), "the neighbour's end is its own");
}

#[test]
fn nothing_is_left_after_drop() {
    let Some(pcscd) = started() else { return };
    let place = pcscd.home().parent().unwrap().to_owned();
    let conf = place.join("conf").to_str().unwrap().to_owned();
    assert!(runs(&conf));
    drop(pcscd);
    assert!(!runs(&conf));
    assert!(!place.exists());
}

#[test]
fn the_daemon_dies_with_a_killed_test() {
    let Some(ready) = started() else { return };
    let file = ready.home().join("victim");
    let mut test = Command::new(env!("CARGO_BIN_EXE_testkit-helper")).arg("hold").arg(&file).spawn().unwrap();
    let end = Instant::now() + LIMIT;
    let conf = loop {
        match std::fs::read_to_string(&file) {
            Ok(conf) if !conf.is_empty() => break conf,
            _ => assert!(Instant::now() < end, "the victim starts"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(runs(&conf));
    test.kill().unwrap();
    test.wait().unwrap();
    assert!(gone(&conf));
    // What a killed test cannot clean up.
    std::fs::remove_dir_all(std::path::Path::new(&conf).parent().unwrap()).unwrap();
}
