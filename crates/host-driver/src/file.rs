//! Files as the PKI applet describes them: what SELECT tells, and what CREATE FILE is told.

use card_wire::tlv::{self, Tag};

use crate::error::Error;

/// The MF.
pub const MF: u16 = 0x3F00;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory (ISO: dedicated file).
    Df,
    /// A transparent elementary file.
    Ef,
    /// Another kind, by its file descriptor byte.
    Other(u8),
}

impl FileKind {
    const fn descriptor(self) -> u8 {
        match self {
            Self::Df => 0x38,
            Self::Ef => 0x01,
            Self::Other(byte) => byte,
        }
    }

    const fn of(descriptor: u8) -> Self {
        // The bit for shareable files changes nothing here.
        match descriptor & 0xBF {
            0x38 => Self::Df,
            0x01 => Self::Ef,
            _ => Self::Other(descriptor),
        }
    }
}

/// Who may do what with a file of the PKI applet: one byte per operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(pub [u8; 7]);

impl Access {
    /// Allows the operation to everybody.
    pub const FREE: u8 = 0x00;
    /// Allows the operation after the user PIN.
    pub const PIN: u8 = 0x90;
    /// Allows the operation to nobody.
    pub const NEVER: u8 = 0xFF;

    /// Everything is allowed to everybody.
    pub const ALL_FREE: Self = Self([Self::FREE; 7]);

    /// The same with other rules for deleting the file.
    #[must_use]
    pub const fn delete(self, rule: u8) -> Self {
        self.with(0, rule)
    }

    /// The same with another rule for updating an EF, or for creating EFs in a DF.
    #[must_use]
    pub const fn update(self, rule: u8) -> Self {
        self.with(5, rule)
    }

    /// The same with another rule for reading an EF.
    #[must_use]
    pub const fn read(self, rule: u8) -> Self {
        self.with(6, rule)
    }

    /// The same with another rule for creating DFs in a DF.
    #[must_use]
    pub const fn create_df(self, rule: u8) -> Self {
        self.with(4, rule)
    }

    const fn with(mut self, at: usize, rule: u8) -> Self {
        self.0[at] = rule;
        self
    }
}

/// A file to be created in the current DF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its identifier; unique on the whole card.
    pub fid: u16,
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u16,
    /// Who may do what with it.
    pub access: Access,
}

impl NewFile {
    /// A transparent file.
    #[must_use]
    pub const fn ef(fid: u16, size: u16, access: Access) -> Self {
        Self { fid, kind: FileKind::Ef, size, access }
    }

    /// A directory.
    #[must_use]
    pub const fn df(fid: u16, size: u16, access: Access) -> Self {
        Self { fid, kind: FileKind::Df, size, access }
    }

    /// The FCI that CREATE FILE carries, in the one shape that OpenSC sends.
    pub(crate) fn fci(&self) -> [u8; 23] {
        let ([s1, s2], [f1, f2]) = (self.size.to_be_bytes(), self.fid.to_be_bytes());
        let [a1, a2, a3, a4, a5, a6, a7] = self.access.0;
        let kind = self.kind.descriptor();
        [0x6F, 0x15, 0x81, 2, s1, s2, 0x82, 1, kind, 0x83, 2, f1, f2, 0x86, 8, 0xFF, a1, a2, a3, a4, a5, a6, a7]
    }
}

/// What the card says about a selected file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its identifier, where it has one.
    pub fid: Option<u16>,
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes, where the card tells.
    pub size: Option<usize>,
    /// Who may do what with it; the MF has no rules.
    pub access: Option<Access>,
    /// Its name, where it has one.
    pub name: Option<Vec<u8>>,
}

impl FileInfo {
    /// Reads file control information, in the applet's form (6F) or ISO's (62).
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not well formed or says not even what the file is.
    pub fn parse(fci: &[u8]) -> Result<Self, Error> {
        let body = tlv::only(fci, Tag(0x6F)).or_else(|_| tlv::only(fci, Tag(0x62)))?;
        let size = match tlv::find(body, Tag(0x80))? {
            Some(size) => Some(size),
            None => tlv::find(body, Tag(0x81))?,
        };
        let kind = match tlv::find(body, Tag(0x82))? {
            Some([descriptor, ..]) => FileKind::of(*descriptor),
            _ => return Err(Error::Malformed),
        };
        let fid = tlv::find(body, Tag(0x83))?.map(number).transpose()?;
        Ok(Self {
            fid: fid.map(u16::try_from).transpose().map_err(|_| Error::Malformed)?,
            kind,
            size: size.map(number).transpose()?,
            access: tlv::find(body, Tag(0x86))?.and_then(|rules| rules.last_chunk::<7>()).copied().map(Access),
            name: tlv::find(body, Tag(0x84))?.map(<[u8]>::to_vec),
        })
    }
}

fn number(bytes: &[u8]) -> Result<usize, Error> {
    match bytes {
        [_, ..] if bytes.len() <= 3 => Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))),
        _ => Err(Error::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_created_is_what_is_read_back() {
        let file = NewFile::ef(0x4402, 512, Access::ALL_FREE.update(Access::PIN).delete(Access::NEVER));
        let info = FileInfo::parse(&file.fci()).unwrap();
        assert_eq!((info.fid, info.kind, info.size), (Some(0x4402), FileKind::Ef, Some(512)));
        assert_eq!(info.access, Some(Access([0xFF, 0, 0, 0, 0, 0x90, 0])));
    }

    #[test]
    fn the_mf_needs_neither_size_nor_rules() {
        let info = FileInfo::parse(&[0x6F, 7, 0x82, 1, 0x38, 0x83, 2, 0x3F, 0]).unwrap();
        assert_eq!((info.fid, info.kind, info.size, info.access), (Some(MF), FileKind::Df, None, None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in proptest::collection::vec(prop_oneof![Just(0x6F), Just(0x82), Just(0x83), Just(1), any::<u8>()], 0..40),
        ) {
            let _ = FileInfo::parse(&bytes);
        }
    }
}
