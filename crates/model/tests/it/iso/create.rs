//! CREATE FILE: every kind of file, with rules of every form.

use super::maker::Maker;
use crate::generator::Dice;
use crate::keys::object;

/// A condition byte.
fn condition(dice: &mut Dice) -> u8 {
    dice.pick(&[
        0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0x11, 0x11, 0x91, 0x12, 0x21, 0xA1, 0xB1, 0xB1, 0x31, 0x31, 0x10, 0x90,
        0x20, 0x51, 0xD1, 0x1F, 0x01, 0x81,
    ])
}

/// An access mode byte: mostly with reading and updating.
fn mode(dice: &mut Dice) -> u8 {
    dice.pick(&[0x7F, 0x7F, 0x7F, 0x43, 0x03, 0x07, 0x47, 0x5B, 0x01, 0x02]) & (dice.byte() | dice.byte() | 0x03)
}

fn compact(dice: &mut Dice) -> Vec<u8> {
    let mode = mode(dice);
    let conditions = (0..mode.count_ones()).map(|_| condition(dice));
    core::iter::once(mode).chain(conditions.collect::<Vec<_>>()).collect()
}

/// One condition object.
fn expanded_condition(dice: &mut Dice, levels: usize) -> Vec<u8> {
    match dice.below(12) {
        0..=2 => object(&[0x90], &[]),
        3 => object(&[0x97], &[]),
        4 | 5 => object(&[0x9E], &[condition(dice)]),
        6 | 7 => {
            let number = dice.pick(&[1, 1, 2, 0, 0x81, 0x81, 0x82]);
            let usage = dice.pick(&[&[0x95, 1, 8][..], &[0x95, 1, 8], &[0x95, 1, 0x80], &[]]);
            object(&[0xA4], &[&[0x83, 1, number][..], usage].concat())
        }
        8 => object(&[dice.pick(&[0xB4, 0xB6, 0xB8])], &[]),
        _ if levels == 0 => object(&[0x90], &[]),
        tag => {
            let tag = if tag == 9 { 0xA0 } else { 0xAF };
            let inner: Vec<u8> = (0..1 + dice.below(2)).flat_map(|_| expanded_condition(dice, levels - 1)).collect();
            object(&[tag], &inner)
        }
    }
}

/// Groups of an access mode and conditions, short enough for control information.
pub(crate) fn expanded(dice: &mut Dice) -> Vec<u8> {
    let mut all = Vec::new();
    while all.is_empty() || dice.percent(50) {
        let ins = dice.pick(&[0xB0, 0xD6, 0xB2, 0xDC, 0xE2, 0xE4, 0xE0, 0x2A, 0x46, 0x04]);
        let mut group = if dice.percent(75) { vec![0x80, 1, mode(dice)] } else { vec![0x84, 1, ins] };
        for _ in 0..1 + dice.below(2) {
            group.extend(expanded_condition(dice, 4));
        }
        if all.len() + group.len() <= 40 {
            all.extend(group);
        }
    }
    all
}

/// Access rules as they stand in control information.
fn rules(dice: &mut Dice) -> Vec<u8> {
    match dice.below(20) {
        0..=6 => Vec::new(),
        7..=11 => object(&[0x8C], &compact(dice)),
        12 | 13 => object(&[0xAB], &expanded(dice)),
        14 | 15 => object(&[0x8B], &[1 + dice.byte() % 5]),
        16 => object(&[0x8B], &[0x2F, 0x06, 1 + dice.byte() % 5]),
        17 => object(&[0x8B], &[0x2F, 0x06, 0, 1 + dice.byte() % 5, 1, 1]),
        18 => {
            let conditions: Vec<u8> = (0..7).map(|_| dice.pick(&[0, 0, 0, 0x90, 0x90, 0xFF])).collect();
            object(&[0x86], &[&[0xFF][..], &conditions].concat())
        }
        _ => [object(&[0x8C], &compact(dice)), object(&[0x8B], &[1])].concat(),
    }
}

impl Maker<'_, '_> {
    /// An identifier for a new file: one of few, so that they meet.
    fn new_id(&mut self) -> u16 {
        if self.dice.percent(5) {
            return self.dice.pick(&[0x3F00, 0x0000, 0x3FFF, 0xFFFF, 0x2F06, 0x2F06, 0x001F]);
        }
        0x1000 | u16::try_from(self.dice.below(48)).unwrap()
    }

    /// Tags 80 or 81 and 82 of an EF, or tag 82 and A5.
    fn content(&mut self, kind: u8) -> Vec<u8> {
        let coding = self.dice.pick(&[0x01, 0x21, 0x41, 0x61]);
        if kind == 1 {
            let len = self.dice.pick(&[0u16, 1, 8, 40, 40, 200, 300, 0x8001]);
            let size = if len < 256 && self.dice.percent(30) {
                vec![0x80, 1, len.to_be_bytes()[1]]
            } else {
                [&[self.dice.pick(&[0x80, 0x81]), 2][..], &len.to_be_bytes()].concat()
            };
            let descriptor = if self.dice.percent(40) { vec![1] } else { vec![1, coding] };
            return [size, object(&[0x82], &descriptor)].concat();
        }
        let len = self.dice.pick(&[1u8, 4, 4, 6, 10, 255]);
        let count = self.dice.pick(&[1u8, 2, 3, 3, 5, 254]);
        let room = self.dice.pick(&[3u16, 12, 20, 30, 40]);
        let descriptor = match self.dice.below(6) {
            0 => vec![kind, coding, len],
            1 => vec![kind, coding, 0, len],
            2 | 3 => vec![kind, coding, 0, len, count],
            4 => vec![kind, coding, 0, len, 0, count],
            _ if matches!(kind & 7, 4 | 5) => vec![kind, coding],
            _ => vec![kind, coding, len],
        };
        let mut out = object(&[0x82], &descriptor);
        if descriptor.len() < 5 || self.dice.percent(30) {
            out.extend([&[0x80, 2][..], &room.to_be_bytes()].concat());
        }
        out
    }

    /// Tag A5: a PIN, a key or a key pair.
    fn internal(&mut self) -> Vec<u8> {
        let number = self.dice.pick(&[1u8, 1, 2, 2, 3, 15]);
        let value = match self.dice.below(10) {
            0..=4 => {
                let limits = self.dice.pick(&[[4u8, 8, 3], [4, 16, 2], [1, 4, 1], [6, 6, 15], [5, 4, 3]]);
                let mut value = [&[0x80, 1, 1, 0x81, 1, number, 0x82, 3][..], &limits].concat();
                if self.dice.percent(60) {
                    value.extend([0x83, 1, self.dice.pick(&[1, 2, 2])]);
                }
                if self.dice.percent(60) {
                    value.extend([0x84, 1, self.dice.pick(&[1, 1, 1, 0, 2])]);
                }
                value
            }
            5..=7 => {
                let len = self.dice.pick(&[0x10, 0x10, 0x18, 0x20, 0x11]);
                vec![0x80, 1, 2, 0x81, 1, number, 0x82, 2, len, self.dice.pick(&[3, 1, 15])]
            }
            _ => {
                let slot = self.dice.pick(&[0u8, 1, 2, 3, 15, 16]);
                vec![0x80, 1, 3, 0x81, 1, slot, 0x82, 1, self.dice.pick(&[0xF3, 0xE1, 0xE1, 0xE2, 0xE0])]
            }
        };
        [object(&[0x82], &[8]), object(&[0xA5], &value)].concat()
    }

    pub(crate) fn create(&mut self) -> Vec<Vec<u8>> {
        let kind = self.dice.pick(&[0x38u8, 0x38, 1, 1, 1, 2, 2, 3, 4, 4, 5, 6, 6, 6, 7, 8, 8, 8, 8, 0x42, 0x39]);
        let id = self.new_id();
        let id = if matches!(kind, 0x38) && self.dice.percent(3) { 0x3F00 } else { id };
        let mut body = match kind & 0xBF {
            0x38 | 0x39 => object(&[0x82], &[kind]),
            8 => self.internal(),
            _ => self.content(kind),
        };
        body.extend(object(&[0x83], &id.to_be_bytes()));
        if kind == 0x38 && self.dice.percent(60) {
            let name = self.dice.pick(&[&b"N"[..], b"Na", b"Name", b"Nam2", b"other name of 16"]);
            body.extend(object(&[0x84], name));
        }
        if kind != 0x38 && self.dice.percent(30) {
            let short = self.dice.pick(&[1u8, 2, 3, 16, 30]);
            body.extend(self.dice.pick(&[vec![0x88, 0], vec![0x88, 1, short << 3], vec![0x88, 1, short << 3]]));
        }
        if self.dice.percent(40) {
            body.extend([0x8A, 1, self.dice.pick(&[1, 3, 3, 4, 5, 5, 7, 6, 0])]);
        }
        body.extend(rules(self.dice));
        let data = object(&[self.dice.pick(&[0x62, 0x62, 0x6F])], &body);
        let mut commands = Vec::new();
        if self.dice.percent(15) {
            let dfs: Vec<u32> = self
                .files()
                .filter(|file| matches!(file.kind, card_model::IsoKind::Df(_)))
                .map(|file| file.number)
                .collect();
            let df = self.dice.pick(&dfs);
            commands.push(self.go(df));
        }
        commands.push(self.command(0xE0, 0, 0, &data, None));
        // A rule wants its records.
        if id == 0x2F06 {
            for _ in 0..3 {
                let rule = expanded(self.dice);
                commands.push(self.command(0xE2, 0, 0, &rule, None));
            }
        }
        commands
    }
}
