//! Commands as a text file: what was found, to be read, changed and played again.

use std::fmt;
use std::fmt::Write as _;

use card_wire::vpcd::MAX_BODY;
use card_wire::{Command, Ins, Status};
use thiserror::Error;

use super::watch::shortened;

/// One thing that is done to a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A reset.
    Reset,
    /// A command, of at least two bytes.
    Command(Vec<u8>),
}

/// Steps for a card that has just been started.
///
/// In a file each line is a command in hexadecimal or the word `reset`; spaces and colons between the digits are
/// ignored, and so is everything from a `#` on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Lines of text in front.
    pub head: Vec<String>,
    /// The steps, each with the number of its line; 1 for a script that was in no file.
    pub steps: Vec<(Step, usize)>,
    /// What the card answered, where it was recorded.
    pub answers: Vec<Vec<u8>>,
}

/// A line that is no step.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong. It does not repeat the line, which may hold a PIN.
    pub reason: String,
}

impl Script {
    /// Reads a script. Comments are not kept.
    ///
    /// # Errors
    /// [`ScriptError`] for the first line that is no step, and for a text without a step.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut steps = Vec::new();
        // Some editors put a mark in front.
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let step = if line.eq_ignore_ascii_case("reset") { Ok(Step::Reset) } else { command(line) };
            steps.push((step.map_err(|reason| ScriptError { line: number, reason })?, number));
        }
        if steps.is_empty() {
            return Err(ScriptError {
                line: text.lines().count().max(1),
                reason: "no command up to the end".to_owned(),
            });
        }
        Ok(Self { head: Vec::new(), steps, answers: Vec::new() })
    }

    /// A script of these steps.
    #[must_use]
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { head: Vec::new(), steps: steps.into_iter().map(|step| (step, 1)).collect(), answers: Vec::new() }
    }

    /// How many of the steps are commands.
    #[must_use]
    pub fn commands(&self) -> usize {
        self.steps.iter().filter(|(step, _)| matches!(step, Step::Command(_))).count()
    }
}

fn command(line: &str) -> Result<Step, String> {
    let digits: String = line.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err("neither a command in hexadecimal nor `reset`".to_owned());
    }
    let bytes = hex::decode(&digits).map_err(|_| "an odd number of hexadecimal digits".to_owned())?;
    if !(2..=MAX_BODY).contains(&bytes.len()) {
        return Err(format!("a command has 2 to 65,535 bytes, not {}", bytes.len()));
    }
    Ok(Step::Command(bytes))
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.head {
            // A comment stays one, whatever the card's program wrote.
            writeln!(f, "# {}", line.replace(['\n', '\r'], " "))?;
        }
        let mut answers = self.answers.iter();
        for (step, _) in &self.steps {
            match step {
                Step::Reset => writeln!(f, "reset")?,
                Step::Command(bytes) => {
                    writeln!(f, "{}  # {}", hex::encode_upper(bytes), note(bytes, answers.next()))?;
                }
            }
        }
        Ok(())
    }
}

/// A command's name and what came of it.
fn note(bytes: &[u8], answer: Option<&Vec<u8>>) -> String {
    let mut note = match (bytes.get(1), Command::parse(bytes)) {
        (Some(ins), Ok(command)) => {
            let mut text = Ins(*ins).to_string();
            if !command.data.is_empty() {
                let _ = write!(text, ", {} bytes", command.data.len());
            }
            if command.ne > 0 {
                let _ = write!(text, ", Ne {}", command.ne);
            }
            text
        }
        (Some(ins), Err(_)) => format!("{}, malformed", Ins(*ins)),
        (None, _) => "no instruction".to_owned(),
    };
    match answer.map(|answer| (answer, Status::split(answer))) {
        Some((_, Some(([], status)))) => _ = write!(note, " -> {status}"),
        Some((_, Some((data, status)))) => _ = write!(note, " -> {} {status}", shortened(data)),
        Some((answer, None)) => _ = write!(note, " -> {} bytes: {}", answer.len(), shortened(answer)),
        None => {}
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let steps = [Step::Reset, Step::Command(vec![0, 0xA4, 4, 0, 1, 7]), Step::Command(vec![0xFF, 2])];
        let mut script = Script::of(steps.clone());
        script.head.push("found\nreset".to_owned());
        script.answers = vec![vec![0x6A, 0x82], vec![1, 2, 0x90, 0]];
        let text = script.to_string();
        assert!(text.starts_with("# found reset\nreset\n00A404000107  # SELECT, 1 bytes -> 6A82 ("), "{text}");
        assert!(text.ends_with("FF02  # INS 02, malformed -> 0102 9000 (success)\n"), "{text}");
        let read: Vec<Step> = Script::parse(&text).unwrap().steps.into_iter().map(|(step, _)| step).collect();
        assert_eq!(read, steps);
    }

    #[test]
    fn mistakes_name_their_line_and_do_not_repeat_it() {
        let error = |text| Script::parse(text).unwrap_err().to_string();
        assert_eq!(error("# x\n\n00 A4 0\n"), "line 3: an odd number of hexadecimal digits");
        assert_eq!(error("00A40400\nPIN 123456"), "line 2: neither a command in hexadecimal nor `reset`");
        assert_eq!(error("00"), "line 1: a command has 2 to 65,535 bytes, not 1");
        assert_eq!(error("# nothing\n"), "line 1: no command up to the end");
        assert_eq!(Script::parse("\u{FEFF}00A40400").unwrap().steps.len(), 1);
        assert_eq!(Script::parse("Reset # x\n00:a4 04 00").unwrap().steps[1].1, 2);
    }
}
