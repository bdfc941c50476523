//! The golden file as a text, and back.

use std::collections::BTreeMap;
use std::fmt;

use super::{FORM, Golden, GoldenError, Kept, KeptExchange};
use crate::report::redact::{self, HIDDEN, Shown};
use crate::template::is_name;

impl fmt::Display for Golden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let atr = self.atr.as_ref().map_or_else(|| "-".to_owned(), hex::encode_upper);
        writeln!(f, "golden {FORM}\nprogram {}\natr {atr}", self.program)?;
        writeln!(f, "preset {}", self.preset.as_deref().unwrap_or("*"))?;
        for (id, case) in &self.cases {
            writeln!(f, "\ncase {id} {}", if case.passed { "passed" } else { "failed" })?;
            for exchange in &case.exchanges {
                let answer = exchange.answer.as_ref().map_or_else(|| "-".to_owned(), shown);
                let command = exchange.command.as_ref().map_or_else(|| "reset".to_owned(), shown);
                writeln!(f, "> {command}\n< {answer}")?;
            }
        }
        Ok(())
    }
}

impl Golden {
    /// Reads a golden file.
    ///
    /// # Errors
    /// The first line that is not of the form.
    pub fn read(text: &str) -> Result<Self, GoldenError> {
        let mut lines = Lines { lines: text.lines().enumerate().peekable(), last: 0 };
        if lines.header("golden ")? != FORM.to_string() {
            return Err(lines.wrong("this program reads `golden 1`"));
        }
        let program = lines.header("program ")?.to_owned();
        let atr = match lines.header("atr ")? {
            "-" => None,
            hex => Some(hex::decode(hex).map_err(|_| lines.wrong("an ATR is hexadecimal, or - where none is known"))?),
        };
        let preset = match lines.header("preset ")? {
            "*" => None,
            name => Some(name.to_owned()),
        };
        let mut cases = BTreeMap::new();
        while let Some(line) = lines.next() {
            let (id, verdict) = line.strip_prefix("case ").and_then(|line| line.split_once(' ')).unwrap_or_default();
            if !is_name(id) || !matches!(verdict, "passed" | "failed") {
                return Err(lines.wrong("a case begins with `case ID passed` or `case ID failed`"));
            }
            let kept = Kept { passed: verdict == "passed", exchanges: lines.exchanges()? };
            if cases.insert(id.to_owned(), kept).is_some() {
                return Err(lines.wrong("this case is there twice"));
            }
        }
        Ok(Self { program, atr, preset, cases })
    }
}

/// The lines that say something.
struct Lines<'t, I: Iterator<Item = (usize, &'t str)>> {
    lines: std::iter::Peekable<I>,
    last: usize,
}

impl<'t, I: Iterator<Item = (usize, &'t str)>> Lines<'t, I> {
    fn skip_empty(&mut self) {
        while self.lines.next_if(|(_, line)| line.trim().is_empty()).is_some() {}
    }

    fn next(&mut self) -> Option<&'t str> {
        self.next_if(|_| true)
    }

    fn next_if(&mut self, wanted: impl Fn(&str) -> bool) -> Option<&'t str> {
        self.skip_empty();
        let (at, line) = self.lines.next_if(|(_, line)| wanted(line))?;
        self.last = at + 1;
        Some(line.trim_end())
    }

    fn wrong(&self, what: &'static str) -> GoldenError {
        GoldenError::Form { line: self.last, what }
    }

    fn header(&mut self, key: &'static str) -> Result<&'t str, GoldenError> {
        let line = self.next().unwrap_or_default();
        line.strip_prefix(key).ok_or_else(|| self.wrong("a golden file begins with golden, program, atr and preset"))
    }

    fn exchanges(&mut self) -> Result<Vec<KeptExchange>, GoldenError> {
        let mut exchanges = Vec::new();
        while let Some(line) = self.next_if(|line| line.starts_with('>')) {
            let command = match line.strip_prefix("> ").unwrap_or_default() {
                "reset" => None,
                text => Some(
                    redact::read(text).ok_or_else(|| self.wrong("a command is hexadecimal, ·· for a hidden byte"))?,
                ),
            };
            let line = self.next().unwrap_or_default();
            let answer = match line.strip_prefix("< ") {
                Some("-") => None,
                Some(text) => {
                    Some(redact::read(text).ok_or_else(|| self.wrong("an answer is hexadecimal, or - for none"))?)
                }
                None => return Err(self.wrong("behind a command stands its answer: `< hexadecimal`")),
            };
            exchanges.push(KeptExchange { command, answer });
        }
        Ok(exchanges)
    }
}

fn shown(bytes: &Shown) -> String {
    let byte = |byte: &Option<u8>| byte.map_or_else(|| HIDDEN.to_owned(), |byte| hex::encode_upper([byte]));
    bytes.iter().map(byte).collect()
}
