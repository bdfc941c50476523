//! Issuing: a first certificate from a PKCS#10 request, a following one from a renewal signed by the old key.

use card_pki::certificate::Certificate;
use card_pki::key::{KeyHash, PublicKey};
use card_pki::refusal::Refusal;
use card_pki::time::{Timestamp, whole};
use card_pki::{renewal, request};

use crate::audit::Event;
use crate::authority::{Authority, NewCertificate};
use crate::checks::{Desk, Verdict};
use crate::error::CaError;
use crate::records::read_certificate;
use crate::state::Issued;

impl Authority {
    /// Issues a first certificate for a card from a PKCS#10 request in DER. The same request again gets the same answer.
    ///
    /// # Errors
    /// [`CaError::Refused`] where the request is not in order; a failure where nothing could be issued now.
    pub fn issue(&mut self, card: &str, pkcs10: &[u8], now: Timestamp) -> Result<Certificate, CaError> {
        self.application(card, pkcs10, None, now)
    }

    /// Issues a certificate that follows another one, from a CMS renewal in DER. The same request again gets the same
    /// answer, whenever it comes.
    ///
    /// # Errors
    /// [`CaError::Refused`] where the renewal is not in order; a failure where nothing could be issued now.
    pub fn renew(&mut self, card: &str, cms: &[u8], now: Timestamp) -> Result<Certificate, CaError> {
        self.renewal(card, cms, None, now)
    }

    /// `name` is the key under which the request lies, where it lies under one.
    pub(crate) fn application(
        &mut self,
        card: &str,
        pkcs10: &[u8],
        name: Option<KeyHash>,
        now: Timestamp,
    ) -> Result<Certificate, CaError> {
        self.answering("application", card, whole(now), |ca, now| {
            let request = request::parse(pkcs10)?;
            named(name, &request.key)?;
            let verdict = ca.desk(now).application(card, &request)?;
            ca.carry_out(&verdict, card, &request.key, now)
        })
    }

    pub(crate) fn renewal(
        &mut self,
        card: &str,
        cms: &[u8],
        name: Option<KeyHash>,
        now: Timestamp,
    ) -> Result<Certificate, CaError> {
        self.answering("renewal", card, whole(now), |ca, now| {
            let renewal = renewal::parse(cms)?;
            named(name, &renewal.request.key)?;
            let verdict = ca.desk(now).renewal(card, &renewal)?;
            ca.carry_out(&verdict, card, &renewal.request.key, now)
        })
    }

    fn desk(&self, now: Timestamp) -> Desk<'_> {
        Desk { state: &self.state, chain: &self.chain, own: self.own_keys(), now }
    }

    /// Does something that may be refused; a refusal is written down too.
    fn answering(
        &mut self,
        request: &str,
        card: &str,
        now: Timestamp,
        work: impl FnOnce(&mut Self, Timestamp) -> Result<Certificate, CaError>,
    ) -> Result<Certificate, CaError> {
        self.usable()?;
        let result = work(self, now);
        if let Err(CaError::Refused(refusal)) = &result {
            let (card, why) = (card.chars().take(64).collect(), refusal.to_string());
            let event = Event::Refused { request: request.to_owned(), card, why };
            self.commit(self.state.clone(), vec![event], now)?;
        }
        result
    }

    fn carry_out(
        &mut self,
        verdict: &Verdict,
        card: &str,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<Certificate, CaError> {
        let (subscriber, renewal_of, nonce) = match verdict {
            Verdict::Same { serial } => return self.again(serial, card, now),
            Verdict::Issue { subscriber, renewal_of, nonce } => (subscriber, renewal_of, nonce),
        };
        let record = self.state.subscribers.get(subscriber).ok_or(Refusal::NotRegistered)?.clone();
        let data = NewCertificate { subject_der: &record.subject_der, email: record.email.as_deref(), key };
        let certificate = self.certify(&data, now)?;
        let mut next = self.state.clone();
        if let Some(nonce) = nonce.as_ref().and_then(|nonce| next.nonces.get_mut(nonce)) {
            nonce.used = Some(now);
        }
        let serial = certificate.serial().to_owned();
        let issued = entry(&certificate, record.id.clone(), card, renewal_of.clone(), now);
        next.certificates.insert(serial.clone(), issued);
        let (subscriber, card, key) = (record.id, card.to_owned(), key.hash());
        let event = match renewal_of.clone() {
            None => Event::Issued { serial, subscriber, card, key },
            Some(old) => Event::Renewed { serial, old, subscriber, card, key },
        };
        self.commit(next, vec![event], now)?;
        Ok(certificate)
    }

    /// The certificate that was the answer before.
    fn again(&mut self, serial: &str, card: &str, now: Timestamp) -> Result<Certificate, CaError> {
        let issued = self.state.certificates.get(serial).ok_or(Refusal::UnknownCertificate)?;
        let certificate = read_certificate(serial, issued)?;
        let event = Event::Repeated { serial: serial.to_owned(), card: card.to_owned() };
        self.commit(self.state.clone(), vec![event], now)?;
        Ok(certificate)
    }
}

fn named(name: Option<KeyHash>, key: &PublicKey) -> Result<(), Refusal> {
    match name {
        Some(name) if name != key.hash() => {
            Err(Refusal::NotDer { what: "the request under the name of another key".to_owned() })
        }
        _ => Ok(()),
    }
}

fn entry(
    certificate: &Certificate,
    subscriber: String,
    card: &str,
    renewal_of: Option<String>,
    now: Timestamp,
) -> Issued {
    let validity = certificate.validity();
    Issued {
        subscriber,
        card: card.to_owned(),
        key: certificate.public_key().hash(),
        der: certificate.der().to_vec(),
        at: now,
        not_before: validity.not_before,
        not_after: validity.not_after,
        renewal_of,
        revoked: None,
        noticed: None,
        installed: None,
    }
}
