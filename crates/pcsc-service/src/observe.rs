//! What a service tells who watches it, for traces.

/// Something that has happened. Of one reader, events come in the order in which they happened.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The reader's name; none where a call reached no reader.
    pub reader: Option<&'a str>,
    /// The handle that a program has on the card; none for what the service's owner did.
    pub handle: Option<u32>,
    /// What it was.
    pub what: What<'a>,
}

/// Kinds of events. Commands and answers are as they went over the wire: PINs and keys are in them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum What<'a> {
    /// A program has called a function, by its name without `SCard`, and got this result (0, or one of `SCARD_…`).
    /// Commands are told as [`What::Command`], waits and lists of readers not at all.
    Call {
        /// The function.
        name: &'static str,
        /// The result.
        result: u32,
    },
    /// A command has reached the card.
    Command {
        /// The command.
        command: &'a [u8],
        /// The answer; empty where none came, or none that counted.
        answer: &'a [u8],
        /// How long the card took.
        took: std::time::Duration,
    },
    /// The card has been reset or been given power, and has answered with this ATR; empty for a mute card.
    Atr(&'a [u8]),
    /// The card has lost its power.
    PoweredOff,
    /// A card has been put in.
    Inserted,
    /// The card has been pulled.
    Removed,
    /// The card has been exchanged without an event.
    Replaced,
    /// The reader has been pulled out, with its card.
    Unplugged,
}

/// Who watches. Called while the reader is locked: it must return soon, and must not use the service.
pub(crate) type Observer = Box<dyn Fn(&Event<'_>) + Send + Sync>;
