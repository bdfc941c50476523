//! The channel: `answer` and `publish`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use card_ca::{CaError, Outcome, Passphrase};
use card_pki::channel::Channel;
use serde_json::{Value, json};

use super::common::{Common, Done, Report, certificate_json, channel as open_channel};
use crate::output;

/// How often --watch looks.
const LOOK: Duration = Duration::from_millis(300);
/// What was left where it is, is tried again after this time.
const AGAIN: Duration = Duration::from_secs(10);
/// How long one round waits for other commands.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct AnswerAll {
    /// The channel
    #[arg(long, value_name = "DIR")]
    channel: PathBuf,
    /// Go on until Ctrl-C; other commands may be used meanwhile
    #[arg(long)]
    watch: bool,
}

pub(crate) fn answer(common: &Common, args: &AnswerAll) -> Done {
    let channel = open_channel(&args.channel)?;
    if args.watch {
        return watch(common, &channel);
    }
    let mut authority = common.open()?;
    let outcomes = authority.answer_channel(&channel, common.now())?;
    authority.publish(&channel, common.now())?;
    let mut report = Report::new(
        outcomes.iter().map(line).collect(),
        json!({ "done": true, "cases": outcomes.iter().map(document).collect::<Vec<_>>() }),
    );
    report.lines.push(format!("{} handled", outcomes.iter().filter(|outcome| !is_left(outcome)).count()));
    report.refused = outcomes.iter().any(is_left);
    Ok(report)
}

fn watch(common: &Common, channel: &Channel) -> Done {
    let passphrase = common.passphrase(false)?;
    common.open_with(&passphrase, PATIENCE)?.publish(channel, common.now())?;
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        let _ = stop.send(());
    })
    .context("waiting for Ctrl-C")?;
    if !common.json {
        output::line("waiting; Ctrl-C ends")?;
    }
    let (mut left, mut tried) = (BTreeSet::new(), Instant::now());
    loop {
        let waiting = waiting(channel)?;
        if !waiting.is_subset(&left) || (!waiting.is_empty() && tried.elapsed() >= AGAIN) {
            let told = std::mem::take(&mut left);
            left = round(common, channel, &passphrase, &told)?;
            tried = Instant::now();
        }
        match stopped.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(Report::new(Vec::new(), json!({ "done": true })))
}

/// Handles what waits, and gives the names of what was left. What was told before and is still left is not told again.
fn round(
    common: &Common,
    channel: &Channel,
    passphrase: &Passphrase,
    told: &BTreeSet<String>,
) -> anyhow::Result<BTreeSet<String>> {
    let mut authority = common.open_with(passphrase, PATIENCE)?;
    let outcomes = authority.answer_channel(channel, common.now())?;
    authority.publish(channel, common.now())?;
    let mut left = BTreeSet::new();
    for outcome in &outcomes {
        let is_left = is_left(outcome);
        if !(is_left && told.contains(&outcome.name)) {
            match common.json {
                true => output::line(document(outcome))?,
                false => output::line(line(outcome))?,
            }
        }
        if is_left {
            left.insert(outcome.name.clone());
        }
    }
    Ok(left)
}

/// The names of all that waits, as outcomes name it.
fn waiting(channel: &Channel) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut add = |entry: Result<String, card_pki::channel::ChannelError>| {
        names.insert(entry.unwrap_or_else(|error| card_ca::stray_name(&error)));
    };
    channel.sealed()?.into_iter().for_each(|entry| add(entry.map(|(card, _)| card)));
    channel.submissions()?.into_iter().for_each(|entry| add(entry.map(|(key, _)| key.to_string())));
    channel.confirmations()?.into_iter().for_each(|entry| add(entry.map(|(key, _)| key.to_string())));
    Ok(names)
}

/// Whether it stays in the channel: a request that was refused has got its answer.
fn is_left(outcome: &Outcome) -> bool {
    outcome.left
}

fn line(outcome: &Outcome) -> String {
    let what = match &outcome.result {
        Ok(Some(certificate)) => format!("{} {}", certificate.serial(), certificate.subject()),
        Ok(None) => "taken over".to_owned(),
        Err(error) => format!("{error}"),
    };
    let kind = match &outcome.result {
        Err(CaError::Refused(_)) if !outcome.left => "refused: ",
        Err(_) if outcome.left => "left where it is: ",
        Err(_) => "turned down: ",
        Ok(_) => "",
    };
    format!("{} {}: {kind}{what}", outcome.case, outcome.name)
}

fn document(outcome: &Outcome) -> Value {
    let error = outcome.result.as_ref().err();
    json!({
        "case": outcome.case.to_string(),
        "name": outcome.name,
        "certificate": outcome.result.as_ref().ok().and_then(Option::as_ref).map(certificate_json),
        "refusal": error.and_then(CaError::refusal),
        "message": error.map(ToString::to_string),
        "left": outcome.left,
    })
}

#[derive(clap::Args)]
pub(crate) struct Publish {
    /// The channel
    #[arg(long, value_name = "DIR")]
    channel: PathBuf,
}

pub(crate) fn publish(common: &Common, args: &Publish) -> Done {
    let channel = open_channel(&args.channel)?;
    common.open()?.publish(&channel, common.now())?;
    let path = channel.path().display().to_string();
    Ok(Report::new(vec![format!("published into {path}")], json!({ "done": true, "channel": path })))
}
