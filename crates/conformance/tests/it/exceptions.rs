//! Known exceptions: the file, and what becomes of the cases.

use card_conformance::exceptions::Exceptions;
use card_conformance::record::{CaseRecord, VerdictKind};
use card_conformance::{ScriptError, Source};

use crate::cards::suite;

fn load(text: &str) -> Result<Exceptions, ScriptError> {
    Exceptions::load(Source { name: "e.toml", text }, &suite())
}

fn case(id: &str, verdict: VerdictKind) -> CaseRecord {
    CaseRecord {
        id: id.to_owned(),
        title: String::new(),
        file: String::new(),
        line: 1,
        requirements: vec![],
        clause: None,
        source: None,
        preset: String::new(),
        setup: vec![],
        tags: vec![],
        needs: vec![],
        verdict,
        simulated: false,
        exception: None,
        reason: None,
        micros: 0,
        exchanges: vec![],
    }
}

#[test]
fn exceptions_are_used_or_stale() {
    let text = "[[exception]]\ncase = \"challenge-*\"\nreason = \"ticket 1\"\n\
        [[exception]]\ncase = \"read-whole\"\nreason = \"ticket 2\"\nverdict = \"skipped\"\n";
    let exceptions = load(text).unwrap();
    let mut cases = [
        case("challenge-eight", VerdictKind::Failed),
        case("challenge-other", VerdictKind::Passed),
        case("read-whole", VerdictKind::Failed),
        case("another", VerdictKind::Failed),
    ];
    let mut simulated = case("challenge-simulated", VerdictKind::Failed);
    simulated.simulated = true;
    let records = exceptions.apply(&mut cases);
    assert_eq!((records[0].used.len(), records[0].stale.len()), (1, 1));
    assert_eq!(records[0].used, ["challenge-eight"]);
    assert_eq!(records[0].stale, ["challenge-other"]);
    assert!(records[1].used.is_empty() && records[1].stale.is_empty());
    assert_eq!(cases.each_ref().map(|case| case.exception.as_deref()), [Some("ticket 1"), None, None, None]);
    let mut only = [simulated];
    assert!(exceptions.apply(&mut only)[0].used.is_empty() && only[0].exception.is_none());
    assert_eq!(exceptions.covering("challenge-eight", VerdictKind::Failed).unwrap().reason, "ticket 1");
    assert!(exceptions.covering("read-whole", VerdictKind::Failed).is_none());
}

#[test]
fn mistakes_are_told_where_they_stand() {
    let wrong = |text: &str, place: &str, what: &str| {
        let error = load(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("e.toml:{place}: ")) && error.contains(what), "{error}");
    };
    let begin = "[[exception]]\ncase = \"read-whole\"\n";
    wrong(&format!("{begin}reson = \"x\"\n"), "3:1", "is `reason` meant?");
    wrong(&format!("{begin}reason = \" \"\n"), "3:10", "says why");
    wrong(&format!("{begin}reason = \"x\"\nverdict = \"fialed\"\n"), "4:11", "is `failed` meant?");
    wrong(&format!("{begin}reason = \"x\"\nverdict = \"passed\"\n"), "4:11", "in place of passed");
    wrong(
        "[[exception]]\ncase = \"read-hole\"\nreason = \"x\"\n",
        "2:8",
        "no case fits `read-hole`; is `read-whole` meant?",
    );
    wrong("[[exception]]\ncase = \"read\"\nreason = \"x\"\n", "2:8", "no case fits `read`");
    wrong("[[exceptions]]\n", "1:3", "is `exception` meant?");
    assert_eq!(load("").unwrap(), Exceptions::default());
}
