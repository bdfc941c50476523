//! What the driver does when the card forgets: resets by others, removal, transactions.

use host_driver::{Card, Digest, Error, KeySlot, Transport, TransportError};

use crate::fake::{Fake, card, pin, sent};

const DIGEST: Digest = Digest::Sha256([9; 32]);

#[test]
fn after_a_reset_by_others_nothing_is_sent_until_the_pin_is_verified_again() {
    let mut card = card(&["9000"]);
    let mut verified = card.verify(&pin()).unwrap();
    verified.card().transport().answers.push_back(Err(TransportError::CardReset));
    let reset = Err(Error::Transport(TransportError::CardReset));
    assert_eq!(verified.sign_pkcs1(KeySlot::FIRST, &DIGEST), reset);
    let before = sent(verified.card()).len();
    assert_eq!(verified.sign_pkcs1(KeySlot::FIRST, &DIGEST), reset);
    assert_eq!(sent(verified.card()).len(), before);

    let signature = [vec![1; 256], vec![0x90, 0]].concat();
    let answers = [vec![0x90, 0], vec![1, 0, 0x2E, 0x90, 0], vec![0x90, 0], vec![0x90, 0], signature];
    card.transport().answers.extend(answers.map(Ok));
    card.select_application().unwrap();
    card.verify(&pin()).unwrap().sign_pkcs1(KeySlot::FIRST, &DIGEST).unwrap();
}

#[test]
fn selecting_the_application_or_a_reset_ends_the_permission() {
    let mut card = card(&["9000", "9000", "01002E9000"]);
    let mut verified = card.verify(&pin()).unwrap();
    verified.card().select_application().unwrap();
    assert!(verified.sign_pkcs1(KeySlot::FIRST, &DIGEST).unwrap_err().is_transport());
    let mut verified = card.verify(&pin()).unwrap();
    verified.card().reset().unwrap();
    assert!(verified.decipher(KeySlot::FIRST, &[1; 256]).unwrap_err().is_transport());
    assert!(card.application().is_none());
}

#[test]
fn what_is_learned_in_a_transaction_is_kept() {
    let mut card = card(&["9000", "01002F9000"]);
    let application = card.transaction(|card| card.select_application()).unwrap().unwrap();
    assert_eq!(card.application(), Some(application));
    assert!(card.limits().extended);
    assert_eq!(card.transport().transactions, (1, 1));
}

#[test]
fn a_transaction_ends_when_its_body_fails() {
    let mut card = card(&["6A82"]);
    assert!(card.transaction(|card| card.select_application()).unwrap().is_err());
    assert_eq!(card.transport().transactions, (1, 1));
}

#[test]
fn a_reset_inside_a_transaction_is_known_outside() {
    let mut card = card(&["9000", "01002E9000"]);
    card.select_application().unwrap();
    card.transport().answers.push_back(Err(TransportError::CardReset));
    let failed = card.transaction(|card| card.random(4)).unwrap();
    assert_eq!(failed, Err(Error::Transport(TransportError::CardReset)));
    assert!(card.application().is_none());
}

#[test]
fn boxed_and_borrowed_transports_work_alike() {
    let mut fake = Fake::default();
    Card::new(&mut fake).delete(0x4401).unwrap();
    let boxed: Box<dyn Transport> = Box::new(fake);
    let mut card = Card::new(boxed);
    card.transaction(|card| card.delete(0x4402)).unwrap().unwrap();
    assert_eq!(card.transport().describe(), "fake");
    assert_eq!(card.reset().unwrap(), card.atr().unwrap());
}
