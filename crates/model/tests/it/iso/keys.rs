//! The security environment, key pairs, and what is done with them.

use card_model::{IsoFile, IsoKind, KeyView};

use super::maker::Maker;
use crate::generator::Dice;
use crate::keys::{P256, P384, ec_import, rsa_import};

impl Maker<'_, '_> {
    /// A key file: slot, algorithm, and whether the slot is full.
    fn pair(&mut self) -> Option<(u8, u8, Option<KeyView>)> {
        let file = self.one_of(|file: &IsoFile<'_>| matches!(file.kind, IsoKind::Pair { .. }))?;
        match file.kind {
            IsoKind::Pair { slot, algorithm, key } => Some((slot, algorithm, key)),
            _ => None,
        }
    }

    /// MSE SET of a template for a slot.
    fn template(&mut self, template: u8, algorithm: u8, slot: u8) -> Vec<u8> {
        let mut data = vec![0x80, 1, algorithm, 0x84, 1, slot];
        if self.dice.percent(5) {
            data = self.dice.pick(&[
                vec![0x84, 1, slot, 0x80, 1, algorithm, 0x81, 0],
                vec![0x80, 1, algorithm],
                vec![0x80, 1, 0x77, 0x84, 1, slot],
                vec![0x80, 1, algorithm, 0x85, 0],
                vec![0x80, 1, algorithm, 0x84, 1, slot ^ 8],
            ]);
        }
        let p1 = self.dice.pick(&[0x41, 0x81, 0xC1]);
        self.command(0x22, p1, template, &data, None)
    }

    pub(crate) fn keys(&mut self) -> Vec<Vec<u8>> {
        if self.dice.percent(12) {
            return vec![self.environment()];
        }
        let Some((slot, algorithm, key)) = self.pair() else { return self.create() };
        let curve = algorithm < 0xF0;
        let signs = if curve { 0x21 } else { 0x11 };
        let mut commands = Vec::new();
        if key.is_none() && self.dice.percent(80) {
            commands.push(self.template(0xB6, signs, slot));
            let import = self.dice.percent(30) && (curve || algorithm == 0xF3);
            if import {
                let data = self.import(algorithm);
                commands.push(self.command(0xDB, 0x3F, 0xFF, &data, None));
            } else if matches!(algorithm, 0xF4 | 0xF5) {
                commands.push(self.command(0x46, 0x81, 0, &[], Some(256)));
            } else {
                let ne = self.dice.pick(&[Some(256), Some(65_536), Some(65_536), None]);
                let p1 = self.dice.pick(&[0, 0x80]);
                commands.push(self.command(0x46, p1, 0, &[], ne));
            }
            return commands;
        }
        match self.dice.below(13) {
            0 | 1 => {
                commands.push(self.template(0xB6, signs, slot));
                let ne = self.dice.pick(&[256, 65_536, 65_536]);
                commands.push(self.command(0x46, 0x81, 0, &[], Some(ne)));
            }
            2 => {
                let data = self.import(algorithm);
                commands.push(self.template(0xB6, signs, slot));
                commands.push(self.command(0xDB, 0x3F, 0xFF, &data, None));
            }
            3..=5 => self.sign(slot, curve, &mut commands),
            6 | 7 => self.hash(slot, signs, &mut commands),
            8 | 9 => {
                if self.dice.percent(70) {
                    commands.push(self.template(0xA4, signs, slot));
                }
                let data = self.dice.bytes(20);
                commands.push(self.command(0x88, 0, 0, &data, Some(256)));
            }
            12 => {
                commands.push(self.template(0xA4, signs, slot));
                commands.push(self.command(0x46, 0x81, 0, &[], Some(65_536)));
            }
            _ => self.decipher(slot, key, &mut commands),
        }
        commands
    }

    /// STORE, RESTORE, ERASE, and templates of nothing in particular.
    fn environment(&mut self) -> Vec<u8> {
        let number = self.dice.pick(&[1, 1, 2, 14, 15, 0]);
        match self.dice.below(10) {
            0..=2 => self.command(0x22, 0xF2, number, &[], None),
            3..=6 => self.command(0x22, 0xF3, number, &[], None),
            7 => self.command(0x22, 0xF4, number, &[], None),
            8 => {
                let algorithm = self.dice.pick(&[1, 2, 3, 4, 5, 6]);
                self.command(0x22, 0x41, 0xAA, &[0x80, 1, algorithm], None)
            }
            _ => {
                let template = self.dice.pick(&[0xA4, 0xA6, 0xB4, 0xB6, 0xB8, 0xAA]);
                let algorithm = self.dice.pick(&[0x10, 0x11, 0x12, 0x13, 0x21, 0x03]);
                let slot = self.dice.pick(&[0, 1, 2, 9]);
                self.template(template, algorithm, slot)
            }
        }
    }

    fn import(&mut self, algorithm: u8) -> Vec<u8> {
        let other = self.dice.percent(10);
        let scalar = self.dice.bytes(32);
        let mut data = match (algorithm, other) {
            (0xF3, false) | (0xE1 | 0xE2, true) => rsa_import(self.dice.below(2)),
            (0xE2, false) => ec_import(P384, &scalar),
            _ => ec_import(P256, &scalar),
        };
        if self.dice.percent(8) {
            let at = self.dice.below(data.len());
            data[at] ^= 1;
        }
        data
    }

    fn sign(&mut self, slot: u8, curve: bool, commands: &mut Vec<Vec<u8>>) {
        let dice = |dice: &mut Dice, lens: &[usize]| {
            let len = dice.pick(lens);
            dice.bytes(len)
        };
        let (algorithm, data) = match self.dice.below(4) {
            _ if curve => (0x21, dice(self.dice, &[20, 32, 48, 64, 32])),
            0 => (0x12, dice(self.dice, &[20, 32, 64, 33])),
            1 => {
                let mut data = dice(self.dice, &[256, 256, 255]);
                data[0] = 0;
                (0x10, data)
            }
            _ => (0x11, dice(self.dice, &[35, 51, 245, 246])),
        };
        if self.dice.percent(80) {
            commands.push(self.template(0xB6, algorithm, slot));
        }
        let ne = self.dice.pick(&[Some(256), Some(256), Some(65_536), Some(60), None]);
        commands.push(self.command(0x2A, 0x9E, 0x9A, &data, ne));
    }

    fn hash(&mut self, slot: u8, signs: u8, commands: &mut Vec<Vec<u8>>) {
        if self.dice.percent(80) {
            commands.push(self.template(0xB6, signs, slot));
        }
        if self.dice.percent(85) {
            let data = self.dice.bytes(30);
            let ne = self.dice.pick(&[None, Some(256)]);
            commands.push(self.command(0x2A, 0x90, 0x80, &data, ne));
        }
        commands.push(self.command(0x2A, 0x9E, 0x9A, &[], Some(65_536)));
        if self.dice.percent(20) {
            commands.push(self.command(0x2A, 0x9E, 0x9A, &[], Some(256)));
        }
    }

    fn decipher(&mut self, slot: u8, key: Option<KeyView>, commands: &mut Vec<Vec<u8>>) {
        let len = if let Some(KeyView::Rsa(len)) = key { len } else { 256 };
        let algorithm = self.dice.pick(&[0x11, 0x11, 0x13, 0x14, 0x10]);
        if self.dice.percent(80) {
            commands.push(self.template(0xB8, algorithm, slot));
        }
        let mut data = self.dice.bytes(len + 1);
        (data[0], data[1]) = (self.dice.pick(&[0, 0, 0, 1]), 0);
        data.truncate(self.dice.pick(&[len + 1, len + 1, len + 1, len]));
        commands.push(self.command(0x2A, 0x80, 0x86, &data, Some(65_536)));
    }
}
