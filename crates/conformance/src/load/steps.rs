//! From the steps of a file to checked steps.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use card_wire::Status;
use toml::Spanned;

use super::raw::{RawAes, RawEncrypt, RawOaep, RawStatus, RawStep, RawVerify};
use super::{Loading, Script};
use crate::cipher::Hash;
use crate::error::{self, ScriptErrorKind};
use crate::needs;
use crate::pattern::Pattern;
use crate::script::{Action, Capture, Expected, Path, Step, Verify};
use crate::template::Template;
use crate::verify::Scheme;

pub(super) fn step(script: Script<'_>, spanned: &Spanned<RawStep>, known: &mut BTreeSet<String>) -> Loading<Step> {
    let raw = spanned.get_ref();
    let action = action(script, spanned)?;
    let tlv = raw.tlv.iter().map(|(path, pattern)| {
        let parsed = Path::parse(path.get_ref()).ok_or_else(|| script.error(path.span(), ScriptErrorKind::Path))?;
        Ok((parsed, script.pattern(pattern)?))
    });
    let tlv = tlv.collect::<Loading<Vec<_>>>()?;
    let verify = raw.verify.as_ref().map(|verify| verification(script, verify)).transpose()?;
    let data = match &raw.data {
        Some(pattern) => script.pattern(pattern)?,
        None if matches!(action, Action::Send { .. }) && tlv.is_empty() && verify.is_none() => Pattern::nothing(),
        None => Pattern::anything(),
    };
    let captures = raw.capture.iter().map(|(name, part)| {
        let parsed =
            Capture::parse(part.get_ref()).ok_or_else(|| script.error(part.span(), ScriptErrorKind::Capture))?;
        Ok((script.name(name)?, parsed))
    });
    let captures = captures.collect::<Loading<Vec<_>>>()?;
    let line = error::line(script.0.text, spanned.span().start);
    let file = script.0.name.to_owned();
    let step = Step { file, line, action, data, tlv, verify, captures, timing: raw.timing };
    let counts = matches!(step.action, Action::Send { count: Some(_), .. });
    let unknown = |name: &&str| !(known.contains(*name) || counts && *name == "n");
    if let Some(name) = step.names().into_iter().find(unknown) {
        let nearest = needs::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        let kind = ScriptErrorKind::UnknownVariable { name: name.to_owned(), nearest };
        return Err(script.error(name_span(script, spanned.span(), name), kind));
    }
    known.extend(step.captures.iter().map(|(name, _)| name.clone()));
    Ok(step)
}

/// Where in the step the name is used.
fn name_span(script: Script<'_>, step: Range<usize>, name: &str) -> Range<usize> {
    let text = script.0.text.get(step.clone()).unwrap_or_default();
    let at = text.find(&format!("${{{name}")).unwrap_or(0);
    step.start + at..step.end
}

fn action(script: Script<'_>, spanned: &Spanned<RawStep>) -> Loading<Action> {
    let raw = spanned.get_ref();
    let wrong = |kind| script.error(spanned.span(), kind);
    let sends = raw.send.is_some();
    if !sends
        && (raw.status.is_some() || !raw.expect.is_empty() || raw.timing || raw.repeat.is_some() || raw.count.is_some())
    {
        return Err(wrong(ScriptErrorKind::CommandOnly));
    }
    match (&raw.send, &raw.reset, &raw.check, computation(script, raw)?.as_slice()) {
        (Some(command), None, None, []) => {
            let status = raw.status.as_ref().ok_or_else(|| wrong(ScriptErrorKind::StatusMissing))?;
            let repeat = raw.repeat.as_ref().map_or(1, |repeat| *repeat.get_ref());
            if repeat == 0 {
                return Err(wrong(ScriptErrorKind::Repeat));
            }
            let count = raw.count.as_ref().map(|first| count(script, first, repeat)).transpose()?;
            Ok(Action::Send {
                command: script.template(command)?,
                status: expected(script, status, &raw.expect)?,
                repeat,
                count,
            })
        }
        (None, Some(reset), None, []) if *reset.get_ref() => Ok(Action::Reset),
        (None, None, Some(bytes), []) => Ok(Action::Check(script.template(bytes)?)),
        (None, None, None, [computation]) => Ok(computation.clone()),
        _ => Err(wrong(ScriptErrorKind::StepKind)),
    }
}

/// What the step computes for the host: nothing, or one thing if it is right.
fn computation(script: Script<'_>, raw: &RawStep) -> Loading<Vec<Action>> {
    let mut found = Vec::new();
    if let Some(RawEncrypt { modulus, block }) = &raw.encrypt {
        found.push(Action::Encrypt { modulus: script.template(modulus)?, block: script.template(block)? });
    }
    if let Some(RawAes { key, block }) = &raw.aes {
        found.push(Action::Aes { key: script.template(key)?, block: script.template(block)? });
    }
    if let Some(RawOaep { modulus, message, hash }) = &raw.oaep {
        let (modulus, message) = (script.template(modulus)?, script.template(message)?);
        let hash = Hash::named(hash.get_ref()).ok_or_else(|| script.error(hash.span(), ScriptErrorKind::Hash))?;
        found.push(Action::Oaep { modulus, message, hash });
    }
    Ok(found)
}

/// The first number of a repeated command; the last has two bytes too.
fn count(script: Script<'_>, first: &Spanned<String>, repeat: usize) -> Loading<u16> {
    let wrong = || script.error(first.span(), ScriptErrorKind::Count);
    let digits = first.get_ref();
    let number = if digits.len() == 4 { u16::from_str_radix(digits, 16).ok() } else { None };
    let number = number.ok_or_else(wrong)?;
    let numbers = 2..=0x1_0000 - usize::from(number);
    if numbers.contains(&repeat) { Ok(number) } else { Err(wrong()) }
}

/// The status words that a command may answer, on every card and on some.
fn expected(
    script: Script<'_>,
    status: &Spanned<RawStatus>,
    of_card: &BTreeMap<Spanned<String>, Spanned<RawStatus>>,
) -> Loading<Expected> {
    let of_card = of_card.iter().map(|(name, status)| Ok((name.get_ref().clone(), status_words(script, status)?)));
    Ok(Expected::new(status_words(script, status)?, of_card.collect::<Loading<Vec<_>>>()?))
}

fn status_words(script: Script<'_>, status: &Spanned<RawStatus>) -> Loading<Vec<Status>> {
    let words = match status.get_ref() {
        RawStatus::One(word) => std::slice::from_ref(word),
        RawStatus::Several(words) => words.as_slice(),
    };
    let words: Option<Vec<Status>> = words.iter().map(|word| status_word(word)).collect();
    words.filter(|words| !words.is_empty()).ok_or_else(|| script.error(status.span(), ScriptErrorKind::Status))
}

fn status_word(digits: &str) -> Option<Status> {
    let right = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    right.then(|| u16::from_str_radix(digits, 16).ok()).flatten().map(Status)
}

fn verification(script: Script<'_>, raw: &RawVerify) -> Loading<Verify> {
    let scheme =
        Scheme::named(raw.scheme.get_ref()).ok_or_else(|| script.error(raw.scheme.span(), ScriptErrorKind::Scheme))?;
    let signature = raw.signature.as_ref().map(|signature| script.template(signature)).transpose()?;
    Ok(Verify { scheme, key: script.template(&raw.key)?, over: script.template(&raw.over)?, signature })
}

impl Step {
    /// Every name that the step uses.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.data.names();
        match &self.action {
            Action::Send { command: template, .. } | Action::Check(template) => names.extend(template.names()),
            Action::Encrypt { modulus: first, block: second }
            | Action::Aes { key: first, block: second }
            | Action::Oaep { modulus: first, message: second, .. } => {
                names.extend(first.names().chain(second.names()));
            }
            Action::Reset => {}
        }
        names.extend(self.tlv.iter().flat_map(|(_, pattern)| pattern.names()));
        if let Some(Verify { key, over, signature, .. }) = &self.verify {
            names.extend(key.names().chain(over.names()));
            names.extend(signature.iter().flat_map(Template::names));
        }
        names
    }
}
