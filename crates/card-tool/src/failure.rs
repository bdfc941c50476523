//! How a command ends when it does not succeed: one sentence in the person's language, a code for scripts.

use std::path::Path;

use serde::Serialize;

use crate::texts::Lang;

/// A command that did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// For scripts: stable, in kebab case.
    pub code: &'static str,
    /// For people: what happened, what was kept, what to do next.
    pub message: String,
    /// Tries that are left, where a PIN or PUK was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u8>,
    /// The exit code of the process.
    #[serde(skip)]
    pub exit: u8,
}

/// Exit code of a refusal or failure that was told in words.
pub const FAILED: u8 = 1;
/// Exit code where something is missing to begin with: a card, a reader, an option.
pub const COULD_NOT_RUN: u8 = 2;
/// Exit code where the authority has not answered yet: nothing is wrong, call again later.
pub const NOT_YET: u8 = 3;
/// Exit code after Ctrl-C.
pub const INTERRUPTED: u8 = 130;

impl Failure {
    /// A refusal or failure.
    #[must_use]
    pub fn new(code: &'static str, message: String) -> Self {
        Self { code, message, tries_left: None, exit: FAILED }
    }

    /// Something is missing to begin with.
    #[must_use]
    pub fn missing(code: &'static str, message: String) -> Self {
        Self { exit: COULD_NOT_RUN, ..Self::new(code, message) }
    }

    /// A wrong PIN or PUK.
    pub(crate) fn wrong(code: &'static str, message: String, tries: u8) -> Self {
        Self { tries_left: Some(tries), ..Self::new(code, message) }
    }

    /// A file that could not be read.
    pub(crate) fn read(lang: Lang, path: &Path, error: &std::io::Error) -> Self {
        Self::missing("cannot-read", lang.cannot_read(path.display(), error))
    }

    /// A file that could not be written.
    pub(crate) fn write(lang: Lang, path: &Path, error: &std::io::Error) -> Self {
        Self::missing("cannot-write", lang.cannot_write(path.display(), error))
    }
}
