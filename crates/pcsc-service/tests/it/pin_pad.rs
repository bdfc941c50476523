//! Readers with a PIN pad, through libpcsclite: what is asked for, what the card gets, and how an entry ends.

use std::collections::VecDeque;
use std::ffi::CString;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Error, Protocols, ReaderState, Scope, ShareMode, State};
use pcsc_service::{Entry, EntryControl, PcscService, Pin, PinPad, PinRequest, ReaderSpec, Wanted, What};
use testkit::{in_own_process, own_socket};

use crate::card::{ASK, SET, Strings, TestCard};
use crate::raw::{Raw, SHARED};
use crate::world::LIMIT;

const VERIFY: u32 = 0x4233_0006;
const MODIFY: u32 = 0x4233_0007;
/// So many seconds no test takes.
const LONG: u8 = 255;

/// 4 to 8 digits, ASCII, in a block of 8 bytes.
fn verify(seconds: u8) -> Vec<u8> {
    let head = [seconds, 0, 0x82, 8, 0, 8, 4, 2, 1, 0, 0, 5, 0, 0, 0, 13, 0, 0, 0];
    [&head[..], &[0, 0x20, 0, 1, 8], &[0xFF; 8]].concat()
}

/// The current PIN, and a new one twice.
fn modify() -> Vec<u8> {
    let head = [LONG, 0, 0x82, 8, 0, 0, 8, 8, 4, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0];
    [&head[..], &[0, 0x24, 0, 1, 16], &[0xFF; 16]].concat()
}

fn pin(digits: &str) -> Entry {
    Entry::Pin(Pin::new(digits.as_bytes()).unwrap())
}

/// A service with a pad in its only reader, and what its card was told.
struct Desk {
    service: PcscService,
    commands: Arc<Mutex<Vec<Vec<u8>>>>,
    strings: Strings,
}

impl Desk {
    fn with(pad: impl PinPad + 'static) -> Self {
        pcsc_runtime::link();
        let (commands, strings) = (Arc::<Mutex<Vec<Vec<u8>>>>::default(), Strings::default());
        let seen = Arc::clone(&commands);
        let service = PcscService::builder()
            .socket(own_socket())
            .reader(ReaderSpec::new("Pad").card(TestCard::new(&strings)).pin_pad(pad))
            .observe(move |event| {
                if let What::Command { command, .. } = event.what {
                    seen.lock().unwrap().push(command.to_vec());
                }
            })
            .start()
            .unwrap();
        Self { service, commands, strings }
    }

    /// Another program: a context of its own, and a card.
    fn card(&self) -> Card {
        self.shared(Context::establish(Scope::User).unwrap())
    }

    fn shared(&self, context: Context) -> Card {
        let name = CString::new(self.service.readers()[0].name()).unwrap();
        context.connect(&name, ShareMode::Shared, Protocols::ANY).unwrap()
    }

    fn commands(&self) -> Vec<Vec<u8>> {
        self.commands.lock().unwrap().clone()
    }

    fn has_verified(&self) -> bool {
        self.commands().iter().any(|command| command[1] == 0x20 && command.len() > 5)
    }
}

fn control(card: &Card, code: u32, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut answer = [0; 300];
    card.control(code.into(), data, &mut answer).map(<[u8]>::to_vec)
}

/// A pad where somebody stands who says what to press, and who can wait.
struct Slow {
    keys: Receiver<Entry>,
    /// Is told when an entry begins, and whether it was over.
    told: Sender<Option<bool>>,
}

impl PinPad for Slow {
    fn enter(&mut self, _: &PinRequest, control: &EntryControl) -> Entry {
        self.told.send(None).unwrap();
        loop {
            if control.is_over() {
                let _ = self.told.send(Some(true));
                return Entry::Cancelled;
            }
            if let Ok(entry) = self.keys.try_recv() {
                let _ = self.told.send(Some(false));
                return entry;
            }
            control.wait(Duration::from_millis(5));
        }
    }
}

fn slow() -> (Slow, Sender<Entry>, Receiver<Option<bool>>) {
    let ((press, keys), (told, said)) = (channel(), channel());
    (Slow { keys, told }, press, said)
}

#[track_caller]
fn begins(said: &Receiver<Option<bool>>) {
    assert_eq!(said.recv_timeout(LIMIT), Ok(None));
}

#[track_caller]
fn ends(said: &Receiver<Option<bool>>, over: bool) {
    assert_eq!(said.recv_timeout(LIMIT), Ok(Some(over)));
}

#[test]
fn pins_are_asked_for_and_reach_the_card() {
    in_own_process(|| {
        let entries = Arc::<Mutex<VecDeque<Entry>>>::default();
        let asked = Arc::<Mutex<Vec<PinRequest>>>::default();
        let (queue, seen) = (Arc::clone(&entries), Arc::clone(&asked));
        let desk = Desk::with(move |request: &PinRequest| {
            seen.lock().unwrap().push(request.clone());
            queue.lock().unwrap().pop_front().unwrap_or(Entry::TimedOut)
        });
        let card = desk.card();
        let say = |words: Vec<Entry>, code, data: &[u8]| {
            *entries.lock().unwrap() = words.into();
            asked.lock().unwrap().clear();
            let answer = control(&card, code, data).unwrap();
            assert!(answer.len() == 2, "{answer:02X?}");
            (u16::from_be_bytes([answer[0], answer[1]]), asked.lock().unwrap().len())
        };
        assert_eq!(say(vec![pin("12345")], VERIFY, &verify(LONG)), (0x9000, 1));
        {
            let asked = asked.lock().unwrap();
            let request = &asked[0];
            assert_eq!((request.wanted, request.min, request.max), (Wanted::Pin, 4, 8));
            assert_eq!((request.message, request.timeout), (Some(5), Duration::from_secs(LONG.into())));
            assert_eq!(request.reader, "Pad 00 00");
        }
        assert_eq!(say(vec![pin("1234"), pin("87654321"), pin("87654321")], MODIFY, &modify()), (0x9000, 3));
        let wanted: Vec<_> = asked.lock().unwrap().iter().map(|request| request.wanted).collect();
        assert_eq!(wanted, [Wanted::Current, Wanted::New, Wanted::NewAgain]);
        let got = [
            [&[0, 0x20, 0, 1, 8][..], b"12345\xFF\xFF\xFF"].concat(),
            [&[0, 0x24, 0, 1, 16][..], b"1234\xFF\xFF\xFF\xFF87654321"].concat(),
        ];
        assert_eq!(desk.commands(), got);
        // The reader's own words; the card hears nothing of these.
        assert_eq!(say(vec![pin("1234"), pin("8765"), pin("8764")], MODIFY, &modify()), (0x6402, 3));
        assert_eq!(say(vec![pin("1234"), pin("876")], MODIFY, &modify()), (0x6403, 2));
        assert_eq!(say(vec![pin("1234"), Entry::Cancelled], MODIFY, &modify()), (0x6401, 2));
        assert_eq!(say(vec![pin("123")], VERIFY, &verify(LONG)), (0x6403, 1));
        assert_eq!(say(vec![pin("123456789")], VERIFY, &verify(LONG)), (0x6403, 1));
        assert_eq!(say(vec![Entry::TimedOut], VERIFY, &verify(LONG)), (0x6400, 1));
        for bad in [&verify(1)[..18], &modify()[..30], &[]] {
            assert_eq!(say(vec![], VERIFY, bad), (0x6B80, 0));
            assert_eq!(say(vec![], MODIFY, bad), (0x6B80, 0));
        }
        assert_eq!(desk.commands(), got);
    });
}

#[test]
fn without_a_pad_or_a_card_nobody_types() {
    in_own_process(|| {
        let desk = Desk::with(|_: &PinRequest| panic!("nobody asked"));
        let more = desk.service.plug(ReaderSpec::new("Plain").card(TestCard::new(&Strings::default()))).unwrap();
        let context = Context::establish(Scope::User).unwrap();
        let plain = CString::new(more.name()).unwrap();
        let plain = context.connect(&plain, ShareMode::Shared, Protocols::ANY).unwrap();
        for code in [VERIFY, MODIFY, 0x4233_000A] {
            assert_eq!(control(&plain, code, &verify(1)), Err(Error::UnsupportedFeature));
        }
        let card = desk.card();
        drop(desk.service.readers()[0].remove());
        assert_eq!(control(&card, VERIFY, &verify(1)), Err(Error::NoSmartcard));
        // The pad itself is still there.
        assert_eq!(control(&card, 0x4233_000A, &[]).unwrap(), [0, 0, 7, 0]);
    });
}

#[test]
fn a_pulled_card_ends_the_entry_at_once() {
    in_own_process(|| {
        let (pad, press, said) = slow();
        let desk = Desk::with(pad);
        let card = desk.card();
        thread::scope(|scope| {
            let entry = scope.spawn(|| control(&card, VERIFY, &verify(LONG)));
            begins(&said);
            assert!(desk.service.readers()[0].remove().is_some());
            assert_eq!(entry.join().unwrap(), Err(Error::NoSmartcard));
        });
        ends(&said, true);
        // The next card is another one, and asked anew.
        assert!(desk.service.readers()[0].insert(TestCard::new(&desk.strings)).is_ok());
        press.send(pin("4321")).unwrap();
        assert_eq!(control(&desk.card(), VERIFY, &verify(LONG)).unwrap(), [0x90, 0x00]);
        assert_eq!(desk.commands().len(), 1);
    });
}

#[test]
fn the_owner_does_not_wait_for_a_pin() {
    in_own_process(|| {
        let (pad, _press, said) = slow();
        let desk = Desk::with(pad);
        let reader = &desk.service.readers()[0];
        let strings = &desk.strings;
        let acts: [&(dyn Fn() + Sync); 2] =
            [&|| assert!(reader.reset()), &|| assert!(reader.replace(TestCard::new(strings)).is_some())];
        for act in acts {
            let card = desk.card();
            thread::scope(|scope| {
                let entry = scope.spawn(|| control(&card, VERIFY, &verify(LONG)));
                begins(&said);
                act();
                // The card is there; an exchange under power is not seen as a removal either.
                assert_eq!(entry.join().unwrap().unwrap(), [0x64, 0x01]);
            });
            ends(&said, true);
        }
        let card = desk.card();
        thread::scope(|scope| {
            let entry = scope.spawn(|| control(&card, VERIFY, &verify(LONG)));
            begins(&said);
            assert!(desk.service.unplug(reader).is_some());
            assert_eq!(entry.join().unwrap(), Err(Error::InvalidValue));
        });
        assert!(!desk.has_verified());
    });
}

#[test]
fn the_end_of_the_service_is_the_end_of_the_entry() {
    in_own_process(|| {
        let (pad, _press, said) = slow();
        let Desk { service, .. } = Desk::with(pad);
        let name = service.readers()[0].name().to_owned();
        let (mut raw, card) = Raw::on(service.socket(), &name, SHARED);
        send(&mut raw, card, &verify(LONG));
        begins(&said);
        drop(service);
        ends(&said, true);
        assert_eq!(raw.receive(1), None);
    });
}

/// CONTROL without waiting for its answer.
fn send(raw: &mut Raw, card: u32, data: &[u8]) {
    raw.send(0x0A, &[card, VERIFY, u32::try_from(data.len()).unwrap(), 300, 0, 0], data);
}

#[test]
fn a_program_that_is_killed_leaves_no_entry_behind() {
    in_own_process(|| {
        let (pad, press, said) = slow();
        let desk = Desk::with(pad);
        let (mut raw, card) = Raw::on(desk.service.socket(), "Pad 00 00", SHARED);
        send(&mut raw, card, &verify(LONG));
        begins(&said);
        drop(raw);
        ends(&said, true);
        // What is pressed now is for who asks next.
        press.send(pin("4321")).unwrap();
        assert_eq!(control(&desk.card(), VERIFY, &verify(LONG)).unwrap(), [0x90, 0x00]);
        assert_eq!(desk.commands().len(), 1);
    });
}

#[test]
fn the_reader_is_busy_for_others_and_answers_what_it_can() {
    in_own_process(|| {
        let (pad, press, said) = slow();
        let desk = Desk::with(pad);
        let (one, other, third) = (desk.card(), desk.card(), desk.card());
        let context = Context::establish(Scope::User).unwrap();
        thread::scope(|scope| {
            let entry = scope.spawn(|| control(&one, VERIFY, &verify(LONG)));
            begins(&said);
            let waiting = scope.spawn(|| {
                let mut answer = [0; 16];
                other.transmit(SET, &mut answer).map(<[u8]>::to_vec)
            });
            // States, lists, attributes and features are told, and a transaction begins.
            assert!(other_status(&third));
            let mut states = [ReaderState::new(c"Pad 00 00", State::UNAWARE)];
            context.get_status_change(Duration::ZERO, &mut states).unwrap();
            assert!(states[0].event_state().contains(State::PRESENT | State::INUSE));
            assert_eq!(control(&third, 0x4233_000A, &[]).unwrap(), [0, 0, 7, 0]);
            assert!(!waiting.is_finished() && !entry.is_finished());
            assert!(desk.commands().is_empty());
            press.send(pin("1234")).unwrap();
            assert_eq!(entry.join().unwrap().unwrap(), [0x90, 0x00]);
            assert_eq!(waiting.join().unwrap().unwrap(), [0x90, 0x00]);
        });
        ends(&said, false);
        assert_eq!(desk.commands().iter().map(|command| command.len()).collect::<Vec<_>>(), [13, SET.len()]);
    });
}

fn other_status(card: &Card) -> bool {
    card.status2_owned().is_ok()
}

#[test]
fn two_programs_are_asked_for_one_after_the_other() {
    in_own_process(|| {
        let (pad, press, said) = slow();
        let desk = Desk::with(pad);
        let cards = [desk.card(), desk.card()];
        thread::scope(|scope| {
            let entries = cards.each_ref().map(|card| scope.spawn(|| control(card, VERIFY, &verify(LONG))));
            for digits in ["1234", "5678"] {
                begins(&said);
                assert!(said.try_recv().is_err(), "one pad, one entry");
                press.send(pin(digits)).unwrap();
                ends(&said, false);
            }
            entries.into_iter().for_each(|entry| assert_eq!(entry.join().unwrap().unwrap(), [0x90, 0x00]));
        });
        assert!(desk.commands().iter().map(|command| &command[5..9]).eq([b"1234", b"5678"]));
        // Another program's transaction keeps pads' users out as well.
        let [mut one, other] = cards;
        let transaction = one.transaction().unwrap();
        assert_eq!(control(&other, VERIFY, &verify(LONG)), Err(Error::SharingViolation));
        drop(transaction);
    });
}

#[test]
fn a_pad_that_hangs_or_breaks_harms_nobody() {
    in_own_process(|| {
        let (release, held) = channel::<()>();
        let mut times = 0;
        let desk = Desk::with(move |_: &PinRequest| {
            times += 1;
            match times {
                // Hears nothing of the end of its time.
                1 => held.recv().map_or(Entry::Cancelled, |()| pin("1111")),
                2 => panic!("a pad that breaks, as this test wants"),
                _ => pin("2222"),
            }
        });
        let card = desk.card();
        let mut answer = [0; 16];
        let begin = Instant::now();
        assert_eq!(control(&card, VERIFY, &verify(1)).unwrap(), [0x64, 0x00]);
        assert!(begin.elapsed() >= Duration::from_secs(1));
        assert_eq!(card.transmit(ASK, &mut answer).unwrap(), [0x69, 0x82]);
        // It is not asked a second time before it is back.
        assert_eq!(control(&card, VERIFY, &verify(1)).unwrap(), [0x64, 0x00]);
        release.send(()).unwrap();
        assert_eq!(control(&card, VERIFY, &verify(LONG)).unwrap(), [0x64, 0x01]);
        assert_eq!(control(&card, VERIFY, &verify(LONG)).unwrap(), [0x90, 0x00]);
        assert_eq!(desk.commands().last().unwrap()[5..9], *b"2222");
        assert_eq!(desk.commands().len(), 2);
    });
}
