//! SIGKILL at random moments under a client that changes the card all the time: the image opens again with the state
//! before or after the command that ran, and tries never rise without a right PIN.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cardlab::image::{ImageOptions, open};
use host_driver::{Transport, Vpcd, VpcdListener};
use rand_core::Rng as _;

const KILLS: usize = 200;
const SELECT: &str = "00A404000CF276A288BCFBA69D34F31001";
const SELECT_FILE: &str = "00A4000C021234";

/// What can be seen of the card: the byte that fills the file, and the tries left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    fill: u8,
    tries: u8,
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).unwrap()
}

fn options(image: &Path) -> ImageOptions {
    ImageOptions { path: image.to_owned(), preset: None, seed: Some(1), durable: false }
}

/// Opens the image in this process and reads its state. The file has 1,020 bytes, all equal.
fn state(image: &Path) -> State {
    let (mut card, new) = open(&options(image)).unwrap();
    assert!(!new);
    card.power_on(card_wire::Protocol::T1);
    let mut send = |command: &str| {
        let mut buffer = [0; 2048];
        card.transmit(&bytes(command), &mut buffer).to_vec()
    };
    send(SELECT);
    let tries = send("0020000100");
    send(SELECT_FILE);
    let content = send("00B0000000 03FC");
    assert_eq!(content[content.len() - 2..], [0x90, 0x00]);
    let data = &content[..content.len() - 2];
    assert!(data.len() == 1020 && data.iter().all(|byte| *byte == data[0]), "a torn file: {data:02X?}");
    assert_eq!(tries[0], 0x63);
    State { fill: data[0], tries: tries[1] & 0x0F }
}

struct Simulator(Child);

impl Simulator {
    fn start(image: &Path, port: u16) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_cardlab"))
            .args(["sim", "--seed", "1", "--vpcd", &format!("127.0.0.1:{port}"), "--image"])
            .arg(image)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One command of the client: what it sends, and every state that it may leave behind.
fn next(state: State, turn: usize) -> (Vec<u8>, Vec<State>) {
    let fill = state.fill.wrapping_add(1);
    let spent = State { tries: state.tries.saturating_sub(1), ..state };
    match turn % 4 {
        0 if state.tries > 1 => (bytes("0020000106393939393939"), vec![state, spent]),
        1 => (bytes("0020000106313233343536"), vec![state, spent, State { tries: 3, ..state }]),
        _ => {
            let command = [bytes("00D60000 0003FC"), vec![fill; 1020]].concat();
            (command, vec![state, State { fill, ..state }])
        }
    }
}

fn blank(image: &Path) {
    let (mut card, _) = open(&options(image)).unwrap();
    card.power_on(card_wire::Protocol::T1);
    let create = "00E00000 17 6F158102 03FC 820101 83021234 8608FF00000000000000";
    for command in [SELECT, create, "0024010106313233343536"] {
        let mut buffer = [0; 512];
        let answer = card.transmit(&bytes(command), &mut buffer);
        assert_eq!(answer[answer.len() - 2..], [0x90, 0x00]);
    }
}

/// Drives the card until it is killed. Returns the states that the last, unanswered command may have left.
fn storm(card: &mut Vpcd, mut state: State, deadline: Instant, simulator: &mut Simulator) -> (Vec<State>, usize) {
    for answered in 0.. {
        let (command, outcomes) = next(state, answered);
        if Instant::now() >= deadline {
            // A thread of its own lets the signal fall into the middle of the command.
            let id = simulator.0.id().to_string();
            let mut kill = Command::new("kill").args(["-KILL", &id]).spawn().unwrap();
            let result = card.transmit(&command);
            kill.wait().unwrap();
            if result.is_err() {
                return (outcomes, answered);
            }
        } else if card.transmit(&command).is_err() {
            return (outcomes, answered);
        }
        // What the last outcome says is what an answered command has done.
        state = *outcomes.last().unwrap();
    }
    unreachable!("the loop ends with the card")
}

fn connect(listener: &VpcdListener) -> Vpcd {
    let mut card = listener.accept(Duration::from_secs(10)).unwrap();
    card.reset().unwrap();
    for command in [SELECT, SELECT_FILE] {
        let answer = card.transmit(&bytes(command)).unwrap();
        assert_eq!(answer[answer.len() - 2..], [0x90, 0x00]);
    }
    card
}

#[test]
fn two_hundred_kills_leave_the_state_before_or_after() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("card.img");
    blank(&image);
    let mut rng = cardlab::image::rng(Some(0x5EED), 0).unwrap();
    let mut now = state(&image);
    let (mut changed, mut answered) = (0, 0);
    let listener = Vpcd::listen("127.0.0.1:0").unwrap();
    for kill in 0..KILLS {
        let mut simulator = Simulator::start(&image, listener.port());
        let mut card = connect(&listener);
        let moment = Instant::now() + Duration::from_micros(u64::from(rng.next_u32() % 12_000));
        let (allowed, count) = storm(&mut card, now, moment, &mut simulator);
        drop((card, simulator));
        let after = state(&image);
        assert!(allowed.contains(&after), "kill {kill}: {after:?} is none of {allowed:?}");
        changed += usize::from(after != now);
        answered += count;
        now = after;
    }
    assert!(
        changed > KILLS / 2 && answered > KILLS,
        "the card was hardly used: {changed} changes, {answered} commands"
    );
}
