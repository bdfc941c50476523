//! Ending a certificate before its time, and the signed list of those that ended.

use card_pki::certificate::Certificate;
use card_pki::channel::Confirmation;
use card_pki::crl::{Crl, Draft, Reason, Unsigned};
use card_pki::time::{Timestamp, whole};
use jiff::SignedDuration;

use crate::audit::Event;
use crate::authority::Authority;
use crate::error::CaError;
use crate::records::read_certificate;
use crate::state::{LastCrl, Revoked};

/// For how many days a list is good where nobody says otherwise.
pub(crate) const CRL_DAYS: u16 = 7;

impl Authority {
    /// Revokes a certificate; the serial number in hexadecimal.
    ///
    /// # Errors
    /// [`CaError::NoCertificate`], [`CaError::RevokedAlready`], or where it cannot be written down.
    pub fn revoke(&mut self, serial: &str, reason: Reason, now: Timestamp) -> Result<Certificate, CaError> {
        let now = whole(now);
        let (serial, certificate) = self.find(serial)?;
        let mut next = self.state.clone();
        if let Some(issued) = next.certificates.get_mut(&serial) {
            if let Some(before) = issued.revoked {
                let reason = format!("{}, {}", card_pki::time::shown(before.at), before.reason);
                return Err(CaError::RevokedAlready { serial, reason });
            }
            issued.revoked = Some(Revoked { at: now, reason });
        }
        self.commit(next, vec![Event::Revoked { serial, reason }], now)?;
        Ok(certificate)
    }

    /// Signs a new list of revoked certificates, good for a week.
    ///
    /// # Errors
    /// Where it cannot be made or written down.
    pub fn crl(&mut self, now: Timestamp) -> Result<Crl, CaError> {
        self.crl_for(now, CRL_DAYS)
    }

    /// Signs a new list of revoked certificates, good for so many days.
    ///
    /// # Errors
    /// Where it cannot be made or written down.
    pub fn crl_for(&mut self, now: Timestamp, days: u16) -> Result<Crl, CaError> {
        self.usable()?;
        let now = whole(now);
        let failed = |why: String| CaError::Encoding { what: "the list of revoked certificates", why };
        let number = self.state.crl.as_ref().map_or(1, |last| last.number + 1);
        let life = SignedDuration::from_hours(i64::from(days) * 24);
        let next_update = now.checked_add(life).map_err(|error| failed(error.to_string()))?;
        let revoked = self.state.revocations();
        let entries = revoked.len();
        let draft = Draft { number, this_update: now, next_update, revoked };
        let unsigned = Unsigned::new(&draft, &self.chain.issuing).map_err(|error| failed(error.to_string()))?;
        let signature = self.sign(&unsigned.digest())?;
        let crl = unsigned.signed(&signature).map_err(|error| failed(error.to_string()))?;
        let mut next = self.state.clone();
        next.crl = Some(LastCrl { number, entries, next_update, der: crl.der().to_vec() });
        self.commit(next, vec![Event::CrlSigned { crl: number, entries }], now)?;
        Ok(crl)
    }

    /// The last list, or a new one where there is none, where it is over, or where something was revoked after it.
    pub(crate) fn current_crl(&mut self, now: Timestamp) -> Result<Crl, CaError> {
        match &self.state.crl {
            Some(last) if last.next_update > now && last.entries == self.state.revocations().len() => {
                Crl::from_der(&last.der).map_err(|error| CaError::Encoding {
                    what: "the list of revoked certificates",
                    why: error.to_string(),
                })
            }
            _ => self.crl(now),
        }
    }

    /// Writes down that a certificate is on its card. The same again changes nothing.
    ///
    /// # Errors
    /// [`CaError::NoCertificate`], and [`CaError::BadConfirmation`] where the certificate's own key did not sign.
    pub fn installed(&mut self, confirmation: &Confirmation, now: Timestamp) -> Result<(), CaError> {
        let now = whole(now);
        let (serial, certificate) = self.find(&confirmation.serial)?;
        if !confirmation.is_for(&certificate) {
            return Err(CaError::BadConfirmation { serial });
        }
        let mut next = self.state.clone();
        match next.certificates.get_mut(&serial) {
            Some(issued) if issued.installed.is_none() => issued.installed = Some(now),
            _ => return Ok(()),
        }
        self.commit(next, vec![Event::Installed { serial }], now)
    }

    /// A certificate of ours by its serial number in any common spelling.
    fn find(&self, serial: &str) -> Result<(String, Certificate), CaError> {
        let plain: String = serial.chars().filter(|c| *c != ':' && !c.is_whitespace()).take(64).collect();
        let plain = plain.to_ascii_uppercase();
        match self.state.certificates.get(&plain) {
            Some(issued) => Ok((plain.clone(), read_certificate(&plain, issued)?)),
            None => Err(CaError::NoCertificate { serial: plain }),
        }
    }
}
