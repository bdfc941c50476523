//! Life cycle of files and card, and DELETE.

use super::body::Body;
use super::card::{Call, Card, Outcome};
use super::files::{self, ACTIVATED, DEACTIVATED, File, ROOT, TERMINATED};
use super::rules::Right;
use super::words;

impl Card {
    /// The four life-cycle commands of files, and DELETE FILE.
    pub(crate) fn life_cycle(&mut self, call: &Call<'_>) -> Outcome {
        let file = self.addressed(call)?;
        let (number, is_df, state) = (file.number, file.is_df(), file.state);
        if !self.memory.above_is_usable(file) {
            return Err(words::CONDITIONS);
        }
        if state == TERMINATED && call.ins() != 0xE4 {
            return Err(words::CONDITIONS);
        }
        if matches!((call.ins(), is_df), (0xE6, false) | (0xE8, true)) {
            return Err(words::KIND);
        }
        if number == ROOT && matches!(call.ins(), 0xE4 | 0xE6) {
            return Err(words::CONDITIONS);
        }
        let (right, next) = match (call.ins(), state) {
            (0xE4, _) => (Right::DELETE, 0),
            (0x44, _) => (Right::ACTIVATE, ACTIVATED),
            (0x04, ACTIVATED | DEACTIVATED) => (Right::DEACTIVATE, DEACTIVATED),
            (0x04, _) => return Err(words::CONDITIONS),
            _ => (Right::TERMINATE, TERMINATED),
        };
        if !self.allows(file, right, call) {
            return Err(words::SECURITY);
        }
        if call.ins() == 0xE4 {
            return self.delete(number, call);
        }
        if state != next
            && let Some(file) = self.memory.edit(number)
        {
            file.state = next;
        }
        Ok(Body::empty())
    }

    /// The file that these commands mean.
    fn addressed(&self, call: &Call<'_>) -> Result<&File, u16> {
        if call.p1p2() != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[1, 3])?;
        let df = self.df(call.channel)?;
        if call.data().is_empty() {
            return if self.session(call.channel)?.lost_ef {
                Err(words::NO_EF)
            } else {
                Ok(self.ef(call.channel).unwrap_or(df))
            };
        }
        let id = <[u8; 2]>::try_from(call.data()).map(u16::from_be_bytes).map_err(|_| words::LENGTH)?;
        let child = self.memory.child(df.number, id);
        child.or(Some(df).filter(|df| df.id == id)).ok_or(words::NOT_FOUND)
    }

    fn delete(&mut self, number: u32, call: &Call<'_>) -> Outcome {
        let parent = self.memory.get(number).map_or(ROOT, |file| file.parent);
        let above = self.memory.get(parent).ok_or(words::NOT_FOUND)?;
        if !self.allows(above, Right::DELETE_CHILD, call) {
            return Err(words::SECURITY);
        }
        self.memory.remove(number);
        self.enter(call.channel, parent, None)?;
        // Other channels may have stood there.
        for channel in 0..self.channels.len() {
            let Some(session) = self.channels.get_mut(channel).and_then(Option::as_mut) else { continue };
            session.verified.retain(|of| self.memory.get(*of).is_some());
            if self.memory.get(session.df).is_none() {
                (session.df, session.ef, session.pointer) = (ROOT, None, None);
                (session.lost_df, session.lost_ef) = (true, false);
            } else if session.ef.is_some_and(|ef| self.memory.get(ef).is_none()) {
                (session.ef, session.pointer, session.lost_ef) = (None, None, true);
            }
        }
        Ok(Body::empty())
    }

    pub(crate) fn terminate_card(&mut self, call: &Call<'_>) -> Outcome {
        if call.p1p2() != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[1])?;
        let mf = self.memory.get(ROOT).ok_or(words::NOT_FOUND)?;
        if !self.allows(mf, Right::TERMINATE, call) {
            return Err(words::SECURITY);
        }
        if let Some(mf) = self.memory.edit(ROOT) {
            mf.state = files::TERMINATED;
        }
        Ok(Body::empty())
    }
}
