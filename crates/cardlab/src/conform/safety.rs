//! What the tester allows on a card that is there to stay, asked twice where it cannot be undone.

use std::io::{BufRead as _, IsTerminal as _};

use card_conformance::safety::Allowed;

use crate::target::Kind;

#[derive(clap::Args)]
pub(super) struct SafetyArgs {
    /// On a card that is there: also cases that could write files, objects or keys
    #[arg(long)]
    write: bool,
    /// Also cases that send wrong PINs, but never the last one (needs --card)
    #[arg(long)]
    spend_tries: bool,
    /// Also cases that block the PIN, where the PUK is known, or overwrite the spare key; asks first (needs --card)
    #[arg(long)]
    destructive: bool,
    /// Also cases that could do what cannot be undone, and these last; asks first
    #[arg(long = "i-own-this-card")]
    own_card: bool,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
    /// What may not be played on the card is not played on the built-in card either
    #[arg(long)]
    on_card_only: bool,
}

impl SafetyArgs {
    /// Whether the built-in card stands in for the card.
    pub(super) const fn has_stand_in(&self) -> bool {
        !self.on_card_only
    }

    /// What is allowed, without a question.
    pub(super) const fn allowed(&self) -> Allowed {
        Allowed {
            write: self.write,
            spend_tries: self.spend_tries,
            destructive: self.destructive,
            own_card: self.own_card,
        }
    }

    /// Options that say nothing about the chosen card are mistakes.
    pub(super) fn check(&self, target: Kind, has_card_file: bool) -> anyhow::Result<()> {
        let given = self.allowed().options();
        if target == Kind::Sim {
            let given = given.first().copied().or(self.on_card_only.then_some("--on-card-only"));
            let given = given.or(has_card_file.then_some("--card"));
            if let Some(option) = given {
                anyhow::bail!(
                    "{option} goes with --target pcsc or vpcd: the built-in card is described and may be spoilt"
                );
            }
        }
        let needs_file = [(self.spend_tries, "--spend-tries"), (self.destructive, "--destructive")];
        if let Some((_, option)) = needs_file.iter().find(|(given, _)| *given && !has_card_file) {
            anyhow::bail!("{option} needs --card: without it no PIN is known, and none is sent");
        }
        Ok(())
    }

    /// Asks about each thing that needs it.
    ///
    /// # Errors
    /// Somebody says no, or nobody is there to be asked.
    pub(super) fn confirm(&self) -> anyhow::Result<()> {
        let questions = [
            (
                self.destructive,
                "--destructive",
                "The PIN of this card may be blocked and unblocked, and its spare key overwritten.",
            ),
            (self.own_card, "--i-own-this-card", "This card may be changed for good, or be of no use afterwards."),
        ];
        let questions = questions.into_iter().filter(|(given, ..)| *given && !self.yes);
        questions.into_iter().try_for_each(|(_, option, what)| ask(option, what))
    }
}

/// Asks at the terminal whether `what` may happen, as `option` allows.
///
/// # Errors
/// Somebody says no, or nobody is there to be asked.
pub(crate) fn ask(option: &str, what: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        "{option} asks first, and nobody is at a terminal: --yes answers in advance; nothing was sent to the card"
    );
    eprint!("{what} Type `yes` to go on: ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    anyhow::ensure!(answer.trim() == "yes", "{option} was not confirmed; nothing was changed on the card");
    Ok(())
}
