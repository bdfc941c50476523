//! What can be wrong with a script, and where.

use crate::needs;
use crate::template::TemplateError;

/// A mistake in a script, with the place where it stands.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {kind}")]
pub struct ScriptError {
    /// Name of the file as it was given.
    pub file: String,
    /// Line of the mistake, the first is 1.
    pub line: usize,
    /// Column of the mistake in characters, the first is 1.
    pub column: usize,
    /// What is wrong.
    #[source]
    pub kind: ScriptErrorKind,
}

/// A suggestion, if there is one.
fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; is `{name}` meant?"))
}

/// The known key that is nearest to the unknown one that this message of the TOML reader is about.
#[must_use]
pub fn nearest_key(message: &str) -> Option<&str> {
    let (unknown, known) = unknown_key(message)?;
    needs::nearest(unknown, known)
}

/// The unknown key that a message of the TOML reader names, and those that it knows.
#[must_use]
pub fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let (unknown, rest) = message.strip_prefix("unknown field `")?.split_once('`')?;
    // Every second piece stands between backticks.
    Some((unknown, rest.split('`').skip(1).step_by(2).collect()))
}

fn suggestion(message: &str) -> String {
    meant(nearest_key(message))
}

/// What is wrong with a script.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptErrorKind {
    /// Not TOML, or a key or a type that the grammar does not have.
    #[error("{}{}", .0.message(), suggestion(.0.message()))]
    Toml(Box<toml::de::Error>),
    /// A byte string or a pattern does not follow its grammar.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Something in a card file that cannot be so.
    #[error("{0}")]
    Card(&'static str),
    /// A PIN, PUK or key stands in a card file. Neither this nor what shows the place may show it.
    #[error(
        "a PIN, PUK or key must not stand in this file: say where it comes from, as {{ env = \"CARD_PIN\" }}; change it if others could read the file"
    )]
    SecretInFile,
    /// A status word is not four hexadecimal digits.
    #[error("a status word has four hexadecimal digits")]
    Status,
    /// A TLV path has an element that is not a tag.
    #[error("a TLV path is tags in hexadecimal, separated by slashes, as 7F49/81")]
    Path,
    /// A capture is neither a range nor a TLV path.
    #[error("a capture is `all`, a range as 9..256 or 9.., or a TLV path")]
    Capture,
    /// A step has none or more than one of the keys that say what it does.
    #[error("a step has exactly one of send, reset, check, encrypt, aes and oaep")]
    StepKind,
    /// A command without the status word it must answer.
    #[error("a command needs the status word that it must answer")]
    StatusMissing,
    /// A status word or a repetition on a step that sends nothing.
    #[error("status, repeat and count belong to commands only")]
    CommandOnly,
    /// A repetition of nothing.
    #[error("repeat is at least 1")]
    Repeat,
    /// A first number that does not have two bytes, or no repetition to count.
    #[error("count is the first of the two-byte numbers `${{n}}` of a repeated command, as 4000")]
    Count,
    /// A name that is neither a value nor captured before it is used.
    #[error("`{name}` is neither a value nor captured before this{}", meant(.nearest.as_deref()))]
    UnknownVariable {
        /// The name.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// A list of steps that no file defines.
    #[error("no setup is called `{name}`{}", meant(.nearest.as_deref()))]
    UnknownSetup {
        /// The name.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// Setups that need each other.
    #[error("the setup `{name}` needs itself")]
    SetupCycle {
        /// The name.
        name: String,
    },
    /// More setups come before one case than are ever meant.
    #[error("more than {max} setups come before this case; does one name another twice?")]
    TooManySetups {
        /// The limit.
        max: usize,
    },
    /// A tag that there is not.
    #[error("no tag is called `{name}`{}", meant(.nearest.as_deref()))]
    UnknownTag {
        /// The name.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// A case that is tagged less than its steps prove.
    #[error("the steps prove that this case is `{tag}`, which its tags do not say")]
    TagMissing {
        /// The tag.
        tag: crate::tags::Tag,
    },
    /// A capability that there is not.
    #[error("no capability is called `{name}`{}", meant(.nearest.as_deref()))]
    UnknownNeed {
        /// The name.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// A clause without a row in `clauses.toml`.
    #[error("the clause `{name}` has no row in clauses.toml; write \"unsourced\" where its number is not known")]
    UnknownClause {
        /// The name.
        name: String,
    },
    /// Two cases, values, setups or clauses of one name.
    #[error("`{name}` is defined twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A name with characters that the grammar does not allow.
    #[error("a name consists of lower-case letters, digits and hyphens")]
    Name,
    /// A signature scheme that the runner does not know.
    #[error("a signature scheme is rsa-pkcs1, rsa-pss or ecdsa")]
    Scheme,
    /// A hash function that the runner does not know.
    #[error("a hash function is sha1 or sha256")]
    Hash,
    /// A case without steps of its own.
    #[error("a case has at least one step of its own")]
    Empty,
    /// A case without an explanation.
    #[error("a case says in its title what it shows")]
    Title,
    /// A known exception without a reason.
    #[error("an exception says why it is one")]
    Reason,
    /// A known exception for no case of the suite.
    #[error("no case fits `{pattern}`{}", meant(.nearest.as_deref()))]
    NoSuchCase {
        /// The pattern.
        pattern: String,
        /// The nearest id that there is.
        nearest: Option<String>,
    },
    /// A verdict that cannot be expected in place of passed.
    #[error("a verdict in place of passed is failed, not-applicable, refused or skipped, not `{name}`{}", meant(.nearest.as_deref()))]
    UnknownVerdict {
        /// The name.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
}

impl ScriptError {
    /// The error of `kind` that stands at the byte offset `at` of `text`.
    pub(crate) fn at(file: &str, text: &str, at: usize, kind: ScriptErrorKind) -> Self {
        let (line, column) = position(text, at);
        Self { file: file.to_owned(), line, column, kind }
    }
}

/// Line and column, both from 1, of the byte offset `at`.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line(text, at), before[line_start..].chars().count() + 1)
}

/// Line, from 1, of the byte offset `at`. Asked for every step of a suite, so it counts bytes, which compilers do many at
/// a time.
pub(crate) fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().map(|byte| usize::from(*byte == b'\n')).sum::<usize>() + 1
}

#[cfg(test)]
mod tests {
    use super::{nearest_key, position, unknown_key};

    #[test]
    fn unknown_keys_are_read_out_of_messages() {
        let message = "unknown field `stauts`, expected one of `send`, `status`, `data`";
        assert_eq!(unknown_key(message), Some(("stauts", vec!["send", "status", "data"])));
        assert_eq!(nearest_key(message), Some("status"));
        assert_eq!(nearest_key("unknown field `pasw`, expected `pass`"), Some("pass"));
        assert_eq!(nearest_key("invalid type: integer"), None);
        assert_eq!(unknown_key("unknown field `x`, there are no fields"), Some(("x", vec![])));
    }

    #[test]
    fn positions_count_from_one_and_in_characters() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("ab\ncd", 4), (2, 2));
        assert_eq!(position("ä\nöx", 5), (2, 2));
        assert_eq!(position("ab", 9), (1, 3));
    }
}
