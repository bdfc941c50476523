//! From script files to checked cases. Every mistake is found here, before a card sees anything.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use card_wire::Status;
use serde::Deserialize;
use toml::Spanned;

use crate::cipher::Hash;
use crate::clauses;
use crate::error::{ScriptError, ScriptErrorKind, position};
use crate::pattern::Pattern;
use crate::script::{Action, Capture, Case, Path, Source, Step, Suite, Verify};
use crate::template::{Template, Variables, is_name};
use crate::verify::Scheme;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    values: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    setups: BTreeMap<Spanned<String>, RawSetup>,
    #[serde(default, rename = "case")]
    cases: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSetup {
    #[serde(default)]
    after: Vec<Spanned<String>>,
    steps: Vec<Spanned<RawStep>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    id: Spanned<String>,
    title: Spanned<String>,
    clause: Spanned<String>,
    source: Option<String>,
    preset: Spanned<String>,
    #[serde(default)]
    stateless: bool,
    #[serde(default)]
    setup: Vec<Spanned<String>>,
    steps: Vec<Spanned<RawStep>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    send: Option<Spanned<String>>,
    reset: Option<Spanned<bool>>,
    check: Option<Spanned<String>>,
    encrypt: Option<RawEncrypt>,
    aes: Option<RawAes>,
    oaep: Option<RawOaep>,
    status: Option<Spanned<String>>,
    repeat: Option<Spanned<usize>>,
    count: Option<Spanned<String>>,
    data: Option<Spanned<String>>,
    #[serde(default)]
    tlv: BTreeMap<Spanned<String>, Spanned<String>>,
    verify: Option<RawVerify>,
    #[serde(default)]
    capture: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEncrypt {
    modulus: Spanned<String>,
    block: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAes {
    key: Spanned<String>,
    block: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOaep {
    modulus: Spanned<String>,
    message: Spanned<String>,
    hash: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVerify {
    scheme: Spanned<String>,
    key: Spanned<String>,
    over: Spanned<String>,
    signature: Option<Spanned<String>>,
}

type Loading<T> = Result<T, ScriptError>;

/// Setups before one case, each counted as often as it is played: far more than a case ever means.
const MAX_SETUPS: usize = 1000;

/// A file that is being loaded: turns byte offsets into errors.
#[derive(Clone, Copy)]
struct Script<'a>(Source<'a>);

impl Script<'_> {
    fn error(&self, span: Range<usize>, kind: ScriptErrorKind) -> ScriptError {
        ScriptError::at(self.0.name, self.0.text, span.start, kind)
    }

    fn raw(&self) -> Loading<RawFile> {
        toml::from_str(self.0.text)
            .map_err(|error| self.error(error.span().unwrap_or_default(), ScriptErrorKind::Toml(Box::new(error))))
    }

    fn template(&self, text: &Spanned<String>) -> Loading<Template> {
        Template::parse(text.get_ref()).map_err(|error| self.error(text.span(), error.into()))
    }

    fn pattern(&self, text: &Spanned<String>) -> Loading<Pattern> {
        Pattern::parse(text.get_ref()).map_err(|error| self.error(text.span(), error.into()))
    }

    fn name(&self, name: &Spanned<String>) -> Loading<String> {
        if is_name(name.get_ref()) {
            Ok(name.get_ref().clone())
        } else {
            Err(self.error(name.span(), ScriptErrorKind::Name))
        }
    }

    fn duplicate(&self, name: &Spanned<String>) -> ScriptError {
        self.error(name.span(), ScriptErrorKind::Duplicate { name: name.get_ref().clone() })
    }
}

/// A named list of steps, and the file it is from.
struct Setup<'a> {
    script: Script<'a>,
    after: Vec<Spanned<String>>,
    steps: Vec<Spanned<RawStep>>,
}

/// What all files together define.
#[derive(Default)]
struct Shared<'a> {
    values: Variables,
    setups: BTreeMap<String, Setup<'a>>,
    clauses: BTreeSet<String>,
}

/// Loads scripts and the clauses they may cite.
pub(crate) fn suite(clauses_file: Source<'_>, scripts: &[Source<'_>]) -> Loading<Suite> {
    let clauses = clauses::load(clauses_file)?;
    let mut shared = Shared { clauses: clauses.iter().map(|clause| clause.id.clone()).collect(), ..Shared::default() };
    let mut files = Vec::new();
    for source in scripts {
        let script = Script(*source);
        let raw = script.raw()?;
        shared.add(script, raw.values, raw.setups)?;
        files.push((script, raw.cases));
    }
    let mut ids = BTreeSet::new();
    let mut cases = Vec::new();
    for (script, raw_cases) in files {
        for raw in raw_cases {
            if !ids.insert(raw.id.get_ref().clone()) {
                return Err(script.duplicate(&raw.id));
            }
            cases.push(shared.case(script, &raw)?);
        }
    }
    Ok(Suite { cases, values: shared.values, clauses })
}

impl<'a> Shared<'a> {
    fn add(
        &mut self,
        script: Script<'a>,
        values: BTreeMap<Spanned<String>, Spanned<String>>,
        setups: BTreeMap<Spanned<String>, RawSetup>,
    ) -> Loading<()> {
        for (name, value) in values {
            let bytes = script.template(&value)?.bytes(&Variables::new());
            let bytes = bytes.map_err(|error| script.error(value.span(), error.into()))?;
            if self.values.insert(script.name(&name)?, bytes).is_some() {
                return Err(script.duplicate(&name));
            }
        }
        for (name, raw) in setups {
            let setup = Setup { script, after: raw.after, steps: raw.steps };
            if self.setups.insert(script.name(&name)?, setup).is_some() {
                return Err(script.duplicate(&name));
            }
        }
        Ok(())
    }

    fn case(&self, script: Script<'_>, raw: &RawCase) -> Loading<Case> {
        let id = script.name(&raw.id)?;
        let clause = raw.clause.get_ref();
        if clause != "unsourced" && !self.clauses.contains(clause) {
            let kind = ScriptErrorKind::UnknownClause { name: clause.clone() };
            return Err(script.error(raw.clause.span(), kind));
        }
        if raw.title.get_ref().trim().is_empty() {
            return Err(script.error(raw.title.span(), ScriptErrorKind::Title));
        }
        if raw.steps.is_empty() {
            return Err(script.error(raw.id.span(), ScriptErrorKind::Empty));
        }
        let mut steps = Vec::new();
        let mut known: BTreeSet<String> = self.values.keys().cloned().collect();
        let mut played = 0;
        for name in &raw.setup {
            self.unfold(script, name, &mut Vec::new(), &mut played, &mut known, &mut steps)?;
        }
        let setup_steps = steps.len();
        for raw_step in &raw.steps {
            steps.push(step(script, raw_step, &mut known)?);
        }
        Ok(Case {
            id,
            title: raw.title.get_ref().clone(),
            clause: (clause != "unsourced").then(|| clause.clone()),
            source: raw.source.clone(),
            preset: script.name(&raw.preset)?,
            stateless: raw.stateless,
            file: script.0.name.to_owned(),
            line: position(script.0.text, raw.id.span().start).0,
            steps,
            setups: raw.setup.iter().map(|name| name.get_ref().clone()).collect(),
            setup_steps,
        })
    }

    /// Appends the steps of a setup and of those it needs. Two names in each `after` would double the work with each
    /// level, so the setups of a case are counted.
    fn unfold(
        &self,
        script: Script<'_>,
        name: &Spanned<String>,
        open: &mut Vec<String>,
        played: &mut usize,
        known: &mut BTreeSet<String>,
        steps: &mut Vec<Step>,
    ) -> Loading<()> {
        let wanted = name.get_ref();
        *played += 1;
        if *played > MAX_SETUPS {
            return Err(script.error(name.span(), ScriptErrorKind::TooManySetups { max: MAX_SETUPS }));
        }
        if open.contains(wanted) {
            return Err(script.error(name.span(), ScriptErrorKind::SetupCycle { name: wanted.clone() }));
        }
        let setup = self
            .setups
            .get(wanted)
            .ok_or_else(|| script.error(name.span(), ScriptErrorKind::UnknownSetup { name: wanted.clone() }))?;
        open.push(wanted.clone());
        for before in &setup.after {
            self.unfold(setup.script, before, open, played, known, steps)?;
        }
        open.pop();
        for raw in &setup.steps {
            steps.push(step(setup.script, raw, known)?);
        }
        Ok(())
    }
}

fn step(script: Script<'_>, spanned: &Spanned<RawStep>, known: &mut BTreeSet<String>) -> Loading<Step> {
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
    let line = position(script.0.text, spanned.span().start).0;
    let step = Step { file: script.0.name.to_owned(), line, action, data, tlv, verify, captures };
    let counts = matches!(step.action, Action::Send { count: Some(_), .. });
    let unknown = |name: &&str| !(known.contains(*name) || counts && *name == "n");
    if let Some(name) = step.names().into_iter().find(unknown) {
        let kind = ScriptErrorKind::UnknownVariable { name: name.to_owned() };
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
    if !sends && (raw.status.is_some() || raw.repeat.is_some() || raw.count.is_some()) {
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
            Ok(Action::Send { command: script.template(command)?, status: status_word(script, status)?, repeat, count })
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
    if usize::from(number) + repeat > 0x1_0000 || repeat < 2 { Err(wrong()) } else { Ok(number) }
}

fn status_word(script: Script<'_>, text: &Spanned<String>) -> Loading<Status> {
    let digits = text.get_ref();
    let word = (digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| u16::from_str_radix(digits, 16).ok())
        .flatten();
    word.map(Status).ok_or_else(|| script.error(text.span(), ScriptErrorKind::Status))
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
