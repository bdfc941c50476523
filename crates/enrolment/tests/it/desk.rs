//! A card on a desk: simulated, shared with the test, its commands recorded and cut on demand.

use std::sync::{Arc, Mutex};

use card_enrolment::{Personalisation, personalise};
use card_os::sim::SimPlatform;
use card_os::{Card as SimCard, Preset};
use card_wire::{Command, Protocol};
use host_driver::transport::Transacted;
use host_driver::{Card, Pin, Puk, Transport, TransportError};

use crate::keys::PoolRsa;
use crate::office::CARD;
use crate::person::{PIN, Transcript};

pub(crate) const PUK: &str = "0123456789abcdef";

pub(crate) type Sim = SimCard<SimPlatform<PoolRsa>>;

/// A blank card.
pub(crate) fn blank() -> Sim {
    Sim::from_seed(&Preset::certificate(), 5, PoolRsa::default()).unwrap()
}

/// A card of which every fork is made in a moment.
pub(crate) fn personalised() -> Sim {
    let desk = Desk::new(blank());
    assert!(personalise(&mut desk.card(), &order()).unwrap());
    desk.take()
}

pub(crate) fn order() -> Personalisation {
    Personalisation {
        serial: CARD.into(),
        label: "電子憑證IC卡".into(),
        manufacturer: "cardlab".into(),
        now: "20260101000000Z".into(),
        pin: Pin::new(PIN).unwrap(),
        puk: Puk::new(PUK).unwrap(),
        authority: Vec::new(),
    }
}

/// One command that went to the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) command: Vec<u8>,
    pub(crate) status: u16,
}

/// When the card is pulled: before the command with this number reaches it, or after, before its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Before(usize),
    After(usize),
}

/// What looks at the card before each command.
type Watch = Box<dyn FnMut(&Sim, &[u8]) + Send>;

pub(crate) struct State {
    pub(crate) sim: Sim,
    pub(crate) sent: Vec<Sent>,
    pub(crate) cut: Option<Cut>,
    pub(crate) gone: bool,
    pub(crate) transcript: Option<Transcript>,
    /// Called before each command.
    pub(crate) watch: Option<Watch>,
}

/// The desk: the test's hold on a card.
#[derive(Clone)]
pub(crate) struct Desk(pub(crate) Arc<Mutex<State>>);

impl Desk {
    pub(crate) fn new(sim: Sim) -> Self {
        let state = State { sim, sent: Vec::new(), cut: None, gone: false, transcript: None, watch: None };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A driver for the card. Several may follow each other, like programs.
    pub(crate) fn card(&self) -> Card<Wire> {
        Card::new(Wire(self.clone()))
    }

    /// The card as it is, as after a power cycle.
    pub(crate) fn take(&self) -> Sim {
        let mut sim = self.0.lock().unwrap().sim.fork();
        cycle(&mut sim);
        sim
    }
}

pub(crate) fn cycle(sim: &mut Sim) {
    sim.power_off();
    sim.nvm_mut().restore_power();
    assert!(!sim.power_on(Protocol::T1).is_empty(), "the card does not come back");
}

/// A way to the card on the desk.
pub(crate) struct Wire(Desk);

impl Transport for Wire {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let state = &mut *self.0.0.lock().unwrap();
        if state.gone {
            return Err(TransportError::CardGone);
        }
        let number = state.sent.len();
        if let Some(watch) = &mut state.watch {
            watch(&state.sim, command);
        }
        if state.cut == Some(Cut::Before(number)) {
            state.gone = true;
            return Err(TransportError::CardGone);
        }
        let mut buffer = vec![0; 0x1_0002];
        let answer = state.sim.transmit(command, &mut buffer).to_vec();
        let status = answer.last_chunk().map_or(0, |status| u16::from_be_bytes(*status));
        state.sent.push(Sent { command: command.to_vec(), status });
        if let Some(transcript) = &state.transcript {
            transcript.lock().unwrap().push(shown(command, status));
        }
        if state.cut == Some(Cut::After(number)) || answer.is_empty() {
            state.gone = true;
            return Err(TransportError::CardGone);
        }
        Ok(answer)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(self.0.0.lock().unwrap().sim.reset().to_vec())
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(vec![0x3B, 0x80, 0x80, 0x01, 0x01])
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        "desk".into()
    }
}

/// An UPDATE BINARY of only the first bytes.
pub(crate) fn shortened(command: &[u8], bytes: usize) -> Vec<u8> {
    let parsed = Command::parse(command).unwrap();
    Command { data: &parsed.data[..bytes], ..parsed }.encode().unwrap()
}

/// A command for the transcript: its header and length. Data only where it names a file.
fn shown(command: &[u8], status: u16) -> String {
    let parsed = Command::parse(command).unwrap();
    let names = matches!(parsed.ins.0, 0xA4 | 0xE4 | 0x22);
    let data: String =
        if names { parsed.data.iter().map(|byte| format!("{byte:02X}")).collect() } else { String::new() };
    let [cla, ins, p1, p2] = [command[0], command[1], command[2], command[3]];
    format!("  {cla:02X} {ins:02X} {p1:02X} {p2:02X} Lc={} {data} -> {status:04X}", parsed.data.len())
        .replace("  ->", " ->")
}
