//! What the command line and the environment say, for all commands.

use std::path::PathBuf;
use std::time::Duration;

use card_pki::time::Timestamp;

use crate::place::Around;
use crate::texts::Lang;

/// What is the same for all commands.
#[derive(Clone, Debug)]
pub struct Settings {
    /// In which language the tool speaks.
    pub lang: Lang,
    /// The present time.
    pub now: Timestamp,
    /// Where this user's data is kept.
    pub home: Option<PathBuf>,
    /// The directory through which the authority is reached.
    pub channel: Option<PathBuf>,
    /// Nothing is asked.
    pub batch: bool,
    /// File descriptor of the PIN.
    pub pin_fd: Option<u32>,
    /// File descriptor of a new PIN.
    pub new_pin_fd: Option<u32>,
    /// File descriptor of the PUK.
    pub puk_fd: Option<u32>,
    /// The last try may be spent.
    pub spend_last_try: bool,
    /// A right PIN is asked for once only.
    pub remember_pin: bool,
    /// Results as JSON.
    pub json: bool,
    /// How long to wait for the authority's answer.
    pub wait: Duration,
    /// Notices are agreed to.
    pub yes: bool,
    /// The agreement that the person has accepted.
    pub accept_agreement: Option<PathBuf>,
    /// Who listens to what is sent to the card.
    pub around: Around,
}

impl Settings {
    /// The home directory of this tool as XDG has it, where nothing else was said.
    #[must_use]
    pub fn default_home(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        set("CARDLAB_HOME")
            .map(PathBuf::from)
            .or_else(|| set("XDG_DATA_HOME").map(PathBuf::from).filter(|p| p.is_absolute()).map(|p| p.join("cardlab")))
            .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".local/share/cardlab")))
    }
}
