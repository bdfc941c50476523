//! The card is pulled while a command runs: told in a sentence, and the next call goes on.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use card_wire::{Icc, Protocol};
use testkit::{PrivatePcscd, require_or_skip};
use virtual_reader::{VirtualReader, VpcdAddress};

use super::super::desk::{Desk, LATER, LIMIT, PIN, Said};
use super::super::store::{in_file, shell, wait_for_cards};
use super::super::terminal::Terminal;
use super::{RENEW, rows};

/// At which command it happens: the instruction, and how many of those pass before.
type Moment = Option<(u8, usize)>;

/// A card that tells when a certain command has come, and executes it when it may.
struct Slow<C> {
    card: C,
    moment: Arc<Mutex<Moment>>,
    tell: Sender<()>,
    go: Receiver<()>,
}

impl<C: Icc> Icc for Slow<C> {
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
        let mut moment = self.moment.lock().unwrap();
        let now = match &mut *moment {
            Some((instruction, 0)) => command.get(1) == Some(instruction),
            Some((instruction, left)) => {
                *left -= usize::from(command.get(1) == Some(instruction));
                false
            }
            None => false,
        };
        if now {
            *moment = None;
            drop(moment);
            // Without the test on the other end there is nothing to wait for.
            let _ = self.tell.send(()).map(|()| self.go.recv_timeout(LIMIT));
        }
        self.card.transmit(command, response)
    }
}

struct Bench {
    desk: Desk,
    pcscd: PrivatePcscd,
    reader: VirtualReader,
    moment: Arc<Mutex<Moment>>,
    told: Receiver<()>,
    go: Sender<()>,
}

impl Bench {
    fn new(pcscd: PrivatePcscd, desk: Desk) -> Self {
        let ((tell, told), (go, may_go)) = (channel(), channel());
        let moment = Arc::default();
        let card = Slow { card: in_file(&desk, "card.img"), moment: Arc::clone(&moment), tell, go: may_go };
        let reader = VirtualReader::start(Box::new(card), VpcdAddress::local(pcscd.vpcd_port()));
        wait_for_cards(&desk, &pcscd, 1);
        Self { desk, pcscd, reader, moment, told, go }
    }

    fn card(&self, args: &[&str]) -> Said {
        self.desk.plain(shell(&self.pcscd), &[args, &["--batch", "--now", LATER]].concat())
    }

    /// Runs the tool and pulls the card during that command. The card is back in the reader afterwards.
    #[track_caller]
    fn pulled_at(&self, (instruction, before): (u8, usize), args: &[&str]) -> Said {
        *self.moment.lock().unwrap() = Some((instruction, before));
        let running = self.desk.begin(shell(&self.pcscd), &[args, &["--batch", "--now", LATER]].concat());
        if self.told.recv_timeout(LIMIT / 4).is_err() {
            panic!("that command never came: {:?}", Said::of(&running.wait_with_output().unwrap()));
        }
        self.reader.remove();
        self.go.send(()).unwrap();
        let said = Said::of(&running.wait_with_output().unwrap());
        self.reader.insert();
        wait_for_cards(&self.desk, &self.pcscd, 1);
        said
    }
}

#[test]
fn a_card_pulled_in_the_middle_is_told_and_the_next_call_goes_on() {
    let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
    let bench = Bench::new(pcscd, Desk::ready());
    bench.desk.may_renew();
    let gone = ["The card is not in the reader", "What was written is kept", "same command again"];
    // Reading, the PIN, making the key, writing the public key, signing the request and signing around it.
    for moment in [(0xB0, 3), (0x20, 1), (0x46, 0), (0xD6, 1), (0x2A, 0), (0x2A, 1)] {
        bench.pulled_at(moment, &RENEW).ends(2).says(&gone);
        let found = rows(&bench.card(&["certs", "--json"]).ends(0).json());
        assert!(found.iter().any(|(state, _)| state == "current"), "{moment:02X?}: {found:?}");
    }
    let said = bench.pulled_at((0x2A, 0), &[&RENEW[..], &["--lang", "zh-TW"]].concat()).ends(2);
    said.says(&["讀卡機內沒有晶片卡"]);
    bench.card(&RENEW).ends(3).says(&["A key from an interrupted attempt was found"]);
    bench.desk.answered(LATER);
    let install = ["install", "--pin-fd", "3"];
    for moment in [(0x20, 1), (0xD6, 0), (0xD6, 2)] {
        bench.pulled_at(moment, &install).ends(2).says(&gone);
    }
    let listed = bench.card(&["download", "--list", "--json"]).ends(0).json();
    assert_eq!(listed["missing"].as_array().map(Vec::len), Some(1));
    let download = ["download", "--all", "--pin-fd", "3"];
    bench.pulled_at((0xD6, 1), &download).ends(2).says(&gone);
    bench.card(&download).ends(0).says(&["The download is finished"]);
    // Pulled while the confirmation is signed, then while the journal is closed, which is the very last step.
    bench.pulled_at((0x2A, 0), &install).ends(2).says(&gone);
    bench.card(&install).ends(3);
    bench.desk.answered(LATER);
    bench.pulled_at((0xD6, 0), &install).ends(2).says(&gone);
    bench.card(&install).ends(1).says(&["Nothing is waiting"]);
    let found = rows(&bench.card(&["certs", "--json"]).ends(0).json());
    assert_eq!(found.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["current", "superseded"]);
    bench.desk.keeps(&[PIN]);
}

#[test]
fn a_card_that_was_taken_out_at_a_question_is_not_taken_for_the_same() {
    let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
    let bench = Bench::new(pcscd, Desk::ready());
    bench.desk.may_renew();
    let socket = bench.pcscd.socket_path();
    let words = format!("renew --now {LATER} --accept-agreement channel/agreement.txt");
    let variables = [("PCSCLITE_CSOCK_NAME", socket.as_os_str())];
    let Some(mut terminal) = Terminal::start_with(&bench.desk, &words, &variables) else { return };
    terminal.shows("PIN (6-16 characters):").types(&format!("{PIN}\r")).shows("[Enter] OK").types("\r");
    terminal.shows("Insert the card").shows("[Enter] OK");
    bench.reader.remove();
    wait_for_cards(&bench.desk, &bench.pcscd, 0);
    bench.reader.insert();
    wait_for_cards(&bench.desk, &bench.pcscd, 1);
    terminal.types("\r").shows("will be generated").shows("[Enter] OK").types("\r");
    terminal.shows("PIN (6-16 characters):").types(&format!("{PIN}\r")).shows("The card is not in the reader, or");
    terminal.ends(2);
    bench.card(&RENEW).ends(3);
}
