//! What each command does: selection, files, and the small ones. PINs and keys have files of their own.

use crate::apdu::Apdu;
use crate::body::{Body, Finish, Known};
use crate::files::{self, File, MF, Right};
use crate::model::{Model, Outcome, Session};
use crate::pins::LifeCycle;
use crate::profile::Dialect;
use crate::status;

const AID: [u8; 12] = [0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 0x01];
/// Version and features.
const VERSION_0: [u8; 3] = [0, 6, 6];
const VERSION_1: [u8; 3] = [1, 0, 0x2E];

impl Model {
    /// Executes a command whose class, instruction and lengths are good.
    pub(crate) fn execute(&mut self, apdu: &Apdu<'_>, said: Option<u16>) -> Outcome {
        if apdu.header[1] == 0xA4 {
            return self.select(apdu);
        }
        // Without a session only SELECT comes this far.
        let Some(session) = self.session else { return Err(status::INSTRUCTION) };
        match apdu.header[1] {
            0xB0 => self.read(apdu, session),
            0xD6 => self.update(apdu, session),
            0xE0 => self.create(apdu, session, said),
            0xE4 => self.delete(apdu, session),
            0xCA => self.get_data(apdu),
            0x84 => Self::get_challenge(apdu),
            0x20 => self.verify(apdu),
            0x24 => self.change(apdu),
            0x2C => self.unblock(apdu),
            0x22 | 0x46 | 0xDB | 0x2A if !session.verified => Err(status::SECURITY),
            0x22 => self.manage_environment(apdu),
            0x46 => self.generate(apdu, session, said),
            0xDB => self.import(apdu, session, said),
            0x2A => self.perform_operation(apdu, session, said),
            0xC0 => Err(status::CONDITIONS),
            _ => Err(status::CHANNEL),
        }
    }

    fn select(&mut self, apdu: &Apdu<'_>) -> Outcome {
        let [.., p1, p2] = apdu.header;
        if !matches!(p1, 0..=4 | 8 | 9) || !matches!(p2, 0x00 | 0x04 | 0x0C) {
            return Err(status::PARAMETERS);
        }
        if p1 == 4 && apdu.data == AID {
            return Ok(self.select_application(p2));
        }
        let Some(session) = &mut self.session else { return Err(status::NOT_FOUND) };
        let files = &self.memory.files;
        let id = <[u8; 2]>::try_from(apdu.data).map(u16::from_be_bytes).map_err(|_| status::LENGTH);
        let whole_path = !apdu.data.is_empty() && apdu.data.len().is_multiple_of(2);
        let file = match p1 {
            0 if apdu.data.is_empty() => files.get(MF),
            0 => files.get(id?),
            1 => files.child(session.df, id?).filter(|file| file.is_df),
            2 => files.get(id?).filter(|file| !file.is_df && files.is_below(file, session.df)),
            3 if !apdu.data.is_empty() => return Err(status::LENGTH),
            3 if session.df == MF => None,
            3 => files.get(session.df).and_then(|df| files.get(df.parent)),
            4 => files.named(apdu.data),
            _ if !whole_path => return Err(status::LENGTH),
            8 => files.walk(MF, apdu.data),
            _ => files.walk(session.df, apdu.data),
        };
        let file = file.ok_or(status::NOT_FOUND)?;
        if file.is_df {
            session.df = file.id;
        } else {
            (session.df, session.ef) = (file.parent, Some(file.id));
        }
        Ok(if p2 == 0x0C { Body::EMPTY } else { Body::info(&file.info) })
    }

    /// Forgets everything that a reset forgets, as deselecting and selecting an applet does.
    fn select_application(&mut self, p2: u8) -> Body {
        let version_1 = match self.profile.dialect {
            Dialect::V0 | Dialect::None => false,
            Dialect::V1 => true,
            Dialect::Auto => p2 == 0x0C,
        };
        let creating = self.memory.life != LifeCycle::Operational;
        self.session = Some(Session { version_1, df: MF, ef: None, verified: false, creating, environment: None });
        if version_1 { Body::EMPTY } else { Body::fixed(&VERSION_0) }
    }

    /// The file that READ and UPDATE BINARY mean, if they may, and the offset.
    fn binary(&self, apdu: &Apdu<'_>, session: Session, right: Right) -> Result<(&File, usize), u16> {
        let [.., p1, p2] = apdu.header;
        let short = p1 & 0x80 != 0;
        if short && !matches!(p1 & 0x7F, 1..=30) {
            return Err(status::PARAMETERS);
        }
        let right_case = if matches!(right, Right::Read) { apdu.asks_only() } else { apdu.brings_only() };
        if !right_case {
            return Err(status::LENGTH);
        }
        let files = &self.memory.files;
        let file = if short {
            let is_meant = |file: &&File| !file.is_df && file.id & 0x1F == u16::from(p1 & 0x7F);
            files.children(session.df).find(is_meant).ok_or(status::NOT_FOUND)?
        } else {
            session.ef.and_then(|ef| files.get(ef)).ok_or(status::NO_EF)?
        };
        if !file.allows(right, session.may_use_files()) {
            return Err(status::SECURITY);
        }
        Ok((file, usize::from(if short { u16::from(p2) } else { apdu.p1p2() })))
    }

    fn read(&mut self, apdu: &Apdu<'_>, session: Session) -> Outcome {
        let (file, offset) = self.binary(apdu, session, Right::Read)?;
        let left = file.content.len().saturating_sub(offset).min(apdu.ne);
        if left == 0 {
            return Err(status::OFFSET);
        }
        let (id, body) = (file.id, Body::known(Known::Content(file.content.clone(), offset), left));
        self.session = Some(Session { ef: Some(id), ..session });
        Ok(body)
    }

    fn update(&mut self, apdu: &Apdu<'_>, session: Session) -> Outcome {
        let (file, offset) = self.binary(apdu, session, Right::Write)?;
        if offset + apdu.data.len() > file.content.len() {
            return Err(status::OFFSET);
        }
        let id = file.id;
        self.memory.files.write(id, offset, apdu.data);
        self.session = Some(Session { ef: Some(id), ..session });
        Ok(Body::EMPTY)
    }

    fn create(&mut self, apdu: &Apdu<'_>, session: Session, said: Option<u16>) -> Outcome {
        if apdu.p1p2() != 0 {
            return Err(status::PARAMETERS);
        }
        if !apdu.brings_only() {
            return Err(status::LENGTH);
        }
        let file = File::parse(apdu.data, session.df).ok_or(status::UNUSABLE)?;
        let right = if file.is_df { Right::CreateDf } else { Right::Write };
        let parent = self.memory.files.get(session.df).ok_or(status::NOT_FOUND)?;
        if !parent.allows(right, session.may_use_files()) {
            return Err(status::SECURITY);
        }
        if self.memory.files.get(file.id).is_some() {
            return Err(status::UNUSABLE);
        }
        if !self.memory.files.has_place(&self.profile, &file) {
            return Err(status::NO_MEMORY);
        }
        self.room_for(files::cost(file.content.len()), said)?;
        let (df, ef) = if file.is_df { (file.id, session.ef) } else { (session.df, Some(file.id)) };
        self.session = Some(Session { df, ef, ..session });
        self.memory.files.insert(file);
        Ok(Body::EMPTY)
    }

    fn delete(&mut self, apdu: &Apdu<'_>, session: Session) -> Outcome {
        if apdu.p1p2() != 0 {
            return Err(status::PARAMETERS);
        }
        if !apdu.brings_only() {
            return Err(status::LENGTH);
        }
        let id = <[u8; 2]>::try_from(apdu.data).map(u16::from_be_bytes).map_err(|_| status::LENGTH)?;
        let file = self.memory.files.get(id).ok_or(status::NOT_FOUND)?;
        if id == MF {
            return Err(status::REFUSED);
        }
        if !file.allows(Right::Delete, session.may_use_files()) {
            return Err(status::SECURITY);
        }
        self.session = Some(Session { df: file.parent, ef: None, ..session });
        self.memory.files.remove(id);
        Ok(Body::EMPTY)
    }

    fn get_data(&mut self, apdu: &Apdu<'_>) -> Outcome {
        if apdu.p1p2() != 0x0101 {
            return Err(status::PARAMETERS);
        }
        if !apdu.asks_only() {
            return Err(status::LENGTH);
        }
        if let Some(session) = &mut self.session {
            session.version_1 = true;
        }
        Ok(Body::fixed(&VERSION_1))
    }

    fn get_challenge(apdu: &Apdu<'_>) -> Outcome {
        if apdu.p1p2() != 0 {
            return Err(status::PARAMETERS);
        }
        if !apdu.asks_only() {
            return Err(status::LENGTH);
        }
        Ok(Body::random(apdu.ne, apdu.ne, Finish::Challenge))
    }

    /// Whether memory is left for an object that takes `cost` bytes, at least and at most.
    ///
    /// A card may not refuse while everything at its largest fits the memory without the reserve that it keeps for
    /// rewriting one file ([`Model::always_free`]); it must refuse where everything at its smallest does not fit
    /// the memory without the longest file. Between the two, `said` decides.
    pub(crate) fn room_for(&self, cost: (usize, usize), said: Option<u16>) -> Result<(), u16> {
        let files = self.memory.files.footprint();
        let (least, most) = self.memory.keys.iter().flatten().fold(cost, |sum, key| {
            let cost = files::cost(key.stored());
            (sum.0 + cost.0, sum.1 + cost.1)
        });
        let memory = usize::try_from(self.profile.memory).unwrap_or(usize::MAX);
        let must_refuse = files.0 + least > memory.saturating_sub(usize::from(self.profile.file_len));
        let may_refuse = files.1 + most > self.always_free(memory);
        if must_refuse || (may_refuse && said == Some(status::NO_MEMORY)) { Err(status::NO_MEMORY) } else { Ok(()) }
    }

    /// Bytes that objects may always take: what a copy of the longest file with its pointers leaves, less 5 KiB for
    /// the card's own data.
    fn always_free(&self, memory: usize) -> usize {
        let len = usize::from(self.profile.file_len);
        memory.saturating_sub((len + len / 24 + 512).max(3072) + 5120)
    }
}
