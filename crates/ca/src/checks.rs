//! Every check on an application and on a renewal, without any effect: the records say yes, "you had that already", or why not.
//!
//! The form of a request (size, DER, one signer, digests, signatures, strength of the key) is checked where it is read, in
//! `card-pki`; here is what only the authority can know.

use card_pki::certificate::{Certificate, Chain, ChainFault};
use card_pki::key::KeyHash;
use card_pki::name;
use card_pki::refusal::Refusal;
use card_pki::renewal::SignedRenewal;
use card_pki::request::Request;
use card_pki::time::{Phase, Timestamp, Window};
use der::Encode as _;
use der::asn1::Ia5String;
use x509_cert::ext::pkix::name::GeneralName;

use crate::state::{CardState, Issued, State, Subscriber};
use crate::terms;

/// What the records say to a request that is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A new certificate may be issued, with this subscriber's data.
    Issue { subscriber: String, renewal_of: Option<String>, nonce: Option<String> },
    /// This certificate was the answer to the same request before.
    Same { serial: String },
}

/// The records at one moment, asked about one card.
pub(crate) struct Desk<'a> {
    pub(crate) state: &'a State,
    pub(crate) chain: &'a Chain,
    /// The authority's own keys, which nobody may have.
    pub(crate) own: [KeyHash; 3],
    pub(crate) now: Timestamp,
}

impl Desk<'_> {
    /// A first certificate for a card. It is given where the subscriber has no valid one for that card; where there is one,
    /// it is to be renewed, and where its key is gone, to be revoked first. Where there was one, the desk must have
    /// registered the card anew since it ended.
    pub(crate) fn application(&self, card: &str, request: &Request) -> Result<Verdict, Refusal> {
        let subscriber = self.holder(card)?;
        let key = request.key.hash();
        if let Some((serial, issued)) = self.state.by_key(key)
            && issued.renewal_of.is_none()
            && issued.card == card
        {
            return repeated(serial, issued);
        }
        if request.renewal_of.is_some() {
            return Err(Refusal::NoSignedAttributes);
        }
        self.unseen(key)?;
        same_name(subscriber, request)?;
        let valid = |issued: &Issued| issued.card == card && issued.is_valid(self.now);
        if let Some(issued) = self.state.certificates.values().find(|issued| valid(issued)) {
            return Err(Refusal::StillValid { until: issued.not_after });
        }
        self.registered_since(card)?;
        Ok(Verdict::Issue { subscriber: subscriber.id.clone(), renewal_of: None, nonce: None })
    }

    /// Whether the card was registered after the last certificate for it had ended.
    fn registered_since(&self, card: &str) -> Result<(), Refusal> {
        let bound = self.state.cards.get(card).map(|card| card.bound);
        for issued in self.state.certificates.values().filter(|issued| issued.card == card) {
            let ended = issued.revoked.map_or(issued.not_after, |revoked| revoked.at.min(issued.not_after));
            if bound.is_some_and(|bound| bound >= ended) {
                continue;
            }
            return Err(match issued.revoked {
                Some(revoked) => Refusal::Revoked { since: revoked.at, reason: revoked.reason },
                None => Refusal::Expired { since: issued.not_after },
            });
        }
        Ok(())
    }

    /// A certificate that follows the one whose key signed. The new key may be on another card of the same subscriber. A
    /// certificate is followed by one valid certificate at most; where that one's key is gone, it is to be revoked first.
    pub(crate) fn renewal(&self, card: &str, renewal: &SignedRenewal) -> Result<Verdict, Refusal> {
        let (old, signed) = self.signer(&renewal.signer)?;
        let request = &renewal.request;
        let key = request.key.hash();
        match self.state.by_key(key) {
            Some((serial, issued)) if issued.renewal_of.as_deref() == Some(old) && issued.card == card => {
                return repeated(serial, issued);
            }
            _ => {}
        }
        in_time(signed, self.now)?;
        let subscriber = self.holder(card)?;
        if signed.subscriber != subscriber.id {
            return Err(Refusal::OtherSubscriber);
        }
        match &request.renewal_of {
            None => return Err(Refusal::RenewalCertificateMissing),
            Some(named) if *named != renewal.signer => return Err(Refusal::RenewalCertificateDiffers),
            Some(_) => {}
        }
        if request.key == *renewal.signer.public_key() {
            return Err(Refusal::KeyReused);
        }
        self.unseen(key)?;
        same_name(subscriber, request)?;
        if let Some(by) = self.state.successor(old, self.now) {
            return Err(Refusal::AlreadyRenewed { by: by.to_owned() });
        }
        self.agreed(&renewal.terms.agreement)?;
        let nonce = terms::check_nonce(self.state, &renewal.terms.nonce, &subscriber.id, self.now)?;
        let (subscriber, renewal_of) = (subscriber.id.clone(), Some(old.to_owned()));
        Ok(Verdict::Issue { subscriber, renewal_of, nonce: Some(nonce) })
    }

    /// Whose card it is, where it may ask for certificates.
    fn holder(&self, card: &str) -> Result<&Subscriber, Refusal> {
        let unknown = || Refusal::CardUnknown { card: card.chars().take(64).collect() };
        let bound = self.state.cards.get(card).ok_or_else(unknown)?;
        if let CardState::Replaced { .. } = bound.state {
            return Err(Refusal::CardReplaced { card: card.to_owned() });
        }
        self.state.subscribers.get(&bound.subscriber).ok_or(Refusal::NotRegistered)
    }

    /// The certificate that signed, where we issued it and still have it in the records.
    fn signer(&self, signer: &Certificate) -> Result<(&str, &Issued), Refusal> {
        // Only names and signature: whether its time is over is told with the records' dates, after revocation.
        let inside = signer.validity().not_before;
        match self.chain.check(signer, inside) {
            Err(ChainFault::NotIssuedByUs | ChainFault::BadSignature | ChainFault::NotForSigning) => {
                return Err(Refusal::NotIssuedByUs);
            }
            Ok(())
            | Err(ChainFault::NotYetValid { .. } | ChainFault::Expired { .. } | ChainFault::AuthorityExpired { .. }) => {
            }
        }
        let known = self.state.certificates.get_key_value(signer.serial());
        let (serial, issued) = known.ok_or(Refusal::UnknownCertificate)?;
        if issued.der == signer.der() { Ok((serial, issued)) } else { Err(Refusal::UnknownCertificate) }
    }

    fn unseen(&self, key: KeyHash) -> Result<(), Refusal> {
        let seen = self.own.contains(&key) || self.state.by_key(key).is_some();
        if seen { Err(Refusal::KeySeen) } else { Ok(()) }
    }

    fn agreed(&self, hash: &[u8; 32]) -> Result<(), Refusal> {
        // Where no agreement was ever set there is none to be outdated; its hash is that of the empty text.
        let current = self.state.agreements.last().map_or("", |agreement| agreement.text.as_str());
        if card_pki::channel::agreement_hash(current) == *hash { Ok(()) } else { Err(Refusal::AgreementOutdated) }
    }
}

fn repeated(serial: &str, issued: &Issued) -> Result<Verdict, Refusal> {
    match issued.revoked {
        Some(revoked) => Err(Refusal::Revoked { since: revoked.at, reason: revoked.reason }),
        None => Ok(Verdict::Same { serial: serial.to_owned() }),
    }
}

fn in_time(signed: &Issued, now: Timestamp) -> Result<(), Refusal> {
    if let Some(revoked) = signed.revoked {
        return Err(Refusal::Revoked { since: revoked.at, reason: revoked.reason });
    }
    let window = Window::before(signed.not_after);
    match window.phase(now) {
        Phase::Open => Ok(()),
        Phase::TooEarly => Err(Refusal::TooEarly { opens: window.opens, closes: window.closes }),
        Phase::Over => Err(Refusal::Expired { since: signed.not_after }),
    }
}

/// Subject and alternative name as registered. A request need not ask for an alternative name: it comes from the record.
fn same_name(subscriber: &Subscriber, request: &Request) -> Result<(), Refusal> {
    if request.subject_der != subscriber.subject_der {
        let shown = |der: &[u8]| name::shown(der).unwrap_or_else(|_| "a name that cannot be read".to_owned());
        let (registered, requested) = (shown(&subscriber.subject_der), shown(&request.subject_der));
        return Err(Refusal::SubjectDiffers { registered, requested });
    }
    match &request.subject_alt_name_der {
        None => Ok(()),
        Some(asked) if subscriber.email.as_deref().and_then(alternative).as_ref() == Some(asked) => Ok(()),
        Some(_) => Err(Refusal::SubjectAltNameDiffers),
    }
}

/// The GeneralNames with one mail address.
fn alternative(email: &str) -> Option<Vec<u8>> {
    vec![GeneralName::Rfc822Name(Ia5String::new(email).ok()?)].to_der().ok()
}
