//! Access rules of the ISO file system: compact (8C), expanded (AB), by reference to EF.ARR (8B), and the dialect's
//! form (86). ISO.md describes them.

use card_wire::Ins;
use card_wire::tlv::{self, Tag};

use super::attributes::{Attributes, Internal};
use super::life::{self, LifeCycle};
use super::record::Records;
use super::{Error, FileRef, fcp, internal};
use crate::nvm::index::{Entry, Index};
use crate::nvm::object::Kind;
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};
use crate::session::VERIFIED;

/// What is to be done with a file, by the bit of the access mode byte that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    DeleteSelf = 0x40,
    Terminate = 0x20,
    Activate = 0x10,
    Deactivate = 0x08,
    /// WRITE and APPEND; use a key; enable and disable a PIN.
    Write = 0x04,
    /// UPDATE and ERASE; generate and import a key; set and reset a PIN.
    Update = 0x02,
    /// READ and SEARCH; the public key.
    Read = 0x01,
}

#[expect(non_upper_case_globals, reason = "second names of variants, as DFs give the bits other meanings")]
impl Act {
    pub(crate) const CreateDf: Self = Self::Write;
    pub(crate) const CreateEf: Self = Self::Update;
    pub(crate) const DeleteChild: Self = Self::Read;
    /// Of a key file.
    pub(crate) const Use: Self = Self::Write;
}

/// Who asks, and with which instruction.
#[derive(Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) verified: [FileRef; VERIFIED],
    pub(crate) ins: Ins,
}

/// What the rules of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// In its life-cycle state no rule holds for this.
    Open,
    /// The file has no rules.
    Unruled,
    /// A condition is fulfilled.
    Granted,
    /// None is.
    Refused,
}

/// The identifier of the EF.ARR that a reference by record number alone means.
const EF_ARR: u16 = 0x2F06;
/// Nested AND and OR templates that are looked into.
const MAX_DEPTH: usize = 4;

/// Whether the access rules in the body of control information are well-formed.
///
/// # Errors
/// [`Error::BadData`].
pub(crate) fn check(body: &[u8]) -> Result<(), Error> {
    let find = |tag| tlv::find(body, Tag(tag)).ok().flatten();
    let reference =
        find(0x8B).is_none_or(|value| matches!(value.len(), 1 | 3) || (value.len() > 3 && value.len() % 2 == 0));
    let compact = find(0x8C).is_none_or(|value| match value {
        [mode, conditions @ ..] => mode & 0x80 == 0 && usize::try_from(mode.count_ones()) == Ok(conditions.len()),
        [] => false,
    });
    let expanded = find(0xAB).is_none_or(|value| tlv::Reader::new(value).all(|object| object.is_ok()));
    let dialect = find(0x86).is_none_or(|value| value.len() == 8);
    if reference && compact && expanded && dialect { Ok(()) } else { Err(Error::BadData) }
}

/// What the rules of the file say about `act`.
pub(crate) fn judge<N: Nvm>(
    store: &mut Store<N>,
    asker: &Asker,
    file: &Entry,
    act: Act,
) -> Result<Verdict, nvm::Error> {
    // To use a key and to enable a PIN is not to write it.
    let writing = act == Act::Update || (act == Act::Write && internal::identity(file).is_none());
    match life::state(file) {
        LifeCycle::Creation => return Ok(Verdict::Open),
        LifeCycle::Initialisation if writing => return Ok(Verdict::Open),
        _ => (),
    }
    let object = store.object(file.page)?;
    let body = fcp::body(object.info());
    let find = |tag| tlv::find(body, Tag(tag)).ok().flatten();
    let holds = if let Some(reference) = find(0x8B) {
        by_reference(store, asker, file, act, reference)?
    } else {
        let conditions = Conditions { index: store.index(), asker, file };
        if let Some(expanded) = find(0xAB) {
            conditions.expanded(expanded, act)
        } else if let Some(compact) = find(0x8C) {
            conditions.compact(compact, act)
        } else if let Some(dialect) = find(0x86) {
            conditions.dialect(dialect, act)
        } else {
            return Ok(Verdict::Unruled);
        }
    };
    Ok(if holds { Verdict::Granted } else { Verdict::Refused })
}

/// The rules do not stand in the way.
///
/// # Errors
/// [`Error::Access`].
pub(crate) fn expect<N: Nvm>(store: &mut Store<N>, asker: &Asker, file: &Entry, act: Act) -> Result<(), Error> {
    match judge(store, asker, file, act)? {
        Verdict::Refused => Err(Error::Access),
        Verdict::Open | Verdict::Unruled | Verdict::Granted => Ok(()),
    }
}

/// Asks the record of an EF.ARR, found from the master file down; a DF of that identifier is passed over. What is missing
/// or not usable never allows. A deactivated DF above the EF does not matter: it could never be activated again.
fn by_reference<N: Nvm>(
    store: &mut Store<N>,
    asker: &Asker,
    file: &Entry,
    act: Act,
    reference: &[u8],
) -> Result<bool, nvm::Error> {
    let (id, number) = match *reference {
        [number] => (EF_ARR, number),
        [high, low, number] | [high, low, _, number, ..] => (u16::from_be_bytes([high, low]), number),
        _ => return Ok(false),
    };
    let index = store.index();
    let found = internal::downwards(index, internal::home(index, file))
        .find_map(|df| index.child(df.page, id).filter(|found| found.kind == Kind::Ef))
        .copied();
    let Some(arr) = found.filter(|arr| life::expect_askable(index, arr).is_ok()) else { return Ok(false) };
    let record = Records::open(store, &arr).and_then(|records| records.read(store, usize::from(number)));
    match record {
        Ok(rule) => Ok(Conditions { index: store.index(), asker, file }.expanded(&rule, act)),
        Err(Error::Memory(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// What conditions are held against.
struct Conditions<'c> {
    index: &'c Index,
    asker: &'c Asker,
    file: &'c Entry,
}

impl Conditions<'_> {
    /// An access mode byte, and a condition byte for each of its bits, the highest first.
    fn compact(&self, rule: &[u8], act: Act) -> bool {
        let Some((mode, conditions)) = rule.split_first() else { return false };
        if mode & act as u8 == 0 {
            return false;
        }
        let above = (mode & !((act as u8) | (act as u8 - 1))).count_ones();
        usize::try_from(above).ok().and_then(|at| conditions.get(at)).is_some_and(|byte| self.byte(*byte))
    }

    /// Condition bytes at fixed places, behind one that says nothing.
    fn dialect(&self, rule: &[u8], act: Act) -> bool {
        let place = match act {
            Act::DeleteSelf => 1,
            Act::Terminate => 2,
            Act::Activate => 3,
            Act::Deactivate => 4,
            Act::Write => 5,
            Act::Update => 6,
            Act::Read => 7,
        };
        match rule.get(place) {
            Some(0x00) => true,
            Some(byte) if *byte == 0x90 || byte & 0x9F == 0x10 => self.pin(1),
            _ => false,
        }
    }

    /// Groups of an access mode object and condition objects.
    fn expanded(&self, rule: &[u8], act: Act) -> bool {
        let mut meant = false;
        for object in tlv::Reader::new(rule) {
            let Ok(object) = object else { return false };
            match (object.tag.0, object.value) {
                (0x80, [mode]) => meant = mode & 0x80 == 0 && mode & act as u8 != 0,
                (0x84, [ins]) => meant = *ins == self.asker.ins.0,
                (0x80..=0x8F, _) => meant = false,
                (tag, value) if meant && self.object(tag, value, MAX_DEPTH) => return true,
                _ => (),
            }
        }
        false
    }

    fn object(&self, tag: u32, value: &[u8], depth: usize) -> bool {
        match (tag, value) {
            (0x90, []) => true,
            (0x9E, [byte]) => self.byte(*byte),
            (0xA4, template) => self.authentication(template),
            (0xA0 | 0xAF, template) if depth > 1 => {
                let mut parts = tlv::Reader::new(template)
                    .map(|part| part.is_ok_and(|part| self.object(part.tag.0, part.value, depth - 1)));
                if tag == 0xA0 { parts.any(|holds| holds) } else { !template.is_empty() && parts.all(|holds| holds) }
            }
            _ => false,
        }
    }

    /// A template with 83, the reference, and 95, what for: 08 a PIN (also without), 80 an administration key.
    fn authentication(&self, template: &[u8]) -> bool {
        let find = |tag| tlv::find(template, Tag(tag)).ok().flatten();
        let kind = match find(0x95) {
            None | Some([0x08]) => Internal::Pin,
            Some([0x80]) => Internal::Key,
            Some(_) => return false,
        };
        let mut dfs = internal::downwards(self.index, internal::home(self.index, self.file));
        let wanted = match find(0x83) {
            Some([number @ 0x01..=0x1F]) => dfs.next().and_then(|mf| internal::in_df(self.index, mf, kind, *number)),
            Some([reference @ 0x81..=0x9F]) => {
                dfs.skip(1).find_map(|df| internal::in_df(self.index, df, kind, reference & 0x1F))
            }
            _ => None,
        };
        wanted.is_some_and(|file| self.counts(kind, file))
    }

    /// A condition byte of the compact form.
    fn byte(&self, byte: u8) -> bool {
        let number = byte & 0x0F;
        match byte {
            0x00 => return true,
            _ if byte & 0x70 == 0 || number == 0x0F => return false,
            _ => (),
        }
        let asked =
            [(0x40, false), (0x20, byte & 0x20 != 0 && self.key(number)), (0x10, byte & 0x10 != 0 && self.pin(number))];
        let mut asked = asked.iter().filter(|(bit, _)| byte & bit != 0).map(|(_, holds)| *holds);
        if byte & 0x80 != 0 { asked.all(|holds| holds) } else { asked.any(|holds| holds) }
    }

    fn pin(&self, number: u8) -> bool {
        self.verified(Internal::Pin, number)
    }

    fn key(&self, number: u8) -> bool {
        self.verified(Internal::Key, number)
    }

    /// The first PIN or key of this number, from the master file down, or with 0 any of the first DF that has some, was
    /// verified or need not be.
    fn verified(&self, kind: Internal, number: u8) -> bool {
        let home = internal::home(self.index, self.file);
        if number != 0 {
            return internal::foremost(self.index, home, kind, number).is_some_and(|file| self.counts(kind, file));
        }
        let is_meant = |file: &&Entry| internal::identity(file).is_some_and(|(found, _)| found == kind);
        internal::downwards(self.index, home)
            .find(|df| self.index.children(df.page).any(|file| is_meant(&file)))
            .is_some_and(|df| self.index.children(df.page).filter(is_meant).any(|file| self.counts(kind, file)))
    }

    /// Whether the PIN or key in this file counts as verified. One that is out of use does not.
    fn counts(&self, kind: Internal, file: &Entry) -> bool {
        let disabled = kind == Internal::Pin && Attributes(file.attributes).is_disabled();
        let verified = || self.asker.verified.contains(&FileRef::of(file));
        life::expect_askable(self.index, file).is_ok() && (disabled || verified())
    }
}
