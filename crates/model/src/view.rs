//! What a generator of commands or a statistic may see of a model.

use crate::keys::KeyView;
use crate::model::Model;
use crate::pins::LifeCycle;
use crate::profile::Profile;

/// Tries left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Tries left for the PIN; `None` while none is set.
    pub pin: Option<u8>,
    /// Tries left for the PUK; `None` where none is set.
    pub puk: Option<u8>,
}

impl Tries {
    /// The PIN is set and has no tries left.
    #[must_use]
    pub const fn pin_blocked(self) -> bool {
        matches!(self.pin, Some(0))
    }

    /// The PUK is set and has no tries left.
    #[must_use]
    pub const fn puk_blocked(self) -> bool {
        matches!(self.puk, Some(0))
    }
}

/// A file as the model knows it.
#[derive(Clone, Copy, Debug)]
pub struct FileView<'m> {
    /// Identifier.
    pub id: u16,
    /// Identifier of the DF above it; its own for the master file.
    pub parent: u16,
    /// It is a DF.
    pub is_df: bool,
    /// Content; empty for a DF.
    pub content: &'m [u8],
}

impl Model {
    /// What the card was made from.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Tries left, for statistics.
    #[must_use]
    pub fn tries(&self) -> Tries {
        let left = |secret: &crate::pins::Secret| secret.value.map(|_| secret.left);
        Tries { pin: left(&self.memory.pin), puk: left(&self.memory.puk) }
    }

    /// Life-cycle state.
    #[must_use]
    pub const fn life_cycle(&self) -> LifeCycle {
        self.memory.life
    }

    /// All files by identifier, the master file among them.
    pub fn files(&self) -> impl Iterator<Item = FileView<'_>> {
        self.memory.files.all().iter().map(|file| FileView {
            id: file.id,
            parent: file.parent,
            is_df: file.is_df,
            content: &file.content,
        })
    }

    /// What a key slot holds.
    #[must_use]
    pub fn key(&self, slot: u8) -> Option<KeyView> {
        self.held(slot).map(|key| key.kind)
    }

    /// Modulus or point of a key slot, once the card has shown it whole.
    #[must_use]
    pub fn public_key(&self, slot: u8) -> Option<&[u8]> {
        self.held(slot)?.public.as_deref()
    }

    /// The PIN, padded to sixteen bytes.
    #[must_use]
    pub const fn pin(&self) -> Option<[u8; 16]> {
        self.memory.pin.value
    }

    /// The PUK.
    #[must_use]
    pub const fn puk(&self) -> Option<[u8; 16]> {
        self.memory.puk.value
    }

    /// The application is selected.
    #[must_use]
    pub const fn selected(&self) -> bool {
        self.session.is_some()
    }

    /// The PIN was verified.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.session.is_some_and(|session| session.verified)
    }

    /// Identifier of the current DF.
    #[must_use]
    pub fn current_df(&self) -> Option<u16> {
        self.session.map(|session| session.df)
    }

    /// Identifier of the current EF.
    #[must_use]
    pub fn current_ef(&self) -> Option<u16> {
        self.session.and_then(|session| session.ef)
    }

    /// Part of an answer waits for GET RESPONSE.
    #[must_use]
    pub fn waiting(&self) -> bool {
        self.waiting.is_some() || self.iso.as_ref().is_some_and(|iso| iso.link.waiting.is_some())
    }

    /// Whether the other model has the same PINs, files and keys; sessions are not compared.
    #[must_use]
    pub fn same_memory(&self, other: &Self) -> bool {
        self.memory == other.memory
            && self.iso.as_ref().map(|iso| &iso.memory) == other.iso.as_ref().map(|iso| &iso.memory)
    }
}
