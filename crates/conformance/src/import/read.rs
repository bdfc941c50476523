//! Reads scripts and transcripts, line by line: each kind of line is of one tool only.

use super::{Entry, ImportError};
use crate::script::Source;

/// Bytes in a line of opensc-tool's dumps.
const DUMP: usize = 16;

/// All that a file says was done, in order.
pub(super) fn entries(file: Source<'_>) -> Result<Vec<Entry>, ImportError> {
    let mut reader = Reader {
        file: file.name,
        line: 0,
        entries: Vec::new(),
        dump: false,
        begun: String::new(),
        answer: Vec::new(),
        echoed: 0,
    };
    for (at, line) in file.text.lines().enumerate() {
        reader.line = at + 1;
        reader.take(line)?;
    }
    if reader.entries.iter().any(|entry| matches!(entry, Entry::Command { .. })) {
        Ok(reader.entries)
    } else {
        Err(reader.wrong("there is no command in this file"))
    }
}

struct Reader<'f> {
    file: &'f str,
    line: usize,
    entries: Vec<Entry>,
    /// The next line can go on with the dump of an answer.
    dump: bool,
    /// A line of a script that goes on behind its backslash.
    begun: String,
    /// What scriptor has shown of an answer that goes on in the next line.
    answer: Vec<u8>,
    /// So many of the last entries are from a script or a call. Where it stands before what the tool says, each of them
    /// comes again.
    echoed: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &'static str) -> ImportError {
        ImportError { file: self.file.to_owned(), line: self.line, what }
    }

    fn take(&mut self, line: &str) -> Result<(), ImportError> {
        if std::mem::take(&mut self.dump) && self.take_dump(line) {
            return Ok(());
        }
        let text = line.trim();
        let is_status = line.starts_with("  ") && text.get(4..6) == Some(" (");
        // What the tools say about readers and themselves, and breaches in our own transcripts.
        let noise =
            ["Using ", "Connecting to ", "Waiting for ", "No reader given", "Reading commands", "Trying ", "! ", "#"];
        if !self.answer.is_empty() {
            return self.more_answer(text);
        }
        if text.is_empty() || noise.iter().any(|noise| text.starts_with(noise)) {
            Ok(())
        } else if let Some(command) = text.strip_prefix("Sending:").or_else(|| text.strip_prefix("> ")) {
            let echoed = std::mem::take(&mut self.echoed);
            self.entries.truncate(self.entries.len() - echoed);
            self.command(command.trim())
        } else if text.starts_with("Received (") {
            self.received(text)
        } else if let Some(answer) = text.strip_prefix("< ") {
            self.answer(answer.trim())
        } else if is_status {
            let status = text.get(..4).and_then(|word| u16::from_str_radix(word, 16).ok());
            let status = status.ok_or_else(|| self.wrong("a status word has four hexadecimal digits"))?;
            self.answered(None, Some(status))
        } else if text.contains("opensc-tool") || text.starts_with("-s") || text.starts_with("--send-apdu") {
            self.tool(text)
        } else if let Some(begun) = text.strip_suffix('\\') {
            self.begun += begun;
            Ok(())
        } else if text.eq_ignore_ascii_case("exit") {
            Ok(())
        } else {
            let command = std::mem::take(&mut self.begun) + text;
            self.command(&command)?;
            self.echoed += 1;
            Ok(())
        }
    }

    /// The next line of an answer that scriptor breaks after each sixteen bytes.
    fn more_answer(&mut self, text: &str) -> Result<(), ImportError> {
        let (bytes, last) = text.split_once(" :").map_or((text, false), |(bytes, _)| (bytes, true));
        self.answer.extend(hexadecimal(bytes).ok_or_else(|| self.wrong("an answer is hexadecimal"))?);
        if last { self.whole_answer() } else { Ok(()) }
    }

    /// An answer of scriptor, its status word at its end.
    fn whole_answer(&mut self) -> Result<(), ImportError> {
        let mut data = std::mem::take(&mut self.answer);
        let status = data.split_last_chunk::<2>().map(|(_, status)| u16::from_be_bytes(*status));
        let status = status.ok_or_else(|| self.wrong("an answer has a status word"))?;
        data.truncate(data.len() - 2);
        self.answered(Some(data), Some(status))
    }

    /// A command in hexadecimal, one whose data our own tool does not show, or a reset.
    fn command(&mut self, text: &str) -> Result<(), ImportError> {
        if text.eq_ignore_ascii_case("reset") {
            self.entries.push(Entry::Reset);
            return Ok(());
        }
        let (bytes, note) = text.split_once('(').map_or((text, None), |(bytes, note)| (bytes, Some(note)));
        let bytes = hexadecimal(bytes).ok_or_else(|| self.wrong("this is neither a command nor an answer"))?;
        if bytes.len() < 4 {
            return Err(self.wrong("a command has at least four bytes"));
        }
        let mut command: Vec<Option<u8>> = bytes.into_iter().map(Some).collect();
        if let Some(note) = note {
            let len = note.split_once(", ").and_then(|(_, rest)| rest.split_once(" bytes of data not shown"));
            let len = len.and_then(|(len, _)| len.parse::<u16>().ok()).filter(|len| *len > 0 && command.len() == 4);
            let len = len.ok_or_else(|| self.wrong("this is no command as `cardlab apdu` shows it"))?;
            match u8::try_from(len) {
                Ok(short) => command.push(Some(short)),
                Err(_) => command.extend([0].iter().chain(&len.to_be_bytes()).map(|byte| Some(*byte))),
            }
            command.extend(std::iter::repeat_n(None, usize::from(len)));
        }
        self.entries.push(Entry::Command { line: self.line, command, data: None, status: None });
        Ok(())
    }

    /// The words of a call of opensc-tool: `-s APDU`, `--send-apdu APDU`, with and without what joins them.
    fn tool(&mut self, text: &str) -> Result<(), ImportError> {
        let before = self.entries.len();
        let words = words(text);
        let mut words = words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            let joined = ["--send-apdu=", "-s"].iter().find_map(|option| word.strip_prefix(option));
            match (word, joined) {
                ("-s" | "--send-apdu", _) => {
                    let apdu = words.next().ok_or_else(|| self.wrong("there is no command behind -s"))?;
                    self.command(apdu)?;
                }
                (_, Some(apdu)) if hexadecimal(apdu).is_some() => self.command(apdu)?,
                ("-r" | "--reader" | "-c" | "--card-driver", _) => drop(words.next()),
                _ => {}
            }
        }
        self.echoed += self.entries.len() - before;
        Ok(())
    }

    fn received(&mut self, text: &str) -> Result<(), ImportError> {
        let byte = |name: &str| {
            let (_, behind) = text.split_once(name)?;
            u8::from_str_radix(behind.get(..2)?, 16).ok()
        };
        let (Some(sw1), Some(sw2)) = (byte("SW1=0x"), byte("SW2=0x")) else {
            return Err(self.wrong("a received answer has SW1=0x.. and SW2=0x.."));
        };
        self.dump = text.ends_with(':');
        self.answered(Some(Vec::new()), Some(u16::from_be_bytes([sw1, sw2])))
    }

    /// A line of a dump: up to sixteen bytes, each with a space, then as many characters.
    fn take_dump(&mut self, line: &str) -> bool {
        let byte = |at: usize| {
            let pair = line.get(at * 3..at * 3 + 2)?;
            u8::from_str_radix(pair, 16)
                .ok()
                .filter(|_| line.get(at * 3 + 2..at * 3 + 3).is_none_or(|next| next == " "))
        };
        let bytes: Vec<u8> = (0..DUMP).map_while(byte).collect();
        let Some(Entry::Command { data: Some(data), .. }) = self.entries.last_mut() else { return false };
        data.extend(&bytes);
        self.dump = bytes.len() == DUMP;
        !bytes.is_empty()
    }

    /// scriptor's `hexadecimal : meaning`, with the status word, and ours without it; or an ATR.
    fn answer(&mut self, text: &str) -> Result<(), ImportError> {
        if matches!(self.entries.last(), Some(Entry::Reset)) {
            return Ok(());
        }
        let (bytes, last) = text.split_once(" :").map_or((text, false), |(bytes, _)| (bytes, true));
        let data = hexadecimal(bytes).ok_or_else(|| self.wrong("an answer is hexadecimal"))?;
        if last {
            self.answer = data;
            self.whole_answer()
        } else if bytes.contains(' ') {
            // Our own tool puts no spaces between bytes.
            self.answer = data;
            Ok(())
        } else {
            self.answered(Some(data), None)
        }
    }

    fn answered(&mut self, came: Option<Vec<u8>>, word: Option<u16>) -> Result<(), ImportError> {
        self.echoed = 0;
        match self.entries.last_mut() {
            Some(Entry::Command { data, status, .. }) if status.is_none() && (came.is_none() || data.is_none()) => {
                if let Some(came) = came {
                    *data = Some(came);
                }
                // A status word alone: there was no data.
                data.get_or_insert_default();
                *status = word;
                Ok(())
            }
            _ => Err(self.wrong("this answers no command")),
        }
    }
}

/// Bytes with spaces or colons anywhere between them; at least one.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    hex::decode(digits).ok().filter(|bytes| !bytes.is_empty())
}

/// Words as a shell sees them, as far as quotes go.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
