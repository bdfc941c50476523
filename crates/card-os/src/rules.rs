//! What an application decides about commands that all applications share. Chosen at SELECT; handlers and file
//! system ask it instead of asking which application is selected.

use card_wire::Status;

/// Whose commands are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandSet {
    /// OpenSC's applet.
    Dialect,
    /// The ISO file system.
    Iso,
}

/// What becomes of the data of a command without Le.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutLe {
    /// Up to 256 bytes are answered all the same.
    UpTo256,
    /// None is answered under T=1; under T=0, where Le is not sent, it waits for GET RESPONSE.
    AsProtocolSays,
}

/// The rules of the selected application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) commands: CommandSet,
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
    pub(crate) without_le: WithoutLe,
    /// The master file cannot be deleted.
    pub(crate) master_file: Status,
}

/// The OpenSC dialect (as OpenSC 0.23 and the IsoApplet do).
pub(crate) const DIALECT: Rules = Rules {
    commands: CommandSet::Dialect,
    fci_tag: 0x6F,
    bad_tlv: Status::REFERENCE_DATA_UNUSABLE,
    no_current_ef: Status::INCOMPATIBLE_FILE,
    unique_ids: true,
    file_exists: Status::REFERENCE_DATA_UNUSABLE,
    without_le: WithoutLe::UpTo256,
    master_file: Status::NO_CURRENT_EF,
};

/// The ISO file system.
pub(crate) const ISO: Rules = Rules {
    commands: CommandSet::Iso,
    fci_tag: 0x62,
    bad_tlv: Status::WRONG_DATA,
    no_current_ef: Status::NO_CURRENT_EF,
    unique_ids: false,
    file_exists: Status::FILE_EXISTS,
    without_le: WithoutLe::AsProtocolSays,
    master_file: Status::CONDITIONS,
};
