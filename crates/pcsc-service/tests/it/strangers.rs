//! Clients that no library would be: they lose their own connection, and nobody else anything.

use std::io::Write as _;
use std::net::Shutdown;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use pcsc_service::{PcscService, ReaderSpec};
use testkit::{find_program, require_or_skip, run_bounded};

use crate::card::{ASK, SET, Strings, TestCard, WAIT};
use crate::raw::{Raw, SHARED, SUCCESS, connect_body, word};

const READER: &str = "CardLab 00 00";
/// Needs no protocol: an earlier client may have settled on another one.
const DIRECT: u32 = 3;
const LIMIT: Duration = Duration::from_secs(20);
const NO_MEMORY: u32 = 0x8010_0006;
const SHARING_VIOLATION: u32 = 0x8010_000B;

/// A service whose patience ends soon.
fn service(patience: Duration) -> (PcscService, Strings) {
    let strings = Strings::default();
    let service = PcscService::builder()
        .reader(ReaderSpec::new("CardLab").card(TestCard::new(&strings)))
        .reader(ReaderSpec::new("Other").card(TestCard::new(&Strings::default())))
        .patience(patience)
        .start()
        .unwrap();
    (service, strings)
}

/// Somebody who must not be disturbed: connected, with something in the card's memory.
struct Bystander(Raw, u32);

impl Bystander {
    fn new(socket: &Path) -> Self {
        let (mut raw, card) = Raw::on(socket, READER, SHARED);
        assert_eq!(raw.transmit(card, SET), (SUCCESS, vec![0x90, 0x00]));
        Self(raw, card)
    }

    /// Its card is as it was, and answers soon.
    #[track_caller]
    fn is_well(&mut self) {
        let begin = Instant::now();
        assert_eq!(self.0.transmit(self.1, ASK), (SUCCESS, vec![0x90, 0x00]));
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }
}

/// The service has closed this connection.
#[track_caller]
fn is_closed(mut raw: Raw) {
    assert_eq!(raw.receive(1), None);
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_no_client_sends_closes_its_connection_only() {
    let (service, _) = service(LIMIT);
    let mut bystander = Bystander::new(service.socket());
    let too_long = [1, 2, 16, 65_549, 2, 16, 300, 0];
    let bad: [(u32, &[u32]); 9] = [
        (0x00, &[]),
        (0x03, &[]),
        (0x18, &[0, 0]),
        (0x01, &[2, 0]),
        (0x09, &[1, 2, 3]),
        (0x12, &[0]),
        (0x09, &too_long),
        // Handles that are another's and nobody's.
        (0x07, &[bystander.1, 0]),
        (0x0B, &[77, 0]),
    ];
    for (command, body) in bad {
        let (mut raw, _) = Raw::begin_with(service.socket(), 4);
        raw.send(command, body, &[]);
        is_closed(raw);
        bystander.is_well();
    }
    // A body of 4 GiB is announced.
    let mut raw = Raw::connect(service.socket());
    raw.0.write_all(&[0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]).unwrap();
    is_closed(raw);
    bystander.is_well();
}

#[test]
fn half_a_message_has_its_time() {
    let (service, _) = service(Duration::from_millis(100));
    let mut bystander = Bystander::new(service.socket());
    // Nothing at all, half a header, a header without its body; before and after there is a context.
    for bytes in [&[][..], &[12, 0, 0, 0], &[12, 0, 0, 0, 0x11, 0, 0, 0, 4]] {
        let mut raw = Raw::connect(service.socket());
        raw.0.write_all(bytes).unwrap();
        is_closed(raw);
    }
    let (mut raw, card) = Raw::on(service.socket(), READER, SHARED);
    raw.send(0x09, &[card, 2, 16, 60_000, 2, 16, 300, 0], &[0; 100]);
    is_closed(raw);
    // Between messages a client with a context may be silent.
    thread::sleep(Duration::from_millis(300));
    bystander.is_well();
    assert_eq!(service.connections(), 1);
}

#[test]
fn messages_may_come_byte_by_byte_and_all_at_once() {
    let (service, _) = service(LIMIT);
    let mut raw = Raw::connect(service.socket());
    for byte in [12u32, 0x11, 4, 4, 0].iter().flat_map(|word| word.to_ne_bytes()) {
        raw.0.write_all(&[byte]).unwrap();
    }
    assert_eq!(word(&raw.receive(12).unwrap(), 8), SUCCESS);
    let many: Vec<u8> = [12u32, 0x01, 2, 0, 0, 0, 0x12, 0, 0x12].iter().flat_map(|word| word.to_ne_bytes()).collect();
    raw.0.write_all(&many).unwrap();
    assert_eq!(word(&raw.receive(12).unwrap(), 8), SUCCESS);
    let [first, second] = [raw.receive(2944).unwrap(), raw.receive(2944).unwrap()];
    assert_eq!(first, second);
}

#[test]
fn thousands_of_contexts_are_one_programs_own_trouble() {
    let Some(program) = require_or_skip(find_program("opensc-tool")) else { return };
    let (service, _) = service(LIMIT);
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..3000 {
        let mut raw = Raw::connect(service.socket());
        if raw.try_send(0x11, &[4, 4, 0], &[]).is_err() || raw.receive(12).is_none() {
            refused += 1;
            continue;
        }
        let answer = raw.ask(0x01, &[2, 0, 0]);
        assert_eq!(word(&answer, 8), if held.len() < 200 { SUCCESS } else { NO_MEMORY });
        held.push(raw);
    }
    assert_eq!((held.len(), service.connections()), (216, 216));
    assert_eq!(refused, 3000 - 216);
    // Another program does not notice.
    let (name, value) = service.environment();
    let output = run_bounded(Command::new(program).arg("--atr").env(name, value), LIMIT);
    assert!(output.status.success() && output.stdout.starts_with(b"3b:80"), "{output:?}");
    drop(held);
    wait_for("all are gone", || service.connections() == 0);
    Bystander::new(service.socket()).is_well();
}

#[test]
fn handles_have_an_end() {
    let (service, _) = service(LIMIT);
    let (mut raw, context) = Raw::begin_with(service.socket(), 4);
    for count in 0..210 {
        let answer = raw.ask(0x04, &connect_body(context, READER, SHARED));
        assert_eq!(word(&answer, 148), if count < 200 { SUCCESS } else { NO_MEMORY }, "{count}");
    }
    drop(raw);
    wait_for("it is gone", || service.connections() == 0);
    Bystander::new(service.socket()).is_well();
}

#[cfg(target_os = "linux")]
#[test]
fn clients_leave_nothing_behind() {
    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").unwrap().count()
    }
    fn kibibytes() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
    // In a process of its own: other tests have threads, too.
    testkit::in_own_process(|| {
        let (service, _) = service(LIMIT);
        let some = |count: usize| {
            for number in 0..count {
                let (mut raw, card) = Raw::on(service.socket(), READER, SHARED);
                raw.transmit(card, &[number.to_le_bytes()[0]; 40_000]);
                if number % 2 == 0 {
                    raw.ask(0x07, &[card, 0]);
                }
            }
            wait_for("all are gone", || service.connections() == 0);
        };
        some(200);
        let (before, memory) = (threads(), kibibytes());
        some(3000);
        wait_for("their threads too", || threads() <= before);
        assert!(kibibytes() < memory + 2048, "{} KiB and then {}", memory, kibibytes());
    });
}

#[test]
fn who_does_not_read_waits_alone() {
    let (service, _) = service(Duration::from_millis(300));
    let mut bystander = Bystander::new(service.socket());
    let (mut deaf, _) = Raw::begin_with(service.socket(), 4);
    deaf.0.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    // Waits, and never looks.
    let wait: Vec<u8> = [0u32, 0x13].iter().flat_map(|word| word.to_ne_bytes()).collect();
    while deaf.0.write_all(&wait).is_ok() {}
    let begin = Instant::now();
    let handle = &service.readers()[1];
    for _ in 0..1000 {
        let card = handle.remove().unwrap();
        assert!(handle.insert(card).is_ok());
    }
    bystander.is_well();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    wait_for("it is cut off", || service.connections() == 1);
}

#[test]
fn who_hangs_in_a_transaction_holds_one_card_only() {
    let (service, _) = service(LIMIT);
    let (mut hanging, its) = Raw::on(service.socket(), READER, SHARED);
    let (mut other, context) = Raw::begin_with(service.socket(), 4);
    let (same, another) = (other.card(context, READER, SHARED), other.card(context, "Other 01 00", SHARED));
    assert_eq!(word(&hanging.ask(0x07, &[its, 0]), 4), SUCCESS);
    assert_eq!(other.transmit(same, ASK).0, SHARING_VIOLATION);
    assert_eq!(other.transmit(another, SET), (SUCCESS, vec![0x90, 0x00]));
    assert_eq!(word(&other.ask(0x07, &[same, 0]), 4), SHARING_VIOLATION);
    hanging.0.shutdown(Shutdown::Both).unwrap();
    // Its end resets the card, as pcscd's does.
    wait_for("the card is free", || other.transmit(same, ASK).0 != SHARING_VIOLATION);
    assert_eq!(other.transmit(same, ASK).0, 0x8010_0068);
}

#[test]
fn who_is_killed_waiting_gets_nothing() {
    let (service, _) = service(LIMIT);
    let mut bystander = Bystander::new(service.socket());
    let (mut owner, its) = Raw::on(service.socket(), READER, SHARED);
    assert_eq!(word(&owner.ask(0x07, &[its, 0]), 4), SUCCESS);
    // One waits for a transaction, one for a connection.
    let (mut waiting, card) = Raw::on_held(service.socket(), &mut owner, its);
    waiting.send(0x07, &[card, 0], &[]);
    let (mut connecting, context) = Raw::begin_with(service.socket(), 4);
    connecting.send(0x04, &connect_body(context, READER, SHARED), &[]);
    thread::sleep(Duration::from_millis(50));
    drop((waiting, connecting));
    assert_eq!(word(&owner.ask(0x08, &[its, 0, 0]), 8), SUCCESS);
    wait_for("both are gone", || service.connections() == 2);
    bystander.is_well();
}

impl Raw {
    /// A handle on a card that another client has for itself: it lets go for a moment.
    fn on_held(socket: &Path, owner: &mut Self, its: u32) -> (Self, u32) {
        assert_eq!(word(&owner.ask(0x08, &[its, 0, 0]), 8), SUCCESS);
        let handle = Self::on(socket, READER, SHARED);
        assert_eq!(word(&owner.ask(0x07, &[its, 0]), 4), SUCCESS);
        handle
    }
}

#[test]
fn a_long_command_holds_up_nobody_who_does_not_need_the_card() {
    let (service, strings) = service(LIMIT);
    let (mut busy, its) = Raw::on(service.socket(), READER, SHARED);
    let (mut other, context) = Raw::begin_with(service.socket(), 4);
    let card = other.card(context, READER, SHARED);
    let before = strings.commands();
    let working = thread::spawn(move || busy.transmit(its, WAIT));
    strings.wait_for_command(before);
    other.send(0x12, &[], &[]);
    assert_eq!(other.receive(2944).map(|states| word(&states, 136)), Some(2));
    assert_eq!(word(&other.ask(0x0B, &[card, 0]), 4), SUCCESS);
    assert_eq!(word(&other.ask(0x07, &[card, 0]), 4), SUCCESS);
    assert_eq!(word(&other.ask(0x08, &[card, 0, 0]), 8), SUCCESS);
    strings.go();
    assert_eq!(working.join().unwrap(), (SUCCESS, vec![0x90, 0x00]));
}

#[test]
fn noise_harms_nobody() {
    let (service, _) = service(Duration::from_millis(200));
    let mut bystander = Bystander::new(service.socket());
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        u32::try_from(seed >> 40).unwrap()
    };
    let sizes = [12, 8, 0, 152, 24, 12, 8, 12, 32, 24, 8, 0, 8, 0, 280, 280, 12, 0, 0, 0, 0, 0, 0];
    for _ in 0..300 {
        let (mut raw, context) = Raw::begin_with(service.socket(), 4 + random() % 3);
        let card = raw.card(context, "Other 01 00", DIRECT);
        raw.0.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        for _ in 0..8 {
            let command = 1 + random() % 23;
            let words = sizes[usize::try_from(command).unwrap() - 1] / 4;
            let small = [0, 1, 2, 3, 4, 16, 300, context];
            let mut body: Vec<u32> = (0..words).map(|_| small[usize::try_from(random() % 8).unwrap()]).collect();
            if let Some(first) = body.first_mut().filter(|_| command > 4) {
                *first = card;
            }
            let bytes: Vec<u8> = [4 * words, command].iter().chain(&body).flat_map(|word| word.to_ne_bytes()).collect();
            if raw.0.write_all(&bytes).is_err() {
                break;
            }
            raw.receive(4);
        }
    }
    bystander.is_well();
    wait_for("all are gone", || service.connections() == 1);
    bystander.is_well();
}
