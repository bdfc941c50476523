//! From script files to checked cases. Every mistake is found here, before a card sees anything.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

mod raw;
mod steps;
mod unfold;

use toml::Spanned;

use self::raw::{RawCase, RawFile, RawSetup, RawStep};
use self::steps::step;
use self::unfold::Unfolded;
use crate::clauses;
use crate::error::{self, ScriptError, ScriptErrorKind};
use crate::needs;
use crate::pattern::Pattern;
use crate::script::{CardState, Case, Operational, Source, Step, Suite};
use crate::tags::{self, Tag};
use crate::template::{Template, Variables, is_name};

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
    operational: Option<Vec<Spanned<RawStep>>>,
}

/// What all files together define.
#[derive(Default)]
struct Shared<'a> {
    values: Variables,
    setups: BTreeMap<String, Setup<'a>>,
    clauses: BTreeSet<String>,
    /// Names of values and setups that a script may define anew.
    provided: [BTreeSet<String>; 2],
}

/// Loads scripts and the clauses they may cite. `provided` are scripts whose values and setups these can use and
/// define anew; their cases are not loaded.
pub(crate) fn suite(clauses_files: &[Source<'_>], provided: &[Source<'_>], scripts: &[Source<'_>]) -> Loading<Suite> {
    let clauses = clauses::load(clauses_files)?;
    let mut shared = Shared { clauses: clauses.iter().map(|clause| clause.id.clone()).collect(), ..Shared::default() };
    for source in provided {
        let script = Script(*source);
        let raw = script.raw()?;
        shared.add(script, raw.values, raw.setups)?;
    }
    shared.provided = [shared.values.keys().cloned().collect(), shared.setups.keys().cloned().collect()];
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
            if self.values.insert(script.name(&name)?, bytes).is_some() && !self.provided[0].remove(name.get_ref()) {
                return Err(script.duplicate(&name));
            }
        }
        for (name, raw) in setups {
            let setup = Setup { script, after: raw.after, steps: raw.steps, operational: raw.operational };
            if self.setups.insert(script.name(&name)?, setup).is_some() && !self.provided[1].remove(name.get_ref()) {
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
        let blank = self.steps(script, raw, CardState::Blank)?;
        let steps = [&blank.setup[..], &blank.own].concat();
        let proved = tags::proved(&steps, &self.values);
        let declared = Self::declared(script, raw, &proved)?;
        let mut needs = needs::of(&steps, &self.values);
        let operational = if blank.is_about_operational {
            let there = self.steps(script, raw, CardState::Operational)?;
            let there_steps = [&there.setup[..], &there.own].concat();
            // What only making the card operational takes is not needed of one that is.
            let needs_there = needs::of(&there_steps, &self.values);
            needs.retain(|need| needs_there.contains(need));
            let tags = tags::proved(&there_steps, &self.values);
            // What only making the card operational costs is not paid again.
            let declared = declared.iter().filter(|tag| !proved.contains(tag)).copied();
            Some(Operational { tags: tags.iter().copied().chain(declared).collect(), setup: there.setup })
        } else {
            None
        };
        let tags = if declared.is_empty() { proved } else { declared };
        for name in &raw.needs {
            needs.insert(need(script, name)?);
        }
        Ok(Case {
            id,
            title: raw.title.get_ref().clone(),
            clause: (clause != "unsourced").then(|| clause.clone()),
            source: raw.source.clone(),
            preset: script.name(&raw.preset)?,
            stateless: raw.stateless,
            file: script.0.name.to_owned(),
            line: error::line(script.0.text, raw.id.span().start),
            setup_steps: blank.setup.len(),
            steps,
            operational,
            setups: raw.setup.iter().map(|name| name.get_ref().clone()).collect(),
            requirements: raw.requirements.clone(),
            tags,
            needs: needs::in_order(&needs),
            teardown: blank.teardown,
        })
    }

    /// All steps of a case on a card in this state.
    fn steps(&self, script: Script<'_>, raw: &RawCase, state: CardState) -> Loading<Steps> {
        let mut unfolded = Unfolded::new(self, state);
        raw.setup.iter().try_for_each(|name| unfolded.add(script, name))?;
        let Unfolded { mut known, steps: setup, is_about_operational, .. } = unfolded;
        let mut checked = |steps: &[Spanned<RawStep>]| -> Loading<Vec<Step>> {
            steps.iter().map(|raw_step| step(script, raw_step, &mut known)).collect()
        };
        Ok(Steps { setup, own: checked(&raw.steps)?, teardown: checked(&raw.teardown)?, is_about_operational })
    }

    /// The declared tags, which must not say less than the steps prove.
    fn declared(script: Script<'_>, raw: &RawCase, proved: &BTreeSet<Tag>) -> Loading<BTreeSet<Tag>> {
        let mut declared = BTreeSet::new();
        for name in &raw.tags {
            let tag = Tag::named(name.get_ref()).ok_or_else(|| {
                let nearest = needs::nearest(name.get_ref(), Tag::ALL.map(Tag::name)).map(str::to_owned);
                script.error(name.span(), ScriptErrorKind::UnknownTag { name: name.get_ref().clone(), nearest })
            })?;
            declared.insert(tag);
        }
        let missing = proved.iter().find(|tag| **tag != Tag::Reads && !declared.contains(*tag));
        match (raw.tags.first(), missing) {
            (Some(first), Some(tag)) => Err(script.error(first.span(), ScriptErrorKind::TagMissing { tag: *tag })),
            _ => Ok(declared),
        }
    }
}

/// The checked steps of a case.
struct Steps {
    setup: Vec<Step>,
    own: Vec<Step>,
    teardown: Vec<Step>,
    is_about_operational: bool,
}

fn need(script: Script<'_>, name: &Spanned<String>) -> Loading<&'static str> {
    needs::named(name.get_ref()).map(|need| need.name).ok_or_else(|| {
        let nearest = needs::nearest(name.get_ref(), needs::NEEDS.iter().map(|need| need.name)).map(str::to_owned);
        script.error(name.span(), ScriptErrorKind::UnknownNeed { name: name.get_ref().clone(), nearest })
    })
}
