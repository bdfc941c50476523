//! The thread: connecting, connecting again, pulling and exchanging cards.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use virtual_reader::{LinkEvent, LinkState, VirtualReader, VpcdAddress};

use crate::card::{ATR, EchoCard};
use crate::vpcd::{GET_ATR, LIMIT, ON, Vpcd};

const COMMAND: &[u8] = &[0, 0xA4, 0, 0];

fn answer_of(name: u8) -> Option<Vec<u8>> {
    Some(vec![name, 0, 0xA4, 0, 0, 0x90, 0])
}

/// A reader whose log lines arrive on a channel.
fn logged(card: Box<EchoCard>, address: VpcdAddress) -> (VirtualReader, Receiver<String>) {
    let (send, log) = channel();
    let reader = VirtualReader::start_with(card, address, move |event: &LinkEvent| {
        // The test may have ended before the thread.
        let _ = send.send(event.to_string());
    });
    (reader, log)
}

#[test]
fn the_first_command_is_answered_at_once() {
    let vpcd = Vpcd::listen();
    // The best of several, because the machine runs other tests as well.
    let best = (0..5)
        .map(|_| {
            let begin = Instant::now();
            let reader = VirtualReader::start(EchoCard::new(1).0, vpcd.address());
            let mut line = vpcd.card();
            line.send(ON);
            assert_eq!(line.ask(COMMAND), answer_of(1));
            let time = begin.elapsed();
            assert_eq!(reader.state(), LinkState::Connected);
            time
        })
        .min();
    assert!(best < Some(Duration::from_millis(10)), "{best:?}");
}

#[test]
fn it_connects_again_when_the_service_restarts() {
    let vpcd = Vpcd::listen();
    let port = vpcd.port();
    let (card, record) = EchoCard::new(1);
    let (reader, log) = logged(card, vpcd.address());
    let mut line = vpcd.card();
    line.send(ON);
    assert_eq!(line.ask(COMMAND), answer_of(1));
    drop(line);
    drop(vpcd);
    assert_eq!(log.recv_timeout(LIMIT).unwrap(), "card connected to vpcd");
    assert_eq!(log.recv_timeout(LIMIT).unwrap(), "vpcd closed the connection, connecting again");
    assert!(log.recv_timeout(LIMIT).unwrap().starts_with("no vpcd yet"));
    std::thread::sleep(Duration::from_millis(100));
    let vpcd = Vpcd::listen_on(port);
    let mut line = vpcd.card();
    line.send(ON);
    assert_eq!(line.ask(COMMAND), answer_of(1));
    assert_eq!(record.take(), ["on T1", "off", "on T1", "apdu 4", "off", "on T1", "apdu 4"]);
    drop(reader);
    let rest: Vec<_> = log.try_iter().collect();
    assert_eq!(rest, ["card connected to vpcd", "reader stopped"], "an outage is told once");
}

#[test]
fn it_waits_for_a_service_that_is_not_there() {
    let port = Vpcd::listen().port();
    let reader = VirtualReader::start(EchoCard::new(1).0, VpcdAddress::local(port));
    assert!(!reader.wait_for(LinkState::Connected, Duration::from_millis(200)));
    assert_eq!(reader.state(), LinkState::Connecting);
    let vpcd = Vpcd::listen_on(port);
    assert_eq!(vpcd.card().ask(GET_ATR).as_deref(), Some(ATR));
}

#[test]
fn a_pulled_card_is_gone_until_it_is_put_back() {
    let vpcd = Vpcd::listen();
    let (card, record) = EchoCard::new(1);
    let reader = VirtualReader::start(card, vpcd.address());
    let mut line = vpcd.card();
    line.send(ON);
    assert_eq!(line.ask(COMMAND), answer_of(1));
    reader.remove();
    assert_eq!(line.receive(), None);
    assert!(reader.wait_for(LinkState::Removed, LIMIT));
    assert_eq!(record.take(), ["on T1", "off", "on T1", "apdu 4", "off"]);
    assert!(vpcd.card_within(Duration::from_millis(1200)).is_none(), "stays away");
    reader.insert();
    assert_eq!(vpcd.card().ask(GET_ATR).as_deref(), Some(ATR));
}

#[test]
fn a_card_put_back_at_once_stays_away_long_enough_to_be_missed() {
    let vpcd = Vpcd::listen();
    let reader = VirtualReader::start(EchoCard::new(1).0, vpcd.address());
    let mut line = vpcd.card();
    let begin = Instant::now();
    reader.remove();
    reader.insert();
    assert_eq!(line.receive(), None);
    vpcd.card();
    assert!(begin.elapsed() > Duration::from_millis(800), "{:?}", begin.elapsed());
}

#[test]
fn an_exchanged_card_has_power_and_nothing_else_changes() {
    let vpcd = Vpcd::listen();
    let (card, old) = EchoCard::new(1);
    let reader = VirtualReader::start(card, vpcd.address());
    let mut line = vpcd.card();
    line.send(ON);
    assert_eq!(line.ask(COMMAND), answer_of(1));
    let (card, new) = EchoCard::new(2);
    drop(reader.replace(card));
    assert_eq!(line.ask(COMMAND), answer_of(2));
    assert_eq!(line.ask(GET_ATR).as_deref(), Some(ATR));
    assert_eq!(old.take(), ["on T1", "off", "on T1", "apdu 4", "off"]);
    assert_eq!(new.take(), ["on T1", "apdu 4"]);
}

#[test]
fn an_exchanged_card_without_power_gets_none() {
    let vpcd = Vpcd::listen();
    let reader = VirtualReader::start(EchoCard::new(1).0, vpcd.address());
    let mut line = vpcd.card();
    let (card, record) = EchoCard::new(2);
    drop(reader.replace(card));
    assert_eq!(record.take(), [""; 0]);
    line.send(ON);
    assert_eq!(line.ask(COMMAND), answer_of(2));
}

#[test]
fn a_mute_card_comes_back_by_itself() {
    let vpcd = Vpcd::listen();
    let (reader, log) = logged(EchoCard::new(1).0, vpcd.address());
    let mut line = vpcd.card();
    line.send(ON);
    assert_eq!(line.ask(&[0, 0x10, 0, 0]), None);
    let mut line = vpcd.card();
    line.send(ON);
    assert_eq!(line.ask(COMMAND), answer_of(1));
    drop(reader);
    let told: Vec<_> = log.try_iter().collect();
    let mute = "the card is mute and was taken out of the reader";
    assert_eq!(told, ["card connected to vpcd", mute, "card connected to vpcd", "reader stopped"]);
}

#[test]
fn a_dead_card_is_not_presented_until_it_lives() {
    let vpcd = Vpcd::listen();
    let (mut card, record) = EchoCard::new(1);
    card.dead = 2;
    let reader = VirtualReader::start(card, vpcd.address());
    assert!(reader.wait_for(LinkState::Mute, LIMIT));
    assert_eq!(vpcd.card().ask(GET_ATR).as_deref(), Some(ATR));
    assert_eq!(record.take(), ["on T1", "off", "on T1", "off", "on T1", "off"]);
    assert!(reader.wait_for(LinkState::Connected, LIMIT));
}

#[test]
fn the_owner_can_work_on_the_card() {
    let vpcd = Vpcd::listen();
    let reader = VirtualReader::start(EchoCard::new(7).0, vpcd.address());
    let answer = reader.with_card(|card| card.transmit(&[1, 2, 3, 4], &mut [0; 258]).to_vec());
    assert_eq!(answer, [7, 1, 2, 3, 4, 0x90, 0]);
}

#[test]
fn stop_is_prompt_in_every_state() {
    let vpcd = Vpcd::listen();
    let connected = VirtualReader::start(EchoCard::new(1).0, vpcd.address());
    let mut line = vpcd.card();
    let (mut card, _) = EchoCard::new(1);
    card.dead = usize::MAX;
    let mute = VirtualReader::start(card, vpcd.address());
    assert!(mute.wait_for(LinkState::Mute, LIMIT));
    let port = Vpcd::listen().port();
    let waiting = VirtualReader::start(EchoCard::new(1).0, VpcdAddress::local(port));
    let removed = VirtualReader::start(EchoCard::new(1).0, VpcdAddress::local(port));
    removed.remove();
    assert!(removed.wait_for(LinkState::Removed, LIMIT));
    let begin = Instant::now();
    for reader in [&connected, &mute, &waiting, &removed] {
        reader.stop();
        reader.stop();
        reader.insert();
        assert_eq!(reader.state(), LinkState::Stopped);
    }
    assert!(begin.elapsed() < Duration::from_millis(400), "{:?}", begin.elapsed());
    assert_eq!(line.receive(), None);
}

#[test]
fn a_dropped_reader_hangs_up() {
    let vpcd = Vpcd::listen();
    let reader = VirtualReader::start(EchoCard::new(1).0, vpcd.address());
    let mut line = vpcd.card();
    drop(reader);
    assert_eq!(line.receive(), None);
}

/// A card that breaks the rule and panics.
struct Bomb;

impl card_wire::Icc for Bomb {
    fn power_on(&mut self, _: card_wire::Protocol) -> &[u8] {
        ATR
    }

    fn reset(&mut self) -> &[u8] {
        panic!("for the test")
    }

    fn power_off(&mut self) {}

    fn transmit<'r>(&mut self, _: &[u8], _: &'r mut [u8]) -> &'r [u8] {
        &[]
    }
}

#[test]
fn a_panicking_card_is_out_of_the_reader() {
    let vpcd = Vpcd::listen();
    let reader = VirtualReader::start(Box::new(Bomb), vpcd.address());
    let mut line = vpcd.card();
    line.send(ON);
    line.send(&[2]);
    assert_eq!(line.receive(), None);
    assert!(reader.wait_for(LinkState::Stopped, LIMIT));
    drop(reader.replace(EchoCard::new(1).0));
}
