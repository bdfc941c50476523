//! Where a card personalised by us keeps what: identifiers, sizes and access rules of its files.
//!
//! Cards personalised by others are used as they are; only what is added to them follows this page.

use crate::file::{Access, NewFile};
use crate::secret::PinPolicy;

/// The DF of the PKCS#15 application.
pub const APPLICATION: u16 = 0x5015;
/// EF.DIR, below the MF.
pub const EF_DIR: u16 = 0x2F00;
/// EF.ODF: where the directories are.
pub const EF_ODF: u16 = 0x5031;
/// EF.TokenInfo: serial number, label, time of the last change.
pub const EF_TOKEN_INFO: u16 = 0x5032;
/// EF.AODF: PIN and PUK.
pub const EF_AODF: u16 = 0x4401;
/// EF.PrKDF, the private keys, in set A.
pub const EF_PRKDF: u16 = 0x4402;
/// EF.PuKDF, the public keys, in set A.
pub const EF_PUKDF: u16 = 0x4403;
/// EF.CDF, the certificates, in set A.
pub const EF_CDF: u16 = 0x4404;
/// EF.DODF: the data objects.
pub const EF_DODF: u16 = 0x4405;
/// The directory of the authority's certificates.
pub const EF_TRUSTED_CDF: u16 = 0x4406;
/// The journal, a data object.
pub const EF_JOURNAL: u16 = 0x3200;
/// The application that the journal's data object names.
pub const JOURNAL_APPLICATION: &str = "cardlab";
/// The first public-key file.
pub const EF_PUBLIC_KEY: u16 = 0x3300;
/// The first certificate file.
pub const EF_CERTIFICATE: u16 = 0x3400;
/// The first file of the authority's certificates.
pub const EF_AUTHORITY: u16 = 0x34F0;
/// The bit that tells a directory of set B from the same directory of set A.
pub const SET_B: u16 = 0x0010;

/// Size of EF.DIR, EF.ODF and EF.AODF in bytes.
pub const SMALL: u16 = 128;
/// Size of the three directories that come in two sets.
pub const DIRECTORY: u16 = 2048;
/// Size of EF.DODF and of the directory of the authority's certificates.
pub const MEDIUM: u16 = 512;
/// Size of an RSA-2048 public key as PKCS#1 RSAPublicKey.
pub const RSA_2048_PUBLIC: u16 = 270;
/// How many generations have files of their own: as many as there are key slots.
pub const GENERATIONS: u16 = 16;

/// Lengths of the user PIN: 6 to 16, stored with 16.
pub const PIN: PinPolicy = PinPolicy { min: 6, max: 16, stored: 16 };
/// PKCS#15 identifier of the user PIN.
pub const PIN_ID: u8 = 1;
/// PKCS#15 identifier of the PUK.
pub const PUK_ID: u8 = 2;
/// The card's reference of the user PIN.
pub const PIN_REFERENCE: u8 = 1;
/// The card's reference of the PUK.
pub const PUK_REFERENCE: u8 = 2;

const NEVER: Access = Access([Access::NEVER; 7]);

/// Access to files that stay: never deleted, written with the PIN, read by all.
pub const LASTING: Access = NEVER.update(Access::PIN).read(Access::FREE);
/// Access to files that come and go: deleted and written with the PIN, read by all.
pub const PASSING: Access = LASTING.delete(Access::PIN);
/// Access to the application's DF. Files are created by all, as OpenSC sends no VERIFY before it creates one for a
/// certificate; they are deleted with the PIN.
pub const DF: Access = NEVER.update(Access::FREE).read(Access::PIN);

/// A file that stays.
#[must_use]
pub const fn lasting(fid: u16, size: u16) -> NewFile {
    NewFile::ef(fid, size, LASTING)
}

/// A file that comes and goes.
#[must_use]
pub const fn passing(fid: u16, size: u16) -> NewFile {
    NewFile::ef(fid, size, PASSING)
}

/// The path of a file of the application, from the MF.
#[must_use]
pub const fn path(fid: u16) -> [u16; 2] {
    [APPLICATION, fid]
}
