//! GENERATE ASYMMETRIC KEY PAIR, and key import by PUT DATA: into the slot that the environment names and a key file
//! declares.

use card_wire::tlv::{self, Tag};
use card_wire::{Command, Status};

use crate::commands::Context;
use crate::commands::pair::{self, Pair, push_template};
use crate::crypto::ec::Curve;
use crate::crypto::rsa::CryptoError;
use crate::fs::attributes::Attributes;
use crate::fs::internal;
use crate::fs::rule::Act;
use crate::keys::{self, Error, KeyKind, Public};
use crate::nvm::index::Entry;
use crate::platform::Platform;
use crate::reference::kind;
use crate::reply::Reply;

/// Outer tag of an RSA key that is imported.
const RSA_IMPORT: Tag = Tag(0x7F48);
/// Outer tag of a key of a curve.
const EC_IMPORT: Tag = Tag(0xE0);

/// Modulus lengths of the RSA keys that can be imported, in bytes.
const RSA_LENS: [usize; 3] = [256, 384, 512];

/// The key file of a slot, and the kind of key that it is for.
///
/// # Errors
/// 6A88.
pub(super) fn file_of<P: Platform>(context: &Context<'_, P>, slot: u8) -> Result<(Entry, KeyKind), Status> {
    let file = internal::of_slot(context.store.index(), slot).ok_or(Status::REFERENCE_NOT_FOUND)?;
    let kind = match Attributes(file.attributes).coding() {
        kind::RSA_2048 => KeyKind::Rsa(256),
        kind::RSA_3072 => KeyKind::Rsa(384),
        kind::RSA_4096 => KeyKind::Rsa(512),
        kind::P256 => KeyKind::Ec(Curve::P256),
        kind::P384 => KeyKind::Ec(Curve::P384),
        _ => return Err(Status::MEMORY_FAILURE),
    };
    Ok((*file, kind))
}

/// The same, where the file can be used and its rules allow what is to be done.
pub(super) fn usable_file<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    slot: u8,
    act: Act,
) -> Result<KeyKind, Status> {
    let (file, kind) = file_of(context, slot)?;
    context.expect_usable(&file)?;
    context.expect_access(command, &file, act)?;
    Ok(kind)
}

/// The slot of the environment.
///
/// # Errors
/// 6985.
fn slot<P: Platform>(context: &Context<'_, P>) -> Result<u8, Status> {
    context.expect_in_use()?;
    context.iso().environment.slot.ok_or(Status::CONDITIONS)
}

/// GENERATE ASYMMETRIC KEY PAIR; cases 1 and 2. P1 81 answers with the public key that is there.
pub(super) fn generate<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let act = match command.p1p2() {
        0x0000 | 0x8000 => Act::Update,
        0x8100 => Act::Read,
        _ => return Err(Status::WRONG_P1_P2),
    };
    if !command.data.is_empty() {
        return Err(Status::WRONG_LENGTH);
    }
    let slot = slot(context)?;
    let kind = usable_file(context, command, slot, act)?;
    if act == Act::Update {
        Pair::generate(context, kind)?.store(context, slot)?;
    }
    match keys::public(context.store, slot)? {
        Public::Rsa { n, e } => push_template(reply, 0x7F49, &[(0x81, &n), (0x82, &e)]),
        Public::Ec(point) => push_template(reply, 0x7F49, &[(0x86, &point)]),
    }
    Ok(())
}

/// Whether the data field of PUT DATA is a key.
pub(super) fn is_import(data: &[u8]) -> bool {
    tlv::split_tag(data).is_ok_and(|(tag, _)| matches!(tag, RSA_IMPORT | EC_IMPORT))
}

/// Key import. 6900 where the preset does not allow it, 6A81 for sizes and curves that no key file is for.
pub(super) fn import<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    if !context.preset.key_import {
        return Err(Status::NOT_ALLOWED);
    }
    let slot = slot(context)?;
    let kind = usable_file(context, command, slot, Act::Update)?;
    let mut objects = tlv::Reader::new(command.data);
    let (Some(Ok(object)), None) = (objects.next(), objects.next()) else { return Err(Status::WRONG_DATA) };
    let pair = if object.tag == RSA_IMPORT {
        pair::import_rsa(context.rsa, object.value, &RSA_LENS)
    } else {
        pair::import_ec(object.value)
    };
    let pair = pair.map_err(|error| match error {
        CryptoError::BadKey | CryptoError::BadInput => Status::WRONG_DATA,
        CryptoError::Unsupported | CryptoError::Failed => Error::from(error).into(),
    })?;
    if pair.kind() == kind { pair.store(context, slot) } else { Err(Status::WRONG_DATA) }
}
