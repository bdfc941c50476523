//! Mistakes in files of a tester, underlined where they stand.

use std::io::IsTerminal as _;

use card_conformance::ScriptError;
use card_conformance::suite::SuiteError;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

/// A longer line is cut off by the terminal anyway.
const WIDTH: usize = 120;

/// The mistake as an error whose text shows the line that it stands on.
pub(super) fn underlined(error: &ScriptError, text: &str) -> anyhow::Error {
    let plain = error.to_string();
    let kind = error.kind.to_string();
    // What is meant stands under the line, what is wrong above it.
    let (what, meant) =
        kind.rsplit_once("; ").filter(|(_, meant)| meant.ends_with("meant?")).unwrap_or((&kind, "here"));
    let span = LabeledSpan::at(span(text, error.line, error.column), meant);
    let report = Report::new(MietteDiagnostic::new(what).with_label(span))
        .with_source_code(NamedSource::new(&error.file, text.to_owned()));
    let theme =
        if std::io::stderr().is_terminal() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut shown = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false).with_context_lines(1);
    match handler.render_report(&mut shown, report.as_ref()) {
        Ok(()) => anyhow::anyhow!("{}\n{}", place(error), shown.trim_end()),
        Err(_) => anyhow::anyhow!(plain),
    }
}

/// The mistake in a card file, underlined. What stands there in quotes or is a long number may be a secret that does not
/// belong there, and is not shown.
pub(super) fn of_card(error: &ScriptError, text: &str) -> anyhow::Error {
    underlined(error, &masked(text))
}

/// The text with an asterisk for each byte of its strings and longer numbers.
fn masked(text: &str) -> String {
    let mut shown = String::new();
    for line in text.split_inclusive('\n') {
        let value = line.find('=').map_or(line.len(), |at| at + 1);
        let (key, value) = line.split_at(value);
        shown += key;
        let mut quote = None;
        for (at, c) in value.char_indices() {
            let long = c.is_ascii_alphanumeric() && run_len(value, at) > 3;
            match quote {
                Some(mark) if c == mark => quote = None,
                None if matches!(c, '"' | '\'') => quote = Some(c),
                Some(_) if c != '\n' => {
                    shown += &"*".repeat(c.len_utf8());
                    continue;
                }
                None if long && !value.contains('=') => {
                    shown.push('*');
                    continue;
                }
                _ => {}
            }
            shown.push(c);
        }
    }
    shown
}

/// Length of the letters and digits around a place.
fn run_len(text: &str, at: usize) -> usize {
    let is_run = |byte: &u8| byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    bytes[..at].iter().rev().take_while(|byte| is_run(byte)).count()
        + bytes[at..].iter().take_while(|byte| is_run(byte)).count()
}

/// The error of a suite, underlined where it is about a text.
pub(super) fn of_suite(error: SuiteError) -> anyhow::Error {
    match error {
        SuiteError::Script { error, text } => underlined(&error, &text),
        error => error.into(),
    }
}

fn place(error: &ScriptError) -> String {
    format!("{}:{}:{}: this is a mistake", error.file, error.line, error.column)
}

/// The bytes of the word or string that begins at a line and column, both from 1.
fn span(text: &str, line: usize, column: usize) -> std::ops::Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let rest = rest.lines().next().unwrap_or_default();
    let before: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    let from = rest.get(before..).unwrap_or_default();
    let word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '$' | '{' | '[');
    let len = match from.strip_prefix('"').and_then(|string| string.find('"')) {
        Some(end) => end + 2,
        None => from.find(|c| !word(c)).unwrap_or(from.len()),
    };
    let at = start + before;
    at..(at + len.max(1)).min(text.len()).max(at)
}

#[cfg(test)]
mod tests {
    use card_conformance::{Source, Suite};

    use super::*;

    #[test]
    fn words_and_strings_are_spans() {
        let text = "ä = \"x y\"\nkey_1 = 2\n";
        assert_eq!(text.get(span(text, 1, 5)), Some("\"x y\""));
        assert_eq!(text.get(span(text, 2, 1)), Some("key_1"));
        assert_eq!(text.get(span(text, 2, 9)), Some("2"));
        assert_eq!(span(text, 9, 9), text.len()..text.len());
        assert_eq!(span("", 1, 1), 0..0);
    }

    #[test]
    fn secrets_are_masked() {
        let text = "# my card\n[pin]\nvalue = \"123456\"\ntries = 3\nmax = 12345\nvalue = { env = \"É\" }\n";
        let shown = "# my card\n[pin]\nvalue = \"******\"\ntries = 3\nmax = *****\nvalue = { env = \"**\" }\n";
        assert_eq!(masked(text), shown);
        assert_eq!(masked(text).len(), text.len());
        assert_eq!(masked("a = '12"), "a = '**");
    }

    #[test]
    fn a_mistake_is_shown_with_its_line() {
        let text = "[[case]]\nid = \"a\"\ntilte = \"t\"\n";
        let error = Suite::load(Source { name: "c", text: "" }, &[Source { name: "my.toml", text }]).unwrap_err();
        let shown = underlined(&error, text).to_string();
        assert!(shown.starts_with("my.toml:3:1: this is a mistake\n"), "{shown}");
        assert!(shown.contains("unknown field `tilte`") && shown.contains("3 │ tilte = \"t\""), "{shown}");
        assert!(shown.contains("╰── is `title` meant?"), "{shown}");
    }
}
