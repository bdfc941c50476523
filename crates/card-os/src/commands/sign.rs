//! PERFORM SECURITY OPERATION (ISO/IEC 7816-8): compute digital signature and decipher.

use alloc::vec::Vec;

use card_wire::{Case, Command, Status};
use rand_core::Rng as _;
use sha1::Digest as _;
use zeroize::Zeroizing;

use super::{Context, key::algorithm};
use crate::crypto::ec::Curve;
use crate::crypto::padding;
use crate::keys::{self, KeyKind};
use crate::platform::{Event, Events as _, Platform};
use crate::reply::Reply;
use crate::session::{Environment, KeyUse, Purpose, Version};

/// The longest hash that names its own length, in bytes.
const MAX_HASH: usize = 64;

/// PSO; cases 3 and 4.
pub(super) fn perform<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    context.require_pin()?;
    let purpose = match command.p1p2() {
        0x9E9A => Purpose::Sign,
        0x8086 => Purpose::Decipher,
        _ => return Err(Status::WRONG_P1_P2),
    };
    if !matches!(command.case(), Case::Three | Case::Four) {
        return Err(Status::WRONG_LENGTH);
    }
    let environment = context
        .session()?
        .environment
        .filter(|environment| environment.purpose == purpose)
        .ok_or(Status::CONDITIONS)?;
    match (purpose, keys::kind(context.store, environment.slot)?) {
        (Purpose::Decipher, KeyKind::Rsa(len)) => decipher(context, command.data, environment.slot, len, reply)?,
        (Purpose::Sign, KeyKind::Rsa(len)) => {
            let used = KeyUse { algorithm: environment.algorithm, slot: environment.slot };
            sign_rsa(context, command.data, used, len, reply)?;
        }
        (Purpose::Sign, KeyKind::Ec(curve)) => sign_ec(context, command.data, environment, curve, reply)?,
        _ => return Err(Status::CONDITIONS),
    }
    context.events.event(Event::KeyUsed { slot: environment.slot });
    Ok(())
}

/// Signs a message as the algorithm wants it, with a key of `len` bytes.
pub(super) fn sign_rsa<P: Platform>(
    context: &mut Context<'_, P>,
    data: &[u8],
    used: KeyUse,
    len: usize,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let block = match used.algorithm {
        algorithm::RSA_PKCS1 => padding::pkcs1_sign(data, len),
        algorithm::RSA_PSS => {
            let mut salt = Zeroizing::new([0; MAX_HASH]);
            let salt = salt.get_mut(..data.len()).ok_or(Status::WRONG_LENGTH)?;
            context.rng.fill_bytes(salt);
            padding::pss(data, salt, 8 * len)
        }
        algorithm::RSA_RAW => (data.len() == len).then(|| data.to_vec()),
        // The slot was given another kind of key since MSE.
        _ => return Err(Status::CONDITIONS),
    };
    let block = block.ok_or(Status::WRONG_LENGTH)?;
    reply.fill(len, |out| Ok(keys::rsa_private(context.store, context.keys, context.rsa, used.slot, &block, out)?))
}

/// Version 0 hashes the message with SHA-1 on the card, version 1 gets the hash.
fn sign_ec<P: Platform>(
    context: &mut Context<'_, P>,
    data: &[u8],
    environment: Environment,
    curve: Curve,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if environment.algorithm != algorithm::ECDSA {
        return Err(Status::CONDITIONS);
    }
    match context.session()?.version {
        Version::V0 => ecdsa(context, &sha1::Sha1::digest(data), environment.slot, curve, reply),
        Version::V1 => ecdsa(context, data, environment.slot, curve, reply),
    }
}

/// Signs a hash.
pub(super) fn ecdsa<P: Platform>(
    context: &mut Context<'_, P>,
    hash: &[u8],
    slot: u8,
    curve: Curve,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let mut extra = Zeroizing::new([0; 32]);
    context.rng.fill_bytes(&mut extra[..]);
    let signature = keys::ec_sign(context.store, slot, curve, hash, &extra[..])?;
    reply.push(&signature);
    Ok(())
}

/// The answer is the message without its PKCS#1 v1.5 padding.
fn decipher<P: Platform>(
    context: &mut Context<'_, P>,
    data: &[u8],
    slot: u8,
    len: usize,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let block = deciphered(context, data, slot, len)?;
    let start = padding::pkcs1_message(&block).ok_or(Status::WRONG_DATA)?;
    reply.push(block.get(start..).unwrap_or_default());
    Ok(())
}

/// The block in a cryptogram of `len` bytes, in front of which the data field has 00.
pub(super) fn deciphered<P: Platform>(
    context: &mut Context<'_, P>,
    data: &[u8],
    slot: u8,
    len: usize,
) -> Result<Zeroizing<Vec<u8>>, Status> {
    let [0x00, cryptogram @ ..] = data else { return Err(Status::WRONG_DATA) };
    if cryptogram.len() != len {
        return Err(Status::WRONG_LENGTH);
    }
    let mut block = Zeroizing::new(alloc::vec![0; len]);
    keys::rsa_private(context.store, context.keys, context.rsa, slot, cryptogram, &mut block)?;
    Ok(block)
}
