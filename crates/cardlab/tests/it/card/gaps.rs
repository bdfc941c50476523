//! What breaks in the middle, comes late or stands beside: downloads, further cards and readers, many years, languages.

mod download;
mod readers;
mod removal;
mod signer;
mod words;
mod years;

use super::desk::Desk;

/// Options with which a script renews.
const RENEW: [&str; 5] = ["renew", "--pin-fd", "3", "--accept-agreement", "channel/agreement.txt"];

/// States and serial numbers of the certificates, the newest first.
fn certificates(desk: &Desk, now: &str) -> Vec<(String, String)> {
    rows(&desk.card(now, &["certs", "--json"]).ends(0).json())
}

fn rows(certs: &serde_json::Value) -> Vec<(String, String)> {
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    certs["certificates"].as_array().unwrap().iter().map(|row| (text(row, "code"), text(row, "serial"))).collect()
}

/// The states alone.
fn states(desk: &Desk, now: &str) -> Vec<String> {
    certificates(desk, now).into_iter().map(|(state, _)| state).collect()
}
