//! PINs and administration keys.

use card_model::{IsoFile, IsoKind};

use super::maker::Maker;

/// A PIN or key as the generator sees it.
#[derive(Clone)]
struct Seen {
    p2: u8,
    len: (usize, usize),
    value: Vec<u8>,
    /// The PIN that resets it, if it has a value, and its longest length.
    resetter: Option<(Vec<u8>, usize)>,
    number: u32,
    set: bool,
}

/// At least so long, with zeros.
fn padded(value: &[u8], len: usize) -> Vec<u8> {
    let mut value = value.to_vec();
    value.resize(value.len().max(len), 0);
    value
}

impl<'m> Maker<'m, '_> {
    /// The DF and those above it, nearest first.
    fn upwards(&self, df: u32) -> Vec<u32> {
        let mut all = vec![df];
        while let Some(last) = all.last().filter(|last| **last != 0) {
            all.push(self.file(*last).parent);
        }
        all
    }

    /// A PIN or key that P2 can name, with a SELECT of its DF in front where that helps.
    fn secret(&mut self, wanted: bool) -> Option<(Seen, Vec<Vec<u8>>)> {
        let is_wanted = |file: &IsoFile<'_>| matches!(file.kind, IsoKind::Secret { pin, .. } if pin == wanted);
        let here = self.upwards(self.session().df);
        let near: Vec<_> = self.files().filter(|file| is_wanted(file) && here.contains(&file.parent)).collect();
        let all: Vec<_> = self.files().filter(is_wanted).collect();
        let from = if !near.is_empty() && self.dice.percent(90) { near } else { all };
        if from.is_empty() {
            return None;
        }
        // Who has begun to guess goes on guessing.
        let file = self.dice.pick(&from);
        let mut commands = Vec::new();
        if !here.contains(&file.parent) {
            commands.push(self.go(file.parent));
        }
        let IsoKind::Secret { number, len, value, resetter, .. } = file.kind else { return None };
        let p2 = number | if file.parent == 0 { 0 } else { 0x80 };
        let resetter = resetter.and_then(|resetter| {
            let is_it = |file: &IsoFile<'_>| matches!(file.kind, IsoKind::Secret { pin: true, number, .. } if number == resetter);
            // From the MF down.
            let found = self.upwards(file.parent).into_iter().rev();
            let found = found.filter_map(|df| self.files().find(|file| file.parent == df && is_it(file))).next()?;
            let IsoKind::Secret { value, len, .. } = found.kind else { return None };
            value.map(|value| (value.to_vec(), len.1))
        });
        let set = value.is_some();
        let value = value.unwrap_or_default().to_vec();
        Some((Seen { p2, len, value, resetter, number: file.number, set }, commands))
    }

    pub(crate) fn secrets(&mut self) -> Vec<Vec<u8>> {
        if self.dice.percent(25) {
            return self.key();
        }
        let Some((pin, mut commands)) = self.secret(true) else { return self.create() };
        let p2 = if self.dice.percent(4) { self.dice.pick(&[0, 1, 0x81, 0x8F, 0x41, 0x80]) } else { pin.p2 };
        if !pin.set && self.dice.percent(70) {
            let new = self.new_pin(pin.len);
            commands.push(self.command(0x24, 1, p2, &new, None));
            return commands;
        }
        let right = if self.files().count().is_multiple_of(3) { 40 } else { 75 };
        let guess = self.guess(&pin.value, right);
        let new = self.new_pin(pin.len);
        let (reset, longest) = pin.resetter.clone().unwrap_or((b"1234".to_vec(), 8));
        let reset = self.guess(&reset, 65);
        let long = padded(&guess, pin.len.0);
        let command = match self.dice.below(40) {
            0..=13 => self.command(0x20, 0, p2, &long, None),
            14..=16 => self.command(0x20, 0, p2, &[], None),
            17 => {
                let p2 = self.dice.pick(&[p2, p2, 0]);
                self.command(0x20, 0xFF, p2, &[], None)
            }
            18..=20 => self.command(0x24, 0, p2, &[&guess[..], &new].concat(), None),
            21 | 22 => self.command(0x24, 0, p2, &[padded(&guess, pin.len.1), padded(&new, pin.len.1)].concat(), None),
            23 | 24 => self.command(0x24, 1, p2, &new, None),
            25 | 26 => self.command(0x2C, 0, p2, &[&reset[..], &new].concat(), None),
            27 => self.command(0x2C, 0, p2, &[padded(&reset, longest), padded(&new, pin.len.1)].concat(), None),
            28..=30 => self.command(0x2C, 1, p2, &reset, None),
            31 => self.command(0x2C, 2, p2, &new, None),
            32 => self.command(0x2C, 3, p2, &[], None),
            33 | 34 => self.command(0x26, 0, p2, &long, None),
            35 => self.command(0x28, 0, p2, &long, None),
            36 | 37 => self.command(0x26, 1, p2, &[], None),
            38 => self.command(0x28, 1, p2, &[], None),
            _ => {
                let len = self.dice.pick(&[1, 3, 16, 17]);
                let bytes = self.dice.bytes(len);
                self.command(0x20, 0, p2, &bytes, None)
            }
        };
        commands.push(command);
        if self.dice.percent(20) {
            let guess = self.guess(&pin.value, 50);
            commands.push(self.command(0x20, 0, p2, &padded(&guess, pin.len.0), None));
        }
        commands
    }

    /// Sets an administration key or asks for a challenge.
    fn key(&mut self) -> Vec<Vec<u8>> {
        let Some((key, mut commands)) = self.secret(false) else { return self.create() };
        if !key.set || self.dice.percent(15) {
            commands.push(self.go(key.number));
            let len = if self.dice.percent(95) { key.len.0 } else { 15 };
            let value = self.dice.bytes(len);
            let offset = u8::from(self.dice.percent(3));
            commands.push(self.command(0xD6, 0, offset, &value, None));
            return commands;
        }
        if self.dice.percent(10) {
            commands.push(self.command(0x82, 0, key.p2, &[0x5A; 16], None));
            return commands;
        }
        if self.dice.percent(15) {
            commands.push(self.command(0x82, 0, key.p2, &[], None));
            return commands;
        }
        let ne = self.dice.pick(&[16, 16, 16, 16, 16, 16, 8, 32, 256]);
        commands.push(self.command(0x84, 0, 0, &[], Some(ne)));
        commands
    }

    /// Answers a challenge, rightly or not.
    pub(crate) fn authenticate(&mut self) -> Vec<Vec<u8>> {
        let Some((key, mut commands)) = self.secret(false) else { return self.create() };
        let mut answer = self.model.iso_response(self.channel, key.number).unwrap_or([7; 16]);
        if self.dice.percent(25) {
            answer[self.dice.below(16)] ^= 1;
        }
        let len = self.dice.pick(&[16, 16, 16, 16, 16, 15]);
        commands.push(self.command(0x82, 0, key.p2, &answer[..len], None));
        if self.dice.percent(25) {
            commands.push(self.command(0x82, 0, key.p2, &answer, None));
        }
        commands
    }

    /// A new PIN for limits: mostly one that fits.
    fn new_pin(&mut self, (least, most): (usize, usize)) -> Vec<u8> {
        let len = self.dice.pick(&[least, least, most, most, least.saturating_sub(1), most + 1, least + 1]);
        let len = if self.dice.percent(80) { len.clamp(least, most) } else { len };
        let mut pin: Vec<u8> = (0..len.max(1)).map(|_| b'0' + self.dice.byte() % 10).collect();
        if self.dice.percent(15) {
            pin.push(0);
        }
        if self.dice.percent(4) {
            pin[0] = 0;
        }
        pin
    }

    /// A guess at a PIN.
    fn guess(&mut self, value: &[u8], right: usize) -> Vec<u8> {
        let mut guess = value.to_vec();
        if guess.is_empty() {
            return vec![b'1'; 4];
        }
        if !self.dice.percent(right) {
            let at = self.dice.pick(&[0, guess.len() - 1, guess.len() / 2]);
            guess[at] ^= self.dice.pick(&[1, 0x80]);
        }
        guess
    }
}
