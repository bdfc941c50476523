//! Whether a record is what was written, and the files still those that it was made from.
//!
//! A digest shows that something changed, not who wrote it: whoever can change a record can seal it again. It stands in
//! the printed page as well, which is signed.

use super::json;
use crate::record::{FileDigest, RunRecord, SCHEMA, Summary};

/// Which of the files a run is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A script of the suite.
    Suite,
    /// The card file.
    Card,
    /// The exceptions file.
    Exceptions,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Suite => "suite file",
            Self::Card => "card file",
            Self::Exceptions => "exceptions file",
        })
    }
}

/// Something that a check of a record found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// The form has another version.
    #[error("the record has schema {found}, not {SCHEMA}")]
    Schema {
        /// The version that it says.
        found: u32,
    },
    /// The record is not the one that was sealed.
    #[error("the record was changed: its digest is {is}, it says {}", if .said.is_empty() { "none" } else { .said })]
    Record {
        /// The digest in the record.
        said: String,
        /// The digest of the record.
        is: String,
    },
    /// A count contradicts the cases.
    #[error("the summary says {said} {field}, the cases say {is}")]
    Summary {
        /// Name of the count.
        field: &'static str,
        /// What the summary says.
        said: usize,
        /// What the cases say.
        is: usize,
    },
    /// Two cases of one id.
    #[error("the case `{id}` is there twice")]
    Twice {
        /// The id.
        id: String,
    },
    /// A file has another content.
    #[error("the {role} {name} was changed: its digest is {is}, the record says {said}")]
    Changed {
        /// What the file is for.
        role: Role,
        /// Its name.
        name: String,
        /// The digest in the record.
        said: String,
        /// The digest of the file.
        is: String,
    },
    /// A file is not there, so nothing can be said about it.
    #[error("the {role} {name} is not here: not checked")]
    Missing {
        /// What the file is for.
        role: Role,
        /// Its name.
        name: String,
    },
}

impl Finding {
    /// Something is wrong, not just not checked.
    #[must_use]
    pub const fn is_wrong(&self) -> bool {
        !matches!(self, Self::Missing { .. })
    }
}

/// Everything that is wrong with a record, and the files that could not be checked. `files` gives the content of a
/// file by its role and its name in the record.
#[must_use]
pub fn check(record: &RunRecord, files: &dyn Fn(Role, &str) -> Option<Vec<u8>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if record.schema != SCHEMA {
        findings.push(Finding::Schema { found: record.schema });
    }
    let is = json::digest(record).unwrap_or_else(|error| error.to_string());
    if !is.eq_ignore_ascii_case(&record.digests.record) {
        findings.push(Finding::Record { said: record.digests.record.clone(), is });
    }
    let counted = Summary::of(&record.cases, &record.exceptions);
    for ((field, said), (_, is)) in record.summary.fields().into_iter().zip(counted.fields()) {
        if said != is {
            findings.push(Finding::Summary { field, said, is });
        }
    }
    let mut ids = std::collections::BTreeSet::new();
    let twice = record.cases.iter().filter(|case| !ids.insert(&case.id));
    findings.extend(twice.map(|case| Finding::Twice { id: case.id.clone() }));
    let digests = &record.digests;
    let suite = digests.suite.iter().map(|file| (Role::Suite, file));
    let others = [(Role::Card, &digests.card), (Role::Exceptions, &digests.exceptions)];
    let others = others.into_iter().filter_map(|(role, file)| Some((role, file.as_ref()?)));
    findings.extend(suite.chain(others).filter_map(|(role, file)| check_file(role, file, files)));
    findings
}

fn check_file(role: Role, file: &FileDigest, files: &dyn Fn(Role, &str) -> Option<Vec<u8>>) -> Option<Finding> {
    let name = file.name.clone();
    let Some(content) = files(role, &name) else { return Some(Finding::Missing { role, name }) };
    let is = json::sha256(&content);
    let said = file.sha256.clone();
    (!is.eq_ignore_ascii_case(&said)).then_some(Finding::Changed { role, name, said, is })
}
