//! The registration desk: `init`, `register`, `replace`, `nonce`, `agreement`.

use std::path::PathBuf;

use anyhow::Context as _;
use card_ca::{Authority, CreateOptions, Registered, Work};
use card_pki::channel::Registration;
use card_pki::crl::Reason;
use card_pki::name::Subject;
use card_pki::time::shown;
use serde_json::json;

use super::common::{Common, Done, Report, channel, publish, read};

#[derive(clap::Args)]
pub(crate) struct Init {
    /// Name of the authority, which becomes part of its certificates
    #[arg(long, default_value = "Cardlab Test")]
    name: String,
    /// Address of its site, for notices and for where the CRL is
    #[arg(long, value_name = "URL")]
    site: Option<String>,
    /// For how many months a subscriber's certificate is valid
    #[arg(long, default_value_t = 12)]
    months: u16,
    /// Size of the authority's keys
    #[arg(long, default_value_t = 2048, value_name = "BITS")]
    key_bits: usize,
    /// The first agreement (default: a short one)
    #[arg(long, value_name = "FILE")]
    agreement: Option<PathBuf>,
    /// The same keys every time; for tests: whoever knows the seed knows the keys
    #[arg(long)]
    seed: Option<u64>,
    /// Encrypt the keys with few rounds; for tests, where the passphrase is known anyway
    #[arg(long)]
    quick: bool,
    /// Publish into this channel
    #[arg(long, value_name = "DIR")]
    channel: Option<PathBuf>,
}

pub(crate) fn init(common: &Common, args: &Init) -> Done {
    let dir = common.dir()?;
    let mut options = CreateOptions::new(&args.name, common.passphrase(true)?, common.now());
    options.months = args.months;
    options.key_bits = args.key_bits;
    options.seed = args.seed;
    options.work = if args.quick { Work::Quick } else { Work::Full };
    if let Some(site) = &args.site {
        options.site.clone_from(site);
    }
    if let Some(path) = &args.agreement {
        options.agreement = text(path)?;
    }
    let mut authority = Authority::create(&dir, &options)?;
    publish(&mut authority, args.channel.as_deref(), common.now())?;
    let root = &authority.chain().root;
    let lines = vec![
        format!("made {} in {}", root.subject(), dir.display()),
        format!("root {} until {}", root.serial(), shown(root.validity().not_after)),
        "keep the passphrase: without it nothing can be issued, revoked or unblocked".to_owned(),
    ];
    let json = json!({ "done": true, "dir": dir.display().to_string(), "chain": authority.chain().to_pem() });
    Ok(Report::new(lines, json))
}

#[derive(clap::Args)]
pub(crate) struct Register {
    /// Certificate ID of the subscriber
    #[arg(long, value_name = "ID")]
    subscriber: String,
    /// Registration unit
    #[arg(long, value_name = "UNIT")]
    ra_unit: String,
    /// Serial number of the card
    #[arg(long, value_name = "SERIAL")]
    card: String,
    /// Common name: the subscriber's own name
    #[arg(long, value_name = "NAME")]
    cn: String,
    /// Organization
    #[arg(long, value_name = "NAME")]
    o: Option<String>,
    /// Unit of the organization, the outermost first; may be repeated
    #[arg(long, value_name = "NAME")]
    ou: Vec<String>,
    /// Country, two capital letters
    #[arg(long, value_name = "XX", default_value = "TW")]
    c: String,
    /// A number that tells people of one name apart
    #[arg(long, value_name = "NUMBER")]
    serial_number: Option<String>,
    /// Mail address, for notices and as the alternative name
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Replace the record of a subscriber who is registered with other data
    #[arg(long)]
    update: bool,
    /// Publish into this channel
    #[arg(long, value_name = "DIR")]
    channel: Option<PathBuf>,
}

pub(crate) fn register(common: &Common, args: &Register) -> Done {
    let subject = Subject {
        country: args.c.clone(),
        organization: args.o.clone(),
        unit: args.ou.clone(),
        common_name: args.cn.clone(),
        serial_number: args.serial_number.clone(),
    };
    let named =
        |error: card_pki::name::NameError| card_ca::CaError::Registration { field: "name", what: error.to_string() };
    let registration = Registration {
        subscriber: args.subscriber.clone(),
        ra_unit: args.ra_unit.clone(),
        card: args.card.clone(),
        subject_der: subject.to_der().map_err(named)?,
        email: args.email.clone(),
    };
    let mut authority = common.open()?;
    let done = match args.update {
        true => authority.register_anew(&registration, common.now())?,
        false => authority.register(&registration, common.now())?,
    };
    publish(&mut authority, args.channel.as_deref(), common.now())?;
    let what = match done {
        Registered::New => "registered, card bound",
        Registered::Card => "was registered already, further card bound",
        Registered::Replaced => "registered with new data",
        Registered::Already => "was registered like this already, nothing changed",
    };
    let name = card_pki::name::shown(&registration.subject_der)?;
    let lines = vec![format!("{} ({name}), card {}: {what}", args.subscriber, args.card)];
    let json =
        json!({ "done": true, "subscriber": args.subscriber, "card": args.card, "subject": name, "result": what });
    Ok(Report::new(lines, json))
}

#[derive(clap::Args)]
pub(crate) struct Replace {
    /// Certificate ID of the subscriber
    #[arg(long, value_name = "ID")]
    subscriber: String,
    /// Serial number of the lost card
    #[arg(long, value_name = "SERIAL")]
    lost: String,
    /// Serial number of the card that takes its place
    #[arg(long, value_name = "SERIAL")]
    card: String,
    /// Why the lost card's certificates are revoked
    #[arg(long, default_value = "key-compromise")]
    reason: Reason,
    /// Publish into this channel, with a new CRL
    #[arg(long, value_name = "DIR")]
    channel: Option<PathBuf>,
}

pub(crate) fn replace(common: &Common, args: &Replace) -> Done {
    let mut authority = common.open()?;
    let revoked = authority.replace(&args.subscriber, &args.lost, &args.card, args.reason, common.now())?;
    publish(&mut authority, args.channel.as_deref(), common.now())?;
    let mut lines = vec![format!("card {} takes the place of {}", args.card, args.lost)];
    lines.extend(revoked.iter().map(|serial| format!("revoked {serial} ({})", args.reason)));
    lines.push("the new card needs an application of its own".to_owned());
    Ok(Report::new(lines, json!({ "done": true, "card": args.card, "lost": args.lost, "revoked": revoked })))
}

#[derive(clap::Args)]
pub(crate) struct GiveNonce {
    /// Certificate ID of the subscriber
    #[arg(long, value_name = "ID")]
    subscriber: String,
    /// Leave it in this channel for the card tool
    #[arg(long, value_name = "DIR")]
    channel: Option<PathBuf>,
}

pub(crate) fn nonce(common: &Common, args: &GiveNonce) -> Done {
    let mut authority = common.open()?;
    let nonce = authority.nonce(&args.subscriber, common.now())?;
    if let Some(path) = &args.channel {
        channel(path)?.put_nonce(&args.subscriber, &nonce)?;
    }
    let until = common.now().saturating_add(card_ca::NONCE_LIFE)?;
    let nonce = hex::encode(nonce);
    let json = json!({ "done": true, "subscriber": args.subscriber, "nonce": nonce, "until": until.to_string() });
    Ok(Report::new(vec![nonce], json))
}

#[derive(clap::Subcommand)]
pub(crate) enum Agreement {
    /// Show the agreement that holds
    Show,
    /// Make the text of a file the agreement; renewals that agree to another one are refused from then on
    Set {
        /// The text, UTF-8
        file: PathBuf,
        /// Publish into this channel
        #[arg(long, value_name = "DIR")]
        channel: Option<PathBuf>,
    },
}

pub(crate) fn agreement(common: &Common, args: &Agreement) -> Done {
    let (agreement, mut lines) = match args {
        Agreement::Show => {
            let agreement = common.records()?.agreement().cloned().context("no agreement was set yet")?;
            let text = agreement.text.trim_end().to_owned();
            (agreement, vec![text])
        }
        Agreement::Set { file, channel } => {
            let text = text(file)?;
            let mut authority = common.open()?;
            let agreement = authority.set_agreement(&text, common.now())?;
            publish(&mut authority, channel.as_deref(), common.now())?;
            (agreement, Vec::new())
        }
    };
    lines.push(format!("SHA-256 {} since {}", agreement.hash, shown(agreement.since)));
    let json = json!({
        "done": true, "text": agreement.text, "sha256": agreement.hash, "since": agreement.since.to_string()
    });
    Ok(Report::new(lines, json))
}

fn text(path: &std::path::Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("{} is not UTF-8", path.display()))
}
