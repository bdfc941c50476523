//! Two readers: which one is meant.

use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::{Atr, Icc};
use host_driver::{Pcsc, Presence, Transport as _, TransportError, readers, wait_for_card};
use rsa_host::HostRsa;
use virtual_reader::{VirtualReader, VpcdAddress};

use super::signer::{insert, signer};
use super::{LIMIT, in_own_process, service, until};

/// A card that can be told from the others by its ATR.
const OTHER_ATR: [u8; 6] = [0x3B, 0x81, 0x80, 0x01, 0x41, 0x41];

fn other_card() -> Box<dyn Icc> {
    let preset = Preset { atr: Atr::parse(&OTHER_ATR).unwrap(), ..Preset::isoapplet() };
    Box::new(SimCard::from_seed(&preset, 4, HostRsa).unwrap())
}

#[test]
fn of_two_readers_the_named_one_is_used() {
    in_own_process(|| {
        let Some(pcscd) = service() else { return };
        let (first, second) = (pcscd.reader_name(), pcscd.second_reader_name());
        let connect = |name: Option<&str>| Pcsc::connect(name).map(|reader| reader.describe());
        let in_doubt = |wanted: &str| TransportError::AmbiguousReader {
            wanted: wanted.to_owned(),
            candidates: vec![first.clone(), second.clone()],
        };
        assert_eq!(connect(None), Err(TransportError::CardGone), "both are empty");
        assert_eq!(connect(Some(&first)), Err(TransportError::CardGone));
        let _reader = insert(signer().0, &pcscd);
        assert_eq!(connect(None), Ok(first.clone()), "the only card");
        assert_eq!(connect(Some("CardLab")), Err(in_doubt("CardLab")), "a card in one does not decide between names");

        let other = VirtualReader::start(other_card(), VpcdAddress::local(pcscd.vpcd_port() + 1));
        assert_eq!(wait_for_card(Some(&second), LIMIT), Ok(second.clone()));
        assert_eq!(connect(None), Err(in_doubt("")));
        for name in [&second, "00 01"] {
            assert_eq!(Pcsc::connect(Some(name)).unwrap().atr(), Ok(OTHER_ATR.to_vec()));
        }
        assert_eq!(Pcsc::connect(Some(&first)).unwrap().atr(), Ok(vec![0x3B, 0x80, 0x80, 0x01, 0x01]));
        assert_eq!(connect(Some("ACR")), Err(TransportError::NoReader { wanted: "ACR".to_owned() }));

        other.remove();
        let presence = || readers().unwrap().into_iter().map(|reader| (reader.name, reader.presence.has_card()));
        until("the second reader is empty", || presence().eq([(first.clone(), true), (second.clone(), false)]));
        assert_eq!(connect(Some(&second)), Err(TransportError::CardGone));
        assert_eq!(connect(None), Ok(first.clone()));
        assert_eq!(readers().unwrap()[1].presence, Presence::Empty);
    });
}
