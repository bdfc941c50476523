//! Pages: 124 bytes of payload and their checksum.

use crc::{CRC_32_ISO_HDLC, Crc, Table};

use super::{Error, Nvm};

/// Bytes of a page, checksum included.
pub(crate) const PAGE: usize = 128;
/// Bytes of a page that carry content.
pub(crate) const PAYLOAD: usize = PAGE - 4;
/// Address of page 0.
pub(crate) const FIRST: usize = 1536;

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// What the CRC gives over bytes that end in their own checksum, least significant byte first, whatever the salt.
const RESIDUE: u32 = 0x2144_DF1C;

/// CRC-32 of `bytes`; `salt` makes equal bytes at another place have another checksum.
pub(crate) fn checksum(salt: u32, bytes: &[u8]) -> [u8; 4] {
    let mut digest = CRC.digest_with_initial(salt);
    digest.update(bytes);
    digest.finalize().to_le_bytes()
}

/// Number of a page.
pub(crate) type PageNo = u16;

const fn address(page: PageNo) -> usize {
    FIRST + page as usize * PAGE
}

/// How many pages a memory of `len` bytes has.
pub(crate) fn count(len: usize) -> usize {
    len.saturating_sub(FIRST) / PAGE
}

/// Fills `bytes` with a page and verifies its checksum, which is the last four bytes.
#[inline]
pub(crate) fn read_whole<N: Nvm>(nvm: &mut N, page: PageNo, bytes: &mut [u8; PAGE]) -> Result<(), Error> {
    nvm.read(address(page), bytes)?;
    // Over the whole page the CRC runs in full rounds; cutting the checksum off would leave a slow tail.
    let mut digest = CRC.digest_with_initial(u32::from(page));
    digest.update(bytes);
    if digest.finalize() == RESIDUE { Ok(()) } else { Err(Error::Damaged) }
}

/// The payload of `page`, its checksum verified.
pub(crate) fn read<N: Nvm>(nvm: &mut N, page: PageNo) -> Result<[u8; PAYLOAD], Error> {
    let mut bytes = [0; PAGE];
    read_whole(nvm, page, &mut bytes)?;
    bytes.first_chunk().copied().ok_or(Error::Damaged)
}

/// Writes `payload` and its checksum to `page`.
pub(crate) fn write<N: Nvm>(nvm: &mut N, page: PageNo, payload: &[u8; PAYLOAD]) -> Result<(), Error> {
    let mut bytes = [0; PAGE];
    bytes[..PAYLOAD].copy_from_slice(payload);
    bytes[PAYLOAD..].copy_from_slice(&checksum(u32::from(page), payload));
    Ok(nvm.write(address(page), &bytes)?)
}

/// Makes a free page all zero; writes only where it is not yet.
pub(crate) fn wipe<N: Nvm>(nvm: &mut N, page: PageNo) -> Result<(), Error> {
    let mut bytes = [0; PAGE];
    nvm.read(address(page), &mut bytes)?;
    if bytes != [0; PAGE] {
        nvm.write(address(page), &[0; PAGE])?;
    }
    Ok(())
}
