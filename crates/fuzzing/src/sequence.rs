//! Sequences of commands as bytes: the input format of the sequence targets.
//!
//! The first byte chooses the card and how it is driven; its meaning belongs to the target. Then come steps, one after
//! the other: a big-endian length of two bytes and that many bytes of command. Lengths from FFF0 on are controls:
//!
//! | bytes | control |
//! |---|---|
//! | FFF0 | reset |
//! | FFF1 … FFFB | from now on the power goes after 2, 4, 8, … 2,048 more bytes of writing |
//! | FFFC | power off and on |
//! | FFFD n n | the power goes after n (big-endian) more bytes of writing; the next byte keeps its old value |
//! | FFFE n n | the same, and the next byte has its new value |
//! | FFFF n n | the same, and the next byte is garbage |
//!
//! Any bytes are a sequence: a command that is longer than what is left is cut short, and bytes that are missing
//! from a control are zeros.

/// Commands in one run of a target; a longer input is mostly repetition.
pub const MAX_COMMANDS: usize = 200;
/// The longest command that fits.
pub const MAX_COMMAND: usize = 0xFFEF;

/// What becomes of the byte that is being written when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torn {
    /// It keeps its old value.
    Old,
    /// It has its new value.
    New,
    /// It has a value that nobody wrote.
    Garbage,
}

/// What is done to a card besides sending commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// A reset of the powered card.
    Reset,
    /// Power off and on.
    PowerCycle,
    /// The power goes after so many more bytes of writing.
    Cut {
        /// Bytes that are still written.
        after: u16,
        /// What the next byte looks like.
        torn: Torn,
    },
}

/// One step, borrowed from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A command APDU; any bytes.
    Command(&'a [u8]),
    /// Something else.
    Control(Control),
}

/// The steps of an input, without copying.
#[derive(Clone, Debug)]
pub struct Steps<'a>(&'a [u8]);

impl<'a> Steps<'a> {
    /// The steps in `bytes`, which stand behind the first byte of an input.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    #[inline]
    fn next(&mut self) -> Option<Step<'a>> {
        let (length, body) = self.0.split_first_chunk::<2>()?;
        let word = u16::from_be_bytes(*length);
        if word < 0xFFF0 {
            let (command, rest) = body.split_at(usize::from(word).min(body.len()));
            self.0 = rest;
            return Some(Step::Command(command));
        }
        self.0 = body;
        Some(Step::Control(match word & 0x000F {
            0 => Control::Reset,
            bits @ 1..=11 => Control::Cut { after: 1 << bits, torn: Torn::Old },
            12 => Control::PowerCycle,
            torn => {
                let [high, low] = [body.first(), body.get(1)].map(|byte| byte.copied().unwrap_or(0));
                self.0 = body.get(2..).unwrap_or_default();
                let torn = [Torn::Old, Torn::New, Torn::Garbage][usize::from(torn - 13)];
                Control::Cut { after: u16::from_be_bytes([high, low]), torn }
            }
        }))
    }
}

/// One step that owns its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedStep {
    /// A command APDU.
    Command(Vec<u8>),
    /// Something else.
    Control(Control),
}

/// An input, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// The first byte.
    pub choice: u8,
    /// What is done.
    pub steps: Vec<OwnedStep>,
}

impl Sequence {
    /// Only commands, for the card that `choice` names.
    #[must_use]
    pub fn of(choice: u8, commands: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { choice, steps: commands.into_iter().map(OwnedStep::Command).collect() }
    }

    /// Reads an input; `None` if it has no bytes at all.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (choice, rest) = bytes.split_first()?;
        let steps = Steps::new(rest).map(|step| match step {
            Step::Command(command) => OwnedStep::Command(command.to_vec()),
            Step::Control(control) => OwnedStep::Control(control),
        });
        Some(Self { choice: *choice, steps: steps.collect() })
    }

    /// The bytes of the sequence. A command beyond [`MAX_COMMAND`] bytes is cut to them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.choice];
        for step in &self.steps {
            match step {
                OwnedStep::Command(command) => {
                    let command = &command[..command.len().min(MAX_COMMAND)];
                    bytes.extend(u16::try_from(command.len()).unwrap_or(0).to_be_bytes());
                    bytes.extend(command);
                }
                OwnedStep::Control(Control::Reset) => bytes.extend([0xFF, 0xF0]),
                OwnedStep::Control(Control::PowerCycle) => bytes.extend([0xFF, 0xFC]),
                OwnedStep::Control(Control::Cut { after, torn }) => {
                    let [high, low] = after.to_be_bytes();
                    let torn = match torn {
                        Torn::Old => 0xFD,
                        Torn::New => 0xFE,
                        Torn::Garbage => 0xFF,
                    };
                    bytes.extend([0xFF, torn, high, low]);
                }
            }
        }
        bytes
    }

    /// The commands alone.
    pub fn commands(&self) -> impl Iterator<Item = &[u8]> {
        self.steps.iter().filter_map(|step| match step {
            OwnedStep::Command(command) => Some(command.as_slice()),
            OwnedStep::Control(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step() -> impl Strategy<Value = OwnedStep> {
        let torn = prop_oneof![Just(Torn::Old), Just(Torn::New), Just(Torn::Garbage)];
        prop_oneof![
            4 => proptest::collection::vec(any::<u8>(), 0..300).prop_map(OwnedStep::Command),
            1 => Just(OwnedStep::Control(Control::Reset)),
            1 => Just(OwnedStep::Control(Control::PowerCycle)),
            1 => (any::<u16>(), torn).prop_map(|(after, torn)| OwnedStep::Control(Control::Cut { after, torn })),
        ]
    }

    proptest! {
        #[test]
        fn parse_and_encode_are_inverse(choice: u8, steps in proptest::collection::vec(step(), 0..20)) {
            let sequence = Sequence { choice, steps };
            prop_assert_eq!(Sequence::parse(&sequence.encode()), Some(sequence));
        }

        #[test]
        fn any_bytes_are_a_sequence_and_steps_are_bounded(bytes in proptest::collection::vec(any::<u8>(), 1..500)) {
            let sequence = Sequence::parse(&bytes).unwrap();
            prop_assert!(sequence.steps.len() <= bytes.len() / 2);
            prop_assert_eq!(Sequence::parse(&sequence.encode()), Some(sequence));
        }
    }

    #[test]
    fn the_powers_of_two_of_old_inputs_are_still_read() {
        let steps: Vec<_> = Steps::new(&[0xFF, 0xF1, 0xFF, 0xFB, 0xFF, 0xFC, 0, 1, 0xA4, 0xFF, 0xFF, 1]).collect();
        let cut = |after, torn| Step::Control(Control::Cut { after, torn });
        let cycle = Step::Control(Control::PowerCycle);
        let expected =
            [cut(2, Torn::Old), cut(2048, Torn::Old), cycle, Step::Command(&[0xA4]), cut(0x0100, Torn::Garbage)];
        assert_eq!(steps, expected);
    }
}
