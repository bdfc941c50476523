//! PINs: verifying, changing, resetting, enabling and disabling.

use super::body::Body;
use super::card::{Call, Card, Outcome};
use super::files::{CREATION, File, INITIALISATION, Kind, ROOT, Secret};
use super::rules::Right;
use super::words;

/// The most PINs and keys that are verified at once on a channel.
const MOST: usize = 8;

/// Without the zeros at its end.
pub(crate) fn stripped(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}

impl Card {
    /// The PIN or key that P2 means.
    pub(crate) fn reference(&self, call: &Call<'_>, pin: bool) -> Result<&File, u16> {
        let p2 = call.p2();
        if p2 & 0x60 != 0 {
            return Err(words::PARAMETERS);
        }
        let df = self.session(call.channel)?.df;
        let found = if p2 & 0x80 == 0 {
            self.memory.secret_in(ROOT, p2 & 0x1F, pin)
        } else {
            let mut all = self.memory.upwards(df).into_iter().filter(|df| df.number != ROOT);
            all.find_map(|df| self.memory.secret_in(df.number, p2 & 0x1F, pin))
        };
        found.ok_or(words::NO_REFERENCE)
    }

    /// A file of a PIN or key with what it holds.
    pub(crate) fn held(&self, number: u32) -> Result<(&File, &Secret), u16> {
        let file = self.memory.get(number).ok_or(words::NO_REFERENCE)?;
        Ok((file, file.secret().ok_or(words::KIND)?))
    }

    pub(crate) fn is_verified(&self, number: u32, channel: usize) -> bool {
        self.session(channel).is_ok_and(|session| session.verified.contains(&number))
    }

    /// Verified, or verification is disabled.
    pub(crate) fn counts_as_verified(&self, file: &File, channel: usize) -> bool {
        let disabled = file.secret().is_some_and(|secret| secret.disabled);
        self.memory.answers(file) && (disabled || self.is_verified(file.number, channel))
    }

    pub(crate) fn forget(&mut self, number: u32, channel: usize) {
        if let Ok(session) = self.session_mut(channel) {
            session.verified.retain(|verified| *verified != number);
        }
    }

    /// Counts it as verified; the oldest makes room.
    pub(crate) fn note_verified(&mut self, number: u32, channel: usize) {
        self.forget(number, channel);
        if let Ok(session) = self.session_mut(channel) {
            if session.verified.len() >= MOST {
                session.verified.remove(0);
            }
            session.verified.push(number);
        }
    }

    /// One try: spent whatever comes, given back with all others if it was right.
    pub(crate) fn attempt(&mut self, number: u32, right: bool, channel: usize) -> Result<(), u16> {
        let secret = self.memory.secret_mut(number).ok_or(words::NO_REFERENCE)?;
        let left = secret.tries.left.checked_sub(1).ok_or(words::BLOCKED)?;
        secret.tries.left = if right { secret.tries.all } else { left };
        (self.stays, self.tried) = (true, Some(number));
        if right {
            return Ok(());
        }
        self.forget(number, channel);
        Err(0x63C0 + u16::from(left))
    }

    /// The value, if the file can be used and it is set.
    pub(crate) fn value(&self, number: u32) -> Result<Vec<u8>, u16> {
        let (file, secret) = self.held(number)?;
        if !self.memory.is_usable(file) {
            return Err(words::CONDITIONS);
        }
        secret.value.clone().ok_or(words::UNSET)
    }

    /// The value, if it is set; for VERIFY and EXTERNAL AUTHENTICATE, which work below a deactivated DF too.
    pub(crate) fn value_below(&self, number: u32) -> Result<Vec<u8>, u16> {
        let (file, secret) = self.held(number)?;
        if !self.memory.answers(file) {
            return Err(words::CONDITIONS);
        }
        secret.value.clone().ok_or(words::UNSET)
    }

    /// What VERIFY and EXTERNAL AUTHENTICATE answer without data.
    pub(crate) fn state(&self, number: u32, channel: usize) -> Outcome {
        self.value_below(number)?;
        let (file, secret) = self.held(number)?;
        match secret.tries.left {
            _ if self.counts_as_verified(file, channel) => Ok(Body::empty()),
            0 => Err(words::BLOCKED),
            left => Err(0x63C0 + u16::from(left)),
        }
    }

    pub(crate) fn verify(&mut self, call: &Call<'_>) -> Outcome {
        if !matches!(call.p1(), 0 | 0xFF) || call.p2() & 0x60 != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(if call.p1() == 0 { &[1, 3] } else { &[1] })?;
        if call.p1() == 0xFF && call.p2() == 0 {
            self.session_mut(call.channel)?.verified.clear();
            return Ok(Body::empty());
        }
        let number = self.reference(call, true)?.number;
        if call.p1() == 0xFF {
            self.value_below(number)?;
            self.forget(number, call.channel);
            return Ok(Body::empty());
        }
        if call.data().is_empty() {
            return self.state(number, call.channel);
        }
        self.fits(number, call.data())?;
        self.try_pin(number, call.data(), call.channel)?;
        self.note_verified(number, call.channel);
        Ok(Body::empty())
    }

    /// Whether a PIN may be as long as this.
    fn fits(&self, number: u32, bytes: &[u8]) -> Result<(), u16> {
        let (least, most) = self.held(number)?.1.len;
        if (least..=most).contains(&bytes.len()) { Ok(()) } else { Err(words::LENGTH) }
    }

    fn try_pin(&mut self, number: u32, candidate: &[u8], channel: usize) -> Result<(), u16> {
        let right = self.value_below(number)? == stripped(candidate);
        self.attempt(number, right, channel)
    }

    fn set_pin(&mut self, number: u32, new: &[u8], channel: usize) {
        if let Some(secret) = self.memory.secret_mut(number) {
            secret.value = Some(stripped(new).to_vec());
            secret.tries.left = secret.tries.all;
        }
        self.forget(number, channel);
    }

    /// The old PIN, exactly as long as it is, and the new one; or both padded to the longest.
    fn split<'d>(&self, old: u32, new: u32, call: &Call<'d>) -> Result<(&'d [u8], &'d [u8]), u16> {
        let (len, data) = (self.value(old)?.len(), call.data());
        let (longest, other) = (self.held(old)?.1.len.1, self.held(new)?.1.len.1);
        let len = if data.len() == longest + other { longest } else { len };
        let (one, two) = data.split_at_checked(len).ok_or(words::LENGTH)?;
        self.is_pin(new, two, call)?;
        Ok((one, two))
    }

    /// Whether this may be a new PIN.
    fn is_pin(&self, number: u32, new: &[u8], call: &Call<'_>) -> Result<(), u16> {
        let zero = new.first() == Some(&0);
        match self.fits(number, stripped(new)) {
            Err(_) if zero && call.said == Some(words::DATA) => Err(words::DATA),
            Ok(()) if zero => Err(words::DATA),
            other => other,
        }
    }

    /// Whether a PIN may be set without another: by a rule, or because writing is free in this state.
    pub(crate) fn may_set(&self, file: &File, call: &Call<'_>) -> bool {
        matches!(file.state, CREATION | INITIALISATION) || self.allows_by_rule(file, Right::UPDATE, call)
    }

    pub(crate) fn change_reference(&mut self, call: &Call<'_>) -> Outcome {
        if call.p1() > 1 || call.p2() & 0x60 != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[3])?;
        let number = self.reference(call, true)?.number;
        if call.p1() == 0 {
            let (old, new) = self.split(number, number, call)?;
            self.try_pin(number, old, call.channel)?;
            self.set_pin(number, new, call.channel);
            return Ok(Body::empty());
        }
        let is_set = match self.value(number) {
            Ok(_) => true,
            Err(words::UNSET) => false,
            Err(status) => return Err(status),
        };
        self.is_pin(number, call.data(), call)?;
        if is_set && !self.may_set(self.held(number)?.0, call) {
            return Err(words::SECURITY);
        }
        self.set_pin(number, call.data(), call.channel);
        Ok(Body::empty())
    }

    pub(crate) fn reset_counter(&mut self, call: &Call<'_>) -> Outcome {
        if call.p1() > 3 || call.p2() & 0x60 != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(if call.p1() == 3 { &[1] } else { &[3] })?;
        let number = self.reference(call, true)?.number;
        let (file, secret) = self.held(number)?;
        let resetter = secret.resetter.map(|of| self.memory.first(file.parent, of, true).map(|file| file.number));
        if let (1, Some(Some(resetter))) = (call.p1(), resetter) {
            self.fits(resetter, call.data())?;
        }
        self.value(number)?;
        let new = if call.p1() < 2 {
            let resetter = resetter.ok_or(words::CONDITIONS)?.ok_or(words::NO_REFERENCE)?;
            let (old, new) = match call.p1() {
                0 => self.split(resetter, number, call)?,
                _ => (call.data(), &[][..]),
            };
            self.value(resetter)?;
            self.try_pin(resetter, old, call.channel)?;
            new
        } else {
            if call.p1() == 2 {
                self.is_pin(number, call.data(), call)?;
            }
            if !self.may_set(file, call) {
                return Err(words::SECURITY);
            }
            call.data()
        };
        if matches!(call.p1(), 0 | 2) {
            self.set_pin(number, new, call.channel);
        } else if let Some(secret) = self.memory.secret_mut(number) {
            secret.tries.left = secret.tries.all;
        }
        Ok(Body::empty())
    }

    pub(crate) fn enable_or_disable(&mut self, call: &Call<'_>) -> Outcome {
        if call.p1() > 1 || call.p2() & 0x60 != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(if call.p1() == 0 { &[3] } else { &[1] })?;
        let number = self.reference(call, true)?.number;
        if call.p1() == 0 {
            self.fits(number, call.data())?;
        }
        self.value(number)?;
        let (file, secret) = self.held(number)?;
        if !secret.can_be_disabled {
            return Err(words::CONDITIONS);
        }
        if !self.allows(file, Right::ENABLE, call) {
            return Err(words::SECURITY);
        }
        if call.p1() == 0 {
            self.try_pin(number, call.data(), call.channel)?;
        } else if !self.counts_as_verified(file, call.channel) {
            return Err(words::SECURITY);
        }
        if let Some(Kind::Pin(secret)) = self.memory.edit(number).map(|file| &mut file.kind) {
            secret.disabled = call.ins() == 0x26;
        }
        Ok(Body::empty())
    }
}
