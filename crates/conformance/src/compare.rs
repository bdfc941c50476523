//! Two cards, or a card and what it once answered, side by side: the first divergence of each case.
//!
//! A case is played to both as always; then the exchanges are held against each other, with no regard to what the case
//! expects. Only where both answer alike does it count that one of them ended the case: a constant challenge has the
//! right length, and the case knows better. What is random by nature is compared by length and structure.

mod data;
mod play;
mod random;

use std::fmt;

use card_wire::tlv::Tag;
use card_wire::{Ins, Status};

pub(crate) use self::play::{Ending, Exchange, Play, first, steps};
pub use self::random::is_made_random;
use crate::report::redact::Secrets;
use crate::runner::Player;
use crate::script::{Case, Path, Suite};
use crate::target::Target;

/// Plays cases to two cards.
pub struct Differential<'s> {
    /// Plays to the card that is right by definition.
    pub reference: Player<'s>,
    /// Plays to the card in question.
    pub target: Player<'s>,
    /// What must not be seen in a comparison.
    pub secrets: Secrets,
}

impl<'s> Differential<'s> {
    /// Players for both cards, without names and values of their own.
    #[must_use]
    pub fn new(suite: &'s Suite) -> Self {
        Self { reference: Player::new(suite), target: Player::new(suite), secrets: Secrets::default() }
    }

    /// Plays one case to both cards and compares what they answer.
    pub fn play(&mut self, case: &Case, reference: &mut dyn Target, target: &mut dyn Target) -> Comparison {
        let reference = Play::of(&self.reference.play(case, reference), case, &self.secrets);
        let target = Play::of(&self.target.play(case, target), case, &self.secrets);
        first(case, &reference, &target)
    }
}

impl fmt::Debug for Differential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Differential").finish_non_exhaustive()
    }
}

/// What came out of one case on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Id of the case.
    pub case: String,
    /// Its title.
    pub title: String,
    /// How many exchanges were found alike.
    pub alike: usize,
    /// What was found.
    pub likeness: Likeness,
}

/// How like two cards are in one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// In all exchanges.
    Same,
    /// Until both ended the case with the same wrong answer; the reason is the case's.
    SameFailure(String),
    /// Until here.
    Diverged(Box<Divergence>),
    /// One of them cannot play the case; this is why.
    NotCompared(String),
}

impl Comparison {
    /// The first divergence, if there is one.
    #[must_use]
    pub fn divergence(&self) -> Option<&Divergence> {
        match &self.likeness {
            Likeness::Diverged(divergence) => Some(divergence),
            _ => None,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.likeness {
            Likeness::Same => write!(f, "same     {}", self.case),
            Likeness::SameFailure(why) => write!(f, "same     {}\n         both fail: {why}", self.case),
            Likeness::Diverged(divergence) => write!(f, "DIFFERS  {}\n         {divergence}", self.case),
            Likeness::NotCompared(why) => write!(f, "skipped  {}\n         {why}", self.case),
        }
    }
}

/// One of the two cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is right by definition.
    Reference,
    /// The one in question.
    Target,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "the reference",
            Self::Target => "the target",
        })
    }
}

/// Where two cards first answer differently, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Number of the exchange in the case, setups included, the first is 1; resets count.
    pub exchange: usize,
    /// The exchange belongs to a setup.
    pub setup: bool,
    /// File of the step.
    pub file: String,
    /// Line of the step.
    pub line: usize,
    /// First four bytes of the command; nothing for a reset or a step that sends nothing.
    pub header: Option<[u8; 4]>,
    /// How the answers differ.
    pub difference: Difference,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: exchange {}", self.file, self.line, self.exchange)?;
        if self.setup {
            f.write_str(" in the setup")?;
        }
        if let Some(header) = self.header {
            write!(f, ", {} {}", Ins(header[1]), hex::encode_upper(header))?;
        }
        write!(f, ": {}", self.difference)
    }
}

/// How two answers differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// This side did not answer.
    NoAnswer(Side),
    /// Other status words.
    Status {
        /// The reference's.
        reference: Status,
        /// The target's.
        target: Status,
    },
    /// Other lengths of the data, or of the value of a data object.
    Length {
        /// Way to the data object; empty for the data as a whole.
        path: Path,
        /// The reference's.
        reference: usize,
        /// The target's.
        target: usize,
    },
    /// Another data object, or one side has none where the other has one.
    Tag {
        /// Way to the data object, with the tag of the reference where it has one, else the target's.
        path: Path,
        /// The reference's.
        reference: Option<Tag>,
        /// The target's.
        target: Option<Tag>,
    },
    /// The same data objects in another order.
    Order {
        /// Way to the object that holds them; empty for the outermost.
        path: Path,
        /// The reference's.
        reference: Vec<Tag>,
        /// The target's.
        target: Vec<Tag>,
    },
    /// Another byte.
    Byte {
        /// Offset in the data of the answer, or in the ATR.
        offset: usize,
        /// Way to the data object that the byte is in; empty where there is none.
        path: Path,
        /// The reference's.
        reference: u8,
        /// The target's.
        target: u8,
    },
    /// The answers look alike, but the case ended here for one of them.
    Ended {
        /// For this one.
        side: Side,
        /// Because of this.
        why: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = |path: &Path| if path.0.is_empty() { String::new() } else { format!(" of {path}") };
        let tag = |tag: &Option<Tag>| tag.map_or_else(|| "none".to_owned(), |tag| format!("{:02X}", tag.0));
        let tags = |list: &[Tag]| list.iter().map(|tag| format!("{:02X}", tag.0)).collect::<Vec<_>>().join(" ");
        match self {
            Self::NoAnswer(side) => write!(f, "{side} does not answer"),
            Self::Status { reference, target } => write!(f, "status: reference {reference}, target {target}"),
            Self::Length { path, reference, target } => {
                write!(f, "length{}: reference {reference}, target {target} bytes", within(path))
            }
            Self::Tag { path, reference, target } => {
                write!(f, "tag at {path}: reference {}, target {}", tag(reference), tag(target))
            }
            Self::Order { path, reference, target } => {
                write!(f, "order of tags{}: reference {}, target {}", within(path), tags(reference), tags(target))
            }
            Self::Byte { offset, path, reference, target } => {
                write!(f, "byte {offset}{}: reference {reference:02X}, target {target:02X}", within(path))
            }
            Self::Ended { side, why } => write!(f, "the answers look alike, but for {side} the case fails: {why}"),
        }
    }
}
