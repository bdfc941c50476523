//! The host's side against a card that lies: any bytes as answers.
//!
//! The first byte says how. Bit 0: the answers are those of an honest, personalised card, changed by lies; otherwise
//! they are the commands of the input, one after the other. Bit 1: after the last of them they begin anew, for a long
//! while; otherwise the card is gone. Bit 2: the card is asked in extended length. Bit 3: PKCS#15 instead of single
//! calls. What follows is framed as in sequences. A lie is: how many answers are honest before it, what it does
//! (0 replaces, 1 changes bytes, 2 cuts the data, 3 adds to it), and the bytes for that.

use std::cell::{OnceCell, RefCell};
use std::fmt::{Debug, Display};
use std::sync::Once;

use card_wire::Protocol;
use host_driver::pkcs15::codec::Path;
use host_driver::pkcs15::{Naming, Personalisation, Token, personalise};
use host_driver::transport::Transacted;
use host_driver::{
    Access, Card, Curve, Digest, KeySlot, NewFile, Pin, Puk, RsaParts, RsaSize, Transport, TransportError,
};

use crate::canary::{self, Secrets};
use crate::cards;
use crate::device::{FuzzCard, blank};
use crate::invariants::MAX_ANSWER;
use crate::sequence::{Step, Steps};

/// Bit of the first byte: an honest card with lies.
pub const HONEST: u8 = 1;
/// Bit of the first byte: answers are repeated.
pub const AGAIN: u8 = 2;
/// Bit of the first byte: extended length.
pub const EXTENDED: u8 = 4;
/// Bit of the first byte: PKCS#15.
pub const PKCS15: u8 = 8;

/// Answers before a card that repeats itself is gone.
const LONG_WHILE: usize = 2_000;
/// Commands that are still sent to a card that is gone. Every call may find it out for itself.
const AFTERWARDS: usize = 64;

/// What the host is told instead of, or on top of, the truth.
struct Liar<'a> {
    lies: Vec<&'a [u8]>,
    /// The next lie.
    at: usize,
    again: bool,
    honest: Option<Honest>,
    answered: usize,
    after_end: usize,
}

/// The card that tells the truth, and how often it has since the last lie.
struct Honest {
    card: FuzzCard,
    truths: u8,
    buffer: Vec<u8>,
}

impl<'a> Liar<'a> {
    fn new(data: &'a [u8]) -> Self {
        let [choice, steps @ ..] = data else {
            return Self { lies: Vec::new(), at: 0, again: false, honest: None, answered: 0, after_end: 0 };
        };
        let lies = Steps::new(steps).map(|step| match step {
            Step::Command(bytes) => bytes,
            Step::Control(_) => &[],
        });
        let honest =
            (choice & HONEST != 0).then(|| Honest { card: personalised(), truths: 0, buffer: vec![0; MAX_ANSWER] });
        Self { lies: lies.collect(), at: 0, again: choice & AGAIN != 0, honest, answered: 0, after_end: 0 }
    }

    fn gone(&mut self) -> TransportError {
        self.after_end += 1;
        assert!(self.after_end <= AFTERWARDS, "the host does not notice that the card is gone");
        TransportError::CardGone
    }

    fn lie(&mut self) -> Option<&'a [u8]> {
        let lie = self.lies.get(self.at).copied()?;
        self.at += 1;
        if self.again && self.at == self.lies.len() {
            self.at = 0;
        }
        Some(lie)
    }
}

impl Transport for Liar<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        assert!(command.len() >= 4, "no command is sent that is none");
        self.answered += 1;
        if self.answered > LONG_WHILE {
            return Err(self.gone());
        }
        let next_truths = self.lies.get(self.at).and_then(|lie| lie.first().copied());
        let Some(honest) = &mut self.honest else {
            return self.lie().map(<[u8]>::to_vec).ok_or_else(|| self.gone());
        };
        let mut answer = honest.card.transmit(command, &mut honest.buffer).to_vec();
        match next_truths {
            Some(truths) if honest.truths >= truths => {
                honest.truths = 0;
                distort(&mut answer, self.lie().unwrap_or_default().get(1..).unwrap_or_default());
            }
            _ => honest.truths = honest.truths.saturating_add(1),
        }
        Ok(answer)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.atr()
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(self.lies.first().map(|lie| lie.to_vec()).unwrap_or_default())
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        // Lies about this too: sometimes the body does not run.
        if self.lies.len().is_multiple_of(7) {
            return Ok(());
        }
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        "liar".to_owned()
    }
}

/// Makes an honest answer a lie.
fn distort(answer: &mut Vec<u8>, lie: &[u8]) {
    let [kind, bytes @ ..] = lie else { return };
    match kind % 4 {
        0 => *answer = bytes.to_vec(),
        1 => {
            for (place, value) in bytes.chunks_exact(2).map(|pair| (usize::from(pair[0]), pair[1])) {
                if let Some(byte) = answer.get_mut(place) {
                    *byte ^= value;
                }
            }
        }
        2 => {
            let keep = usize::from(bytes.first().copied().unwrap_or(0)).min(answer.len().saturating_sub(2));
            let word = answer.split_off(answer.len().saturating_sub(2));
            answer.truncate(keep);
            answer.extend(word);
        }
        _ => {
            let end = answer.len().saturating_sub(2);
            answer.splice(end..end, bytes.iter().copied());
        }
    }
}

/// A fork of a card with a PKCS#15 application.
fn personalised() -> FuzzCard {
    thread_local! {
        static CARD: OnceCell<FuzzCard> = const { OnceCell::new() };
    }
    CARD.with(|card| {
        let mut card = card.get_or_init(make_personalised).fork();
        card.power_on(Protocol::T1);
        card
    })
}

fn make_personalised() -> FuzzCard {
    let card = blank(&cards::preset(0)).expect("the preset makes a card");
    let with = Personalisation {
        serial: "1".to_owned(),
        label: "label".to_owned(),
        manufacturer: "maker".to_owned(),
        now: "20260101000000Z".to_owned(),
        pin: Pin::new(canary::pin()).expect("16 bytes"),
        puk: Puk::new(canary::puk()).expect("16 bytes"),
        authority: Vec::new(),
    };
    let mut host = Card::new(Direct { card, buffer: vec![0; MAX_ANSWER] });
    personalise(&mut host, &with).expect("a blank card can be personalised");
    let mut token = Token::read(&mut host).expect("a personalised card can be read");
    let naming = naming();
    let place = token.place(&naming).expect("an empty card has room");
    host.enter_application().expect("the application is there");
    let mut verified = host.verify(&with.pin).expect("the PIN is right");
    token.generate(&mut verified, place, &naming, 1500).expect("a key can be made");
    host.into_transport().card
}

fn naming() -> Naming {
    let (start, end) = ("20260101000000Z".to_owned(), "20270101000000Z".to_owned());
    Naming { label: "key".to_owned(), start, end }
}

/// An honest card without anything in between.
struct Direct {
    card: FuzzCard,
    buffer: Vec<u8>,
}

impl Transport for Direct {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(self.card.transmit(command, &mut self.buffer).to_vec())
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(self.card.reset().to_vec())
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        self.reset()
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        "card".to_owned()
    }
}

/// Lets the host talk to the liar.
///
/// # Panics
/// Where the host panics, does not come to an end, or tells a secret.
pub fn check(data: &[u8]) {
    listen();
    let choice = data.first().copied().unwrap_or(0);
    SENT.with_borrow_mut(|sent| {
        sent.clear();
        sent.extend_from_slice(data);
    });
    let mut card = Card::new(Liar::new(data));
    if choice & PKCS15 == 0 {
        single_calls(&mut card, choice & EXTENDED != 0);
    } else {
        pkcs15(&mut card);
    }
}

/// The PIN that the host shows, and the PUK: canaries, which no message may hold.
fn secrets() -> Option<(Pin, Puk)> {
    Some((Pin::new(canary::pin()).ok()?, Puk::new(canary::puk()).ok()?))
}

fn single_calls(card: &mut Card<Liar<'_>>, extended: bool) {
    let Some((pin, puk)) = secrets() else { return };
    told(card.select_application());
    card.limits().extended = extended;
    told(card.atr());
    told(card.select(&[0x5015]));
    told(card.read(&[0x5015, 0x4401]));
    told(card.update(&[0x5015, 0x4401], &[1; 300]));
    told(card.create(&NewFile::ef(1, 2, Access::ALL_FREE)));
    told(card.delete(1));
    told(card.random(600));
    told(card.pin_tries());
    told(card.change_pin(&pin, &pin));
    told(card.unblock_pin(&puk, &pin));
    told(card.transaction(|card| card.delete(1)));
    match card.verify(&pin) {
        Err(error) => tell(&error),
        Ok(mut card) => {
            let slot = KeySlot::FIRST;
            told(card.generate_rsa(slot, RsaSize::Rsa2048));
            told(card.generate_ec(slot, Curve::P384));
            told(card.sign_pkcs1(slot, &Digest::Sha512([0; 64])));
            told(card.sign_pss(slot, &Digest::Sha224([0; 28])));
            told(card.sign_ecdsa(slot, Curve::P256, &Digest::Sha256([0; 32])));
            told(card.sign_ecdsa_sha1(slot, &[0; 300]));
            told(card.decipher(slot, &[0; 256]).map(drop));
            let long = canary::rsa_part(2, 128);
            let parts = RsaParts { p: &long, q: &long, qinv: &long, dp: &long, dq: &long };
            told(card.import_rsa(slot, &parts));
            told(card.import_ec(slot, Curve::P384, &canary::scalar::<48>()));
        }
    }
}

fn pkcs15(card: &mut Card<Liar<'_>>) {
    let Some((pin, _)) = secrets() else { return };
    told(card.select_application());
    let mut token = match Token::read(card) {
        Ok(token) => token,
        Err(error) => return tell(&error),
    };
    told(token.intact());
    for generation in token.generations() {
        told(token.public_key(card, &generation));
        if let Some(path) = &generation.certificate {
            told(token.read_file(card, path));
        }
    }
    told(token.read_file(card, &Path::to(&[0x3200])));
    told(token.leftovers(card, true));
    let place = token.place(&naming());
    let verified = card.enter_application().and_then(|()| card.verify(&pin));
    if let (Ok(place), Ok(mut verified)) = (place, verified) {
        told(token.generate(&mut verified, place, &naming(), 1500));
        if let Some(generation) = token.generations().first() {
            told(token.retire(&mut verified, &generation.id, "20260102000000Z"));
        }
    }
    told(personalised_again(card));
}

/// A card that has an application already is not personalised over, whatever it says.
fn personalised_again(card: &mut Card<Liar<'_>>) -> Result<bool, host_driver::pkcs15::Error> {
    let Some((pin, puk)) = secrets() else { return Ok(false) };
    let text = |text: &str| text.to_owned();
    let with = Personalisation {
        serial: text("2"),
        label: text("l"),
        manufacturer: text("m"),
        now: text("20260101000000Z"),
        pin,
        puk,
        authority: vec![vec![0x30, 0]],
    };
    personalise(card, &with)
}

/// Errors are read by people: they come into words, and no secret comes with them.
fn told<T, E: Debug + Display>(result: Result<T, E>) {
    if let Err(error) = result {
        tell(&error);
    }
}

fn tell(error: &(impl Debug + Display)) {
    let text = format!("{error} {error:?}");
    assert!(!text.trim().is_empty());
    examine(&text);
}

thread_local! {
    static SENT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// No text of the host tells a secret that the card has not told first.
fn examine(text: &str) {
    let leak = SENT.with_borrow(|sent| Secrets::planted().leaked_in_text(text, sent));
    assert!(leak.is_none(), "a secret in a message of {} characters", text.len());
}

/// Reads every log line.
struct Lines;

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        examine(&record.args().to_string());
    }

    fn flush(&self) {}
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Where a program has a logger of its own, the lines go there.
        if log::set_logger(&Lines).is_ok() {
            log::set_max_level(log::LevelFilter::Trace);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_honest_card_is_read_to_the_end() {
        let mut card = Card::new(Liar::new(&[HONEST | PKCS15]));
        let token = Token::read(&mut card).unwrap();
        assert_eq!(token.generations().len(), 1);
        check(&[HONEST | PKCS15]);
        check(&[HONEST]);
    }

    #[test]
    fn the_classic_liars() {
        for answer in [&b"\x90\x00"[..], b"\x61\x00", b"\x01\x61\x01", b"\x6C\x00", b"\x63\xC0", b"\x90", b""] {
            for choice in 0..16 {
                let len = u8::try_from(answer.len()).unwrap();
                check(&[&[choice, 0, len], answer].concat());
            }
        }
    }

    #[test]
    #[should_panic(expected = "a secret in a message")]
    fn a_message_with_the_pin_is_found() {
        SENT.with_borrow_mut(Vec::clear);
        tell(&format!("wrong PIN {}", hex::encode(canary::pin())));
    }

    #[test]
    #[should_panic(expected = "does not notice")]
    fn a_host_that_goes_on_for_ever_is_found() {
        let mut liar = Liar::new(&[0]);
        while liar.transmit(&[0, 0xB0, 0, 0]).is_err() {}
    }
}
