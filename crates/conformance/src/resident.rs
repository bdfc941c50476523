//! Cases on a card that is there to stay: each is played on it, on another card in its place, or not at all.

use std::collections::BTreeSet;

use crate::card_file::CardFile;
use crate::outcome::{Outcome, Report, SkipReason, Verdict};
use crate::record::Capability;
use crate::runner::Player;
use crate::safety::{Allowed, Guard, Risk, Stop};
use crate::script::{Action, CardState, Case, Step, Suite};
use crate::tags::Tag;
use crate::target::Target;
use crate::template::Variables;

/// A card that is there to stay, and what its tester says of it.
#[derive(Debug)]
pub struct Resident<'r> {
    /// The suite that the cases are from.
    pub suite: &'r Suite,
    /// Its description. Without one only cases are played on it that need no fresh card.
    pub card: Option<&'r CardFile>,
    /// Values that stand before those of the suite.
    pub values: Variables,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// What may be done to it.
    pub allowed: Allowed,
    /// What watches its PIN. Without one no PIN is sent.
    pub guard: Option<Guard>,
}

/// Where a case is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// On the card, which it could do this to.
    Play(Risk),
    /// Nowhere: it says nothing about the card.
    NotApplicable(String),
    /// Not on the card, for this reason.
    Elsewhere(String),
}

impl Resident<'_> {
    /// Where this case is played.
    #[must_use]
    pub fn decide(&self, case: &Case) -> Decision {
        if let Some(card) = self.card
            && card.preset != case.preset
        {
            return Decision::NotApplicable(format!("it is about {}, the card file says {}", case.preset, card.preset));
        }
        if let Some(need) = self.missing(case) {
            return Decision::NotApplicable(format!("the card lacks what it needs: {need}"));
        }
        let state = self.card.map_or(CardState::Operational, |card| card.state);
        let is_known = self.card.is_some() || case.stateless;
        let Some(setup) = case.setup_on(state).filter(|_| is_known) else {
            return Decision::Elsewhere(SkipReason::NeedsFreshCard.to_string());
        };
        let steps = || setup.iter().chain(case.own_steps()).chain(&case.teardown);
        if let Some(name) = self.other_length(steps()) {
            return Decision::Elsewhere(format!("it is written for a {name} of another length"));
        }
        let mut values = self.suite.values.clone();
        values.extend(self.values.clone());
        let risk = Risk::of(steps(), &values, self.guard.as_ref().map(Guard::pin));
        let longest = self.card.and_then(|card| card.max_command).unwrap_or(usize::MAX);
        if risk.longest > longest {
            let why = format!("it sends {} bytes, card and reader take at most {longest}", risk.longest);
            return Decision::NotApplicable(why);
        }
        let names_key = risk.sets_key || risk.keys.as_ref().is_none_or(|keys| !keys.is_empty());
        if names_key && !Risk::of(setup, &values, None).sets_key && !says_which(steps()) {
            return Decision::Elsewhere("it is about a key that this card may have or not".to_owned());
        }
        match self.forbidden(case, case.tags_on(state), &risk) {
            Some(why) => Decision::Elsewhere(why),
            None => Decision::Play(risk),
        }
    }

    /// The first capability that the case needs and the card is known not to have.
    fn missing(&self, case: &Case) -> Option<&'static str> {
        let lacks = |need: &&str| self.capabilities.iter().any(|one| one.name == *need && one.present == Some(false));
        case.needs.iter().find(|need| lacks(need)).copied()
    }

    /// A value that these steps send and that is not as long for this card as the suite has it: lengths in commands
    /// would be wrong.
    fn other_length<'s>(&'s self, steps: impl Iterator<Item = &'s Step>) -> Option<&'s str> {
        let differs = |name: &&str| {
            let (own, suite) = (self.values.get(*name), self.suite.values.get(*name));
            matches!((own, suite), (Some(own), Some(suite)) if own.len() != suite.len())
        };
        let sent = steps.filter_map(|step| match &step.action {
            Action::Send { command, .. } => Some(command),
            _ => None,
        });
        sent.flat_map(|command| command.names()).find(differs)
    }

    /// Why a case with this risk must not be played on the card, if it must not.
    fn forbidden(&self, case: &Case, tags: &BTreeSet<Tag>, risk: &Risk) -> Option<String> {
        let costs = tags.union(&risk.tags).find_map(|tag| Some((tag, self.allowed.missing_for(*tag)?)));
        if let Some((tag, option)) = costs {
            return Some(format!("on a wrong card it could be `{tag}`, which {option} allows"));
        }
        if risk.spends_unwatched {
            return Some("it sends a PIN, PUK or key whose tries nobody watches".to_owned());
        }
        if risk.replaces_pin && (!self.allowed.destructive || case.teardown.is_empty()) {
            return Some(
                "it replaces the PIN; with a teardown that puts it back, --destructive allows that".to_owned(),
            );
        }
        if risk.sets_key && !self.allowed.destructive {
            return Some("it makes or writes a key, which --destructive allows".to_owned());
        }
        if risk.sets_key && !self.is_spare(risk) {
            return Some("it makes or writes a key that is not the spare one of the card file".to_owned());
        }
        let stays = tags.contains(&Tag::Writes) && case.teardown.is_empty() && !risk.sets_key;
        stays.then(|| "what it writes would stay: it has no teardown".to_owned())
    }

    /// The only key that the case names is the spare one.
    fn is_spare(&self, risk: &Risk) -> bool {
        let spare = self.card.and_then(|card| card.spare);
        matches!((&risk.keys, spare), (Some(keys), Some(spare)) if *keys == BTreeSet::from([spare]))
    }

    /// Plays the cases, those that cannot be undone last, and reports each outcome as it comes. What is not played on the
    /// card is played on the stand-in, where there is one. The run ends early where `is_stopped` says so, or with the
    /// reason why nothing more may be sent to the card.
    pub fn play(
        mut self,
        cases: &[&Case],
        target: &mut dyn Target,
        stand_in: Option<Box<dyn Target>>,
        is_stopped: impl Fn() -> bool,
        mut on_outcome: impl FnMut(&Outcome),
    ) -> (Report, Option<Stop>) {
        let (last, first): (Vec<&Case>, Vec<&Case>) =
            cases.iter().partition(|case| matches!(self.decide(case), Decision::Play(risk) if is_final(&risk)));
        let mut players = Players::new(&self, stand_in);
        let mut report = Report::default();
        let mut is_spent = false;
        let mut stop = self.guard.as_mut().and_then(|guard| guard.open(target).err());
        for case in first.into_iter().chain(last) {
            if stop.is_some() || is_stopped() {
                break;
            }
            let outcome = match self.settle(case, is_spent, target) {
                Err(error) => {
                    stop = Some(error);
                    break;
                }
                Ok(Decision::NotApplicable(why)) => Outcome::not_played(case, Verdict::NotApplicable(why)),
                Ok(Decision::Elsewhere(why)) => players.elsewhere(case, why),
                Ok(Decision::Play(risk)) => {
                    let outcome = players.own.play(case, target);
                    is_spent = is_final(&risk);
                    if !is_spent && let Some(guard) = &mut self.guard {
                        stop = guard.after(target, &case.id, &risk).err();
                    }
                    outcome
                }
            };
            on_outcome(&outcome);
            report.outcomes.push(outcome);
        }
        (report, stop)
    }

    /// Where the case is played, now that others were.
    fn settle(&mut self, case: &Case, is_spent: bool, target: &mut dyn Target) -> Result<Decision, Stop> {
        let decision = self.decide(case);
        let Decision::Play(risk) = &decision else { return Ok(decision) };
        if is_spent {
            return Ok(Decision::Elsewhere("a case before it has done what cannot be undone".to_owned()));
        }
        let refusal = self.guard.as_mut().map(|guard| guard.before(target, risk)).transpose()?.flatten();
        Ok(refusal.map_or(decision, Decision::Elsewhere))
    }
}

/// The steps take the reference of a key from the card file.
fn says_which<'s>(mut steps: impl Iterator<Item = &'s Step>) -> bool {
    let from_file = |name: &str| name == "spare" || name.starts_with("key-");
    steps.any(|step| matches!(&step.action, Action::Send { command, .. } if command.names().any(from_file)))
}

fn is_final(risk: &Risk) -> bool {
    risk.tags.contains(&Tag::Irreversible)
}

/// Who plays on the card, and who on the one in its place.
struct Players<'s> {
    own: Player<'s>,
    other: Option<(Player<'s>, Box<dyn Target>)>,
}

impl<'s> Players<'s> {
    fn new(resident: &Resident<'s>, stand_in: Option<Box<dyn Target>>) -> Self {
        let mut own = Player::new(resident.suite);
        own.values = resident.values.clone();
        own.resident = resident.card.map(|card| card.state);
        own.names = resident.card.map(|card| vec![card.name.clone(), card.preset.clone()]).unwrap_or_default();
        Self { own, other: stand_in.map(|target| (Player::new(resident.suite), target)) }
    }

    /// A case that is not played on the card.
    fn elsewhere(&mut self, case: &Case, why: String) -> Outcome {
        match &mut self.other {
            None => Outcome::not_played(case, Verdict::Refused(why)),
            Some((player, target)) => Outcome { simulated: Some(why), ..player.play(case, target.as_mut()) },
        }
    }
}
