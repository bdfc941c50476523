//! What is recorded of cards and of ways to cards.

use std::io::{self, Write};
use std::time::Duration;

use card_os::Preset;
use card_os::sim::{SimCard, SoftRsa};
use card_trace::{Reveal, Trace, Tracer, What};
use card_wire::Icc;
use host_driver::{InProcess, Transport};

use super::Sink;

fn card() -> Box<dyn Icc> {
    Box::new(SimCard::from_seed(&Preset::isoapplet(), 1, SoftRsa).unwrap())
}

const SELECT: [u8; 17] = [0, 0xA4, 4, 0, 12, 0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 0x01];

fn whats(sink: &Sink) -> Vec<What> {
    let text = sink.text();
    Trace::new(text.as_bytes()).unwrap().map(|entry| entry.unwrap().event.what).collect()
}

#[test]
fn a_card_and_the_way_to_it_say_the_same() {
    let (tracer, from_card) = Sink::tracer(Reveal::default());
    let mut way = InProcess::new(Box::new(tracer.icc("here", card())));
    way.transmit(&SELECT).unwrap();
    way.reset().unwrap();
    let (tracer, from_host) = Sink::tracer(Reveal::default());
    let mut way = tracer.transport("here", InProcess::new(card()));
    way.transmit(&SELECT).unwrap();
    way.reset().unwrap();
    assert_eq!(whats(&from_card), whats(&from_host));
    assert!(matches!(whats(&from_card)[..], [What::Atr(_), What::Command(_), What::Atr(_)]));
    assert!(from_card.text().contains("# reader 0: here\n"));
    assert_eq!((from_card.bytes(">"), from_card.bytes("<")), (from_host.bytes(">"), from_host.bytes("<")));
}

#[test]
fn transactions_are_told_with_what_is_in_them() {
    let (tracer, sink) = Sink::tracer(Reveal::default());
    let mut way = tracer.transport("here", InProcess::new(card()));
    way.transaction(&mut |inner| {
        inner.transmit(&SELECT).unwrap();
        inner.reset().unwrap();
    })
    .unwrap();
    let call = |name: &str| What::Call { name: name.into(), result: 0 };
    let whats = whats(&sink);
    assert_eq!((&whats[1], &whats[4]), (&call("BeginTransaction"), &call("EndTransaction")));
    assert!(matches!(whats[2..4], [What::Command(_), What::Atr(_)]));
}

#[test]
fn a_mute_card_and_a_lost_one_are_told() {
    struct Mute;
    impl Icc for Mute {
        fn power_on(&mut self, _: card_wire::Protocol) -> &[u8] {
            &[]
        }
        fn reset(&mut self) -> &[u8] {
            &[]
        }
        fn power_off(&mut self) {}
        fn transmit<'r>(&mut self, _: &[u8], _: &'r mut [u8]) -> &'r [u8] {
            &[]
        }
    }
    let (tracer, sink) = Sink::tracer(Reveal::default());
    let mut card = tracer.icc("here", Box::new(Mute));
    card.power_on(card_wire::Protocol::T1);
    card.transmit(&SELECT, &mut [0; 258]);
    card.power_off();
    assert!(matches!(whats(&sink)[..], [What::Mute, What::Command(_), What::PowerOff]));
    assert_eq!(sink.bytes("<"), ["nothing"]);
}

#[test]
fn lines_are_there_at_once_and_strange_names_stay_one_line() {
    let (tracer, sink) = Sink::tracer(Reveal::default());
    tracer.exchange("a\nb", None, &[0, 0xA4, 0, 0], &[0x90, 0], Duration::from_micros(3));
    assert_eq!(sink.text().lines().count(), 4, "{}", sink.text());
    assert!(sink.text().contains("# reader 0: a\\u{a}b\n"));
}

#[test]
fn several_threads_write_whole_lines() {
    let (tracer, sink) = Sink::tracer(Reveal::default());
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let tracer = tracer.clone();
            scope.spawn(move || {
                for _ in 0..200 {
                    tracer.exchange(name, None, &[0, 0xA4, 0, 0], &[0x90, 0], Duration::ZERO);
                }
            });
        }
    });
    let text = sink.text();
    let mut trace = Trace::new(text.as_bytes()).unwrap();
    assert_eq!(trace.by_ref().map(Result::unwrap).count(), 600);
    assert_eq!(trace.readers().count(), 3);
}

#[test]
fn a_failure_to_write_is_told_once_and_nothing_follows_it() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let tracer = Tracer::new(Full(2), Reveal::default()).unwrap();
    for _ in 0..3 {
        tracer.exchange("a", None, &[0, 0xA4, 0, 0], &[0x90, 0], Duration::ZERO);
    }
    assert_eq!(tracer.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(Tracer::new(Full(0), Reveal::default()).is_err());
    assert!(Tracer::create("/no/such/directory/trace", Reveal::default()).is_err());
}

#[cfg(unix)]
#[test]
fn a_trace_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t");
    Tracer::create(&path, Reveal::default()).unwrap().finish().unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn only_a_trace_is_written_over() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t");
    let begin = || Tracer::create(&path, Reveal::default()).map(|tracer| tracer.finish().unwrap());
    std::fs::write(&path, "").unwrap();
    begin().unwrap();
    begin().unwrap();
    std::fs::write(&path, "an image, say").unwrap();
    assert!(begin().unwrap_err().to_string().contains("nothing was changed"));
    assert_eq!(std::fs::read(&path).unwrap(), b"an image, say");
}
