//! A card that takes its time: how long, a profile says, which is a TOML file as fixtures/README.md describes it.

use std::time::Duration;

use card_wire::{Icc, Protocol};
use serde::Deserialize;
use thiserror::Error;

use crate::clock::Clock;
use crate::dice::Dice;
use crate::pattern::Pattern;

/// The longest time that a profile may name, in milliseconds: an hour.
const MOST_MS: f64 = 3_600_000.0;

/// The longest time for one byte, in microseconds: an hour for the longest APDU.
const MOST_US: f64 = 50_000.0;

/// The profiles that are built in, by their names.
const BUILT_IN: [(&str, &str); 4] = [
    ("best", include_str!("../../../fixtures/latency/best.toml")),
    ("median", include_str!("../../../fixtures/latency/median.toml")),
    ("worst", include_str!("../../../fixtures/latency/worst.toml")),
    ("any", include_str!("../../../fixtures/latency/any.toml")),
];

/// How long a card takes over what.
#[derive(Clone, Debug)]
pub struct Profile {
    every: Every,
    rules: Vec<Rule>,
}

/// Why a text is no profile.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// It is no TOML, or has other keys.
    #[error("line {line}: {message}")]
    Toml {
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A time that none takes.
    #[error("{0}: a time is from 0 to an hour (for a byte 50 ms), and best, median and worst rise")]
    Time(String),
    /// A pattern or an instruction that can fit nothing.
    #[error("{what}: {problem} is not right: hexadecimal digits, `?`, and `*` at the end")]
    Pattern {
        /// The rule's name.
        what: String,
        /// The text.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    every_command: Every,
    #[serde(default)]
    rule: Vec<Row>,
}

/// What each command takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Every {
    ms: Time,
    #[serde(default)]
    us_per_byte_sent: f64,
    #[serde(default)]
    us_per_byte_received: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    what: String,
    instruction: Option<String>,
    command: Option<String>,
    answer: Option<String>,
    #[serde(default)]
    answer_bytes: usize,
    ms: Time,
}

/// What some commands take in addition.
#[derive(Clone, Debug)]
struct Rule {
    instruction: Option<u8>,
    command: Option<Pattern>,
    answer: Option<Pattern>,
    answer_bytes: usize,
    ms: Time,
}

/// Always the same, or best, median and worst: half of the times lie on each side of the median, evenly on a
/// logarithmic scale.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged, expecting = "a time is a number of milliseconds, or [best, median, worst]")]
enum Time {
    Same(f64),
    Spread([f64; 3]),
}

impl Time {
    fn is_sound(self) -> bool {
        let possible = |ms: f64| (0.0..=MOST_MS).contains(&ms);
        match self {
            Self::Same(ms) => possible(ms),
            Self::Spread([best, median, worst]) => best > 0.0 && best <= median && median <= worst && possible(worst),
        }
    }

    /// Milliseconds; `part` of all times are shorter.
    fn at(self, part: f64) -> f64 {
        match self {
            Self::Same(ms) => ms,
            Self::Spread([best, median, _]) if part < 0.5 => best * (median / best).powf(2.0 * part),
            Self::Spread([_, median, worst]) => median * (worst / median).powf(2.0 * part - 1.0),
        }
    }
}

impl Profile {
    /// The names of the profiles that are built in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// A profile that is built in.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.iter().find(|(own, _)| *own == name)?;
        Self::from_toml(text).ok()
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let file: File = toml::from_str(text).map_err(|error| ProfileError::Toml {
            line: error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count()),
            message: error.message().replace('\n', " "),
        })?;
        let every = file.every_command;
        let per_byte = [every.us_per_byte_sent, every.us_per_byte_received];
        if !every.ms.is_sound() || !per_byte.iter().all(|us| (0.0..=MOST_US).contains(us)) {
            return Err(ProfileError::Time("every_command".to_owned()));
        }
        let rules = file.rule.into_iter().map(Rule::new).collect::<Result<_, _>>()?;
        Ok(Self { every, rules })
    }

    /// How long the card takes over this command with this answer, which includes its status word.
    fn time(&self, command: &[u8], answer: &[u8], dice: &mut Dice) -> Duration {
        // Both are drawn for each command, so that one rule more does not change all other times.
        let [base, more] = [dice.part(), dice.part()];
        let rule = self.rules.iter().find(|rule| rule.fits(command, answer));
        #[expect(clippy::cast_precision_loss, reason = "lengths of APDUs are exact in a double")]
        let [sent, received] = [command.len() as f64, answer.len() as f64];
        let bytes = (sent * self.every.us_per_byte_sent + received * self.every.us_per_byte_received) / 1000.0;
        let ms = self.every.ms.at(base) + bytes + rule.map_or(0.0, |rule| rule.ms.at(more));
        // Each part is at most two hours, so that this is a time.
        Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
    }
}

impl Rule {
    fn new(row: Row) -> Result<Self, ProfileError> {
        let wrong = |problem: &str| ProfileError::Pattern { what: row.what.clone(), problem: problem.to_owned() };
        let pattern =
            |text: &Option<String>| text.as_ref().map(|text| Pattern::parse(text).map_err(|_| wrong(text))).transpose();
        let byte = |text: &String| u8::from_str_radix(text, 16).map_err(|_| wrong(text));
        let rule = Self {
            instruction: row.instruction.as_ref().map(byte).transpose()?,
            command: pattern(&row.command)?,
            answer: pattern(&row.answer)?,
            answer_bytes: row.answer_bytes,
            ms: row.ms,
        };
        if rule.ms.is_sound() { Ok(rule) } else { Err(ProfileError::Time(row.what)) }
    }

    fn fits(&self, command: &[u8], answer: &[u8]) -> bool {
        self.instruction.is_none_or(|wanted| command.get(1) == Some(&wanted))
            && self.command.as_ref().is_none_or(|pattern| pattern.fits(command))
            && self.answer.as_ref().is_none_or(|pattern| pattern.fits(answer))
            // The status word is no data.
            && answer.len() >= self.answer_bytes + 2
    }
}

/// A card that takes as long as a profile says.
pub struct Slow<C> {
    card: C,
    profile: Profile,
    clock: Clock,
    dice: Dice,
}

impl<C: Icc> Slow<C> {
    /// Slows the card down. The seed decides what is drawn from the profile's distributions.
    pub const fn new(card: C, profile: Profile, clock: Clock, seed: u64) -> Self {
        Self { card, profile, clock, dice: Dice::new(seed) }
    }
}

impl<C: Icc> Icc for Slow<C> {
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        self.card.power_on(protocol)
    }

    fn reset(&mut self) -> &[u8] {
        self.card.reset()
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        let begin = self.clock.now();
        let answer = self.card.transmit(command, response);
        // A card without an answer has lost its power, and says nothing however long one waits.
        if !answer.is_empty() {
            let wanted = self.profile.time(command, answer, &mut self.dice);
            let taken = self.clock.now().saturating_sub(begin);
            self.clock.pass(wanted.saturating_sub(taken));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELECT: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x00];
    const OK: &[u8] = &[0x90, 0x00];
    const RSA_2048: &[u8] = &[0x7F, 0x49, 0x82, 0x01, 0x09, 0x81, 0x82, 0x01, 0x00, 0x90, 0x00];

    fn ms(profile: &Profile, command: &[u8], answer: &[u8], dice: &mut Dice) -> f64 {
        profile.time(command, answer, dice).as_secs_f64() * 1000.0
    }

    #[test]
    fn the_built_in_profiles_say_what_real_cards_take() {
        let generate = [0x00, 0x46, 0x42, 0x00, 0x00];
        let sign = [0x00, 0x2A, 0x9E, 0x9A, 0x01, 0x00, 0x00];
        let signature = [0xAA; 258];
        for (name, generation, signing) in
            [("best", 2118.0, 59.9), ("median", 11_990.0, 200.9), ("worst", 69_100.0, 675.7)]
        {
            let profile = Profile::named(name).unwrap();
            let mut dice = Dice::new(1);
            let plain = ms(&profile, SELECT, OK, &mut dice);
            assert!((42.0..49.0).contains(&plain), "{plain}");
            for (command, answer, more) in [(&generate[..], RSA_2048, generation), (&sign, &signature, signing)] {
                let all = ms(&profile, command, answer, &mut dice);
                // What every command takes, and each byte.
                assert!((more..more + 56.0).contains(&(all - 42.0)), "{name}: {all}");
            }
            // A refusal is quick, and so is reading the public key.
            assert!(ms(&profile, &sign, &[0x69, 0x82], &mut dice) < 50.0);
            assert!(ms(&profile, &[0x00, 0x46, 0x81, 0x00, 0x00], RSA_2048, &mut dice) < 50.0);
        }
        assert!(Profile::names().all(|name| Profile::named(name).is_some()));
        assert!(Profile::named("quick").is_none());
    }

    #[test]
    fn bytes_and_rules_add_up() {
        let text = "[every_command]\nms = 1\nus_per_byte_sent = 1000\nus_per_byte_received = 2000\n\
            [[rule]]\nwhat = \"first\"\ninstruction = \"A4\"\nanswer = \"9000\"\nms = 100\n\
            [[rule]]\nwhat = \"second\"\ncommand = \"00A4*\"\nanswer_bytes = 2\nms = 1000\n";
        let profile = Profile::from_toml(text).unwrap();
        let mut dice = Dice::new(1);
        let whole = |answer: &[u8], dice: &mut Dice| profile.time(SELECT, answer, dice).as_millis();
        assert_eq!(whole(OK, &mut dice), 1 + 5 + 4 + 100);
        assert_eq!(whole(&[1, 2, 0x90, 0x00], &mut dice), 1 + 5 + 8 + 1000);
        assert_eq!(whole(&[1, 0x90, 0x00], &mut dice), 1 + 5 + 6, "one byte is less than two");
    }

    #[test]
    fn a_spread_has_its_quartiles() {
        let profile = Profile::named("any").unwrap();
        let mut dice = Dice::new(7);
        let mut times: Vec<f64> =
            (0..4001).map(|_| ms(&profile, &[0x00, 0x46, 0x42, 0x00, 0x00], RSA_2048, &mut dice)).collect();
        times.sort_by(f64::total_cmp);
        assert!(times[0] >= 2118.0 && times[4000] <= 69_200.0, "{} {}", times[0], times[4000]);
        let median = times[2000];
        assert!((10_500.0..13_500.0).contains(&median), "{median}");
        let mut again = Dice::new(7);
        assert!(times.contains(&ms(&profile, &[0x00, 0x46, 0x42, 0x00, 0x00], RSA_2048, &mut again)));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            ("", "every_command"),
            ("[every_command]\nms = -1", "every_command: a time"),
            ("[every_command]\nms = 1\nus_per_byte_sent = 1e99", "every_command: a time"),
            ("[every_command]\nms = nan", "every_command: a time"),
            ("[every_command]\nms = [1, 1]", "line 2: a time is a number"),
            ("[every_command]\nms = [3, 2, 4]", "every_command: a time"),
            ("[every_command]\nms = 1\nspeed = 3", "line 3: unknown field `speed`"),
            ("[every_command]\nms = 1\n[[rule]]\nwhat = \"x\"\nanswer = \"0\"\nms = 1", "x: 0 is not right"),
            ("[every_command]\nms = 1\n[[rule]]\nwhat = \"x\"\ninstruction = \"0Z\"\nms = 1", "x: 0Z is not right"),
        ] {
            let error = Profile::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
