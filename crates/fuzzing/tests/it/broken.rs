//! The card with one fault of its own.

use card_fuzz::canary;
use card_fuzz::cards;
use card_fuzz::device::{FuzzCard, Subject};
use card_fuzz::sequence::Torn;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// READ BINARY answers with a part of the PIN.
    LeaksPin,
    /// GET CHALLENGE answers with a part of a prime.
    LeaksKey,
    /// READ BINARY answers one byte.
    OneByte,
    /// READ BINARY is not answered.
    Mute,
    /// A wrong PIN gives a try more.
    CountsUp,
    /// An error carries data.
    DataWithError,
    /// READ BINARY answers one byte more than it was asked for.
    TooMuch,
    /// READ BINARY answers with a flipped bit.
    WrongData,
    /// SELECT of a missing file answers another error.
    WrongStatus,
    /// A wrong PIN is taken.
    TakesAnyPin,
    /// One command reads the memory a hundred times.
    Busy,
    /// After a power cycle the card has forgotten what it wrote.
    Forgets,
    /// After a cut the card stays mute.
    DiesOfCut,
    /// After a cut the tries are back.
    GivesTriesBack,
}

pub(crate) struct Broken {
    card: FuzzCard,
    first: FuzzCard,
    fault: Fault,
    cut: bool,
}

impl Broken {
    pub(crate) fn new(choice: u8, fault: Fault) -> Self {
        let (card, _) = cards::fork(choice);
        Self { first: card.fork(), card, fault, cut: false }
    }

    pub(crate) fn memory(&self) -> u64 {
        u64::from(self.card.preset().nvm_len)
    }

    /// What the answer becomes.
    fn distort(&self, command: &[u8], answer: &[u8]) -> Vec<u8> {
        let ins = command.get(1).copied().unwrap_or(0);
        let (data, word) = answer.split_at(answer.len().saturating_sub(2));
        let good = word == [0x90, 0x00];
        match (self.fault, ins) {
            (Fault::LeaksPin, 0xB0) if data.len() >= 9 => [&canary::pin()[3..12], &data[9..], word].concat(),
            (Fault::LeaksKey, 0x84) if good => [&canary::rsa_part(2, 128)[20..28], word].concat(),
            (Fault::OneByte, 0xB0) => vec![0x90],
            (Fault::Mute, 0xB0) => Vec::new(),
            (Fault::CountsUp, 0x20) if word[0] == 0x63 => vec![0x63, 0xC0 | (15 - (word[1] & 0x0F))],
            (Fault::DataWithError, _) if !good && word[0] == 0x6A => [b"abc", word].concat(),
            (Fault::TooMuch, 0xB0) if good => [data, b"x", word].concat(),
            (Fault::WrongData, 0xB0) if good && !data.is_empty() => {
                [&data[..data.len() - 1], &[data[data.len() - 1] ^ 1], word].concat()
            }
            (Fault::WrongStatus, 0xA4) if word == [0x6A, 0x82] => vec![0x6A, 0x88],
            (Fault::TakesAnyPin, 0x20) if word[0] == 0x63 => vec![0x90, 0x00],
            _ => answer.to_vec(),
        }
    }
}

impl Subject for Broken {
    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        let answer = self.card.transmit(command, response).to_vec();
        let answer = self.distort(command, &answer);
        response[..answer.len()].copy_from_slice(&answer);
        &response[..answer.len()]
    }

    fn reset(&mut self) -> bool {
        Subject::reset(&mut self.card)
    }

    fn power_cycle(&mut self) -> bool {
        let was_cut = std::mem::take(&mut self.cut);
        let gives_back = self.fault == Fault::GivesTriesBack && was_cut;
        if self.fault == Fault::Forgets || gives_back {
            self.card = self.first.fork();
        }
        self.card.power_cycle() && !(self.fault == Fault::DiesOfCut && was_cut)
    }

    fn power_cycle_with_cut(&mut self) -> bool {
        self.card.power_cycle_with_cut()
    }

    fn cut_power(&mut self, after: u16, torn: Torn) {
        self.cut = true;
        self.card.cut_power(after, torn);
    }

    fn has_power(&self) -> bool {
        self.card.has_power()
    }

    fn take_work(&mut self) -> u64 {
        let work = self.card.take_work();
        if self.fault == Fault::Busy { work + 100 * self.memory() } else { work }
    }
}
