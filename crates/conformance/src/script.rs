//! The cases as the runner sees them: checked, with setups unfolded. How they look in a file is in
//! `fixtures/README.md`; how a file becomes cases is in `load.rs`.

use std::collections::BTreeSet;

use card_wire::Status;
use card_wire::tlv::Tag;

use crate::cipher::Hash;
use crate::clauses::Clause;
use crate::error::ScriptError;
use crate::load;
use crate::pattern::Pattern;
use crate::tags;
use crate::template::{Slice, Template, Variables};
use crate::verify::Scheme;

/// A script file: its name for messages and its text.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// All cases that were loaded together, and the values they share.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Cases in the order of their files.
    pub cases: Vec<Case>,
    /// Named values that every case can use.
    pub values: Variables,
    /// The clauses that cases may cite.
    pub clauses: Vec<Clause>,
}

impl Suite {
    /// Loads scripts and the list of clauses they may cite.
    ///
    /// # Errors
    /// The first mistake, with its file, line and column.
    pub fn load(clauses: Source<'_>, scripts: &[Source<'_>]) -> Result<Self, ScriptError> {
        load::suite(&[clauses], &[], scripts)
    }

    /// The case of this id.
    #[must_use]
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// The cases whose id contains `pattern`, where `*` stands for any characters, made for `preset` if one is named.
    pub fn select<'s>(&'s self, pattern: &'s str, preset: Option<&'s str>) -> impl Iterator<Item = &'s Case> {
        self.cases
            .iter()
            .filter(move |case| contains(&case.id, pattern) && preset.is_none_or(|preset| case.preset == preset))
    }
}

/// Whether the pieces of `pattern` between its asterisks occur in `text`, in order.
fn contains(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    pattern.split('*').all(|piece| {
        let found = rest.find(piece);
        if let Some(at) = found {
            rest = &rest[at + piece.len()..];
        }
        found.is_some()
    })
}

/// The state that a card is in before anything is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardState {
    /// Nothing is set, as on a fresh card of a preset.
    #[default]
    Blank,
    /// Somebody's card: PIN and PUK are set.
    Operational,
}

impl CardState {
    /// Its name in card files and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Operational => "operational",
        }
    }
}

/// One case: a fresh card of a preset, steps, and what each must answer.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique name.
    pub id: String,
    /// What the case shows.
    pub title: String,
    /// Id of a row in `clauses.toml`; none where the case is unsourced.
    pub clause: Option<String>,
    /// Where else the expectation is from, in free text.
    pub source: Option<String>,
    /// The preset of the card that the expectations are about.
    pub preset: String,
    /// The case needs no fresh card: a reset suffices, and it changes nothing that lasts.
    pub stateless: bool,
    /// Name of its file.
    pub file: String,
    /// Line of its id.
    pub line: usize,
    /// The steps of the setups, then those of the case.
    pub steps: Vec<Step>,
    /// Names of the setups as the case lists them.
    pub setups: Vec<String>,
    /// How many of the steps are from setups.
    pub setup_steps: usize,
    /// Where a setup says so: what the setups send to an operational card, and what the case can cost it.
    pub operational: Option<Operational>,
    /// The tester's own requirements that the case is about.
    pub requirements: Vec<String>,
    /// What it can cost, declared or proved.
    pub tags: BTreeSet<tags::Tag>,
    /// Capabilities without which it says nothing, declared or proved.
    pub needs: Vec<&'static str>,
    /// Played behind the steps, whatever came of them, on cards that are there to stay.
    pub teardown: Vec<Step>,
}

impl Case {
    /// It is about how keys are made: a card that is otherwise given ready ones must make them.
    #[must_use]
    pub fn is_about_generation(&self) -> bool {
        self.id.contains("generate") && self.tags.contains(&tags::Tag::Slow)
    }

    /// Number of commands that the setups send.
    #[must_use]
    pub fn setup_commands(&self) -> usize {
        self.setup().iter().map(Step::commands).sum()
    }

    /// The steps of the setups on a blank card.
    #[must_use]
    pub fn setup(&self) -> &[Step] {
        &self.steps[..self.setup_steps]
    }

    /// The case's own steps.
    #[must_use]
    pub fn own_steps(&self) -> &[Step] {
        &self.steps[self.setup_steps..]
    }

    /// The steps of the setups on a card in this state; none where the case says nothing about such a card.
    #[must_use]
    pub fn setup_on(&self, state: CardState) -> Option<&[Step]> {
        match (state, &self.operational) {
            (CardState::Operational, Some(operational)) => Some(&operational.setup),
            (CardState::Operational, None) if !self.stateless => None,
            _ => Some(self.setup()),
        }
    }

    /// What it can cost a card in this state, declared or proved.
    #[must_use]
    pub fn tags_on(&self, state: CardState) -> &BTreeSet<tags::Tag> {
        match (state, &self.operational) {
            (CardState::Operational, Some(operational)) => &operational.tags,
            _ => &self.tags,
        }
    }
}

/// A case on a card that was in use before.
#[derive(Clone, Debug)]
pub struct Operational {
    /// The steps of its setups there.
    pub setup: Vec<Step>,
    /// What the case can cost there.
    pub tags: BTreeSet<tags::Tag>,
}

/// One step and what must come of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Name of the file it stands in.
    pub file: String,
    /// Line it stands on.
    pub line: usize,
    /// What is done.
    pub action: Action,
    /// What the data must look like.
    pub data: Pattern,
    /// What data objects in the data must look like.
    pub tlv: Vec<(Path, Pattern)>,
    /// A signature to check.
    pub verify: Option<Verify>,
    /// Parts of the data to keep under a name.
    pub captures: Vec<(String, Capture)>,
    /// The time of its answers is reported.
    pub timing: bool,
}

/// The status words that are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// For every card.
    any: Vec<Status>,
    /// For cards of a name, instead.
    of_card: Vec<(String, Vec<Status>)>,
}

impl Expected {
    /// These for every card, and for some cards others.
    #[must_use]
    pub fn new(any: Vec<Status>, of_card: Vec<(String, Vec<Status>)>) -> Self {
        Self { any, of_card }
    }

    /// Those for cards of these names, the first that is named; else those for every card.
    #[must_use]
    pub fn on(&self, names: &[String]) -> &[Status] {
        let named = names.iter().find_map(|name| self.of_card.iter().find(|(card, _)| card == name));
        named.map_or(&self.any, |(_, words)| words)
    }

    /// Those that are right on any card at all.
    pub fn words(&self) -> impl Iterator<Item = Status> {
        self.any.iter().chain(self.of_card.iter().flat_map(|(_, words)| words)).copied()
    }
}

impl Step {
    /// Number of commands that it sends.
    #[must_use]
    pub fn commands(&self) -> usize {
        match &self.action {
            Action::Send { repeat, .. } => *repeat,
            Action::Reset | Action::Check(_) | Action::Encrypt { .. } | Action::Aes { .. } | Action::Oaep { .. } => 0,
        }
    }

    /// The command that it sends, and what may be answered. What only the card can tell stands for zeros: what decides
    /// over a command is in its header.
    pub(crate) fn sent(&self, values: &Variables) -> Option<(Vec<u8>, &Expected)> {
        let Action::Send { command, status, .. } = &self.action else { return None };
        let value = |name: &str| values.get(name).cloned().unwrap_or_else(|| vec![0; 0x400]);
        let known = command.names().map(|name| (name.to_owned(), value(name))).collect();
        Some((command.bytes(&known).ok()?, status))
    }
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sends a command, so many times; its data is the answer's.
    Send {
        /// The command as it goes over the wire.
        command: Template,
        /// The status words that are right.
        status: Expected,
        /// How often.
        repeat: usize,
        /// The number that `${n}` stands for the first time; it rises by one each time.
        count: Option<u16>,
    },
    /// Resets the card; its data is the ATR.
    Reset,
    /// Sends nothing and looks at these bytes.
    Check(Template),
    /// Sends nothing and raises `block` to the public exponent; its data is the cryptogram.
    Encrypt {
        /// The public modulus.
        modulus: Template,
        /// A block as long as the modulus, padding included.
        block: Template,
    },
    /// Sends nothing and encrypts blocks of sixteen bytes with AES, each by itself; its data is what comes out.
    Aes {
        /// The key.
        key: Template,
        /// The blocks.
        block: Template,
    },
    /// Sends nothing and makes an OAEP cryptogram, which is its data.
    Oaep {
        /// The public modulus.
        modulus: Template,
        /// What is to be deciphered.
        message: Template,
        /// The function it is made with.
        hash: Hash,
    },
}

/// A signature to check.
#[derive(Clone, Debug)]
pub struct Verify {
    /// How it was made.
    pub scheme: Scheme,
    /// The RSA modulus or the uncompressed point.
    pub key: Template,
    /// What was signed: the content of the PKCS#1 block, or the hash.
    pub over: Template,
    /// The signature; none where it is the data of the step.
    pub signature: Option<Template>,
}

/// A way to a data object: the tags on it, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(pub Vec<Tag>);

impl Path {
    /// Parses tags separated by slashes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let tags = text.split('/').map(|tag| {
            let digits = matches!(tag.len(), 2 | 4 | 6) && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
            digits.then(|| u32::from_str_radix(tag, 16).ok().map(Tag)).flatten()
        });
        tags.collect::<Option<_>>().map(Self)
    }

    /// The value of the object at this path in `data`, if it is there.
    #[must_use]
    pub fn find<'d>(&self, data: &'d [u8]) -> Option<&'d [u8]> {
        self.0.iter().try_fold(data, |level, tag| card_wire::tlv::find(level, *tag).ok().flatten())
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, tag) in self.0.iter().enumerate() {
            write!(f, "{}{:02X}", if at == 0 { "" } else { "/" }, tag.0)?;
        }
        Ok(())
    }
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capture {
    /// By offsets.
    Slice(Slice),
    /// The value of a data object.
    Path(Path),
}

impl Capture {
    /// Parses `all`, a range or a TLV path.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::Slice(Slice::default())),
            range if range.contains("..") => Slice::parse(range).map(Self::Slice),
            path => Path::parse(path).map(Self::Path),
        }
    }

    /// The part of `data`, if it has it.
    #[must_use]
    pub fn of<'d>(&self, data: &'d [u8]) -> Option<&'d [u8]> {
        match self {
            Self::Slice(slice) => slice.of(data),
            Self::Path(path) => path.find(data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_values() {
        let data = hex::decode("7F4909810200018203010001").unwrap();
        assert_eq!(Path::parse("7F49/82").unwrap().find(&data), Some(&[1, 0, 1][..]));
        assert_eq!(Path::parse("7F49/83").unwrap().find(&data), None);
        assert_eq!(Path::parse("7F49/81").unwrap().to_string(), "7F49/81");
        assert!(Path::parse("7F4").is_none() && Path::parse("xx").is_none() && Path::parse("").is_none());
    }

    #[test]
    fn captures_have_three_forms() {
        assert_eq!(Capture::parse("all").unwrap().of(&[1, 2]), Some(&[1, 2][..]));
        assert_eq!(Capture::parse("1..").unwrap().of(&[1, 2]), Some(&[2][..]));
        assert_eq!(Capture::parse("1..3").unwrap().of(&[1, 2]), None);
        assert_eq!(Capture::parse("81").unwrap().of(&[0x81, 1, 7]), Some(&[7][..]));
        assert!(Capture::parse("first").is_none());
    }

    #[test]
    fn asterisks_stand_for_anything() {
        assert!(contains("select-mf-fci", "select"));
        assert!(contains("select-mf-fci", "sel*fci"));
        assert!(!contains("select-mf-fci", "fci*sel"));
        assert!(contains("select-mf-fci", ""));
    }
}
