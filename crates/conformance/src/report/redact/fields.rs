//! Hides by decoded field: the data of PIN commands, key templates in PUT DATA, key files; chained and in ENVELOPE too.

use card_wire::tlv::{Reader, Tag};
use card_wire::{Class, Command, Ins, Status};
use zeroize::Zeroizing;

use super::{Mask, RawExchange};

/// Commands whose whole data is secret.
const PIN: [Ins; 5] = [
    Ins::VERIFY,
    Ins::CHANGE_REFERENCE_DATA,
    Ins::DISABLE_VERIFICATION_REQUIREMENT,
    Ins::ENABLE_VERIFICATION_REQUIREMENT,
    Ins::RESET_RETRY_COUNTER,
];
/// Their odd forms, with data objects, where a card has them.
const PIN_ODD: [Ins; 5] = [Ins(0x21), Ins(0x25), Ins(0x27), Ins(0x29), Ins(0x2D)];
/// Commands that write to the current file.
const WRITES: [u8; 9] = [0xD0, 0xD1, 0xD2, 0xD6, 0xD7, 0xDA, 0xDC, 0xDD, 0xE2];
/// Commands that read from the current file.
const READS: [u8; 6] = [0xA0, 0xB0, 0xB1, 0xB2, 0xB3, 0xC0];
/// Objects that hold keys: a private key template, a key as one value, and the dialect's curve with its scalar.
const KEYS: [Tag; 3] = [Tag(0x7F48), Tag(0x5F48), Tag(0xE0)];
/// A list of key parts and where they are: its tag calls it primitive, and its value can be cut short.
const HEADER_LIST: Tag = Tag(0x4D);
/// Deeper than this nothing of a key stands.
const DEPTH: usize = 6;

/// Where a byte came from: exchange and position in its command.
type Place = (usize, usize);

/// A command as the card executes it: one that was sent, or one that ENVELOPE carried.
struct Logical {
    header: [u8; 4],
    data: Zeroizing<Vec<u8>>,
    places: Vec<Place>,
    key_file: bool,
}

impl Logical {
    /// The command in these bytes; where their lengths are wrong, all behind the header is its data.
    fn of(bytes: &[u8], places: &[Place], key_file: bool) -> Option<Self> {
        let header = *bytes.first_chunk::<4>()?;
        let range = match Command::parse(bytes) {
            Ok(command) if command.data.is_empty() => 0..0,
            Ok(command) => {
                let start = if command.extended { 7 } else { 5 };
                start..start + command.data.len()
            }
            Err(_) => 4..bytes.len(),
        };
        let (data, places) = (Zeroizing::new(bytes.get(range.clone())?.to_vec()), places.get(range)?.to_vec());
        Some(Self { header, data, places, key_file })
    }

    fn ins(&self) -> Ins {
        Ins(self.header[1])
    }

    const fn is_chained(&self) -> bool {
        Class(self.header[0]).unchained().0 != self.header[0]
    }

    fn hide(&self, masks: &mut [Mask]) {
        hide_places(&self.places, masks);
    }
}

fn hide_places(places: &[Place], masks: &mut [Mask]) {
    for (exchange, at) in places {
        if let Some(hidden) = masks.get_mut(*exchange).and_then(|mask| mask.command.get_mut(*at)) {
            *hidden = true;
        }
    }
}

/// Hides what the fields of the commands say is secret.
pub(super) fn hide(exchanges: &[RawExchange], masks: &mut [Mask]) {
    let mut put = PutData::default();
    for command in logical(exchanges, masks) {
        let Some(command) = command else {
            // A reset: what comes then is no rest of a chain.
            put.end(masks);
            put = PutData::default();
            continue;
        };
        match command.ins() {
            ins if PIN.contains(&ins) || PIN_ODD.contains(&ins) => command.hide(masks),
            Ins::PUT_DATA | Ins::PUT_DATA_ODD => put.take(command, masks),
            ins if command.key_file && WRITES.contains(&ins.0) => command.hide(masks),
            _ => {}
        }
    }
    put.end(masks);
    hide_reads(exchanges, masks);
}

fn hide_reads(exchanges: &[RawExchange], masks: &mut [Mask]) {
    for (exchange, mask) in exchanges.iter().zip(masks) {
        let ins = exchange.command.as_ref().and_then(|command| command.get(1));
        if exchange.key_file && ins.is_some_and(|ins| READS.contains(ins)) {
            let len = mask.answer.len().saturating_sub(2);
            mask.answer.iter_mut().take(len).for_each(|hidden| *hidden = true);
        }
    }
}

/// The commands as the card executes them, and nothing for a reset. What ENVELOPE carries and nobody can make sense of is
/// hidden at once.
fn logical(exchanges: &[RawExchange], masks: &mut [Mask]) -> Vec<Option<Logical>> {
    let mut commands = Vec::new();
    let mut inside = Envelope::default();
    for (index, exchange) in exchanges.iter().enumerate() {
        let Some(bytes) = &exchange.command else {
            inside.end(masks);
            commands.push(None);
            continue;
        };
        let places: Vec<Place> = (0..bytes.len()).map(|at| (index, at)).collect();
        let Some(command) = Logical::of(bytes, &places, exchange.key_file) else { continue };
        if command.ins() == Ins::ENVELOPE {
            commands.extend(inside.take(command, masks).map(Some));
        } else {
            inside.end(masks);
            commands.push(Some(command));
        }
    }
    inside.end(masks);
    commands
}

/// What ENVELOPE commands have brought of a command.
#[derive(Default)]
struct Envelope {
    bytes: Zeroizing<Vec<u8>>,
    places: Vec<Place>,
}

impl Envelope {
    /// Takes a data field, as the card does: the command is executed once it is whole or nothing more comes.
    fn take(&mut self, command: Logical, masks: &mut [Mask]) -> Option<Logical> {
        self.bytes.extend_from_slice(&command.data);
        self.places.extend(&command.places);
        let last = command.data.is_empty();
        let whole = !command.is_chained() && Command::parse(&self.bytes).is_ok();
        if !last && !whole {
            return None;
        }
        let inner = Logical::of(&self.bytes, &self.places, command.key_file);
        let inner = inner.filter(|inner| whole && inner.ins().name().is_some() && inner.ins() != Ins::ENVELOPE);
        if inner.is_none() {
            self.end(masks);
        }
        *self = Self::default();
        inner
    }

    /// Nothing more comes: what is there is no whole command, so nobody knows what it is.
    fn end(&mut self, masks: &mut [Mask]) {
        hide_places(&self.places, masks);
        *self = Self::default();
    }
}

/// PUT DATA, whose data is put together from the parts of a chain.
#[derive(Default)]
struct PutData {
    chain: Vec<Logical>,
    /// A chain with a key in it was broken off: what looks like a new command can be the rest of the key.
    broken: bool,
}

impl PutData {
    fn take(&mut self, command: Logical, masks: &mut [Mask]) {
        let key = |command: &Logical| [Class(command.header[0]).unchained().0, command.header[1]];
        if self.chain.last().is_some_and(|last| key(last) != key(&command) || !last.is_chained()) {
            self.end(masks);
        }
        let chained = command.is_chained();
        self.chain.push(command);
        if !chained {
            self.end(masks);
        }
    }

    fn end(&mut self, masks: &mut [Mask]) {
        let chain = std::mem::take(&mut self.chain);
        let Some(first) = chain.first() else { return };
        let data: Zeroizing<Vec<u8>> =
            Zeroizing::new(chain.iter().flat_map(|command| command.data.iter().copied()).collect());
        let places: Vec<Place> = chain.iter().flat_map(|command| command.places.iter().copied()).collect();
        let tag = u16::from_be_bytes([first.header[2], first.header[3]]);
        let whole = chain.last().is_some_and(|last| !last.is_chained());
        let secret = secret(&data, tag);
        let key_file = chain.iter().any(|command| command.key_file && WRITES.contains(&command.ins().0));
        match secret {
            _ if key_file || (self.broken && !data.is_empty()) => hide_places(&places, masks),
            Secret::None => {}
            Secret::All => hide_places(&places, masks),
            Secret::At(ranges) => {
                ranges.iter().filter_map(|range| places.get(range.clone())).for_each(|part| hide_places(part, masks));
            }
        }
        // What a broken chain left over is hidden until a chain, or a command, that is whole and no rest of one.
        self.broken = !whole || (self.broken && Reader::new(&data).any(|object| object.is_err()));
    }
}

/// What of the data of PUT DATA is secret.
enum Secret {
    None,
    All,
    At(Vec<std::ops::Range<usize>>),
}

fn secret(data: &[u8], p1p2: u16) -> Secret {
    let named = KEYS.contains(&Tag(u32::from(p1p2)));
    let mut ranges = Vec::new();
    match walk(data, 0, named, 0, &mut ranges) {
        Some(()) if ranges.is_empty() => Secret::None,
        Some(()) => Secret::At(ranges),
        // 3FFF says that the data is made of objects; it is not, so it may be anything.
        None if named || p1p2 == 0x3FFF || data.first() == Some(&0xE0) => Secret::All,
        None if names_a_key(data) => Secret::All,
        None => Secret::None,
    }
}

fn names_a_key(data: &[u8]) -> bool {
    data.windows(2).any(|pair| matches!(pair, [0x7F | 0x5F, 0x48]))
}

/// Collects where the values of key objects are; nothing where the bytes are not made of objects.
fn walk(data: &[u8], base: usize, in_key: bool, depth: usize, ranges: &mut Vec<std::ops::Range<usize>>) -> Option<()> {
    let mut reader = Reader::new(data);
    while let Some(object) = reader.next() {
        let object = object.ok()?;
        let start = base + reader.position() - object.value.len();
        let key = in_key || KEYS.contains(&object.tag);
        let mut inner = Vec::new();
        let deeper = (object.tag.is_constructed() || object.tag == HEADER_LIST) && depth < DEPTH;
        if deeper && walk(object.value, start, key, depth + 1, &mut inner).is_some() {
            ranges.append(&mut inner);
        } else if key || (object.tag == HEADER_LIST && names_a_key(object.value)) {
            ranges.push(start..start + object.value.len());
        } else if object.tag.is_constructed() {
            return None;
        }
    }
    Some(())
}

/// The data of an answer, without its status word.
pub(super) fn answer_data(answer: &[u8]) -> usize {
    Status::split(answer).map_or(answer.len(), |(data, _)| data.len())
}
