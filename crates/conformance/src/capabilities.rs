//! What a card can do, found out before cases are played on it: from its description, from what it announces, and from
//! commands that change nothing that lasts and that no card, however wrong, could take for a try of a secret.
//!
//! What is announced counts, whether it works or not: cases are there to show that it does not.

mod announced;
mod ask;
mod pins;

use self::announced::Announced;
use self::ask::{Answer, Asker};
use crate::card_file::CardFile;
use crate::needs::NEEDS;
use crate::record::Capability;
use crate::target::Target;
pub use pins::{FoundPin, pins};

/// What is said where nothing is known.
const UNKNOWN: &str = "nothing tells it without changing the card";

/// Whether the card has a capability, and how that is known.
type Finding = (Option<bool>, String);

/// One entry for each of [`NEEDS`], in its order. `aid` is the application where the card file names none. Begins and
/// ends with a reset.
#[must_use]
pub fn probe(target: &mut dyn Target, card: Option<&CardFile>, aid: &[u8]) -> Vec<Capability> {
    let aid = card.and_then(|card| card.aid.as_deref()).unwrap_or(aid);
    let mut prober = Prober::new(Asker::new(target), aid);
    let found = NEEDS.iter().map(|need| {
        let (present, how) = of_card_file(card, need.name).unwrap_or_else(|| prober.find(need.name));
        Capability { name: need.name.to_owned(), present, how }
    });
    let found = found.collect();
    prober.asker.reset();
    found
}

/// The capabilities, one a line.
#[must_use]
pub fn lines(capabilities: &[Capability]) -> String {
    let width = capabilities.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let line = |one: &Capability| {
        let word = match one.present {
            Some(true) => "has",
            Some(false) => "lacks",
            None => "unknown",
        };
        format!("{word:<7}  {:<width$}  {}\n", one.name, one.how)
    };
    capabilities.iter().map(line).collect()
}

/// What the tester says.
fn of_card_file(card: Option<&CardFile>, need: &str) -> Option<Finding> {
    let card = card?;
    if let Some(present) = card.capabilities.get(need) {
        return Some((Some(*present), "card file".to_owned()));
    }
    if need == "puk" && card.puk.is_some() {
        return Some((Some(true), "card file: it has a PUK".to_owned()));
    }
    let name = card.keys.keys().find(|name| need.replace('-', "") == **name)?;
    Some((Some(true), format!("card file: it has a key {name}")))
}

/// A card that is being asked.
struct Prober<'t> {
    asker: Asker<'t>,
    /// The card's word: its ATR, and what its application answers.
    announced: Announced,
    /// The SELECT of the master file that this card takes.
    select_mf: Option<u8>,
}

impl<'t> Prober<'t> {
    fn new(mut asker: Asker<'t>, aid: &[u8]) -> Self {
        let atr = asker.reset();
        let mut announced = Announced::of_atr(&atr);
        announced.ask_application(&mut asker, aid);
        let takes = |p2: &u8| asker.send(&[0x00, 0xA4, 0x00, *p2, 0x02, 0x3F, 0x00]).is_done();
        let select_mf = [0x0C, 0x00].into_iter().find(takes);
        Self { asker, announced, select_mf }
    }

    fn find(&mut self, need: &str) -> Finding {
        if let Some(finding) = self.announced.says(need) {
            return finding;
        }
        if self.asker.is_silent() {
            return (None, "the card does not answer".to_owned());
        }
        match need {
            "challenge" => self.challenge(),
            "chaining" => self.chaining(),
            "extended" => self.extended(),
            "records" => self.instruction(&[0x00, 0xB2, 0x01, 0x04, 0x00], "READ RECORD"),
            "data-objects" => self.data_objects(),
            "channels" => self.channels(),
            _ => (None, UNKNOWN.to_owned()),
        }
    }

    fn challenge(&mut self) -> Finding {
        self.instruction(&[0x00, 0x84, 0x00, 0x00, 0x08], "GET CHALLENGE")
    }

    /// Whether the card knows the instruction: any answer but that it does not.
    fn instruction(&mut self, command: &[u8], name: &str) -> Finding {
        let answer = self.asker.send(command);
        let present = match &answer {
            Answer::Refused(0x6D00 | 0x6E00) => Some(false),
            Answer::Silence | Answer::Refused(0x6800..=0x68FF | 0x6F00..=0x6FFF) => None,
            _ => Some(true),
        };
        (present, format!("{answer} {name}"))
    }

    /// Asks for the card data, which few cards have: most say that there is no such object.
    fn data_objects(&mut self) -> Finding {
        let answer = self.asker.send(&[0x00, 0xCA, 0x00, 0x66, 0x00]);
        let present = match &answer {
            Answer::Done(_) | Answer::Refused(0x6982 | 0x6A82 | 0x6A88) => Some(true),
            Answer::Refused(0x6D00 | 0x6E00) => Some(false),
            _ => None,
        };
        (present, format!("{answer} GET DATA"))
    }

    /// SELECT of the master file in two links.
    fn chaining(&mut self) -> Finding {
        let Some(p2) = self.select_mf else { return (None, UNKNOWN.to_owned()) };
        let first = self.asker.send(&[0x10, 0xA4, 0x00, p2, 0x01, 0x3F]);
        let last = if first.is_done() { self.asker.send(&[0x00, 0xA4, 0x00, p2, 0x01, 0x00]) } else { first };
        let present = match &last {
            Answer::Done(_) => Some(true),
            Answer::Refused(0x6884) => Some(false),
            // Many cards take chains of some commands only, and this may not be one.
            _ => None,
        };
        (present, format!("{last} a chained SELECT"))
    }

    /// SELECT of the master file with an extended length.
    fn extended(&mut self) -> Finding {
        let Some(p2) = self.select_mf else { return (None, UNKNOWN.to_owned()) };
        let answer = self.asker.send(&[0x00, 0xA4, 0x00, p2, 0x00, 0x00, 0x02, 0x3F, 0x00]);
        let how = format!("{answer} a SELECT with extended length");
        match answer {
            Answer::Done(_) => (Some(true), how),
            // The short form was done, so it is the length that is wrong.
            Answer::Refused(_) => (Some(false), how),
            Answer::Silence => (None, "card or reader lose a command with extended length".to_owned()),
        }
    }

    /// Opens a channel and closes it.
    fn channels(&mut self) -> Finding {
        let answer = self.asker.send(&[0x00, 0x70, 0x00, 0x00, 0x01]);
        let how = format!("{answer} MANAGE CHANNEL");
        match answer {
            Answer::Done(data) => match data.as_slice() {
                [number @ 1..=19] => {
                    self.asker.send(&[0x00, 0x70, 0x80, *number]);
                    (Some(true), how)
                }
                // What it has opened, if anything, is closed by the reset at the end.
                _ => (None, "answers MANAGE CHANNEL without the number of a channel".to_owned()),
            },
            Answer::Refused(0x6D00 | 0x6E00 | 0x6881 | 0x6A81) => (Some(false), how),
            Answer::Refused(_) | Answer::Silence => (None, how),
        }
    }
}
