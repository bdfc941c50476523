//! What the owner of a service can do, and what a client of each version of the protocol sees of it.

use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use pcsc_service::{ApduSize, PcscService, ReaderSpec, StartError};

use crate::card::{ASK, SET, Strings, TestCard, WAIT};
use crate::raw::{Raw, SHARED, SUCCESS, connect_body, word};

const READER: &str = "CardLab 00 00";
const INVALID_VALUE: u32 = 0x8010_0011;

fn with_card() -> (PcscService, Strings) {
    let strings = Strings::default();
    let card = TestCard::new(&strings);
    (PcscService::builder().reader(ReaderSpec::new("CardLab").card(card)).start().unwrap(), strings)
}

#[test]
fn the_socket_is_private_and_goes_with_the_service() {
    let (service, _) = with_card();
    let socket = service.socket().to_owned();
    let directory = socket.parent().unwrap().to_owned();
    assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let (mut raw, _) = Raw::begin_with(&socket, 4);
    drop(service);
    assert!(!directory.exists());
    assert_eq!(raw.receive(1), None);
}

#[test]
fn each_version_is_spoken_to_in_its_own_words() {
    let (service, _) = with_card();
    for minor in 4..=6 {
        let mut raw = Raw::connect(service.socket());
        assert_eq!([0, 4, 8].map(|at| word(&raw.ask(0x11, &[4, minor, 0]), at)), [4, minor, SUCCESS]);
    }
    for other in [[4, 3], [4, 7], [3, 4], [5, 4]] {
        let mut raw = Raw::connect(service.socket());
        let answer = raw.ask(0x11, &[other[0], other[1], 0]);
        assert_eq!([0, 4, 8].map(|at| word(&answer, at)), [4, 6, 0x8010_001E]);
        // The client tries again with what it was told.
        assert_eq!(word(&raw.ask(0x11, &[4, 6, 0]), 8), SUCCESS);
    }
}

#[test]
fn a_client_of_the_newest_version_waits_without_an_array() {
    let (service, _) = with_card();
    let (mut raw, _) = Raw::begin_with(service.socket(), 6);
    raw.send(0x13, &[], &[]);
    // A change before the array is in the array.
    drop(service.readers()[0].remove());
    raw.send(0x16, &[], &[]);
    let places = raw.receive(4).unwrap();
    assert_eq!(word(&places, 0), 16);
    raw.send(0x17, &[], &[]);
    let states = raw.receive(16 * 184).unwrap();
    assert_eq!([128, 132].map(|at| word(&states, at)), [1, 0x02]);
    service.readers()[0].insert(TestCard::new(&Strings::default())).unwrap_or_else(|_| panic!("it is empty"));
    assert_eq!(raw.receive(8).unwrap(), [0; 8]);
    // That was the only message of this wait.
    raw.send(0x14, &[], &[]);
    raw.send(0x15, &[], &[]);
    assert_eq!(word(&raw.receive(8).unwrap(), 0), 1);
}

#[test]
fn a_wait_is_cancelled_from_another_connection() {
    let (service, _) = with_card();
    let (mut raw, context) = Raw::begin_with(service.socket(), 5);
    raw.send(0x13, &[], &[]);
    raw.receive(2944).unwrap();
    let mut other = Raw::connect(service.socket());
    assert_eq!(word(&other.ask(0x0D, &[context, 0]), 4), SUCCESS);
    assert_eq!(word(&raw.receive(8).unwrap(), 4), 0x8010_0002);
    let mut other = Raw::connect(service.socket());
    assert_eq!(word(&other.ask(0x0D, &[context + 1, 0]), 4), 0x8010_0003);
}

#[test]
fn readers_come_and_go() {
    let (service, _) = with_card();
    let (mut raw, context) = Raw::begin_with(service.socket(), 5);
    let more = service.plug(ReaderSpec::new("More").card(TestCard::new(&Strings::default()))).unwrap();
    assert_eq!(more.name(), "More 01 00");
    let card = raw.card(context, "More 01 00", SHARED);
    assert_eq!(raw.transmit(card, SET).0, SUCCESS);
    assert!(service.unplug(&more).is_some());
    assert_eq!(raw.transmit(card, SET).0, INVALID_VALUE);
    assert_eq!(word(&raw.ask(0x06, &[card, 0, 0]), 8), SUCCESS);
    assert_eq!(word(&raw.ask(0x04, &connect_body(context, "More 01 00", SHARED)), 148), 0x8010_0009);
    raw.send(0x15, &[], &[]);
    assert_eq!(word(&raw.receive(8).unwrap(), 0), 3);
    assert_eq!(service.readers().len(), 1);
    // Its place is free for another one.
    assert_eq!(service.plug(ReaderSpec::new("Again")).unwrap().name(), "Again 01 00");
}

#[test]
fn newer_clients_see_more_than_sixteen_readers() {
    let mut builder = PcscService::builder();
    for _ in 0..19 {
        builder = builder.reader(ReaderSpec::new("CardLab"));
    }
    let service = builder.start().unwrap();
    let (mut raw, _) = Raw::begin_with(service.socket(), 6);
    let ask = |raw: &mut Raw| {
        raw.send(0x16, &[], &[]);
        word(&raw.receive(4).unwrap(), 0)
    };
    assert_eq!(ask(&mut raw), 20);
    for reader in service.readers() {
        service.unplug(&reader);
    }
    // It never shrinks, and the array has as many as were announced.
    assert_eq!(ask(&mut raw), 20);
    raw.send(0x17, &[], &[]);
    assert!(raw.receive(20 * 184).unwrap().iter().all(|byte| *byte == 0));
    raw.send(0x12, &[], &[]);
    assert_eq!(raw.receive(2944).unwrap().len(), 2944);
}

#[test]
fn a_card_is_pulled_while_it_works() {
    let (service, strings) = with_card();
    let (mut raw, card) = Raw::on(service.socket(), READER, SHARED);
    let before = strings.commands();
    let working = thread::spawn(move || {
        let lost = raw.transmit(card, WAIT);
        (lost, raw.transmit(card, SET).0)
    });
    strings.wait_for_command(before);
    let reader = service.readers().remove(0);
    let pulling = thread::spawn(move || reader.remove().is_some());
    // Programs know before the card has come to its end.
    while service.readers()[0].is_present() {
        thread::sleep(Duration::from_millis(1));
    }
    strings.go();
    assert_eq!(working.join().unwrap(), ((0x8010_000C, vec![]), 0x8010_0069));
    assert!(pulling.join().unwrap());
}

#[test]
fn a_card_is_exchanged_behind_the_programs_back() {
    let (service, _) = with_card();
    let (mut raw, card) = Raw::on(service.socket(), READER, SHARED);
    raw.transmit(card, SET);
    assert!(service.readers()[0].replace(TestCard::new(&Strings::default())).is_some());
    assert_eq!(raw.transmit(card, ASK), (SUCCESS, vec![0x69, 0x82]));
    assert!(service.readers()[0].reset());
    assert_eq!(raw.transmit(card, ASK).0, 0x8010_0068);
}

#[test]
fn an_unused_card_loses_its_power_in_time() {
    for (grace, kept) in [(None, true), (Some(Duration::from_secs(60)), true), (Some(Duration::ZERO), false)] {
        let service = PcscService::builder()
            .reader(ReaderSpec::new("CardLab").card(TestCard::new(&Strings::default())))
            .power_grace(grace)
            .start()
            .unwrap();
        let (mut raw, context) = Raw::begin_with(service.socket(), 4);
        let card = raw.card(context, READER, SHARED);
        assert_eq!(raw.transmit(card, SET).0, SUCCESS);
        assert_eq!(word(&raw.ask(0x06, &[card, 0, 0]), 8), SUCCESS);
        let card = raw.card(context, READER, SHARED);
        assert_eq!(raw.transmit(card, ASK).1, if kept { [0x90, 0x00] } else { [0x69, 0x82] }, "{grace:?}");
    }
}

#[test]
fn a_mute_card_is_there_and_of_no_use() {
    let mute = TestCard::with_atr(&Strings::default(), &[]);
    let service = PcscService::builder().reader(ReaderSpec::new("CardLab").card(mute)).start().unwrap();
    let (mut raw, context) = Raw::begin_with(service.socket(), 4);
    assert_eq!(word(&raw.ask(0x04, &connect_body(context, READER, SHARED)), 148), 0x8010_0067);
    raw.send(0x12, &[], &[]);
    assert_eq!(word(&raw.receive(2944).unwrap(), 132), 0x0C);
}

#[test]
fn a_reader_says_what_it_can_carry() {
    for (size, announced) in [(ApduSize::Extended, 0x0001_0000), (ApduSize::Short, 0)] {
        let service = PcscService::builder().reader(ReaderSpec::new("CardLab").apdu_size(size)).start().unwrap();
        let (mut raw, context) = Raw::begin_with(service.socket(), 4);
        // Without a card, as programs do that only want to know the reader.
        let card = raw.card(context, READER, 3);
        let control = |raw: &mut Raw, code: u32, room: u32| {
            raw.send(0x0A, &[card, code, 0, room, 0, 0], &[]);
            let head = raw.receive(24).unwrap();
            let length = usize::try_from(word(&head, 16)).unwrap();
            let rv = word(&head, 20);
            (rv, length, if rv == SUCCESS { raw.receive(length).unwrap() } else { Vec::new() })
        };
        let (rv, _, features) = control(&mut raw, 0x4200_0D48, 300);
        assert_eq!((rv, &features[..]), (SUCCESS, &[0x12, 4, 0x42, 0x33, 0x00, 0x12][..]));
        let (_, length, properties) = control(&mut raw, 0x4233_0012, 300);
        let last: [u8; 4] = properties[length - 4..].try_into().unwrap();
        assert_eq!(u32::from_le_bytes(last), announced);
        assert_eq!(control(&mut raw, 0x4233_0012, 3), (0x8010_0008, length, vec![]));
        assert_eq!(control(&mut raw, 0x4233_0006, 300), (0x8010_001F, 0, vec![]));
    }
}

#[test]
fn who_came_first_is_next() {
    let (service, _) = with_card();
    let (mut owner, its) = Raw::on(service.socket(), READER, SHARED);
    let mut others: Vec<_> = (0..4).map(|_| Raw::on(service.socket(), READER, SHARED)).collect();
    assert_eq!(word(&owner.ask(0x07, &[its, 0]), 4), SUCCESS);
    for (raw, card) in &mut others {
        raw.send(0x07, &[*card, 0], &[]);
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(word(&owner.ask(0x08, &[its, 0, 0]), 8), SUCCESS);
    // Who asks again at once is behind those who wait.
    owner.send(0x07, &[its, 0], &[]);
    for (raw, card) in &mut others {
        assert_eq!(word(&raw.receive(8).unwrap(), 4), SUCCESS);
        assert_eq!(word(&raw.ask(0x08, &[*card, 0, 0]), 8), SUCCESS);
    }
    assert_eq!(word(&owner.receive(8).unwrap(), 4), SUCCESS);
}

#[test]
fn what_cannot_be_is_refused() {
    let start = |readers: Vec<ReaderSpec>| {
        let builder = readers.into_iter().fold(PcscService::builder(), pcsc_service::Builder::reader);
        builder.start().err()
    };
    let long = "x".repeat(122);
    assert!(matches!(start(vec![ReaderSpec::new("")]), Some(StartError::Name(_))));
    assert!(matches!(start(vec![ReaderSpec::new(long)]), Some(StartError::Name(_))));
    let twice = || ReaderSpec::new("A 00 00");
    assert!(matches!(start(vec![twice(), twice()]), Some(StartError::Twice(_))));
    assert!(matches!(start((0..65).map(|_| ReaderSpec::new("A")).collect()), Some(StartError::TooMany)));
    let far = PcscService::builder().socket(format!("/tmp/{}", "x".repeat(103))).start();
    assert!(matches!(far, Err(StartError::Path { .. })));
}
