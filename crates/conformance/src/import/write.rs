//! Writes what was read as a script.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use card_wire::Ins;

use super::Entry;
use crate::compare::is_made_random;
use crate::record::Part;
use crate::report::redact::{self, RawExchange, Secrets, Shown};
use crate::template::Variables;

/// Parts of known values that are shorter are too likely to be there by chance.
const SHORTEST_PART: usize = 8;

pub(super) struct Writer<'k> {
    preset: String,
    known: &'k Variables,
    cases: String,
    ids: BTreeSet<String>,
    /// Secrets that no value is known for: name, bytes where they are shown, how many, where they come from.
    unknown: Vec<Unknown>,
}

struct Unknown {
    name: String,
    bytes: Option<Vec<u8>>,
    len: usize,
    from: String,
}

impl<'k> Writer<'k> {
    pub(super) fn new(preset: &str, known: &'k Variables) -> Self {
        let (cases, ids, unknown) = (String::new(), BTreeSet::new(), Vec::new());
        Self { preset: preset.to_owned(), known, cases, ids, unknown }
    }

    pub(super) fn case(&mut self, file: &str, entries: &[Entry]) {
        let id = self.id(file);
        let shown_name: String = file.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
        let masked = masked(entries);
        let mut steps = String::new();
        let (mut has_new_key, mut random) = (false, false);
        let mut begun = false;
        for (entry, (command, answer)) in entries.iter().zip(masked) {
            match entry {
                // Every case begins with a card that was just reset.
                Entry::Reset if begun => steps += "  { reset = true },\n",
                Entry::Reset => {}
                Entry::Command { line, command: bytes, data, status } => {
                    let plain: Vec<u8> = bytes.iter().map(|byte| byte.unwrap_or_default()).collect();
                    if plain.get(1) != Some(&Ins::GET_RESPONSE.0) {
                        random = is_made_random(&plain, &mut has_new_key);
                    }
                    let send = self.command(&command, bytes, &format!("{shown_name} line {line}"));
                    let answer = data.as_ref().map(|data| (data.as_slice(), answer.as_slice()));
                    step(&mut steps, &send, answer, *status, random);
                }
            }
            begun = begun || matches!(entry, Entry::Command { .. });
        }
        let _ = write!(
            self.cases,
            "\n[[case]]\nid = \"{id}\"\ntitle = \"Imported from {shown_name}: {id}\"\nclause = \"unsourced\"\n\
             source = \"what a card answered\"\npreset = \"{}\"\nsteps = [\n{steps}]\n",
            self.preset
        );
    }

    pub(super) fn finish(self) -> String {
        let mut text =
            "# Imported. Give each case a title that says what it shows, and look at what is expected.\n".to_owned();
        if !self.unknown.is_empty() {
            text += "# These are secret and left out. Name them under [values] before the cases can be loaded; on a card\n\
                     # of somebody's the values of the card file go before those that stand here.\n";
            for Unknown { name, len, from, .. } in &self.unknown {
                let _ = writeln!(text, "#   {name} = \"…\"  # {len} bytes, {from}");
            }
        }
        text + &self.cases
    }

    /// A name that is free: that of the file, as far as names go.
    fn id(&mut self, file: &str) -> String {
        let stem = std::path::Path::new(file).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let word = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        let name: String = stem.chars().map(word).collect();
        let name = match name.trim_matches('-') {
            "" => "imported",
            name => name,
        };
        let mut id = name.to_owned();
        let mut number = 1;
        while !self.ids.insert(id.clone()) {
            number += 1;
            id = format!("{name}-{number}");
        }
        id
    }

    /// The command with names for what is secret in it.
    fn command(&mut self, shown: &[Option<u8>], bytes: &[Option<u8>], from: &str) -> String {
        let ins = bytes.get(1).copied().flatten().map_or(Ins(0), Ins);
        let mut text = String::new();
        let mut at = 0;
        let whole = self.whole(shown, bytes);
        while let Some(byte) = shown.get(at) {
            if let Some(byte) = byte {
                text += &hex::encode_upper([*byte]);
                // The header, and the length field behind it, stand apart.
                text += if at == 3 { " " } else { "" };
                at += 1;
                continue;
            }
            if let Some((len, name)) = &whole
                && !text.contains('$')
            {
                text = format!("{} {name} ", text.trim_end());
                at += len;
                continue;
            }
            let len = shown[at..].iter().take_while(|byte| byte.is_none()).count();
            let part = bytes.get(at..at + len).and_then(|part| part.iter().copied().collect::<Option<Vec<u8>>>());
            let names = self.names(part, len, ins, from);
            text = format!("{} {names} ", text.trim_end());
            at += len;
        }
        text.trim_end().to_owned()
    }

    /// Everything from the first hidden byte to the last, where that is a part of a value: its length and the part.
    fn whole(&self, shown: &[Option<u8>], bytes: &[Option<u8>]) -> Option<(usize, String)> {
        let first = shown.iter().position(Option::is_none)?;
        let last = shown.iter().rposition(Option::is_none)?;
        let bytes = bytes.get(first..=last)?.iter().copied().collect::<Option<Vec<u8>>>()?;
        Some((bytes.len(), known(&bytes, self.known)?))
    }

    /// Names whose values are together these bytes.
    fn names(&mut self, bytes: Option<Vec<u8>>, len: usize, ins: Ins, from: &str) -> String {
        if let Some(names) = bytes.as_ref().and_then(|bytes| known(bytes, self.known)) {
            return names;
        }
        let same = self.unknown.iter().find(|unknown| bytes.is_some() && unknown.bytes == bytes);
        if let Some(unknown) = same {
            return format!("${{{}}}", unknown.name);
        }
        let kind = match ins {
            Ins::RESET_RETRY_COUNTER => "puk",
            Ins::VERIFY
            | Ins::CHANGE_REFERENCE_DATA
            | Ins::ENABLE_VERIFICATION_REQUIREMENT
            | Ins::DISABLE_VERIFICATION_REQUIREMENT => "pin",
            _ => "key",
        };
        let name = format!("imported-{}-{kind}", self.unknown.len() + 1);
        self.unknown.push(Unknown { name: name.clone(), bytes, len, from: format!("{ins}, {from}") });
        format!("${{{name}}}")
    }
}

/// Values, two of them, or a part of one, that are these bytes.
fn known(bytes: &[u8], values: &Variables) -> Option<String> {
    // The plainest name first.
    let mut values: Vec<(&String, &[u8])> =
        values.iter().map(|(name, value)| (name, &**value)).filter(|(_, value)| value.len() >= 4).collect();
    values.sort_by_key(|(name, _)| (name.len(), *name));
    let named = |wanted: &[u8]| values.iter().find(|(_, value)| *value == wanted).map(|(name, _)| *name);
    if let Some(name) = named(bytes) {
        return Some(format!("${{{name}}}"));
    }
    let two = values.iter().find_map(|(first, value)| Some((*first, named(bytes.strip_prefix(*value)?)?)));
    if let Some((first, second)) = two {
        return Some(format!("${{{first}}} ${{{second}}}"));
    }
    let part = values.iter().filter(|_| bytes.len() >= SHORTEST_PART).find_map(|(name, value)| {
        let at = value.windows(bytes.len()).position(|part| part == bytes)?;
        Some((name, at))
    });
    part.map(|(name, at)| format!("${{{name}[{at}..{}]}}", at + bytes.len()))
}

/// Commands and data of answers with what is secret taken out: by its field, and wherever else its bytes are.
fn masked(entries: &[Entry]) -> Vec<(Shown, Shown)> {
    let raw = |entry: &Entry| {
        let (command, answer) = match entry {
            Entry::Reset => (None, None),
            Entry::Command { command, data, .. } => {
                let command = command.iter().map(|byte| byte.unwrap_or_default()).collect();
                (Some(command), data.clone())
            }
        };
        RawExchange { part: Part::Case, command, answer, micros: None, key_file: false }
    };
    let raw: Vec<RawExchange> = entries.iter().map(raw).collect();
    let by_field = shown(&Secrets::default(), &raw);
    let fields = raw.iter().zip(&by_field).flat_map(|(raw, (command, _))| hidden(raw.command.as_deref(), command));
    let mut all = shown(&Secrets::new(fields), &raw);
    for (entry, (command, _)) in entries.iter().zip(&mut all) {
        if let Entry::Command { command: bytes, .. } = entry {
            command.iter_mut().zip(bytes).filter(|(_, byte)| byte.is_none()).for_each(|(shown, _)| *shown = None);
        }
    }
    all
}

fn shown(secrets: &Secrets, raw: &[RawExchange]) -> Vec<(Shown, Shown)> {
    let bytes = |text: Option<String>| text.and_then(|text| redact::read(&text)).unwrap_or_default();
    secrets.redact(raw).into_iter().map(|shown| (bytes(shown.command), bytes(shown.answer))).collect()
}

/// The hidden parts of a command, without padding.
fn hidden(bytes: Option<&[u8]>, shown: &[Option<u8>]) -> Vec<Vec<u8>> {
    let pairs: Vec<(u8, bool)> =
        bytes.unwrap_or_default().iter().zip(shown).map(|(byte, shown)| (*byte, shown.is_none())).collect();
    let runs = pairs.chunk_by(|one, next| one.1 == next.1).filter(|run| run[0].1);
    let bare = |run: &[(u8, bool)]| {
        let end = run.iter().rposition(|(byte, _)| !matches!(byte, 0x00 | 0xFF)).map_or(0, |last| last + 1);
        run[..end].iter().map(|(byte, _)| *byte).collect()
    };
    runs.map(bare).collect()
}

fn step(steps: &mut String, send: &str, answer: Option<(&[u8], &[Option<u8>])>, status: Option<u16>, random: bool) {
    let data = match answer {
        Some(([], _)) => None,
        Some(([0x30, ..], _)) if random => Some("30 *".to_owned()),
        Some((data, _)) if random => Some(format!("len:{}", data.len())),
        Some((_, shown)) => {
            let byte = |byte: &Option<u8>| byte.map_or_else(|| "??".to_owned(), |byte| hex::encode_upper([byte]));
            Some(shown.iter().map(byte).collect())
        }
        None => Some("*".to_owned()),
    };
    let data = data.map_or_else(String::new, |data| format!(", data = \"{data}\""));
    let word = status.unwrap_or(0x9000);
    let doubt = if status.is_none() { "  # what it answered is not recorded" } else { "" };
    let _ = writeln!(steps, "  {{ send = \"{send}\", status = \"{word:04X}\"{data} }},{doubt}");
}
