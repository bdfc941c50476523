//! A card that is ready for use: files, PIN and PUK, a key pair, its certificate and the authority's. What is on it is
//! always the same and known to everybody: it is for tests.

use std::path::Path;

use anyhow::Context as _;
use card_os::Preset;
use card_os::crypto::rsa::SoftRsa;
use card_os::nvm::Nvm;
use card_os::platform::{NoEvents, Parts};
use card_os::sim::{SimCard, SimNvm};
use card_pki::certificate::Certificate;
use card_pki::issue::{Draft, POLICY, Profile, Unsigned};
use card_pki::key::PublicKey;
use card_pki::name::Subject;
use card_pki::time::{self, Validity};
use card_wire::Protocol;
use host_driver::pkcs15::{self, Naming, Personalisation, Token};
use host_driver::transport::Transacted;
use host_driver::{Card, Digest, KeySlot, Pin, Puk, RsaSize, Transport, TransportError};
use ready_keys::ReadyRsa;
use rsa_host::HostRsa;

use crate::image::{self, CardOn};
use crate::target;

/// What such a card is called where a preset may be named.
pub(crate) const NAME: &str = "ready";
/// The PIN of such a card.
const PIN: &str = "123456";
/// Its PUK.
const PUK: &str = "0123456789abcdef";
/// Seeds that choose two of the ready keys: the card's and its authority's.
const SEEDS: [u64; 2] = [1, 2];
/// When its certificates are valid, as their text and as PKCS#15 has it.
const FROM: (&str, &str) = ("2020-01-01T00:00:00Z", "20200101000000Z");
const UNTIL: (&str, &str) = ("2049-12-31T23:59:59Z", "20491231235959Z");

/// Signs with the portable provider: aws-lc gathers randomness for 25 ms before it signs for the first time.
type Ram = SimCard<ReadyRsa<SoftRsa>>;

/// The memory of a new card, blank or ready.
fn memory_of(what: &str, preset: &Preset) -> anyhow::Result<Vec<u8>> {
    if what == NAME {
        return memory(preset);
    }
    Ok(SimCard::from_seed(preset, 0, SoftRsa).context("cannot make a card from this preset")?.nvm().image())
}

/// A new card in RAM, blank or ready.
pub(crate) fn card(what: &str, preset: &Preset, seed: Option<u64>) -> anyhow::Result<CardOn<SimNvm>> {
    card_behind(what, preset, seed, |memory| memory)
}

/// The same, with something between the card and its memory.
pub(crate) fn card_behind<N: Nvm>(
    what: &str,
    preset: &Preset,
    seed: Option<u64>,
    wrap: impl FnOnce(SimNvm) -> N,
) -> anyhow::Result<CardOn<N>> {
    let nvm = wrap(SimNvm::from_image(&memory_of(what, preset)?));
    let parts = Parts { nvm, rng: image::rng(seed, 0)?, rsa: HostRsa, events: NoEvents };
    card_os::Card::open(parts).context("cannot use the card that was made")
}

/// Puts a ready card into this file, where one is asked for and there is none; a blank one is made when it is opened.
pub(crate) fn prepare(what: &str, preset: &Preset, path: &Path) -> anyhow::Result<()> {
    if what == NAME && !path.exists() { image::create_with(path, &memory(preset)?) } else { Ok(()) }
}

/// The preset that a new card of this name is made from.
pub(crate) fn preset_of(what: &str) -> anyhow::Result<Preset> {
    if what == NAME { Ok(Preset::isoapplet()) } else { target::preset_beside(what, &[NAME]) }
}

/// The memory of a new card of this preset.
fn memory(preset: &Preset) -> anyhow::Result<Vec<u8>> {
    let failed = "cannot make a card that is ready for use";
    let authority = Authority::new().context(failed)?;
    let mut card = blank(preset, SEEDS[0]).context(failed)?;
    fill(&mut Card::new(Ours(&mut card)), &authority).context(failed)?;
    Ok(card.nvm().image())
}

fn blank(preset: &Preset, seed: u64) -> anyhow::Result<Ram> {
    Ok(SimCard::from_seed(preset, seed, ReadyRsa::new(SoftRsa))?)
}

/// Puts everything on a blank card.
fn fill<T: Transport>(card: &mut Card<T>, authority: &Authority) -> anyhow::Result<()> {
    let with = Personalisation {
        serial: "0000000000000001".to_owned(),
        label: "CardLab".to_owned(),
        manufacturer: "CardLab".to_owned(),
        now: FROM.1.to_owned(),
        pin: Pin::new(PIN)?,
        puk: Puk::new(PUK)?,
        authority: vec![authority.certificate.der().to_vec()],
    };
    pkcs15::personalise(card, &with)?;
    let mut token = Token::read(card)?;
    let naming = Naming { label: "CardLab test".to_owned(), start: FROM.1.to_owned(), end: UNTIL.1.to_owned() };
    let place = token.place(&naming)?;
    let (id, key) = token.generate(&mut card.verify(&with.pin)?, place, &naming, 1024)?;
    let certificate = authority.certify(&PublicKey::new(&key.modulus, &key.exponent)?)?;
    Ok(token.write_certificate(card, &id, certificate.der(), &naming, FROM.1)?)
}

/// An authority whose key is on a card, too.
struct Authority {
    card: Ram,
    slot: KeySlot,
    certificate: Certificate,
}

impl Authority {
    fn new() -> anyhow::Result<Self> {
        let mut card = blank(&Preset::isoapplet(), SEEDS[1])?;
        let slot = KeySlot::new(0).context("a first key slot")?;
        let pin = Pin::new(PIN)?;
        let mut host = Card::new(Ours(&mut card));
        host.enter_application()?;
        host.set_pin(&pin)?;
        let key = host.verify(&pin)?.generate_rsa(slot, RsaSize::Rsa2048)?;
        let key = PublicKey::new(&key.modulus, &key.exponent)?;
        let draft = Draft {
            profile: Profile::Root,
            serial: &[1],
            validity: validity()?,
            subject_der: &name("CardLab test authority")?,
            issuer: None,
            key: &key,
        };
        let certificate = sign(&mut card, slot, Unsigned::new(&draft)?)?;
        Ok(Self { card, slot, certificate })
    }

    /// The certificate of this key.
    fn certify(&self, key: &PublicKey) -> anyhow::Result<Certificate> {
        let draft = Draft {
            profile: Profile::EndEntity { email: None, crl_url: None, policy: POLICY.to_owned() },
            serial: &[2],
            validity: validity()?,
            subject_der: &name("CardLab test")?,
            issuer: Some(&self.certificate),
            key,
        };
        sign(&mut self.card.fork(), self.slot, Unsigned::new(&draft)?)
    }
}

fn sign(card: &mut Ram, slot: KeySlot, draft: Unsigned) -> anyhow::Result<Certificate> {
    let mut host = Card::new(Ours(card));
    host.enter_application()?;
    let signature = host.verify(&Pin::new(PIN)?)?.sign_pkcs1(slot, &Digest::Sha256(draft.digest()))?;
    Ok(draft.signed(&signature)?)
}

fn validity() -> anyhow::Result<Validity> {
    Ok(Validity { not_before: time::parse(FROM.0)?, not_after: time::parse(UNTIL.0)? })
}

fn name(common: &str) -> anyhow::Result<Vec<u8>> {
    let subject = Subject {
        country: "TW".to_owned(),
        organization: Some("CardLab".to_owned()),
        unit: Vec::new(),
        common_name: common.to_owned(),
        serial_number: None,
    };
    Ok(subject.to_der()?)
}

/// The way to a card that is wanted back as what it is.
struct Ours<'c>(&'c mut Ram);

impl Transport for Ours<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        // The longest answer that a card of ours gives to what is sent here.
        let mut response = [0; 1024];
        Ok(self.0.transmit(command, &mut response).to_vec())
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(self.0.power_on(Protocol::T1).to_vec())
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        self.reset()
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        "a new card".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_card_is_always_the_same_and_its_keys_are_two() {
        let preset = Preset::isoapplet();
        let memory = super::memory(&preset).unwrap();
        assert_eq!(memory, super::memory(&preset).unwrap());
        let authority = Authority::new().unwrap();
        let mut card = blank(&preset, SEEDS[0]).unwrap();
        fill(&mut Card::new(Ours(&mut card)), &authority).unwrap();
        let mut host = Card::new(Ours(&mut card));
        let token = Token::read(&mut host).unwrap();
        let [generation] = &token.generations()[..] else { panic!("one key") };
        let key = token.public_key(&mut host, generation).unwrap();
        assert_ne!(PublicKey::new(&key.modulus, &key.exponent).unwrap(), *authority.certificate.public_key());
    }
}
