//! Real cuts: the power goes while the card runs. They show that the memories that a campaign derives from a log are
//! those that a cut leaves, and follow recoveries that are cut again and again, garbage on garbage.

use std::collections::HashMap;

use card_os::sim::{Half, SimNvm};
use card_wire::Protocol;
use rand_core::Rng as _;

use super::campaign::{garbage, length, writes};
use super::layout::FIRST_PAGE;
use super::player::{self, On, Played, send};

/// What real cuts of one command left, by cut point.
pub(crate) struct Real(HashMap<u64, Vec<u8>>);

/// The byte with this number among all that the command writes: where it is, what it was and what it becomes.
fn byte(played: &Played, number: u64) -> Option<(usize, u8, u8)> {
    let mut now = played.before.clone();
    let mut left = usize::try_from(number).ok()?;
    for (at, data) in writes(&played.log) {
        if let Some(new) = data.get(left) {
            now[at..at + left].copy_from_slice(&data[..left]);
            return Some((at + left, now[at + left], *new));
        }
        now[at..at + data.len()].copy_from_slice(data);
        left -= data.len();
    }
    None
}

impl Real {
    /// Cuts `command` at `count` places, and after each goes through a chain of cut recoveries. `card` is where the
    /// command finds it.
    pub(crate) fn cut(card: &On<SimNvm>, command: &[u8], played: &Played, count: usize, seed: u64) -> Self {
        let mut rng = card_os::sim::seeded_rng(seed, 0);
        let mut images = HashMap::new();
        let written = length(&played.log);
        for _ in 0..if written == 0 { 0 } else { count } {
            let point = rng.next_u64() % (3 * written);
            let (at, old, new) = byte(played, point / 3).unwrap();
            let half =
                [Half::Old, Half::Garbage(garbage(at, old, new)), Half::New][usize::try_from(point % 3).unwrap()];
            let mut cut = card.fork();
            cut.nvm_mut().cut_power_in(point / 3, half);
            let answer = send(&mut cut, command);
            assert!(answer.is_empty() || point == 0, "an answer without power");
            assert!(send(&mut cut, command).is_empty(), "the card is mute until it gets power");
            images.insert(point, cut.nvm().image());
            chain(cut, played, &mut rng);
        }
        Self(images)
    }

    /// Whether a real cut at this point left the same.
    pub(crate) fn compare(&self, point: u64, memory: &[u8]) -> Result<(), String> {
        match self.0.get(&point) {
            Some(image) if image != memory => Err(format!("a real cut at point {point} leaves another memory")),
            _ => Ok(()),
        }
    }
}

/// Recoveries that are cut in turn, at any byte and with anything in it, until one comes to its end.
fn chain(mut card: On<SimNvm>, played: &Played, rng: &mut impl rand_core::Rng) {
    for _ in 0..rng.next_u32() % 8 {
        let [half, ..] = rng.next_u32().to_le_bytes();
        card.nvm_mut().cut_power_in(rng.next_u64() % 300, Half::Garbage(half));
        card.power_on(Protocol::T1);
    }
    card.nvm_mut().restore_power();
    assert!(!card.power_on(Protocol::T1).is_empty(), "a card that was cut again and again is dead");
    let memory = card.nvm().image();
    let right = [Some(&played.before), Some(&played.after), played.spent.as_ref()];
    let is_right = right.into_iter().flatten().any(|state| state[FIRST_PAGE..] == memory[FIRST_PAGE..]);
    assert!(is_right, "recoveries that were cut leave neither the state before nor the one after");
    player::open(memory, super::tape::Wrong::Nothing).unwrap();
}
