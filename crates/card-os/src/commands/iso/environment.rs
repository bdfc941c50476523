//! MANAGE SECURITY ENVIRONMENT: control reference templates, and where whole environments are kept.

use card_wire::{Case, Command, Status};

use card_wire::tlv;

use super::{key, status};
use crate::commands::key::algorithm;
use crate::commands::{Context, expect_case};
use crate::crypto::hash::Hash;
use crate::fs::rule::Act;
use crate::fs::{self, environment};
use crate::keys::KeyKind;
use crate::platform::Platform;
use crate::session::{IsoEnvironment, KeyUse};

/// The control reference template that P2 of SET names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Template {
    Authentication,
    Hash,
    Signature,
    Confidentiality,
}

impl TryFrom<u8> for Template {
    type Error = Status;

    fn try_from(p2: u8) -> Result<Self, Status> {
        match p2 {
            0xA4 => Ok(Self::Authentication),
            0xAA => Ok(Self::Hash),
            0xB6 => Ok(Self::Signature),
            0xB8 => Ok(Self::Confidentiality),
            // Key agreement and cryptographic checksum.
            0xA6 | 0xB4 => Err(Status::FUNCTION_NOT_SUPPORTED),
            _ => Err(Status::WRONG_P1_P2),
        }
    }
}

impl Template {
    /// Whether the algorithm is one of this template; then, whether it is one of curves.
    const fn algorithm(self, reference: u8, raw: bool) -> Option<bool> {
        match (self, reference) {
            (Self::Authentication | Self::Signature, algorithm::ECDSA) => Some(true),
            (Self::Authentication | Self::Signature | Self::Confidentiality, algorithm::RSA_PKCS1)
            | (Self::Signature, algorithm::RSA_PSS)
            | (Self::Confidentiality, algorithm::RSA_OAEP_SHA1 | algorithm::RSA_OAEP_SHA256) => Some(false),
            (Self::Signature | Self::Confidentiality, algorithm::RSA_RAW) if raw => Some(false),
            _ => None,
        }
    }
}

/// MSE: SET is case 3, the others case 1.
pub(super) fn manage<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    match command.p1 {
        0x41 | 0x81 | 0xC1 => set(context, command),
        0xF2 => store(context, command),
        0xF3 => restore(context, command),
        0xF4 => erase(context, command),
        _ => Err(Status::WRONG_P1_P2),
    }
}

fn set<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let template = Template::try_from(command.p2)?;
    expect_case(command, Case::Three)?;
    context.expect_in_use()?;
    let (mut algorithm, mut slot) = (None, None);
    for object in tlv::Reader::new(command.data) {
        let object = object.map_err(|_| Status::WRONG_DATA)?;
        match (object.tag.0, object.value) {
            (0x80, [byte]) => algorithm = algorithm.or(Some(*byte)),
            (0x84, [byte @ 0..=15]) if template != Template::Hash => slot = slot.or(Some(*byte)),
            (0x81..=0x83, _) => (),
            _ => return Err(Status::WRONG_DATA),
        }
    }
    let algorithm = algorithm.ok_or(Status::WRONG_DATA)?;
    if template == Template::Hash {
        Hash::by_reference(algorithm).ok_or(Status::FUNCTION_NOT_SUPPORTED)?;
        context.iso_mut().environment.hash = Some(algorithm);
        return Ok(());
    }
    let used = KeyUse { algorithm, slot: slot.ok_or(Status::WRONG_DATA)? };
    expect_fit(context, template, used)?;
    let environment = &mut context.iso_mut().environment;
    environment.slot = Some(used.slot);
    match template {
        Template::Authentication => environment.authentication = Some(used),
        Template::Signature => environment.signature = Some(used),
        Template::Confidentiality | Template::Hash => environment.confidentiality = Some(used),
    }
    Ok(())
}

/// The algorithm is one of the template, and of the kind of the slot's key file.
fn expect_fit<P: Platform>(context: &Context<'_, P>, template: Template, used: KeyUse) -> Result<(), Status> {
    let raw = context.preset.features.raw_rsa;
    let curve = template.algorithm(used.algorithm, raw).ok_or(Status::FUNCTION_NOT_SUPPORTED)?;
    let (_, kind) = key::file_of(context, used.slot)?;
    if curve == matches!(kind, KeyKind::Ec(_)) { Ok(()) } else { Err(Status::FUNCTION_NOT_SUPPORTED) }
}

/// P2 as the number of a kept environment; case 1.
fn number(command: &Command<'_>, least: u8) -> Result<u8, Status> {
    if !(least..=14).contains(&command.p2) {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::One)?;
    Ok(command.p2)
}

/// The status word where an environment is missing.
fn missing(error: fs::Error) -> Status {
    if error == fs::Error::NotFound { Status::REFERENCE_NOT_FOUND } else { status(error) }
}

/// STORE: the environment stays in the current DF.
fn store<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let number = number(command, 1)?;
    let df = context.current_df()?;
    context.expect_usable(&df)?;
    context.expect_access(command, &df, Act::CreateEf)?;
    let current = context.iso().environment;
    environment::put(context.store, &df, number, &current).map_err(status)
}

/// RESTORE: from the current DF, else from the master file; number 0 is the empty environment.
fn restore<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let number = number(command, 0)?;
    context.expect_in_use()?;
    if number == 0 {
        context.iso_mut().environment = IsoEnvironment::default();
        return Ok(());
    }
    let df = context.current_df()?;
    context.expect_usable(&df)?;
    let mf = *fs::mf(context.store.index()).map_err(status)?;
    let kept = match environment::value(context.store, &df, number) {
        Err(fs::Error::NotFound) => environment::value(context.store, &mf, number),
        kept => kept,
    };
    context.iso_mut().environment = kept.map_err(missing)?;
    Ok(())
}

/// ERASE: from the current DF alone.
fn erase<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let number = number(command, 1)?;
    let df = context.current_df()?;
    context.expect_usable(&df)?;
    context.expect_access(command, &df, Act::CreateEf)?;
    environment::erase(context.store, &df, number).map_err(missing)
}
