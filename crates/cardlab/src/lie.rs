//! `cardlab lie`: a card that lies to the host, in a vpcd reader until Ctrl-C.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use anyhow::Context as _;
use card_fuzz::lie::{Liar, Lie, Nothing, Options};
use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::{Icc, Ins};
use clap::ValueEnum;
use rsa_host::HostRsa;
use virtual_reader::{VirtualReader, VpcdAddress};

use crate::image::{self, ImageOptions};
use crate::output;
use crate::target;

const EXAMPLES: &str = "\
Examples:
  cardlab lie                                    one answer in ten of a blank card is a lie
  cardlab lie --image alice.img --rate 3 -v      a card with keys; says each lie
  cardlab lie --seed 7 --kinds tlv,oversize      the same lies again, of two kinds
  cardlab lie --behind nothing --kinds noise,foreign --rate 100
Then let the host do its work: opensc-tool, pkcs11-tool -L, a program of your own. It may fail;
it must not crash, hang, or take the card for one that has proved something.

Kinds of lies; mute and atr are told only where --kinds asks for them:
";

fn examples() -> String {
    let kinds = Lie::ALL.iter().map(|lie| format!("  {:10} {}", lie.word(), brief(*lie)));
    format!("{EXAMPLES}{}", kinds.collect::<Vec<_>>().join("\n"))
}

/// The first sentence of what a lie does.
fn brief(lie: Lie) -> &'static str {
    lie.meaning().split_inclusive('.').next().unwrap_or_default()
}

#[derive(clap::Args)]
#[command(after_help = examples())]
pub(crate) struct Args {
    /// Where vpcd waits for a card
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:35963")]
    vpcd: VpcdAddress,
    /// Decides every lie; drawn and printed where it is not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Of a hundred answers so many are lies
    #[arg(long, value_name = "P", default_value = "10", value_parser = clap::value_parser!(u8).range(0..=100))]
    rate: u8,
    /// Which lies, with commas between
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kinds: Vec<Lie>,
    /// What gives the honest answers
    #[arg(long, value_enum, default_value = "card")]
    behind: Behind,
    /// What the card is made from: isoapplet, certificate, iso, tight, or a TOML file
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// File that holds the card; what hosts do to it stays
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Say each lie on standard error
    #[arg(short, long)]
    verbose: bool,
}

/// What is behind the liar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Behind {
    /// The simulated card
    Card,
    /// Nothing: 9000 to everything
    Nothing,
}

fn kind(word: &str) -> Result<Lie, String> {
    let words: Vec<&str> = Lie::ALL.iter().map(|lie| lie.word()).collect();
    Lie::named(word).ok_or_else(|| format!("the kinds are {}", words.join(", ")))
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.behind == Behind::Nothing && (args.image.is_some() || args.preset.is_some()) {
        anyhow::bail!("--image and --preset go with --behind card");
    }
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(()) >> 32);
    let kinds = if args.kinds.is_empty() { Lie::usual().collect() } else { args.kinds.clone() };
    let options = Options { seed, rate: args.rate.into(), kinds };
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Whoever waits has gone already when this fails.
        let _ = stop.send(());
    })
    .context("cannot catch Ctrl-C")?;
    let told: Arc<Mutex<BTreeMap<Lie, u64>>> = Arc::default();
    let (counted, verbose) = (Arc::clone(&told), args.verbose);
    let liar = Liar::new(honest(args, seed)?, options, move |lie| {
        *counted.lock().unwrap_or_else(PoisonError::into_inner).entry(lie.lie).or_default() += 1;
        if verbose {
            let what = lie.ins.map_or_else(|| "ATR".to_owned(), |ins| format!("{} ({ins:02X})", Ins(ins)));
            eprintln!(
                "answer {}: {} on {what}, {} bytes became {}",
                lie.exchange,
                lie.lie.word(),
                lie.lengths.0,
                lie.lengths.1
            );
        }
    });
    output::line(format_args!("liar: seed {seed}, {} of 100 answers; vpcd at {}; Ctrl-C ends", args.rate, args.vpcd))?;
    let reader = VirtualReader::start_with(Box::new(liar), args.vpcd.clone(), |event| {
        // A closed pipe must not take the card out of the reader.
        let _ = output::line(event);
    });
    stopped.recv().context("nobody is left who could stop this")?;
    reader.stop();
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let list: Vec<String> = told.iter().map(|(lie, count)| format!("{} {count}", lie.word())).collect();
    let count: u64 = told.values().sum();
    output::line(format_args!("stopped; {count} lies told{}{}", if count > 0 { ": " } else { "" }, list.join(", ")))?;
    Ok(ExitCode::SUCCESS)
}

fn honest(args: &Args, seed: u64) -> anyhow::Result<Box<dyn Icc>> {
    if args.behind == Behind::Nothing {
        return Ok(Box::new(Nothing));
    }
    let preset = args.preset.as_deref().map(target::preset).transpose()?;
    if let Some(path) = &args.image {
        anyhow::ensure!(path.exists(), "there is no image {}; `cardlab sim --image FILE` makes one", path.display());
        let options = ImageOptions { path: path.clone(), preset, seed: Some(seed), durable: false };
        return Ok(Box::new(image::open(&options)?.0));
    }
    // Its challenges come from the seed too: the whole run can be repeated.
    let preset = preset.unwrap_or_else(Preset::isoapplet);
    Ok(Box::new(SimCard::from_seed(&preset, seed, HostRsa).context("cannot make a card")?))
}
