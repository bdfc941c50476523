//! Commands that get somewhere on a card: applications and files that exist, PINs, keys, chains, and mistakes in them.
//!
//! Random bytes mostly meet the first check of a card. So plans of a few commands each (select a file and read it, set
//! a PIN and block it, make a key and sign) are drawn in an order that a seed decides, and what the card answers steers
//! what comes next: files that were found are used again, 61xx and 6Cxx are followed, known sizes decide offsets. About
//! one command in five is then spoiled: a header, a length, a data object, the form of its lengths.
//!
//! Equal seeds and equal answers give equal commands. The words are those of ISO/IEC 7816-4, -8 and -9 and of OpenSC's
//! dialect. TERMINATE CARD USAGE is never sent: nothing comes after it.

pub(crate) mod dice;
pub(crate) mod mutate;
mod plans;

use std::collections::VecDeque;

use card_wire::{Class, Command, Ins, Status, tlv};

use dice::Dice;

/// Files that are remembered.
const FILES: usize = 64;
/// How often in a row the card may ask for one more command (61xx, 6Cxx).
const FOLLOW: usize = 24;
/// How many commands of a hundred are spoiled.
const SPOILED: usize = 20;
const TERMINATE_CARD_USAGE: u8 = 0xFE;
/// What most test cards begin with.
const PIN: &[u8] = b"123456";
const PUK: &[u8] = b"0123456789abcdef";

/// A source of commands.
#[derive(Clone, Debug)]
pub struct Grammar {
    dice: Dice,
    queue: VecDeque<Vec<u8>>,
    known: Known,
    keep_pin: bool,
    pin: Vec<u8>,
    followed: usize,
}

/// What the answers have told.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Files that were there.
    files: Vec<u16>,
    /// Bytes in the current file, where the card said it.
    size: usize,
    /// The dialect's application answers, or another one does.
    selected: bool,
    /// Key slots that hold something, and whether it is RSA.
    keys: Vec<(u8, bool)>,
    /// Algorithm of the last key generation.
    rsa: bool,
    slot: u8,
}

impl Grammar {
    /// A source that makes the choices of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            queue: VecDeque::new(),
            known: Known::default(),
            keep_pin: false,
            pin: PIN.to_vec(),
            followed: 0,
        }
    }

    /// The same source, which never sends what could spend a try or change a PIN: no VERIFY with data, no
    /// CHANGE REFERENCE DATA, no RESET RETRY COUNTER, whatever the class.
    #[must_use]
    pub fn keep_pin(self, keep: bool) -> Self {
        Self { keep_pin: keep, ..self }
    }

    /// The same source with a PIN that the card takes, instead of 123456.
    #[must_use]
    pub fn with_pin(self, pin: &[u8]) -> Self {
        Self { pin: pin.to_vec(), ..self }
    }

    /// The next command.
    pub fn next_command(&mut self) -> Vec<u8> {
        loop {
            while self.queue.is_empty() {
                self.plan();
            }
            let Some(mut command) = self.queue.pop_front() else { continue };
            if self.dice.chance(SPOILED) {
                command = mutate::command(&mut self.dice, &command);
            }
            let ends_all = command.get(1) == Some(&TERMINATE_CARD_USAGE);
            if !(ends_all || self.keep_pin && touches_pin(&command)) {
                return command;
            }
        }
    }

    /// So many commands, as if the card took each of them: for corpora and for cards that nobody asks.
    pub fn sequence(&mut self, len: usize) -> Vec<Vec<u8>> {
        let mut commands = Vec::with_capacity(len);
        for _ in 0..len {
            let command = self.next_command();
            self.answered(&command, &Status::OK.to_bytes());
            commands.push(command);
        }
        commands
    }

    /// Follows what the card said.
    pub fn answered(&mut self, command: &[u8], answer: &[u8]) {
        let Some((data, status)) = Status::split(answer) else { return };
        if self.asks_again(command, status) {
            return;
        }
        self.followed = 0;
        let Ok(command) = Command::parse(command) else { return };
        if status.is_ok() {
            self.succeeded(&command, data);
        } else if command.ins == Ins::SELECT && status == Status::NOT_FOUND {
            let gone = file_id(command.data);
            self.known.files.retain(|file| Some(*file) != gone);
        }
    }

    /// The card was reset, or another one put in its place.
    pub fn reset(&mut self) {
        self.queue.clear();
        self.followed = 0;
        self.known.selected = false;
        self.known.size = 0;
    }

    /// The card is a new one: nothing that was found is there any more.
    pub fn forget(&mut self) {
        self.reset();
        self.known = Known::default();
    }

    /// Follows 61xx and 6Cxx, mostly as a host would.
    fn asks_again(&mut self, command: &[u8], status: Status) -> bool {
        let [low, high] = status.0.to_le_bytes();
        let [class, ins, p1, p2, ..] = *command else { return false };
        if !matches!(high, 0x61 | 0x6C) || self.followed >= FOLLOW || self.dice.chance(15) {
            return false;
        }
        self.followed += 1;
        let again = match (high, Command::parse(command)) {
            (0x61, _) => vec![Class(class).unchained().0, Ins::GET_RESPONSE.0, 0, 0, low],
            (_, Ok(parsed)) => encode(
                [class, ins, p1, p2],
                parsed.data,
                Some(if low == 0 { 256 } else { low.into() }),
                parsed.extended,
            ),
            (_, Err(_)) => return false,
        };
        self.queue.push_front(again);
        true
    }

    fn succeeded(&mut self, command: &Command<'_>, data: &[u8]) {
        match command.ins {
            Ins::SELECT => self.selected(command, data),
            Ins::GET_RESPONSE => self.described(data),
            Ins::READ_BINARY | Ins::READ_RECORD => self.read(data),
            Ins::CREATE_FILE => self.described(command.data),
            Ins::DELETE_FILE => {
                let gone = file_id(command.data);
                self.known.files.retain(|file| Some(*file) != gone);
            }
            Ins::CHANGE_REFERENCE_DATA if command.p1p2() == 0x0101 && !command.data.is_empty() => {
                self.pin = command.data.to_vec();
            }
            Ins::CHANGE_REFERENCE_DATA | Ins::RESET_RETRY_COUNTER if command.p2 == 1 && command.data.len() == 32 => {
                let new = &command.data[16..];
                let len = new.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                self.pin = new[..len].to_vec();
            }
            Ins::GENERATE_ASYMMETRIC_KEY_PAIR | Ins::PUT_DATA_ODD => {
                let (slot, rsa) = (self.known.slot, self.known.rsa);
                self.known.keys.retain(|(other, _)| *other != slot);
                self.known.keys.push((slot, rsa));
            }
            Ins::MANAGE_SECURITY_ENVIRONMENT if command.p2 == 0 => {
                if let [0x80, 1, algorithm, 0x84, 1, slot] = *command.data {
                    self.known.rsa = matches!(algorithm, 0xF3 | 0xF5);
                    self.known.slot = slot;
                }
            }
            _ => {}
        }
    }

    fn selected(&mut self, command: &Command<'_>, data: &[u8]) {
        self.known.selected = true;
        if command.p1 != 4 {
            for pair in command.data.chunks_exact(2) {
                self.found(u16::from_be_bytes([pair[0], pair[1]]));
            }
        }
        self.described(data);
    }

    /// Control information: which file it is and how long.
    fn described(&mut self, information: &[u8]) {
        let Some(Ok(outer)) = tlv::Reader::new(information).next() else { return };
        if !matches!(outer.tag.0, 0x6F | 0x62 | 0x64) {
            return;
        }
        for object in tlv::Reader::new(outer.value).map_while(Result::ok) {
            match (object.tag.0, object.value) {
                (0x80 | 0x81, [high, low]) => self.known.size = u16::from_be_bytes([*high, *low]).into(),
                (0x83, [high, low]) => self.found(u16::from_be_bytes([*high, *low])),
                _ => {}
            }
        }
    }

    /// Paths in directory files: an octet string or tag 51 of two, four or six bytes.
    fn read(&mut self, data: &[u8]) {
        for at in 0..data.len().min(512) {
            if let [0x04 | 0x51, len @ (2 | 4 | 6), path @ ..] = &data[at..]
                && let Some(path) = path.get(..usize::from(*len))
            {
                for pair in path.chunks_exact(2) {
                    self.found(u16::from_be_bytes([pair[0], pair[1]]));
                }
            }
        }
    }

    fn found(&mut self, file: u16) {
        if !self.known.files.contains(&file) {
            if self.known.files.len() >= FILES {
                self.known.files.remove(0);
            }
            self.known.files.push(file);
        }
    }
}

fn file_id(path: &[u8]) -> Option<u16> {
    path.last_chunk::<2>().map(|id| u16::from_be_bytes(*id))
}

/// Whether a card that reads it generously could take it for a try at a PIN or for a change of one.
fn touches_pin(command: &[u8]) -> bool {
    match command {
        [_, ins, _, _, rest @ ..] => match ins & 0xFE {
            // With an Le of zero only: any other fifth byte could be the length of data that is missing.
            0x20 => !matches!(rest, [] | [0]),
            0x24 | 0x2C => true,
            _ => false,
        },
        // Cut off before its lengths: what a card makes of that is not known.
        [_, ins, ..] => matches!(ins & 0xFE, 0x20 | 0x24 | 0x2C),
        _ => false,
    }
}

/// The bytes of a command, short where its lengths allow and `extended` is not asked for. Le is omitted where it is
/// `None`; it is not checked against anything, as little as the class and the instruction.
pub(crate) fn encode(header: [u8; 4], data: &[u8], le: Option<usize>, extended: bool) -> Vec<u8> {
    let mut bytes = header.to_vec();
    let long = extended || data.len() > 255 || le.is_some_and(|le| le > 256);
    let [.., high, low] = data.len().to_be_bytes();
    match (data.is_empty(), long) {
        (true, _) => {}
        (false, false) => bytes.push(low),
        (false, true) => bytes.extend_from_slice(&[0, high, low]),
    }
    bytes.extend_from_slice(data);
    if let Some(le) = le {
        let [.., high, low] = le.to_be_bytes();
        match (long, data.is_empty()) {
            (false, _) => bytes.push(low),
            (true, true) => bytes.extend_from_slice(&[0, high, low]),
            (true, false) => bytes.extend_from_slice(&[high, low]),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use card_os::Preset;
    use card_os::sim::{SimCard, SoftRsa};
    use card_wire::Protocol;

    use super::*;

    /// What a card answers to so many commands of a seed: pairs reached, and how many answers were a success.
    fn reached(seed: u64, count: usize) -> (BTreeSet<(u8, u16)>, usize, Vec<Vec<u8>>) {
        let mut card = SimCard::from_seed(&Preset::isoapplet(), 1, SoftRsa).unwrap();
        card.power_on(Protocol::T1);
        let mut grammar = Grammar::new(seed);
        let (mut pairs, mut good, mut sent) = (BTreeSet::new(), 0, Vec::new());
        let mut buffer = vec![0; 0x1_0002];
        for number in 0..count {
            if number % 64 == 63 {
                card.reset();
                grammar.reset();
            }
            let command = grammar.next_command();
            let answer = card.transmit(&command, &mut buffer);
            grammar.answered(&command, answer);
            let (_, status) = Status::split(answer).unwrap();
            good += usize::from(status.is_ok() || status.waiting().is_some());
            pairs.insert((command[1], status.0));
            sent.push(command);
        }
        (pairs, good, sent)
    }

    #[test]
    fn commands_get_somewhere_and_a_seed_repeats_them() {
        let (pairs, good, sent) = reached(1, 6_000);
        assert!(good * 100 / sent.len() >= 20, "{good} of {}", sent.len());
        for cell in [
            (0xE0, 0x9000),
            (0xB0, 0x9000),
            (0xD6, 0x9000),
            (0x20, 0x9000),
            (0x20, 0x63C2),
            (0x20, 0x63C0),
            (0x2C, 0x9000),
            (0x2A, 0x9000),
            (0xDB, 0x9000),
        ] {
            assert!(pairs.contains(&cell), "{:02X} {:04X} is not reached", cell.0, cell.1);
        }
        assert_eq!(reached(1, 500).2, sent[..500]);
        assert_ne!(reached(2, 500).2, sent[..500]);
    }

    #[test]
    fn lengths_come_in_all_forms_and_fit_a_frame() {
        let sent = Grammar::new(3).sequence(20_000);
        let bounds = sent.iter().map(Vec::len).fold((usize::MAX, 0), |(min, max), len| (min.min(len), max.max(len)));
        assert!(bounds.0 == 2 && (40_000..=0xFFFF).contains(&bounds.1), "{bounds:?}");
        let parsed: Vec<_> = sent.iter().filter_map(|command| Command::parse(command).ok()).collect();
        assert!(sent.len() - parsed.len() > 500, "hardly any malformed command");
        assert!(parsed.iter().filter(|command| command.extended).count() > 500, "hardly any extended command");
        let instructions: BTreeSet<u8> = sent.iter().map(|command| command[1]).collect();
        assert!(instructions.len() > 200 && !instructions.contains(&TERMINATE_CARD_USAGE), "{instructions:02X?}");
        assert!(sent.iter().filter(|command| command[0] & 0x10 != 0).count() > 500, "hardly any chain");
    }

    #[test]
    fn a_pin_that_is_to_be_kept_is_left_alone() {
        let mut grammar = Grammar::new(4).keep_pin(true);
        let sent = grammar.sequence(20_000);
        assert!(sent.iter().any(|command| command[1] == 0x20));
        for command in sent {
            let harmless = match command[1] & 0xFE {
                0x20 => command.len() == 4 || command.len() == 5 && command[4] == 0,
                0x24 | 0x2C => false,
                _ => true,
            };
            assert!(harmless, "{command:02X?}");
        }
    }

    #[test]
    fn more_is_fetched_and_a_wrong_length_corrected_but_not_for_ever() {
        let mut followed = 0;
        for seed in 0..100 {
            let mut grammar = Grammar::new(seed);
            grammar.answered(&[1, 0xB0, 0, 0, 0], &[0x61, 7]);
            followed += usize::from(grammar.queue.front().is_some_and(|next| *next == [1, 0xC0, 0, 0, 7]));
            grammar.reset();
            grammar.answered(&[0, 0xB0, 0, 0, 0], &[0x6C, 9]);
            followed += usize::from(grammar.queue.front().is_some_and(|next| *next == [0, 0xB0, 0, 0, 9]));
        }
        assert!((140..=190).contains(&followed), "{followed}");
        let mut grammar = Grammar::new(1);
        let stuck = (0..1000).filter(|_| {
            let command = grammar.next_command();
            grammar.answered(&command, &[0x61, 0]);
            command[1] == 0xC0
        });
        assert!(stuck.count() < 990, "a card that always says 61xx is asked for nothing else");
    }

    #[test]
    fn any_answer_is_taken() {
        let mut dice = Dice::new(9);
        let mut grammar = Grammar::new(9);
        for _ in 0..5_000 {
            let command = grammar.next_command();
            let len = dice.pick(&[0, 1, 2, 20, 300]);
            let mut answer = dice.bytes(len);
            answer.extend(if dice.chance(50) { [0x90, 0] } else { [0x6F, 0x12] });
            grammar.answered(&command, &answer);
            assert!(grammar.known.files.len() <= FILES);
        }
    }
}
