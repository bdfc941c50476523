//! Status words by name.

pub(crate) const OK: u16 = 0x9000;
pub(crate) const LENGTH: u16 = 0x6700;
pub(crate) const CHANNEL: u16 = 0x6881;
pub(crate) const SECURE_MESSAGING: u16 = 0x6882;
pub(crate) const END_OF_CHAIN: u16 = 0x6883;
pub(crate) const NOT_ALLOWED: u16 = 0x6900;
pub(crate) const NO_EF: u16 = 0x6981;
pub(crate) const SECURITY: u16 = 0x6982;
pub(crate) const UNUSABLE: u16 = 0x6984;
pub(crate) const CONDITIONS: u16 = 0x6985;
pub(crate) const REFUSED: u16 = 0x6986;
pub(crate) const WRONG_DATA: u16 = 0x6A80;
pub(crate) const UNSUPPORTED: u16 = 0x6A81;
pub(crate) const NOT_FOUND: u16 = 0x6A82;
pub(crate) const NO_MEMORY: u16 = 0x6A84;
pub(crate) const PARAMETERS: u16 = 0x6A86;
pub(crate) const NO_REFERENCE: u16 = 0x6A88;
pub(crate) const OFFSET: u16 = 0x6B00;
pub(crate) const INSTRUCTION: u16 = 0x6D00;
pub(crate) const CLASS: u16 = 0x6E00;
