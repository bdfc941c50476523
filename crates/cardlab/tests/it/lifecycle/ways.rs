//! The flows over every way to a card: the same commands, the same certificates, the same card afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use card_os::Preset;
use card_os::sim::SimCard;
use card_pki::certificate::Certificate;
use card_wire::{Command, Icc};
use host_driver::transport::Transacted;
use host_driver::{Card, InProcess, Pcsc, Transport, TransportError, Vpcd, wait_for_card};
use rsa_host::HostRsa;
use virtual_reader::{VirtualReader, VpcdAddress};

use super::clerk::Clerk;
use crate::recovery::{in_own_process, service};

const LIMIT: Duration = Duration::from_secs(60);

/// What went over the wire, and what was answered; of a signature only that there was one: its input holds a nonce.
type Log = Arc<Mutex<Vec<(Vec<u8>, Vec<u8>)>>>;

/// A way whose traffic is written down.
struct Heard<T> {
    way: T,
    log: Log,
}

impl<T: Transport> Transport for Heard<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.way.transmit(command)?;
        let is_signature = Command::parse(command).unwrap().ins.0 == 0x2A;
        let heard = if is_signature { (command[..4].to_vec(), Vec::new()) } else { (command.to_vec(), answer.clone()) };
        self.log.lock().unwrap().push(heard);
        Ok(answer)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.way.reset()
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        self.way.atr()
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        let log = &self.log;
        self.way.transaction(&mut |way| body(&mut Heard { way, log: Arc::clone(log) }))
    }

    fn describe(&self) -> String {
        self.way.describe()
    }
}

/// What came out of a life.
#[derive(PartialEq, Eq)]
struct Life {
    certificates: Vec<Certificate>,
    heard: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Application, renewal, retirement and one more renewal, which uses the first one's place again.
fn lived(clerk: &mut Clerk, way: impl Transport) -> Life {
    let log = Log::default();
    let mut card = Card::new(Heard { way, log: Arc::clone(&log) });
    let first = clerk.applied(&mut card);
    let second = clerk.renewed(&mut card, &first);
    assert_eq!(clerk.retired(&mut card).as_ref(), Some(&first));
    let third = clerk.renewed(&mut card, &second);
    let heard = log.lock().unwrap().clone();
    Life { certificates: vec![first, second, third], heard }
}

/// Every file that may be on the card.
fn files(card: Box<dyn Icc>) -> BTreeMap<u16, Vec<u8>> {
    let mut card = Card::new(InProcess::new(card));
    card.select_application().unwrap();
    let fids = [0x2F00..=0x2F00, 0x3200..=0x3210, 0x3300..=0x3310, 0x3400..=0x34FF, 0x4400..=0x441F, 0x5031..=0x5033];
    let within = |fid: u16| if fid == 0x2F00 { vec![fid] } else { vec![0x5015, fid] };
    fids.into_iter().flatten().filter_map(|fid| Some((fid, card.read(&within(fid)).ok()?))).collect()
}

/// In the place of a card that is looked at.
fn blank() -> Box<dyn Icc> {
    Box::new(SimCard::from_seed(&Preset::isoapplet(), 1, HostRsa).unwrap())
}

#[test]
fn every_way_to_the_card_gives_the_same_life() {
    in_own_process(|| {
        // One authority for all: a twin of the card has the same keys, and its requests get the answers that were given.
        let mut clerk = Clerk::new();
        let start = clerk.now;
        let again = |clerk: &mut Clerk| {
            clerk.now = start;
            clerk.personalised()
        };
        let mut way = InProcess::new(again(&mut clerk));
        let expected = lived(&mut clerk, &mut way);
        let expected_files = files(way.into_card());
        assert!(expected_files.len() > 12, "{:x?}", expected_files.keys());

        let check = |name: &str, life: &Life, card: Box<dyn Icc>| {
            assert_eq!(life.certificates, expected.certificates, "{name}");
            for (number, (one, other)) in expected.heard.iter().zip(&life.heard).enumerate() {
                assert_eq!(hex::encode(&one.0), hex::encode(&other.0), "{name}: command {number}");
                assert_eq!(hex::encode(&one.1), hex::encode(&other.1), "{name}: answer {number}");
            }
            assert_eq!(life.heard.len(), expected.heard.len(), "{name}");
            assert_eq!(files(card), expected_files, "{name}");
        };

        let listener = Vpcd::listen("127.0.0.1:0").unwrap();
        let reader = VirtualReader::start(again(&mut clerk), VpcdAddress::local(listener.port()));
        let life = lived(&mut clerk, listener.accept(LIMIT).unwrap());
        check("vpcd", &life, reader.replace(blank()));

        let Some(pcscd) = service() else { return };
        let reader = VirtualReader::start(again(&mut clerk), VpcdAddress::local(pcscd.vpcd_port()));
        let name = wait_for_card(None, LIMIT).unwrap();
        let life = lived(&mut clerk, Pcsc::connect(Some(&name)).unwrap());
        check("PC/SC", &life, reader.replace(blank()));
    });
}
