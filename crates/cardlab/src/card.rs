//! `cardlab card`: the card tool's command line. What the commands do is in the crate card-tool.

mod options;

use std::path::PathBuf;
use std::process::ExitCode;

use card_tool::commands::{self, Download, Init, Verify};
use card_tool::{Around, Failure, Place, Report, Session, Settings, env, interrupt};
use clap::Subcommand;

use crate::output;
use crate::trace::Recording;
use options::Common;

const EXAMPLES: &str = "\
Examples:
  cardlab card env --fix                          is everything ready on this computer?
  cardlab card info                               the card in the reader
  cardlab card apply --channel /srv/ca            the first certificate, step by step
  cardlab card renew --channel /srv/ca --wait 60  the next one, in its last month
  cardlab card register && cardlab card install-csp
  cardlab card info --trace out.trace             writes down what is sent, without PINs
  cardlab card renew --batch --pin-fd 3 --accept-agreement agreement.txt 3<pin.txt

Exit codes: 0 done, 1 refused or failed, 2 something is missing, 3 the authority has not answered yet, 130 Ctrl-C.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Personalise a blank card (registration desk)
    Init {
        /// Serial number of the card; random without it
        #[arg(long, value_name = "SERIAL")]
        serial: Option<String>,
        /// Name that other programs show
        #[arg(long, default_value = "電子憑證IC卡")]
        label: String,
        /// Who gives the card out
        #[arg(long, default_value = "CardLab")]
        manufacturer: String,
        /// Write the PIN letter to this new file, readable by you alone, instead of printing it
        #[arg(long, value_name = "FILE")]
        letter: Option<PathBuf>,
        /// This is the card whose personalisation was interrupted: its PUK in the channel may be replaced
        #[arg(long)]
        again: bool,
    },
    /// Show what the card is
    Info,
    /// Log in to the card with its PIN
    Login,
    /// Change, unblock or verify the PIN
    Pin {
        #[command(subcommand)]
        command: PinCommand,
    },
    /// List the certificates: current, superseded, retired
    Certs,
    /// Apply for the first certificate
    Apply,
    /// Renew the certificate, in its last month
    Renew {
        /// Serial number of the certificate that signs, instead of the one that is valid longest
        #[arg(long, value_name = "SERIAL")]
        old: Option<String>,
        /// Another reader whose card may hold the old key
        #[arg(long, value_name = "NAME")]
        other_reader: Vec<String>,
    },
    /// Go on with an application or renewal that the authority has answered
    Install,
    /// Write certificates to the card that are missing on it
    Download {
        /// All of them
        #[arg(long, conflicts_with_all = ["serial", "list"])]
        all: bool,
        /// Only this one (repeatable)
        #[arg(long, value_name = "SERIAL", conflicts_with = "list")]
        serial: Vec<String>,
        /// Only list them
        #[arg(long)]
        list: bool,
    },
    /// Take a superseded certificate off the card and destroy its key
    Retire {
        /// Serial number of the certificate, instead of the oldest superseded one
        #[arg(long, value_name = "SERIAL")]
        serial: Option<String>,
    },
    /// Register the card's certificates on this computer, or refresh their registration
    Register {
        /// NSS database to import into as well, instead of ~/.pki/nssdb
        #[arg(long, value_name = "DIR")]
        nss: Option<PathBuf>,
    },
    /// Take registered certificates away again
    Unregister {
        /// Only those of the card with this serial number
        #[arg(long, value_name = "SERIAL")]
        card: Option<String>,
    },
    /// Install the PKCS#11 module for this user's programs (p11-kit, NSS)
    InstallCsp {
        /// The module, instead of OpenSC's
        #[arg(long, value_name = "FILE")]
        module: Option<PathBuf>,
    },
    /// Take the PKCS#11 module away again
    UninstallCsp,
    /// Sign a file: PKCS#1 v1.5 with SHA-256, the signature in a file of its own
    Sign {
        /// The file
        file: PathBuf,
        /// Where the signature goes; FILE.sig without it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Serial number of the certificate, instead of the current one
        #[arg(long, value_name = "SERIAL")]
        serial: Option<String>,
    },
    /// Verify a file's signature, the signer's certificate and its revocation
    Verify {
        /// The file
        file: PathBuf,
        /// Its signature
        signature: PathBuf,
        /// The signer's certificate, instead of those registered on this computer
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
    },
    /// Check this computer: reader service, module, clock, permissions
    Env {
        /// Repair what can be repaired
        #[arg(long)]
        fix: bool,
    },
}

#[derive(Clone, Copy, Subcommand)]
enum PinCommand {
    /// Give the PIN a new value
    Change,
    /// Give a locked PIN a new value, with the PUK from the registration desk
    Unblock,
    /// Check the PIN
    Verify,
}

/// Runs a command and says what came of it.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let recording = args.common.trace.begin()?;
    let code = traced(args, &recording)?;
    Ok(recording.end(code))
}

fn traced(args: Args, recording: &Recording) -> anyhow::Result<ExitCode> {
    let around = recording.tracer().cloned().map(|tracer| {
        Around::new(move |transport| {
            let name = transport.describe();
            Box::new(tracer.transport(&name, transport))
        })
    });
    let settings = args.common.settings(around.unwrap_or_default())?;
    let lang = settings.lang;
    ctrlc::set_handler(move || {
        if let Some(last_words) = interrupt::raised(lang) {
            eprintln!("\ncardlab: {last_words}");
            std::process::exit(i32::from(card_tool::failure::INTERRUPTED));
        }
    })?;
    let json = settings.json;
    match perform(args.command, &args.common, settings) {
        Ok(report) => {
            say(&report, json)?;
            Ok(ExitCode::from(report.exit))
        }
        Err(Stop::Said(failure)) => {
            if json {
                output::line(serde_json::to_string_pretty(&serde_json::json!({ "error": failure }))?)?;
            }
            eprintln!("cardlab: {failure}");
            Ok(ExitCode::from(failure.exit))
        }
        Err(Stop::Other(error)) => Err(error),
    }
}

fn say(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        output::line(serde_json::to_string_pretty(&report.json)?)?;
    } else {
        for line in &report.lines {
            output::line(line)?;
        }
    }
    Ok(())
}

/// Why there is no report: a sentence of the tool's, or a mistake on the command line.
enum Stop {
    Said(Failure),
    Other(anyhow::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Said(failure)
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

fn perform(command: Command, common: &Common, settings: Settings) -> Result<Report, Stop> {
    // These need no card.
    match command {
        Command::Unregister { card } => Ok(commands::unregister(&settings, card.as_deref())?),
        Command::InstallCsp { module } => Ok(commands::install_csp(&settings, module.as_deref())?),
        Command::UninstallCsp => Ok(commands::uninstall_csp(&settings)?),
        Command::Verify { file, signature, certificate } => {
            Ok(commands::verify(&settings, &Verify { file, signature, certificate })?)
        }
        Command::Env { fix } => Ok(env::check(&settings, fix)?),
        command => with_card(command, common, settings),
    }
}

fn with_card(command: Command, common: &Common, settings: Settings) -> Result<Report, Stop> {
    let place = common.place(matches!(command, Command::Init { .. }))?;
    let session = &mut Session::begin(settings, place)?;
    let report = match command {
        Command::Init { serial, label, manufacturer, letter, again } => {
            commands::init(session, &Init { serial, label, manufacturer, letter, again })
        }
        Command::Info => commands::info(session),
        Command::Login => commands::login(session),
        Command::Pin { command: PinCommand::Change } => commands::change_pin(session),
        Command::Pin { command: PinCommand::Unblock } => commands::unblock_pin(session),
        Command::Pin { command: PinCommand::Verify } => commands::verify_pin(session),
        Command::Certs => commands::certs(session),
        Command::Apply => commands::apply(session),
        Command::Renew { old, other_reader } => {
            commands::renew(session, old, other_reader.into_iter().map(|name| Place::Reader(Some(name))).collect())
        }
        Command::Install => commands::install(session),
        Command::Download { all, serial, list } => {
            commands::download(session, &Download { all, serials: serial, list })
        }
        Command::Retire { serial } => commands::retire(session, serial.as_deref()),
        Command::Register { nss } => commands::register(session, nss.as_deref()),
        Command::Sign { file, out, serial } => commands::sign(session, &file, serial.as_deref(), out.as_deref()),
        Command::Unregister { .. }
        | Command::InstallCsp { .. }
        | Command::UninstallCsp
        | Command::Verify { .. }
        | Command::Env { .. } => return Err(anyhow::anyhow!("this command needs no card").into()),
    };
    Ok(report?)
}
