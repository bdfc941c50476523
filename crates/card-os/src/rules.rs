//! What an application decides about commands that all applications share. Chosen at SELECT; handlers and file
//! system ask it instead of asking which application is selected.

use card_wire::Status;

/// The rules of the selected application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Outer tag of the control information in CREATE FILE.
    pub(crate) fci_tag: u32,
    /// Malformed data objects.
    pub(crate) bad_tlv: Status,
    /// No current EF, or not of the structure that the command needs.
    pub(crate) no_current_ef: Status,
    /// File identifiers are unique over the whole card, not only below one DF.
    pub(crate) unique_ids: bool,
    /// A file that exists already.
    pub(crate) file_exists: Status,
    /// Answer bytes that a command without Le may get.
    pub(crate) ne_without_le: usize,
}

/// The OpenSC dialect (as OpenSC 0.23 and the IsoApplet do).
pub(crate) const DIALECT: Rules = Rules {
    fci_tag: 0x6F,
    bad_tlv: Status::REFERENCE_DATA_UNUSABLE,
    no_current_ef: Status::INCOMPATIBLE_FILE,
    unique_ids: true,
    file_exists: Status::REFERENCE_DATA_UNUSABLE,
    ne_without_le: 256,
};
