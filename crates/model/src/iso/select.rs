//! SELECT in all its forms, and what a change of the current DF forgets.

use super::body::Body;
use super::card::{Call, Card, Outcome};
use super::files::{self, File, MF, ROOT};
use super::words;
use crate::apdu;

impl Card {
    pub(crate) fn select(&mut self, call: &Call<'_>) -> Outcome {
        let (p1, p2, data) = (call.p1(), call.p2(), call.data());
        if !matches!(p1, 0..=4 | 8 | 9) || p2 & 0xF0 != 0 {
            return Err(words::PARAMETERS);
        }
        let whole = match p1 {
            0 => matches!(data.len(), 0 | 2),
            1 | 2 => data.len() == 2,
            3 => data.is_empty(),
            4 => (1..=16).contains(&data.len()),
            _ => !data.is_empty() && data.len().is_multiple_of(2),
        };
        if !whole {
            return Err(words::LENGTH);
        }
        let file = match p1 {
            4 => self.named(data, p2 & 3, call.channel)?,
            // Only one can be meant.
            _ if p2 & 3 > 1 => return Err(words::NOT_FOUND),
            _ => self.meant(p1, data, call.channel)?.ok_or(words::NOT_FOUND)?,
        };
        let mut body = control(file, p2 & 0x0C);
        if self.is_terminated() {
            body.end = words::TERMINATED;
        }
        let (number, df) = (file.number, file.home());
        self.enter(call.channel, df, (df != number).then_some(number))?;
        self.session_mut(call.channel)?.pointer = None;
        Ok(body)
    }

    /// The file that an identifier or a path means.
    fn meant(&self, p1: u8, data: &[u8], channel: usize) -> Result<Option<&File>, u16> {
        let (df, memory) = (self.df(channel)?, &self.memory);
        let id = <[u8; 2]>::try_from(data).map_or(0, u16::from_be_bytes);
        let above = || if df.number == ROOT { None } else { memory.get(df.parent) };
        let walk = |start: &File| {
            data.chunks_exact(2).try_fold(start.number, |at, id| {
                memory.child(at, u16::from_be_bytes([id[0], id[1]])).map(|file| file.number)
            })
        };
        Ok(match p1 {
            0 if data.is_empty() || id == MF => memory.get(ROOT),
            0 => memory
                .child(df.number, id)
                .or_else(|| Some(df).filter(|df| df.id == id))
                .or_else(|| above().filter(|above| above.id == id))
                .or_else(|| memory.child(above()?.number, id)),
            1 => memory.child(df.number, id).filter(|file| file.is_df()),
            2 => memory.child(df.number, id).filter(|file| !file.is_df()),
            3 => above(),
            8 => memory.get(ROOT).and_then(walk).and_then(|number| memory.get(number)),
            _ => walk(df).and_then(|number| memory.get(number)),
        })
    }

    /// The DF whose name begins with this; `which` is first, last, next or previous.
    fn named(&self, name: &[u8], which: u8, channel: usize) -> Result<&File, u16> {
        let mut all: Vec<&File> =
            self.memory.all().filter(|file| file.name.as_ref().is_some_and(|of| of.starts_with(name))).collect();
        all.sort_by_key(|file| file.id);
        let current = self.session(channel)?.df;
        let here = all.iter().position(|file| file.number == current);
        let at = match (which, here) {
            (0, _) | (2, None) => Some(0),
            (1, _) | (_, None) => all.len().checked_sub(1),
            (2, Some(here)) => Some(here + 1),
            (_, Some(here)) => here.checked_sub(1),
        };
        at.and_then(|at| all.get(at)).copied().ok_or(words::NOT_FOUND)
    }

    /// Makes a DF current, and an EF in it or none. PINs and keys of DFs that are left are forgotten.
    pub(crate) fn enter(&mut self, channel: usize, df: u32, ef: Option<u32>) -> Result<(), u16> {
        let session = self.session(channel)?;
        let kept: Vec<u32> = session
            .verified
            .iter()
            .copied()
            .filter(|secret| self.memory.get(*secret).is_some_and(|file| self.memory.is_in(df, file.parent)))
            .collect();
        let session = self.session_mut(channel)?;
        if session.ef != ef {
            session.pointer = None;
        }
        (session.df, session.ef, session.verified) = (df, ef, kept);
        (session.lost_df, session.lost_ef) = (false, false);
        Ok(())
    }
}

/// What SELECT answers for a file.
fn control(file: &File, form: u8) -> Body {
    let end = match file.state {
        files::DEACTIVATED => words::DEACTIVATED,
        files::TERMINATED => words::TERMINATED,
        _ => words::OK,
    };
    let mut bytes = Vec::new();
    match form {
        0x00 => apdu::push(&mut bytes, &[0x6F], &file.info()),
        0x04 => apdu::push(&mut bytes, &[0x62], &file.info()),
        0x08 => {
            let mut inner = Vec::new();
            if let Some(name) = &file.name {
                apdu::push(&mut inner, &[0x84], name);
            }
            apdu::push(&mut bytes, &[0x64], &inner);
        }
        _ => (),
    }
    Body::known(bytes).ending(end)
}
