//! What a service can be told, and what it does where it is told nothing.

use std::time::Duration;

/// Times that a service keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// How long BEGIN waits before it is refused; libpcsclite asks again 0.1 s later. While it waits, other threads of
    /// the client cannot use the same context.
    pub(crate) begin_hold: Duration,
    /// How long a card that nobody uses keeps its power; for ever where there is none. pcscd 1.9.9 takes it after 0.4 to
    /// 0.8 s in readers that it asks for events, and after 5 s in others.
    pub(crate) power_grace: Option<Duration>,
    /// How long a client may take to finish a message, to take an answer, and to ask for a context after it connected.
    pub(crate) patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            begin_hold: Duration::from_millis(250),
            power_grace: Some(Duration::from_millis(500)),
            patience: Duration::from_secs(30),
        }
    }
}
