//! Transparent EFs, records and data objects.

use card_model::{IsoFile, IsoKind};

use super::maker::Maker;
use crate::keys::object;

impl<'m> Maker<'m, '_> {
    /// A file that fits, with a SELECT of it in front where it is needed, and the short identifier to use or 0.
    fn place(&mut self, fits: impl Fn(&IsoFile<'_>) -> bool) -> Option<(IsoFile<'m>, Vec<Vec<u8>>, u8)> {
        let file = self.one_of(fits)?;
        let session = self.session();
        let mut commands = Vec::new();
        if file.parent == session.df
            && let Some(short) = file.short
            && self.dice.percent(40)
        {
            return Some((file, commands, short));
        }
        if session.ef != Some(file.number) || self.dice.percent(3) {
            commands.push(self.go(file.number));
        }
        Some((file, commands, 0))
    }

    pub(crate) fn binary(&mut self) -> Vec<Vec<u8>> {
        let wrong = self.dice.percent(3);
        let Some((file, mut commands, short)) =
            self.place(|file| matches!(file.kind, IsoKind::Transparent(_)) != wrong)
        else {
            return self.create();
        };
        let len = if let IsoKind::Transparent(bytes) = file.kind { bytes.len() } else { 8 };
        let offset = self.dice.pick(&[0, 0, 0, 1, len / 2, len.saturating_sub(1), len, len + 1]);
        let left = len.saturating_sub(offset);
        let odd = self.dice.percent(35);
        let near = file.parent == self.session().df && !commands.iter().any(|_| true);
        let [high, low] = u16::try_from(offset).unwrap().to_be_bytes();
        let ne = self.dice.pick(&[2, 16, 256, 256, 65_536, left.clamp(2, 200), (left + 1).min(200), left + 3]);
        let count = self.dice.pick(&[1, 2, left.min(20), left.min(20), left.min(200), left.min(250) + 1]).max(1);
        let data =
            self.dice.pick(&[self.dice.clone().bytes(count), vec![0xFF; count], vec![0x0F; count], vec![0; count]]);
        let end =
            (offset + self.dice.pick(&[1, 2, left, left, left + 1])).saturating_sub(usize::from(self.dice.percent(10)));
        let end = u16::try_from(end).unwrap().to_be_bytes();
        if !odd {
            let (p1, p2) = if short == 0 { (high, low) } else { (0x80 | short, low) };
            commands.push(match self.dice.below(12) {
                0..=3 => self.command(0xB0, p1, p2, &[], Some(ne)),
                4..=6 => self.command(0xD6, p1, p2, &data, None),
                7 | 8 => self.command(0xD0, p1, p2, &data, None),
                _ if self.dice.percent(30) => self.command(0x0E, p1, p2, &[], None),
                _ => self.command(0x0E, p1, p2, &end, None),
            });
            if commands.last().is_some_and(|command| command[1] == 0x0E) {
                commands.push(self.command(0xB0, 0, 0, &[], Some(256)));
            }
        } else {
            let [p1, p2] = if near && self.dice.percent(40) { file.id.to_be_bytes() } else { [0, short] };
            let offset = self.dice.pick(&[vec![high, low], vec![0, high, low], vec![high, low]]);
            let at = object(&[0x54], if offset == [0, 0] && self.dice.percent(30) { &[] } else { &offset });
            let with = [at.clone(), object(&[0x53], &data)].concat();
            let two = [at.clone(), object(&[0x54], &end)].concat();
            commands.push(match self.dice.below(10) {
                0..=3 => self.command(0xB1, p1, p2, &at, Some(ne)),
                4..=6 => self.command(0xD7, p1, p2, &with, None),
                7 | 8 => self.command(0xD1, p1, p2, &with, None),
                _ if self.dice.percent(30) => self.command(0x0F, p1, p2, &[], None),
                _ => self.command(0x0F, p1, p2, &two, None),
            });
        }
        if self.dice.percent(35) {
            commands.push(self.command(0xB0, 0, 0, &[], Some(65_536)));
        }
        commands
    }

    /// A record for an EF: one that fits, or nearly; sometimes made from one that is there.
    fn record(&mut self, file: &IsoFile<'_>) -> Vec<u8> {
        let IsoKind::Records { variable, tlv, len, records, .. } = &file.kind else { return vec![1, 2, 3, 4] };
        if file.id == 0x2F06 && self.dice.percent(80) {
            return super::create::expanded(self.dice);
        }
        let mut wanted = if *variable { self.dice.pick(&[2, 3, *len, 1, 5.min(*len), *len + 1]) } else { *len };
        if self.dice.percent(5) {
            wanted = (wanted + 1).min(250) - 2 * usize::from(self.dice.percent(50) && wanted > 1);
        }
        if let Some(old) = records.first().filter(|_| self.dice.percent(20)) {
            return old.clone();
        }
        // Few different bytes, so that searches find something.
        let mut record: Vec<u8> =
            (0..wanted.clamp(1, 256)).map(|_| self.dice.pick(&[0xA1, 0xA2, 0x0F, 0xFF, 0])).collect();
        if *tlv && self.dice.percent(90) {
            record[0] = self.dice.pick(&[0xA1, 0xA1, 0xA2, 0x01]);
            if let Some(second) = u8::try_from(record.len()).ok().and_then(|len| len.checked_sub(2)) {
                record[1] = second;
            }
        }
        record
    }

    pub(crate) fn records(&mut self) -> Vec<Vec<u8>> {
        let wrong = self.dice.percent(2);
        let Some((file, mut commands, short)) =
            self.place(|file| matches!(file.kind, IsoKind::Records { .. }) != wrong)
        else {
            return self.create();
        };
        let (count, len) = match &file.kind {
            IsoKind::Records { records, len, .. } => (records.len(), *len),
            _ => (1, 4),
        };
        let number = u8::try_from(self.dice.pick(&[1, 1, count, count, count / 2, count + 1, 0])).unwrap();
        let tag = self.dice.pick(&[0, 0, 0, 0xA1, 0xA2, 0x01]);
        let record = self.record(&file);
        let p2 = short << 3;
        if count == 0 && self.dice.percent(60) {
            commands.push(self.command(0xE2, 0, p2, &record, None));
            return commands;
        }
        let mode = self.dice.pick(&[0, 1, 2, 2, 2, 3, 3, 3]);
        let (several, direction) = (self.dice.pick(&[5, 5, 6, 6, 7]), self.dice.pick(&[4, 5]));
        let ne = self.dice.pick(&[256, 256, 65_536, len.clamp(1, 200), (len + 1).min(200), 1]);
        commands.push(match self.dice.below(20) {
            0..=4 => self.command(0xB2, tag, p2 | mode, &[], Some(ne)),
            5 | 6 => self.command(0xB2, number, p2 | 4, &[], Some(ne)),
            7 | 8 => self.command(0xB2, number, p2 | several, &[], Some(ne)),
            9..=11 => self.command(0xE2, 0, p2, &record, None),
            12 | 13 => self.command(0xDC, number, p2 | 4, &record, None),
            14 | 15 => self.command(0xDC, tag, p2 | mode, &record, None),
            16 => self.command(0xD2, number, p2 | 4, &record, None),
            17 => self.command(0xD2, tag, p2 | mode, &record, None),
            _ => {
                let at = self.dice.below(record.len());
                let part = &record[at..(at + 1 + self.dice.below(2)).min(record.len())];
                let p1 = if self.dice.percent(50) { 0 } else { number };
                let ne = self.dice.pick(&[Some(256), Some(256), Some(1), None]);
                self.command(0xA2, p1, p2 | direction, part, ne)
            }
        });
        if self.dice.percent(25) {
            commands.push(self.command(0xB2, 1, several.min(6), &[], Some(65_536)));
        }
        if self.dice.percent(30) {
            let mode = self.dice.pick(&[2, 2, 3, 3, 4]);
            commands.push(self.command(0xB2, 0, mode, &[], Some(256)));
        }
        commands
    }

    pub(crate) fn objects(&mut self) -> Vec<Vec<u8>> {
        let tag = self.dice.pick(&[[0, 0x41], [0, 0xC1], [1, 0], [2, 1], [0x5F, 0x20], [0x7F, 0x21], [0xDF, 0x21]]);
        let tag = if self.dice.percent(4) {
            self.dice.pick(&[[0, 0x5F], [0x30, 0], [0xDF, 0x20], [0x5F, 0x80], [2, 0xFF]])
        } else {
            tag
        };
        let len = self.dice.pick(&[1, 3, 20, 130, 300]);
        let value = self.dice.bytes(len);
        let name = if tag[0] == 0 { &tag[1..] } else { &tag[..] };
        let ne = self.dice.pick(&[256, 256, 65_536, 10]);
        match self.dice.below(10) {
            0..=3 => vec![self.command(0xDA, tag[0], tag[1], &value, None)],
            4 if tag[0] & 0x1C == 0 && tag[0] != 0 => vec![self.command(0xCA, tag[0], tag[1], &[], Some(ne))],
            4 => vec![self.command(0xDB, 0x3F, 0xFF, &object(name, &value), None)],
            5..=7 => vec![self.command(0xCA, tag[0], tag[1], &[], Some(ne))],
            _ => {
                let list =
                    self.dice.pick(&[&[0x41, 0xC1][..], &[0x5F, 0x20, 0x41], &[0x7F, 0x21, 0xDF, 0x21, 0xC1], &[0x42]]);
                let tag = self.dice.pick(&[0x5C, 0x5C, 0x5C, 0x5C, 0x4D]);
                vec![self.command(0xCB, 0x3F, 0xFF, &object(&[tag], list), Some(ne))]
            }
        }
    }
}
