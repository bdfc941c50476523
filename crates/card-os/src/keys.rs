//! Key slots: storing keys as objects, and the cache of prepared RSA keys. Knows no APDU.
//!
//! Private bytes leave the memory only towards the RSA provider and the curves.

use alloc::sync::Arc;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::crypto::ec::{Curve, EcKey};
use crate::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey};
use crate::nvm::object::{KEYS, Kind, Object};
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};

/// What kind of key a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// RSA with a modulus of so many bytes.
    Rsa(usize),
    /// A curve.
    Ec(Curve),
}

const RSA: u8 = 1;
const P256: u8 = 2;
const P384: u8 = 3;

/// Why a key cannot be used or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The slot is empty.
    Empty,
    /// The provider refused.
    Crypto(CryptoError),
    /// The memory failed or is full.
    Memory(nvm::Error),
}

impl From<nvm::Error> for Error {
    fn from(error: nvm::Error) -> Self {
        Self::Memory(error)
    }
}

impl From<CryptoError> for Error {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}

impl From<Error> for card_wire::Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Empty => Self::REFERENCE_NOT_FOUND,
            Error::Crypto(CryptoError::Unsupported) => Self::FUNCTION_NOT_SUPPORTED,
            Error::Crypto(CryptoError::BadKey) => Self::REFERENCE_DATA_UNUSABLE,
            Error::Crypto(CryptoError::BadInput) => Self::WRONG_DATA,
            Error::Crypto(CryptoError::Failed) => Self::NO_DIAGNOSIS,
            Error::Memory(error) => error.into(),
        }
    }
}

/// Prepared RSA keys by slot, each with the generation of the key that it was made from. Forks share them.
pub(crate) struct KeyCache<K>(Vec<(u8, u32, Arc<K>)>);

impl<K> Clone for KeyCache<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Default for KeyCache<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K> KeyCache<K> {
    /// Drops the prepared keys that no slot holds any more.
    pub(crate) fn keep_held<N: Nvm>(&mut self, store: &Store<N>) {
        let held = |slot: u8| store.index().child(KEYS, u16::from(slot)).map(|entry| entry.generation);
        self.0.retain(|(slot, generation, _)| held(*slot) == Some(*generation));
    }

    /// Drops the prepared key of a slot, because the slot holds another key now.
    pub(crate) fn forget(&mut self, slot: u8) {
        self.0.retain(|(cached, ..)| *cached != slot);
    }
}

/// What the slot holds.
pub(crate) fn kind<N: Nvm>(store: &Store<N>, slot: u8) -> Result<KeyKind, Error> {
    let entry = store.index().child(KEYS, u16::from(slot)).ok_or(Error::Empty)?;
    match entry.descriptor {
        RSA => rsa_len(usize::from(entry.len)).map(KeyKind::Rsa).ok_or(Error::Memory(nvm::Error::Damaged)),
        P256 => Ok(KeyKind::Ec(Curve::P256)),
        P384 => Ok(KeyKind::Ec(Curve::P384)),
        _ => Err(Error::Memory(nvm::Error::Damaged)),
    }
}

/// Modulus length of a stored RSA key, in bytes.
fn rsa_len(stored: usize) -> Option<usize> {
    [256, 384, 512].into_iter().find(|len| RsaPrivateKey::stored_len(*len) == stored)
}

/// Puts an RSA key into a slot, in place of what it held.
pub(crate) fn store_rsa<N: Nvm>(store: &mut Store<N>, slot: u8, key: &RsaPrivateKey) -> Result<(), Error> {
    let stored = key.to_stored().ok_or(CryptoError::BadKey)?;
    put(store, slot, RSA, &stored)
}

/// Puts an EC key into a slot, in place of what it held.
pub(crate) fn store_ec<N: Nvm>(store: &mut Store<N>, slot: u8, curve: Curve, key: &EcKey) -> Result<(), Error> {
    // With room for both: a vector that grows leaves its old bytes behind.
    let mut stored = Zeroizing::new(Vec::with_capacity(key.d.len() + key.q.len()));
    stored.extend_from_slice(&key.d);
    stored.extend_from_slice(&key.q);
    put(store, slot, if curve == Curve::P256 { P256 } else { P384 }, &stored)
}

fn put<N: Nvm>(store: &mut Store<N>, slot: u8, descriptor: u8, stored: &[u8]) -> Result<(), Error> {
    let len = u16::try_from(stored.len()).map_err(|_| nvm::Error::Full)?;
    let held = store.index().child(KEYS, u16::from(slot)).map(|entry| entry.page);
    let mut object = Object::new(Kind::Key, KEYS, u16::from(slot), &[0; FILL], len);
    object.set_descriptor(descriptor);
    let mut change = store.begin()?;
    change.write_content(&mut object, 0, stored)?;
    match held {
        Some(page) => change.replace(page, object)?,
        None => change.insert(object).map(|_| ())?,
    }
    Ok(change.commit()?)
}

/// So much control information leaves no room for a private key inside the object page itself: those pages pass
/// through the journal, which is not wiped when a key goes.
const FILL: usize = 80;

fn stored<N: Nvm>(store: &mut Store<N>, slot: u8) -> Result<(u32, Zeroizing<Vec<u8>>), Error> {
    let entry = *store.index().child(KEYS, u16::from(slot)).ok_or(Error::Empty)?;
    let object = store.object(entry.page)?;
    let mut bytes = Zeroizing::new(alloc::vec![0; object.len()]);
    store.read_content(&object, 0, &mut bytes)?;
    Ok((entry.generation, bytes))
}

/// The public half of a key.
pub(crate) enum Public {
    /// Modulus and exponent, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// The point, uncompressed.
    Ec(Vec<u8>),
}

/// The public half of the key in a slot. Nothing private is read.
pub(crate) fn public<N: Nvm>(store: &mut Store<N>, slot: u8) -> Result<Public, Error> {
    let kind = kind(store, slot)?;
    let page = store.index().child(KEYS, u16::from(slot)).ok_or(Error::Empty)?.page;
    let object = store.object(page)?;
    let mut part = |at: usize, len: usize| {
        let mut bytes = alloc::vec![0; len];
        store.read_content(&object, at, &mut bytes).map(|()| bytes)
    };
    match kind {
        KeyKind::Rsa(len) => {
            let mut e = part(0, RsaPrivateKey::E_LEN)?;
            let zeros = e.iter().take_while(|byte| **byte == 0).count();
            e.drain(..zeros);
            Ok(Public::Rsa { n: part(RsaPrivateKey::E_LEN, len)?, e })
        }
        KeyKind::Ec(curve) => Ok(Public::Ec(part(curve.field_len(), 1 + 2 * curve.field_len())?)),
    }
}

/// The RSA private operation with the key of a slot. `input` and `output` are as long as the modulus.
pub(crate) fn rsa_private<N: Nvm, R: Rsa>(
    store: &mut Store<N>,
    cache: &mut KeyCache<R::Prepared>,
    rsa: &mut R,
    slot: u8,
    input: &[u8],
    output: &mut [u8],
) -> Result<(), Error> {
    let generation = store.index().child(KEYS, u16::from(slot)).ok_or(Error::Empty)?.generation;
    cache.0.retain(|(cached, of, _)| *cached != slot || *of == generation);
    let at = match cache.0.iter().position(|(cached, ..)| *cached == slot) {
        Some(at) => at,
        None => {
            let (generation, bytes) = stored(store, slot)?;
            let len = rsa_len(bytes.len()).ok_or(nvm::Error::Damaged)?;
            let key = RsaPrivateKey::from_stored(&bytes, len).ok_or(nvm::Error::Damaged)?;
            cache.0.push((slot, generation, Arc::new(rsa.prepare(&key)?)));
            cache.0.len() - 1
        }
    };
    let (.., prepared) = cache.0.get(at).ok_or(nvm::Error::Damaged)?;
    Ok(rsa.private(prepared, input, output)?)
}

/// Signs a hash with the EC key of a slot.
pub(crate) fn ec_sign<N: Nvm>(
    store: &mut Store<N>,
    slot: u8,
    curve: Curve,
    hash: &[u8],
    extra: &[u8],
) -> Result<Vec<u8>, Error> {
    let (_, bytes) = stored(store, slot)?;
    let d = bytes.get(..curve.field_len()).ok_or(nvm::Error::Damaged)?;
    Ok(curve.sign(d, hash, extra).ok_or(CryptoError::Failed)?)
}
