//! An authority in memory: the checks that matter to the flows, certificates under a real chain, no files.

use std::collections::HashMap;
use std::sync::OnceLock;

use card_enrolment::{Authority, AuthorityError};
use card_pki::certificate::{Certificate, Chain};
use card_pki::channel::{Answer, Confirmation, Kind, Registration, SealedPuk, Submission, agreement_hash};
use card_pki::crl::{self, Crl, Reason, Revocation};
use card_pki::issue::{Draft, POLICY, Profile, Unsigned};
use card_pki::key::KeyHash;
use card_pki::name::Subject;
use card_pki::refusal::Refusal;
use card_pki::time::{Timestamp, Validity, Window, months_after, parse};
use card_pki::{renewal, request};

use crate::keys;

pub(crate) const CARD: &str = "CL000001";
pub(crate) const AGREEMENT: &str = "用戶約定條款 第一版";

/// The authority.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) now: Timestamp,
    pub(crate) registration: Option<Registration>,
    pub(crate) issued: Vec<Certificate>,
    pub(crate) answers: HashMap<KeyHash, Answer>,
    pub(crate) closed: Vec<String>,
    pub(crate) revoked: Vec<Revocation>,
    /// Whether requests are answered at once.
    pub(crate) prompt: bool,
    /// What has been handed in, for tests to look at.
    pub(crate) submitted: Vec<Submission>,
    nonces: u8,
}

fn at(text: &str) -> Timestamp {
    parse(text).unwrap()
}

fn chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| {
        let validity = Validity { not_before: at("2020-01-01"), not_after: at("2049-12-31") };
        let name = |common: &str| {
            let subject = Subject {
                country: "TW".into(),
                organization: Some("測試憑證機構".into()),
                unit: Vec::new(),
                common_name: common.into(),
                serial_number: None,
            };
            subject.to_der().unwrap()
        };
        let (root_key, issuing_key) = (keys::authority(0), keys::authority(1));
        let (root_name, issuing_name) = (name("Root"), name("Issuing"));
        let root = Unsigned::new(&Draft {
            profile: Profile::Root,
            serial: &[1],
            validity,
            subject_der: &root_name,
            issuer: None,
            key: &keys::public(root_key),
        })
        .unwrap();
        let root = root.clone().signed(&keys::sign(root_key, root.digest())).unwrap();
        let issuing = Unsigned::new(&Draft {
            profile: Profile::Issuing,
            serial: &[2],
            validity,
            subject_der: &issuing_name,
            issuer: Some(&root),
            key: &keys::public(issuing_key),
        })
        .unwrap();
        let issuing = issuing.clone().signed(&keys::sign(root_key, issuing.digest())).unwrap();
        Chain::new(issuing, root).unwrap()
    })
}

/// A subject whose certificate has about 1,200 bytes.
pub(crate) fn subject() -> Vec<u8> {
    let subject = Subject {
        country: "TW".into(),
        organization: Some("財團法人網路憑證作業示範推廣中心籌備處".into()),
        unit: vec!["臺北市信義區註冊中心第一作業科".into(), "電子憑證用戶服務組".into()],
        common_name: "歐陽王小明（測試用憑證用戶之完整中文姓名）".into(),
        serial_number: Some("A123456789-0001".into()),
    };
    subject.to_der().unwrap()
}

impl Office {
    pub(crate) fn new(now: &str) -> Self {
        let registration = Registration {
            subscriber: "A123456789".into(),
            ra_unit: "TPE01".into(),
            card: CARD.into(),
            subject_der: subject(),
            email: None,
        };
        Self {
            now: at(now),
            registration: Some(registration),
            issued: Vec::new(),
            answers: HashMap::new(),
            closed: Vec::new(),
            revoked: Vec::new(),
            prompt: true,
            submitted: Vec::new(),
            nonces: 0,
        }
    }

    /// Issues a certificate for one year to whatever key.
    pub(crate) fn issue(&self, key: &card_pki::key::PublicKey) -> Certificate {
        let serial = [0x40, u8::try_from(self.issued.len()).unwrap() + 1, 7, 7, 7, 7, 7, 7, 7];
        let profile = Profile::EndEntity {
            email: Some("wang@example.com.tw".into()),
            crl_url: Some("http://crl.example.com.tw/issuing.crl".into()),
            policy: POLICY.into(),
        };
        let unsigned = Unsigned::new(&Draft {
            profile,
            serial: &serial,
            validity: Validity { not_before: self.now, not_after: months_after(self.now, 12) },
            subject_der: &subject(),
            issuer: Some(&chain().issuing),
            key,
        })
        .unwrap();
        unsigned.clone().signed(&keys::sign(keys::authority(1), unsigned.digest())).unwrap()
    }

    pub(crate) fn revoke(&mut self, certificate: &Certificate) {
        let (serial, at) = (certificate.serial().to_owned(), self.now);
        self.revoked.push(Revocation { serial, at, reason: Reason::KeyCompromise });
    }

    fn decide(&self, submission: &Submission) -> Result<Certificate, Refusal> {
        let request = match submission.kind {
            Kind::Application => request::parse(&submission.body)?,
            Kind::Renewal => {
                let renewal = renewal::parse(&submission.body)?;
                let signer = &renewal.signer;
                if !self.issued.contains(signer) {
                    return Err(Refusal::UnknownCertificate);
                }
                if renewal.request.renewal_of.as_ref() != Some(signer) {
                    return Err(Refusal::RenewalCertificateDiffers);
                }
                if signer.public_key() == &renewal.request.key {
                    return Err(Refusal::KeyReused);
                }
                let window = Window::before(signer.validity().not_after);
                if window.phase(self.now) != card_pki::time::Phase::Open {
                    return Err(Refusal::TooEarly { opens: window.opens, closes: window.closes });
                }
                if renewal.terms.agreement != agreement_hash(AGREEMENT) {
                    return Err(Refusal::AgreementOutdated);
                }
                renewal.request
            }
        };
        if request.subject_der != subject() {
            return Err(Refusal::NotRegistered);
        }
        Ok(self.issue(&request.key))
    }

    /// Answers what waits.
    pub(crate) fn work(&mut self) {
        for submission in std::mem::take(&mut self.submitted) {
            let key = match submission.kind {
                Kind::Application => request::parse(&submission.body).unwrap().key,
                Kind::Renewal => renewal::parse(&submission.body).unwrap().request.key,
            };
            self.answer_to(key.hash(), &submission);
        }
    }

    fn answer_to(&mut self, key: KeyHash, submission: &Submission) -> Answer {
        let answer = match self.decide(submission) {
            Ok(certificate) => {
                self.issued.push(certificate.clone());
                Answer::Issued { certificate }
            }
            Err(refusal) => Answer::Refused { refusal },
        };
        self.answers.insert(key, answer.clone());
        answer
    }
}

impl Authority for Office {
    fn registration(&mut self, card: &str) -> Result<Registration, AuthorityError> {
        let registration = self.registration.clone().filter(|registration| registration.card == card);
        registration.ok_or(AuthorityError::Missing { what: "a registration for this card" })
    }

    fn agreement(&mut self) -> Result<String, AuthorityError> {
        Ok(AGREEMENT.into())
    }

    fn nonce(&mut self, _subscriber: &str) -> Result<Vec<u8>, AuthorityError> {
        self.nonces += 1;
        Ok(vec![self.nonces; 32])
    }

    fn submit(&mut self, key: KeyHash, submission: &Submission) -> Result<Answer, AuthorityError> {
        if let Some(issued @ Answer::Issued { .. }) = self.answers.get(&key) {
            return Ok(issued.clone());
        }
        if !self.prompt {
            self.submitted.push(submission.clone());
            return Ok(Answer::Pending);
        }
        Ok(self.answer_to(key, submission))
    }

    fn answer(&mut self, key: KeyHash) -> Result<Answer, AuthorityError> {
        Ok(self.answers.get(&key).cloned().unwrap_or(Answer::Pending))
    }

    fn installed(&mut self, key: KeyHash, confirmation: &Confirmation) -> Result<bool, AuthorityError> {
        let Some(Answer::Issued { certificate }) = self.answers.get(&key) else { return Ok(false) };
        assert!(confirmation.is_for(certificate));
        self.closed.push(confirmation.serial.clone());
        Ok(true)
    }

    fn keep_puk(&mut self, _sealed: &SealedPuk) -> Result<(), AuthorityError> {
        Ok(())
    }

    fn chain(&mut self) -> Result<Chain, AuthorityError> {
        Ok(chain().clone())
    }

    fn crl(&mut self) -> Result<Option<Crl>, AuthorityError> {
        if self.revoked.is_empty() {
            return Ok(None);
        }
        let draft = crl::Draft {
            number: 1,
            this_update: self.now,
            next_update: months_after(self.now, 1),
            revoked: self.revoked.clone(),
        };
        let unsigned = crl::Unsigned::new(&draft, &chain().issuing).unwrap();
        let digest = unsigned.digest();
        Ok(Some(unsigned.signed(&keys::sign(keys::authority(1), digest)).unwrap()))
    }
}
