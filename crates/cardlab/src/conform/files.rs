//! The forms of a report that a run leaves in files: HTML, JUnit and the JSON record that both are made from.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use card_conformance::exceptions::Exceptions;
use card_conformance::record::{Capability, CardInfo, Digests, FileDigest, RunInfo, RunRecord};
use card_conformance::report::redact::Secrets;
use card_conformance::report::{build, html, json, junit};
use card_conformance::safety::Allowed;
use card_conformance::transcript::Event;
use card_conformance::{Report, Suite};
use jiff::Timestamp;

use super::card::LoadedCard;

/// What is allowed where nobody's card can be harmed.
const ALL_ALLOWED: &str = "everything: each case has a built-in card of its own";

/// Where the forms go.
#[derive(clap::Args)]
pub(crate) struct Files {
    /// One page for people: summary, evidence, each failing case decoded; nothing from elsewhere in it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// JUnit XML, for build servers
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The record of the run: what `conform diff` and `conform verify-report` read
    #[arg(long, value_name = "FILE")]
    json_report: Option<PathBuf>,
    /// Who runs this, for the record
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
}

/// What is known of a run beside its outcomes.
pub(crate) struct Ran<'r> {
    pub(crate) target: String,
    pub(crate) reader: Option<String>,
    pub(crate) seed: Option<u64>,
    /// Seed of the order, if it was another than the suite's.
    pub(crate) shuffle: Option<u64>,
    pub(crate) started: Timestamp,
    pub(crate) suite: &'r Suite,
    pub(crate) report: &'r Report,
    /// What the card can do.
    pub(crate) capabilities: &'r [Capability],
    /// The folders of `--suite`, as they were given.
    pub(crate) folders: &'r [PathBuf],
    /// Of the suite's files.
    pub(crate) digests: Vec<FileDigest>,
    pub(crate) known: &'r Known,
    pub(crate) allowed: Allowed,
    pub(crate) card: Option<&'r LoadedCard>,
}

/// Known exceptions, and the digest of their file.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) exceptions: Exceptions,
    pub(crate) digest: Option<FileDigest>,
}

impl Files {
    fn are_wanted(&self) -> bool {
        self.html.is_some() || self.junit.is_some() || self.json_report.is_some()
    }

    /// Writes what is wanted.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn write(&self, ran: &Ran<'_>) -> anyhow::Result<()> {
        if !self.are_wanted() {
            return Ok(());
        }
        let record = self.record(ran)?;
        let put = |path: &Option<PathBuf>, text: String| path.as_deref().map_or(Ok(()), |path| write(path, &text));
        put(&self.json_report, json::write(&record)?)?;
        put(&self.junit, junit::write(&record)?)?;
        put(&self.html, html::write(&record)?)
    }

    fn record(&self, ran: &Ran<'_>) -> anyhow::Result<RunRecord> {
        let run = RunInfo {
            target: ran.target.clone(),
            reader: ran.reader.clone(),
            atr: atr(ran.report),
            serial: ran.card.and_then(|loaded| loaded.card.serial.clone()),
            operator: self.operator.clone(),
            started: ran.started.to_string(),
            ended: Timestamp::now().to_string(),
            seed: ran.seed,
            shuffle: ran.shuffle,
            allowed: match ran.seed {
                Some(_) => vec![ALL_ALLOWED.to_owned()],
                None => ran.allowed.options().into_iter().map(str::to_owned).collect(),
            },
            again: again(ran),
        };
        let record = RunRecord {
            program: concat!("cardlab ", env!("CARGO_PKG_VERSION")).to_owned(),
            run,
            card: ran.card.map(|loaded| CardInfo {
                name: loaded.card.name.clone(),
                preset: loaded.card.preset.clone(),
                state: loaded.card.state.name().to_owned(),
            }),
            capabilities: ran.capabilities.to_vec(),
            digests: Digests {
                suite: ran.digests.clone(),
                card: ran.card.map(|loaded| loaded.digest.clone()),
                exceptions: ran.known.digest.clone(),
                ..Digests::default()
            },
            ..RunRecord::default()
        };
        Ok(build::finish(record, ran.suite, ran.report, &ran.known.exceptions, &secrets(ran))?)
    }
}

/// How one case is run again.
fn again(ran: &Ran<'_>) -> String {
    let target = match (&ran.reader, ran.seed) {
        (Some(reader), _) => format!(" --target pcsc --reader '{reader}'"),
        (None, Some(seed)) => format!(" --seed {seed}"),
        (None, None) => String::new(),
    };
    let folders: String = ran.folders.iter().map(|folder| format!(" --suite '{}'", folder.display())).collect();
    format!("cardlab conform{target}{folders} --case {{case}}")
}

/// The ATR of the first reset that was answered.
fn atr(report: &Report) -> Option<String> {
    let mut events = report.outcomes.iter().flat_map(|outcome| outcome.transcript.events());
    events.find_map(|event| match event {
        Event::Reset(Some(atr)) => Some(hex::encode_upper(atr)),
        _ => None,
    })
}

/// PINs, PUKs and keys among the suite's values, without their padding, and those of the card.
fn secrets(ran: &Ran<'_>) -> Secrets {
    let is_secret = |name: &str| ["pin", "puk", "wrong", "aes", "key"].iter().any(|part| name.contains(part));
    let values = ran.suite.values.iter().filter(|(name, _)| is_secret(name));
    let values = values.map(|(_, value)| {
        let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        value[..end].to_vec()
    });
    let card = ran.card.map(|loaded| [&loaded.secrets.pin, &loaded.secrets.puk]);
    let card = card.into_iter().flatten().flatten().map(|secret| secret.to_vec());
    Secrets::new(values.chain(card))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}; the run itself is told above", path.display()))
}
