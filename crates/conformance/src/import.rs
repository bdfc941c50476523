//! Cases from what other tools wrote down: scripts and transcripts of opensc-tool and scriptor, and of `cardlab apdu`.
//!
//! What the card must answer is what it answered; what is random by nature must have its length. PINs and keys are never
//! written: they are names, those of the values that are known, or new ones that the tester must give a value.

mod read;
mod write;

use crate::script::Source;
use crate::template::Variables;

/// Why a text is no script and no transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct ImportError {
    /// Name of the file.
    pub file: String,
    /// The line, the first is 1.
    pub line: usize,
    /// What is wrong there. It does not repeat the line, which can hold a PIN.
    pub what: &'static str,
}

/// What a tool did with a card.
#[derive(Clone, PartialEq, Eq)]
enum Entry {
    /// It reset the card.
    Reset,
    /// It sent a command.
    Command {
        /// Where.
        line: usize,
        /// Its bytes, as far as they are shown.
        command: Vec<Option<u8>>,
        /// The data and the status word, each as far as it is known.
        data: Option<Vec<u8>>,
        status: Option<u16>,
    },
}

/// Turns each file into one case for cards of `preset`, as a script. `known` are the values that the script can use:
/// secrets that are among them are called by their names.
///
/// # Errors
/// A line that is neither a command nor an answer, and a file without a command.
pub fn script(files: &[Source<'_>], preset: &str, known: &Variables) -> Result<String, ImportError> {
    let mut writer = write::Writer::new(preset, known);
    for file in files {
        writer.case(file.name, &read::entries(*file)?);
    }
    Ok(writer.finish())
}
