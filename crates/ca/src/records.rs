//! What the authority knows, for those who only look: no lock, no passphrase, nothing is changed.

use std::path::{Path, PathBuf};

use card_pki::certificate::Certificate;
use card_pki::time::Timestamp;

use crate::audit::{self, Broken, Row};
use crate::authority::{AUDIT, STATE};
use crate::disk::Disk;
use crate::error::CaError;
use crate::state::{Agreement, Card, FORMAT, Issued, Listed, LogEnd, Policy, State, Subscriber};

/// How often a reader tries to see state and log of one moment while others write.
const TRIES: usize = 20;

/// The records at one moment.
#[derive(Clone, Debug)]
pub struct Records {
    state: State,
    dir: PathBuf,
}

/// The audit log, its chain checked.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The rows, the oldest first.
    pub rows: Vec<Row>,
    /// The hash of the last row. Kept elsewhere, it shows later whether the log was made anew.
    pub head: String,
}

impl Records {
    /// Reads the records of the authority in a directory.
    ///
    /// # Errors
    /// Where there is none, or where they cannot be read.
    pub fn read(dir: &Path) -> Result<Self, CaError> {
        let disk = Disk::new(dir);
        if !disk.exists(STATE) {
            return Err(CaError::NoAuthority { dir: dir.to_owned() });
        }
        Ok(Self::of(Self::load(&disk)?, dir))
    }

    pub(crate) fn of(state: State, dir: &Path) -> Self {
        Self { state, dir: dir.to_owned() }
    }

    pub(crate) fn load(disk: &Disk) -> Result<State, CaError> {
        let bytes = disk.read(STATE).map_err(CaError::io(format!("reading {STATE}")))?;
        let damaged = |what: String| CaError::State { file: STATE.into(), what };
        let state: State = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if state.format != FORMAT {
            return Err(damaged(format!("it has format {}, this program knows {FORMAT}", state.format)));
        }
        Ok(state)
    }

    /// Name, site and rules.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.state.policy
    }

    /// The subscribers, in the order of their identifiers.
    pub fn subscribers(&self) -> impl Iterator<Item = &Subscriber> {
        self.state.subscribers.values()
    }

    /// The cards with their serial numbers.
    pub fn cards(&self) -> impl Iterator<Item = (&str, &Card)> {
        self.state.cards.iter().map(|(serial, card)| (serial.as_str(), card))
    }

    /// The certificates, the oldest first.
    ///
    /// # Errors
    /// Where one of them cannot be read.
    pub fn certificates(&self) -> Result<Vec<Listed>, CaError> {
        let mut all: Vec<Listed> = self
            .state
            .certificates
            .iter()
            .map(|(serial, issued)| {
                let certificate = read_certificate(serial, issued)?;
                Ok(Listed { serial: serial.clone(), issued: issued.clone(), certificate })
            })
            .collect::<Result<_, CaError>>()?;
        all.sort_by(|a, b| (a.issued.at, &a.serial).cmp(&(b.issued.at, &b.serial)));
        Ok(all)
    }

    /// Whether a valid certificate follows this one.
    #[must_use]
    pub fn is_renewed(&self, serial: &str, now: Timestamp) -> bool {
        self.state.successor(serial, now).is_some()
    }

    /// The agreement that holds.
    #[must_use]
    pub fn agreement(&self) -> Option<&Agreement> {
        self.state.agreements.last()
    }

    /// When the last list of revoked certificates should be followed by a new one.
    #[must_use]
    pub fn next_crl(&self) -> Option<Timestamp> {
        self.state.crl.as_ref().map(|crl| crl.next_update)
    }

    /// Reads the audit log as it is now, checks its chain, and checks that it ends where the state says.
    ///
    /// # Errors
    /// [`Broken`] where it does not fit.
    pub fn audit(&self) -> Result<Audit, CaError> {
        let disk = Disk::new(&self.dir);
        // Without the lock somebody may write in between; then state and log are of different moments.
        for _ in 0..TRIES {
            let log = Self::load(&disk)?.log;
            let text = disk.read(AUDIT).map_err(CaError::io(format!("reading {AUDIT}")))?;
            if Self::load(&disk)?.log == log {
                return checked(text, &log);
            }
        }
        Err(CaError::Locked { dir: self.dir.clone() })
    }
}

fn checked(mut text: Vec<u8>, log: &LogEnd) -> Result<Audit, CaError> {
    let line = usize::try_from(log.rows).unwrap_or(usize::MAX);
    let end = Broken { line, what: "the log ends before or after the state does" };
    let before = usize::try_from(log.before).unwrap_or(usize::MAX);
    // The last process may have been stopped between state and log; the next one will complete the log like this.
    let Some(tail) = text.get(before..) else { return Err(end.into()) };
    if !log.tail.as_bytes().starts_with(tail) {
        return Err(end.into());
    }
    text.truncate(before);
    text.extend_from_slice(log.tail.as_bytes());
    let rows = audit::verify(&text)?;
    if rows.len() as u64 != log.rows {
        return Err(end.into());
    }
    Ok(Audit { rows, head: log.head.clone() })
}

pub(crate) fn read_certificate(serial: &str, issued: &Issued) -> Result<Certificate, CaError> {
    let damaged = |what: String| CaError::State { file: STATE.into(), what };
    let certificate = Certificate::from_der(&issued.der).map_err(|error| damaged(format!("{serial}: {error}")))?;
    if certificate.serial() != serial {
        return Err(damaged(format!("the certificate under {serial} has another serial number")));
    }
    Ok(certificate)
}

/// The bytes of a file that holds DER, or DER as PEM under any label.
///
/// # Errors
/// Where it begins like PEM and is none.
pub fn der_of(bytes: &[u8]) -> Result<Vec<u8>, CaError> {
    let start = bytes.trim_ascii_start();
    if !start.starts_with(b"-----BEGIN ") {
        return Ok(bytes.to_vec());
    }
    let damaged = |what: String| CaError::State { file: "the PEM file".to_owned(), what };
    let text = str::from_utf8(start).map_err(|error| damaged(error.to_string()))?;
    let (_, document) = der::Document::from_pem(text).map_err(|error| damaged(error.to_string()))?;
    Ok(document.as_bytes().to_vec())
}
