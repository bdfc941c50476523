//! One suite, four ways to the card: in this process, over a vpcd socket, through pcscd and through a PC/SC service of our
//! own. What goes over the wire is the same, byte by byte, and a broken card is found by the same cases.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use card_conformance::dishonest::{BROKEN, Dishonest, Lie};
use card_conformance::target::UnknownPreset;
use card_conformance::{Case, FreshError, InProcessTarget, Report, Suite, Target, TransportTarget, Verdict, run_suite};
use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::Icc;
use host_driver::{Pcsc, Transport, Vpcd, wait_for_card};
use rsa_host::HostRsa;
use testkit::PrivatePcscd;
use virtual_reader::{VirtualReader, VpcdAddress};

use crate::recovery::{LIMIT, in_own_process, service};

/// The seed of every card here.
const SEED: u64 = 0xCAFE;

/// Blank cards, one of each preset, and what copies of them are to lie about.
struct Stock {
    blank: BTreeMap<&'static str, SimCard<HostRsa>>,
    lie: Option<Lie>,
}

#[derive(Clone)]
struct Cards(Arc<Mutex<Stock>>);

impl Cards {
    fn new() -> Self {
        let blank = |name: &&'static str| {
            let preset = Preset::named(name).unwrap();
            (*name, SimCard::from_seed(&preset, SEED, HostRsa).unwrap())
        };
        let blank = Preset::NAMES.iter().map(blank).collect();
        Self(Arc::new(Mutex::new(Stock { blank, lie: None })))
    }

    fn lie_about(&self, lie: Lie) {
        self.0.lock().unwrap().lie = Some(lie);
    }

    /// A card of this preset as it was made.
    fn fork(&self, preset: &str) -> Result<Box<dyn Icc>, FreshError> {
        let stock = self.0.lock().unwrap();
        let unknown = || FreshError::failed(UnknownPreset(preset.to_owned()));
        let card = Box::new(stock.blank.get(preset).ok_or_else(unknown)?.fork());
        Ok(match stock.lie {
            None => card,
            Some(lie) => Box::new(Dishonest::new(card, lie)),
        })
    }
}

type Way = Box<dyn Target + Send>;

/// A card behind a transport, exchanged under its reader before each case.
fn renewed(transport: impl Transport + 'static, reader: VirtualReader, cards: Cards) -> Way {
    Box::new(TransportTarget::renewed(transport, move |_, preset| {
        drop(reader.replace(cards.fork(preset)?));
        Ok(())
    }))
}

fn in_process(cards: Cards) -> Way {
    Box::new(InProcessTarget::new(move |preset: &str| cards.fork(preset)))
}

/// The card connects to the driver as it would to vpcd.
fn over_vpcd(cards: Cards) -> Way {
    let listener = Vpcd::listen("127.0.0.1:0").unwrap();
    let reader = VirtualReader::start(cards.fork("isoapplet").unwrap(), VpcdAddress::local(listener.port()));
    renewed(listener.accept(LIMIT).unwrap(), reader, cards)
}

fn through_pcsc(cards: Cards, pcscd: &PrivatePcscd) -> Way {
    let reader = VirtualReader::start(cards.fork("isoapplet").unwrap(), VpcdAddress::local(pcscd.vpcd_port()));
    let name = wait_for_card(None, LIMIT).unwrap();
    renewed(Pcsc::connect(Some(&name)).unwrap(), reader, cards)
}

/// Through a service of our own, at the socket that this process looks for.
#[cfg(unix)]
fn through_our_own(cards: Cards) -> (pcsc_service::PcscService, Way) {
    let reader = pcsc_service::ReaderSpec::new("CardLab").card(cards.fork("isoapplet").unwrap());
    let service = pcsc_service::PcscService::builder().socket(testkit::own_socket()).reader(reader).start().unwrap();
    let handle = service.readers().remove(0);
    let transport = Pcsc::connect(None).unwrap();
    let way = TransportTarget::renewed(transport, move |_, preset| {
        drop(handle.replace(cards.fork(preset)?));
        Ok(())
    });
    (service, Box::new(way))
}

/// All ways that there are on this machine; the first is the one that the others are held against.
fn ways(cards: &Cards, pcscd: Option<&PrivatePcscd>) -> Vec<Way> {
    let through = pcscd.map(|pcscd| through_pcsc(cards.clone(), pcscd));
    [in_process(cards.clone()), over_vpcd(cards.clone())].into_iter().chain(through).collect()
}

/// Plays the cases on all ways at the same time; each report with the name of its way.
fn play(suite: &Suite, cases: &[&Case], ways: &mut [Way]) -> Vec<(String, Report)> {
    thread::scope(|scope| {
        let start = |way: &mut Way| (way.describe(), run_suite(suite, cases.iter().copied(), way.as_mut(), |_| {}));
        let runs: Vec<_> = ways.iter_mut().map(|way| scope.spawn(move || start(way))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

/// The first lines in which two transcripts differ: all of both would be megabytes.
fn difference<'t>(one: &'t str, other: &'t str) -> Option<(usize, Option<&'t str>, Option<&'t str>)> {
    let (mut ones, mut others) = (one.lines(), other.lines());
    (1..).map(|number| (number, ones.next(), others.next())).find_map(|line| match line {
        (_, None, None) => Some(None),
        (_, a, b) if a == b => None,
        different => Some(Some(different)),
    })?
}

/// The whole suite passes on each way, and the transcripts are one.
fn passes_alike(ways: &mut [Way]) {
    let suite = Suite::embedded().unwrap();
    let cases: Vec<_> = suite.cases.iter().collect();
    let reports = play(&suite, &cases, ways);
    let expected = reports[0].1.transcript();
    assert!(expected.lines().filter(|line| line.starts_with('<')).count() > 1000, "hardly anything was sent");
    for (way, report) in &reports {
        assert_eq!(report.passed(), cases.len(), "{way}:\n{}", report.table());
        let transcript = report.transcript();
        assert_eq!(difference(&expected, &transcript), None, "{way}");
        assert_eq!(expected.len(), transcript.len(), "{way}");
    }
}

#[test]
fn the_whole_suite_passes_on_each_with_one_transcript() {
    in_own_process(|| {
        let pcscd = service();
        passes_alike(&mut ways(&Cards::new(), pcscd.as_ref()));
    });
}

#[cfg(unix)]
#[test]
fn the_whole_suite_passes_in_our_own_service_with_the_same_transcript() {
    let done = testkit::in_own_process_without_rights(|| {
        let cards = Cards::new();
        let (_service, own) = through_our_own(cards.clone());
        passes_alike(&mut [in_process(cards), own]);
    });
    let _ = testkit::require_or_skip(done);
}

/// The case has an RSA key generated, which takes too long to be played on thirty cards. The
/// honest card plays it in the test above.
fn is_slow(case: &Case) -> bool {
    case.id.contains("generate-rsa") || case.id == "certificate-first-application"
}

/// Which cases failed, where and why.
fn failures(report: &Report) -> Vec<String> {
    let failed = report.outcomes.iter().filter_map(|outcome| match &outcome.verdict {
        Verdict::Failed(failure) => Some(format!("{}: {failure}", outcome.case)),
        _ => None,
    });
    failed.collect()
}

/// Each broken card fails the same cases on each way.
fn fails_alike(cards: &Cards, ways: &mut [Way]) {
    let suite = Suite::embedded().unwrap();
    let cases: Vec<_> = suite.cases.iter().filter(|case| !is_slow(case)).collect();
    for (name, lie) in BROKEN {
        cards.lie_about(lie);
        let reports = play(&suite, &cases, ways);
        let expected = failures(&reports[0].1);
        assert!(!expected.is_empty(), "{name} is not found");
        for (way, report) in &reports {
            assert_eq!((failures(report), report.skipped()), (expected.clone(), 0), "{name}, {way}");
        }
    }
}

#[test]
fn each_broken_card_fails_the_same_cases_on_each() {
    in_own_process(|| {
        let pcscd = service();
        let cards = Cards::new();
        fails_alike(&cards, &mut ways(&cards, pcscd.as_ref()));
    });
}

#[cfg(unix)]
#[test]
fn each_broken_card_fails_the_same_cases_in_our_own_service() {
    in_own_process(|| {
        let cards = Cards::new();
        let (_service, own) = through_our_own(cards.clone());
        fails_alike(&cards, &mut [in_process(cards.clone()), own]);
    });
}

#[test]
fn a_difference_is_found() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(difference("a\nb\n", "a\nc\n"), Some((2, Some("b"), Some("c"))));
    assert_eq!(difference("a\n", "a\nb\n"), Some((2, None, Some("b"))));
}
