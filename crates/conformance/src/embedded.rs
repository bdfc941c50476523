//! The project's own suite, built into the program so that it runs without the source tree.

mod ids;

use crate::error::ScriptError;
use crate::script::{Source, Suite};

/// Makes a [`Source`] of each file in `fixtures/conformance`.
macro_rules! scripts {
    ($($name:literal),* $(,)?) => {
        &[$(Source { name: $name, text: include_str!(concat!("../../../fixtures/conformance/", $name)) }),*]
    };
}

/// The list of clauses that cases may cite.
pub const CLAUSES: Source<'static> =
    Source { name: "clauses.toml", text: include_str!("../../../fixtures/clauses.toml") };

/// Every script in `fixtures/conformance`; a test compares the list with the directory.
pub const SCRIPTS: &[Source<'static>] = scripts![
    "_keys.toml",
    "_setups-iso.toml",
    "_setups.toml",
    "binary.toml",
    "certificate.toml",
    "chaining.toml",
    "challenge.toml",
    "create.toml",
    "decipher.toml",
    "delete.toml",
    "detection.toml",
    "ecdsa.toml",
    "generate.toml",
    "getdata.toml",
    "import.toml",
    "iso-access.toml",
    "iso-auth.toml",
    "iso-binary.toml",
    "iso-channel.toml",
    "iso-data.toml",
    "iso-keys.toml",
    "iso-lifecycle.toml",
    "iso-limits.toml",
    "iso-pin.toml",
    "iso-record.toml",
    "iso-select.toml",
    "iso-transfer.toml",
    "lifecycle.toml",
    "limits.toml",
    "mse.toml",
    "pin.toml",
    "puk.toml",
    "reselect.toml",
    "select.toml",
    "sign.toml",
    "tight.toml",
    "transfer.toml",
    "verify.toml",
];

/// The form of a script as a JSON schema, draft 2020-12.
pub const SCHEMA: &str = include_str!("../../../fixtures/conformance.schema.json");

/// A small suite with comments, for testers to begin with.
pub const EXAMPLE: [Source<'static>; 3] = [
    Source { name: "_shared.toml", text: include_str!("../../../fixtures/example-suite/_shared.toml") },
    Source { name: "clauses.toml", text: include_str!("../../../fixtures/example-suite/clauses.toml") },
    Source { name: "example.toml", text: include_str!("../../../fixtures/example-suite/example.toml") },
];

impl Suite {
    /// The project's own suite.
    ///
    /// # Errors
    /// None for a released program: a test loads it.
    pub fn embedded() -> Result<Self, ScriptError> {
        Self::load(CLAUSES, SCRIPTS)
    }
}
