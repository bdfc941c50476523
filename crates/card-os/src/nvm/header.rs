//! The header: what makes a memory a card.
//!
//! Magic (8), format version (2), memory length (4), spare pages (2), length of the configuration (2), the
//! configuration, zeros, CRC-32 (4); 512 bytes in all.

use alloc::vec::Vec;

use super::{Error, Nvm, page};
use crate::card::OpenError;

const LEN: usize = 512;
const MAGIC: [u8; 8] = *b"CARDLAB\0";
/// Version of the memory format that is written. Every released version loads for ever. Version 1 differs in its
/// configuration, which is shorter, and has no objects but files of the dialect, PINs and keys.
const VERSION: u16 = 2;
const FIXED: usize = 18;
const BODY: usize = LEN - 4;
/// The longest configuration, in bytes.
pub(crate) const MAX_CONFIG: usize = BODY - FIXED;

/// What the header says.
pub(crate) struct Header {
    /// Pages that only updates of existing content may use.
    pub(crate) spare: u16,
    /// The preset, encoded by the layer above.
    pub(crate) config: Vec<u8>,
}

/// Makes the memory a card. The caller has written everything else before.
pub(crate) fn write<N: Nvm>(nvm: &mut N, header: &Header) -> Result<(), Error> {
    let mut bytes = [0; LEN];
    let config_len = u16::try_from(header.config.len()).map_err(|_| Error::Full)?;
    if header.config.len() > MAX_CONFIG {
        return Err(Error::Full);
    }
    let len = u32::try_from(nvm.len()).map_err(|_| Error::Full)?;
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_be_bytes());
    bytes[10..14].copy_from_slice(&len.to_be_bytes());
    bytes[14..16].copy_from_slice(&header.spare.to_be_bytes());
    bytes[16..18].copy_from_slice(&config_len.to_be_bytes());
    bytes[FIXED..FIXED + header.config.len()].copy_from_slice(&header.config);
    let sum = page::checksum(0, &bytes[..BODY]);
    bytes[BODY..].copy_from_slice(&sum);
    nvm.write(0, &bytes)?;
    Ok(nvm.sync()?)
}

/// Makes the memory no card, before it is written anew.
pub(crate) fn erase<N: Nvm>(nvm: &mut N) -> Result<(), Error> {
    Ok(nvm.write(0, &[0; LEN])?)
}

/// Reads and checks the header.
pub(crate) fn read<N: Nvm>(nvm: &mut N) -> Result<Header, OpenError> {
    let mut bytes = [0; LEN];
    if nvm.len() < LEN {
        return Err(OpenError::NotACard);
    }
    nvm.read(0, &mut bytes).map_err(OpenError::Medium)?;
    if bytes[..8] != MAGIC {
        return Err(OpenError::NotACard);
    }
    if bytes[BODY..] != page::checksum(0, &bytes[..BODY]) {
        return Err(OpenError::Damaged("the header's checksum does not match"));
    }
    let get16 = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    if !matches!(get16(8), 1..=VERSION) {
        return Err(OpenError::Version(get16(8)));
    }
    let len = u32::from_be_bytes([bytes[10], bytes[11], bytes[12], bytes[13]]);
    if usize::try_from(len) != Ok(nvm.len()) {
        return Err(OpenError::Damaged("the memory is not as long as its header says"));
    }
    let config = bytes[FIXED..BODY]
        .get(..usize::from(get16(16)))
        .ok_or(OpenError::Damaged("the header's lengths contradict each other"))?;
    Ok(Header { spare: get16(14), config: config.to_vec() })
}
