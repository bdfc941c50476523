//! The memory as a file on a disk with a cache: between two barriers any of the sectors that were written may reach the
//! medium or not, each in any of the versions that it had, whole or torn at any byte, in any order.
//!
//! Sectors have 512 or 4,096 bytes. In the latter the header, both journal slots and the first pages are one sector.

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;

use super::layout::FIRST_PAGE;
use super::player::{self, blank, play};
use super::scene::{self, Flow, small};
use super::tape::{Op, Tape, Wrong};

/// Up to so many sectors, every subset is tried.
const ALL_SUBSETS: usize = 8;

/// A disk and how hard it is tried.
struct Disk {
    sector: usize,
    wrong: Wrong,
    rng: ChaCha20Rng,
    /// Random images at each crash point, and every how many bytes a single sector is torn.
    samples: usize,
    step: usize,
    images: usize,
    again: usize,
}

/// A write that the cache has and the medium perhaps not.
type Pending = Vec<(usize, Vec<u8>)>;

impl Disk {
    fn new(sector: usize, wrong: Wrong) -> Self {
        let (samples, step) = if super::is_exhaustive() { (200, 1) } else { (12, 13) };
        Self { sector, wrong, rng: card_os::sim::seeded_rng(0xD15C, sector as u64), samples, step, images: 0, again: 0 }
    }

    /// What each sector with pending writes may hold, oldest first.
    fn versions(&self, medium: &[u8], pending: &Pending) -> BTreeMap<usize, Vec<Vec<u8>>> {
        let mut now = medium.to_vec();
        let mut versions = BTreeMap::new();
        for (at, data) in pending {
            let sectors = at / self.sector..=(at + data.len() - 1) / self.sector;
            let content = |now: &[u8], sector: usize| {
                let start = sector * self.sector;
                now[start..now.len().min(start + self.sector)].to_vec()
            };
            for sector in sectors.clone() {
                versions.entry(sector).or_insert_with(|| vec![content(&now, sector)]);
            }
            now[*at..at + data.len()].copy_from_slice(data);
            for sector in sectors {
                versions.entry(sector).or_default().push(content(&now, sector));
            }
        }
        versions
    }

    /// Opens what a crash leaves, in every way in which it can leave it.
    fn crash(&mut self, medium: &[u8], pending: &Pending, goals: &[&[u8]], deep: bool) -> Result<(), String> {
        let versions = self.versions(medium, pending);
        let newest: Vec<(usize, &[u8])> = versions
            .iter()
            .map(|(sector, versions)| (*sector * self.sector, &versions[versions.len() - 1][..]))
            .collect();
        let put = |image: &mut [u8], (at, content): (usize, &[u8])| {
            image[at..at + content.len()].copy_from_slice(content);
        };
        if newest.len() <= ALL_SUBSETS {
            for subset in 0..1usize << newest.len() {
                let mut image = medium.to_vec();
                newest
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| subset & 1 << n != 0)
                    .for_each(|(_, new)| put(&mut image, *new));
                self.check(image, goals, deep)?;
            }
        }
        for (torn, (at, content)) in newest.iter().enumerate() {
            for all_others in [false, true] {
                let first = self.below(self.step);
                for tear in (first..content.len()).step_by(self.step) {
                    if medium[at + tear] == content[tear] {
                        continue;
                    }
                    let mut image = medium.to_vec();
                    let others = newest.iter().enumerate().filter(|(n, _)| all_others && *n != torn);
                    others.for_each(|(_, new)| put(&mut image, *new));
                    put(&mut image, (*at, &content[..tear]));
                    self.check(image, goals, deep)?;
                }
            }
        }
        for _ in 0..self.samples {
            let mut image = medium.to_vec();
            for (sector, versions) in &versions {
                let (below, above) = (self.below(versions.len()), self.below(versions.len()));
                let tear = self.below(versions[0].len() + 1);
                put(&mut image, (sector * self.sector, &versions[below]));
                if above > below {
                    put(&mut image, (sector * self.sector, &versions[above][..tear]));
                }
            }
            self.check(image, goals, deep)?;
        }
        Ok(())
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.next_u32() as usize % bound
    }

    fn check(&mut self, image: Vec<u8>, goals: &[&[u8]], deep: bool) -> Result<(), String> {
        self.images += 1;
        let mut card = player::open(image.clone(), self.wrong).map_err(|error| error.to_string())?;
        if !goals.contains(&&card.nvm().bytes[FIRST_PAGE..]) {
            return Err("a state that no answer allows".to_owned());
        }
        let log = card.nvm_mut().take_log();
        if deep && !log.is_empty() && self.below(32) == 0 {
            // The machine crashes again while the card recovers.
            self.again += 1;
            let (mut medium, mut pending) = (image, Pending::new());
            for op in log.into_iter().chain([Op::Sync]) {
                self.run(&mut medium, &mut pending, op, goals, false)?;
            }
        }
        Ok(())
    }

    /// Does one thing, and crashes before each barrier.
    fn run(
        &mut self,
        medium: &mut [u8],
        pending: &mut Pending,
        op: Op,
        goals: &[&[u8]],
        deep: bool,
    ) -> Result<(), String> {
        match op {
            Op::Write(at, data) => pending.push((at, data)),
            Op::Sync => {
                self.crash(medium, pending, goals, deep)?;
                for (at, data) in pending.drain(..) {
                    medium[at..at + data.len()].copy_from_slice(&data);
                }
            }
        }
        Ok(())
    }

    /// Plays a flow and crashes at every barrier and after every answer.
    fn play(&mut self, flow: &Flow) -> Result<(), String> {
        let mut card = blank(Tape::new(vec![0; small().nvm_len as usize], self.wrong));
        let (mut medium, mut pending) = (card.nvm().bytes.clone(), Pending::new());
        for (number, step) in flow.steps.iter().enumerate() {
            let played = play(&mut card, step);
            let states = [Some(&played.before), Some(&played.after), played.spent.as_ref()];
            let goals: Vec<&[u8]> = states.into_iter().flatten().map(|memory| &memory[FIRST_PAGE..]).collect();
            let context = |fault| format!("step {number}: {fault}");
            for op in played.log {
                self.run(&mut medium, &mut pending, op, &goals, true).map_err(context)?;
            }
            // The answer has left: nothing but the state after is right any more.
            self.crash(&medium, &pending, &[&played.after[FIRST_PAGE..]], true).map_err(context)?;
        }
        Ok(())
    }
}

fn survives(sector: usize) {
    for flow in scene::flows() {
        let mut disk = Disk::new(sector, Wrong::Nothing);
        if let Err(fault) = disk.play(&flow) {
            panic!("{}, sectors of {sector} bytes, {fault}", flow.name);
        }
        assert!(disk.images > 100 && disk.again > 0);
        println!("{}, {sector}: {} images, {} crashes in a recovery", flow.name, disk.images, disk.again);
    }
}

#[test]
fn sectors_of_512_bytes_may_arrive_in_any_order() {
    survives(512);
}

#[test]
fn sectors_of_4096_bytes_may_arrive_in_any_order() {
    survives(4096);
}

#[test]
fn a_card_without_one_of_its_barriers_is_found_out() {
    let barriers = [Wrong::NoSyncAfterImages, Wrong::NoSyncAfterSeal, Wrong::NoSyncAfterPages, Wrong::PagesFirst];
    for wrong in barriers {
        for sector in [512, 4096] {
            let mut flows = scene::flows();
            flows.retain(|flow| flow.name == "updates of all forms" || flow.name == "personalise");
            let disk = || Disk { samples: 20, step: 1, ..Disk::new(sector, wrong) };
            let fault = flows.iter().find_map(|flow| disk().play(flow).err());
            let fault = fault.unwrap_or_else(|| panic!("{wrong:?}, sectors of {sector} bytes: not found out"));
            println!("{wrong:?}, {sector}: {fault}");
        }
    }
}
