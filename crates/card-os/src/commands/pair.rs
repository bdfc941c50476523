//! Key pairs on their way into a slot, generated or imported; what of them is shown. Knows no environment and no file.

use alloc::vec::Vec;

use card_wire::Status;
use card_wire::tlv::{self, Tag};
use zeroize::Zeroizing;

use super::Context;
use crate::crypto::ec::{Curve, Domain, EcKey};
use crate::crypto::rsa::{self, CrtParts, CryptoError, Rsa, RsaPrivateKey};
use crate::keys::{self, Error, KeyKind};
use crate::platform::{Event, Events as _, Platform};
use crate::reply::Reply;

/// A key pair that is not yet stored.
pub(super) enum Pair {
    Rsa(RsaPrivateKey),
    Ec(Curve, EcKey),
}

impl Pair {
    /// A new one.
    pub(super) fn generate<P: Platform>(context: &mut Context<'_, P>, kind: KeyKind) -> Result<Self, Status> {
        match kind {
            KeyKind::Rsa(len) => {
                context.rsa.generate(8 * len, context.rng).map(Self::Rsa).map_err(|error| Error::from(error).into())
            }
            KeyKind::Ec(curve) => Ok(Self::Ec(curve, curve.generate(context.rng))),
        }
    }

    pub(super) const fn kind(&self) -> KeyKind {
        match self {
            Self::Rsa(key) => KeyKind::Rsa(key.n.len()),
            Self::Ec(curve, _) => KeyKind::Ec(*curve),
        }
    }

    /// Puts it into a slot, in place of what that held.
    pub(super) fn store<P: Platform>(&self, context: &mut Context<'_, P>, slot: u8) -> Result<(), Status> {
        match self {
            Self::Rsa(key) => keys::store_rsa(context.store, slot, key)?,
            Self::Ec(curve, key) => keys::store_ec(context.store, slot, *curve, key)?,
        }
        context.keys.forget(slot);
        context.events.event(Event::KeyStored { slot });
        Ok(())
    }
}

/// Curve parameters in the dialect's tags.
pub(super) struct Parameters<'a> {
    pub(super) domain: Domain<'a>,
    pub(super) cofactor: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Reads 81 to 85 and the cofactor, 87.
    pub(super) fn parse(data: &'a [u8]) -> Option<Self> {
        let find = |tag| tlv::find(data, Tag(tag)).ok().flatten();
        let domain = Domain { p: find(0x81)?, a: find(0x82)?, b: find(0x83)?, g: find(0x84)?, n: find(0x85)? };
        Some(Self { domain, cofactor: find(0x87)? })
    }
}

/// An RSA key from 92 to 96, whose modulus has one of these lengths in bytes.
///
/// # Errors
/// [`CryptoError::Unsupported`] for another size, [`CryptoError::BadKey`] for what is malformed or makes no key.
pub(super) fn import_rsa(rsa: &mut impl Rsa, data: &[u8], lens: &[usize]) -> Result<Pair, CryptoError> {
    let find = |tag| tlv::find(data, Tag(tag)).ok().flatten().ok_or(CryptoError::BadKey);
    let parts = CrtParts { p: find(0x92)?, q: find(0x93)?, qinv: find(0x94)?, dp: find(0x95)?, dq: find(0x96)? };
    if !lens.contains(&(2 * trimmed(parts.p).len().max(trimmed(parts.q).len()))) {
        return Err(CryptoError::Unsupported);
    }
    let key = rsa::assemble(&parts)?;
    // Primes that are none pass every check of the parts; a key that cannot compute is refused now, not when it is used.
    let input = [alloc::vec![0; key.n.len() - 1], alloc::vec![2]].concat();
    let mut output = alloc::vec![0; key.n.len()];
    let prepared = rsa.prepare(&key)?;
    rsa.private(&prepared, &input, &mut output).map_err(|_| CryptoError::BadKey)?;
    Ok(Pair::Rsa(key))
}

/// A key of a curve from its parameters and 88, the private scalar.
///
/// # Errors
/// [`CryptoError::Unsupported`] for another curve, [`CryptoError::BadKey`] for what is malformed or out of range.
pub(super) fn import_ec(data: &[u8]) -> Result<Pair, CryptoError> {
    let parameters = Parameters::parse(data).ok_or(CryptoError::BadKey)?;
    let scalar = tlv::find(data, Tag(0x88)).ok().flatten().map(trimmed).ok_or(CryptoError::BadKey)?;
    let curve = Curve::recognise(&parameters.domain).ok_or(CryptoError::Unsupported)?;
    let len = curve.field_len();
    let fill = len.checked_sub(scalar.len()).ok_or(CryptoError::BadKey)?;
    let mut d = Zeroizing::new(alloc::vec![0; len]);
    d[fill..].copy_from_slice(scalar);
    curve.key(&d).map(|key| Pair::Ec(curve, key)).ok_or(CryptoError::BadKey)
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// A constructed object around primitive ones.
pub(super) fn push_template(reply: &mut Reply<'_>, tag: u32, objects: &[(u32, &[u8])]) {
    let mut inner = Vec::new();
    for (tag, value) in objects {
        // Lengths here are a few kilobytes at most, which three length bytes always hold.
        if let Some(header) = tlv::header(Tag(*tag), value.len()) {
            inner.extend_from_slice(header.as_bytes());
            inner.extend_from_slice(value);
        }
    }
    if let Some(header) = tlv::header(Tag(tag), inner.len()) {
        reply.push(header.as_bytes());
        reply.push(&inner);
    }
}
