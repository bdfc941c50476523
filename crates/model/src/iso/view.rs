//! What a generator of commands may see of an iso card.

use super::admin;
use super::card::Card;
use super::files::{File, Kind, Structure};
use crate::keys::KeyView;
use crate::model::Model;

/// What a file is.
#[derive(Clone, Debug)]
pub enum IsoKind<'m> {
    /// A DF, with the tags of its objects.
    Df(Vec<u16>),
    /// A transparent EF and its content.
    Transparent(&'m [u8]),
    /// A record EF.
    Records {
        /// The newest record has number 1.
        cyclic: bool,
        /// Records may be shorter than `len`.
        variable: bool,
        /// Records are simple-TLV objects.
        tlv: bool,
        /// Length of a record, or of the longest.
        len: usize,
        /// The most records.
        most: usize,
        /// The records, number 1 first.
        records: &'m [Vec<u8>],
    },
    /// A PIN or an administration key.
    Secret {
        /// It is a PIN.
        pin: bool,
        /// Its number.
        number: u8,
        /// Length at least and at most.
        len: (usize, usize),
        /// Without trailing zeros, if it is a PIN.
        value: Option<&'m [u8]>,
        /// Tries left.
        left: u8,
        /// Number of the PIN that resets it.
        resetter: Option<u8>,
        /// It is a PIN that is not asked for.
        disabled: bool,
    },
    /// A key pair.
    Pair {
        /// The slot.
        slot: u8,
        /// The algorithm of the file.
        algorithm: u8,
        /// What is in the slot.
        key: Option<KeyView>,
    },
}

/// A file of an iso card.
#[derive(Clone, Debug)]
pub struct IsoFile<'m> {
    /// A number that names the file on this card for ever.
    pub number: u32,
    /// Number of the DF above; its own for the master file, 0.
    pub parent: u32,
    /// Identifier.
    pub id: u16,
    /// Life-cycle state.
    pub state: u8,
    /// Short identifier.
    pub short: Option<u8>,
    /// DF name.
    pub name: Option<&'m [u8]>,
    /// What it is.
    pub kind: IsoKind<'m>,
}

/// A logical channel.
#[derive(Clone, Debug)]
pub struct IsoSession<'m> {
    /// Number of the current DF.
    pub df: u32,
    /// Number of the current EF.
    pub ef: Option<u32>,
    /// Verified PINs and keys.
    pub verified: &'m [u32],
    /// Another channel deleted the current DF, and only SELECT is answered.
    pub lost: bool,
    /// A challenge may be answered.
    pub challenged: bool,
}

impl Card {
    pub(crate) fn view<'m>(&'m self, file: &'m File) -> IsoFile<'m> {
        let kind = match &file.kind {
            Kind::Df { objects, .. } => IsoKind::Df(objects.keys().copied().collect()),
            Kind::Transparent(bytes) => IsoKind::Transparent(bytes),
            Kind::Records(shape, records) => IsoKind::Records {
                cyclic: shape.structure == Structure::Cyclic,
                variable: shape.structure == Structure::Variable,
                tlv: shape.tlv,
                len: shape.len,
                most: shape.most,
                records,
            },
            Kind::Pin(secret) | Kind::Aes(secret) => IsoKind::Secret {
                pin: matches!(file.kind, Kind::Pin(_)),
                number: secret.number,
                len: secret.len,
                value: secret.value.as_deref(),
                left: secret.tries.left,
                resetter: secret.resetter,
                disabled: secret.disabled,
            },
            Kind::Pair(slot, algorithm) => {
                let key = self.key(*slot).map(|key| key.kind);
                IsoKind::Pair { slot: *slot, algorithm: *algorithm, key }
            }
        };
        let (name, short) = (file.name.as_deref(), file.short.map(|(short, _)| short));
        IsoFile { number: file.number, parent: file.parent, id: file.id, state: file.state, short, name, kind }
    }
}

impl Model {
    /// All files of an iso card.
    pub fn iso_files(&self) -> impl Iterator<Item = IsoFile<'_>> {
        self.iso.iter().flat_map(|card| card.memory.all().map(|file| card.view(file)))
    }

    /// An open channel of an iso card.
    #[must_use]
    pub fn iso_session(&self, channel: usize) -> Option<IsoSession<'_>> {
        let session = self.iso.as_ref()?.session(channel).ok()?;
        let challenged = session.challenge.is_some();
        let (df, ef, lost) = (session.df, session.ef, session.lost_df);
        Some(IsoSession { df, ef, lost, verified: &session.verified, challenged })
    }

    /// What answers the challenge of a channel, with the administration key of this file.
    #[must_use]
    pub fn iso_response(&self, channel: usize, key: u32) -> Option<[u8; 16]> {
        let card = self.iso.as_ref()?;
        admin::encrypt(&card.value(key).ok()?, card.session(channel).ok()?.challenge?)
    }
}
