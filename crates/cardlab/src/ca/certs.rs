//! Certificates and what belongs to them: `issue`, `renew`, `revoke`, `crl`, `puk`, `due`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use card_ca::{CaError, der_of};
use card_pki::certificate::Certificate;
use card_pki::crl::Reason;
use card_pki::refusal::Refusal;
use card_pki::time::shown;
use serde_json::json;

use super::common::{Common, Done, Report, certificate_json, channel, publish, read};

#[derive(clap::Args)]
pub(crate) struct Issue {
    /// The request, DER or PEM
    file: PathBuf,
    /// Serial number of the card that holds the new key
    #[arg(long, value_name = "SERIAL")]
    card: String,
    /// Write the certificate here, as PEM
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn issue(common: &Common, args: &Issue) -> Done {
    let request = request(&args.file)?;
    let certificate = common.open()?.issue(&args.card, &request, common.now())?;
    issued(args, &certificate)
}

pub(crate) fn renew(common: &Common, args: &Issue) -> Done {
    let request = request(&args.file)?;
    let certificate = common.open()?.renew(&args.card, &request, common.now())?;
    issued(args, &certificate)
}

/// A file that is no PEM although it begins so is as wrong as one that is no DER.
fn request(path: &Path) -> anyhow::Result<Vec<u8>> {
    let unreadable = |_| CaError::Refused(Refusal::NotDer { what: "the request".to_owned() });
    Ok(der_of(&read(path)?).map_err(unreadable)?)
}

fn issued(args: &Issue, certificate: &Certificate) -> Done {
    let mut lines = vec![format!(
        "issued {} to {} until {}",
        certificate.serial(),
        certificate.subject(),
        shown(certificate.validity().not_after)
    )];
    match &args.out {
        Some(path) => fs::write(path, certificate.to_pem()).with_context(|| {
            format!("{}: the certificate was issued; give the same command again to write it", path.display())
        })?,
        None => lines.push(certificate.to_pem().trim_end().to_owned()),
    }
    Ok(Report::new(lines, json!({ "done": true, "certificate": certificate_json(certificate) })))
}

#[derive(clap::Args)]
pub(crate) struct Revoke {
    /// Serial number of the certificate, hexadecimal
    serial: String,
    /// unspecified, key-compromise, affiliation-changed, superseded or cessation-of-operation
    #[arg(long)]
    reason: Reason,
    /// Publish into this channel, with a new CRL
    #[arg(long, value_name = "DIR")]
    channel: Option<PathBuf>,
}

pub(crate) fn revoke(common: &Common, args: &Revoke) -> Done {
    let mut authority = common.open()?;
    let certificate = authority.revoke(&args.serial, args.reason, common.now())?;
    publish(&mut authority, args.channel.as_deref(), common.now())?;
    let mut lines = vec![format!("revoked {} of {} ({})", certificate.serial(), certificate.subject(), args.reason)];
    if args.channel.is_none() {
        lines.push("others learn of it from the next list: `cardlab ca crl`".to_owned());
    }
    let json = json!({ "done": true, "serial": certificate.serial(), "reason": args.reason });
    Ok(Report::new(lines, json))
}

#[derive(clap::Args)]
pub(crate) struct SignCrl {
    /// After how many days the next list will be there
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// Write the list here, as DER
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Publish into this channel
    #[arg(long, value_name = "DIR")]
    channel: Option<PathBuf>,
}

pub(crate) fn crl(common: &Common, args: &SignCrl) -> Done {
    let mut authority = common.open()?;
    let crl = authority.crl_for(common.now(), args.days)?;
    if let Some(path) = &args.out {
        fs::write(path, crl.der()).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &args.channel {
        channel(path)?.put_crl(&crl)?;
    }
    let entries = crl.entries().len();
    let lines = vec![format!("list {} with {entries} entries, the next by {}", crl.number(), shown(crl.next_update()))];
    let json = json!({
        "done": true,
        "number": crl.number(),
        "this_update": crl.this_update().to_string(),
        "next_update": crl.next_update().to_string(),
        "entries": entries,
    });
    Ok(Report::new(lines, json))
}

#[derive(clap::Args)]
pub(crate) struct ShowPuk {
    /// Serial number of the card
    #[arg(long, value_name = "SERIAL")]
    card: String,
    /// Forget the PUK instead, so that the one of a card personalised anew can be taken over
    #[arg(long)]
    forget: bool,
}

pub(crate) fn puk(common: &Common, args: &ShowPuk) -> Done {
    let mut authority = common.open()?;
    if args.forget {
        authority.forget_puk(&args.card, common.now())?;
        let lines = vec![format!("the PUK of the card {} is forgotten", args.card)];
        return Ok(Report::new(lines, json!({ "done": true, "card": args.card })));
    }
    let puk = authority.puk(&args.card, common.now())?;
    let plain = puk.iter().all(u8::is_ascii_graphic);
    let shown = if plain { String::from_utf8_lossy(&puk).into_owned() } else { hex::encode_upper(&*puk) };
    let json = json!({ "done": true, "card": args.card, "puk": shown, "hexadecimal": !plain });
    Ok(Report::new(vec![shown], json))
}

#[derive(clap::Args)]
pub(crate) struct Due {
    /// How long before the end a notice is due, in months
    #[arg(long, default_value = "1mo", value_parser = months, value_name = "Nmo")]
    within: u16,
}

fn months(text: &str) -> Result<u16, String> {
    let number = text.strip_suffix("mo").and_then(|number| number.parse().ok());
    number
        .filter(|months| (1..=120).contains(months))
        .ok_or_else(|| "a number of months such as 1mo is needed".to_owned())
}

pub(crate) fn due(common: &Common, args: &Due) -> Done {
    let notices = common.open()?.due(common.now(), args.within)?;
    let line = |notice: &card_ca::Notice| {
        let to = notice.to.as_deref().unwrap_or("on paper: no mail address is registered");
        format!(
            "{} {} until {}: {} ({to})",
            notice.subscriber,
            notice.serial,
            shown(notice.closes),
            notice.file.display()
        )
    };
    let mut lines: Vec<String> = notices.iter().map(line).collect();
    lines.push(format!("{} written", notices.len()));
    let json: Vec<_> = notices
        .iter()
        .map(|notice| {
            json!({
                "serial": notice.serial,
                "subscriber": notice.subscriber,
                "to": notice.to,
                "opens": notice.opens.to_string(),
                "closes": notice.closes.to_string(),
                "file": notice.file.display().to_string(),
            })
        })
        .collect();
    Ok(Report::new(lines, json!({ "done": true, "notices": json })))
}
