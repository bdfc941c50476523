//! A record with every verdict and mark, and with what is hard to write.

use card_conformance::record::{
    Capability, CardInfo, CaseRecord, Digests, ExceptionRecord, ExchangeRecord, FileDigest, Part, RunInfo, RunRecord,
    SCHEMA, Summary, VerdictKind,
};
use card_conformance::report::json;

/// Everything that a form could stumble over.
pub(crate) const WEIRD: &str = "<script>alert(\"1\")</script> & 'quotes' ]]> 証明書 \u{1} {{ 7*7 }}\nsecond line";

pub(crate) fn exchange(part: Part, command: &str, answer: &str) -> ExchangeRecord {
    let compact = |text: &str| text.split_whitespace().collect::<String>();
    ExchangeRecord { part, command: Some(compact(command)), answer: Some(compact(answer)), micros: None }
}

pub(crate) fn case(id: &str, verdict: VerdictKind) -> CaseRecord {
    let reason = (verdict != VerdictKind::Passed).then(|| format!("{id}: why it is {}", verdict.word()));
    CaseRecord {
        id: id.to_owned(),
        title: format!("what {id} shows"),
        file: "select.toml".to_owned(),
        line: 12,
        requirements: vec!["SRS-12".to_owned()],
        clause: Some("iso7816-4-2020-select".to_owned()),
        source: None,
        preset: "isoapplet".to_owned(),
        setup: vec!["v0".to_owned()],
        tags: vec!["reads".to_owned()],
        needs: vec![],
        verdict,
        simulated: false,
        exception: None,
        reason,
        micros: 1_234,
        exchanges: vec![],
    }
}

fn session() -> Vec<ExchangeRecord> {
    let reset = ExchangeRecord {
        part: Part::Setup,
        command: None,
        answer: Some("3BD518FF8191FE1FC38073C821100A".to_owned()),
        micros: None,
    };
    let hidden = "··".repeat(16);
    let mut timed = exchange(
        Part::Case,
        "00 A4 00 04 02 50 15 00",
        "62 1C 80 02 00 40 82 01 38 83 02 50 15 84 0C A0 00 00 00 63 50 4B 43 53 2D 31 35 8A 01 05 90 00",
    );
    timed.micros = Some(2_345);
    vec![
        reset,
        exchange(Part::Setup, "00 A4 04 00 0C F2 76 A2 88 BC FB A6 9D 34 F3 10 01", "00 06 06 90 00"),
        exchange(Part::Setup, &format!("00 20 00 01 10 {hidden}"), "90 00"),
        timed,
        exchange(Part::Case, "00 E0 00 00 0F 62 0D 80 02 00 10 82 01 01 83 02 50 01 88 00", "90 00"),
        exchange(Part::Case, "00 22 41 B6 06 80 01 11 84 01 00", "90 00"),
        exchange(
            Part::Case,
            "00 46 00 00 00",
            &format!("7F 49 82 00 47 81 40 {} 82 03 01 00 01 90 00", "C3 9A 5F 07".repeat(16)),
        ),
        exchange(Part::Case, "00 B0 00 00 08", "30 06 02 01 05 0C 01 41 62 82"),
        exchange(Part::Case, "00 2A 9E 9A 02 CA FE 00", "69 82"),
        exchange(Part::Teardown, "00 E4 00 00 00", "90 00"),
    ]
}

/// Fills in what follows from the cases.
pub(crate) fn finish(mut record: RunRecord) -> RunRecord {
    record.summary = Summary::of(&record.cases, &record.exceptions);
    json::seal(&mut record).unwrap();
    record
}

/// What the digests in [`record`] are of.
pub(crate) fn file(name: &str) -> Vec<u8> {
    format!("content of {name}").into_bytes()
}

fn digest(name: &str) -> FileDigest {
    FileDigest { name: name.to_owned(), sha256: json::sha256(&file(name)) }
}

fn cases() -> Vec<CaseRecord> {
    let mut failed = case("select-after-generate", VerdictKind::Failed);
    failed.reason =
        Some("select.toml:14: expected 9000 (success), got 6982 (security status not satisfied)".to_owned());
    failed.exchanges = session();
    let mut weird = case("weird", VerdictKind::Failed);
    (weird.title, weird.reason) = (WEIRD.to_owned(), Some(WEIRD.to_owned()));
    (weird.source, weird.requirements) = (Some(WEIRD.to_owned()), vec![WEIRD.to_owned(), "SRS-13".to_owned()]);
    weird.exchanges = vec![ExchangeRecord { part: Part::Case, command: Some("zz".into()), answer: None, micros: None }];
    let mut excepted = case("select-by-path-p2-08", VerdictKind::Failed);
    excepted.exception = Some("ticket 17: answers 6A86 for P2=08".to_owned());
    excepted.exchanges = session();
    let mut stale = case("select-mf", VerdictKind::Passed);
    stale.exception = Some("ticket 9".to_owned());
    let mut simulated = case("pin-blocks-after-three", VerdictKind::Passed);
    (simulated.simulated, simulated.file) = (true, "pin.toml".to_owned());
    simulated.exchanges = session();
    let mut simulated_failed = case("pin-simulated-failure", VerdictKind::Failed);
    (simulated_failed.simulated, simulated_failed.file) = (true, "pin.toml".to_owned());
    let mut passed = case("select-by-name", VerdictKind::Passed);
    passed.exchanges = session();
    let mut bare = case("verify-reads", VerdictKind::Passed);
    (bare.clause, bare.requirements, bare.setup) = (None, vec!["SRS-14".to_owned()], vec![]);
    (bare.file, bare.exchanges) = ("verify.toml".to_owned(), vec![exchange(Part::Case, "00 20 00 01", "63 C3")]);
    let open = [
        case("select-record", VerdictKind::NotApplicable),
        case("select-terminated", VerdictKind::Refused),
        case("select-fresh", VerdictKind::Skipped),
    ];
    let cases = [failed, weird, excepted, stale, simulated, simulated_failed, passed, bare];
    cases.into_iter().chain(open).collect()
}

fn run() -> RunInfo {
    RunInfo {
        target: "pcsc".to_owned(),
        reader: Some("ACS ACR39U ICC Reader 00 00".to_owned()),
        atr: Some("3BD518FF8191FE1FC38073C821100A".to_owned()),
        serial: Some("0102030405060708".to_owned()),
        operator: Some("Zoë O'Neill <zoe@example.org>".to_owned()),
        started: "2026-11-27T14:00:00Z".to_owned(),
        ended: "2026-11-27T14:00:07Z".to_owned(),
        seed: Some(1),
        shuffle: None,
        allowed: vec!["--write".to_owned(), "--spend-tries".to_owned()],
        again: "cardlab conform --target pcsc --reader ACS --card my.toml --case {case}".to_owned(),
    }
}

/// The record: every verdict, every mark.
pub(crate) fn record() -> RunRecord {
    let ability = |name: &str, present, how: &str| Capability { name: name.to_owned(), present, how: how.to_owned() };
    let exception = |case: &str, reason: &str, used: &[&str], stale: &[&str]| ExceptionRecord {
        case: case.to_owned(),
        reason: reason.to_owned(),
        used: used.iter().map(ToString::to_string).collect(),
        stale: stale.iter().map(ToString::to_string).collect(),
    };
    finish(RunRecord {
        schema: SCHEMA,
        program: "cardlab 0.1.0".to_owned(),
        run: run(),
        card: Some(CardInfo {
            name: "Subscriber card, batch 7".to_owned(),
            preset: "certificate".to_owned(),
            state: "operational".to_owned(),
        }),
        capabilities: vec![
            ability("rsa-2048", Some(true), "GET DATA 0101 announces it"),
            ability("records", Some(false), "the card file says so"),
            ability("channels", None, "MANAGE CHANNEL was not answered"),
        ],
        digests: Digests {
            suite: ["select.toml", "pin.toml", "verify.toml"].map(digest).to_vec(),
            card: Some(digest("my.toml")),
            exceptions: Some(digest("exceptions.toml")),
            record: String::new(),
        },
        summary: Summary::default(),
        exceptions: vec![
            exception("select-by-path-*", "ticket 17: answers 6A86 for P2=08", &["select-by-path-p2-08"], &[]),
            exception("select-mf", "ticket 9", &[], &["select-mf"]),
        ],
        cases: cases(),
    })
}

/// As many cases as the project's suite will have, each with its exchanges.
pub(crate) fn large(failing: bool) -> RunRecord {
    let mut record = record();
    let states = ["v0", "user-v1", "guest-v0", "filled", "files", "blocked", "sign-rsa"];
    let inss = ["A4", "B0", "D6", "20", "24", "2C", "22", "2A", "46", "84", "CA", "DB", "E0", "E4", "C0"];
    let words = ["9000", "6982", "6985", "6A80", "6A82", "6A86", "6A88", "6700", "63C2", "6983", "6D00", "6B00"];
    record.cases = (0..850)
        .map(|n| {
            let verdict = if failing || n % 97 == 5 { VerdictKind::Failed } else { VerdictKind::Passed };
            let mut case = case(&format!("case-number-{n}"), verdict);
            case.file = format!("file-{:02}.toml", n / 40);
            case.requirements = vec![format!("SRS-{}", n % 30)];
            case.setup = vec![states[n % states.len()].to_owned()];
            case.exchanges = session();
            let command = format!("00{}0000", inss[n % inss.len()]);
            case.exchanges.push(exchange(Part::Case, &command, words[n / 3 % words.len()]));
            case
        })
        .collect();
    record.exceptions.clear();
    finish(record)
}
