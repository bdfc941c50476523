//! What keeps a card that is there to stay from harm: what a case could do to it at worst ([`Risk`]), what the tester
//! allows ([`Allowed`]), and the counter of its PIN, which is watched ([`Guard`]).

mod guard;
mod risk;

pub use guard::{Guard, Stop};
pub use risk::{OwnPin, Risk};

use crate::tags::Tag;

/// What the tester allows on a card that is there to stay. Nothing allows what only reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Files, objects and keys may be written.
    pub write: bool,
    /// Wrong PINs may be sent, but never the last one.
    pub spend_tries: bool,
    /// The spare key may be overwritten, and the PIN blocked where the PUK is known.
    pub destructive: bool,
    /// What cannot be undone may be done.
    pub own_card: bool,
}

impl Allowed {
    /// The option that must be given for what is tagged so, where it was not given.
    #[must_use]
    pub const fn missing_for(self, tag: Tag) -> Option<&'static str> {
        let (given, option) = match tag {
            Tag::Reads | Tag::Slow => (true, ""),
            Tag::Writes => (self.write, "--write"),
            Tag::SpendsPinTry => (self.spend_tries, "--spend-tries"),
            Tag::BlocksPin => (self.destructive, "--destructive"),
            Tag::Irreversible => (self.own_card, "--i-own-this-card"),
        };
        if given { None } else { Some(option) }
    }

    /// The options that were given.
    #[must_use]
    pub fn options(self) -> Vec<&'static str> {
        let options = [
            (self.write, "--write"),
            (self.spend_tries, "--spend-tries"),
            (self.destructive, "--destructive"),
            (self.own_card, "--i-own-this-card"),
        ];
        options.into_iter().filter(|(given, _)| *given).map(|(_, option)| option).collect()
    }
}
