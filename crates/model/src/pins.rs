//! PIN, PUK, and the life cycle that setting them drives.

use crate::apdu::Apdu;
use crate::body::Body;
use crate::model::{Model, Outcome};
use crate::status;

/// Life-cycle states of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeCycle {
    /// Neither PIN nor PUK is set.
    Creation,
    /// The PUK is set.
    Initialisation,
    /// The PIN is set.
    Operational,
}

/// A PIN or PUK.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// Padded with zeros.
    pub(crate) value: Option<[u8; 16]>,
    pub(crate) left: u8,
    tries: u8,
}

impl Secret {
    pub(crate) const fn unset(tries: u8) -> Self {
        Self { value: None, left: tries, tries }
    }

    fn set(&mut self, value: [u8; 16]) {
        (self.value, self.left) = (Some(value), self.tries);
    }

    /// One try: spent whatever comes, given back with all others if it was right.
    fn attempt(&mut self, candidate: [u8; 16], blocked: u16) -> Result<(), u16> {
        let value = self.value.ok_or(0x63C0u16)?;
        self.left = self.left.checked_sub(1).ok_or(blocked)?;
        if value != candidate {
            return Err(0x63C0 + u16::from(self.left));
        }
        self.left = self.tries;
        Ok(())
    }

    /// Takes a try away, as a power cut between trying and comparing does.
    pub(crate) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

/// Padded with zeros; `None` above sixteen bytes.
fn padded(bytes: &[u8]) -> Option<[u8; 16]> {
    let mut value = [0; 16];
    value.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(value)
}

impl Model {
    /// A new PIN, measured without its padding.
    fn new_pin(&self, bytes: &[u8]) -> Result<[u8; 16], u16> {
        let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let allowed = usize::from(self.profile.pin_min)..=usize::from(self.profile.pin_max);
        padded(bytes).filter(|_| allowed.contains(&len)).ok_or(status::LENGTH)
    }

    fn log_out(&mut self) {
        if let Some(session) = &mut self.session {
            (session.verified, session.creating) = (false, false);
        }
    }

    pub(crate) fn verify(&mut self, apdu: &Apdu<'_>) -> Outcome {
        if apdu.p1p2() != 0x0001 {
            return Err(status::PARAMETERS);
        }
        let operational = self.memory.life == LifeCycle::Operational;
        if apdu.data.is_empty() {
            return match self.memory.pin.left {
                _ if !operational || self.verified() => Ok(Body::EMPTY),
                0 => Err(self.profile.blocked),
                left => Err(0x63C0 + u16::from(left)),
            };
        }
        let candidate = padded(apdu.data).ok_or(status::LENGTH)?;
        if apdu.ne != 0 || apdu.data.len() < usize::from(self.profile.pin_min) {
            return Err(status::LENGTH);
        }
        if !operational {
            return Err(status::CONDITIONS);
        }
        let passed = self.memory.pin.attempt(candidate, self.profile.blocked);
        if let Some(session) = &mut self.session {
            session.verified = passed.is_ok();
        }
        passed.map(|()| Body::EMPTY)
    }

    pub(crate) fn change(&mut self, apdu: &Apdu<'_>) -> Outcome {
        let state = self.memory.life;
        match (apdu.p1p2(), state) {
            (0x0102, LifeCycle::Creation)
            | (0x0101, LifeCycle::Creation | LifeCycle::Initialisation)
            | (0x0001, LifeCycle::Operational) => (),
            _ => return Err(status::PARAMETERS),
        }
        if !apdu.brings_only() {
            return Err(status::LENGTH);
        }
        match apdu.p1p2() {
            0x0102 => {
                self.memory.puk.set(apdu.data.try_into().map_err(|_| status::LENGTH)?);
                self.memory.life = LifeCycle::Initialisation;
            }
            0x0101 => {
                self.memory.pin.set(self.new_pin(apdu.data)?);
                self.memory.life = LifeCycle::Operational;
            }
            _ => {
                let (old, new) =
                    apdu.data.split_first_chunk().filter(|(_, new)| new.len() == 16).ok_or(status::LENGTH)?;
                let new = self.new_pin(new)?;
                self.log_out();
                self.memory.pin.attempt(*old, self.profile.blocked)?;
                self.memory.pin.set(new);
            }
        }
        Ok(Body::EMPTY)
    }

    pub(crate) fn unblock(&mut self, apdu: &Apdu<'_>) -> Outcome {
        if apdu.p1p2() != 0x0001 {
            return Err(status::PARAMETERS);
        }
        let (puk, new) = apdu.data.split_first_chunk().filter(|(_, new)| new.len() >= 4).ok_or(status::LENGTH)?;
        if apdu.ne != 0 {
            return Err(status::LENGTH);
        }
        let new = self.new_pin(new)?;
        if self.memory.life != LifeCycle::Operational {
            return Err(status::REFUSED);
        }
        self.log_out();
        self.memory.puk.attempt(*puk, self.profile.blocked)?;
        self.memory.pin.set(new);
        Ok(Body::EMPTY)
    }
}
