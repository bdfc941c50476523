//! Commands that mean something to a card in a given state: random ones mostly miss.

use card_model::{KeyView, LifeCycle, Model};

use crate::cards::{Event, PIN, PUK, SELECT};
use crate::keys;

/// A small source of randomness (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll() % sides as u64).unwrap()
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.roll().to_be_bytes()[0]
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }
}

/// A command from its parts: short where it fits, unless `long`.
pub(crate) fn apdu(header: [u8; 4], data: &[u8], ne: Option<usize>, long: bool) -> Vec<u8> {
    let mut command = header.to_vec();
    let long = long || data.len() > 255 || ne.is_some_and(|ne| ne > 256);
    let two = |number: usize| u16::try_from(number & 0xFFFF).unwrap().to_be_bytes();
    match (long, data.is_empty()) {
        (true, true) if ne.is_some() => command.push(0),
        (true, false) => command.extend([&[0][..], &two(data.len())].concat()),
        (false, false) => command.push(two(data.len())[1]),
        _ => (),
    }
    command.extend_from_slice(data);
    match ne {
        Some(ne) if long => command.extend(two(ne)),
        Some(ne) => command.push(two(ne)[1]),
        None => (),
    }
    command
}

/// What happens next to a card in this state: one event or a few that belong together.
pub(crate) fn next(model: &Model, dice: &mut Dice) -> Vec<Event> {
    if dice.percent(3) {
        return vec![dice.pick(&[Event::Reset, Event::PowerCycle])];
    }
    let mut commands = Maker { model, dice }.commands();
    if dice.percent(3)
        && let Some(command) = commands.last_mut()
    {
        disturb(command, dice);
    }
    if dice.percent(5) {
        commands = chained(commands, dice);
    }
    commands.into_iter().map(Event::Command).collect()
}

/// Another class, instruction, parameter or length.
fn disturb(command: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(6) {
        _ if command.len() < 4 => command.clear(),
        0 => command[0] = dice.pick(&[0x01, 0x04, 0x0C, 0x10, 0x40, 0x60, 0x80, 0xFF]),
        1 => command[1] = dice.pick(&[0x00, 0x44, 0x70, 0x82, 0xA5, 0xB2, 0xC0, 0xFF]),
        2 => command[2] = dice.byte(),
        3 => command[3] ^= 1 << dice.below(8),
        4 => command.truncate(1 + dice.below(6)),
        _ => command.push(dice.byte()),
    }
}

/// The last command in parts, sometimes with a foreign one between them or with its end missing.
fn chained(mut commands: Vec<Vec<u8>>, dice: &mut Dice) -> Vec<Vec<u8>> {
    let Some(last) = commands.pop() else { return commands };
    let Some((header, [lc, data @ ..])) = last.split_first_chunk::<4>().filter(|(_, body)| body.len() > 2) else {
        return vec![last];
    };
    let [_, ins, p1, p2] = *header;
    let data = &data[..data.len().min(usize::from(*lc))];
    let (one, two) = data.split_at(dice.below(data.len().max(1)));
    commands.push(apdu([0x10, ins, p1, p2], one, None, false));
    if dice.percent(40) {
        commands.push(dice.pick(&[
            vec![0, 0x20, 0, 1],
            vec![0, 0xC0, 0, 0, 0],
            SELECT.to_vec(),
            vec![0, 0x84, 0, 0, 8],
        ]));
    }
    if dice.percent(90) {
        let ne = dice.percent(50).then_some(256);
        commands.push(apdu([0, ins, p1, p2], two, ne.filter(|_| matches!(ins, 0x2A | 0x46 | 0xA4)), false));
    }
    commands
}

/// Makes commands for one state.
struct Maker<'m, 'd> {
    model: &'m Model,
    dice: &'d mut Dice,
}

impl Maker<'_, '_> {
    fn commands(&mut self) -> Vec<Vec<u8>> {
        if self.model.waiting() && self.dice.percent(70) {
            let ne = self.dice.pick(&[256, 256, 1, 100, 65_536]);
            return vec![apdu([0, 0xC0, 0, 0], &[], Some(ne), ne > 256)];
        }
        if !self.model.selected() && self.dice.percent(90) {
            return vec![self.select_application()];
        }
        if self.model.life_cycle() != LifeCycle::Operational && self.dice.percent(25) {
            return vec![self.set()];
        }
        // Who has begun to guess goes on guessing.
        let tries = self.model.tries();
        let guessing = tries.pin.is_some_and(|left| left < self.model.profile().pin_tries);
        if guessing && self.dice.percent(30) {
            return vec![self.verify()];
        }
        if tries.puk.is_some_and(|left| left < self.model.profile().puk_tries) && self.dice.percent(10) {
            return vec![self.unblock()];
        }
        match self.dice.below(100) {
            0..=2 => vec![self.select_application()],
            3..=14 => vec![self.select()],
            15..=26 => self.read(),
            27..=38 => self.update(),
            39..=48 => vec![self.create()],
            49..=52 => vec![self.delete()],
            53..=62 => vec![self.verify()],
            63..=65 => vec![self.change()],
            66..=68 => vec![self.unblock()],
            69 => vec![self.set()],
            70..=84 if !self.model.verified() && self.dice.percent(90) => vec![self.verify()],
            70..=73 => self.generate(),
            74..=76 => self.import(),
            77..=88 => self.operate(),
            89..=91 => vec![self.environment()],
            92..=94 => vec![apdu([0, 0x84, 0, 0], &[], Some(self.dice.pick(&[1, 16, 32, 255, 256, 300])), false)],
            95..=96 => {
                vec![apdu([0, 0xCA, 1, self.dice.pick(&[1, 1, 2])], &[], Some(self.dice.pick(&[1, 3, 256])), false)]
            }
            97 => vec![vec![0, 0xC0, 0, self.dice.pick(&[0, 1]), 0]],
            _ => vec![self.nonsense()],
        }
    }

    fn nonsense(&mut self) -> Vec<u8> {
        let len = 1 + self.dice.below(24);
        let mut command = self.dice.bytes(len);
        command[0] &= 0x10;
        if let Some(ins) = command.get_mut(1).filter(|_| self.dice.percent(80)) {
            *ins = self.dice.pick(&[
                0x20, 0x22, 0x24, 0x2A, 0x2C, 0x46, 0x70, 0x84, 0xA4, 0xB0, 0xC0, 0xCA, 0xD6, 0xDB, 0xE0, 0xE4,
            ]);
        }
        command
    }

    fn select_application(&mut self) -> Vec<u8> {
        let mut command = SELECT.to_vec();
        command[3] = self.dice.pick(&[0x00, 0x00, 0x0C, 0x0C, 0x04]);
        if self.dice.percent(20) {
            *command.last_mut().unwrap() = 2;
        }
        if self.dice.percent(5) {
            command[6] ^= 1;
        }
        command
    }

    /// An identifier: mostly of a file that exists.
    fn id(&mut self) -> [u8; 2] {
        let files: Vec<u16> = self.model.files().map(|file| file.id).collect();
        if self.dice.percent(85) { self.dice.pick(&files).to_be_bytes() } else { [0x32, self.dice.byte()] }
    }

    /// The path of a file from the master file on.
    fn path(&mut self) -> Vec<u8> {
        let mut id = u16::from_be_bytes(self.id());
        let mut path = Vec::new();
        while let Some(file) = self.model.files().find(|file| file.id == id && id != 0x3F00) {
            path.splice(0..0, id.to_be_bytes());
            id = file.parent;
        }
        path
    }

    fn select(&mut self) -> Vec<u8> {
        let p1 = self.dice.pick(&[0, 0, 0, 1, 2, 2, 3, 4, 8, 8, 9]);
        let data = match p1 {
            0 if self.dice.percent(10) => Vec::new(),
            3 if self.dice.percent(90) => Vec::new(),
            4 => self.dice.pick(&[b"name".to_vec(), b"nam".to_vec(), vec![0xA0, 0, 0]]),
            8 => self.path(),
            9 if self.dice.percent(50) => self.path(),
            _ => self.id().to_vec(),
        };
        let ne = self.dice.pick(&[None, Some(256), Some(256), Some(1), Some(9)]);
        apdu([0, 0xA4, p1, self.dice.pick(&[0x00, 0x00, 0x04, 0x0C, 0x0C])], &data, ne, false)
    }

    fn create(&mut self) -> Vec<u8> {
        let is_df = self.dice.percent(30);
        let id = if self.dice.percent(10) { self.id() } else { [0x32, self.dice.byte() & 0x3F] };
        let [high, low] = self.dice.pick(&[0u16, 1, 8, 16, 40, 60, 128, 300, 1200, 0x8000, 0x8001]).to_be_bytes();
        let mut body = vec![self.dice.pick(&[0x81, 0x81, 0x81, 0x80]), 2, high, low];
        body.extend([0x82, 1, if is_df { 0x38 } else { 0x01 }, 0x83, 2, id[0], id[1]]);
        if is_df && self.dice.percent(20) {
            body.extend(b"\x84\x04name");
        }
        if self.dice.percent(90) {
            let any = |dice: &mut Dice| dice.pick(&[0x00, 0x00, 0x00, 0x90, 0x90, 0x10, 0x30, 0xFF, 0x01]);
            body.extend([0x86, 8, 0xFF]);
            body.extend((0..7).map(|_| any(self.dice)));
        }
        let mut data = keys::object(&[0x6F], &body);
        if self.dice.percent(8) {
            let at = self.dice.below(data.len());
            data[at] = self.dice.byte();
        }
        apdu([0, 0xE0, 0, 0], &data, None, self.dice.percent(5))
    }

    fn delete(&mut self) -> Vec<u8> {
        let id = self.id();
        apdu([0, 0xE4, 0, 0], &id, None, false)
    }

    /// Some SELECT of an EF in front, header bytes, and the length of the file that is meant.
    fn place(&mut self, commands: &mut Vec<Vec<u8>>) -> (u8, u8, usize) {
        let files: Vec<_> = self
            .model
            .files()
            .filter(|file| !file.is_df)
            .map(|file| (file.id, file.parent, file.content.len()))
            .collect();
        let current = files.iter().find(|file| Some(file.0) == self.model.current_ef());
        let file = if self.dice.percent(60) { current } else { None };
        let Some((id, parent, len)) = file.or_else(|| files.get(self.dice.below(files.len().max(1)))).copied() else {
            return (self.dice.pick(&[0, 0x81, 0x9F]), 0, 16);
        };
        let short = self.model.current_df() == Some(parent) && self.dice.percent(40);
        let offset =
            self.dice.pick(&[0, 0, 0, 1, 59, 60, 61, 123, 124, 125, 256, len / 2, len.saturating_sub(1), len, len + 1]);
        let [high, low] = u16::try_from(offset & 0x7FFF).unwrap().to_be_bytes();
        let left = len.saturating_sub(offset);
        if short {
            return (0x80 | id.to_be_bytes()[1] & 0x1F, low, left);
        }
        if Some(id) != self.model.current_ef() && self.dice.percent(95) {
            commands.push(apdu([0, 0xA4, 0, 0x0C], &id.to_be_bytes(), None, false));
        }
        (high, low, left)
    }

    fn read(&mut self) -> Vec<Vec<u8>> {
        let mut commands = Vec::new();
        let (p1, p2, left) = self.place(&mut commands);
        let ne = self.dice.pick(&[1, 16, 256, 256, 65_536, left.clamp(1, 256), (left + 1).min(256)]);
        commands.push(apdu([0, 0xB0, p1, p2], &[], Some(ne), ne > 256));
        commands
    }

    fn update(&mut self) -> Vec<Vec<u8>> {
        let mut commands = Vec::new();
        let (p1, p2, left) = self.place(&mut commands);
        let len = self.dice.pick(&[1, 2, 16, 130, left.min(300), left.min(300), left.min(300) + 1, 300]).max(1);
        let data = self.dice.bytes(len);
        commands.push(apdu([0, 0xD6, p1, p2], &data, None, self.dice.percent(5)));
        if self.dice.percent(70) {
            commands.push(apdu([0, 0xB0, p1, p2], &[], Some(65_536), true));
        }
        commands
    }

    /// A guess at a secret: right, nearly right, or wrong.
    fn guess(&mut self, secret: Option<[u8; 16]>, right: usize) -> [u8; 16] {
        let mut guess = secret.unwrap_or(PIN);
        let end = guess.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        if !self.dice.percent(right) {
            match self.dice.below(4) {
                0 => guess[end] ^= 1,
                1 => guess[0] ^= 0x80,
                2 => guess[(end + 1).min(15)] ^= 0x31,
                _ => guess[4..].fill(0x32),
            }
        }
        guess
    }

    fn verify(&mut self) -> Vec<u8> {
        if self.dice.percent(10) {
            return vec![0, 0x20, 0, self.dice.pick(&[1, 1, 2])];
        }
        // One card in a few is somebody's who guesses.
        let right = if self.model.files().count() % 4 == 3 { 35 } else { 75 };
        let pin = self.guess(self.model.pin(), right);
        let len = pin.iter().rposition(|byte| *byte != 0).map_or(4, |last| last + 1);
        let len = self.dice.pick(&[16, 16, 16, len, len, 3, 17]);
        let data = [&pin[..], &[0]].concat();
        apdu([0, 0x20, 0, 1], &data[..len], None, false)
    }

    fn new_pin(&mut self) -> Vec<u8> {
        let len = self.dice.pick(&[4, 6, 8, 16, 16, 6, 6, 3, 5]);
        let mut pin = self.dice.bytes(len);
        pin.iter_mut().for_each(|byte| *byte = b'0' + *byte % 10);
        pin
    }

    fn padded(&mut self) -> Vec<u8> {
        let mut pin = self.new_pin();
        pin.resize(16, 0);
        pin
    }

    fn change(&mut self) -> Vec<u8> {
        let old = self.guess(self.model.pin(), 60);
        let mut data = [&old[..], &self.padded()].concat();
        if self.dice.percent(8) {
            data.pop();
        }
        apdu([0, 0x24, 0, 1], &data, None, false)
    }

    fn unblock(&mut self) -> Vec<u8> {
        let puk = self.guess(self.model.puk().or(Some(PUK)), 60);
        let new = if self.dice.percent(50) { self.padded() } else { self.new_pin() };
        apdu([0, 0x2C, 0, 1], &[&puk[..], &new].concat(), None, false)
    }

    fn set(&mut self) -> Vec<u8> {
        if self.dice.percent(40) {
            let len = self.dice.pick(&[16, 16, 16, 15]);
            return apdu([0, 0x24, 1, 2], &PUK[..len], None, false);
        }
        let pin = self.new_pin();
        apdu([0, 0x24, 1, 1], &pin, None, false)
    }

    /// A key slot: one of few, so that they meet.
    fn slot(&mut self) -> u8 {
        self.dice.pick(&[0, 1, 1, 2, 2, 3, 15, 16])
    }

    fn store(&mut self, algorithm: u8) -> Vec<u8> {
        let slot = self.slot() & 0x0F;
        apdu([0, 0x22, 0x41, 0], &[0x80, 1, algorithm, 0x84, 1, slot], None, false)
    }

    fn environment(&mut self) -> Vec<u8> {
        let algorithm = self.dice.pick(&[0x11, 0x12, 0x21, 0x21, 0xEC, 0xF3, 0xF5, 0x00]);
        let mut data = vec![0x80, 1, algorithm, 0x81, 2, 0x50, 0x15, 0x84, 1, self.slot()];
        if self.dice.percent(10) {
            data.pop();
        }
        apdu(
            [0, 0x22, self.dice.pick(&[0x41, 0x41, 0x41, 0xF3]), self.dice.pick(&[0x00, 0xB6, 0xB6, 0xB8, 0xA4])],
            &data,
            None,
            false,
        )
    }

    fn generate(&mut self) -> Vec<Vec<u8>> {
        let ne = Some(self.dice.pick(&[256, 256, 65_536, 100]));
        if self.dice.percent(30) {
            let algorithm = if self.dice.percent(10) { 0xF5 } else { 0xF3 };
            return vec![
                self.store(algorithm),
                apdu([0, 0x46, self.dice.pick(&[0x42, 0x42, 0x42, 0]), 0], &[], ne, false),
            ];
        }
        let mut parameters = hex::decode(self.dice.pick(&[keys::P256, keys::P256, keys::P384])).unwrap();
        if self.dice.percent(10) {
            let at = self.dice.below(parameters.len());
            parameters[at] ^= 1;
        }
        let long = ne > Some(256);
        vec![self.store(0xEC), apdu([0, 0x46, 0, 0], &parameters, ne, long)]
    }

    fn import(&mut self) -> Vec<Vec<u8>> {
        let rsa = self.dice.percent(30);
        let scalar = self.dice.bytes(32);
        let mut data = match rsa {
            true => keys::rsa_import(self.dice.below(2)),
            false if self.dice.percent(80) => keys::ec_import(keys::P256, &scalar),
            false => keys::ec_import(keys::P384, &scalar),
        };
        if self.dice.percent(15) {
            let at = self.dice.below(data.len());
            data[at] ^= 1;
        }
        let import = apdu([0, 0xDB, 0x3F, 0xFF], &data, None, false);
        if self.dice.percent(10) {
            return vec![import];
        }
        vec![self.store(if rsa { 0xF3 } else { 0xEC }), import]
    }

    /// MSE and PSO with a key that is there, where there is one.
    fn operate(&mut self) -> Vec<Vec<u8>> {
        let present: Vec<_> = (0..16).filter_map(|slot| self.model.key(slot).map(|key| (slot, key))).collect();
        if present.is_empty() {
            return self.generate();
        }
        let (slot, key) = self.dice.pick(&present);
        let (use_, algorithm, p1p2, data) = match key {
            KeyView::Ec(_) => {
                let len = self.dice.pick(&[20, 32, 48, 64, 5]);
                (0xB6, 0x21, [0x9E, 0x9A], self.dice.bytes(len))
            }
            // Half as often: the operation takes long.
            KeyView::Rsa(len) if self.dice.percent(50) => match self.dice.below(3) {
                0 => {
                    let mut data = self.dice.bytes(len + 1);
                    (data[0], data[1]) = (self.dice.pick(&[0, 0, 0, 1]), 0);
                    data.truncate(self.dice.pick(&[len + 1, len + 1, len]));
                    (0xB8, 0x11, [0x80, 0x86], data)
                }
                1 => (0xB6, 0x12, [0x9E, 0x9A], {
                    let n = self.dice.pick(&[20, 32, 64, 33]);
                    self.dice.bytes(n)
                }),
                _ => (0xB6, 0x11, [0x9E, 0x9A], {
                    let n = self.dice.pick(&[35, 51, len - 11, len - 10]);
                    self.dice.bytes(n)
                }),
            },
            KeyView::Rsa(_) => return vec![self.environment()],
        };
        let mut commands = Vec::new();
        if self.dice.percent(70) {
            commands.push(apdu([0, 0x22, 0x41, use_], &[0x80, 1, algorithm, 0x84, 1, slot], None, false));
        }
        // Whatever the host announces in between may change what is signed.
        if self.dice.percent(10) {
            commands.push(vec![0, 0xCA, 1, 1, 3]);
        }
        let ne = self.dice.pick(&[Some(256), Some(256), Some(65_536), Some(60), None]);
        commands.push(apdu([0, 0x2A, p1p2[0], p1p2[1]], &data, ne, false));
        commands
    }
}
