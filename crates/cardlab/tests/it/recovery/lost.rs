//! A card that is pulled, and a service that ends, between two commands and in the middle of a signature.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use card_wire::{Icc, Ins, Protocol};
use host_driver::{Card, Curve, Error, KeySlot, Pcsc, Transport, TransportError, Vpcd, readers, wait_for_card};
use virtual_reader::{VirtualReader, VpcdAddress};

use super::signer::{HASH, check, insert, pin, sign, sign_alone, signer};
use super::{LIMIT, in_own_process, service};

/// How long the driver may take to say that a card or a service has gone.
const SOON: Duration = Duration::from_secs(5);

/// A card whose signatures wait: it tells when one has begun, and ends it when the other end of `leave` has gone.
struct Slow {
    card: Box<dyn Icc>,
    begun: Sender<()>,
    leave: Receiver<()>,
}

impl Icc for Slow {
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        self.card.power_on(protocol)
    }

    fn reset(&mut self) -> &[u8] {
        self.card.reset()
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        if command.get(1) == Some(&Ins::PERFORM_SECURITY_OPERATION.0) {
            // A test that has ended listens no longer.
            let _ = self.begun.send(());
            let _ = self.leave.recv_timeout(2 * LIMIT);
        }
        self.card.transmit(command, response)
    }
}

/// Pulls the card while it signs. What the driver says must not depend on the card's end, which comes later.
fn pulled<T: Transport>(
    card: &mut Card<T>,
    reader: &VirtualReader,
    begun: &Receiver<()>,
    sign: fn(&mut Card<T>) -> Result<Vec<u8>, Error>,
) {
    thread::scope(|scope| {
        let signature = scope.spawn(|| (sign(card), Instant::now()));
        begun.recv_timeout(LIMIT).unwrap();
        let pull = Instant::now();
        reader.remove();
        let (signature, told) = signature.join().unwrap();
        assert_eq!(signature, Err(Error::Transport(TransportError::CardGone)));
        assert!(told - pull < SOON, "told after {:?}", told - pull);
    });
}

fn slow() -> (Box<Slow>, Vec<u8>, Receiver<()>, Sender<()>) {
    let (card, point) = signer();
    let ((begun, has_begun), (go_on, leave)) = (channel(), channel());
    (Box::new(Slow { card, begun, leave }), point, has_begun, go_on)
}

fn pulled_through_pcsc(sign: fn(&mut Card<Pcsc>) -> Result<Vec<u8>, Error>) {
    let Some(pcscd) = service() else { return };
    let (card, point, begun, go_on) = slow();
    let reader = insert(card, &pcscd);
    let mut card = Card::new(Pcsc::connect(None).unwrap());
    pulled(&mut card, &reader, &begun, sign);
    assert_eq!(card.random(1), Err(Error::Transport(TransportError::CardGone)), "nobody has put it back");
    drop(go_on);
    reader.insert();
    assert_eq!(wait_for_card(None, LIMIT), Ok(pcscd.reader_name()));
    check(&point, &sign(&mut card).unwrap());
}

#[test]
fn a_card_pulled_while_it_signs_is_gone_and_comes_back() {
    in_own_process(|| pulled_through_pcsc(sign));
}

#[test]
fn a_card_pulled_within_a_transaction_is_gone_and_comes_back() {
    in_own_process(|| pulled_through_pcsc(sign_alone));
}

#[test]
fn a_card_pulled_from_a_socket_is_gone_and_comes_back() {
    let (card, point, begun, go_on) = slow();
    let listener = Vpcd::listen("127.0.0.1:0").unwrap();
    let reader = VirtualReader::start(card, VpcdAddress::local(listener.port()));
    let mut card = Card::new(listener.accept(LIMIT).unwrap());
    pulled(&mut card, &reader, &begun, sign);
    assert_eq!(card.random(1), Err(Error::Transport(TransportError::CardGone)), "nobody has put it back");
    drop(go_on);
    reader.insert();
    *card.transport() = listener.accept(LIMIT).unwrap();
    check(&point, &sign(&mut card).unwrap());
}

#[test]
fn a_service_that_ends_is_missed_and_found_again() {
    in_own_process(|| {
        let Some(mut pcscd) = service() else { return };
        let (card, point) = signer();
        let _reader = insert(card, &pcscd);
        let mut card = Card::new(Pcsc::connect(None).unwrap());
        check(&point, &sign(&mut card).unwrap());
        pcscd.halt();
        let begin = Instant::now();
        for _ in 0..2 {
            assert_eq!(sign(&mut card), Err(Error::Transport(TransportError::NoService)));
            assert_eq!(sign_alone(&mut card), Err(Error::Transport(TransportError::NoService)));
        }
        assert_eq!(readers(), Err(TransportError::NoService));
        assert_eq!(Pcsc::connect(None).unwrap_err(), TransportError::NoService);
        assert!(begin.elapsed() < SOON);
        pcscd.resume().unwrap();
        assert_eq!(wait_for_card(None, LIMIT), Ok(pcscd.reader_name()));
        check(&point, &sign(&mut card).unwrap());
    });
}

#[test]
fn a_restart_between_two_commands_is_told_once() {
    in_own_process(|| {
        let Some(mut pcscd) = service() else { return };
        let (card, point) = signer();
        let _reader = insert(card, &pcscd);
        let mut card = Card::new(Pcsc::connect(None).unwrap());
        card.select_application().unwrap();
        let mut verified = card.verify(&pin()).unwrap();
        pcscd.restart().unwrap();
        let told = verified.sign_ecdsa(KeySlot::FIRST, Curve::P256, &HASH);
        assert_eq!(told, Err(Error::Transport(TransportError::NoService)));
        assert_eq!(card.application(), None);
        assert_eq!(wait_for_card(None, LIMIT), Ok(pcscd.reader_name()));
        check(&point, &sign(&mut card).unwrap());
    });
}

#[test]
fn a_service_that_ends_during_a_signature_is_told_and_found_again() {
    in_own_process(|| {
        let Some(mut pcscd) = service() else { return };
        let (card, point, begun, go_on) = slow();
        let _reader = insert(card, &pcscd);
        let mut card = Card::new(Pcsc::connect(None).unwrap());
        thread::scope(|scope| {
            let signature = scope.spawn(|| (sign(&mut card), Instant::now()));
            begun.recv_timeout(LIMIT).unwrap();
            pcscd.halt();
            let halted = Instant::now();
            let (signature, told) = signature.join().unwrap();
            assert_eq!(signature, Err(Error::Transport(TransportError::NoService)));
            assert!(told.saturating_duration_since(halted) < SOON);
        });
        drop(go_on);
        pcscd.resume().unwrap();
        assert_eq!(wait_for_card(None, LIMIT), Ok(pcscd.reader_name()));
        check(&point, &sign(&mut card).unwrap());
    });
}
