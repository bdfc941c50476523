//! An authority whose clerk sits at the channel: what is put there is answered before one looks.

use card_ca::{Authority as Records, CreateOptions, Passphrase, Work};
use card_enrolment::{
    Authority, AuthorityError, Cancelled, Candidate, Case, Dialog, DirectoryChannel, Error, Notice, Outcome,
    Personalisation, PinAsk, apply, personalise, renew, retire,
};
use card_os::Preset;
use card_os::sim::SimCard;
use card_pki::certificate::{Certificate, Chain};
use card_pki::channel::{Answer, Channel, Confirmation, Registration, SealedPuk, Submission};
use card_pki::crl::Crl;
use card_pki::key::KeyHash;
use card_pki::name::Subject;
use card_pki::time::{Timestamp, Window, parse};
use card_wire::Icc;
use host_driver::{Card, InProcess, Pin, Puk, Transport};
use rsa_host::HostRsa;
use tempfile::TempDir;

pub(super) const CARD: &str = "CL000001";
pub(super) const PIN: &str = "246810";
pub(super) const PUK: &str = "0123456789abcdef";
pub(super) const SUBSCRIBER: &str = "A123456789";
const FIRST_DAY: &str = "2026-01-05T10:00:00";

/// The authority.
pub(super) struct Clerk {
    pub(super) records: Records,
    channel: DirectoryChannel,
    pub(super) now: Timestamp,
    /// Whether requests are answered at once.
    pub(super) is_prompt: bool,
    _place: TempDir,
}

impl Clerk {
    pub(super) fn new() -> Self {
        let (place, now) = (tempfile::tempdir().unwrap(), parse(FIRST_DAY).unwrap());
        let passphrase = Passphrase::new("correct horse");
        let options =
            CreateOptions { seed: Some(7), work: Work::Quick, ..CreateOptions::new("測試中心", passphrase, now) };
        let records = Records::create(&place.path().join("ca"), &options).unwrap();
        Channel::create(place.path().join("channel")).unwrap();
        let channel = DirectoryChannel::open(place.path().join("channel")).unwrap();
        let mut clerk = Self { records, channel, now, is_prompt: true, _place: place };
        clerk.register(CARD);
        clerk
    }

    /// Registers the subscriber with this card, too.
    pub(super) fn register(&mut self, card: &str) {
        let registration = Registration {
            subscriber: SUBSCRIBER.into(),
            ra_unit: "TPE01".into(),
            card: card.into(),
            subject_der: subject(),
            email: Some("wang@example.com.tw".into()),
        };
        self.records.register(&registration, self.now).unwrap();
        self.records.publish(self.channel.channel(), self.now).unwrap();
    }

    /// Answers what waits.
    pub(super) fn work(&mut self) {
        for outcome in self.records.answer_channel(self.channel.channel(), self.now).unwrap() {
            assert!(outcome.result.is_ok(), "{outcome:?}");
        }
    }

    /// A card that our desk has personalised, its PUK sealed and handed over.
    pub(super) fn personalised(&mut self) -> Box<dyn Icc> {
        let blank = SimCard::from_seed(&Preset::certificate(), 23, HostRsa).unwrap();
        let mut card = Card::new(InProcess::new(Box::new(blank)));
        let chain = self.records.chain();
        let order = Personalisation {
            serial: CARD.into(),
            label: "電子憑證IC卡".into(),
            manufacturer: "cardlab".into(),
            now: "20260101000000Z".into(),
            pin: Pin::new(PIN).unwrap(),
            puk: Puk::new(PUK).unwrap(),
            authority: [&chain.issuing, &chain.root].map(|certificate| certificate.der().to_vec()).into(),
        };
        assert!(personalise(&mut card, &order).unwrap());
        let sealed = self.channel.channel().recipient().unwrap().unwrap().seal(PUK.as_bytes(), CARD).unwrap();
        self.keep_puk(&sealed).unwrap();
        card.into_transport().into_card()
    }

    /// A case with a person who knows this PIN.
    pub(super) fn with<R>(&mut self, pin: &'static str, body: impl FnOnce(&mut Case<'_>) -> R) -> R {
        let now = self.now;
        body(&mut Case { authority: self, dialog: &mut Person(pin), now })
    }

    pub(super) fn applied<T: Transport>(&mut self, card: &mut Card<T>) -> Certificate {
        completed(self.with(PIN, |case| apply(card, case)))
    }

    /// A renewal on the first day on which it is possible.
    pub(super) fn renewed<T: Transport>(&mut self, card: &mut Card<T>, old: &Certificate) -> Certificate {
        self.renewed_with(PIN, card, old)
    }

    pub(super) fn renewed_with<T: Transport>(
        &mut self,
        pin: &'static str,
        card: &mut Card<T>,
        old: &Certificate,
    ) -> Certificate {
        self.now = Window::before(old.validity().not_after).opens;
        completed(self.with(pin, |case| renew(card, &mut [], case)))
    }

    pub(super) fn retired<T: Transport>(&mut self, card: &mut Card<T>) -> Option<Certificate> {
        self.with(PIN, |case| retire(card, None, case)).unwrap()
    }
}

#[track_caller]
pub(super) fn completed(outcome: Result<Outcome, Error>) -> Certificate {
    match outcome {
        Ok(Outcome::Completed { certificate }) => certificate,
        other => panic!("{other:?}"),
    }
}

pub(super) fn subject() -> Vec<u8> {
    let subject = Subject {
        country: "TW".into(),
        organization: Some("財團法人網路憑證作業示範推廣中心籌備處".into()),
        unit: vec!["臺北市信義區註冊中心第一作業科".into()],
        common_name: "歐陽王小明（測試用憑證用戶之完整中文姓名）".into(),
        serial_number: Some("A123456789-0001".into()),
    };
    subject.to_der().unwrap()
}

impl Authority for Clerk {
    fn registration(&mut self, card: &str) -> Result<Registration, AuthorityError> {
        self.channel.registration(card)
    }

    fn agreement(&mut self) -> Result<String, AuthorityError> {
        self.channel.agreement()
    }

    fn nonce(&mut self, subscriber: &str) -> Result<Vec<u8>, AuthorityError> {
        let nonce = self.records.nonce(subscriber, self.now).unwrap();
        self.channel.channel().put_nonce(subscriber, &nonce)?;
        self.channel.nonce(subscriber)
    }

    fn submit(&mut self, key: KeyHash, submission: &Submission) -> Result<Answer, AuthorityError> {
        self.channel.submit(key, submission)?;
        if self.is_prompt {
            self.work();
        }
        self.channel.answer(key)
    }

    fn answer(&mut self, key: KeyHash) -> Result<Answer, AuthorityError> {
        self.channel.answer(key)
    }

    fn installed(&mut self, key: KeyHash, confirmation: &Confirmation) -> Result<bool, AuthorityError> {
        self.channel.installed(key, confirmation)?;
        self.work();
        self.channel.installed(key, confirmation)
    }

    fn keep_puk(&mut self, sealed: &SealedPuk) -> Result<(), AuthorityError> {
        self.channel.keep_puk(sealed)?;
        self.work();
        Ok(())
    }

    fn chain(&mut self) -> Result<Chain, AuthorityError> {
        self.channel.chain()
    }

    fn crl(&mut self) -> Result<Option<Crl>, AuthorityError> {
        self.channel.crl()
    }
}

/// Somebody who gives this PIN and agrees to everything. A wrong one is not tried twice.
pub(super) struct Person(pub(super) &'static str);

impl Dialog for Person {
    fn pin(&mut self, ask: &PinAsk) -> Result<Pin, Cancelled> {
        if ask.wrong { Err(Cancelled) } else { Ok(Pin::with_policy(self.0, ask.policy).unwrap()) }
    }

    fn last_try(&mut self, _: &PinAsk) -> Result<(), Cancelled> {
        Err(Cancelled)
    }

    fn notice(&mut self, _: &Notice<'_>) -> Result<(), Cancelled> {
        Ok(())
    }

    fn choose(&mut self, _: &[Candidate], _: Timestamp) -> Result<usize, Cancelled> {
        Ok(0)
    }
}
