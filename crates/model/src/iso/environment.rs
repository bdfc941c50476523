//! MANAGE SECURITY ENVIRONMENT.

use super::body::Body;
use super::card::{Call, Card, Outcome};
use super::files::{Kind, ROOT};
use super::rules::Right;
use super::words;
use crate::apdu;

/// An algorithm and a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) algorithm: u8,
    pub(crate) slot: u8,
}

/// What MSE SET left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) authentication: Option<Template>,
    pub(crate) hash: Option<u8>,
    pub(crate) signature: Option<Template>,
    pub(crate) confidentiality: Option<Template>,
    /// Slot of the template of these three that was set last.
    pub(crate) slot: Option<u8>,
}

impl Card {
    pub(crate) fn manage_environment(&mut self, call: &Call<'_>) -> Outcome {
        match call.p1() {
            0x41 | 0x81 | 0xC1 => self.set_environment(call),
            0xF2..=0xF4 => self.stored_environment(call),
            _ => Err(words::PARAMETERS),
        }
    }

    fn set_environment(&mut self, call: &Call<'_>) -> Outcome {
        match call.p2() {
            0xA4 | 0xAA | 0xB6 | 0xB8 => (),
            0xA6 | 0xB4 => return Err(words::UNSUPPORTED),
            _ => return Err(words::PARAMETERS),
        }
        call.is_case(&[3])?;
        let (mut algorithm, mut slot, mut rest) = (None, None, call.data());
        while !rest.is_empty() {
            let (tag, value, after) = apdu::object(rest).ok_or(words::DATA)?;
            match (tag, value) {
                (0x80, [byte]) => algorithm = algorithm.or(Some(*byte)),
                (0x84, [byte @ 0..=0x0F]) if call.p2() != 0xAA => slot = slot.or(Some(*byte)),
                (0x81..=0x83, _) => (),
                _ => return Err(words::DATA),
            }
            rest = after;
        }
        let algorithm = algorithm.ok_or(words::DATA)?;
        if call.p2() == 0xAA {
            let known = (1..=5).contains(&algorithm);
            self.session_mut(call.channel)?.environment.hash =
                Some(known.then_some(algorithm).ok_or(words::UNSUPPORTED)?);
            return Ok(Body::empty());
        }
        let template = Template { algorithm, slot: slot.ok_or(words::DATA)? };
        self.suits(template, call)?;
        let environment = &mut self.session_mut(call.channel)?.environment;
        let place = match call.p2() {
            0xA4 => &mut environment.authentication,
            0xB6 => &mut environment.signature,
            _ => &mut environment.confidentiality,
        };
        *place = Some(template);
        environment.slot = Some(template.slot);
        Ok(Body::empty())
    }

    /// Whether the algorithm is one of this template and of the key file's kind.
    fn suits(&self, template: Template, call: &Call<'_>) -> Result<(), u16> {
        let curve = match (call.p2(), template.algorithm) {
            (0xA4 | 0xB6, 0x21) => true,
            (0xA4 | 0xB6 | 0xB8, 0x11) | (0xB6, 0x12) | (0xB8, 0x13 | 0x14) => false,
            (0xB6 | 0xB8, 0x10) if self.profile.raw_rsa => false,
            _ => return Err(words::UNSUPPORTED),
        };
        let file = self.memory.pair(template.slot).ok_or(words::NO_REFERENCE)?;
        let Kind::Pair(_, kind) = file.kind else { return Err(words::NO_REFERENCE) };
        if curve == (kind < 0xF0) { Ok(()) } else { Err(words::UNSUPPORTED) }
    }

    /// STORE, RESTORE and ERASE.
    fn stored_environment(&mut self, call: &Call<'_>) -> Outcome {
        let number = call.p2();
        let restores = call.p1() == 0xF3;
        if number > 14 || (number == 0 && !restores) {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[1])?;
        if restores && number == 0 {
            self.session_mut(call.channel)?.environment = Environment::default();
            return Ok(Body::empty());
        }
        let df = self.usable_df(call.channel)?;
        let at = df.number;
        if restores {
            let kept = |df: u32| match &self.memory.get(df)?.kind {
                Kind::Df { environments, .. } => environments.get(&number).copied(),
                _ => None,
            };
            let found = kept(at).or_else(|| kept(ROOT)).ok_or(words::NO_REFERENCE)?;
            self.session_mut(call.channel)?.environment = found;
            return Ok(Body::empty());
        }
        if !self.allows(df, Right::CREATE_EF, call) {
            return Err(words::SECURITY);
        }
        let environment = self.session(call.channel)?.environment;
        let Some(Kind::Df { environments, .. }) = self.memory.edit(at).map(|df| &mut df.kind) else {
            return Err(words::NOT_FOUND);
        };
        if call.p1() == 0xF2 {
            environments.insert(number, environment);
        } else {
            environments.remove(&number).ok_or(words::NO_REFERENCE)?;
        }
        Ok(Body::empty())
    }
}
