//! A memory that fails while it has power: writes and reads that are refused, and reads with a flipped bit. The answer is
//! the right one or 6581, the state is the one that the answer says, and live card and reopened memory agree.

use card_os::nvm::{Nvm, NvmError};
use card_os::sim::{Half, SimNvm, seeded_rng};
use card_os::{Card, OpenError};
use card_wire::Protocol;
use rand_core::Rng as _;

use super::campaign::length;
use super::layout::FIRST_PAGE;
use super::player::{self, On, Played, blank, look, look_live, parts, send, status};
use super::scene::{self, Flow, small};
use super::tape::{Op, Tape, Wrong};

/// What happens to the access whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    WriteRefused,
    WritesRefusedFromNowOn,
    ReadRefused,
    ReadsRefusedFromNowOn,
    /// One bit of what is read, chosen by this number.
    BitFlipped(u64),
}

const FAULTS: [Fault; 5] = [
    Fault::WriteRefused,
    Fault::WritesRefusedFromNowOn,
    Fault::ReadRefused,
    Fault::ReadsRefusedFromNowOn,
    Fault::BitFlipped(0),
];

#[derive(Clone)]
struct Failing {
    memory: SimNvm,
    fault: Option<Fault>,
    /// Accesses of the fault's kind until it happens.
    left: usize,
    happened: bool,
}

impl Failing {
    fn new(memory: SimNvm) -> Self {
        Self { memory, fault: None, left: 0, happened: false }
    }

    fn arm(&mut self, fault: Option<Fault>, left: usize) {
        (self.fault, self.left, self.happened) = (fault, left, false);
    }

    /// Whether this access is hit.
    fn is_hit(&mut self, write: bool) -> Option<Fault> {
        let fault = self.fault?;
        let of_writes = matches!(fault, Fault::WriteRefused | Fault::WritesRefusedFromNowOn);
        if of_writes != write {
            return None;
        }
        if self.left > 0 {
            self.left -= 1;
            return None;
        }
        self.happened = true;
        if !matches!(fault, Fault::WritesRefusedFromNowOn | Fault::ReadsRefusedFromNowOn) {
            self.fault = None;
        }
        Some(fault)
    }
}

impl Nvm for Failing {
    fn len(&self) -> usize {
        self.memory.len()
    }

    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        self.memory.read(at, out)?;
        match self.is_hit(false) {
            None => (),
            Some(Fault::BitFlipped(bit)) => {
                let bit = usize::try_from(bit % (8 * out.len() as u64)).unwrap();
                out[bit / 8] ^= 1 << (bit % 8);
            }
            Some(_) => return Err(NvmError::Read),
        }
        Ok(())
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        match self.is_hit(true) {
            None => self.memory.write(at, data),
            Some(_) => Err(NvmError::Write),
        }
    }
}

/// Whether this access of a recovery fails: the first few, which read the journal, and then all or every so many.
fn is_chosen(access: usize, salt: usize) -> bool {
    super::is_exhaustive() || access < 4 || (access + salt).is_multiple_of(89)
}

/// How often something happened, so that a test that tries nothing fails.
#[derive(Default, Debug)]
struct Tally {
    faults: usize,
    refused: usize,
    unharmed: usize,
}

/// What a memory holds after a power-on without faults.
fn settled(memory: &SimNvm) -> Result<Vec<u8>, OpenError> {
    player::open(memory.image(), Wrong::Nothing).map(|card| card.nvm().bytes[FIRST_PAGE..].to_vec())
}

/// Plays one step with the fault at every access.
fn strike(card: &On<Failing>, command: &[u8], played: &Played, fault: Fault, tally: &mut Tally) {
    let mut rng = seeded_rng(tally.faults as u64, 3);
    for access in 0.. {
        let fault = if fault == Fault::BitFlipped(0) { Fault::BitFlipped(rng.next_u64()) } else { fault };
        let mut hit = card.fork();
        hit.nvm_mut().arm(Some(fault), access);
        let answer = send(&mut hit, command);
        if !hit.nvm().happened {
            return;
        }
        let what = || format!("{}, access {access}, {fault:?}", hex::encode_upper(command));
        hit.nvm_mut().arm(None, 0);
        tally.faults += 1;
        let state = settled(&hit.nvm().memory).unwrap_or_else(|error| panic!("{}: a lost card: {error}", what()));
        if answer == played.answer {
            tally.unharmed += 1;
            assert!(state == played.after[FIRST_PAGE..], "{}: answered, but not done", what());
        } else {
            tally.refused += 1;
            assert_eq!(hex::encode_upper(&answer), "6581", "{}", what());
            let old = state == played.before[FIRST_PAGE..];
            let spent = played.spent.as_ref().is_some_and(|spent| state == spent[FIRST_PAGE..]);
            // A wrong try may have been spent before what tells it failed.
            let told_too_late = played.status_is_tries() && state == played.after[FIRST_PAGE..];
            assert!(old || spent || told_too_late, "{}: refused, but the old state is lost", what());
        }
        if tally.faults.is_multiple_of(16) {
            let mut reopened: On<SimNvm> = Card::open(parts(hit.nvm().memory.clone())).unwrap();
            assert_eq!(look_live(&mut hit), look(&mut reopened), "{}: live and reopened differ", what());
        }
    }
}

impl Played {
    fn status_is_tries(&self) -> bool {
        status(&self.answer).starts_with("63C")
    }
}

/// Plays a flow; each of its commands meets each fault.
fn fail(flow: &Flow) -> Tally {
    let mut tape = blank(Tape::new(vec![0; small().nvm_len as usize], Wrong::Nothing));
    let mut card = blank(Failing::new(SimNvm::new(small().nvm_len as usize)));
    let mut tally = Tally::default();
    for step in &flow.steps {
        let played = player::play(&mut tape, step);
        for fault in FAULTS {
            strike(&card, &step.command, &played, fault, &mut tally);
        }
        send(&mut card, &step.command);
    }
    tally
}

#[test]
fn every_command_meets_every_fault() {
    let mut all = Tally::default();
    for flow in scene::flows() {
        let tally = fail(&flow);
        println!("{}: {tally:?}", flow.name);
        (all.faults, all.refused) = (all.faults + tally.faults, all.refused + tally.refused);
        all.unharmed += tally.unharmed;
    }
    assert!(all.refused > 1000 && all.unharmed > 100, "{all:?}");
}

/// Memories that a cut left: at a few bytes, and right behind the seal of the last commit.
fn cuts(card: &On<SimNvm>, command: &[u8], log: &[Op]) -> Vec<SimNvm> {
    let mut points: Vec<u64> = (1..4).map(|quarter| length(log) * quarter / 4).collect();
    let mut written = 0;
    for op in log {
        let Op::Write(at, data) = op else { continue };
        written += data.len() as u64;
        if super::layout::SLOTS.contains(at) {
            points.extend([written - 1, written, written + 60]);
        }
    }
    points
        .into_iter()
        .map(|point| {
            let mut cut = card.fork();
            cut.nvm_mut().cut_power_in(point, Half::Old);
            send(&mut cut, command);
            let mut memory = cut.nvm().clone();
            memory.restore_power();
            memory
        })
        .collect()
}

/// Opens a cut memory with the fault at every access of the recovery. Nothing may be lost.
fn strike_recovery(memory: &SimNvm, fault: Fault, tally: &mut Tally) {
    let right = settled(memory).unwrap();
    let salt = tally.faults;
    let mut rng = seeded_rng(salt as u64, 4);
    for access in (0..).filter(|access| is_chosen(*access, salt)) {
        let fault = if fault == Fault::BitFlipped(0) { Fault::BitFlipped(rng.next_u64()) } else { fault };
        let mut card: On<Failing> = match Card::open(parts(Failing::new(memory.clone()))) {
            Ok(card) => card,
            Err(error) => panic!("a lost card: {error}"),
        };
        *card.nvm_mut() = Failing::new(memory.clone());
        card.nvm_mut().arm(Some(fault), access);
        let opened = !card.power_on(Protocol::T1).is_empty();
        if !card.nvm().happened {
            return;
        }
        card.nvm_mut().arm(None, 0);
        tally.faults += 1;
        (tally.refused, tally.unharmed) = (tally.refused + usize::from(!opened), tally.unharmed + usize::from(opened));
        let after = settled(&card.nvm().memory);
        assert!(after.as_ref() == Ok(&right), "access {access}, {fault:?}, opened: {opened}: {:?}", after.err());
    }
}

#[test]
fn a_recovery_that_meets_a_fault_loses_nothing() {
    let mut tally = Tally::default();
    for flow in scene::flows() {
        let mut tape = blank(Tape::new(vec![0; small().nvm_len as usize], Wrong::Nothing));
        let mut card = blank(SimNvm::new(small().nvm_len as usize));
        for step in &flow.steps {
            let played = player::play(&mut tape, step);
            if !played.log.is_empty() {
                for memory in cuts(&card, &step.command, &played.log) {
                    FAULTS.into_iter().for_each(|fault| strike_recovery(&memory, fault, &mut tally));
                }
            }
            send(&mut card, &step.command);
        }
    }
    println!("{tally:?}");
    assert!(tally.refused > 100 && tally.unharmed > 100, "{tally:?}");
}

#[test]
fn an_unreadable_memory_is_refused_with_its_reason() {
    let memory = blank(SimNvm::new(small().nvm_len as usize)).nvm().clone();
    let mut failing = Failing::new(memory);
    failing.arm(Some(Fault::ReadsRefusedFromNowOn), 0);
    let refused: Result<On<Failing>, _> = Card::open(parts(failing));
    assert_eq!(refused.err(), Some(OpenError::Medium(NvmError::Read)));
}
