//! A card with a key, and a program that has it sign.

use card_conformance::verify::Scheme;
use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::Icc;
use host_driver::{Card, Curve, Digest, Error, InProcess, KeySlot, Pin, Puk, Transport, wait_for_card};
use rsa_host::HostRsa;
use testkit::PrivatePcscd;
use virtual_reader::{VirtualReader, VpcdAddress};

use crate::recovery::LIMIT;

pub(crate) const HASH: Digest = Digest::Sha256([0x5A; 32]);

pub(crate) fn pin() -> Pin {
    Pin::new("123456").unwrap()
}

/// A card with a PIN and a key on P-256, and the key's point.
pub(crate) fn signer() -> (Box<dyn Icc>, Vec<u8>) {
    let blank = SimCard::from_seed(&Preset::isoapplet(), 3, HostRsa).unwrap();
    let mut card = Card::new(InProcess::new(Box::new(blank)));
    card.select_application().unwrap();
    card.set_puk(&Puk::new("0123456789abcdef").unwrap()).unwrap();
    card.set_pin(&pin()).unwrap();
    let key = card.verify(&pin()).unwrap().generate_ec(KeySlot::FIRST, Curve::P256).unwrap();
    (card.into_transport().into_card(), key.point)
}

/// All that a program does for a signature, whatever has become of the card before.
pub(crate) fn sign<T: Transport>(card: &mut Card<T>) -> Result<Vec<u8>, Error> {
    card.select_application()?;
    card.verify(&pin())?.sign_ecdsa(KeySlot::FIRST, Curve::P256, &HASH)
}

/// The same, undisturbed by others.
#[expect(
    clippy::redundant_closure,
    reason = "the function by itself is not general enough in the transport's lifetime"
)]
pub(crate) fn sign_alone<T: Transport>(card: &mut Card<T>) -> Result<Vec<u8>, Error> {
    card.transaction(|card| sign(card))?
}

#[track_caller]
pub(crate) fn check(point: &[u8], signature: &[u8]) {
    Scheme::Ecdsa.verify(point, HASH.bytes(), signature).unwrap();
}

/// Puts a card into the service's first slot and waits until a program can see it.
pub(crate) fn insert(card: Box<dyn Icc>, pcscd: &PrivatePcscd) -> VirtualReader {
    let reader = VirtualReader::start(card, VpcdAddress::local(pcscd.vpcd_port()));
    assert_eq!(wait_for_card(Some(&pcscd.reader_name()), LIMIT), Ok(pcscd.reader_name()));
    reader
}
