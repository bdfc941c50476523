//! The record of a run: everything that a report says, as plain data. Written as JSON, read back by comparisons and
//! checks; all other forms of a report are made from it. Nothing secret is in it: exchanges are redacted before.

use serde::{Deserialize, Serialize};

/// Version of the form of the record.
pub const SCHEMA: u32 = 1;

/// A run, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name and version of the program.
    pub program: String,
    /// Where, when and by whom.
    pub run: RunInfo,
    /// The card file, where there was one.
    pub card: Option<CardInfo>,
    /// What the card can do.
    pub capabilities: Vec<Capability>,
    /// SHA-256 of everything that the run was made from, and of the record.
    pub digests: Digests,
    /// Counts.
    pub summary: Summary,
    /// Known exceptions, used or not.
    pub exceptions: Vec<ExceptionRecord>,
    /// One entry a case, in the order of the suite.
    pub cases: Vec<CaseRecord>,
}

/// Where, when and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The target in words.
    pub target: String,
    /// Name of the reader.
    pub reader: Option<String>,
    /// ATR in hexadecimal.
    pub atr: Option<String>,
    /// Serial number of the card, where one is known.
    pub serial: Option<String>,
    /// Who ran it.
    pub operator: Option<String>,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// End, RFC 3339, UTC.
    pub ended: String,
    /// Seed of the built-in card.
    pub seed: Option<u64>,
    /// Seed of the order, where it was shuffled.
    pub shuffle: Option<u64>,
    /// What the tester allowed, as options.
    pub allowed: Vec<String>,
    /// The command that runs one case again; `{case}` stands for its id.
    pub again: String,
}

/// The card as its file describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardInfo {
    /// Name.
    pub name: String,
    /// Preset whose cases apply.
    pub preset: String,
    /// `blank` or `operational`.
    pub state: String,
}

/// Whether the card can do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Its name, as cases need it.
    pub name: String,
    /// It can; nothing where that could not be found out.
    pub present: Option<bool>,
    /// How that is known.
    pub how: String,
}

/// SHA-256 digests in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// Of each script of the suite, by name.
    pub suite: Vec<FileDigest>,
    /// Of the card file.
    pub card: Option<FileDigest>,
    /// Of the exceptions file.
    pub exceptions: Option<FileDigest>,
    /// Of the record as JSON without white space, this field empty.
    pub record: String,
}

/// A file and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Name, as the tester gave it or as the suite has it.
    pub name: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// How many cases came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Passed, on the card itself.
    pub passed: usize,
    /// Failed, without an exception.
    pub failed: usize,
    /// Failed as a known exception says.
    pub excepted: usize,
    /// A need was missing.
    pub not_applicable: usize,
    /// Not allowed on this card.
    pub refused: usize,
    /// Not played for another reason.
    pub skipped: usize,
    /// Played on the built-in card in place of the card; never among `passed` or `failed`.
    pub simulated: usize,
    /// Exceptions whose case passed.
    pub stale: usize,
}

/// How a case came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// As it must.
    Passed,
    /// Otherwise.
    Failed,
    /// A need was missing.
    NotApplicable,
    /// Not allowed on this card.
    Refused,
    /// Not played for another reason.
    Skipped,
}

/// A known exception and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRecord {
    /// Pattern of the cases.
    pub case: String,
    /// Why.
    pub reason: String,
    /// Ids of the cases that failed as expected.
    pub used: Vec<String>,
    /// Ids of the cases that passed all the same.
    pub stale: Vec<String>,
}

/// A case and how it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Unique name.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Its file.
    pub file: String,
    /// Its line there.
    pub line: usize,
    /// The tester's own requirements.
    pub requirements: Vec<String>,
    /// Id of the clause.
    pub clause: Option<String>,
    /// Where else the expectation is from.
    pub source: Option<String>,
    /// Preset that the expectations are about.
    pub preset: String,
    /// State in which it begins: the names of its setups.
    pub setup: Vec<String>,
    /// What it can cost.
    pub tags: Vec<String>,
    /// Capabilities that it needs.
    pub needs: Vec<String>,
    /// How it came out.
    pub verdict: VerdictKind,
    /// It was played on the built-in card in place of the card.
    pub simulated: bool,
    /// Reason of the known exception that covers it.
    pub exception: Option<String>,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// What went over the wire.
    pub exchanges: Vec<ExchangeRecord>,
}

/// The part of a case that an exchange belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A setup.
    Setup,
    /// The case itself.
    Case,
    /// What restores the card behind it.
    Teardown,
}

/// A command or reset, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRecord {
    /// Where it belongs.
    pub part: Part,
    /// The command in hexadecimal, `··` for each byte that is redacted; nothing for a reset.
    pub command: Option<String>,
    /// The answer with its status word, redacted alike; for a reset the ATR. Nothing where none came.
    pub answer: Option<String>,
    /// How long the answer took, in microseconds, where the case asks for it.
    pub micros: Option<u64>,
}
