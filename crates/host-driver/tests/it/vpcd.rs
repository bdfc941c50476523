//! The reader's end of the socket, with a card on a thread at the other end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use card_wire::vpcd::Message;
use host_driver::{Card, Digest, Error, KeySlot, Transport as _, TransportError, Vpcd};

use crate::fake::pin;

const WAIT: Duration = Duration::from_secs(10);
const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];

/// What the card does with one APDU.
enum Reply {
    /// Answers with these bytes in one frame.
    Answer(Vec<u8>),
    /// Answers with these bytes as they are.
    Raw(Vec<u8>),
    /// Says nothing and keeps the connection.
    Silence,
    /// Closes the connection.
    Hang,
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// A card that connects to the port, keeps what it hears, and replies to APDUs by `reply`.
fn card(port: u16, mut reply: impl FnMut(&[u8]) -> Reply + Send + 'static) -> JoinHandle<Vec<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        let mut heard = Vec::new();
        loop {
            let mut length = [0; 2];
            if stream.read_exact(&mut length).is_err() {
                return heard;
            }
            let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut body).unwrap();
            heard.push(body.clone());
            match Message::parse(&body).unwrap() {
                Message::GetAtr => stream.write_all(&frame(&ATR)).unwrap(),
                Message::Apdu(apdu) => match reply(apdu) {
                    Reply::Answer(answer) => stream.write_all(&frame(&answer)).unwrap(),
                    Reply::Raw(bytes) => stream.write_all(&bytes).unwrap(),
                    Reply::Silence => {}
                    Reply::Hang => return heard,
                },
                _ => {}
            }
        }
    })
}

/// A connected card; its thread ends when the transport is dropped.
fn connect(reply: impl FnMut(&[u8]) -> Reply + Send + 'static) -> (Vpcd, JoinHandle<Vec<Vec<u8>>>) {
    let listener = Vpcd::listen("127.0.0.1:0").unwrap();
    let thread = card(listener.port(), reply);
    (listener.accept(WAIT).unwrap(), thread)
}

#[test]
fn power_atr_apdu_reset_and_power_off_cross() {
    let (mut vpcd, thread) = connect(|apdu| Reply::Answer([apdu, &[0x90, 0x00]].concat()));
    assert_eq!(vpcd.atr().unwrap(), ATR);
    assert_eq!(vpcd.transmit(&[0, 0xB0, 0, 0, 0]).unwrap(), [0, 0xB0, 0, 0, 0, 0x90, 0x00]);
    assert_eq!(vpcd.reset().unwrap(), ATR);
    assert!(vpcd.describe().starts_with("vpcd on 127.0.0.1:"));
    drop(vpcd);
    assert_eq!(thread.join().unwrap(), [&[1][..], &[4], &[0, 0xB0, 0, 0, 0], &[2], &[4], &[0]]);
}

#[test]
fn the_longest_frames_cross_in_both_directions() {
    let (mut vpcd, _thread) = connect(|apdu| {
        assert_eq!(apdu.len(), 0xFFFF);
        Reply::Answer(vec![0x5A; 0xFFFF])
    });
    assert_eq!(vpcd.transmit(&[0x11; 0xFFFF]).unwrap().len(), 0xFFFF);
}

#[test]
fn what_is_no_apdu_is_not_sent() {
    let (mut vpcd, thread) = connect(|_| Reply::Hang);
    for len in [0, 1, 0x1_0000] {
        let error = vpcd.transmit(&vec![4; len]).unwrap_err();
        assert_eq!(error, TransportError::CommandLength { len, max: 0xFFFF });
    }
    drop(vpcd);
    assert_eq!(thread.join().unwrap(), [[1], [4], [0]]);
}

#[test]
fn a_card_pulled_in_the_middle_of_a_signature_is_gone() {
    let (vpcd, thread) = connect(|apdu| if apdu[1] == 0x2A { Reply::Hang } else { Reply::Answer(vec![0x90, 0x00]) });
    let mut card = Card::new(vpcd);
    let gone = Err(Error::Transport(TransportError::CardGone));
    let mut verified = card.verify(&pin()).unwrap();
    assert_eq!(verified.sign_pkcs1(KeySlot::FIRST, &Digest::Sha256([0; 32])), gone);
    // It stays gone, and does so at once.
    thread.join().unwrap();
    assert_eq!(card.random(1), gone);
}

#[test]
fn a_card_that_falls_silent_is_not_waited_for() {
    let (mut vpcd, thread) = connect(|_| Reply::Silence);
    vpcd.set_timeout(Duration::from_millis(50));
    let start = Instant::now();
    assert_eq!(vpcd.transmit(&[0, 0x84, 0, 0, 1]), Err(TransportError::Timeout));
    assert!(start.elapsed() < WAIT / 2);
    // A late answer must not be taken for that of the next command.
    assert_eq!(vpcd.transmit(&[0, 0x84, 0, 0, 1]), Err(TransportError::CardGone));
    thread.join().unwrap();
}

#[test]
fn answers_that_are_none_are_told_apart() {
    let ask = |raw: &'static [u8]| {
        let (mut vpcd, _thread) = connect(move |_| Reply::Raw(raw.to_vec()));
        vpcd.set_timeout(Duration::from_millis(300));
        vpcd.transmit(&[0, 0x84, 0, 0, 1])
    };
    assert_eq!(ask(&[0, 2, 0x90, 0]), Ok(vec![0x90, 0]));
    assert_eq!(ask(&[0, 0]), Err(TransportError::CardGone));
    assert_eq!(ask(&[0, 1, 0x90]), Err(TransportError::ShortAnswer { len: 1 }));
    assert_eq!(ask(&[0, 2, 0x90, 0, 7]), Err(TransportError::Protocol));
    assert_eq!(ask(&[0, 9, 0x90, 0]), Err(TransportError::Timeout));
}

#[test]
fn length_and_body_may_come_apart() {
    let listener = Vpcd::listen("127.0.0.1:0").unwrap();
    let port = listener.port();
    let thread = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in frame(&ATR) {
            stream.write_all(&[byte]).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
        stream
    });
    assert_eq!(listener.accept(WAIT).unwrap().atr().unwrap(), ATR);
    drop(thread.join().unwrap());
}

#[test]
fn a_listener_does_not_wait_for_ever_and_takes_the_next_card() {
    let listener = Vpcd::listen("127.0.0.1:0").unwrap();
    assert_eq!(listener.accept(Duration::from_millis(20)).unwrap_err(), TransportError::Timeout);
    for _ in 0..2 {
        let thread = card(listener.port(), |_| Reply::Hang);
        let mut vpcd = listener.accept(WAIT).unwrap();
        assert_eq!(vpcd.transmit(&[0, 0x84, 0, 0, 1]), Err(TransportError::CardGone));
        thread.join().unwrap();
    }
}
