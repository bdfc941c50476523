//! The card under test, as the targets see it, and what it is built on: memory that counts, a listener that checks.

use card_os::nvm::{Nvm, NvmError};
use card_os::platform::{Event, Events, Parts};
use card_os::preset::{Dialect, Preset};
use card_os::sim::{Half, SimNvm, SimPlatform, seeded_rng};
use card_os::{Card, OpenError};
use card_wire::Protocol;

use crate::canary::Secrets;
use crate::sequence::Torn;
use crate::toy::ToyRsa;

/// Something that takes commands and can be torn from its reader: the card, or in a test a broken one.
pub trait Subject {
    /// One command, one answer; empty where the power went.
    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8];
    /// A reset. Whether an ATR came.
    fn reset(&mut self) -> bool;
    /// Power off and on, without cuts that are still to come. Whether an ATR came.
    fn power_cycle(&mut self) -> bool;
    /// Power off and on, with the cut that was armed. Whether an ATR came.
    fn power_cycle_with_cut(&mut self) -> bool;
    /// The power will go after so many bytes of writing.
    fn cut_power(&mut self, after: u16, torn: Torn);
    /// Whether the power is there: no armed cut has come.
    fn has_power(&self) -> bool;
    /// Bytes of memory read and written since this was asked last.
    fn take_work(&mut self) -> u64;
}

/// Memory that counts what is read and written.
#[derive(Clone, Debug)]
pub struct CountedNvm {
    nvm: SimNvm,
    work: u64,
}

impl CountedNvm {
    /// Counts from zero.
    #[must_use]
    pub const fn new(nvm: SimNvm) -> Self {
        Self { nvm, work: 0 }
    }

    /// The memory itself.
    #[must_use]
    pub const fn memory(&self) -> &SimNvm {
        &self.nvm
    }

    fn count(&mut self, bytes: usize) {
        self.work += u64::try_from(bytes).unwrap_or(u64::MAX >> 1);
    }
}

impl Nvm for CountedNvm {
    fn len(&self) -> usize {
        self.nvm.len()
    }

    #[inline]
    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        self.count(out.len());
        self.nvm.read(at, out)
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        self.count(data.len());
        self.nvm.write(at, data)
    }
}

/// Listens to the card, and panics where an event tells what it must not.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Tries left of PIN and PUK, as far as events have told.
    left: [Option<u8>; 2],
    /// The power may go before an event tells of a success.
    cut: bool,
    /// Every event is written as text and searched; dear.
    pub render: bool,
    /// The card has PINs in several DFs, which may have one number.
    several: bool,
}

impl Watch {
    /// Bytes of a command that an event may carry: its header.
    const HEADER: usize = 4;

    fn pin_try(&mut self, reference: u8, success: bool, tries_left: u8) {
        if self.several {
            assert!((1..=14).contains(&reference), "an event for the PIN {reference}, which cannot exist");
            return;
        }
        let (pin, puk) = (1, 2);
        let Some(left) = self.left.get_mut(usize::from(reference).wrapping_sub(1)) else {
            panic!("an event for the PIN {reference}, which does not exist");
        };
        if !success {
            let before = left.unwrap_or(u8::MAX);
            assert!(tries_left <= before, "PIN {reference}: {before} tries were left, now {tries_left}");
        }
        *left = Some(tries_left);
        if success && reference == puk {
            // It has set the PIN anew.
            self.left[pin - 1] = None;
        }
    }
}

impl Events for Watch {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Command(bytes) => assert!(bytes.len() <= Self::HEADER, "an event carries {} bytes", bytes.len()),
            Event::PinTry { reference, success, tries_left } => self.pin_try(reference, success, tries_left),
            Event::PowerOff if self.cut => self.left = [None; 2],
            _ => (),
        }
        if self.render {
            let text = format!("{event:?}");
            assert_eq!(Secrets::planted().leaked_in_text(&text, &[]), None, "a secret in {text}");
        }
    }
}

/// What a byte becomes that is neither old nor new.
const GARBAGE: u8 = 0xA5;

/// The card of the sequence targets.
pub type FuzzCard = Card<SimPlatform<ToyRsa, Watch, CountedNvm>>;

/// A blank, powered card. The same every time.
///
/// # Errors
/// As `Card::create`.
pub fn blank(preset: &Preset) -> Result<FuzzCard, OpenError> {
    let len = usize::try_from(preset.nvm_len).map_err(|_| OpenError::BadSize)?;
    let mut card = FuzzCard::create(parts(SimNvm::new(len)), preset)?;
    card.events_mut().several = has_several_pins(preset);
    card.power_on(Protocol::T1);
    Ok(card)
}

/// The card in this memory.
///
/// # Errors
/// As `Card::open`.
pub fn open(nvm: SimNvm) -> Result<FuzzCard, OpenError> {
    let mut card = FuzzCard::open(parts(nvm))?;
    card.events_mut().several = has_several_pins(card.preset());
    Ok(card)
}

/// Whether PINs are files, as many as are made.
#[must_use]
pub fn has_several_pins(preset: &Preset) -> bool {
    preset.dialect == Dialect::None
}

fn parts(nvm: SimNvm) -> Parts<SimPlatform<ToyRsa, Watch, CountedNvm>> {
    Parts { nvm: CountedNvm::new(nvm), rng: seeded_rng(1, 0), rsa: ToyRsa, events: Watch::default() }
}

impl Subject for FuzzCard {
    #[inline]
    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        Self::transmit(self, command, response)
    }

    fn reset(&mut self) -> bool {
        !Self::reset(self).is_empty()
    }

    fn power_cycle(&mut self) -> bool {
        self.nvm_mut().nvm.restore_power();
        let alive = self.power_cycle_with_cut();
        self.events_mut().cut = false;
        alive
    }

    fn power_cycle_with_cut(&mut self) -> bool {
        self.power_off();
        !self.power_on(Protocol::T1).is_empty()
    }

    fn cut_power(&mut self, after: u16, torn: Torn) {
        let half = match torn {
            Torn::Old => Half::Old,
            Torn::New => Half::New,
            Torn::Garbage => Half::Garbage(GARBAGE),
        };
        self.nvm_mut().nvm.cut_power_in(u64::from(after), half);
        self.events_mut().cut = true;
    }

    fn has_power(&self) -> bool {
        self.nvm().memory().power_left() != Some(0)
    }

    #[inline]
    fn take_work(&mut self) -> u64 {
        std::mem::take(&mut self.nvm_mut().work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_count_down_pass() {
        let mut watch = Watch { render: true, ..Watch::default() };
        let tried = |reference, success, tries_left| Event::PinTry { reference, success, tries_left };
        for event in [tried(1, false, 2), tried(1, false, 1), tried(2, true, 5), tried(1, false, 2), tried(1, true, 3)]
        {
            watch.event(event);
        }
        watch.event(Event::Command(&[0, 0x20, 0, 1]));
    }

    #[test]
    #[should_panic(expected = "1 tries were left, now 2")]
    fn a_counter_that_rises_in_an_event_is_found() {
        let mut watch = Watch::default();
        watch.event(Event::PinTry { reference: 1, success: false, tries_left: 1 });
        watch.event(Event::PinTry { reference: 1, success: false, tries_left: 2 });
    }

    #[test]
    #[should_panic(expected = "an event carries 21 bytes")]
    fn a_command_with_its_data_in_an_event_is_found() {
        Watch::default().event(Event::Command(&[0; 21]));
    }
}
