//! `cardlab readers`: what the PC/SC service sees.

use std::process::ExitCode;

use anyhow::Context as _;
use host_driver::Presence;
use serde::Serialize;

use crate::output;
use crate::target::{NO_READERS, STATIC};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  cardlab readers --json")]
pub(crate) struct Args {
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    reader: String,
    state: &'static str,
    atr: Option<String>,
}

/// Exit code 0 with readers, 2 without: then nothing can be done with this machine's readers.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let readers = host_driver::readers().context(if STATIC { NO_READERS } else { "cannot list readers" })?;
    let rows: Vec<Row> = readers
        .into_iter()
        .map(|reader| Row {
            reader: reader.name,
            state: state(reader.presence),
            atr: reader.atr.map(hex::encode_upper),
        })
        .collect();
    if args.json {
        output::line(serde_json::to_string_pretty(&rows)?)?;
    } else if rows.is_empty() {
        anyhow::bail!("the reader service runs but has no reader; plug one in, or use vpcd for a virtual one");
    } else {
        for row in &rows {
            output::line(format_args!(
                "{}: {}{}",
                row.reader,
                row.state,
                row.atr.as_ref().map(|atr| format!(", ATR {atr}")).unwrap_or_default()
            ))?;
        }
    }
    Ok(ExitCode::from(if rows.is_empty() { crate::COULD_NOT_RUN } else { 0 }))
}

const fn state(presence: Presence) -> &'static str {
    match presence {
        Presence::Empty => "no card",
        Presence::Present => "card",
        Presence::InUse => "card in use",
        Presence::Exclusive => "card in exclusive use",
        Presence::Mute => "card that does not answer",
        Presence::Unavailable => "reader not available",
    }
}
