//! PERFORM SECURITY OPERATION (ISO/IEC 7816-8): compute digital signature, decipher, and hash.

use alloc::boxed::Box;
use alloc::vec::Vec;

use card_wire::{Case, Command, Status};
use zeroize::Zeroizing;

use super::key;
use crate::commands::Context;
use crate::commands::key::algorithm;
use crate::commands::sign::{deciphered, ecdsa, sign_rsa};
use crate::crypto::hash::Hash;
use crate::crypto::padding;
use crate::fs::rule::Act;
use crate::keys::{self, KeyKind};
use crate::platform::{Event, Events as _, Platform};
use crate::reply::Reply;
use crate::session::KeyUse;

/// PSO.
pub(super) fn perform<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    match command.p1p2() {
        0x9E9A => {
            let used = context.iso().environment.signature;
            sign(context, command, used, reply)
        }
        0x8086 => decipher(context, command, reply),
        0x9080 => hash(context, command, reply),
        _ => Err(Status::WRONG_P1_P2),
    }
}

/// The key of a template, where the command may use it.
fn usable_key<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    used: Option<KeyUse>,
) -> Result<(KeyUse, KeyKind), Status> {
    context.expect_in_use()?;
    let used = used.ok_or(Status::CONDITIONS)?;
    key::usable_file(context, command, used.slot, Act::Use)?;
    Ok((used, keys::kind(context.store, used.slot)?))
}

/// Signs the data field or, without one, the hash that PSO HASH left, which is used up.
pub(super) fn sign<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    used: Option<KeyUse>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let (used, kind) = usable_key(context, command, used)?;
    let own = command.data.is_empty();
    let hashed = if own { hashed(context, used.algorithm)? } else { Vec::new() };
    let message = if own { &hashed[..] } else { command.data };
    match kind {
        KeyKind::Rsa(len) => sign_rsa(context, message, used, len, reply)?,
        KeyKind::Ec(curve) if used.algorithm == algorithm::ECDSA => ecdsa(context, message, used.slot, curve, reply)?,
        // The slot has another kind of key since MSE.
        KeyKind::Ec(_) => return Err(Status::CONDITIONS),
    }
    if own {
        context.iso_mut().hash = None;
    }
    context.events.event(Event::KeyUsed { slot: used.slot });
    Ok(())
}

/// The hash that PSO HASH left, as the algorithm signs it.
fn hashed<P: Platform>(context: &Context<'_, P>, algorithm: u8) -> Result<Vec<u8>, Status> {
    let (function, padded) = context.iso().hash.as_deref().ok_or(Status::CONDITIONS)?;
    let value = padded.get(..function.len()).unwrap_or_default();
    Ok(if algorithm == algorithm::RSA_PKCS1 { function.digest_info(value) } else { value.to_vec() })
}

/// Hashes the data field, which may be empty, by the function that the environment names.
fn hash<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>, reply: &mut Reply<'_>) -> Result<(), Status> {
    context.expect_in_use()?;
    let function = context.iso().environment.hash.and_then(Hash::by_reference).unwrap_or(Hash::Sha256);
    let value = function.digest(command.data);
    context.iso_mut().hash = Some(Box::new((function, value)));
    reply.push(value.get(..function.len()).unwrap_or_default());
    Ok(())
}

/// The data field is 00 and the cryptogram; the answer is the message without its padding.
fn decipher<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if !matches!(command.case(), Case::Three | Case::Four) {
        return Err(Status::WRONG_LENGTH);
    }
    let used = context.iso().environment.confidentiality;
    let (used, kind) = usable_key(context, command, used)?;
    let KeyKind::Rsa(len) = kind else { return Err(Status::CONDITIONS) };
    let block = deciphered(context, command.data, used.slot, len)?;
    let message = match used.algorithm {
        algorithm::RSA_PKCS1 => padding::pkcs1_message(&block)
            .and_then(|start| block.get(start..))
            .map(|message| Zeroizing::new(message.to_vec())),
        algorithm::RSA_OAEP_SHA1 => padding::oaep_message::<sha1::Sha1>(&block),
        algorithm::RSA_OAEP_SHA256 => padding::oaep_message::<sha2::Sha256>(&block),
        algorithm::RSA_RAW => Some(block),
        _ => return Err(Status::CONDITIONS),
    };
    reply.push(&message.ok_or(Status::WRONG_DATA)?);
    context.events.event(Event::KeyUsed { slot: used.slot });
    Ok(())
}
