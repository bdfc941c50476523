//! Files of commands in hexadecimal, one a line, as other people keep them: read as sequences.

use crate::sequence::{Control, OwnedStep, Sequence};

/// A line that is no command, or a file without any. Does not repeat the line, which may hold a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Not hexadecimal digits.
    #[error("line {line}: neither a command in hexadecimal digits nor `reset`")]
    Line {
        /// Number of the line, from 1.
        line: usize,
    },
    /// Nothing to send.
    #[error("there is no command in it")]
    Empty,
}

/// Reads one file. A blank line or the word `reset` is a reset, `#` begins a comment, spaces and colons between digits are read over.
///
/// # Errors
/// [`ImportError`] for the first line that is none of these, and for a file without a command.
pub fn sequence(choice: u8, text: &str) -> Result<Sequence, ImportError> {
    let mut steps = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let comment = content.trim_start().starts_with('#');
        let content = content.split('#').next().unwrap_or_default();
        let digits: String = content.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
        if digits.is_empty() || digits == "reset" {
            // Several blank lines are one reset, and none is needed before the first command.
            let wanted = !comment && !matches!(steps.last(), None | Some(OwnedStep::Control(Control::Reset)));
            steps.extend(wanted.then_some(OwnedStep::Control(Control::Reset)));
            continue;
        }
        steps.push(OwnedStep::Command(hex::decode(&digits).map_err(|_| ImportError::Line { line })?));
    }
    let sequence = Sequence { choice, steps };
    if sequence.commands().next().is_none() { Err(ImportError::Empty) } else { Ok(sequence) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_comments_and_resets() {
        let text = "# begin\n\n00 A4:00 0C 02 3F00 # MF\n00b0000000\n\n\n0084000008\n";
        let read = sequence(4, text).unwrap();
        let commands: Vec<String> = read.commands().map(hex::encode).collect();
        assert_eq!(commands, ["00a4000c023f00", "00b0000000", "0084000008"]);
        assert_eq!(read.steps[2], OwnedStep::Control(Control::Reset));
        assert_eq!(read.steps.len(), 4);
    }

    #[test]
    fn a_line_that_is_no_command_is_named() {
        assert_eq!(sequence(0, "00A4\nhello"), Err(ImportError::Line { line: 2 }));
        assert_eq!(sequence(0, "# only words\n\nreset\n"), Err(ImportError::Empty));
        assert_eq!(sequence(0, "00A4\nreset\n00B0").unwrap().steps.len(), 3);
        assert!(sequence(0, "00A").is_err());
    }
}
