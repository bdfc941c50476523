//! `cardlab conform --card`, as a tester calls it: a personalised card that is there to stay, over vpcd.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use card_conformance::record::VerdictKind;
use card_conformance::report::json;
use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::{Icc, Protocol};
use rsa_host::HostRsa;
use virtual_reader::{VirtualReader, VpcdAddress};

const PIN: &str = "74747474";
const PUK: &str = "k9k9k9k9k9k9k9k9";
const SELECT: &str = "00A404000CF276A288BCFBA69D34F31001";

/// A personalised card.
fn card() -> SimCard<HostRsa> {
    let mut card = SimCard::from_seed(&Preset::isoapplet(), 5, HostRsa).unwrap();
    card.power_on(Protocol::T1);
    let set = |p2: &str, value: &str| format!("002401{p2}{:02X}{}", value.len(), hex::encode(value));
    for command in [SELECT.to_owned(), set("02", PUK), set("01", PIN)] {
        let mut answer = vec![0; 258];
        assert!(card.transmit(&hex::decode(&command).unwrap(), &mut answer).ends_with(&[0x90, 0x00]), "{command}");
    }
    card
}

/// The tries that are left.
fn left(reader: &VirtualReader) -> Vec<u8> {
    reader.with_card(|card| {
        card.power_on(Protocol::T1);
        let mut buffer = vec![0; 258];
        card.transmit(&hex::decode(SELECT).unwrap(), &mut buffer);
        card.transmit(&[0x00, 0x20, 0x00, 0x01], &mut buffer).to_vec()
    })
}

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A desk with a card file; `pin` and `puk` are where they come from.
    fn new(pin: &str, puk: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "name = \"mine\"\nserial = \"0042\"\npreset = \"isoapplet\"\nstate = \"operational\"\naid = \"F276A288BCFBA69D34F31001\"\n[pin]\nmin = 4\nmax = 16\ntries = 3\npadded = 16\nvalue = {pin}\n[puk]\ntries = 5\nvalue = {puk}\n"
        );
        fs::write(folder.path().join("card.toml"), text).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, port: u16, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
        let listen = format!("127.0.0.1:{port}");
        command.args(["conform", "--target", "vpcd", "--listen", &listen, "--card"]);
        command.arg(self.path("card.toml")).args(words);
        command
    }

    /// Plays on this card with PIN and PUK in the environment; what it says, and the tries that are left behind it.
    fn play(&self, words: &[&str]) -> (Output, Vec<u8>) {
        let port = testkit::free_port_pair().unwrap();
        let reader = VirtualReader::start(Box::new(card()), VpcdAddress::local(port));
        let mut command = self.command(port, words);
        command.env("CARD_PIN", PIN).env("CARD_PUK", PUK);
        let output = testkit::run_bounded(&mut command, Duration::from_secs(120));
        let left = left(&reader);
        (output, left)
    }
}

fn in_environment() -> Desk {
    Desk::new("{ env = \"CARD_PIN\" }", "{ env = \"CARD_PUK\" }")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_card_of_somebody_is_examined_and_keeps_its_tries() {
    let desk = in_environment();
    let files = ["run.json", "run.html", "run.xml"].map(|name| desk.path(name).display().to_string());
    let report = ["--json-report", &files[0], "--html", &files[1], "--junit", &files[2]];
    let leave = ["--write", "--spend-tries", "--destructive", "--yes"];
    let (output, left) = desk.play(&[&leave[..], &report].concat());
    let told = said(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("simulated: needs a fresh card: "), "{told}");
    assert_eq!(left, [0x63, 0xC3]);

    let record = json::read(&read(Path::new(&files[0]))).unwrap();
    assert_eq!(record.card.as_ref().map(|card| card.name.as_str()), Some("mine"));
    assert_eq!(record.run.serial.as_deref(), Some("0042"));
    assert_eq!(record.run.allowed, ["--write", "--spend-tries", "--destructive"]);
    assert!(record.digests.card.is_some());
    let of = |verdict, simulated| {
        record.cases.iter().filter(|case| case.verdict == verdict && case.simulated == simulated).count()
    };
    assert!(of(VerdictKind::Passed, false) > 90 && of(VerdictKind::Passed, true) > 200);
    assert_eq!(record.summary.passed, of(VerdictKind::Passed, false));
    assert_eq!((of(VerdictKind::Failed, false), of(VerdictKind::Failed, true)), (0, 0));
    let iso = record.cases.iter().filter(|case| case.preset == "iso");
    assert!(iso.clone().count() > 500 && iso.clone().all(|case| case.verdict == VerdictKind::NotApplicable));
    let spent = record.cases.iter().find(|case| case.id == "verify-block-survives-reset").unwrap();
    assert!(!spent.simulated && spent.verdict == VerdictKind::Passed);

    // No output has a secret, in characters or in hexadecimal.
    let outputs = [told, read(Path::new(&files[0])), read(Path::new(&files[1])), read(Path::new(&files[2]))];
    for secret in [PIN, PUK] {
        for form in [secret.to_owned(), hex::encode(secret), hex::encode_upper(secret)] {
            assert!(outputs.iter().all(|text| !text.contains(&form)), "{form} is told");
        }
    }
}

#[test]
fn only_what_reads_is_played_unless_asked() {
    let desk = in_environment();
    let report = desk.path("run.json").display().to_string();
    let (output, left) = desk.play(&["--json-report", &report, "--on-card-only"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(left, [0x63, 0xC3]);
    let record = json::read(&read(Path::new(&report))).unwrap();
    assert!(record.run.allowed.is_empty() && record.summary.refused > 200 && record.summary.simulated == 0);
    let wrong = record.cases.iter().find(|case| case.id == "verify-resets-counter").unwrap();
    assert_eq!(wrong.verdict, VerdictKind::Refused);
    assert!(wrong.reason.as_ref().unwrap().contains("--spend-tries"), "{wrong:?}");
}

#[test]
fn a_wrong_pin_stops_the_run() {
    let desk = in_environment();
    let port = testkit::free_port_pair().unwrap();
    let reader = VirtualReader::start(Box::new(card()), VpcdAddress::local(port));
    let mut command = desk.command(port, &["--spend-tries"]);
    command.env("CARD_PIN", "75757575").env("CARD_PUK", PUK);
    let output = testkit::run_bounded(&mut command, Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("one try was spent, nothing else was sent"), "{}", said(&output));
    assert!(!said(&output).contains("7575"));
    assert_eq!(left(&reader), [0x63, 0xC2]);
}

/// What is said where nothing may be sent, with this exit code; no card is there, so nothing can have been.
fn refused(desk: &Desk, words: &[&str], told: &str) -> String {
    let mut command = desk.command(testkit::free_port_pair().unwrap(), words);
    command.env("CARD_PUK", PUK);
    let output = testkit::run_bounded(&mut command, Duration::from_secs(60));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(told), "{said}");
    said
}

#[test]
fn what_is_missing_or_wrong_is_told_before_the_card_is_reached() {
    refused(&in_environment(), &[], "CARD_PIN is not set");
    refused(&Desk::new("{ fd = 99 }", "{ fd = 99 }"), &[], "file descriptor 99");
    refused(&Desk::new("{ prompt = true }", "{ prompt = true }"), &[], "there is no terminal");
    let desk = Desk::new("\"74747474\"", "{ fd = 3 }");
    let said = refused(&desk, &[], "must not stand in this file");
    assert!(!said.contains("7474") && said.contains("value = \"********\""), "{said}");
    let mut sim = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    sim.args(["conform", "--card"]).arg(desk.path("card.toml"));
    let output = testkit::run_bounded(&mut sim, Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(2));
    let mut without = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    without.args(["conform", "--target", "vpcd", "--spend-tries"]);
    let output = testkit::run_bounded(&mut without, Duration::from_secs(60));
    assert!(output.status.code() == Some(2) && said_has(&output, "--spend-tries needs --card"));
}

fn said_has(output: &Output, words: &str) -> bool {
    said(output).contains(words)
}

/// Both secrets from one descriptor, a line each.
#[test]
fn secrets_come_from_a_descriptor() {
    let desk = Desk::new("{ fd = 5 }", "{ fd = 5 }");
    fs::write(desk.path("secrets"), format!("{PIN}\r\n{PUK}\n")).unwrap();
    let port = testkit::free_port_pair().unwrap();
    let reader = VirtualReader::start(Box::new(card()), VpcdAddress::local(port));
    let conform = desk.command(port, &["--spend-tries", "--case", "verify-*"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 5<\"$0\"; exec \"$@\""]).arg(desk.path("secrets"));
    shell.arg(conform.get_program()).args(conform.get_args());
    let output = testkit::run_bounded(&mut shell, Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(left(&reader), [0x63, 0xC3]);
}

/// What may harm is asked about, and nobody is there to answer.
#[test]
fn without_a_terminal_harm_needs_a_word_in_advance() {
    let desk = in_environment();
    let (output, left) = desk.play(&["--destructive"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said_has(&output, "--yes answers in advance"), "{}", said(&output));
    assert_eq!(left, [0x63, 0xC3]);
}

/// A card that takes its time, and counts what it was sent.
struct Slow {
    card: SimCard<HostRsa>,
    seen: Arc<AtomicUsize>,
}

impl Icc for Slow {
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        self.card.power_on(protocol)
    }

    fn reset(&mut self) -> &[u8] {
        self.card.reset()
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        self.seen.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(30));
        self.card.transmit(command, response)
    }
}

/// Ctrl-C ends the run behind the case that is being played; its counter is seen to.
#[test]
fn an_interrupted_run_leaves_the_card_as_it_was() {
    let desk = in_environment();
    let seen = Arc::new(AtomicUsize::new(0));
    let port = testkit::free_port_pair().unwrap();
    let slow = Slow { card: card(), seen: Arc::clone(&seen) };
    let reader = VirtualReader::start(Box::new(slow), VpcdAddress::local(port));
    let mut command = desk.command(port, &["--spend-tries", "--case", "verify-*", "--on-card-only"]);
    command.env("CARD_PIN", PIN).env("CARD_PUK", PUK);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while seen.load(Ordering::Relaxed) < 30 && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said_has(&output, "stopped: interrupted; "), "{}", said(&output));
    assert_eq!(left(&reader), [0x63, 0xC3]);
}
