//! What every command of the authority shares: where it is, the time, the passphrase, and how results are told.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use card_ca::{Authority, CaError, Passphrase, Records};
use card_pki::certificate::Certificate;
use card_pki::channel::Channel;
use card_pki::time::{self, Timestamp};
use serde_json::{Value, json};

use crate::output;

const DIR: &str = "CARDLAB_CA";
const PASSPHRASE: &str = "CARDLAB_CA_PASSPHRASE";

/// Exit code where a request was understood and turned down.
const REFUSED: u8 = 1;

/// No file that is given to the authority is longer.
const MAX_FILE: u64 = 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Common {
    /// Directory of the authority (default: $CARDLAB_CA)
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The time, as 2026-11-22T10:00:00 (Taipei) or with an offset (default: the clock)
    #[arg(long, global = true, value_name = "TIME", value_parser = time::parse)]
    now: Option<Timestamp>,
    /// One JSON document instead of lines
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Wait so many seconds while another process works in the directory
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Read the passphrase from this open file descriptor
    #[arg(long, global = true, value_name = "N", conflicts_with = "passphrase_file")]
    passphrase_fd: Option<u32>,
    /// Read the passphrase from the first line of this file
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// What a command did, for people and for programs.
pub(crate) struct Report {
    pub(crate) lines: Vec<String>,
    pub(crate) json: Value,
    pub(crate) refused: bool,
}

impl Report {
    pub(crate) fn new(lines: Vec<String>, json: Value) -> Self {
        Self { lines, json, refused: false }
    }
}

pub(crate) type Done = anyhow::Result<Report>;

impl Common {
    pub(crate) fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(time::now)
    }

    pub(crate) fn dir(&self) -> anyhow::Result<PathBuf> {
        let named = self.dir.clone().or_else(|| std::env::var_os(DIR).map(PathBuf::from));
        named.with_context(|| format!("which authority? Give --dir DIR or set {DIR}"))
    }

    pub(crate) fn records(&self) -> anyhow::Result<Records> {
        Ok(Records::read(&self.dir()?)?)
    }

    /// Opens the authority and warns where the time runs backwards.
    pub(crate) fn open(&self) -> anyhow::Result<Authority> {
        self.open_with(&self.passphrase(false)?, Duration::from_secs(self.wait))
    }

    pub(crate) fn open_with(&self, passphrase: &Passphrase, patience: Duration) -> anyhow::Result<Authority> {
        let authority = Authority::open_waiting(&self.dir()?, passphrase, patience)?;
        if let Some(last) = authority.clock_went_back(self.now()) {
            let (now, last) = (time::shown(self.now()), time::shown(last));
            eprintln!(
                "cardlab: warning: it is {now}, but the last entry of the audit log is from {last}; check the clock or --now"
            );
        }
        Ok(authority)
    }

    /// The passphrase from where it is given; a new one is asked for twice.
    pub(crate) fn passphrase(&self, new: bool) -> anyhow::Result<Passphrase> {
        if let Some(number) = self.passphrase_fd {
            return first_line(Path::new(&format!("/dev/fd/{number}")));
        }
        if let Some(path) = &self.passphrase_file {
            return first_line(path);
        }
        if let Some(text) = std::env::var_os(PASSPHRASE) {
            let text = text.into_string().map_err(|_| anyhow::anyhow!("{PASSPHRASE} is not valid text"))?;
            return Ok(Passphrase::new(text));
        }
        let asked = |prompt| {
            Passphrase::ask(prompt)
                .with_context(|| format!("no passphrase: give --passphrase-fd, --passphrase-file or {PASSPHRASE}"))
        };
        let passphrase = asked("Passphrase of the authority: ")?;
        if new && !passphrase.same_as(&asked("The same again: ")?) {
            anyhow::bail!("the two passphrases differ; nothing was made. Start again");
        }
        Ok(passphrase)
    }

    /// Tells a result and chooses the exit code.
    pub(crate) fn finish(&self, result: Done) -> anyhow::Result<ExitCode> {
        let error = match result {
            Ok(report) => {
                if self.json {
                    output::line(serde_json::to_string_pretty(&report.json)?)?;
                } else {
                    report.lines.iter().try_for_each(output::line)?;
                }
                return Ok(if report.refused { ExitCode::from(REFUSED) } else { ExitCode::SUCCESS });
            }
            Err(error) => error,
        };
        let known = error.downcast_ref::<CaError>();
        let refused = known.is_some_and(|known| known.is_refusal() || matches!(known, CaError::Audit(_)));
        if self.json && !output::is_broken_pipe(&error) {
            let refusal = known.and_then(CaError::refusal).map(serde_json::to_value).transpose()?;
            let document =
                json!({ "done": false, "refused": refused, "refusal": refusal, "message": format!("{error:#}") });
            output::line(serde_json::to_string_pretty(&document)?)?;
        }
        if !refused {
            return Err(error);
        }
        eprintln!("cardlab: refused: {error:#}");
        Ok(ExitCode::from(REFUSED))
    }
}

pub(crate) fn channel(path: &Path) -> anyhow::Result<Channel> {
    Ok(Channel::create(path)?)
}

/// Publishes where a channel is given.
pub(crate) fn publish(authority: &mut Authority, path: Option<&Path>, now: Timestamp) -> anyhow::Result<()> {
    if let Some(path) = path {
        authority.publish(&channel(path)?, now)?;
    }
    Ok(())
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    anyhow::ensure!(bytes.len() as u64 <= MAX_FILE, "{} is longer than {MAX_FILE} bytes", path.display());
    Ok(bytes)
}

fn first_line(path: &Path) -> anyhow::Result<Passphrase> {
    let file = File::open(path).with_context(|| format!("reading the passphrase from {}", path.display()))?;
    let mut line = String::new();
    let read = BufReader::new(file.take(4096)).read_line(&mut line);
    read.with_context(|| format!("reading the passphrase from {}", path.display()))?;
    Ok(Passphrase::new(line))
}

/// A certificate as programs see it.
pub(crate) fn certificate_json(certificate: &Certificate) -> Value {
    let validity = certificate.validity();
    json!({
        "serial": certificate.serial(),
        "subject": certificate.subject(),
        "issuer": certificate.issuer(),
        "not_before": validity.not_before.to_string(),
        "not_after": validity.not_after.to_string(),
        "key": certificate.public_key().hash().to_string(),
        "pem": certificate.to_pem(),
    })
}
