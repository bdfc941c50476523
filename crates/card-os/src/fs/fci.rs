//! File control information: what CREATE FILE brings and SELECT gives back unchanged.

use card_wire::tlv::{self, Tag};

use super::access::Access;
use crate::nvm::object::{Kind, MAX_INFO};

/// Descriptor of a DF, as the dialect writes it.
pub(crate) const DF_DESCRIPTOR: u8 = 0x38;
/// Length of an EF whose information carries none, in bytes.
const DEFAULT_LEN: u16 = 128;
/// The bit of a descriptor that says that the file may be selected on several channels at once.
const SHAREABLE: u8 = 0x40;
pub(crate) const TRANSPARENT: u8 = 0x01;

/// A descriptor without its bit for sharing.
pub(crate) const fn without_shareable(descriptor: u8) -> u8 {
    descriptor & !SHAREABLE
}

/// Whether a descriptor says DF.
pub(crate) const fn is_df(descriptor: u8) -> bool {
    without_shareable(descriptor) == DF_DESCRIPTOR
}

/// A file that is to be created.
pub(crate) struct NewFile<'a> {
    pub(crate) kind: Kind,
    pub(crate) id: u16,
    /// Length in bytes; 0 for a DF.
    pub(crate) len: u16,
    pub(crate) descriptor: u8,
    pub(crate) access: Access,
    /// The whole control information, outer tag included.
    pub(crate) info: &'a [u8],
}

impl<'a> NewFile<'a> {
    /// Reads the data field of CREATE FILE in the dialect's form: one object with tag `outer` that holds 82
    /// (descriptor), 83 (identifier) and, as needed, 80 or 81 (size), 84 (name) and 86 (security attributes).
    /// `None` for everything malformed.
    pub(crate) fn parse(info: &'a [u8], outer: u32) -> Option<Self> {
        if info.len() > MAX_INFO {
            return None;
        }
        let body = tlv::only(info, Tag(outer)).ok()?;
        let find = |tag| tlv::find(body, Tag(tag)).ok().flatten();
        // One pass over all objects, so that a malformed one behind the last wanted one is found.
        tlv::find(body, Tag(0)).ok()?;
        let [descriptor] = *find(0x82)? else { return None };
        let kind = match descriptor & !SHAREABLE {
            DF_DESCRIPTOR => Kind::Df,
            TRANSPARENT => Kind::Ef,
            _ => return None,
        };
        let id = <[u8; 2]>::try_from(find(0x83)?).ok().map(u16::from_be_bytes)?;
        let len = match (find(0x80).or_else(|| find(0x81)), kind) {
            (_, Kind::Df) => 0,
            (None, _) => DEFAULT_LEN,
            (Some([len]), _) => u16::from(*len),
            (Some([high, low]), _) => u16::from_be_bytes([*high, *low]),
            _ => return None,
        };
        let access = match find(0x86) {
            None => Access::FREE,
            Some(bytes) => Access::from_attributes(<[u8; 8]>::try_from(bytes).ok()?),
        };
        let access = if kind == Kind::Df && find(0x84).is_some() { access.with_name() } else { access };
        Some(Self { kind, id, len, descriptor, access, info })
    }
}

/// The DF name (tag 84) in control information.
pub(crate) fn name(info: &[u8]) -> Option<&[u8]> {
    let outer = tlv::Reader::new(info).next()?.ok()?;
    tlv::find(outer.value, Tag(0x84)).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EF: [u8; 23] = [
        0x6F, 0x15, 0x81, 2, 1, 0, 0x82, 1, 1, 0x83, 2, 0x50, 0x31, 0x86, 8, 0xFF, 0x90, 0xFF, 0xFF, 0xFF, 0xFF, 0x90,
        0,
    ];

    #[test]
    fn the_dialects_own_shape_is_read() {
        let file = NewFile::parse(&EF, 0x6F).unwrap();
        assert_eq!((file.kind, file.id, file.len), (Kind::Ef, 0x5031, 256));
        assert_eq!(file.access.0, [0x90, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0, 0]);
        assert_eq!(file.info, EF);
    }

    #[test]
    fn size_80_overrides_81_and_absence_means_128() {
        let parse = |body: &[u8]| {
            let mut info = alloc::vec![0x6F, u8::try_from(body.len()).unwrap()];
            info.extend_from_slice(body);
            NewFile::parse(&info, 0x6F).map(|file| file.len)
        };
        assert_eq!(parse(&[0x80, 1, 5, 0x81, 2, 1, 0, 0x82, 1, 1, 0x83, 2, 1, 2]), Some(5));
        assert_eq!(parse(&[0x82, 1, 1, 0x83, 2, 1, 2]), Some(128));
        assert_eq!(parse(&[0x81, 3, 0, 1, 0, 0x82, 1, 1, 0x83, 2, 1, 2]), None);
    }

    #[test]
    fn malformed_information_is_refused() {
        for at in 0..EF.len() {
            assert!(NewFile::parse(&EF[..at], 0x6F).is_none());
        }
        assert!(NewFile::parse(&EF, 0x62).is_none());
        let with = |at: usize, byte| {
            let mut info = EF;
            info[at] = byte;
            NewFile::parse(&info, 0x6F).is_none()
        };
        assert!(with(8, 0x00) && with(8, 0x02) && with(8, 0x39) && with(9, 0x84) && with(14, 7));
    }
}
