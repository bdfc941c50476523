//! Data objects of the current DF, and the change counter among them.

use super::body::{Body, Finish};
use super::card::{Call, Card, Outcome};
use super::files::Kind;
use super::rules::Right;
use super::words;
use crate::apdu;

/// Tag of the change counter.
const COUNTER: u16 = 0xDF20;

/// Whether P1-P2 may name an object.
fn is_tag(tag: u16) -> bool {
    match tag {
        0x0040..=0x00FF => tag & 0x1F != 0x1F,
        0x0100..=0x01FF | 0x0201..=0x02FE => true,
        _ => tag >> 8 & 0x1F == 0x1F && (0x1F..=0x7F).contains(&(tag & 0xFF)),
    }
}

impl Card {
    fn object(&self, tag: u16, channel: usize) -> Result<Option<&Vec<u8>>, u16> {
        match &self.df(channel)?.kind {
            Kind::Df { objects, .. } => Ok(objects.get(&tag)),
            _ => Err(words::NOT_FOUND),
        }
    }

    pub(crate) fn get_data(&self, call: &Call<'_>) -> Outcome {
        let tag = call.p1p2();
        if call.ins() == 0xCB {
            return self.get_listed(call);
        }
        if !is_tag(tag) {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[2])?;
        if tag == COUNTER {
            return Ok(Body { gap: 0..4, ..Body::random(4, 4, Finish::Counter) });
        }
        self.may_get(call)?;
        let value = self.object(tag, call.channel)?.ok_or(words::NO_REFERENCE)?;
        Ok(Body::known(value.clone()))
    }

    /// The current DF can be used, or the card is terminated.
    fn may_get(&self, call: &Call<'_>) -> Result<(), u16> {
        if self.is_terminated() && call.said != Some(words::CONDITIONS) {
            Ok(())
        } else {
            self.usable_df(call.channel).map(|_| ())
        }
    }

    /// All objects of a tag list.
    fn get_listed(&self, call: &Call<'_>) -> Outcome {
        if call.p1p2() != 0x3FFF {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[3, 4])?;
        let (tag, mut list, rest) = apdu::object(call.data()).ok_or(words::DATA)?;
        if !rest.is_empty() {
            return Err(words::DATA);
        }
        if tag != 0x5C {
            return Err(words::UNSUPPORTED);
        }
        self.may_get(call)?;
        let (mut out, mut gap) = (Vec::new(), 0..0);
        while let [first, after @ ..] = list {
            let (tag, rest) = match after {
                _ if first & 0x1F != 0x1F => (u16::from(*first), after),
                [second @ 0x1F..=0x7F, rest @ ..] => (u16::from_be_bytes([*first, *second]), rest),
                // No object has a name of three bytes.
                [0x81..=0xFF, 0..=0x7F, rest @ ..] => (0, rest),
                _ => return Err(words::DATA),
            };
            list = rest;
            let name = tag.to_be_bytes();
            let name = if tag < 0x100 { &name[1..] } else { &name[..] };
            if tag == COUNTER {
                apdu::push(&mut out, name, &[0; 4]);
                gap = out.len() - 4..out.len();
            } else if let Some(value) = self.object(tag, call.channel)? {
                apdu::push(&mut out, name, value);
            }
        }
        if out.is_empty() {
            return Err(words::NO_REFERENCE);
        }
        if out.len() > 0x1_0000 {
            return Err(words::NO_MEMORY);
        }
        let finish = if gap.is_empty() { Finish::Nothing } else { Finish::Counter };
        Ok(Body { gap, finish, ..Body::known(out) })
    }

    pub(crate) fn put_data(&mut self, call: &Call<'_>) -> Outcome {
        let even = call.ins() == 0xDA;
        if if even { !is_tag(call.p1p2()) } else { call.p1p2() != 0x3FFF } {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[3])?;
        let (tag, value) = if even {
            (call.p1p2(), call.data())
        } else {
            if matches!(call.data(), [0xE0, ..] | [0x7F, 0x48, ..]) {
                return self.import(call);
            }
            let (tag, value, rest) = apdu::object(call.data()).ok_or(words::DATA)?;
            let tag = u16::try_from(tag).ok().filter(|tag| is_tag(*tag) && !(0x100..0x300).contains(tag));
            (tag.filter(|_| rest.is_empty()).ok_or(words::DATA)?, value)
        };
        let df = self.usable_df(call.channel)?;
        let number = df.number;
        // Access or tag first: both refuse.
        if tag == COUNTER {
            let barred = call.said == Some(words::SECURITY) && !self.allows(df, Right::CREATE_EF, call);
            return Err(if barred { words::SECURITY } else { words::CONDITIONS });
        }
        if !self.allows(df, Right::CREATE_EF, call) {
            return Err(words::SECURITY);
        }
        if value.len() > usize::from(self.profile.file_len) {
            return Err(words::NO_MEMORY);
        }
        self.room_for(value.len(), call)?;
        if let Some(Kind::Df { objects, .. }) = self.memory.edit(number).map(|df| &mut df.kind) {
            objects.insert(tag, value.to_vec());
        }
        Ok(Body::empty())
    }
}
