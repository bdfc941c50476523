//! What a card says of itself: the card capabilities among the historical bytes of its ATR (ISO/IEC 7816-4), and the
//! features that OpenSC's dialect announces.

use card_wire::Atr;

use super::Finding;
use super::ask::{Answer, Asker};

/// What a card says of itself.
#[derive(Debug, Default)]
pub(super) struct Announced {
    /// First byte of the card capabilities: what can be selected, and how.
    selection: Option<u8>,
    /// Third byte of the card capabilities: chaining, lengths and channels.
    third: Option<u8>,
    versions: [Finding; 2],
    /// Features in versions 0 and 1 of the dialect.
    features: [Option<u8>; 2],
}

/// Bits of the features.
#[derive(Clone, Copy)]
enum Feature {
    Extended = 0x01,
    Random = 0x02,
    Curves = 0x04,
    Pss = 0x08,
    Rsa4096 = 0x20,
}

impl Announced {
    /// What the ATR says.
    pub(super) fn of_atr(atr: &[u8]) -> Self {
        let capabilities = Atr::parse(atr).ok().and_then(|atr| card_capabilities(atr.historical()).map(<[u8]>::to_vec));
        let byte = |at: usize| capabilities.as_ref().and_then(|bytes| bytes.get(at)).copied();
        Self { selection: byte(0), third: byte(2), ..Self::default() }
    }

    /// Selects the application by both forms and asks each for its features.
    pub(super) fn ask_application(&mut self, asker: &mut Asker<'_>, aid: &[u8]) {
        let Ok(len @ 1..=16) = u8::try_from(aid.len()) else {
            self.versions = [0, 1].map(|_| (Some(false), "no application is known to select".to_owned()));
            return;
        };
        let select = |p2| [&[0x00, 0xA4, 0x04, p2, len], aid].concat();
        let old = asker.send(&select(0x00));
        let new = asker.send(&select(0x0C));
        if asker.is_silent() {
            self.versions = [0, 1].map(|_| (None, "the card does not answer".to_owned()));
            return;
        }
        // A card that takes only the old form may speak the new version behind it.
        let is_selected = new.is_done() || asker.send(&select(0x00)).is_done();
        let features = if is_selected { asker.send(&[0x00, 0xCA, 0x01, 0x01, 0x03]) } else { Answer::Silence };
        self.versions = [self.version_0(&old, &features), self.version_1(&new, is_selected, &features)];
    }

    /// Version 0 announces itself in the answer to SELECT.
    fn version_0(&mut self, select: &Answer, features: &Answer) -> Finding {
        match select {
            Answer::Done(data) => match (data.as_slice(), features) {
                ([0x00, _, features, ..], _) => {
                    self.features[0] = Some(*features);
                    (Some(true), "announced in the answer to SELECT".to_owned())
                }
                ([major, _, _, ..], _) => (Some(false), format!("SELECT announces version {major}")),
                // OpenSC takes an answer without a version for version 0, but one that GET DATA announces is meant.
                (_, Answer::Done(data)) if data.first() == Some(&0x01) => {
                    (Some(false), "SELECT announces no version, GET DATA version 1".to_owned())
                }
                _ => (None, "SELECT announces no version".to_owned()),
            },
            answer => not_selected(answer),
        }
    }

    /// Version 1 announces itself by GET DATA.
    fn version_1(&mut self, select: &Answer, is_selected: bool, features: &Answer) -> Finding {
        if !is_selected {
            return not_selected(select);
        }
        match features {
            Answer::Done(data) => match data.as_slice() {
                [0x01, _, features, ..] => {
                    self.features[1] = Some(*features);
                    (Some(true), "announced in GET DATA 0101".to_owned())
                }
                [major, ..] => (Some(false), format!("GET DATA 0101 announces version {major}")),
                [] => (None, "GET DATA 0101 announces no version".to_owned()),
            },
            Answer::Refused(0x6D00) => (Some(false), "does not know GET DATA".to_owned()),
            answer => (None, format!("{answer} GET DATA 0101")),
        }
    }

    /// What the card says of this capability, if anything.
    pub(super) fn says(&self, need: &str) -> Option<Finding> {
        let in_atr = |present| Some((Some(present), "announced in the ATR".to_owned()));
        let not_in_atr = || Some((Some(false), "the ATR announces that it has not".to_owned()));
        let of_atr = |byte: Option<u8>, mask: u8| match byte {
            Some(byte) if byte & mask != 0 => in_atr(true),
            Some(_) => not_in_atr(),
            None => None,
        };
        match need {
            "version-0" => Some(self.versions[0].clone()),
            "version-1" => Some(self.versions[1].clone()),
            "chaining" => of_atr(self.third, 0x80),
            // What an application does not announce it may have all the same: version 0 has announced less than it can.
            "extended" => self.feature(Feature::Extended).or_else(|| of_atr(self.third, 0x40)),
            "channels" => of_atr(self.third, 0x18),
            "records" => of_atr(self.selection, 0x03),
            "challenge" => self.feature(Feature::Random),
            "rsa-2048" => self.is_dialect().then(|| (Some(true), "each card of the dialect makes them".to_owned())),
            "p256" | "p384" | "ecdsa" => self.feature(Feature::Curves).or_else(|| self.not_featured()),
            "pss" => self.feature(Feature::Pss).or_else(|| self.not_featured()),
            "rsa-4096" => self.feature(Feature::Rsa4096).or_else(|| self.not_featured()),
            _ => None,
        }
    }

    fn is_dialect(&self) -> bool {
        self.features.iter().any(Option::is_some)
    }

    /// The application announces it, in any version.
    fn feature(&self, feature: Feature) -> Option<Finding> {
        let has = self.features.iter().flatten().any(|features| features & feature as u8 != 0);
        has.then(|| (Some(true), "announced by the application".to_owned()))
    }

    /// Version 1 has a bit for it, which is not set.
    fn not_featured(&self) -> Option<Finding> {
        self.features[1].map(|_| (Some(false), "the application announces that it has not".to_owned()))
    }
}

/// What a SELECT that failed says of a version.
fn not_selected(answer: &Answer) -> Finding {
    (matches!(answer, Answer::Refused(_)).then_some(false), format!("{answer} SELECT of the application"))
}

/// The card capabilities among historical bytes, one to three of them.
fn card_capabilities(historical: &[u8]) -> Option<&[u8]> {
    let mut objects = match historical {
        // The last three are the status, without a tag.
        [0x00, objects @ .., _, _, _] | [0x80, objects @ ..] => objects,
        _ => return None,
    };
    while let [field, rest @ ..] = objects {
        let (value, behind) = rest.split_at_checked(usize::from(field & 0x0F))?;
        if field >> 4 == 0x7 {
            return Some(value);
        }
        objects = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_capabilities_are_found_among_other_objects() {
        let find = |hex: &str| card_capabilities(&hex::decode(hex).unwrap()).map(hex::encode_upper);
        assert_eq!(find("8073F721DB").as_deref(), Some("F721DB"));
        assert_eq!(find("8031C073F721C0").as_deref(), Some("F721C0"));
        assert_eq!(find("0073F721DB079000").as_deref(), Some("F721DB"));
        assert_eq!(find("8071F7").as_deref(), Some("F7"));
        for other in ["", "80", "8073F721", "00079000", "1073F721DB", "80318073", "4A434F50"] {
            assert_eq!(find(other), None, "{other}");
        }
    }

    #[test]
    fn bits_that_are_not_set_say_so() {
        let says = |atr: &str, need| Announced::of_atr(&hex::decode(atr).unwrap()).says(need).and_then(|(is, _)| is);
        let iso = "3B8580018073F721DBFA";
        for need in ["chaining", "extended", "channels", "records"] {
            assert_eq!(says(iso, need), Some(true), "{need}");
            assert_eq!(says("3B8073F721", need), None, "{need}");
            assert_eq!(says("3B058073F00000", need), Some(false), "{need}");
        }
        assert_eq!(says("3B038071F1", "records"), Some(true));
        assert_eq!(says("3B038071F1", "chaining"), None);
    }
}
