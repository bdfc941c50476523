//! Status words by name.

pub(crate) const OK: u16 = 0x9000;
/// Fewer bytes than Ne, or nothing found.
pub(crate) const SHORT: u16 = 0x6282;
pub(crate) const DEACTIVATED: u16 = 0x6283;
pub(crate) const TERMINATED: u16 = 0x6285;
pub(crate) const LENGTH: u16 = 0x6700;
pub(crate) const CHANNEL: u16 = 0x6881;
pub(crate) const SECURE_MESSAGING: u16 = 0x6882;
pub(crate) const END_OF_CHAIN: u16 = 0x6883;
pub(crate) const NOT_ALLOWED: u16 = 0x6900;
pub(crate) const KIND: u16 = 0x6981;
pub(crate) const SECURITY: u16 = 0x6982;
pub(crate) const BLOCKED: u16 = 0x6983;
pub(crate) const UNSET: u16 = 0x6984;
pub(crate) const CONDITIONS: u16 = 0x6985;
pub(crate) const NO_EF: u16 = 0x6986;
pub(crate) const DATA: u16 = 0x6A80;
pub(crate) const UNSUPPORTED: u16 = 0x6A81;
pub(crate) const NOT_FOUND: u16 = 0x6A82;
pub(crate) const NO_RECORD: u16 = 0x6A83;
pub(crate) const NO_MEMORY: u16 = 0x6A84;
pub(crate) const PARAMETERS: u16 = 0x6A86;
pub(crate) const NO_REFERENCE: u16 = 0x6A88;
pub(crate) const EXISTS: u16 = 0x6A89;
pub(crate) const OFFSET: u16 = 0x6B00;
pub(crate) const INSTRUCTION: u16 = 0x6D00;
pub(crate) const CLASS: u16 = 0x6E00;
