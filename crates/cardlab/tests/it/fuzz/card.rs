//! Cards of other people: this very binary, started once more as a program that speaks frames on its pipes.
//!
//! The test harness writes to standard output too, so a shell moves the pipe to descriptor 3 first.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::{Protocol, Status};
use rsa_host::HostRsa;

/// Names the bug. Not set: this process is no card.
pub(super) const BUG: &str = "CARDLAB_TEST_BUG";
/// File to which the card appends each frame, one line each.
pub(super) const LOG: &str = "CARDLAB_TEST_LOG";
/// File to which the card writes its process id.
pub(super) const PID: &str = "CARDLAB_TEST_PID";

/// The command line that starts the card.
pub(super) fn command_line() -> String {
    let binary = std::env::current_exe().unwrap();
    let test = "fuzz::card::is_a_card_where_it_is_started_as_one";
    format!("sh -c 'exec \"$0\" --exact {test} --nocapture --test-threads 1 3>&1 >/dev/null' '{}'", binary.display())
}

#[test]
fn is_a_card_where_it_is_started_as_one() {
    let Ok(bug) = std::env::var(BUG) else { return };
    if let Ok(path) = std::env::var(PID) {
        std::fs::write(path, std::process::id().to_string()).unwrap();
    }
    let mut log = std::env::var(LOG).ok().map(|path| File::options().create(true).append(true).open(path).unwrap());
    let (mut input, mut output) = (std::io::stdin().lock(), File::options().write(true).open("/dev/fd/3").unwrap());
    let mut card = Buggy::new(&bug);
    let mut length = [0; 2];
    while input.read_exact(&mut length).is_ok() {
        let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
        input.read_exact(&mut body).unwrap();
        if let Some(log) = &mut log {
            writeln!(log, "{}", hex::encode_upper(&body)).unwrap();
        }
        let Some(answer) = card.frame(&body) else { continue };
        let mut frame = u16::try_from(answer.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(answer);
        if output.write_all(&frame).is_err() {
            break;
        }
        if card.bug == "twice" && body.get(1) == Some(&0xB0) {
            std::thread::sleep(Duration::from_millis(1));
            let _ = output.write_all(&frame);
        }
    }
    // Nothing of the harness may follow.
    std::process::exit(0);
}

/// An honest card with one bug in front of it.
struct Buggy {
    card: SimCard<HostRsa>,
    bug: String,
    atr: Vec<u8>,
    deleted: bool,
    asked: u8,
}

impl Buggy {
    fn new(bug: &str) -> Self {
        let card = SimCard::from_seed(&Preset::isoapplet(), 1, HostRsa).unwrap();
        Self { card, bug: bug.to_owned(), atr: Vec::new(), deleted: false, asked: 0 }
    }

    fn frame(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        match body {
            [0] => self.card.power_off(),
            [1] => self.atr = self.card.power_on(Protocol::T1).to_vec(),
            [2] => self.atr = self.card.reset().to_vec(),
            [4] if self.bug == "no-atr" => std::process::exit(3),
            [4] if self.bug == "atr" => return Some(vec![0; 3]),
            [4] => return Some(self.atr.clone()),
            command => return Some(self.answer(command)),
        }
        None
    }

    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; 0xFFFF];
        let mut answer = self.card.transmit(command, &mut buffer).to_vec();
        let ins = command.get(1).copied().unwrap_or(0);
        let ok = answer.ends_with(&Status::OK.to_bytes());
        match self.bug.as_str() {
            "crash" | "three" if ins == 0xB0 => {
                eprintln!("index out of bounds: the card is broken");
                std::process::abort();
            }
            "exit" if ins == 0xCA => std::process::exit(0),
            "crash-late" if ins == 0x84 && self.deleted => std::process::abort(),
            "hang" if ins == 0xE4 => std::thread::sleep(Duration::from_secs(600)),
            "one-byte" if ins == 0x22 => answer.truncate(1),
            "empty" if ins == 0x22 => answer.clear(),
            "status" if ins == 0x2A => answer = vec![0x12, 0x34],
            "no-files" if ins == 0xE0 => answer = Status::NO_MEMORY.to_bytes().to_vec(),
            "long" | "three" if ins == 0x84 && ok => answer.splice(0..0, [7; 300]).for_each(drop),
            "data-with-error" if ins == 0xE0 && !ok => answer.insert(0, 7),
            // Wrong tries come back by themselves after a while.
            "counter" | "three" if ins == 0x20 && Status::split(&answer).unwrap().1.retries().is_some() => {
                self.asked = (self.asked + 1) % 5;
                let [.., low] = &mut answer[..] else { unreachable!() };
                *low = 0xC0 | self.asked;
            }
            _ => {}
        }
        self.deleted |= ins == 0xE4 && ok;
        answer
    }
}
