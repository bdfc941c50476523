//! What distinguishes one card from another, as plain values.

/// Which version of the dialect the card speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SELECT answers with the version; there is no GET DATA, no PSS and no RSA-4096.
    V0,
    /// SELECT answers without data, GET DATA with the version.
    V1,
    /// What the host sends decides.
    Auto,
    /// No application: files, PINs and keys as ISO/IEC 7816-4, -8 and -9 have them.
    None,
}

/// Everything that a [`crate::Model`] must know about the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Version of the dialect.
    pub dialect: Dialect,
    /// Shortest PIN, in bytes.
    pub pin_min: u8,
    /// Longest PIN, in bytes.
    pub pin_max: u8,
    /// Consecutive wrong tries that block the PIN.
    pub pin_tries: u8,
    /// Consecutive wrong tries that block the PUK.
    pub puk_tries: u8,
    /// Status word of a PIN or PUK without tries.
    pub blocked: u16,
    /// Whether private keys may be imported.
    pub key_import: bool,
    /// Number of key slots, at most 16.
    pub key_slots: u8,
    /// Files on the card, the master file included.
    pub files: u16,
    /// Levels of files below the master file.
    pub depth: u8,
    /// Files directly below one DF.
    pub df_children: u16,
    /// Bytes of one file.
    pub file_len: u16,
    /// Size of the card's memory in bytes.
    pub memory: u32,
    /// Whether raw RSA may be asked for; only the iso card can.
    pub raw_rsa: bool,
}

impl Profile {
    /// Any OpenSC user's card.
    #[must_use]
    pub const fn isoapplet() -> Self {
        Self {
            dialect: Dialect::Auto,
            pin_min: 4,
            pin_max: 16,
            pin_tries: 3,
            puk_tries: 5,
            blocked: 0x63C0,
            key_import: true,
            key_slots: 16,
            files: 1024,
            depth: 16,
            df_children: 30,
            file_len: 0x8000,
            memory: 1536 + 1600 * 128,
            raw_rsa: false,
        }
    }

    /// The card of the certificate service.
    #[must_use]
    pub const fn certificate() -> Self {
        Self { pin_min: 6, blocked: 0x6983, key_import: false, df_children: 256, ..Self::isoapplet() }
    }

    /// The OpenSC user's card, with version 0 of the dialect only.
    #[must_use]
    pub const fn v0() -> Self {
        Self { dialect: Dialect::V0, ..Self::isoapplet() }
    }

    /// The OpenSC user's card, with version 1 of the dialect only.
    #[must_use]
    pub const fn v1() -> Self {
        Self { dialect: Dialect::V1, ..Self::isoapplet() }
    }

    /// The card without the dialect. What PINs have for lengths and tries their files say.
    #[must_use]
    pub const fn iso() -> Self {
        Self { dialect: Dialect::None, blocked: 0x6983, df_children: 256, raw_rsa: true, ..Self::isoapplet() }
    }
}
