//! What a reset forgets: selection, security status, security environment. One session for each logical channel.

use alloc::boxed::Box;

use crate::crypto::hash::{self, Hash};
use crate::nvm::page::PageNo;
use crate::rules::{ISO, Rules};

/// Logical channels that a card can have.
pub(crate) const CHANNELS: usize = 4;

/// A file, safe against another file having taken its page since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileRef {
    pub(crate) page: PageNo,
    pub(crate) generation: u32,
}

impl FileRef {
    /// No file. Not an `Option`, where the room of a missing value keeps whatever the stack held, which may have been a PIN.
    pub(crate) const NONE: Self = Self { page: PageNo::MAX, generation: 0 };
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

impl Session {
    /// The ISO file system with this current DF.
    pub(crate) const fn iso(df: FileRef) -> Self {
        Self {
            rules: ISO,
            version: Version::V0,
            df,
            ef: None,
            verified: false,
            creation_access: false,
            environment: None,
        }
    }
}

/// One logical channel.
#[derive(Clone, Default)]
pub(crate) struct Channel {
    /// None where the channel is closed, or no application selected.
    pub(crate) session: Option<Session>,
    /// What the ISO file system remembers beside; allocated when first needed, so that the dialect does not carry it.
    iso: Option<Box<IsoState>>,
}

impl Channel {
    /// Closed, or as after a reset.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The state of the ISO file system, to change it.
    pub(crate) fn iso_mut(&mut self) -> &mut IsoState {
        self.iso.get_or_insert_with(Box::default)
    }

    /// The state of the ISO file system.
    pub(crate) fn iso(&self) -> &IsoState {
        static NOTHING: IsoState = IsoState::NOTHING;
        self.iso.as_deref().unwrap_or(&NOTHING)
    }
}

/// PINs and keys that count as verified at once.
pub(crate) const VERIFIED: usize = 8;

/// What a channel of the ISO file system remembers beside its selection.
#[derive(Clone)]
pub(crate) struct IsoState {
    /// Current record, from 1, of the current EF.
    pub(crate) record: Option<u8>,
    /// Files of the PINs and administration keys that were verified, oldest first; [`FileRef::NONE`] between them.
    pub(crate) verified: [FileRef; VERIFIED],
    /// The challenge that EXTERNAL AUTHENTICATE answers. Like the hash in a block of its own: the room that a value in place
    /// would have keeps whatever the stack held, which may have been a PIN.
    pub(crate) challenge: Option<Box<[u8; 16]>>,
    pub(crate) environment: IsoEnvironment,
    /// What PSO HASH left: the function, and its value in front of zeros.
    pub(crate) hash: Option<Box<(Hash, [u8; hash::MAX_LEN])>>,
}

impl IsoState {
    const NOTHING: Self = Self {
        record: None,
        verified: [FileRef::NONE; VERIFIED],
        challenge: None,
        environment: IsoEnvironment::EMPTY,
        hash: None,
    };
}

impl Default for IsoState {
    fn default() -> Self {
        Self::NOTHING
    }
}

/// A key and what it is used with: a control reference template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUse {
    /// Algorithm reference, tag 80.
    pub(crate) algorithm: u8,
    /// Key slot, tag 84.
    pub(crate) slot: u8,
}

/// The security environment of the ISO file system, by control reference template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IsoEnvironment {
    /// B6: digital signature.
    pub(crate) signature: Option<KeyUse>,
    /// B8: confidentiality.
    pub(crate) confidentiality: Option<KeyUse>,
    /// A4: authentication.
    pub(crate) authentication: Option<KeyUse>,
    /// AA: algorithm reference of the hash.
    pub(crate) hash: Option<u8>,
    /// The slot of the template that was set last: keys are generated in it and imported to it.
    pub(crate) slot: Option<u8>,
}

impl IsoEnvironment {
    const EMPTY: Self = Self { signature: None, confidentiality: None, authentication: None, hash: None, slot: None };
    /// Bytes in which one is stored.
    pub(crate) const STORED: usize = 8;

    /// As it is stored. No algorithm reference is zero, so that zeros stand for what is not there.
    pub(crate) fn to_stored(self) -> [u8; Self::STORED] {
        let bytes = |template: Option<KeyUse>| template.map_or([0; 2], |used| [used.algorithm, used.slot]);
        let ([a, b], [c, d], [e, f]) = (bytes(self.signature), bytes(self.confidentiality), bytes(self.authentication));
        [a, b, c, d, e, f, self.hash.unwrap_or(0), self.slot.map_or(0, |slot| slot + 1)]
    }

    /// What [`IsoEnvironment::to_stored`] made.
    pub(crate) fn from_stored(stored: [u8; Self::STORED]) -> Self {
        let template = |algorithm, slot| (algorithm != 0).then_some(KeyUse { algorithm, slot });
        let [a, b, c, d, e, f, hash, slot] = stored;
        Self {
            signature: template(a, b),
            confidentiality: template(c, d),
            authentication: template(e, f),
            hash: (hash != 0).then_some(hash),
            slot: slot.checked_sub(1),
        }
    }
}
