//! Cards that answer anything: the driver must come back with an error or data, and soon.

use host_driver::transport::Transacted;
use host_driver::{
    Access, Card, Curve, Digest, KeySlot, NewFile, Pin, Puk, RsaParts, RsaSize, Transport, TransportError,
};
use proptest::prelude::*;

use crate::fake::{NEW_PIN, PUK, pin};

/// Repeats its answers for ever and counts the commands.
struct Liar {
    answers: Vec<Vec<u8>>,
    count: usize,
}

impl Transport for Liar {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        assert!(command.len() >= 4, "no command is sent that is none");
        self.count += 1;
        Ok(self.answers[self.count % self.answers.len()].clone())
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.atr()
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(self.answers[0].clone())
    }

    fn transaction(&mut self, _: &mut Transacted<'_>) -> Result<(), TransportError> {
        // Lies about this too: the body does not run.
        Ok(())
    }

    fn describe(&self) -> String {
        "liar".to_owned()
    }
}

/// Every call there is, one after the other. A file of at most 32 KiB in one-byte answers bounds the count.
fn everything(answers: Vec<Vec<u8>>, extended: bool) {
    let mut card = Card::new(Liar { answers, count: 0 });
    let _ = card.select_application();
    card.limits().extended = extended;
    let _ = card.select(&[0x5015]);
    let _ = card.read(&[0x5015, 0x4401]);
    let _ = card.update(&[0x5015, 0x4401], &[1; 300]);
    let _ = card.create(&NewFile::ef(1, 2, Access::ALL_FREE));
    let _ = card.delete(1);
    let _ = card.random(600);
    let _ = card.pin_tries();
    let new = Pin::new(NEW_PIN).unwrap();
    let _ = card.change_pin(&pin(), &new);
    let _ = card.unblock_pin(&Puk::new(PUK).unwrap(), &new);
    let _ = card.transaction(|card| card.delete(1));
    if let Ok(mut card) = card.verify(&pin()) {
        let _ = card.generate_rsa(KeySlot::FIRST, RsaSize::Rsa2048);
        let _ = card.generate_ec(KeySlot::FIRST, Curve::P384);
        let _ = card.sign_pkcs1(KeySlot::FIRST, &Digest::Sha512([0; 64]));
        let _ = card.sign_pss(KeySlot::FIRST, &Digest::Sha224([0; 28]));
        let _ = card.sign_ecdsa(KeySlot::FIRST, Curve::P256, &Digest::Sha256([0; 32]));
        let _ = card.sign_ecdsa_sha1(KeySlot::FIRST, &[0; 300]);
        let _ = card.decipher(KeySlot::FIRST, &[0; 256]);
        let long = [1; 128];
        let parts = RsaParts { p: &long, q: &long, qinv: &long, dp: &long, dq: &long };
        let _ = card.import_rsa(KeySlot::FIRST, &parts);
        let _ = card.import_ec(KeySlot::FIRST, Curve::P384, &[1; 48]);
    }
    assert!(card.transport().count < 200_000, "{} commands", card.transport().count);
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        3 => Just(vec![0x90, 0x00]),
        2 => any::<u8>().prop_map(|low| vec![0x61, low]),
        1 => any::<u8>().prop_map(|low| vec![0x6C, low]),
        1 => any::<u8>().prop_map(|low| vec![0x63, low]),
        1 => Just(vec![0x6D, 0x00]),
        1 => any::<[u8; 2]>().prop_map(Vec::from),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => Just(vec![]),
    ];
    let fci = (any::<u16>(), any::<u8>()).prop_map(|(size, kind)| {
        let [high, low] = size.to_be_bytes();
        vec![0x6F, 11, 0x81, 2, high, low, 0x82, 1, kind, 0x83, 2, 1, 2]
    });
    let body = prop_oneof![
        3 => Just(vec![]),
        2 => fci,
        1 => any::<[u8; 3]>().prop_map(|[_, minor, features]| vec![minor & 1, minor, features]),
        2 => proptest::collection::vec(any::<u8>(), 0..300),
        1 => proptest::collection::vec(any::<u8>(), 60_000..65_538),
        1 => Just([&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF][..], &[0x7F; 30]].concat()),
    ];
    (body, word).prop_map(|(body, word)| [body, word].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_answer_makes_the_driver_panic_or_hang(
        answers in proptest::collection::vec(answer(), 1..12), extended: bool,
    ) {
        everything(answers, extended);
    }
}

#[test]
fn the_classic_liars() {
    for answer in ["9000", "6100", "6101", "016101", "6C00", "6C01", "63C0", "6F00", "90", ""] {
        everything(vec![hex::decode(answer).unwrap()], false);
        everything(vec![hex::decode(answer).unwrap()], true);
    }
}

#[test]
fn a_file_in_one_byte_answers_is_read_in_bounded_steps() {
    let mut card = Card::new(Liar { answers: vec![vec![0xAA, 0x90, 0x00]], count: 0 });
    assert_eq!(card.read_binary(0, 0x8000).unwrap().len(), 0x8000);
    assert_eq!(card.transport().count, 0x8000);
}
