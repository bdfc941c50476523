//! Commands that mean something to an iso card in a given state.

use card_model::{IsoFile, IsoKind, IsoSession, Model};

use crate::cards::Event;
use crate::generator::{Dice, apdu};

/// What happens next to a card in this state: one event or a few that belong together.
pub(crate) fn next(model: &Model, dice: &mut Dice) -> Vec<Event> {
    if dice.percent(1) {
        return vec![dice.pick(&[Event::Reset, Event::PowerCycle])];
    }
    let open: Vec<usize> = (0..4).filter(|channel| model.iso_session(*channel).is_some()).collect();
    let channel = if dice.percent(70) { 0 } else { dice.pick(&open) };
    let mut maker = Maker { model, dice, channel };
    let mut commands = maker.commands();
    if dice.percent(3)
        && let Some(command) = commands.last_mut()
    {
        disturb(command, dice);
    }
    if dice.percent(4) {
        commands = chained(commands, dice);
    }
    if dice.percent(4) {
        commands = enveloped(commands, dice);
    }
    commands.into_iter().map(Event::Command).collect()
}

/// The last command, or a long one, in envelopes of 255 bytes or others, sometimes with something between them.
fn enveloped(mut commands: Vec<Vec<u8>>, dice: &mut Dice) -> Vec<Vec<u8>> {
    let Some(last) = commands.pop() else { return commands };
    let class = last.first().map_or(0, |class| class & 3);
    let last = if dice.percent(40) {
        let (len, le) =
            dice.pick(&[(249, None), (250, None), (250, None), (255, None), (256, None), (503, None), (503, Some(0))]);
        apdu([0, 0xDA, 1, dice.byte() & 1], &dice.bytes(len), le, false)
    } else {
        last
    };
    let most = if dice.percent(80) { 255 } else { 1 + dice.below(last.len().max(1)) };
    let mut parts: Vec<&[u8]> = last.chunks(most).collect();
    if parts.last().is_some_and(|part| part.len() == 255) && dice.percent(90) {
        parts.push(&[]);
    }
    let (ne, long) = (dice.pick(&[Some(256), Some(256), Some(65_536), None]), dice.percent(5));
    for part in parts {
        let ne = ne.filter(|ne| *ne <= 256 || part.len() != 255);
        commands.push(apdu([class, 0xC2, 0, u8::from(dice.percent(3))], part, ne, long));
        if dice.percent(5) {
            commands.push(dice.pick(&[vec![class, 0xC2, 0, 0], vec![0, 0x20, 0, 1], vec![class, 0xC0, 0, 0, 0]]));
        }
    }
    commands
}

/// Another class, instruction, parameter or length.
fn disturb(command: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(7) {
        _ if command.len() < 4 => command.clear(),
        0 => command[0] = dice.pick(&[0x01, 0x02, 0x04, 0x0C, 0x10, 0x13, 0x20, 0x40, 0x60, 0x80, 0xFF]),
        1 => command[1] = dice.pick(&[0x00, 0x44, 0x70, 0x82, 0xA5, 0xB2, 0xC0, 0xB1, 0xD2, 0xE2, 0xFF]),
        2 => command[2] = dice.byte(),
        3 => command[3] ^= 1 << dice.below(8),
        4 => command.truncate(4 + dice.below(3)),
        5 if command.len() > 6 => {
            let at = 5 + dice.below(command.len() - 5);
            command[at] ^= 1 << dice.below(8);
        }
        _ => command.push(dice.byte()),
    }
}

/// The last command in parts, sometimes with a foreign one between them or with its end missing.
fn chained(mut commands: Vec<Vec<u8>>, dice: &mut Dice) -> Vec<Vec<u8>> {
    let Some(last) = commands.pop() else { return commands };
    let Some((header, [lc, data @ ..])) = last.split_first_chunk::<4>().filter(|(_, body)| body.len() > 2) else {
        commands.push(last);
        return commands;
    };
    let [cla, ins, p1, p2] = *header;
    let (data, le) = data.split_at(data.len().min(usize::from(*lc)));
    let (one, two) = data.split_at(dice.below(data.len().max(1)));
    commands.push(apdu([cla | 0x10, ins, p1, p2], one, None, false));
    if dice.percent(30) {
        commands.push(dice.pick(&[
            vec![cla, 0x20, 0, 1],
            vec![cla, 0xC0, 0, 0, 0],
            vec![cla ^ 1, ins, p1, p2],
            vec![0, 0xA4, 0, 0, 0],
        ]));
    }
    if dice.percent(90) {
        let ne = (!le.is_empty()).then_some(256);
        commands.push(apdu([cla, ins, p1, p2], two, ne, false));
    }
    commands
}

/// Makes commands for one state, on one channel.
pub(crate) struct Maker<'m, 'd> {
    pub(crate) model: &'m Model,
    pub(crate) dice: &'d mut Dice,
    pub(crate) channel: usize,
}

impl<'m> Maker<'m, '_> {
    fn commands(&mut self) -> Vec<Vec<u8>> {
        if self.model.waiting() && self.dice.percent(70) {
            let ne = self.dice.pick(&[256, 256, 1, 100, 65_536]);
            return vec![self.command(0xC0, 0, 0, &[], Some(ne))];
        }
        let session = self.session();
        if session.challenged && self.dice.percent(60) {
            return self.authenticate();
        }
        if session.lost && self.dice.percent(50) {
            return vec![self.select()];
        }
        if !self.usable(session.df) && self.dice.percent(50) {
            return self.recover();
        }
        let few = self.files().count() < 12;
        match self.dice.below(100) {
            _ if few && self.dice.percent(25) => self.create(),
            0..=7 => vec![self.select()],
            8..=14 => self.create(),
            15..=28 => self.binary(),
            29..=47 => self.records(),
            48..=53 => self.objects(),
            54..=70 => self.secrets(),
            71..=83 => self.keys(),
            84..=87 => self.life_cycle(),
            88..=92 => vec![self.manage_channel()],
            93..=97 => vec![self.command(0xCA, 0xDF, 0x20, &[], Some(4))],
            98 => vec![self.dice.pick(&[vec![0, 0xC0, 0, 0, 0], vec![0, 0xA4, 0, 0, 0]])],
            _ => vec![self.nonsense()],
        }
    }

    /// A command on this channel.
    pub(crate) fn command(&mut self, ins: u8, p1: u8, p2: u8, data: &[u8], ne: Option<usize>) -> Vec<u8> {
        let long = self.dice.percent(3);
        apdu([u8::try_from(self.channel).unwrap(), ins, p1, p2], data, ne, long)
    }

    pub(crate) fn session(&self) -> IsoSession<'m> {
        self.model.iso_session(self.channel).unwrap()
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = IsoFile<'m>> + use<'m> {
        self.model.iso_files()
    }

    pub(crate) fn file(&self, number: u32) -> IsoFile<'m> {
        self.files().find(|file| file.number == number).unwrap()
    }

    /// A file that fits: rather the current one, or one in the current DF.
    pub(crate) fn one_of(&mut self, fits: impl Fn(&IsoFile<'_>) -> bool) -> Option<IsoFile<'m>> {
        let session = self.session();
        let all: Vec<_> = self.files().filter(|file| fits(file)).collect();
        if let Some(current) = all.iter().find(|file| Some(file.number) == session.ef)
            && self.dice.percent(55)
        {
            return Some(current.clone());
        }
        let near: Vec<_> = all.iter().filter(|file| file.parent == session.df).cloned().collect();
        let from = if self.dice.percent(60) && !near.is_empty() { near } else { all };
        (!from.is_empty()).then(|| self.dice.pick(&from))
    }

    /// The file and all above it are neither deactivated nor terminated.
    pub(crate) fn usable(&self, number: u32) -> bool {
        let file = self.file(number);
        !matches!(file.state, 4 | 0x0C) && (number == 0 || self.usable(file.parent))
    }

    /// The path of a file from the MF on.
    pub(crate) fn path(&self, number: u32) -> Vec<u8> {
        if number == 0 {
            return Vec::new();
        }
        let file = self.file(number);
        [self.path(file.parent), file.id.to_be_bytes().to_vec()].concat()
    }

    /// SELECT of a file, without an answer.
    pub(crate) fn go(&mut self, number: u32) -> Vec<u8> {
        let path = self.path(number);
        if path.is_empty() {
            return self.command(0xA4, 0, 0x0C, &[], None);
        }
        let file = self.file(number);
        if file.parent == self.session().df && self.dice.percent(60) {
            return self.command(0xA4, 0, 0x0C, &file.id.to_be_bytes(), None);
        }
        self.command(0xA4, 8, 0x0C, &path, None)
    }

    fn any(&mut self) -> IsoFile<'m> {
        let all: Vec<_> = self.files().collect();
        self.dice.pick(&all)
    }

    fn select(&mut self) -> Vec<u8> {
        let p1 = self.dice.pick(&[0, 0, 0, 1, 2, 2, 3, 4, 4, 8, 8, 9]);
        let file = self.one_of(|_| true).unwrap();
        let other = self.any();
        let occurrence =
            if p1 == 4 { self.dice.pick(&[0, 0, 1, 2, 3]) } else { self.dice.pick(&[0, 0, 0, 0, 0, 1, 2]) };
        let data = match p1 {
            0 if self.dice.percent(10) => Vec::new(),
            3 if self.dice.percent(95) => Vec::new(),
            4 => {
                let mut name = other.name.unwrap_or(self.dice.pick(&[b"N", b"Na", b"Nam", b"x"])).to_vec();
                name.truncate(self.dice.pick(&[16, 16, 2, 1]));
                name
            }
            8 => self.path(other.number),
            9 => {
                let (from, to) = (self.path(self.session().df), self.path(other.number));
                to.strip_prefix(&from[..]).unwrap_or(&to).to_vec()
            }
            _ => self.dice.pick(&[file.id, other.id]).to_be_bytes().to_vec(),
        };
        let ne = self.dice.pick(&[None, Some(256), Some(256), Some(9)]);
        let form = self.dice.pick(&[0x00, 0x00, 0x04, 0x08, 0x0C]);
        self.command(0xA4, p1, form | occurrence, &data, ne)
    }

    /// Out of a DF that cannot be used.
    fn recover(&mut self) -> Vec<Vec<u8>> {
        let blocked: Vec<_> = self.files().filter(|file| file.state == 4).collect();
        if !blocked.is_empty() && self.dice.percent(70) {
            let file = self.dice.pick(&blocked).number;
            return vec![self.go(file), self.command(0x44, 0, 0, &[], None)];
        }
        vec![self.command(0xA4, 0, 0x0C, &[], None)]
    }

    fn life_cycle(&mut self) -> Vec<Vec<u8>> {
        let file = self.one_of(|file| file.number != 0).unwrap_or_else(|| self.any());
        if self.dice.percent(8)
            && let Some(commands) = self.pull_away()
        {
            return commands;
        }
        if self.session().ef.is_none() && self.session().df != 0 && self.dice.percent(10) {
            let ins = self.dice.pick(&[0x44, 0x04]);
            return vec![self.command(ins, 0, 0, &[], None)];
        }
        if file.number == 0 && self.dice.percent(80) || self.dice.percent(1) {
            let ins = self.dice.pick(&[0x44, 0x44, 0x44, 0x04]);
            return vec![self.command(ins, 0, 0, &[], None)];
        }
        let is_df = matches!(file.kind, IsoKind::Df(_));
        let ins = self.dice.pick(&[0x44, 0x44, 0x44, 0x04, 0x04, 0xE4, 0xE4, 0xE6, 0xE8]);
        // What is terminated is of little use.
        let ins = if matches!(ins, 0xE6 | 0xE8) && self.dice.percent(80) { 0xE4 } else { ins };
        if is_df && ins == 0xE4 && self.dice.percent(60) {
            return vec![self.go(file.number)];
        }
        if self.dice.percent(2) {
            return vec![self.command(0xFE, 0, 0, &[], None)];
        }
        if file.parent == self.session().df && self.dice.percent(50) {
            return vec![self.command(ins, 0, 0, &file.id.to_be_bytes(), None)];
        }
        vec![self.go(file.number), self.command(ins, 0, 0, &[], None)]
    }

    /// Deletes what is current on another channel, which goes on as if nothing had happened.
    fn pull_away(&mut self) -> Option<Vec<Vec<u8>>> {
        let others: Vec<_> = (0..4)
            .filter(|channel| usize::from(*channel) != self.channel)
            .filter_map(|channel| Some((channel, self.model.iso_session(usize::from(channel))?)))
            .collect();
        let (channel, session) = (!others.is_empty()).then(|| self.dice.pick(&others))?;
        let number = session.ef.filter(|_| self.dice.percent(70)).unwrap_or(session.df);
        let ins = self.dice.pick(&[0x04, 0x44, 0xE4, 0xE6]);
        let deletes = [self.go(number), self.command(0xE4, 0, 0, &[], None)];
        (number != 0).then(|| [&deletes[..], &[vec![channel, ins, 0, 0]]].concat())
    }

    fn manage_channel(&mut self) -> Vec<u8> {
        let number = self.dice.pick(&[1, 2, 3]);
        match self.dice.below(10) {
            0..=4 => self.command(0x70, 0, 0, &[], Some(1)),
            5 | 6 => self.command(0x70, 0, number, &[], None),
            7 => self.command(0x70, 0x80, 0, &[], None),
            8 => self.command(0x70, 0x80, number, &[], None),
            _ => {
                let (p1, p2) = self.dice.pick(&[(0, 4), (0x80, 4), (1, 0)]);
                self.command(0x70, p1, p2, &[], None)
            }
        }
    }

    fn nonsense(&mut self) -> Vec<u8> {
        let len = 1 + self.dice.below(24);
        let mut command = self.dice.bytes(len);
        command[0] &= 0x13;
        if let Some(ins) = command.get_mut(1).filter(|_| self.dice.percent(80)) {
            *ins = self.dice.pick(&[
                0x04, 0x0E, 0x0F, 0x20, 0x22, 0x24, 0x26, 0x28, 0x2A, 0x2C, 0x44, 0x46, 0x70, 0x82, 0x84, 0x88, 0xA2,
                0xA4, 0xB0, 0xB1, 0xB2, 0xC0, 0xCA, 0xCB, 0xD0, 0xD1, 0xD2, 0xD6, 0xD7, 0xDA, 0xDB, 0xDC, 0xE0, 0xE2,
                0xE4,
            ]);
        }
        command
    }
}
