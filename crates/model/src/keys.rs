//! Key slots: the security environment, generation, import, and what a private operation answers.

use std::sync::Arc;

use crate::apdu::{self, Apdu};
use crate::body::{Body, Finish, Known};
use crate::files;
use crate::model::{Model, Outcome, Session};
use crate::profile::Dialect;
use crate::signature::{self, Check, Curve, Scheme};
use crate::status;

/// What a key slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyView {
    /// RSA with a modulus of so many bytes.
    Rsa(usize),
    /// A curve whose field has so many bytes.
    Ec(usize),
}

/// A key, as far as it is known.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) kind: KeyView,
    /// Modulus or point, once the card has shown it whole.
    pub(crate) public: Option<Arc<[u8]>>,
    pub(crate) exponent: u64,
}

impl Key {
    /// Bytes of the private key.
    pub(crate) const fn stored(&self) -> usize {
        match self.kind {
            KeyView::Rsa(len) => 4 + 2 * len + 5 * (len / 2),
            KeyView::Ec(field) => 3 * field + 1,
        }
    }
}

/// What the security environment is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Store,
    Sign,
    Decipher,
}

/// What MSE SET left.
#[derive(Clone, Copy)]
pub(crate) struct Environment {
    purpose: Purpose,
    algorithm: u8,
    slot: u8,
}

impl Model {
    pub(crate) fn held(&self, slot: u8) -> Option<&Key> {
        self.memory.keys.get(usize::from(slot))?.as_ref()
    }

    pub(crate) fn manage_environment(&mut self, apdu: &Apdu<'_>) -> Outcome {
        let purpose = match apdu.p1p2() {
            0x4100 => Purpose::Store,
            0x41B6 => Purpose::Sign,
            0x41B8 => Purpose::Decipher,
            _ => return Err(status::UNSUPPORTED),
        };
        if !apdu.brings_only() {
            return Err(status::LENGTH);
        }
        let found = apdu::find(apdu.data, [0x80, 0x84]);
        let Some([Some(&[algorithm]), Some(&[slot])]) = found else { return Err(status::UNUSABLE) };
        if slot >= self.profile.key_slots {
            return Err(status::UNUSABLE);
        }
        match (purpose, algorithm) {
            (Purpose::Store, 0xF3 | 0xEC) | (Purpose::Sign, 0x11 | 0x21) | (Purpose::Decipher, 0x11) => (),
            (Purpose::Store, 0xF5) | (Purpose::Sign, 0x12) if self.profile.dialect != Dialect::V0 => (),
            _ => return Err(status::UNSUPPORTED),
        }
        if purpose != Purpose::Store {
            let key = self.held(slot).ok_or(status::NO_REFERENCE)?;
            if matches!(key.kind, KeyView::Ec(_)) != (algorithm == 0x21) {
                return Err(status::UNUSABLE);
            }
        }
        if let Some(session) = &mut self.session {
            session.environment = Some(Environment { purpose, algorithm, slot });
        }
        Ok(Body::EMPTY)
    }

    fn environment(session: Session, purpose: Purpose) -> Result<Environment, u16> {
        session.environment.filter(|environment| environment.purpose == purpose).ok_or(status::CONDITIONS)
    }

    pub(crate) fn generate(&mut self, apdu: &Apdu<'_>, session: Session, said: Option<u16>) -> Outcome {
        if !matches!(apdu.p1p2(), 0x4200 | 0x0000) {
            return Err(status::PARAMETERS);
        }
        let Environment { algorithm, slot, .. } = Self::environment(session, Purpose::Store)?;
        let len = match (algorithm, apdu.p1p2()) {
            (0xEC, 0x0000) => return self.generate_ec(apdu.data, slot, said),
            (0xF3, 0x4200) => 256,
            (0xF5, 0x4200) => 512,
            _ => return Err(status::PARAMETERS),
        };
        if !apdu.data.is_empty() {
            return Err(status::LENGTH);
        }
        if len == 512 && !self.strict && said == Some(status::UNSUPPORTED) {
            return Err(status::UNSUPPORTED);
        }
        self.put(slot, Key { kind: KeyView::Rsa(len), public: None, exponent: 65_537 }, said)?;
        let mut inner = Vec::new();
        apdu::push(&mut inner, &[0x81], &vec![0; len]);
        apdu::push(&mut inner, &[0x82], &[1, 0, 1]);
        Ok(template(&inner, 4, len, slot))
    }

    fn generate_ec(&mut self, data: &[u8], slot: u8, said: Option<u16>) -> Outcome {
        let [p, a, b, g, n, cofactor] = parameters(data)?;
        let field = Curve::recognise([p, a, b, g, n]).ok_or(status::UNSUPPORTED)?.field();
        self.put(slot, Key { kind: KeyView::Ec(field), public: None, exponent: 0 }, said)?;
        let mut inner = Vec::new();
        for (tag, value) in (0x81..).zip([p, a, b, g, n]) {
            apdu::push(&mut inner, &[tag], value);
        }
        let point = 1 + 2 * field;
        let at = inner.len() + 2;
        apdu::push(&mut inner, &[0x86], &vec![0; point]);
        apdu::push(&mut inner, &[0x87], cofactor);
        Ok(template(&inner, at, point, slot))
    }

    /// Puts a key into a slot, if memory is left.
    fn put(&mut self, slot: u8, key: Key, said: Option<u16>) -> Result<(), u16> {
        let (least, most) = files::cost(key.stored());
        let (old_least, old_most) = self.held(slot).map_or((0, 0), |old| files::cost(old.stored()));
        // An old key of a larger size makes room; the estimate then stays as it is.
        self.room_for((least.saturating_sub(old_least), most.saturating_sub(old_most)), said)?;
        if let Some(place) = Arc::make_mut(&mut self.memory.keys).get_mut(usize::from(slot)) {
            *place = Some(key);
        }
        Ok(())
    }

    /// Keeps the public key that the card has shown.
    pub(crate) fn adopt(&mut self, slot: u8, public: &[u8]) -> Result<(), &'static str> {
        let Some(Some(key)) = Arc::make_mut(&mut self.memory.keys).get_mut(usize::from(slot)) else { return Ok(()) };
        let good = match key.kind {
            KeyView::Rsa(_) => {
                public.first().is_some_and(|first| *first >= 0x80) && public.last().is_some_and(|last| last & 1 != 0)
            }
            KeyView::Ec(_) => public.first() == Some(&0x04) && (!self.strict || signature::is_point(public)),
        };
        key.public = Some(Arc::from(public));
        good.then_some(()).ok_or("a public key")
    }

    pub(crate) fn import(&mut self, apdu: &Apdu<'_>, session: Session, said: Option<u16>) -> Outcome {
        if apdu.p1p2() != 0x3FFF {
            return Err(status::PARAMETERS);
        }
        if !apdu.brings_only() {
            return Err(status::LENGTH);
        }
        if !self.profile.key_import {
            return Err(status::NOT_ALLOWED);
        }
        let Environment { algorithm, slot, .. } = Self::environment(session, Purpose::Store)?;
        let (tag, value, rest) = apdu::object(apdu.data).ok_or(status::UNUSABLE)?;
        if tag != if algorithm == 0xEC { 0xE0 } else { 0x7F48 } {
            return Err(status::WRONG_DATA);
        }
        if !rest.is_empty() {
            return Err(status::UNUSABLE);
        }
        let key = if algorithm == 0xEC { self.import_ec(value)? } else { self.import_rsa(value, said)? };
        self.put(slot, key, said)?;
        Ok(Body::EMPTY)
    }

    fn import_rsa(&self, data: &[u8], said: Option<u16>) -> Result<Key, u16> {
        let found = apdu::find(data, [0x92, 0x93, 0x94, 0x95, 0x96]).ok_or(status::UNUSABLE)?;
        let [Some(p), Some(q), Some(qinv), Some(dp), Some(dq)] = found else { return Err(status::UNUSABLE) };
        let half = |part: &[u8]| part.iter().position(|byte| *byte != 0).map_or(0, |zeros| part.len() - zeros);
        let len = half(p).max(half(q));
        if !matches!(len, 128 | 256) {
            return Err(status::UNSUPPORTED);
        }
        let (modulus, exponent) = signature::join(p, q, qinv, dp, dq).ok_or(status::UNUSABLE)?;
        if modulus.len() != 2 * len || modulus[0] < 0x80 {
            return Err(status::UNUSABLE);
        }
        // What looks like a key is one if its primes are prime; a toy provider does not find out.
        let doubtful = said == Some(status::UNUSABLE) || (self.strict && said == Some(status::OK));
        if doubtful && !(signature::is_prime(p) && signature::is_prime(q)) {
            return Err(status::UNUSABLE);
        }
        Ok(Key { kind: KeyView::Rsa(2 * len), public: Some(modulus.into()), exponent })
    }

    fn import_ec(&self, data: &[u8]) -> Result<Key, u16> {
        let [p, a, b, g, n, _] = parameters(data)?;
        let [Some(scalar)] = apdu::find(data, [0x88]).unwrap_or_default() else { return Err(status::UNUSABLE) };
        let curve = Curve::recognise([p, a, b, g, n]).ok_or(status::UNSUPPORTED)?;
        let scalar = curve.scalar(scalar).ok_or(status::UNUSABLE)?;
        let public = if self.strict { curve.point(&scalar).map(Into::into) } else { None };
        Ok(Key { kind: KeyView::Ec(curve.field()), public, exponent: 0 })
    }

    pub(crate) fn perform_operation(&self, apdu: &Apdu<'_>, session: Session, said: Option<u16>) -> Outcome {
        let purpose = match apdu.p1p2() {
            0x9E9A => Purpose::Sign,
            0x8086 => Purpose::Decipher,
            _ => return Err(status::PARAMETERS),
        };
        if apdu.data.is_empty() {
            return Err(status::LENGTH);
        }
        let environment = Self::environment(session, purpose)?;
        let key = self.held(environment.slot).ok_or(status::NO_REFERENCE)?;
        let check = |scheme| {
            let known = self.strict && key.public.is_some();
            known.then(|| Box::new(Check { key: key.clone(), scheme, message: apdu.data.to_vec() }))
        };
        let rsa = |len, scheme| {
            let finish = check(scheme).map_or(Finish::Nothing, Finish::Rsa);
            Ok(Body::random(len, len, finish))
        };
        match (purpose, key.kind, environment.algorithm) {
            (Purpose::Decipher, KeyView::Rsa(len), _) => self.decipher(apdu.data, key, len, said),
            (Purpose::Sign, KeyView::Rsa(len), 0x11) if apdu.data.len() <= len - 11 => rsa(len, Scheme::Pkcs1),
            (Purpose::Sign, KeyView::Rsa(len), 0x12) if matches!(apdu.data.len(), 20 | 28 | 32 | 48 | 64) => {
                rsa(len, Scheme::Pss)
            }
            (Purpose::Sign, KeyView::Rsa(_), 0x11 | 0x12) => Err(status::LENGTH),
            (Purpose::Sign, KeyView::Ec(field), 0x21) => {
                let scheme = if session.version_1 { Scheme::Ecdsa } else { Scheme::EcdsaSha1 };
                Ok(Body::random(8, 2 * field + 8, Finish::Ecdsa(field, check(scheme))))
            }
            _ => Err(status::CONDITIONS),
        }
    }

    /// The answer is the message without its padding, so both its length and whether there is one are the key's secret.
    fn decipher(&self, data: &[u8], key: &Key, len: usize, said: Option<u16>) -> Outcome {
        let [0x00, cryptogram @ ..] = data else { return Err(status::WRONG_DATA) };
        if cryptogram.len() != len {
            return Err(status::LENGTH);
        }
        let too_large = self.strict && key.public.as_deref().is_some_and(|modulus| cryptogram >= modulus);
        if too_large || said == Some(status::WRONG_DATA) {
            return Err(status::WRONG_DATA);
        }
        Ok(Body::random(0, len - 11, Finish::Nothing))
    }
}

/// The curve parameters 81 to 85 and the cofactor.
fn parameters(data: &[u8]) -> Result<[&[u8]; 6], u16> {
    match apdu::find(data, [0x81, 0x82, 0x83, 0x84, 0x85, 0x87]) {
        Some([Some(p), Some(a), Some(b), Some(g), Some(n), Some(h)]) => Ok([p, a, b, g, n, h]),
        _ => Err(status::UNUSABLE),
    }
}

/// The answer to GENERATE: `inner` with `len` unknown bytes at `at`.
fn template(inner: &[u8], at: usize, len: usize, slot: u8) -> Body {
    let mut bytes = Vec::new();
    apdu::push(&mut bytes, &[0x7F, 0x49], inner);
    let start = bytes.len() - inner.len() + at;
    let all = bytes.len();
    Body { known: Known::Template(bytes), gap: start..start + len, len: (all, all), finish: Finish::PublicKey(slot) }
}
