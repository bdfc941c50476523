//! `cardlab apdu`: single commands, their answers, and what the answers mean.

mod script;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use card_wire::{Class, Command, Ins, Status};
use serde::Serialize;

use crate::output;
use crate::target::TargetArgs;
use crate::trace::{Recording, TraceArgs};

const EXAMPLES: &str = "\
Examples:
  cardlab apdu 00A404000CF276A288BCFBA69D34F31001 0084000008
  cardlab apdu --image alice.img '00 A4 04 00 0C F276A288BCFBA69D34F31001'
  cardlab apdu --image new.img --preset iso 00A4000000
  cardlab apdu --target pcsc --reader ACS 00A40000023F0000
  cardlab apdu --script find.apdu --target-cmd ./card
  cardlab apdu --trace out.trace --target pcsc 00A4000000
A script has one command a line, or the word reset; what follows a # is ignored. Its answers are
held against the same promises as in `cardlab fuzz`. It goes on after a broken one unless the
card has ended; exit code 1 where the card broke one. Each command is sent as it is: 61xx and
6Cxx are explained, not followed.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Card in a file instead of a blank one (--target sim); with --preset it is made if it is not there
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
    /// Play the commands of a file, as `cardlab fuzz` writes them
    #[arg(long, value_name = "FILE", conflicts_with = "commands")]
    script: Option<PathBuf>,
    /// Start this program as the card (--script); see `cardlab fuzz --help`
    #[arg(long, value_name = "CMD", conflicts_with_all = ["target", "reader", "listen", "preset", "seed", "image"])]
    target_cmd: Option<String>,
    /// How many seconds one answer may take (--script with --target-cmd or --target vpcd)
    #[arg(long, value_name = "S", default_value = "10", value_parser = crate::fuzz::card::seconds)]
    answer_timeout: Duration,
    /// Commands in hexadecimal; spaces are ignored
    #[arg(required_unless_present_any = ["script", "target_cmd"], value_name = "HEX")]
    commands: Vec<String>,
    #[command(flatten)]
    trace: TraceArgs,
}

#[derive(Serialize)]
struct Exchange {
    command: String,
    data: String,
    /// None where the answer has none.
    status: Option<String>,
    meaning: String,
}

impl Exchange {
    fn new(command: &[u8], answer: &[u8]) -> Option<Self> {
        let (data, status) = Status::split(answer)?;
        Some(Self {
            command: shown(command),
            data: hex::encode_upper(data),
            status: Some(format!("{:04X}", status.0)),
            meaning: status.to_string(),
        })
    }

    /// An answer without a status word: a broken one, none at all, or an ATR.
    fn without_status(command: String, answer: &[u8], meaning: &str) -> Self {
        Self { command, data: hex::encode_upper(answer), status: None, meaning: meaning.to_owned() }
    }

    fn print(&self) -> std::io::Result<()> {
        output::line(format_args!("> {}", self.command))?;
        if !self.data.is_empty() {
            output::line(format_args!("< {}", self.data))?;
        }
        output::line(format_args!("  {}", self.meaning))
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.target.check()?;
    let recording = args.trace.begin()?;
    let code = match &args.script {
        Some(path) => script::run(args, path, &recording)?,
        None => single(args, &recording)?,
    };
    Ok(recording.end(code))
}

fn single(args: &Args, recording: &Recording) -> anyhow::Result<ExitCode> {
    // clap asks for no option that the given ones exclude, and commands exclude a script.
    anyhow::ensure!(
        args.target_cmd.is_none(),
        "--target-cmd goes with --script FILE: put the commands into a file, one a line"
    );
    let commands: Vec<Vec<u8>> = args.commands.iter().map(|text| parse(text)).collect::<anyhow::Result<_>>()?;
    let mut card = recording.around(args.target.connect_or_open(args.image.as_deref())?);
    let mut exchanges = Vec::new();
    for command in &commands {
        let answer = card.transmit(command).context("the command was not answered")?;
        let exchange = Exchange::new(command, &answer).context("the card answered without a status word")?;
        if args.json {
            exchanges.push(exchange);
        } else {
            exchange.print()?;
        }
    }
    if args.json {
        output::line(serde_json::to_string_pretty(&exchanges)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    let bytes =
        hex::decode(&digits).map_err(|error| anyhow::anyhow!("`{}` is not hexadecimal: {error}", shorten(text)))?;
    // A command may carry a PIN: what is wrong is told, not what it says.
    anyhow::ensure!(bytes.len() >= 4, "a command has at least 4 bytes: class, instruction, P1, P2");
    anyhow::ensure!(bytes.len() <= card_wire::apdu::MAX_COMMAND, "a command has at most 65,544 bytes");
    Ok(bytes)
}

fn shorten(text: &str) -> String {
    text.chars().take(8).chain(text.chars().nth(8).map(|_| '…')).collect()
}

/// Instructions whose data can hold a PIN or a key: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, PUT DATA, and on
/// cards of other people EXTERNAL and GENERAL AUTHENTICATE.
const SECRET: [u8; 11] = [0x20, 0x24, 0x26, 0x28, 0x2C, 0x82, 0x86, 0x87, 0xC2, 0xDA, 0xDB];

/// The command as it may be shown: data that can hold a PIN or a key is left out.
fn shown(bytes: &[u8]) -> String {
    match bytes {
        [cla, ins, p1, p2, rest @ ..] if SECRET.contains(ins) && rest.len() > 1 => {
            let len = Command::parse(bytes).map_or(rest.len(), |command| command.data.len());
            let chained = if Class(*cla).unchained() == Class(*cla) { "" } else { ", chained" };
            format!("{cla:02X}{ins:02X}{p1:02X}{p2:02X} ({}, {len} bytes of data not shown{chained})", Ins(*ins))
        }
        bytes => hex::encode_upper(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(shown(&[0, 0xA4, 0, 0]), "00A40000");
        let verify = [0, 0x20, 0, 1, 6, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36];
        assert_eq!(shown(&verify), "00200001 (VERIFY, 6 bytes of data not shown)");
        assert_eq!(
            shown(&[0x10, 0xDB, 0x3F, 0xFF, 1, 7]),
            "10DB3FFF (PUT DATA (odd), 1 bytes of data not shown, chained)"
        );
        for ins in [0x82, 0x86, 0x87, 0xDA] {
            assert!(shown(&[0, ins, 0, 0, 2, 1, 7]).ends_with(", 2 bytes of data not shown)"));
        }
        assert_eq!(shown(&[0, 0x20, 0, 1, 9, 0x31]), "00200001 (VERIFY, 2 bytes of data not shown)");
    }

    #[test]
    fn commands_are_read_with_spaces() {
        assert_eq!(parse("00 A4:04 00").unwrap(), [0, 0xA4, 4, 0]);
        assert!(parse("00A4").is_err() && parse("xyz").is_err() && parse("00A40").is_err());
    }
}
