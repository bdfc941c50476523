//! Objects: one page each, with a fixed head, the file control information and either small content or pointers.
//!
//! Payload bytes: kind, content form, id (2), parent page (2), generation (4), content length (2), descriptor,
//! reserved, length of the control information, reserved, nine pointers (18), attributes (8), control information,
//! content.

use super::page::{PAYLOAD, PageNo};

/// Bytes in front of the control information.
const HEAD: usize = 42;
/// Pointers in an object.
pub(crate) const POINTERS: usize = 9;
/// The longest control information, in bytes.
pub(crate) const MAX_INFO: usize = 80;
/// Pointers in an index page.
pub(crate) const PER_INDEX: usize = PAYLOAD / 2;
/// A pointer to a page that was never written: all zeros.
pub(crate) const HOLE: PageNo = 0;

/// Parent of the master file, which has none.
pub(crate) const ROOT: PageNo = 0xFFFF;
/// Parent of the card object.
pub(crate) const CARD: PageNo = 0xFFFE;
/// Parent of PIN and PUK objects.
pub(crate) const PINS: PageNo = 0xFFFD;
/// Parent of key slots.
pub(crate) const KEYS: PageNo = 0xFFFC;

/// Added to the page of a DF: parent of its data objects, whose numbers are tags. Pages stay far below.
pub(crate) const DATA: PageNo = 0x4000;
/// Added to the page of a DF: parent of its stored security environments.
pub(crate) const ENVIRONMENTS: PageNo = 0x2000;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Life-cycle state of the card.
    Card = 1,
    /// A PIN or PUK.
    Pin = 2,
    /// A dedicated file.
    Df = 3,
    /// An elementary file.
    Ef = 4,
    /// A key slot.
    Key = 5,
    /// A data object of a DF.
    Data = 6,
    /// A stored security environment of a DF.
    Environment = 7,
}

/// Descriptor of an internal EF, which holds a PIN or a key.
pub(crate) const INTERNAL: u8 = 0x08;

impl Kind {
    pub(crate) const fn is_file(self) -> bool {
        matches!(self, Self::Df | Self::Ef)
    }
}

/// Where the content of an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Behind the control information, in the same page.
    Inline = 0,
    /// In pages that the object points at.
    Direct = 1,
    /// In pages that index pages point at.
    Indexed = 2,
}

/// The payload of an object page, read and written by field.
#[derive(Clone)]
pub(crate) struct Object {
    payload: [u8; PAYLOAD],
}

impl Object {
    /// A new object whose content of `len` bytes is all zeros. `info` has at most [`MAX_INFO`] bytes.
    pub(crate) fn new(kind: Kind, parent: PageNo, id: u16, info: &[u8], len: u16) -> Self {
        let mut object = Self { payload: [0; PAYLOAD] };
        let info = &info[..info.len().min(MAX_INFO)];
        let [info_len, ..] = info.len().to_le_bytes();
        object.payload[0] = kind as u8;
        object.payload[14] = info_len;
        object.payload[HEAD..HEAD + info.len()].copy_from_slice(info);
        object.put16(2, id);
        object.put16(4, parent);
        object.put16(10, len);
        object.payload[1] = form_for(usize::from(len), info.len()) as u8;
        object
    }

    /// Takes a payload from memory; `None` if it cannot be an object.
    pub(crate) fn from_payload(payload: [u8; PAYLOAD]) -> Option<Self> {
        let object = Self { payload };
        let sound = matches!(payload[0], 1..=7)
            && object.info_len() <= MAX_INFO
            && payload[1] == form_for(object.len(), object.info_len()) as u8;
        sound.then_some(object)
    }

    pub(crate) const fn payload(&self) -> &[u8; PAYLOAD] {
        &self.payload
    }

    const fn get16(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.payload[at], self.payload[at + 1]])
    }

    fn put16(&mut self, at: usize, value: u16) {
        self.payload[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }

    pub(crate) const fn kind(&self) -> Kind {
        match self.payload[0] {
            1 => Kind::Card,
            2 => Kind::Pin,
            3 => Kind::Df,
            4 => Kind::Ef,
            5 => Kind::Key,
            6 => Kind::Data,
            _ => Kind::Environment,
        }
    }

    pub(crate) const fn form(&self) -> Form {
        match self.payload[1] {
            0 => Form::Inline,
            1 => Form::Direct,
            _ => Form::Indexed,
        }
    }

    pub(crate) const fn id(&self) -> u16 {
        self.get16(2)
    }

    pub(crate) const fn parent(&self) -> PageNo {
        self.get16(4)
    }

    /// Tells this object from an earlier one that had the same page.
    pub(crate) const fn generation(&self) -> u32 {
        u32::from_be_bytes([self.payload[6], self.payload[7], self.payload[8], self.payload[9]])
    }

    pub(crate) fn set_generation(&mut self, generation: u32) {
        self.payload[6..10].copy_from_slice(&generation.to_be_bytes());
    }

    /// Content length in bytes.
    pub(crate) const fn len(&self) -> usize {
        self.get16(10) as usize
    }

    /// File descriptor byte, or algorithm of a key.
    pub(crate) const fn descriptor(&self) -> u8 {
        self.payload[12]
    }

    pub(crate) fn set_descriptor(&mut self, descriptor: u8) {
        self.payload[12] = descriptor;
    }

    /// Eight bytes whose meaning the owner of the object defines; kept in the index.
    pub(crate) const fn attributes(&self) -> [u8; 8] {
        let p = &self.payload;
        [p[34], p[35], p[36], p[37], p[38], p[39], p[40], p[41]]
    }

    pub(crate) fn set_attributes(&mut self, attributes: [u8; 8]) {
        self.payload[34..HEAD].copy_from_slice(&attributes);
    }

    const fn info_len(&self) -> usize {
        self.payload[14] as usize
    }

    /// The file control information as it was given.
    pub(crate) fn info(&self) -> &[u8] {
        &self.payload[HEAD..HEAD + self.info_len()]
    }

    /// The same, to change a byte of it.
    pub(crate) fn info_mut(&mut self) -> &mut [u8] {
        let len = self.info_len();
        &mut self.payload[HEAD..HEAD + len]
    }

    pub(crate) const fn pointer(&self, n: usize) -> PageNo {
        self.get16(16 + 2 * n)
    }

    pub(crate) fn set_pointer(&mut self, n: usize, page: PageNo) {
        self.put16(16 + 2 * n, page);
    }

    /// Small content. Empty for the other forms.
    pub(crate) fn inline(&self) -> &[u8] {
        match self.form() {
            Form::Inline => &self.payload[HEAD + self.info_len()..HEAD + self.info_len() + self.len()],
            _ => &[],
        }
    }

    pub(crate) fn inline_mut(&mut self) -> &mut [u8] {
        let (start, len) = (HEAD + self.info_len(), self.len());
        match self.form() {
            Form::Inline => &mut self.payload[start..start + len],
            _ => &mut [],
        }
    }

    /// Pages of content, holes included.
    pub(crate) fn content_pages(&self) -> usize {
        match self.form() {
            Form::Inline => 0,
            _ => self.len().div_ceil(PAYLOAD),
        }
    }

    /// Index pages, holes included.
    pub(crate) fn index_pages(&self) -> usize {
        match self.form() {
            Form::Indexed => self.content_pages().div_ceil(PER_INDEX),
            _ => 0,
        }
    }

    /// Pages that the object needs when no byte of it is a hole, its own included.
    pub(crate) fn footprint(&self) -> usize {
        1 + self.content_pages() + self.index_pages()
    }
}

/// The control information in the payload of an object page; `None` if it cannot be one.
pub(crate) fn info_of(payload: &[u8]) -> Option<&[u8]> {
    payload.get(HEAD..)?.get(..usize::from(*payload.get(14)?))
}

impl Drop for Object {
    /// A PIN object carries its PIN, an internal EF its PIN or key.
    fn drop(&mut self) {
        let internal = self.payload[0] == Kind::Ef as u8 && self.payload[12] & !0x40 == INTERNAL;
        if internal || self.payload[0] == Kind::Pin as u8 {
            zeroize::Zeroize::zeroize(&mut self.payload);
        }
    }
}

const fn form_for(len: usize, info_len: usize) -> Form {
    if len <= PAYLOAD - HEAD - info_len {
        Form::Inline
    } else if len <= POINTERS * PAYLOAD {
        Form::Direct
    } else {
        Form::Indexed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_follows_the_length() {
        let form = |len| Object::new(Kind::Ef, 3, 0x5031, &[0; 23], len).form();
        assert_eq!(form(59), Form::Inline);
        assert_eq!(form(60), Form::Direct);
        assert_eq!(form(9 * 124), Form::Direct);
        assert_eq!(form(9 * 124 + 1), Form::Indexed);
        assert!(Object::new(Kind::Ef, 3, 1, &[0; 80], 0xFFFF).index_pages() <= POINTERS);
    }

    #[test]
    fn fields_survive_memory() {
        let mut object = Object::new(Kind::Df, 7, 0x5015, &[1, 2, 3], 0);
        object.set_generation(0x0102_0304);
        object.set_descriptor(0x38);
        object.set_pointer(8, 515);
        let object = Object::from_payload(*object.payload()).unwrap();
        assert_eq!((object.kind(), object.id(), object.parent()), (Kind::Df, 0x5015, 7));
        assert_eq!((object.generation(), object.descriptor(), object.pointer(8)), (0x0102_0304, 0x38, 515));
        assert_eq!(object.info(), [1, 2, 3]);
        assert!(Object::from_payload([0; PAYLOAD]).is_none());
    }
}
