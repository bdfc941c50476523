//! From the names of setups to their steps, in order, on a blank card or one in use.

use std::collections::BTreeSet;

use toml::Spanned;

use super::steps::step;
use super::{Loading, MAX_SETUPS, Script, Shared};
use crate::error::ScriptErrorKind;
use crate::needs;
use crate::script::{CardState, Step};

/// The setups of a case, unfolded.
pub(super) struct Unfolded<'s, 'a> {
    shared: &'s Shared<'a>,
    state: CardState,
    /// Setups that are being unfolded, to find those that need themselves.
    open: Vec<String>,
    played: usize,
    /// Names of values, and of what the steps have captured.
    pub(super) known: BTreeSet<String>,
    pub(super) steps: Vec<Step>,
    /// One of the setups says what it does on an operational card.
    pub(super) is_about_operational: bool,
}

impl<'s, 'a> Unfolded<'s, 'a> {
    /// Nothing yet, for a card in this state.
    pub(super) fn new(shared: &'s Shared<'a>, state: CardState) -> Self {
        let known = shared.values.keys().cloned().collect();
        Self { shared, state, open: Vec::new(), played: 0, known, steps: Vec::new(), is_about_operational: false }
    }

    /// Appends the steps of a setup and of those it needs. Two names in each `after` would double the work with each
    /// level, so the setups of a case are counted.
    pub(super) fn add(&mut self, script: Script<'_>, name: &Spanned<String>) -> Loading<()> {
        let wanted = name.get_ref();
        self.played += 1;
        if self.played > MAX_SETUPS {
            return Err(script.error(name.span(), ScriptErrorKind::TooManySetups { max: MAX_SETUPS }));
        }
        if self.open.contains(wanted) {
            return Err(script.error(name.span(), ScriptErrorKind::SetupCycle { name: wanted.clone() }));
        }
        let setups = &self.shared.setups;
        let setup = setups.get(wanted).ok_or_else(|| {
            let nearest = needs::nearest(wanted, setups.keys().map(String::as_str)).map(str::to_owned);
            script.error(name.span(), ScriptErrorKind::UnknownSetup { name: wanted.clone(), nearest })
        })?;
        self.open.push(wanted.clone());
        for before in &setup.after {
            self.add(setup.script, before)?;
        }
        self.open.pop();
        self.is_about_operational |= setup.operational.is_some();
        let steps = match (&setup.operational, self.state) {
            (Some(steps), CardState::Operational) => steps,
            _ => &setup.steps,
        };
        for raw in steps {
            self.steps.push(step(setup.script, raw, &mut self.known)?);
        }
        Ok(())
    }
}
