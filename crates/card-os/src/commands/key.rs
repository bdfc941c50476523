//! MANAGE SECURITY ENVIRONMENT, GENERATE ASYMMETRIC KEY PAIR and key import by PUT DATA, in the forms of the dialect.

use card_wire::tlv::{self, Tag};
use card_wire::{Case, Command, Status};

use super::pair::{self, Pair, Parameters, push_template};
use super::{Context, expect_case};
use crate::crypto::ec::{Curve, Domain};
use crate::keys::{self, Error, KeyKind};
use crate::platform::Platform;
use crate::preset::Dialect;
use crate::reply::Reply;
use crate::session::{Environment, Purpose};

/// Algorithm references of tag 80.
pub(super) mod algorithm {
    /// RSA signature or decipherment, PKCS#1 v1.5.
    pub(in super::super) const RSA_PKCS1: u8 = 0x11;
    /// RSA-PSS; version 1 only.
    pub(in super::super) const RSA_PSS: u8 = 0x12;
    /// RSA decipherment, OAEP with SHA-1; the ISO file system only.
    pub(in super::super) const RSA_OAEP_SHA1: u8 = 0x13;
    /// The same with SHA-256.
    pub(in super::super) const RSA_OAEP_SHA256: u8 = 0x14;
    /// The bare RSA operation; the ISO file system only.
    pub(in super::super) const RSA_RAW: u8 = 0x10;
    /// ECDSA.
    pub(in super::super) const ECDSA: u8 = 0x21;
    /// An EC key pair.
    pub(in super::super) const EC: u8 = 0xEC;
    /// An RSA-2048 key pair.
    pub(in super::super) const RSA_2048: u8 = 0xF3;
    /// An RSA-4096 key pair; version 1 only.
    pub(in super::super) const RSA_4096: u8 = 0xF5;
}

/// Modulus lengths of the RSA keys that can be imported, in bytes.
const RSA_LENS: [usize; 2] = [256, 512];

/// MSE SET; case 3. The environment lives until the next one, a SELECT of the application, or a reset.
pub(super) fn manage_environment<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
) -> Result<(), Status> {
    context.require_pin()?;
    let purpose = match (command.p1, command.p2) {
        (0x41, 0x00) => Purpose::Store,
        (0x41, 0xB6) => Purpose::Sign,
        (0x41, 0xB8) => Purpose::Decipher,
        _ => return Err(Status::FUNCTION_NOT_SUPPORTED),
    };
    expect_case(command, Case::Three)?;
    let rules = context.session()?.rules;
    let byte = |tag| match tlv::find(command.data, Tag(tag)) {
        Ok(Some([byte])) => Ok(*byte),
        _ => Err(rules.bad_tlv),
    };
    let (algorithm, slot) = (byte(0x80)?, byte(0x84)?);
    if slot >= context.preset.key_slots {
        return Err(rules.bad_tlv);
    }
    if !is_offered(context.preset.dialect, purpose, algorithm) {
        return Err(Status::FUNCTION_NOT_SUPPORTED);
    }
    if purpose != Purpose::Store {
        let kind = keys::kind(context.store, slot)?;
        if matches!(kind, KeyKind::Ec(_)) != (algorithm == algorithm::ECDSA) {
            return Err(rules.bad_tlv);
        }
    }
    context.session()?.environment = Some(Environment { purpose, algorithm, slot });
    Ok(())
}

/// Whether the algorithm exists and fits the purpose. A card that learns its version from the host offers both.
const fn is_offered(dialect: Dialect, purpose: Purpose, algorithm: u8) -> bool {
    let version_1 = !matches!(dialect, Dialect::V0);
    match (purpose, algorithm) {
        (Purpose::Store, algorithm::RSA_2048 | algorithm::EC)
        | (Purpose::Sign, algorithm::RSA_PKCS1 | algorithm::ECDSA)
        | (Purpose::Decipher, algorithm::RSA_PKCS1) => true,
        (Purpose::Store, algorithm::RSA_4096) | (Purpose::Sign, algorithm::RSA_PSS) => version_1,
        _ => false,
    }
}

/// GENERATE ASYMMETRIC KEY PAIR; cases 1 and 2 for RSA, 3 and 4 for a curve.
pub(super) fn generate<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    context.require_pin()?;
    if !matches!(command.p1p2(), 0x4200 | 0x0000) {
        return Err(Status::WRONG_P1_P2);
    }
    let environment = store_environment(context)?;
    match (environment.algorithm, command.p1p2()) {
        (algorithm::EC, 0x0000) => generate_ec(context, command.data, environment.slot, reply),
        (algorithm::RSA_2048, 0x4200) => generate_rsa(context, command, 2048, environment.slot, reply),
        (algorithm::RSA_4096, 0x4200) => generate_rsa(context, command, 4096, environment.slot, reply),
        _ => Err(Status::WRONG_P1_P2),
    }
}

fn store_environment<P: Platform>(context: &mut Context<'_, P>) -> Result<Environment, Status> {
    context.session()?.environment.filter(|environment| environment.purpose == Purpose::Store).ok_or(Status::CONDITIONS)
}

fn generate_rsa<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    bits: usize,
    slot: u8,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if !command.data.is_empty() {
        return Err(Status::WRONG_LENGTH);
    }
    let pair = Pair::generate(context, KeyKind::Rsa(bits / 8))?;
    pair.store(context, slot)?;
    if let Pair::Rsa(key) = &pair {
        push_template(reply, 0x7F49, &[(0x81, &key.n), (0x82, &[0x01, 0x00, 0x01])]);
    }
    Ok(())
}

/// The answer repeats the parameters as they were sent and adds the public point.
fn generate_ec<P: Platform>(
    context: &mut Context<'_, P>,
    data: &[u8],
    slot: u8,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let parameters = Parameters::parse(data).ok_or(Status::REFERENCE_DATA_UNUSABLE)?;
    let curve = Curve::recognise(&parameters.domain).ok_or(Status::FUNCTION_NOT_SUPPORTED)?;
    let pair = Pair::generate(context, KeyKind::Ec(curve))?;
    pair.store(context, slot)?;
    let Domain { p, a, b, g, n } = parameters.domain;
    if let Pair::Ec(_, key) = &pair {
        push_template(
            reply,
            0x7F49,
            &[(0x81, p), (0x82, a), (0x83, b), (0x84, g), (0x85, n), (0x86, &key.q), (0x87, parameters.cofactor)],
        );
    }
    Ok(())
}

/// Key import: PUT DATA 3FFF; case 3. 6900 where the preset does not allow it.
pub(super) fn import<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    context.require_pin()?;
    if command.p1p2() != 0x3FFF {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Three)?;
    if !context.preset.key_import {
        return Err(Status::NOT_ALLOWED);
    }
    let environment = store_environment(context)?;
    let mut objects = tlv::Reader::new(command.data);
    let outer = objects.next().ok_or(Status::WRONG_LENGTH)?.map_err(|_| Status::REFERENCE_DATA_UNUSABLE)?;
    let rsa = environment.algorithm != algorithm::EC;
    if outer.tag != Tag(if rsa { 0x7F48 } else { 0xE0 }) {
        return Err(Status::WRONG_DATA);
    }
    if objects.next().is_some() {
        return Err(Status::REFERENCE_DATA_UNUSABLE);
    }
    // The size of an RSA key comes from the data: OpenSC announces RSA-2048 for each.
    let pair = if rsa { pair::import_rsa(context.rsa, outer.value, &RSA_LENS) } else { pair::import_ec(outer.value) };
    pair.map_err(Error::from)?.store(context, environment.slot)
}
