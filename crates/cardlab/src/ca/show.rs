//! Looking without changing anything, without passphrase or lock: `audit`, `list`, `show`.

use card_ca::{CaError, Card, CardState, Listed, Records, Subscriber};
use card_pki::time::{Timestamp, shown};
use serde_json::{Value, json};

use super::common::{Common, Done, Report, certificate_json};

pub(crate) fn audit(common: &Common) -> Done {
    let audit = common.records()?.audit()?;
    let mut lines = Vec::new();
    for row in &audit.rows {
        lines.push(format!("{:>5}  {}  {}", row.number, shown(row.at), event(&serde_json::to_value(&row.event)?)));
    }
    lines.push(format!("the chain of {} rows is whole; it ends in {}", audit.rows.len(), audit.head));
    let json = json!({ "done": true, "rows": audit.rows, "head": audit.head });
    Ok(Report::new(lines, json))
}

/// An event in one line: its name, then its fields.
fn event(event: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields = event.as_object().into_iter().flatten().filter(|(name, _)| *name != "event");
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name} {}", text(value))).collect();
    format!("{}: {}", event.get("event").map(text).unwrap_or_default(), fields.join(", "))
}

pub(crate) fn list(common: &Common) -> Done {
    let records = common.records()?;
    let now = common.now();
    let mut lines = Vec::new();
    for subscriber in records.subscribers() {
        lines.push(subscriber_line(subscriber));
    }
    for (serial, card) in records.cards() {
        lines.push(card_line(serial, card));
    }
    let certificates = records.certificates()?;
    lines.extend(certificates.iter().map(|one| certificate_line(one, &records, now)));
    let json = json!({
        "done": true,
        "subscribers": records.subscribers().map(subscriber_json).collect::<Vec<_>>(),
        "cards": records.cards().map(|(serial, card)| card_json(serial, card)).collect::<Vec<_>>(),
        "certificates": certificates.iter().map(|one| listed_json(one, now)).collect::<Vec<_>>(),
    });
    Ok(Report::new(lines, json))
}

#[derive(clap::Args)]
pub(crate) struct Show {
    /// Certificate ID, serial number of a card, or serial number of a certificate
    name: String,
}

pub(crate) fn show(common: &Common, args: &Show) -> Done {
    let records = common.records()?;
    let now = common.now();
    let plain: String = args.name.chars().filter(|c| *c != ':').collect();
    let certificates = records.certificates()?;
    if let Some(one) = certificates.iter().find(|one| one.serial.eq_ignore_ascii_case(&plain)) {
        let lines = vec![certificate_line(one, &records, now), one.certificate.to_pem().trim_end().to_owned()];
        return Ok(Report::new(lines, json!({ "done": true, "certificate": listed_json(one, now) })));
    }
    let subscriber = records.subscribers().find(|one| one.id == args.name);
    let card = records.cards().find(|(serial, _)| *serial == args.name);
    let belongs = |one: &&Listed| match subscriber {
        Some(subscriber) => one.issued.subscriber == subscriber.id,
        None => one.issued.card == args.name,
    };
    if subscriber.is_none() && card.is_none() {
        return Err(CaError::NoCertificate { serial: args.name.clone() }.into());
    }
    let cards: Vec<(&str, &Card)> = match subscriber {
        Some(subscriber) => records.cards().filter(|(_, card)| card.subscriber == subscriber.id).collect(),
        None => card.into_iter().collect(),
    };
    let certificates: Vec<&Listed> = certificates.iter().filter(belongs).collect();
    let mut lines: Vec<String> = subscriber.map(subscriber_line).into_iter().collect();
    lines.extend(cards.iter().map(|(serial, card)| card_line(serial, card)));
    lines.extend(certificates.iter().map(|one| certificate_line(one, &records, now)));
    let json = json!({
        "done": true,
        "subscriber": subscriber.map(subscriber_json),
        "cards": cards.iter().map(|(serial, card)| card_json(serial, card)).collect::<Vec<_>>(),
        "certificates": certificates.iter().map(|one| listed_json(one, now)).collect::<Vec<_>>(),
    });
    Ok(Report::new(lines, json))
}

fn name(subscriber: &Subscriber) -> String {
    card_pki::name::shown(&subscriber.subject_der).unwrap_or_else(|error| error.to_string())
}

fn subscriber_line(subscriber: &Subscriber) -> String {
    let email = subscriber.email.as_deref().unwrap_or("no mail address");
    format!("subscriber {}: {}, unit {}, {email}", subscriber.id, name(subscriber), subscriber.ra_unit)
}

fn subscriber_json(subscriber: &Subscriber) -> Value {
    json!({
        "id": subscriber.id,
        "ra_unit": subscriber.ra_unit,
        "subject": name(subscriber),
        "email": subscriber.email,
        "since": subscriber.since.to_string(),
    })
}

fn card_line(serial: &str, card: &Card) -> String {
    let puk = if card.sealed_puk.is_some() { "PUK kept" } else { "no PUK" };
    match &card.state {
        CardState::Active => format!("card {serial}: of {}, {puk}", card.subscriber),
        CardState::Replaced { by, at } => {
            format!("card {serial}: of {}, replaced by {by} on {}, {puk}", card.subscriber, shown(*at))
        }
    }
}

fn card_json(serial: &str, card: &Card) -> Value {
    let replaced_by = match &card.state {
        CardState::Active => None,
        CardState::Replaced { by, .. } => Some(by),
    };
    json!({
        "serial": serial,
        "subscriber": card.subscriber,
        "bound": card.bound.to_string(),
        "replaced_by": replaced_by,
        "puk": card.sealed_puk.is_some(),
    })
}

fn certificate_line(one: &Listed, records: &Records, now: Timestamp) -> String {
    let issued = &one.issued;
    let mut text = format!(
        "certificate {}: of {} on card {}, {} from {} to {}",
        one.serial,
        issued.subscriber,
        issued.card,
        issued.state(now),
        shown(issued.not_before),
        shown(issued.not_after)
    );
    if let Some(revoked) = issued.revoked {
        text.push_str(&format!(", revoked on {} ({})", shown(revoked.at), revoked.reason));
    }
    if let Some(old) = &issued.renewal_of {
        text.push_str(&format!(", follows {old}"));
    }
    if records.is_renewed(&one.serial, now) {
        text.push_str(", renewed");
    }
    text.push_str(if issued.installed.is_some() { ", on the card" } else { ", not confirmed" });
    text
}

fn listed_json(one: &Listed, now: Timestamp) -> Value {
    let issued = &one.issued;
    let mut value = certificate_json(&one.certificate);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("subscriber".into(), json!(issued.subscriber));
        fields.insert("card".into(), json!(issued.card));
        fields.insert("state".into(), json!(issued.state(now)));
        fields.insert("renewal_of".into(), json!(issued.renewal_of));
        fields.insert("revoked".into(), json!(issued.revoked));
        fields.insert("noticed".into(), json!(issued.noticed.map(|at| at.to_string())));
        fields.insert("installed".into(), json!(issued.installed.map(|at| at.to_string())));
    }
    value
}
