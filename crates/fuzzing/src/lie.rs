//! A card that lies to its host: honest answers, spoiled in one of many ways, in an order that a seed decides.
//!
//! What is behind it may be any card, or [`Nothing`]. A host that takes a lie for the truth is wrong only where it
//! crashes, hangs or believes what it could have checked; that is for the one who looks at the host to say.

use std::collections::BTreeMap;
use std::time::Duration;

use card_wire::{Icc, Protocol, Status};

use crate::grammar::dice::Dice;
use crate::grammar::mutate;

/// The longest answer that fits into a frame of vpcd.
const LONGEST: usize = 0xFFFF;
/// The longest pause of [`Lie::Delay`].
const PAUSE: usize = 400;
/// Status words that hosts must expect.
const WORDS: [u16; 16] = [
    0x9000, 0x6700, 0x6982, 0x6983, 0x6985, 0x6A80, 0x6A82, 0x6A86, 0x6A88, 0x6B00, 0x6D00, 0x6E00, 0x6F00, 0x6282,
    0x63C0, 0x63CF,
];

macro_rules! lies {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal;)*) => {
        /// A way to spoil an answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Lie { $($(#[doc = $doc])* $name,)* }

        impl Lie {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name for people.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it does, in a sentence for people.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_start(),)* }
            }
        }
    };
}

lies! {
    /// One bit of the data or the status word is turned over.
    Flip = "flip";
    /// The data ends early; the status word stays.
    Truncate = "truncate";
    /// More data than was asked for, up to a whole frame.
    Oversize = "oversize";
    /// Only a status word, and another one.
    Status = "status";
    /// One byte instead of two or more.
    Short = "short";
    /// 61xx, with a number that is wrong, or nothing behind it.
    More = "more";
    /// 6Cxx, with a number that is wrong.
    WrongLe = "wrong-le";
    /// The data objects in the answer have lengths and tags that lie.
    Tlv = "tlv";
    /// Data objects of another kind than the host expects.
    Foreign = "foreign";
    /// Random bytes with 9000.
    Noise = "noise";
    /// The answer to the command before.
    Repeat = "repeat";
    /// The honest answer, late.
    Delay = "delay";
    /// No answer: the card is gone, and comes back.
    Mute = "mute";
    /// A spoiled ATR. Most hosts then talk to no card at all, so it is not among the usual ones.
    Atr = "atr";
}

impl Lie {
    /// The lies that are told unless others are chosen: all but [`Lie::Mute`] and [`Lie::Atr`], after which most hosts
    /// see nothing more.
    pub fn usual() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|lie| !matches!(lie, Self::Mute | Self::Atr))
    }

    /// The lie with this name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|lie| lie.word() == word)
    }
}

/// How a card lies.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides every choice.
    pub seed: u64,
    /// Of a hundred answers so many are lies.
    pub rate: usize,
    /// Which lies.
    pub kinds: Vec<Lie>,
}

/// What was told, for the one who listens.
#[derive(Clone, Debug)]
pub struct Told {
    /// Counted from 1, honest answers included.
    pub exchange: u64,
    /// Which lie.
    pub lie: Lie,
    /// Instruction of the command; `None` where it was not a command that was answered.
    pub ins: Option<u8>,
    /// Bytes of the honest answer and of the lie.
    pub lengths: (usize, usize),
}

/// A card in front of which somebody lies.
pub struct Liar<C> {
    card: C,
    dice: Dice,
    options: Options,
    exchange: u64,
    before: Vec<u8>,
    honest: Vec<u8>,
    atr: Vec<u8>,
    told: BTreeMap<Lie, u64>,
    tell: Box<dyn FnMut(&Told) + Send>,
}

impl<C: Icc> Liar<C> {
    /// Puts the liar in front of a card. `tell` hears each lie when it is told.
    pub fn new(card: C, options: Options, tell: impl FnMut(&Told) + Send + 'static) -> Self {
        Self {
            card,
            dice: Dice::new(options.seed),
            options,
            exchange: 0,
            before: Status::NO_DIAGNOSIS.to_bytes().to_vec(),
            honest: vec![0; LONGEST],
            atr: Vec::new(),
            told: BTreeMap::new(),
            tell: Box::new(tell),
        }
    }

    /// How often each lie was told.
    #[must_use]
    pub const fn told(&self) -> &BTreeMap<Lie, u64> {
        &self.told
    }

    /// Commands that were answered, honestly or not.
    #[must_use]
    pub const fn exchanges(&self) -> u64 {
        self.exchange
    }

    fn lies_now(&mut self) -> Option<Lie> {
        let now = self.dice.chance(self.options.rate);
        let index = self.dice.below(self.options.kinds.len());
        self.options.kinds.get(index).copied().filter(|_| now)
    }

    fn note(&mut self, lie: Lie, ins: Option<u8>, lengths: (usize, usize)) {
        *self.told.entry(lie).or_default() += 1;
        (self.tell)(&Told { exchange: self.exchange, lie, ins, lengths });
    }

    fn spoil_atr(&mut self) -> &[u8] {
        if self.options.kinds.contains(&Lie::Atr) && self.dice.chance(self.options.rate) && !self.atr.is_empty() {
            let before = self.atr.len();
            match self.dice.below(4) {
                0 => mutate::flip(&mut self.dice, &mut self.atr),
                1 => {
                    let len = 1 + self.dice.below(before);
                    self.atr.truncate(len);
                }
                2 => {
                    let more = self.dice.below(60);
                    let more = self.dice.bytes(more);
                    self.atr.extend(more);
                }
                _ => {
                    let len = 1 + self.dice.below(33);
                    self.atr = self.dice.bytes(len);
                }
            }
            let after = self.atr.len();
            self.note(Lie::Atr, None, (before, after));
        }
        &self.atr
    }

    /// The answer that is sent in place of the honest one.
    fn spoiled(&mut self, lie: Lie, honest: &[u8]) -> Vec<u8> {
        let (data, word) = Status::split(honest).unwrap_or((&[], Status::NO_DIAGNOSIS));
        let dice = &mut self.dice;
        let ok = Status::OK.to_bytes();
        match lie {
            Lie::Flip => {
                let mut bytes = honest.to_vec();
                mutate::flip(dice, &mut bytes);
                bytes
            }
            Lie::Truncate => [&data[..dice.below(data.len())], &word.to_bytes()].concat(),
            Lie::Oversize => {
                let most = dice.pick(&[LONGEST - 2, 65_000, 4_096, 257, 300, data.len() + 1]);
                let mut bytes = data.to_vec();
                bytes.extend(dice.bytes(most.saturating_sub(data.len())));
                [bytes, ok.to_vec()].concat()
            }
            Lie::Status => Status(dice.pick(&WORDS)).to_bytes().to_vec(),
            Lie::Short => vec![dice.pick(&[0x90, 0x61, 0x00, 0x6A])],
            Lie::More => [&data[..data.len().min(dice.below(256))], &[0x61, dice.byte()]].concat(),
            Lie::WrongLe => vec![0x6C, dice.byte()],
            Lie::Tlv => [mutate::objects(dice, data), word.to_bytes().to_vec()].concat(),
            Lie::Foreign => [foreign(dice), ok.to_vec()].concat(),
            Lie::Noise => {
                let len = dice.below(257);
                [dice.bytes(len), ok.to_vec()].concat()
            }
            Lie::Repeat => self.before.clone(),
            Lie::Delay => {
                std::thread::sleep(Duration::from_millis(dice.below(PAUSE) as u64));
                honest.to_vec()
            }
            Lie::Mute => Vec::new(),
            Lie::Atr => honest.to_vec(),
        }
    }
}

/// Data objects that are right in themselves, from somewhere else.
fn foreign(dice: &mut Dice) -> Vec<u8> {
    let texts = [
        "6F0A8202003883023F008A0105",
        "621A8205020000640A8302501584084445414442454546 8A0105",
        "611E4F0CA000000063504B43532D3135500A4F74686572206361726451043F005015",
        "7F49820009818100020101820100",
        "3082FFFF0201000482FFFE",
        "A00A30080406FFFFFFFFFFFF",
        "A880300604047FFF7FFF0000",
        "30800000",
        "5F5180",
    ];
    let text: String = texts[dice.below(texts.len())].split_whitespace().collect();
    hex::decode(text).unwrap_or_default()
}

impl<C: Icc> Icc for Liar<C> {
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        self.atr = self.card.power_on(protocol).to_vec();
        self.spoil_atr()
    }

    fn reset(&mut self) -> &[u8] {
        self.atr = self.card.reset().to_vec();
        self.spoil_atr()
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        self.exchange += 1;
        let mut honest = std::mem::take(&mut self.honest);
        let len = self.card.transmit(command, &mut honest).len();
        let answer = match self.lies_now().filter(|lie| len > 0 && *lie != Lie::Atr) {
            None => honest[..len].to_vec(),
            Some(lie) => {
                let mut spoiled = self.spoiled(lie, &honest[..len]);
                spoiled.truncate(LONGEST.min(response.len()));
                self.note(lie, command.get(1).copied(), (len, spoiled.len()));
                spoiled
            }
        };
        self.before = honest[..len].to_vec();
        self.honest = honest;
        let sent = answer.len().min(response.len());
        let place = &mut response[..sent];
        place.copy_from_slice(&answer[..sent]);
        place
    }
}

/// No card at all behind the liar: 9000 to everything, and an ATR.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Icc for Nothing {
    fn power_on(&mut self, _: Protocol) -> &[u8] {
        &[0x3B, 0x80, 0x80, 0x01, 0x01]
    }

    fn reset(&mut self) -> &[u8] {
        self.power_on(Protocol::T1)
    }

    fn power_off(&mut self) {}

    fn transmit<'r>(&mut self, _: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        let sent = response.len().min(2);
        let place = &mut response[..sent];
        place.copy_from_slice(&Status::OK.to_bytes()[..sent]);
        place
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use card_os::Preset;
    use card_os::sim::{SimCard, SoftRsa};

    use super::*;

    const SELECT: &[u8] = &[0, 0xA4, 4, 0, 12, 0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 1];

    fn answers(seed: u64, rate: usize, kinds: Vec<Lie>, count: usize) -> (Vec<Vec<u8>>, Vec<Lie>) {
        let card = SimCard::from_seed(&Preset::isoapplet(), 1, SoftRsa).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let mut liar = Liar::new(card, Options { seed, rate, kinds }, move |lie| heard.lock().unwrap().push(lie.lie));
        liar.power_on(Protocol::T1);
        let mut buffer = vec![0; LONGEST];
        let mut answers = Vec::new();
        for number in 0..count {
            let command: &[u8] = if number % 2 == 0 { SELECT } else { &[0, 0x84, 0, 0, 16] };
            answers.push(liar.transmit(command, &mut buffer).to_vec());
        }
        assert_eq!(liar.told().values().sum::<u64>(), told.lock().unwrap().len() as u64);
        let told = told.lock().unwrap().clone();
        (answers, told)
    }

    #[test]
    fn a_seed_repeats_its_lies_and_a_rate_is_kept() {
        let usual: Vec<Lie> = Lie::usual().filter(|lie| *lie != Lie::Delay).collect();
        let (first, told) = answers(7, 30, usual.clone(), 1000);
        assert_eq!(answers(7, 30, usual.clone(), 1000).0, first);
        assert_ne!(answers(8, 30, usual.clone(), 1000).0, first);
        assert!((200..400).contains(&told.len()), "{}", told.len());
        assert!(usual.iter().all(|lie| told.contains(lie)), "{told:?}");
        let (_, none) = answers(7, 0, usual, 100);
        assert!(none.is_empty());
    }

    #[test]
    fn each_lie_is_what_it_says() {
        for lie in Lie::ALL.iter().copied().filter(|lie| !matches!(lie, Lie::Delay | Lie::Atr)) {
            let (lies, _) = answers(1, 100, vec![lie], 40);
            let (honest, _) = answers(1, 0, vec![], 40);
            assert_ne!(lies, honest, "{}", lie.word());
            assert!(lies.iter().all(|answer| answer.len() <= LONGEST));
            let all = |good: fn(&[u8]) -> bool| lies.iter().all(|answer| good(answer));
            assert!(
                match lie {
                    Lie::Mute => all(<[u8]>::is_empty),
                    Lie::Short => all(|answer| answer.len() == 1),
                    Lie::More => all(|answer| answer[answer.len() - 2] == 0x61),
                    Lie::WrongLe => all(|answer| answer.len() == 2 && answer[0] == 0x6C),
                    Lie::Status => all(|answer| answer.len() == 2),
                    Lie::Oversize => lies.iter().any(|answer| answer.len() == LONGEST),
                    _ => true,
                },
                "{}",
                lie.word()
            );
            assert_eq!(Lie::named(lie.word()), Some(lie));
        }
    }
}
