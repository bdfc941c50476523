//! The person at the card, as the flows see them: what they are asked, and when.

use card_pki::certificate::Certificate;
use card_pki::time::Timestamp;
use host_driver::{Pin, PinPolicy};

/// The person said no, or nobody is there to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// What a PIN is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To log in to the card: the first PIN of a renewal.
    Login,
    /// To generate a key pair: the second.
    Generate,
    /// To sign the request: the third.
    Sign,
    /// To write to the card, or to remove from it.
    Write,
}

/// One request for a PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinAsk {
    /// What for.
    pub purpose: Purpose,
    /// Which card: 0 is the one that the flow is about, others follow in the order in which they were given.
    pub card: usize,
    /// The PIN's lengths on that card.
    pub policy: PinPolicy,
    /// Tries that are left, where the card told.
    pub tries: Option<u8>,
    /// The PIN given before was wrong: forget it if it is remembered.
    pub wrong: bool,
}

/// What the person is told, in the order of the manual's renewal. The letters are the manual's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// The registered data, to be confirmed, and the agreement, to be accepted.
    Confirm {
        /// The subject that the certificate will name, readable.
        subject: &'a str,
        /// The agreement's text.
        agreement: &'a str,
    },
    /// Do not leave, do not remove the card.
    DoNotRemove,
    /// a, f: insert the card (with this index).
    InsertCard {
        /// 0 is the card that the flow is about.
        card: usize,
        /// For which purpose: [`Purpose::Generate`] or [`Purpose::Sign`].
        purpose: Purpose,
    },
    /// b, g: this reader is used. The reader itself was chosen before the flow began.
    Reader {
        /// 0 is the card that the flow is about.
        card: usize,
        /// What the transport calls itself.
        name: &'a str,
    },
    /// c: a key pair will be generated, and the PIN asked for.
    WillGenerate,
    /// A key pair is being generated; this takes from a second to a minute on a real card.
    Generating,
    /// f: the key pair is there; the request will be signed with the original card certificate.
    WillSign {
        /// The certificate whose key signs; none in a first application.
        old: Option<&'a Certificate>,
    },
    /// The request has been handed to the authority.
    Sent,
    /// The authority has not answered yet.
    Waiting,
    /// The certificate is being written.
    Writing,
    /// i: the certificate is on the card, read back and proven.
    Updated {
        /// The new certificate.
        certificate: &'a Certificate,
    },
    /// j: the authority has closed the case.
    Completed,
    /// An interrupted operation was found and is being finished or undone.
    Resuming {
        /// Which.
        what: Interrupted,
    },
}

/// What was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// A key pair that nothing refers to yet: made again.
    Generation,
    /// A key pair without a certificate: used again.
    Keyed,
    /// A certificate that is not (whole) on the card: written again.
    Installation,
    /// A retirement: finished.
    Retirement,
}

/// A certificate that could sign a renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The certificate.
    pub certificate: Certificate,
    /// On which card: 0 is the one that is being renewed.
    pub card: usize,
}

/// Whoever answers the flows' questions: a terminal, a script, a test.
pub trait Dialog {
    /// Asks for a PIN. A remembered one may be given unless `ask.wrong`.
    ///
    /// # Errors
    /// [`Cancelled`].
    fn pin(&mut self, ask: &PinAsk) -> Result<Pin, Cancelled>;

    /// Only one try is left: asks whether it may be spent. Called before [`Dialog::pin`].
    ///
    /// # Errors
    /// [`Cancelled`] if it may not.
    fn last_try(&mut self, ask: &PinAsk) -> Result<(), Cancelled>;

    /// Tells something and waits for the person to agree, where the manual has a button.
    ///
    /// # Errors
    /// [`Cancelled`].
    fn notice(&mut self, notice: &Notice<'_>) -> Result<(), Cancelled>;

    /// e: asks which certificate's key signs. Called with two or more, the newest first; returns an index.
    ///
    /// # Errors
    /// [`Cancelled`].
    fn choose(&mut self, candidates: &[Candidate], now: Timestamp) -> Result<usize, Cancelled>;
}
