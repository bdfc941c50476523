//! `cardlab sim`: a card in a vpcd reader until Ctrl-C.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use anyhow::Context as _;
use card_os::Preset;
use card_wire::{Atr, Icc};
use virtual_reader::{VirtualReader, VpcdAddress};

use crate::image::{self, ImageOptions};
use crate::output;
use crate::ready;
use crate::trace::TraceArgs;

const EXAMPLES: &str = "\
Examples:
  cardlab sim                                   a blank card, forgotten at the end
  cardlab sim --image alice.img --preset certificate
  cardlab sim --seed 7 --vpcd 127.0.0.1:35964   reproducible, in vpcd's second slot
  cardlab sim --trace out.trace                 writes down what the card is sent";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What the card is made from: isoapplet, certificate, iso, tight, a TOML file, or `ready` for an isoapplet card with
    /// PIN 123456, PUK 0123456789abcdef, an RSA-2048 key that everybody knows and its certificate
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// File that holds the card; made if it is not there
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Seed of the card's randomness: equal seeds give equal keys. For tests only
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Answer to reset of a new card, in hexadecimal
    #[arg(long, value_name = "HEX")]
    atr: Option<String>,
    /// Where vpcd waits for a card
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:35963")]
    vpcd: VpcdAddress,
    /// Wait for the disk at each change, so that a crash of the machine loses nothing either
    #[arg(long, requires = "image")]
    durable: bool,
    #[command(flatten)]
    trace: TraceArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let recording = args.trace.begin()?;
    let card = card(args)?;
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Whoever waits has gone already when this fails.
        let _ = stop.send(());
    })
    .context("cannot catch Ctrl-C")?;
    let address = args.vpcd.clone();
    output::line(format_args!("reader: vpcd at {}:{}; Ctrl-C ends", address.host, address.port))?;
    let card = match recording.tracer() {
        Some(tracer) => Box::new(tracer.icc(&format!("vpcd at {}:{}", address.host, address.port), card)),
        None => card,
    };
    let reader = VirtualReader::start_with(card, address, |event| {
        // A closed pipe must not take the card out of the reader.
        let _ = output::line(event);
    });
    stopped.recv().context("nobody is left who could stop this")?;
    reader.stop();
    let code = recording.end(ExitCode::SUCCESS);
    output::line("stopped; the card is as the last answered command left it")?;
    Ok(code)
}

fn card(args: &Args) -> anyhow::Result<Box<dyn Icc>> {
    let mut preset = args.preset.as_deref().map(ready::preset_of).transpose()?;
    if let Some(atr) = &args.atr {
        let bytes = hex::decode(atr).map_err(|error| anyhow::anyhow!("--atr {atr} is not hexadecimal: {error}"))?;
        let atr = Atr::parse(&bytes).with_context(|| format!("--atr {atr} is not an answer to reset"))?;
        preset = Some(Preset { atr, ..preset.unwrap_or_else(Preset::isoapplet) });
    }
    let what = args.preset.as_deref().unwrap_or_default();
    let Some(path) = &args.image else {
        let preset = preset.unwrap_or_else(Preset::isoapplet);
        let card = ready::card(what, &preset, args.seed)?;
        output::line(format_args!("card: preset {}, in RAM, forgotten at the end", preset.name))?;
        return Ok(Box::new(card));
    };
    if let Some(preset) = &preset {
        ready::prepare(what, preset, path)?;
    }
    let options = ImageOptions { path: path.clone(), preset, seed: args.seed, durable: args.durable };
    let (card, new) = image::open(&options)?;
    let (name, number) = (&card.preset().name, card.commit_number());
    if new {
        output::line(format_args!("card: preset {name}, new in {}", path.display()))?;
    } else {
        output::line(format_args!("card: preset {name}, from {} (change {number})", path.display()))?;
    }
    Ok(Box::new(card))
}
