//! A card in a real pcscd, seen by an unmodified program.

use std::time::{Duration, Instant};

use testkit::{PrivatePcscd, find_program, require_or_skip, run_bounded};
use virtual_reader::{LinkState, VirtualReader, VpcdAddress};

use crate::card::{EchoCard, Record};
use crate::vpcd::LIMIT;

struct World {
    pcscd: PrivatePcscd,
    reader: VirtualReader,
    record: Record,
}

fn world() -> Option<World> {
    let ready = find_program("opensc-tool").and_then(|_| PrivatePcscd::start());
    let pcscd = require_or_skip(ready)?;
    let (card, record) = EchoCard::new(0x41);
    let reader = VirtualReader::start(card, VpcdAddress::local(pcscd.vpcd_port()));
    Some(World { pcscd, reader, record })
}

impl World {
    fn tool(&self, arguments: &[&str]) -> String {
        let mut command = self.pcscd.command("opensc-tool");
        let output = run_bounded(command.args(["-r", &self.pcscd.reader_name()]).args(arguments), LIMIT);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Whether the card comes to be (not) in the reader as the program lists it.
    fn listed_as(&self, present: &str) -> bool {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            let list = self.tool(&["-l"]);
            if list.lines().any(|line| line.ends_with("CardLab 00 00") && line.contains(present)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// One command through the `default` driver, which sends none of its own.
    fn send(&self, apdu: &str) -> String {
        assert!(self.listed_as("Yes"), "{}", self.pcscd.log());
        self.tool(&["-c", "default", "-s", apdu])
    }
}

/// What the echo card answers to `00A40000`: A and the command.
const ANSWERED: &str = "41 00 A4 00 00";

#[test]
fn a_program_reads_the_atr_and_sends_commands() {
    let Some(world) = world() else { return };
    assert!(world.listed_as("Yes"));
    let atr = world.tool(&["-a"]);
    assert!(atr.contains("3b:80:80:01:01"), "{atr}");
    let answer = world.send("00A4000000");
    assert!(answer.contains("SW1=0x90, SW2=0x00") && answer.contains(ANSWERED), "{answer}");
    let record = world.record.take();
    // Insertion powers the card on, off and, for the first program, on.
    assert!(record.iter().filter(|entry| *entry == "on T1").count() >= 2, "{record:?}");
    assert!(record.contains(&"apdu 5".to_owned()), "{record:?}");
}

#[test]
fn pulled_and_put_back_at_once_is_noticed() {
    let Some(world) = world() else { return };
    assert!(world.listed_as("Yes"));
    world.reader.remove();
    assert!(world.listed_as("No"));
    world.reader.insert();
    assert!(world.send("00A4000000").contains(ANSWERED));
    world.record.take();
    world.reader.remove();
    world.reader.insert();
    assert!(world.reader.wait_for(LinkState::Connected, LIMIT));
    assert!(world.send("00A4000000").contains(ANSWERED), "the reader has given the card its power again");
}

#[test]
fn a_restarted_service_finds_the_card_again() {
    let Some(mut world) = world() else { return };
    assert!(world.send("00A4000000").contains(ANSWERED));
    world.pcscd.restart().unwrap();
    assert!(world.send("00A4000000").contains(ANSWERED));
}

#[test]
fn a_mute_card_is_an_error_and_then_a_card_again() {
    let Some(world) = world() else { return };
    let answer = world.send("0010000000");
    assert!(!answer.contains("SW1=0x90"), "{answer}");
    assert!(world.listed_as("No"));
    assert!(world.send("00A4000000").contains(ANSWERED));
}

#[test]
fn an_exchanged_card_answers_the_next_program() {
    let Some(world) = world() else { return };
    assert!(world.send("00A4000000").contains(ANSWERED));
    drop(world.reader.replace(EchoCard::new(0x42).0));
    let answer = world.send("00A4000000");
    assert!(answer.contains("42 00 A4 00 00"), "{answer}");
}
