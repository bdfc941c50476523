//! The program as a process beside a private service: what it says, how it exits, how it ends.

use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use card_conformance::dishonest::{Dishonest, Lie};
use card_conformance::resident::{Decision, Resident};
use card_conformance::safety::Allowed;
use card_conformance::template::Variables;
use card_conformance::{Case, Suite};
use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::Icc;
use rsa_host::HostRsa;
use testkit::{PrivatePcscd, find_program, require_or_skip, run_bounded};
use virtual_reader::{VirtualReader, VpcdAddress};

use super::{LIMIT, until};

const CARDLAB: &str = env!("CARGO_BIN_EXE_cardlab");
const SELECT: &str = "00A404000CF276A288BCFBA69D34F31001";
const ATR: &str = "3B80800101";

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn cardlab(pcscd: &PrivatePcscd, args: &[&str]) -> Output {
    run_bounded(pcscd.command(CARDLAB).args(args), 3 * LIMIT)
}

/// Succeeds with this exit code; returns the last line.
#[track_caller]
fn last_line(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    text(&output.stdout).trim_end().lines().last().unwrap_or_default().to_owned()
}

/// Fails with code 2, says nothing on standard output, and on standard error one line with all of the words.
#[track_caller]
fn refuses(output: &Output, words: &[&str]) {
    let error = text(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{output:?}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    assert!(error.starts_with("cardlab: "), "{error}");
    for word in words {
        assert!(error.contains(word), "{error} lacks {word}");
    }
}

fn blank() -> Box<dyn Icc> {
    Box::new(SimCard::from_seed(&Preset::isoapplet(), 5, HostRsa).unwrap())
}

/// Waits until the program lists a card in the first reader.
fn wait_for_listed_card(pcscd: &PrivatePcscd) {
    let card = format!("{}: card, ATR {ATR}", pcscd.reader_name());
    until("the card is listed", || text(&cardlab(pcscd, &["readers"]).stdout).lines().any(|line| line == card));
}

fn insert(card: Box<dyn Icc>, pcscd: &PrivatePcscd) -> VirtualReader {
    let reader = VirtualReader::start(card, VpcdAddress::local(pcscd.vpcd_port()));
    wait_for_listed_card(pcscd);
    reader
}

#[test]
fn readers_are_listed_with_and_without_a_card() {
    let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
    let empty = cardlab(&pcscd, &["readers"]);
    let (first, second) = (pcscd.reader_name(), pcscd.second_reader_name());
    assert_eq!(last_line(&empty, 0), format!("{second}: no card"));
    assert_eq!(text(&empty.stdout), format!("{first}: no card\n{second}: no card\n"));
    let _reader = insert(blank(), &pcscd);
    let full = cardlab(&pcscd, &["readers"]);
    assert_eq!(text(&full.stdout), format!("{first}: card, ATR {ATR}\n{second}: no card\n"));
}

#[test]
fn without_a_service_there_is_one_line_and_no_list() {
    let place = tempfile::tempdir().unwrap();
    for args in [&["readers"][..], &["apdu", "--target", "pcsc", SELECT], &["conform", "--target", "pcsc"]] {
        let mut command = Command::new(CARDLAB);
        command.args(args).env("PCSCLITE_CSOCK_NAME", place.path().join("no.comm"));
        refuses(&run_bounded(&mut command, LIMIT), &["no reader service", "pcscd"]);
    }
}

#[test]
fn a_card_in_a_reader_is_asked_and_examined() {
    let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
    let reader = insert(blank(), &pcscd);
    let answered = cardlab(&pcscd, &["apdu", "--target", "pcsc", SELECT]);
    assert_eq!(last_line(&answered, 0), "  9000 (success)");
    assert!(text(&answered.stdout).contains("< 000606\n"), "{answered:?}");

    let suite = Suite::embedded().unwrap();
    let resident = Resident {
        suite: &suite,
        card: None,
        values: Variables::new(),
        capabilities: Vec::new(),
        allowed: Allowed::default(),
        guard: None,
    };
    let is_safe = |case: &&Case| matches!(resident.decide(case), Decision::Play(_));
    let (all, safe) = (suite.cases.len(), suite.cases.iter().filter(is_safe).count());
    assert!(safe > 70, "{safe}");
    let honest = cardlab(&pcscd, &["conform", "--target", "pcsc", "--reader", &pcscd.reader_name()]);
    assert_eq!(last_line(&honest, 0), format!("{safe} passed, 0 failed, {} skipped", all - safe));
    assert!(text(&honest.stdout).contains(&pcscd.reader_name()), "it says on which card");

    drop(reader.replace(Box::new(Dishonest::new(blank(), Lie::WrongStatus))));
    let line = last_line(&cardlab(&pcscd, &["conform", "--target", "pcsc"]), 1);
    assert!(line.ends_with(&format!(" failed, {} skipped", all - safe)) && !line.contains(" 0 failed"), "{line}");
    let none = cardlab(&pcscd, &["conform", "--target", "pcsc", "--case", "generate-rsa-short"]);
    assert_eq!(last_line(&none, 2), "0 passed, 0 failed, 1 skipped");
}

#[test]
fn a_reader_that_does_not_serve_is_told_in_one_line() {
    let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
    let (first, second) = (pcscd.reader_name(), pcscd.second_reader_name());
    let apdu = |reader: &str| cardlab(&pcscd, &["apdu", "--target", "pcsc", "--reader", reader, SELECT]);
    refuses(&apdu("CardLab"), &["more than one reader", &first, &second]);
    refuses(&apdu("ACR"), &["no such reader", "ACR"]);
    refuses(&apdu(&first), &["no card"]);
    refuses(&cardlab(&pcscd, &["apdu", "--target", "pcsc", SELECT]), &["no card", "cardlab readers"]);
}

/// `cardlab sim` as a process, ended in any case.
struct Simulator(Child);

impl Simulator {
    fn start(pcscd: &PrivatePcscd) -> Self {
        let address = format!("127.0.0.1:{}", pcscd.vpcd_port());
        let mut command = pcscd.command(CARDLAB);
        command.args(["sim", "--vpcd", &address, "--seed", "6"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Presses Ctrl-C; returns how it ended and all that it said.
    fn interrupt(mut self) -> (ExitStatus, String, String) {
        let id = self.0.id().to_string();
        run_bounded(Command::new("kill").args(["-INT", &id]), LIMIT);
        until("the simulator ends", || self.0.try_wait().unwrap().is_some());
        let (mut out, mut err) = (String::new(), String::new());
        self.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (self.0.wait().unwrap(), out, err)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn opensc_reaches_a_simulator_until_ctrl_c() {
    let ready = find_program("opensc-tool").and_then(|_| PrivatePcscd::start());
    let Some(mut pcscd) = require_or_skip(ready) else { return };
    let simulator = Simulator::start(&pcscd);
    for restart in [false, true] {
        if restart {
            pcscd.restart().unwrap();
        }
        wait_for_listed_card(&pcscd);
        let mut tool = pcscd.command("opensc-tool");
        let spaced = "00:A4:04:00:0C:F2:76:A2:88:BC:FB:A6:9D:34:F3:10:01";
        let asked = run_bounded(tool.args(["-r", &pcscd.reader_name(), "-c", "default", "-a", "-s", spaced]), LIMIT);
        let said = text(&asked.stdout);
        assert!(said.contains("3b:80:80:01:01") && said.contains("SW1=0x90, SW2=0x00"), "{asked:?}");
    }
    let (status, out, err) = simulator.interrupt();
    assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "card: preset isoapplet, in RAM, forgotten at the end");
    assert_eq!(lines.last(), Some(&"stopped; the card is as the last answered command left it"));
    assert_eq!(lines.iter().filter(|line| **line == "card connected to vpcd").count(), 2, "{out}");
    until("the reader is empty", || {
        text(&cardlab(&pcscd, &["readers"]).stdout).starts_with(&format!("{}: no card\n", pcscd.reader_name()))
    });
}

#[test]
fn a_simulator_without_a_service_ends_with_ctrl_c_too() {
    let place = tempfile::tempdir().unwrap();
    let port = testkit::free_port_pair().unwrap();
    let mut command = Command::new(CARDLAB);
    let address = format!("127.0.0.1:{port}");
    command.args(["sim", "--vpcd", &address]).current_dir(&place).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut simulator = Simulator(command.spawn().unwrap());
    // It has its handler once it has said where it is.
    let mut said = [0; 1];
    let mut out = simulator.0.stdout.take().unwrap();
    out.read_exact(&mut said).unwrap();
    let mut seen = vec![said[0]];
    while !text(&seen).contains("no vpcd yet") {
        out.read_exact(&mut said).unwrap();
        seen.push(said[0]);
    }
    simulator.0.stdout = Some(out);
    let (status, rest, _) = simulator.interrupt();
    assert_eq!(status.code(), Some(0));
    assert!(rest.ends_with("stopped; the card is as the last answered command left it\n"), "{rest}");
}
