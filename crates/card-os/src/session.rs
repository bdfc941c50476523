//! What a reset forgets: selection, security status, security environment. One session for each logical channel.

use crate::nvm::page::PageNo;
use crate::rules::Rules;

/// Logical channels that a card can have.
pub(crate) const CHANNELS: usize = 4;

/// A file, safe against another file having taken its page since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileRef {
    pub(crate) page: PageNo,
    pub(crate) generation: u32,
}

/// The dialect version that the host speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V0,
    V1,
}

/// What the key of the security environment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Generate or import.
    Store,
    /// Compute digital signature.
    Sign,
    /// Decipher.
    Decipher,
}

/// The security environment that MSE SET left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) purpose: Purpose,
    /// Algorithm reference, tag 80.
    pub(crate) algorithm: u8,
    /// Key slot, tag 84.
    pub(crate) slot: u8,
}

/// The state of one logical channel. Exists only while an application is selected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) rules: Rules,
    pub(crate) version: Version,
    /// Current DF.
    pub(crate) df: FileRef,
    /// Current EF.
    pub(crate) ef: Option<FileRef>,
    /// The user PIN was verified.
    pub(crate) verified: bool,
    /// File access counts as authenticated: the application was selected before the PIN was set.
    pub(crate) creation_access: bool,
    pub(crate) environment: Option<Environment>,
}
