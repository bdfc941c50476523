//! One connection, without the thread.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use card_wire::Icc;
use virtual_reader::{Ended, LinkError, Slot, serve};

use crate::card::{ATR, ATR_T0, EchoCard};
use crate::vpcd::{GET_ATR, Line, OFF, ON, RESET};

/// A card being served, with both ends of its line.
struct Served {
    line: Line,
    card_end: TcpStream,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Ended, LinkError>>,
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let card_end = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (card_end, listener.accept().unwrap().0)
}

fn served(card: Box<dyn Icc>) -> Served {
    let (card_end, reader_end) = pair();
    let stop = Arc::new(AtomicBool::new(false));
    let (stream, flag) = (card_end.try_clone().unwrap(), Arc::clone(&stop));
    let thread = std::thread::spawn(move || serve(&stream, &Mutex::new(Slot::new(card)), &flag));
    Served { line: Line::new(reader_end), card_end, stop, thread }
}

impl Served {
    /// The reader hangs up; how the card's end took it.
    fn hang_up(self) -> Result<Ended, LinkError> {
        self.line.0.shutdown(Shutdown::Both).unwrap();
        self.thread.join().unwrap()
    }
}

#[test]
fn controls_reach_the_card_in_order() {
    let (card, record) = EchoCard::new(1);
    let mut served = served(card);
    served.line.send(ON);
    served.line.send(OFF);
    served.line.send(ON);
    served.line.send(RESET);
    assert_eq!(served.line.ask(GET_ATR).as_deref(), Some(ATR));
    assert_eq!(served.line.ask(&[0, 0xA4, 0, 0]).unwrap(), [1, 0, 0xA4, 0, 0, 0x90, 0]);
    assert_eq!(served.hang_up().unwrap(), Ended::Closed);
    assert_eq!(record.take(), ["on T1", "off", "on T1", "reset", "apdu 4", "off"]);
}

#[test]
fn the_atr_is_known_without_power() {
    let (card, record) = EchoCard::new(1);
    let mut served = served(card);
    assert_eq!(served.line.ask(GET_ATR).as_deref(), Some(ATR));
    assert_eq!(record.take(), ["on T1", "off"]);
    assert_eq!(served.line.ask(GET_ATR).as_deref(), Some(ATR), "the reader polls with this");
    assert_eq!(record.take(), [""; 0]);
    served.hang_up().unwrap();
}

#[test]
fn a_card_that_offers_only_t0_is_run_in_t0() {
    let (mut card, record) = EchoCard::new(1);
    card.atr = ATR_T0;
    let mut served = served(card);
    served.line.send(ON);
    served.line.send(ON);
    assert_eq!(served.line.ask(GET_ATR).as_deref(), Some(ATR_T0));
    assert_eq!(record.take(), ["on T1", "off", "on T0", "on T0"]);
    served.hang_up().unwrap();
}

#[test]
fn frames_may_come_in_pieces() {
    let (card, _) = EchoCard::new(1);
    let mut served = served(card);
    for piece in [&[0][..], &[1, 1, 0], &[4], &[0, 0xB0], &[0, 0, 0, 4, 0, 0xB1, 0, 0]] {
        served.line.0.write_all(piece).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(served.line.receive().unwrap(), [1, 0, 0xB0, 0, 0, 0x90, 0]);
    assert_eq!(served.line.receive().unwrap(), [1, 0, 0xB1, 0, 0, 0x90, 0]);
    assert_eq!(served.hang_up().unwrap(), Ended::Closed);
}

#[test]
fn empty_and_unknown_bodies_are_the_cards_to_refuse() {
    let (card, record) = EchoCard::new(1);
    let mut served = served(card);
    served.line.send(ON);
    assert_eq!(served.line.ask(&[]).unwrap(), [1, 0x90, 0]);
    assert_eq!(served.line.ask(&[3]).unwrap(), [1, 3, 0x90, 0]);
    assert_eq!(served.line.ask(&[0xA4]).unwrap(), [1, 0xA4, 0x90, 0]);
    served.hang_up().unwrap();
    assert_eq!(record.take(), ["on T1", "apdu 0", "apdu 1", "apdu 1", "off"]);
}

#[test]
fn the_largest_frames_pass() {
    let (card, record) = EchoCard::new(1);
    let mut served = served(card);
    served.line.send(ON);
    let answer = served.line.ask(&vec![0xC0; 65_535]).unwrap();
    assert_eq!(answer.len(), 65_535);
    assert_eq!(served.line.ask(&[0, 0x20, 0xFF, 0xFF]).unwrap().len(), 65_535);
    served.hang_up().unwrap();
    assert_eq!(record.take(), ["on T1", "apdu 65535", "apdu 4", "off"]);
}

#[test]
fn half_a_frame_is_an_error() {
    let (card, record) = EchoCard::new(1);
    let mut served = served(card);
    served.line.0.write_all(&[0, 9, 0, 0xA4]).unwrap();
    served.line.0.shutdown(Shutdown::Write).unwrap();
    assert!(matches!(served.thread.join().unwrap(), Err(LinkError::Truncated { got: 4 })));
    assert_eq!(record.take(), [""; 0], "nothing of it reaches the card");
}

#[test]
fn a_mute_card_ends_the_connection_and_loses_power() {
    let (card, record) = EchoCard::new(1);
    let mut served = served(card);
    served.line.send(ON);
    served.line.send(&[0, 0x10, 0, 0]);
    assert_eq!(served.thread.join().unwrap().unwrap(), Ended::Mute);
    assert_eq!(record.take(), ["on T1", "apdu 4", "off"]);
}

#[test]
fn a_command_without_power_gets_no_answer_and_does_not_reach_the_card() {
    let (card, record) = EchoCard::new(1);
    let mut served = served(card);
    served.line.send(&[0, 0xA4, 0, 0]);
    assert_eq!(served.thread.join().unwrap().unwrap(), Ended::Mute);
    assert_eq!(record.take(), [""; 0]);
}

#[test]
fn a_card_without_an_atr_ends_the_connection() {
    let (mut card, _) = EchoCard::new(1);
    card.dead = 9;
    let mut served = served(card);
    served.line.send(ON);
    served.line.send(GET_ATR);
    assert_eq!(served.thread.join().unwrap().unwrap(), Ended::Mute);
}

/// A card whose answer no frame can hold, whatever space it was given.
struct Boaster;

impl Icc for Boaster {
    fn power_on(&mut self, _: card_wire::Protocol) -> &[u8] {
        ATR
    }

    fn reset(&mut self) -> &[u8] {
        ATR
    }

    fn power_off(&mut self) {}

    fn transmit<'r>(&mut self, _: &[u8], _: &'r mut [u8]) -> &'r [u8] {
        &[0; 70_000]
    }
}

#[test]
fn an_answer_too_long_for_a_frame_is_an_error() {
    let mut served = served(Box::new(Boaster));
    served.line.send(ON);
    served.line.send(&[0, 0xA4, 0, 0]);
    assert!(matches!(served.thread.join().unwrap(), Err(LinkError::AnswerTooLong { len: 70_000 })));
}

#[test]
fn stop_unblocks_the_read() {
    let (card, record) = EchoCard::new(1);
    let mut served = served(card);
    served.line.send(ON);
    assert!(served.line.ask(GET_ATR).is_some());
    served.stop.store(true, Ordering::Release);
    served.card_end.shutdown(Shutdown::Both).unwrap();
    assert_eq!(served.thread.join().unwrap().unwrap(), Ended::Stopped);
    assert_eq!(record.take(), ["on T1", "off"]);
}
