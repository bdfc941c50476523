//! `cardlab conform describe`: a draft of the file that describes a card, from what it says without being changed.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use card_conformance::capabilities::{self, FoundPin};
use card_conformance::record::Capability;
use card_conformance::{Suite, Target as _, TransportTarget};

use crate::output;
use crate::target::{Kind, TargetArgs};

const EXAMPLES: &str = "\
Only asks what changes nothing and spends no try. Read the draft, and change what the card cannot tell.
Examples:
  cardlab conform describe --target pcsc --reader ACS -o card.toml
  cardlab conform describe --target sim --preset iso";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// What the card is called; expectations of scripts can be about this name
    #[arg(long, value_name = "NAME", default_value = "my-card")]
    name: String,
    /// Where the draft goes, in place of the standard output; a file that is there is not written over
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What is known of a card.
struct Known {
    name: String,
    place: String,
    atr: Vec<u8>,
    aid: Vec<u8>,
    capabilities: Vec<Capability>,
    pins: Vec<FoundPin>,
}

pub(super) fn run(args: &DescribeArgs) -> anyhow::Result<ExitCode> {
    args.target.check()?;
    let is_plain = |character: char| !character.is_control() && !matches!(character, '"' | '\\');
    anyhow::ensure!(
        !args.name.trim().is_empty() && args.name.chars().all(is_plain),
        "a card needs a name without quotation marks, backslashes and control characters, as in --name my-card-2"
    );
    // Nobody waits for a card only to hear that its description cannot be kept.
    if let Some(path) = args.output.as_deref().filter(|path| path.exists()) {
        return Err(there(path));
    }
    let mut target = TransportTarget::fixed(args.target.connect()?);
    let place = place(&args.target, &target.describe());
    let atr = target.reset().with_context(|| {
        format!(
            "{place} does not answer a reset; is the card the right way round? `cardlab readers` shows what is seen"
        )
    })?;
    let suite = Suite::embedded()?;
    let aid = suite.values.get("aid").map(|aid| aid.to_vec()).unwrap_or_default();
    let capabilities = capabilities::probe(&mut target, None, &aid);
    let pins = capabilities::pins(&mut target, &aid);
    let draft = Known { name: args.name.clone(), place, atr, aid, capabilities, pins }.draft();
    match &args.output {
        None => output::line(draft.trim_end())?,
        Some(path) => {
            keep(path, &draft)?;
            eprintln!("cardlab: the draft is in {}; read it before it is used", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn place(args: &TargetArgs, described: &str) -> String {
    match (args.target, &args.preset) {
        (Kind::Sim, preset) => format!("the built-in card, preset {}", preset.as_deref().unwrap_or("isoapplet")),
        _ => described.to_owned(),
    }
}

fn there(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("{} is there already and is not written over: name another file, or move it", path.display())
}

/// Writes a file that must not be there.
fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => there(path),
        _ => anyhow::Error::new(error).context(format!("cannot write {}; name another file", path.display())),
    })?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}; name another file", path.display()))
}

impl Known {
    fn present(&self, name: &str) -> Option<bool> {
        self.capabilities.iter().find(|one| one.name == name).and_then(|one| one.present)
    }

    /// The card has OpenSC's application.
    fn is_dialect(&self) -> bool {
        ["version-0", "version-1"].into_iter().any(|version| self.present(version) == Some(true))
    }

    fn draft(&self) -> String {
        [self.top(), self.pin(), self.keys(), self.limits(), self.abilities()].join("\n")
    }

    fn top(&self) -> String {
        let atr = hex::encode_upper(&self.atr);
        let (preset, why) = if self.is_dialect() {
            (
                "isoapplet",
                "it has the application of OpenSC's dialect; `certificate` and `tight` are about such cards too",
            )
        } else {
            ("iso", "it has no application of OpenSC's dialect")
        };
        let (state, reason) = if self.pins.is_empty() {
            ("blank", "no PIN was found that is set; a card that was in use is `operational`")
        } else {
            ("operational", "a PIN is set")
        };
        let aid = if self.is_dialect() {
            format!("aid = \"{}\"   # answers SELECT\n", hex::encode_upper(&self.aid))
        } else {
            "# aid = \"A000000001\"   # 5 to 16 bytes: the application that is selected before the PIN is asked for\n"
                .to_owned()
        };
        format!(
            "# Draft of `cardlab conform describe`. What the card does not tell is guessed or commented out: read every line.\n\
             # Place: {}\n# ATR: {atr}\n\n\
             name = \"{}\"\n# serial = \"0001\"   # for the record\n\
             preset = \"{preset}\"   # the cases that are about this card; guessed: {why}\n\
             state = \"{state}\"   # guessed: {reason}\n{aid}",
            comment(&self.place),
            self.name
        )
    }

    /// The PIN that counts is the first one; the others are told.
    fn pin(&self) -> String {
        let mut text = "# PINs, asked for by VERIFY without data, which spends no try:\n".to_owned();
        for pin in &self.pins {
            let left = pin.tries_left.map_or_else(|| "no number of".to_owned(), |left| left.to_string());
            let blocked = if pin.blocked { ": it is blocked" } else { "" };
            let _ = writeln!(text, "#   {:02X}: {left} tries left{blocked}", pin.reference);
        }
        let (mark, reference) = match self.pins.first() {
            Some(pin) => ("", pin.reference),
            None => {
                text.push_str("#   none is set, or it is not told without a try\n");
                ("# ", 1)
            }
        };
        let left = self.pins.first().and_then(|pin| pin.tries_left).filter(|left| *left > 0);
        let tries = left.unwrap_or(3);
        let why = match (self.pins.first(), left) {
            (_, Some(_)) => "what is left now; must be what a full counter has",
            _ => "guessed; must be what a full counter has",
        };
        let (min, max) = (4, 16);
        let padded = if self.is_dialect() {
            format!("{mark}padded = 16   # VERIFY sends it with zeros up to this length, as OpenSC does\n")
        } else {
            "# padded = 16   # where VERIFY sends it with zeros up to this length\n".to_owned()
        };
        let _ = write!(
            text,
            "{mark}[pin]\n\
             {mark}reference = {reference}\n\
             {mark}min = {min}   # guessed: shortest PIN, bytes\n\
             {mark}max = {max}   # guessed: longest PIN, bytes\n\
             {mark}tries = {tries}   # {why}\n{padded}\
             {mark}value = {{ env = \"CARD_PIN\" }}   # or {{ fd = 5 }}, {{ prompt = true }}; never the PIN itself\n\n\
             # [puk]   # nothing tells whether there is one\n# tries = 5\n# value = {{ prompt = true }}\n"
        );
        text
    }

    fn keys(&self) -> String {
        "# [keys]   # numbers of keys that cases may use, by what they are\n# rsa2048 = 0\n# p256 = 1\n\
         # spare = 7   # may be overwritten, with --destructive\n\n\
         # [area]   # where cases may create and delete, with --write\n# df = \"5F00\"\n"
            .to_owned()
    }

    fn limits(&self) -> String {
        let (command, response, why) = match self.present("extended") {
            Some(true) => (65_544, 65_538, "extended lengths; many readers carry less"),
            _ => (261, 258, "short lengths"),
        };
        format!(
            "[limits]   # longest command and answer that card and reader take, bytes\n\
             command = {command}   # guessed: {why}\nresponse = {response}\n"
        )
    }

    fn abilities(&self) -> String {
        let mut text = "[capabilities]   # what is commented out is looked for before every run\n".to_owned();
        for one in &self.capabilities {
            let (mark, value) = match one.present {
                Some(true) => ("", "true"),
                Some(false) => ("", "false"),
                None => ("# ", "true"),
            };
            let _ = writeln!(text, "{mark}{} = {value}   # {}", one.name, comment(&one.how));
        }
        text.push_str(
            "\n# [values]   # byte strings for cases, over those of the suite\n# greeting = \"48656C6C6F\"\n",
        );
        text
    }
}

/// Text for a comment: one line of printable characters, whatever a reader calls itself.
fn comment(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
