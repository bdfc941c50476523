//! The same on cards that are worse than ours: one that stops in the middle of a write, and cards whose own journal is
//! broken on purpose. The first must come through as well; the others must be found out.

use card_enrolment::State;
use card_os::nvm::{Nvm, NvmError};
use card_os::platform::{NoEvents, Parts};
use card_os::sim::{SimNvm, SimPlatform, seeded_rng};
use card_wire::{Command, Ins, Protocol};
use crc::{CRC_32_ISO_HDLC, Crc};

use crate::desk::{Sim, cycle, shortened};
use crate::keys::PoolRsa;
use crate::tear::{
    Flow, Invariant, Picture, Scene, application, do_apply, do_install, do_renew, do_retire, downloading, memory,
    pictures, renewal, resume, retirement,
};

/// What an UPDATE BINARY leaves of which only the first bytes were written.
fn torn(picture: &Picture, bytes: usize) -> Sim {
    let mut sim = picture.sim.fork();
    let _ = sim.transmit(&shortened(&picture.command, bytes), &mut [0; 258]);
    cycle(&mut sim);
    sim
}

/// Cuts every UPDATE BINARY of a flow after each of its bytes. Returns how many cut points there were.
fn tear(scene: &Scene, flow: Flow, invariant: &Invariant) -> usize {
    let (pictures, _) = pictures(scene, flow);
    let mut points = 0;
    let mut expected = 0;
    for (number, picture) in pictures.iter().enumerate() {
        let command = Command::parse(&picture.command).unwrap();
        if command.ins != Ins::UPDATE_BINARY {
            continue;
        }
        expected += command.data.len() - 1;
        for bytes in 1..command.data.len() {
            points += 1;
            let sim = torn(picture, bytes);
            if let Err(fault) = resume(&sim, &picture.office, flow, invariant) {
                panic!("command {number}, torn after {bytes} of {} bytes: {fault}", command.data.len());
            }
        }
    }
    assert!(points > 0 && points == expected);
    points
}

#[test]
fn application_survives_torn_writes() {
    let invariant = Invariant { before: Vec::new(), after: vec![State::Active] };
    println!("application: {} torn writes", tear(&application(), do_apply, &invariant));
}

#[test]
fn renewal_survives_torn_writes() {
    let scene = renewal();
    let invariant = Invariant { before: scene.office.issued.clone(), after: vec![State::Superseded, State::Active] };
    println!("renewal: {} torn writes", tear(&scene, do_renew, &invariant));
}

#[test]
fn download_survives_torn_writes() {
    let scene = downloading();
    let invariant = Invariant { before: scene.office.issued.clone(), after: vec![State::Superseded, State::Active] };
    println!("download: {} torn writes", tear(&scene, do_install, &invariant));
}

#[test]
fn retirement_survives_torn_writes() {
    let scene = retirement();
    let invariant = Invariant { before: scene.office.issued.clone(), after: vec![State::Active] };
    println!("retirement: {} torn writes", tear(&scene, do_retire, &invariant));
}

/// Where the two journal slots are, and how they are built: checksum (4), number (4), count (1), zeros (3), mark (4),
/// then the images of at most three pages with their numbers.
const SLOTS: [usize; 2] = [512, 1024];
const SLOT: usize = 512;
const SEALED: usize = 12;
const BODY: usize = 16;
const IMAGE: usize = 126;

/// A memory under a card that was built wrongly.
#[derive(Clone)]
struct Wrong {
    nvm: SimNvm,
    fault: Fault,
    /// Writes to the journal that are held back.
    held: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// As it should be: the harness itself finds nothing.
    None,
    /// There is no seal behind the images: a record is a header and then the images, and whatever stands there counts.
    NoSeal,
    /// The pages are written before the journal.
    PagesFirst,
}

impl Nvm for Wrong {
    fn len(&self) -> usize {
        self.nvm.len()
    }

    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        self.nvm.read(at, out)?;
        if self.fault == Fault::NoSeal && SLOTS.contains(&at) && out.len() == SLOT {
            reseal(out);
        }
        Ok(())
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        let is_slot = SLOTS.iter().any(|slot| (*slot..slot + SLOT).contains(&at));
        let is_mark = is_slot && at % SLOT == SEALED;
        let is_images = is_slot && at % SLOT == BODY;
        if (self.fault == Fault::PagesFirst && is_slot && !is_mark) || (self.fault == Fault::NoSeal && is_images) {
            self.held.push((at, data.to_vec()));
            return Ok(());
        }
        if self.fault == Fault::NoSeal {
            self.nvm.write(at, data)?;
            return std::mem::take(&mut self.held).iter().try_for_each(|(at, data)| self.nvm.write(*at, data));
        }
        for (at, data) in std::mem::take(&mut self.held).into_iter().filter(|_| is_mark) {
            self.nvm.write(at, &data)?;
        }
        self.nvm.write(at, data)
    }
}

/// The checksum that a slot should have, whatever is in it.
fn reseal(slot: &mut [u8]) {
    let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    let sum = |salt: u32, bytes: &[u8]| {
        let mut digest = crc.digest_with_initial(salt);
        digest.update(bytes);
        digest.finalize()
    };
    let number = u32::from_be_bytes([slot[4], slot[5], slot[6], slot[7]]);
    let count = usize::from(slot[8].min(3));
    let seal = sum(sum(number, &slot[4..SEALED]), &slot[BODY..BODY + count * IMAGE]);
    slot[..4].copy_from_slice(&seal.to_le_bytes());
}

type WrongCard = card_os::Card<SimPlatform<PoolRsa, NoEvents, Wrong>>;

/// Opens a card of the wrong kind on the memory of a right one.
fn wrong(sim: &mut Sim, fault: Fault) -> WrongCard {
    let nvm = Wrong { nvm: SimNvm::from_image(&sim.nvm_mut().image()), fault, held: Vec::new() };
    let parts = Parts { nvm, rng: seeded_rng(9, 9), rsa: PoolRsa::default(), events: NoEvents };
    let mut card = WrongCard::open(parts).unwrap_or_else(|_| panic!("a whole memory opens"));
    card.power_on(Protocol::T1);
    card
}

/// Runs every command of a flow on a wrongly built card, cut after each byte, and takes the memory back to a right one.
/// Returns how many cuts left something that the invariant forbids.
fn found_out(scene: &Scene, flow: Flow, invariant: &Invariant, fault: Fault) -> (usize, usize) {
    let (pictures, _) = pictures(scene, flow);
    let writing = pictures.iter().filter(|picture| matches!(picture.command.get(1), Some(0xD6 | 0xE0 | 0xE4)));
    let (mut points, mut broken) = (0, 0);
    for picture in writing {
        let mut bytes = 1;
        let mut seen: Vec<Vec<u8>> = Vec::new();
        while let Some(left) = cut_wrongly(picture, bytes, fault) {
            (points, bytes) = (points + 1, bytes + 1);
            let mut whole = false;
            if let Some(mut sim) = left {
                let memory = memory(&mut sim);
                whole = seen.contains(&memory) || resume(&sim, &picture.office, flow, invariant).is_ok();
                seen.push(memory);
                seen.dedup();
            }
            broken += usize::from(!whole);
            if broken > 0 && fault != Fault::None {
                return (points, broken);
            }
        }
    }
    (points, broken)
}

/// What the command leaves on a wrongly built card: `None` if it was through, `Some(None)` if the card is dead.
fn cut_wrongly(picture: &Picture, bytes: u64, fault: Fault) -> Option<Option<Sim>> {
    let mut sim = picture.sim.fork();
    let mut card = wrong(&mut sim, fault);
    // The session is lost with the copy: bring the card to where the flow had it.
    bring(&mut card, picture);
    card.nvm_mut().nvm.cut_power_after(bytes);
    if !card.transmit(&picture.command, &mut [0; 258]).is_empty() {
        return None;
    }
    card.power_off();
    card.nvm_mut().nvm.restore_power();
    card.nvm_mut().held.clear();
    if card.power_on(Protocol::T1).is_empty() {
        return Some(None);
    }
    let image = card.nvm_mut().nvm.image();
    let parts =
        Parts { nvm: SimNvm::from_image(&image), rng: seeded_rng(9, 9), rsa: PoolRsa::default(), events: NoEvents };
    Some(Sim::open(parts).ok().map(|mut sim| {
        sim.power_on(Protocol::T1);
        sim
    }))
}

/// Selects, verifies and selects again what the flow had selected before this command.
fn bring(card: &mut WrongCard, picture: &Picture) {
    for command in &picture.path {
        card.transmit(command, &mut [0; 258]);
    }
}

#[test]
fn a_card_that_ignores_its_seal_or_writes_in_the_wrong_order_is_found_out() {
    let scene = retirement();
    let invariant = Invariant { before: scene.office.issued.clone(), after: vec![State::Active] };
    let (points, broken) = found_out(&scene, do_retire, &invariant, Fault::None);
    assert!(points > 100 && broken == 0, "{broken} of {points} on a right card");
    for fault in [Fault::NoSeal, Fault::PagesFirst] {
        let (points, broken) = found_out(&scene, do_retire, &invariant, fault);
        assert!(broken > 0, "{fault:?} was not found out in {points} cuts");
        println!("{fault:?} is found out at cut {points}");
    }
}
