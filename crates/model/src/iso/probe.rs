//! What to ask an iso card to see everything that can be seen.

use super::card::Card;
use super::files::{File, Kind, ROOT};

/// A short command.
fn short(header: [u8; 4], data: &[u8], le: bool) -> Vec<u8> {
    let mut command = header.to_vec();
    if let Some(lc) = u8::try_from(data.len()).ok().filter(|lc| *lc != 0) {
        command.push(lc);
        command.extend(data);
    }
    if le {
        command.push(0);
    }
    command
}

impl Card {
    /// Commands that read everything, verifying each PIN that can be verified in its DF.
    pub(crate) fn probe(&self) -> Vec<Vec<u8>> {
        let mut commands = Vec::new();
        for df in self.memory.all().filter(|file| file.is_df()) {
            let path: Vec<u8> =
                self.memory.upwards(df.number).iter().rev().skip(1).flat_map(|df| df.id.to_be_bytes()).collect();
            commands.push(if path.is_empty() { vec![0, 0xA4, 0, 0, 0] } else { short([0, 0xA4, 8, 0], &path, true) });
            let children = self.memory.children(df.number);
            for file in children.iter().filter(|file| file.secret().is_some()) {
                Self::ask(file, &mut commands);
            }
            for file in children.iter().filter(|file| !file.is_df()) {
                commands.push(short([0, 0xA4, 2, 0], &file.id.to_be_bytes(), true));
                match &file.kind {
                    Kind::Transparent(_) => commands.push(vec![0, 0xB0, 0, 0, 0, 0, 0]),
                    Kind::Records(..) => commands.push(vec![0, 0xB2, 1, 5, 0, 0, 0]),
                    Kind::Pair(slot, algorithm) => {
                        let algorithm = if *algorithm < 0xF0 { 0x21 } else { 0x11 };
                        commands.push(short([0, 0x22, 0x41, 0xB6], &[0x80, 1, algorithm, 0x84, 1, *slot], false));
                        commands.push(vec![0, 0x46, 0x81, 0, 0, 0, 0]);
                    }
                    _ => (),
                }
            }
            if let Kind::Df { objects, .. } = &df.kind {
                commands.extend(objects.keys().map(|tag| {
                    let [high, low] = tag.to_be_bytes();
                    vec![0, 0xCA, high, low, 0, 0, 0]
                }));
            }
        }
        commands.push(vec![0, 0xCA, 0xDF, 0x20, 4]);
        commands.push(vec![0, 0xA4, 0, 0x0C]);
        commands
    }

    /// A secret's tries, and a right try if one is left.
    fn ask(file: &File, commands: &mut Vec<Vec<u8>>) {
        let Some(secret) = file.secret() else { return };
        let p2 = secret.number | if file.parent == ROOT { 0 } else { 0x80 };
        let pin = matches!(file.kind, Kind::Pin(_));
        commands.push(vec![0, if pin { 0x20 } else { 0x82 }, 0, p2]);
        let (Some(value), true) = (&secret.value, pin && secret.tries.left > 0) else { return };
        let mut padded = value.clone();
        padded.resize(padded.len().max(secret.len.0), 0);
        commands.push(short([0, 0x20, 0, p2], &padded, false));
    }
}
