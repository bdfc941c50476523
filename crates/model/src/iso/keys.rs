//! Key slots: generation, public keys, import.

use std::sync::Arc;

use super::body::{Body, Finish};
use super::card::{Call, Card, Outcome};
use super::files::{File, Kind};
use super::rules::Right;
use super::words;
use crate::apdu;
use crate::keys::{Key, KeyView};
use crate::signature::{self, Curve};

/// What a key file of this algorithm holds.
pub(crate) const fn kind(algorithm: u8) -> KeyView {
    match algorithm {
        0xF3 => KeyView::Rsa(256),
        0xF4 => KeyView::Rsa(384),
        0xF5 => KeyView::Rsa(512),
        0xE1 => KeyView::Ec(32),
        _ => KeyView::Ec(48),
    }
}

/// The answer of GENERATE, with a gap for modulus or point.
fn template(key: &Key, slot: u8) -> Body {
    let (mut inner, mut bytes) = (Vec::new(), Vec::new());
    let len = match key.kind {
        KeyView::Rsa(len) => {
            apdu::push(&mut inner, &[0x81], &vec![0; len]);
            len
        }
        KeyView::Ec(field) => {
            apdu::push(&mut inner, &[0x86], &vec![0; 1 + 2 * field]);
            1 + 2 * field
        }
    };
    let end = inner.len();
    if matches!(key.kind, KeyView::Rsa(_)) {
        let exponent = key.exponent.to_be_bytes();
        apdu::push(&mut inner, &[0x82], trimmed(&exponent));
    }
    apdu::push(&mut bytes, &[0x7F, 0x49], &inner);
    let at = bytes.len() - inner.len() + end - len;
    if let Some(public) = &key.public {
        bytes[at..at + len].copy_from_slice(public);
        return Body::known(bytes);
    }
    Body { gap: at..at + len, finish: Finish::PublicKey(slot), ..Body::known(bytes) }
}

/// Without the zeros at its beginning. A public exponent of 65,537 has three bytes.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

impl Card {
    pub(crate) fn key(&self, slot: u8) -> Option<&Arc<Key>> {
        self.memory.keys.get(usize::from(slot))?.as_ref()
    }

    /// The key file of a slot, if the command may use it.
    pub(crate) fn key_file(&self, slot: u8, right: Right, call: &Call<'_>) -> Result<&File, u16> {
        let file = self.memory.pair(slot).ok_or(words::NO_REFERENCE)?;
        if !self.memory.is_usable(file) {
            return Err(words::CONDITIONS);
        }
        if self.allows(file, right, call) { Ok(file) } else { Err(words::SECURITY) }
    }

    pub(crate) fn generate(&mut self, call: &Call<'_>) -> Outcome {
        if !matches!(call.p1(), 0x00 | 0x80 | 0x81) || call.p2() != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[1, 2])?;
        let slot = self.session(call.channel)?.environment.slot.ok_or(words::CONDITIONS)?;
        let makes = call.p1() != 0x81;
        let file = self.key_file(slot, if makes { Right::UPDATE } else { Right::READ }, call)?;
        let Kind::Pair(_, algorithm) = file.kind else { return Err(words::KIND) };
        if makes {
            let key = Key { kind: kind(algorithm), public: None, exponent: 65_537 };
            if matches!(key.kind, KeyView::Rsa(384 | 512)) && !self.strict && call.said == Some(words::UNSUPPORTED) {
                return Err(words::UNSUPPORTED);
            }
            self.keep(slot, key, call)?;
        }
        let key = self.key(slot).ok_or(words::NO_REFERENCE)?;
        Ok(template(key, slot))
    }

    fn keep(&mut self, slot: u8, key: Key, call: &Call<'_>) -> Result<(), u16> {
        self.room_for(key.stored(), call)?;
        if let Some(place) = self.memory.keys.get_mut(usize::from(slot)) {
            *place = Some(Arc::new(key));
        }
        Ok(())
    }

    /// Keeps the public key that the card has shown.
    pub(crate) fn adopt(&mut self, slot: u8, public: &[u8]) -> Result<(), &'static str> {
        let Some(Some(key)) = self.memory.keys.get_mut(usize::from(slot)) else { return Ok(()) };
        let good = match key.kind {
            KeyView::Rsa(_) => {
                public.first().is_some_and(|first| *first >= 0x80) && public.last().is_some_and(|last| last & 1 != 0)
            }
            KeyView::Ec(_) => public.first() == Some(&4) && (!self.strict || signature::is_point(public)),
        };
        Arc::make_mut(key).public = Some(Arc::from(public));
        good.then_some(()).ok_or("a public key")
    }

    /// PUT DATA with 7F48 or E0.
    pub(crate) fn import(&mut self, call: &Call<'_>) -> Outcome {
        if !self.profile.key_import {
            return Err(words::NOT_ALLOWED);
        }
        let slot = self.session(call.channel)?.environment.slot.ok_or(words::CONDITIONS)?;
        let file = self.key_file(slot, Right::UPDATE, call)?;
        let Kind::Pair(_, algorithm) = file.kind else { return Err(words::KIND) };
        let Some((tag, value, [])) = apdu::object(call.data()) else { return Err(words::DATA) };
        let doubt = |status: u16| if call.said == Some(words::UNSUPPORTED) { words::UNSUPPORTED } else { status };
        let key = if tag == 0xE0 { import_ec(value, self.strict) } else { import_rsa(value) };
        let key = key.filter(|key| key.kind == kind(algorithm)).ok_or(words::DATA).map_err(doubt)?;
        if call.said == Some(words::DATA) && tag == 0x7F48 && !has_primes(value) {
            return Err(words::DATA);
        }
        self.keep(slot, key, call)?;
        Ok(Body::empty())
    }
}

const RSA_PARTS: [u32; 5] = [0x92, 0x93, 0x94, 0x95, 0x96];

fn import_rsa(data: &[u8]) -> Option<Key> {
    let [p, q, qinv, dp, dq] = apdu::find(data, RSA_PARTS)?;
    let (modulus, exponent) = signature::join(p?, q?, qinv?, dp?, dq?)?;
    (modulus[0] >= 0x80).then(|| Key { kind: KeyView::Rsa(modulus.len()), public: Some(modulus.into()), exponent })
}

/// Whether the primes of an import are some.
fn has_primes(data: &[u8]) -> bool {
    match apdu::find(data, RSA_PARTS) {
        Some([Some(p), Some(q), ..]) => signature::is_prime(p) && signature::is_prime(q),
        _ => false,
    }
}

fn import_ec(data: &[u8], strict: bool) -> Option<Key> {
    let [p, a, b, g, n, cofactor, scalar] = apdu::find(data, [0x81, 0x82, 0x83, 0x84, 0x85, 0x87, 0x88])?;
    cofactor?;
    let curve = Curve::recognise([p?, a?, b?, g?, n?])?;
    let scalar = curve.scalar(scalar?)?;
    let public = if strict { curve.point(&scalar).map(Into::into) } else { None };
    Some(Key { kind: KeyView::Ec(curve.field()), public, exponent: 0 })
}
