//! The desk behind the channel: answers everything that waits there, and publishes what others need.
//!
//! An answer is written after the state is on the disk and before the request is taken away. Stopped anywhere in between,
//! the next run finds the request again and gives the same answer.

use card_pki::certificate::Certificate;
use card_pki::channel::{
    Answer, Channel, ChannelError, Closed, Confirmation, Kind, Recipient, Registration, SealedPuk, Submission,
};
use card_pki::key::KeyHash;
use card_pki::time::{Timestamp, whole};

use crate::authority::Authority;
use crate::error::CaError;
use crate::state::CardState;
use crate::terms;

/// What kind of thing was waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// A request for a first certificate.
    Application,
    /// A request for a following one.
    Renewal,
    /// The word that a certificate is on its card.
    Confirmation,
    /// A sealed PUK.
    Puk,
    /// A file that has no business there or cannot be read.
    Stray,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Application => "application",
            Self::Renewal => "renewal",
            Self::Confirmation => "confirmation",
            Self::Puk => "puk",
            Self::Stray => "stray file",
        })
    }
}

/// What became of one thing that was waiting.
#[derive(Debug)]
pub struct Outcome {
    /// What it was.
    pub case: Case,
    /// Under which name it lay: the key's hash or the card's serial number.
    pub name: String,
    /// The certificate that it is about, or nothing for a PUK; or why it was turned down or left where it is.
    pub result: Result<Option<Certificate>, CaError>,
    /// Whether it still lies in the channel, because it cannot be read or cannot be accepted yet.
    pub left: bool,
}

impl Authority {
    /// Handles everything that waits in the channel. What cannot be read or cannot be accepted yet is left where it is and
    /// reported each time; everything else is taken away after it was answered.
    ///
    /// # Errors
    /// Where the channel cannot be listed, or where the authority's own records cannot be written: then nothing more is
    /// handled, and what was handled before is kept.
    pub fn answer_channel(&mut self, channel: &Channel, now: Timestamp) -> Result<Vec<Outcome>, CaError> {
        let now = whole(now);
        let mut outcomes = Vec::new();
        for entry in channel.sealed().map_err(failed)? {
            outcomes.push(self.sealed(channel, entry, now)?);
        }
        for entry in channel.submissions().map_err(failed)? {
            outcomes.push(self.submitted(channel, entry, now)?);
        }
        for entry in channel.confirmations().map_err(failed)? {
            outcomes.push(self.confirmed(channel, entry, now)?);
        }
        Ok(outcomes)
    }

    fn sealed(
        &mut self,
        channel: &Channel,
        entry: Result<(String, SealedPuk), ChannelError>,
        now: Timestamp,
    ) -> Result<Outcome, CaError> {
        let (card, sealed) = match entry {
            Ok(entry) => entry,
            Err(error) => return Ok(stray(&error)),
        };
        let result = said(self.take_sealed(&sealed, now))?;
        if result.is_ok() {
            channel.remove_sealed(&card).map_err(failed)?;
        }
        let left = result.is_err();
        Ok(Outcome { case: Case::Puk, name: card, result: result.map(|()| None), left })
    }

    fn submitted(
        &mut self,
        channel: &Channel,
        entry: Result<(KeyHash, Submission), ChannelError>,
        now: Timestamp,
    ) -> Result<Outcome, CaError> {
        let (key, submission) = match entry {
            Ok(entry) => entry,
            Err(error) => return Ok(stray(&error)),
        };
        let (case, result) = match submission.kind {
            Kind::Application => {
                (Case::Application, self.application(&submission.card, &submission.body, Some(key), now))
            }
            Kind::Renewal => (Case::Renewal, self.renewal(&submission.card, &submission.body, Some(key), now)),
        };
        let result = said(result)?;
        let answer = match &result {
            Ok(certificate) => Answer::Issued { certificate: certificate.clone() },
            Err(CaError::Refused(refusal)) => Answer::Refused { refusal: refusal.clone() },
            Err(_) => return Ok(Outcome { case, name: key.to_string(), result: result.map(Some), left: true }),
        };
        // A refused request must not take away the certificate that its key already has.
        let has_one = matches!(channel.answer(&key), Ok(Answer::Issued { .. }));
        if !(has_one && matches!(answer, Answer::Refused { .. })) {
            channel.put_answer(&key, &answer).map_err(failed)?;
        }
        if case == Case::Renewal && result.is_ok() {
            self.remove_used_nonce(channel, &submission.card)?;
        }
        // Somebody may have sent another one in the meantime; that one is for the next round.
        if channel.submission(&key).ok().flatten().as_ref() == Some(&submission) {
            channel.remove_submission(&key).map_err(failed)?;
        }
        Ok(Outcome { case, name: key.to_string(), result: result.map(Some), left: false })
    }

    /// Takes the nonce of the card's subscriber away, unless it is a new one already.
    fn remove_used_nonce(&self, channel: &Channel, card: &str) -> Result<(), CaError> {
        let Some(bound) = self.state.cards.get(card) else { return Ok(()) };
        match channel.nonce(&bound.subscriber) {
            Ok(Some(nonce)) if !terms::is_used(&self.state, &nonce) => Ok(()),
            _ => channel.remove_nonce(&bound.subscriber).map_err(failed),
        }
    }

    fn confirmed(
        &mut self,
        channel: &Channel,
        entry: Result<(KeyHash, Confirmation), ChannelError>,
        now: Timestamp,
    ) -> Result<Outcome, CaError> {
        let (key, confirmation) = match entry {
            Ok(entry) => entry,
            Err(error) => return Ok(stray(&error)),
        };
        let result = said(self.installed(&confirmation, now))?;
        let name = key.to_string();
        let certificate = self.records().certificates()?.into_iter().find(|one| one.issued.key == key);
        match (&result, certificate) {
            (Ok(()), Some(one)) if one.serial == confirmation.serial => {
                let at = one.issued.installed.unwrap_or(now);
                channel.put_closed(&key, &Closed { at }).map_err(failed)?;
                channel.remove_confirmation(&key).map_err(failed)?;
                Ok(Outcome { case: Case::Confirmation, name, result: Ok(Some(one.certificate)), left: false })
            }
            _ => {
                // It will not become right by waiting. The tool sees that its case stays open.
                channel.remove_confirmation(&key).map_err(failed)?;
                let refused = CaError::BadConfirmation { serial: confirmation.serial.chars().take(64).collect() };
                Ok(Outcome {
                    case: Case::Confirmation,
                    name,
                    result: Err(result.err().unwrap_or(refused)),
                    left: false,
                })
            }
        }
    }

    /// Publishes the authority's certificates, the agreement, the key for PUKs, the list of revoked certificates (a new one
    /// where that is due), and who has which card.
    ///
    /// # Errors
    /// Where something cannot be written.
    pub fn publish(&mut self, channel: &Channel, now: Timestamp) -> Result<(), CaError> {
        let crl = self.current_crl(whole(now))?;
        channel.put_chain(&self.chain).map_err(failed)?;
        channel.put_crl(&crl).map_err(failed)?;
        channel.put_recipient(&Recipient::new(self.recipient.clone())).map_err(failed)?;
        if let Some(agreement) = self.state.agreements.last() {
            channel.put_agreement(&agreement.text).map_err(failed)?;
        }
        for (serial, card) in &self.state.cards {
            match self.state.subscribers.get(&card.subscriber) {
                Some(record) if card.state == CardState::Active => {
                    let registration = Registration {
                        subscriber: record.id.clone(),
                        ra_unit: record.ra_unit.clone(),
                        card: serial.clone(),
                        subject_der: record.subject_der.clone(),
                        email: record.email.clone(),
                    };
                    if channel.registration(serial).ok().flatten().as_ref() != Some(&registration) {
                        channel.put_registration(&registration).map_err(failed)?;
                    }
                }
                _ => channel.remove_registration(serial).map_err(failed)?,
            }
        }
        Ok(())
    }
}

fn failed(error: ChannelError) -> CaError {
    CaError::Channel(error.to_string())
}

fn stray(error: &ChannelError) -> Outcome {
    let result = Err(CaError::Channel(error.to_string()));
    Outcome { case: Case::Stray, name: stray_name(error), result, left: true }
}

/// The name under which [`Outcome`] speaks of a file that cannot be read.
#[must_use]
pub fn stray_name(error: &ChannelError) -> String {
    match error {
        ChannelError::Io { path, .. }
        | ChannelError::TooLarge { path, .. }
        | ChannelError::Garbage { path, .. }
        | ChannelError::NotAChannel(path) => path.display().to_string(),
        ChannelError::Name(name) => name.clone(),
    }
}

/// Tells what concerns one request from what concerns the authority, after which nothing more can be done.
fn said<T>(result: Result<T, CaError>) -> Result<Result<T, CaError>, CaError> {
    match result {
        Err(error) if !error.is_refusal() => Err(error),
        result => Ok(result),
    }
}
