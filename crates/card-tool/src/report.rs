//! What a command has to say when it succeeds: lines for people, one document for scripts.

use serde_json::Value;

/// The result of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Lines for people.
    pub lines: Vec<String>,
    /// The same for scripts.
    pub json: Value,
    /// The exit code.
    pub exit: u8,
}

impl Report {
    pub(crate) fn new(json: Value) -> Self {
        Self { json, ..Self::default() }
    }

    pub(crate) fn line(&mut self, text: impl Into<String>) -> &mut Self {
        self.lines.push(text.into());
        self
    }
}
