//! `--faults FILE`: what is to go wrong, and when. TOML, seeded, the same again for the same commands. The grammar
//! is in fixtures/README.md.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use card_wire::{Icc, Protocol};
use pcsc_service::ReaderHandle;
use serde::Deserialize;
use virtual_reader::{Dice, Pattern};

use super::seat::Seat;

/// A file of faults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: Option<u64>,
    #[serde(default)]
    fault: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    reader: Option<usize>,
    instruction: Option<String>,
    pattern: Option<String>,
    command: Option<u64>,
    probability: Option<f64>,
    times: Option<u64>,
    #[serde(rename = "do")]
    action: Action,
}

/// What goes wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Action {
    /// Milliseconds.
    Delay(u64),
    Mute,
    /// Bytes that are missing at the end.
    Truncate(usize),
    /// Bytes too many.
    Lengthen(usize),
    /// Bits.
    Flip(usize),
    /// In hexadecimal.
    Status(String),
    Remove(When),
    Reset,
    /// Bytes that the command still writes.
    PowerLoss(u64),
    Unplug,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum When {
    Before,
    During,
    After,
}

/// A fault and how often it has come up.
struct Fault {
    row: Row,
    pattern: Option<Pattern>,
    instruction: Option<u8>,
    fits: u64,
    fired: u64,
}

/// All faults of a run.
pub(crate) struct Faults {
    seed: u64,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    faults: Vec<Fault>,
}

impl Faults {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn read(path: &Path, seed: Option<u64>) -> anyhow::Result<Arc<Self>> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, seed).with_context(|| format!("{} is no list of faults", path.display()))
    }

    fn parse(text: &str, seed: Option<u64>) -> anyhow::Result<Arc<Self>> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count());
            anyhow::anyhow!("line {line}: {}", error.message().replace('\n', " "))
        })?;
        ensure!(!file.fault.is_empty(), "there is no [[fault]] in it");
        let seed = seed.or(file.seed).unwrap_or_else(any_seed);
        let faults = file.fault.into_iter().enumerate();
        let faults = faults.map(|(at, row)| Fault::new(row).with_context(|| format!("fault {}", at + 1)));
        let faults = faults.collect::<anyhow::Result<_>>()?;
        Ok(Arc::new(Self { seed, state: Mutex::new(State { dice: Dice::new(seed), faults }) }))
    }

    /// Says which fault is meant for a reader that there is not.
    ///
    /// # Errors
    /// The fault that would never come up.
    pub(crate) fn check_readers(&self, count: usize) -> anyhow::Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = state.faults.iter().map(|fault| fault.row.reader);
        match numbers.enumerate().find_map(|(at, reader)| Some((at, reader.filter(|reader| *reader >= count)?))) {
            None => Ok(()),
            Some((at, reader)) => bail!("fault {}: there is no reader {reader}; they are counted from 0", at + 1),
        }
    }

    /// Says which faults need what only a card of ours has, where one that is not is in this reader.
    ///
    /// # Errors
    /// The fault that cannot happen there.
    pub(crate) fn check_foreign(&self, reader: usize) -> anyhow::Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let cuts = |fault: &Fault| {
            matches!(fault.row.action, Action::PowerLoss(_)) && fault.row.reader.is_none_or(|wanted| wanted == reader)
        };
        match state.faults.iter().position(cuts) {
            None => Ok(()),
            Some(at) => bail!("fault {}: only cards of ours lose their power in a write; say `reader = N`", at + 1),
        }
    }

    /// What goes wrong with this command. What another fault makes impossible does not count as done.
    fn decide(&self, reader: usize, command: &[u8]) -> Vec<Action> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { dice, faults } = &mut *state;
        let due = faults.iter_mut().filter_map(|fault| fault.is_due(reader, command, dice).then_some(fault));
        let due: Vec<&mut Fault> = due.collect();
        let kinds: Vec<Kind> = due.iter().map(|fault| fault.row.action.kind()).collect();
        let kept = due.into_iter().zip(possible(&kinds)).filter(|(_, is_kept)| *is_kept);
        kept.map(|(fault, _)| fault.fire()).collect()
    }

    fn draw(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).dice.draw()
    }

    /// What has come up, and whether each fault has.
    pub(crate) fn story(&self) -> (String, bool) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fired = state.faults.iter().map(|fault| fault.fired);
        let words = fired.clone().enumerate().map(|(at, fired)| match fired {
            0 => format!("fault {} never fired", at + 1),
            fired => format!("fault {} fired {fired}x", at + 1),
        });
        let words: Vec<String> = words.collect();
        (words.join(", "), fired.min() != Some(0))
    }

    /// The seed that repeats it.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }
}

impl Fault {
    fn new(row: Row) -> anyhow::Result<Self> {
        let hex = |text: &str, digits| text.len() == digits && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if let Some(text) = row.instruction.as_ref().filter(|text| !hex(text, 2)) {
            bail!("instruction `{text}`: two hexadecimal digits, like \"20\"");
        }
        let instruction = row.instruction.as_ref().and_then(|text| u8::from_str_radix(text, 16).ok());
        let pattern = |text: &String| Pattern::parse(text).with_context(|| format!("pattern {text}"));
        let pattern = row.pattern.as_ref().map(pattern).transpose()?;
        ensure!(row.command != Some(0), "commands are counted from 1");
        ensure!(row.probability.is_none_or(|p| (0.0..=1.0).contains(&p)), "a probability is from 0 to 1");
        ensure!(row.times != Some(0), "a fault that comes up 0 times is none; leave it out");
        ensure!(row.command.is_none() || row.probability.is_none(), "`command` or `probability`, not both");
        match &row.action {
            Action::Status(text) if !hex(text, 4) => bail!("status `{text}`: four hexadecimal digits, like \"6F00\""),
            Action::Truncate(0) | Action::Lengthen(0) | Action::Flip(0) => bail!("`do` does nothing"),
            Action::Delay(milliseconds) if *milliseconds > 3_600_000 => bail!("a delay of more than an hour"),
            _ => {}
        }
        Ok(Self { row, pattern, instruction, fits: 0, fired: 0 })
    }

    /// Whether it is its turn at this command.
    fn is_due(&mut self, reader: usize, command: &[u8], dice: &mut Dice) -> bool {
        let row = &self.row;
        let is_meant = row.reader.is_none_or(|wanted| wanted == reader)
            && self.instruction.is_none_or(|wanted| command.get(1) == Some(&wanted))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.fits(command));
        if !is_meant {
            return false;
        }
        self.fits += 1;
        let comes = match (row.command, row.probability) {
            (Some(number), _) => self.fits == number,
            (None, Some(probability)) => dice.part() < probability,
            (None, None) => true,
        };
        let most = row.times.unwrap_or(if row.probability.is_some() { u64::MAX } else { 1 });
        comes && self.fired < most
    }

    fn fire(&mut self) -> Action {
        self.fired += 1;
        self.row.action.clone()
    }
}

/// What an action does to the others at the same command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing: all delays add up.
    Delay,
    /// The command is not executed, or cut: only delays are possible beside it.
    Ends,
    /// The answer is lost: nothing can be done to it, or after it.
    Loses,
    /// The answer is another one; one after the other.
    Spoils,
    /// Something happens once the command has been answered; one thing.
    Follows,
}

impl Action {
    const fn kind(&self) -> Kind {
        match self {
            Self::Delay(_) => Kind::Delay,
            Self::Mute | Self::Remove(When::Before) | Self::PowerLoss(_) => Kind::Ends,
            Self::Remove(When::During) | Self::Unplug => Kind::Loses,
            Self::Truncate(_) | Self::Lengthen(_) | Self::Flip(_) | Self::Status(_) => Kind::Spoils,
            Self::Remove(When::After) | Self::Reset => Kind::Follows,
        }
    }
}

/// Which of these are possible together: the first that excludes others stays.
fn possible(kinds: &[Kind]) -> Vec<bool> {
    let first = |wanted: Kind| kinds.iter().position(|kind| *kind == wanted);
    let (ends, loses, follows) = (first(Kind::Ends), first(Kind::Loses), first(Kind::Follows));
    let is_kept = |(at, kind): (usize, &Kind)| match kind {
        Kind::Delay => true,
        Kind::Ends => ends == Some(at),
        Kind::Loses => ends.is_none() && loses == Some(at),
        Kind::Spoils => ends.is_none() && loses.is_none(),
        Kind::Follows => ends.is_none() && loses.is_none() && follows == Some(at),
    };
    kinds.iter().enumerate().map(is_kept).collect()
}

/// A seed that nobody chose, short enough to be typed.
pub(crate) fn any_seed() -> u64 {
    RandomState::new().hash_one(()) >> 32
}

/// A card that things go wrong with.
pub(crate) struct Faulty {
    pub(crate) card: Box<dyn Icc>,
    pub(crate) faults: Arc<Faults>,
    /// The number of its reader.
    pub(crate) reader: usize,
    pub(crate) seat: Seat,
}

impl Icc for Faulty {
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
        let actions = self.faults.decide(self.reader, command);
        if actions.is_empty() {
            return self.card.transmit(command, response);
        }
        for action in &actions {
            match action {
                Action::Delay(milliseconds) => self.seat.clock.pass(Duration::from_millis(*milliseconds)),
                Action::Mute => return &[],
                Action::Remove(When::Before) => {
                    self.seat.on_reader(ReaderHandle::vanish);
                    return &[];
                }
                Action::PowerLoss(bytes) => self.seat.fuse.blow_after(*bytes),
                _ => {}
            }
        }
        let mut answer = self.card.transmit(command, response).to_vec();
        if actions.iter().any(|action| matches!(action, Action::PowerLoss(_))) {
            // One that wrote less loses its power at its end. It is mute until a reset gives it power anew.
            self.seat.fuse.mend();
            self.card.power_off();
            return &[];
        }
        for action in &actions {
            self.spoil(action, &mut answer);
        }
        let len = answer.len().min(response.len());
        response[..len].copy_from_slice(&answer[..len]);
        &response[..len]
    }
}

impl Faulty {
    /// Flips so many different bits, or all where there are no more.
    fn flip(&self, bits: usize, answer: &mut [u8]) {
        let all = 8 * answer.len();
        // Places that are not taken yet; the one that is drawn goes to the end.
        let mut places: Vec<usize> = (0..all).collect();
        for left in (1..=all).rev().take(bits) {
            let drawn = usize::try_from(self.faults.draw() % left as u64).unwrap_or_default();
            places.swap(drawn, left - 1);
            let place = places[left - 1];
            answer[place / 8] ^= 1 << (place % 8);
        }
    }

    /// Does to an answer, and to the card behind it, what is to happen after the command.
    fn spoil(&self, action: &Action, answer: &mut Vec<u8>) {
        match action {
            // An empty answer is a mute card, which is another fault.
            Action::Truncate(bytes) => answer.truncate(answer.len().saturating_sub(*bytes).max(1)),
            Action::Lengthen(bytes) => answer.resize(answer.len().saturating_add(*bytes).min(65_538), 0),
            Action::Flip(bits) => self.flip(*bits, answer),
            Action::Status(text) => {
                *answer = u16::from_str_radix(text, 16).unwrap_or_default().to_be_bytes().to_vec();
            }
            Action::Remove(When::During) => self.seat.on_reader(ReaderHandle::vanish),
            Action::Remove(When::After) => self.seat.on_reader(ReaderHandle::vanish_after_command),
            Action::Reset => self.seat.on_reader(ReaderHandle::reset_after_command),
            Action::Unplug => self.seat.on_reader(ReaderHandle::unplug),
            Action::Delay(_) | Action::Mute | Action::Remove(When::Before) | Action::PowerLoss(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fires(text: &str, commands: &[&str]) -> Vec<usize> {
        let faults = Faults::parse(text, None).unwrap();
        let hits = commands.iter().map(|command| faults.decide(0, &hex::decode(command).unwrap()).len());
        hits.collect()
    }

    #[test]
    fn commands_are_counted_and_compared() {
        let select = ["00A4040000", "00B0000000", "00A4000000", "00A4040000"];
        assert_eq!(fires("[[fault]]\ndo = \"mute\"", &select), [1, 0, 0, 0]);
        assert_eq!(fires("[[fault]]\ncommand = 2\ndo = \"mute\"", &select), [0, 1, 0, 0]);
        assert_eq!(fires("[[fault]]\ninstruction = \"A4\"\ncommand = 2\ndo = \"mute\"", &select), [0, 0, 1, 0]);
        assert_eq!(fires("[[fault]]\npattern = \"00A404*\"\ntimes = 9\ndo = { flip = 1 }", &select), [1, 0, 0, 1]);
        assert_eq!(fires("[[fault]]\npattern = \"00A4??0000\"\ntimes = 9\ndo = \"reset\"", &select), [1, 0, 1, 1]);
        assert_eq!(fires("[[fault]]\npattern = \"00A4\"\ndo = \"reset\"", &select), [0; 4]);
        assert_eq!(fires("[[fault]]\nreader = 1\ndo = \"reset\"", &select), [0; 4]);
    }

    #[test]
    fn what_is_impossible_does_not_count() {
        let fault = |action: &str| format!("[[fault]]\ndo = {action}\n");
        for (actions, kept) in [
            (&["{ flip = 1 }", "\"mute\"", "\"unplug\"", "{ delay = 0 }", "{ power-loss = 1 }"][..], &[1, 3][..]),
            (&["{ flip = 1 }", "{ remove = \"during\" }", "\"unplug\"", "\"reset\""], &[1]),
            (&["{ flip = 1 }", "{ truncate = 1 }", "\"reset\"", "{ remove = \"after\" }"], &[0, 1, 2]),
        ] {
            let faults = Faults::parse(&actions.iter().map(|action| fault(action)).collect::<String>(), None).unwrap();
            assert_eq!(faults.decide(0, &[0, 0xA4, 0, 0]).len(), kept.len());
            let state = faults.state.lock().unwrap();
            let fired: Vec<usize> = (0..actions.len()).filter(|at| state.faults[*at].fired > 0).collect();
            assert_eq!(fired, kept, "{actions:?}");
        }
    }

    #[test]
    fn as_many_bits_are_flipped_as_there_are() {
        let faults = Faults::parse("seed = 27\n[[fault]]\ndo = \"mute\"", None).unwrap();
        let card = Box::new(card_os::sim::SimCard::from_seed(&card_os::Preset::tight(), 1, rsa_host::HostRsa).unwrap());
        let faulty = Faulty { card, faults, reader: 0, seat: Seat::new(false) };
        for (bits, flipped) in [(1, 1), (2, 2), (15, 15), (16, 16), (usize::MAX, 16)] {
            let mut answer = [0x90, 0x00];
            faulty.flip(bits, &mut answer);
            assert_eq!((answer[0] ^ 0x90).count_ones() + answer[1].count_ones(), flipped);
        }
    }

    #[test]
    fn a_seed_repeats_a_run() {
        let text = "seed = 5\n[[fault]]\nprobability = 0.5\ndo = { delay = 0 }";
        let some = fires(text, &["00A40400"; 64]);
        assert_eq!(some, fires(text, &["00A40400"; 64]));
        assert_ne!(some, fires(&text.replace('5', "6"), &["00A40400"; 64]));
        let count = some.iter().sum::<usize>();
        assert!((16..48).contains(&count), "{count}");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, word) in [
            ("", "no [[fault]]"),
            ("[[fault]]\n", "line 1: missing field `do`"),
            ("[[fault]]\ndo = \"mute\"\ncolor = 1", "line 3: unknown field `color`"),
            ("[[fault]]\ndo = \"explode\"", "line 2: unknown variant `explode`"),
            ("[[fault]]\ndo = { status = \"6F\" }", "fault 1: status `6F`: four"),
            ("[[fault]]\ndo = { status = \"+6F0\" }", "fault 1: status `+6F0`: four"),
            ("[[fault]]\ndo = \"mute\"\ninstruction = \"A4A4\"", "instruction `A4A4`: two"),
            ("[[fault]]\ndo = \"mute\"\ntimes = 0", "0 times"),
            ("[[fault]]\ndo = \"mute\"\npattern = \"0X\"", "pattern 0X"),
            ("[[fault]]\ndo = \"mute\"\ncommand = 0", "from 1"),
            ("[[fault]]\ndo = \"mute\"\nprobability = 2.0", "from 0 to 1"),
        ] {
            let error = Faults::parse(text, None).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
