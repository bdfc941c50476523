//! The audit log: one JSON line for each thing that was done or refused, each holding the hash of the line before it.
//!
//! The log cannot be changed or cut in the middle without breaking the chain, nor at its end without contradicting the
//! state. Somebody who may write all files of the directory can still make a new consistent pair: keep the last hash,
//! which `cardlab ca audit` prints, elsewhere.

use card_pki::crl::Reason;
use card_pki::key::KeyHash;
use card_pki::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

const DOMAIN: &[u8] = b"cardlab audit v1\0";

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[expect(missing_docs, reason = "the fields are serials, identifiers and hashes with the names they have everywhere")]
pub enum Event {
    /// The authority was made.
    Created { name: String },
    /// A subscriber was registered, or a further card of one.
    Registered { subscriber: String, card: String },
    /// The record of a subscriber was replaced.
    RecordReplaced { subscriber: String },
    /// A nonce for one renewal was given out.
    NonceGiven { subscriber: String },
    /// Another agreement holds from now on.
    AgreementSet { hash: String },
    /// A first certificate.
    Issued { serial: String, subscriber: String, card: String, key: KeyHash },
    /// A certificate that follows another one.
    Renewed { serial: String, old: String, subscriber: String, card: String, key: KeyHash },
    /// The same request came again and got the same answer.
    Repeated { serial: String, card: String },
    /// A request was turned down.
    Refused { request: String, card: String, why: String },
    /// A certificate was revoked.
    Revoked { serial: String, reason: Reason },
    /// A list of revoked certificates was signed.
    CrlSigned { crl: u64, entries: usize },
    /// A sealed PUK was taken over.
    PukTaken { card: String },
    /// A PUK was shown to the operator.
    PukShown { card: String },
    /// A PUK was forgotten, so that another one can be taken over.
    PukForgotten { card: String },
    /// A renewal notice was written.
    NoticeWritten { serial: String },
    /// A card was replaced by another one.
    CardReplaced { subscriber: String, lost: String, card: String },
    /// The card holder has the certificate on the card.
    Installed { serial: String },
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its number, from 1.
    pub number: u64,
    /// When, as the command was told.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub event: Event,
    /// The hash of the row before; zeros in the first one.
    pub previous: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    row: Row,
    hash: String,
}

/// The log does not fit together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("audit.log, line {line}: {what}. Somebody or something changed the log; the state file was not touched")]
pub struct Broken {
    /// Which line.
    pub line: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// The hash before the first row.
pub(crate) fn start() -> String {
    hex::encode([0; 32])
}

/// The row as it stands in the log, and its hash.
pub(crate) fn line(row: Row) -> Result<(String, String), serde_json::Error> {
    let hash = hash(&row)?;
    let mut text = serde_json::to_string(&Line { row, hash: hash.clone() })?;
    text.push('\n');
    Ok((text, hash))
}

fn hash(row: &Row) -> Result<String, serde_json::Error> {
    let text = serde_json::to_vec(row)?;
    Ok(hex::encode(Sha256::new().chain_update(DOMAIN).chain_update(text).finalize()))
}

/// Reads a log and checks every link of the chain.
///
/// # Errors
/// [`Broken`] at the first line that does not fit.
pub fn verify(text: &[u8]) -> Result<Vec<Row>, Broken> {
    let mut rows: Vec<Row> = Vec::new();
    let mut head = start();
    for (index, bytes) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let broken = |what| Broken { line: index + 1, what };
        let Line { row, hash: said } = serde_json::from_slice(bytes).map_err(|_| broken("it is no row of this log"))?;
        if row.previous != head {
            return Err(broken("it does not follow the line before it"));
        }
        if row.number != rows.len() as u64 + 1 {
            return Err(broken("its number is not the next one"));
        }
        let (exact, hash) = line(row.clone()).map_err(|_| broken("it is no row of this log"))?;
        if hash != said || exact.as_bytes() != bytes {
            return Err(broken("its hash does not fit its contents"));
        }
        head = hash;
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(rows: usize) -> String {
        let mut previous = start();
        let mut text = String::new();
        for number in 1..=rows as u64 {
            let event = Event::NonceGiven { subscriber: format!("用戶{number}") };
            let row = Row { number, at: Timestamp::from_second(1_800_000_000).unwrap(), event, previous };
            let (line, hash) = line(row).unwrap();
            previous = hash;
            text.push_str(&line);
        }
        text
    }

    #[test]
    fn every_change_of_a_byte_is_noticed() {
        let text = log(3);
        assert_eq!(verify(text.as_bytes()).unwrap().len(), 3);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            assert!(verify(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn events_with_fields_of_every_kind_come_back() {
        let key = KeyHash([7; 32]);
        let text = || "A-1".to_owned();
        let events = [
            Event::CrlSigned { crl: 3, entries: 2 },
            Event::Renewed { serial: text(), old: text(), subscriber: text(), card: text(), key },
            Event::Revoked { serial: text(), reason: Reason::KeyCompromise },
        ];
        for event in events {
            let row = Row { number: 1, at: Timestamp::from_second(0).unwrap(), event, previous: start() };
            let (text, _) = line(row.clone()).unwrap();
            assert_eq!(verify(text.as_bytes()).unwrap(), [row]);
        }
    }

    #[test]
    fn lines_cannot_go_or_change_places() {
        let text = log(3);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for order in [vec![0, 2], vec![1, 2], vec![1, 0, 2], vec![0, 0]] {
            let changed: String = order.iter().map(|at| lines[*at]).collect();
            assert!(verify(changed.as_bytes()).is_err(), "{order:?}");
        }
    }
}
