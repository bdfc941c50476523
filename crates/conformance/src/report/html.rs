//! A run as one HTML page that needs nothing else: for the screen, and for the paper that is signed.

mod matrix;
mod tables;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::explain::{self, Explained};
use super::{Standing, again, duration, junit};
use crate::record::{CaseRecord, ExceptionRecord, Part, RunRecord, VerdictKind};

const TEMPLATE: &str = include_str!("html/report.html");
const STYLE: &str = include_str!("html/report.css");

/// Characters that the exchanges of failing cases may take: beyond, a case refers to the JSON record. The page has to
/// be opened, and printed, even where everything fails.
const BUDGET: usize = 1_000_000;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("the run cannot be written as HTML: {0}")]
pub struct HtmlError(#[from] minijinja::Error);

/// The run as an HTML page.
///
/// # Errors
/// The template's own; a test renders it.
pub fn write(record: &RunRecord) -> Result<String, HtmlError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
    // The ending asks for escaping.
    environment.add_template("report.html", TEMPLATE)?;
    let page = Page::of(record);
    let text = environment.get_template("report.html")?.render(Value::from(Serde(&page)))?;
    // HTML has no way to write the other control characters.
    Ok(text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect())
}

#[derive(Serialize)]
struct Page<'r> {
    record: &'r RunRecord,
    verdict: Verdict,
    counts: Vec<Count>,
    total: usize,
    evidence: Vec<(&'static str, String)>,
    files: Vec<FileRow<'r>>,
    capabilities: Vec<Ability<'r>>,
    exceptions: &'r [ExceptionRecord],
    standings: Vec<&'static str>,
    requirements: Vec<tables::Row<'r>>,
    clauses: Vec<tables::Row<'r>>,
    matrix: matrix::Matrix,
    failures: Vec<Failure<'r>>,
    cut: usize,
    suites: Vec<SuiteRows<'r>>,
}

/// The verdict at a glance.
#[derive(Serialize)]
struct Verdict {
    word: &'static str,
    class: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Count {
    word: &'static str,
    class: &'static str,
    count: usize,
    meaning: &'static str,
}

#[derive(Serialize)]
struct FileRow<'r> {
    what: &'static str,
    name: &'r str,
    sha256: &'r str,
}

#[derive(Serialize)]
struct Ability<'r> {
    name: &'r str,
    present: &'static str,
    how: &'r str,
}

#[derive(Serialize)]
struct Failure<'r> {
    case: &'r CaseRecord,
    standing: &'static str,
    class: &'static str,
    state: &'r str,
    time: String,
    again: String,
    exchanges: Vec<Explained>,
    /// Number of the exchange with which the case ended, before anything was restored.
    last: usize,
    cut: bool,
}

#[derive(Serialize)]
struct SuiteRows<'r> {
    file: &'r str,
    played: usize,
    rows: Vec<CaseRow<'r>>,
}

#[derive(Serialize)]
struct CaseRow<'r> {
    case: &'r CaseRecord,
    standing: String,
    class: &'static str,
    time: String,
    failing: bool,
}

impl<'r> Page<'r> {
    fn of(record: &'r RunRecord) -> Self {
        let failures = failures(record);
        Self {
            record,
            verdict: verdict(record),
            counts: counts(record),
            total: record.cases.len(),
            evidence: evidence(record),
            files: files(record),
            capabilities: record.capabilities.iter().map(ability).collect(),
            exceptions: &record.exceptions,
            standings: Standing::ALL.iter().map(|standing| standing.word()).collect(),
            requirements: tables::by(record, |case| case.requirements.iter().map(String::as_str).collect()),
            clauses: tables::by(record, |case| vec![case.clause.as_deref().unwrap_or("(unsourced)")]),
            matrix: matrix::Matrix::of(record),
            cut: failures.iter().filter(|failure| failure.cut).count(),
            failures,
            suites: suites(record),
        }
    }
}

/// The state in which a case begins: what its last setup is called.
fn state(case: &CaseRecord) -> &str {
    case.setup.last().map_or("no setup", String::as_str)
}

const fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Passed => "passed",
        Standing::Failed => "failed",
        Standing::Excepted => "excepted",
        Standing::Simulated => "simulated",
        Standing::NotApplicable | Standing::Refused | Standing::Skipped => "open",
    }
}

fn cases(count: usize) -> String {
    if count == 1 { "1 case".to_owned() } else { format!("{count} cases") }
}

fn verdict(record: &RunRecord) -> Verdict {
    let summary = &record.summary;
    let total = cases(record.cases.len());
    if summary.failed > 0 {
        let text = format!("{} of {total} failed on this card.", summary.failed);
        return Verdict { word: "Failed", class: "failed", text };
    }
    if summary.passed == 0 && summary.excepted == 0 {
        let text = format!("None of {total} was played on this card: nothing is shown.");
        return Verdict { word: "Nothing ran", class: "open", text };
    }
    let mut text = format!("{} passed on this card, none failed", cases(summary.passed));
    if summary.excepted > 0 {
        text += &format!(" but for {} under known exceptions", summary.excepted);
    }
    let open = summary.not_played() + summary.simulated;
    if open > 0 {
        text += &format!("; {open} of {total} were not played on it");
    }
    Verdict { word: "Passed", class: "passed", text: text + "." }
}

fn counts(record: &RunRecord) -> Vec<Count> {
    let summary = &record.summary;
    let count =
        |standing: Standing, count, meaning| Count { word: standing.word(), class: class(standing), count, meaning };
    vec![
        count(Standing::Passed, summary.passed, "as expected, on the card itself"),
        count(Standing::Failed, summary.failed, "otherwise than expected, on the card itself"),
        count(Standing::Excepted, summary.excepted, "failed as the exceptions file foresees"),
        count(Standing::Simulated, summary.simulated, "played on the built-in card instead; says nothing of this card"),
        count(Standing::NotApplicable, summary.not_applicable, "the card lacks what the case needs"),
        count(Standing::Refused, summary.refused, "not allowed on this card, for its safety"),
        count(Standing::Skipped, summary.skipped, "not played for another reason"),
    ]
}

fn evidence(record: &RunRecord) -> Vec<(&'static str, String)> {
    let run = &record.run;
    let not_known = || "not recorded".to_owned();
    let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty()).unwrap_or_else(not_known);
    let card = record.card.as_ref();
    let card = card.map(|card| format!("{} (preset {}, {})", card.name, card.preset, card.state));
    let number = |value: Option<u64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    let allowed = if run.allowed.is_empty() { "only what changes nothing".to_owned() } else { run.allowed.join(" ") };
    vec![
        ("Card", card.unwrap_or_else(|| "no card file".to_owned())),
        ("Serial number", text(&run.serial)),
        ("ATR", text(&run.atr)),
        ("Target", run.target.clone()),
        ("Reader", text(&run.reader)),
        ("Operator", text(&run.operator)),
        ("Start", run.started.clone()),
        ("End", run.ended.clone()),
        ("Time in cases", duration(record.cases.iter().map(|case| case.micros).sum())),
        ("Program", record.program.clone()),
        ("Seed of the built-in card", number(run.seed)),
        ("Seed of the order", number(run.shuffle)),
        ("Allowed", allowed),
    ]
}

fn files(record: &RunRecord) -> Vec<FileRow<'_>> {
    let digests = &record.digests;
    let suite = digests.suite.iter().map(|file| ("suite", file));
    let files = digests.card.iter().map(|file| ("card file", file));
    let files = files.chain(digests.exceptions.iter().map(|file| ("exceptions", file))).chain(suite);
    files.map(|(what, file)| FileRow { what, name: &file.name, sha256: &file.sha256 }).collect()
}

fn ability(capability: &crate::record::Capability) -> Ability<'_> {
    let present = match capability.present {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    Ability { name: &capability.name, present, how: &capability.how }
}

/// Every case that failed: first those that count, then those under an exception, then those in simulation.
fn failures(record: &RunRecord) -> Vec<Failure<'_>> {
    let mut failed: Vec<&CaseRecord> = record.cases.iter().filter(|case| case.verdict == VerdictKind::Failed).collect();
    failed.sort_by_key(|case| Standing::of(case));
    let mut left = BUDGET;
    failed.into_iter().map(|case| failure(record, case, &mut left)).collect()
}

fn failure<'r>(record: &'r RunRecord, case: &'r CaseRecord, left: &mut usize) -> Failure<'r> {
    let mut exchanges = explain::explain(&case.exchanges);
    let size: usize = exchanges.iter().map(weight).sum();
    let before = case.exchanges.iter().rposition(|exchange| exchange.part != Part::Teardown);
    let cut = size > *left;
    if cut {
        exchanges.clear();
    } else {
        *left -= size;
    }
    let standing = Standing::of(case);
    Failure {
        case,
        standing: standing.word(),
        class: class(standing),
        state: state(case),
        time: duration(case.micros),
        again: again(record, &case.id),
        exchanges,
        last: before.map_or(0, |index| index + 1),
        cut,
    }
}

/// About how many characters an exchange takes on the page.
fn weight(exchange: &Explained) -> usize {
    let nodes = exchange.sent.iter().chain(&exchange.came).map(|node| 120 + node.value.len() + node.note.len());
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    500 + exchange.parameters.len() + text(&exchange.command) + text(&exchange.answer) + nodes.sum::<usize>()
}

fn suites(record: &RunRecord) -> Vec<SuiteRows<'_>> {
    let files = junit::by_file(record).into_iter();
    let rows = files.map(|(file, cases)| SuiteRows {
        file,
        played: cases.iter().filter(|case| tables::is_played(Standing::of(case))).count(),
        rows: cases.into_iter().map(case_row).collect(),
    });
    rows.collect()
}

fn case_row(case: &CaseRecord) -> CaseRow<'_> {
    let standing = Standing::of(case);
    let word = match (standing, &case.exception) {
        (Standing::Simulated, _) => format!("simulated: {}", case.verdict.word()),
        (Standing::Passed, Some(_)) => "passed; exception stale".to_owned(),
        (standing, _) => standing.word().to_owned(),
    };
    let failing = case.verdict == VerdictKind::Failed;
    CaseRow { case, standing: word, class: class(standing), time: duration(case.micros), failing }
}
