//! What this computer knows of cards: registered certificates, the PKCS#11 module.

use std::path::{Path, PathBuf};

use card_enrolment::authority::Authority as _;
use card_pki::certificate::Certificate;
use card_pki::time::shown;
use serde_json::json;

use super::Session;
use crate::csp;
use crate::failure::Failure;
use crate::home::Home;
use crate::nss::Nss;
use crate::registration::Registrations;
use crate::report::Report;
use crate::settings::Settings;

/// Registers the card's certificates on this computer, and brings an older registration up to date.
///
/// # Errors
/// [`Failure`].
pub fn register(session: &mut Session, nss: Option<&Path>) -> Result<Report, Failure> {
    let lang = session.lang();
    let found = session.look()?;
    session.note(&found)?;
    let authorities = authorities(session, &found.authorities);
    let nss = match nss {
        Some(dir) => {
            let nss = Nss::at(lang, dir);
            if !nss.exists() {
                return Err(Failure::missing("no-nss", lang.cannot_read(dir.display(), "cert9.db")));
            }
            Some(nss)
        }
        None if Nss::has_tools() => Nss::of_user(lang).filter(Nss::exists),
        None => None,
    };
    let mut registrations = Registrations::load(&session.home)?;
    let now = session.settings().now;
    let change = registrations.register(&session.home, &found, &authorities, now, nss.as_ref())?;
    let all: Vec<_> = registrations.of(&found.serial).collect();
    let mut report = Report::new(json!({
        "card": found.serial,
        "registered": all,
        "added": change.added.len(),
        "removed": change.removed.len(),
        "nss": change.nss,
    }));
    if all.is_empty() {
        report.line(lang.certs_none());
    }
    for entry in &all {
        report.line(lang.registered(&entry.serial, shown(entry.not_after)));
        report.line(lang.registered_uri(&entry.key_uri));
    }
    for entry in &change.removed {
        report.line(lang.register_removed(&entry.serial));
    }
    report.lines.extend(change.nss.map(|dir| lang.register_nss(dir.display())));
    if change.added.is_empty() && change.removed.is_empty() {
        report.line(lang.registered_already());
    } else {
        report.line(lang.register_done());
    }
    Ok(report)
}

/// The authority's certificates: those on the card, or else from its channel.
fn authorities(session: &Session, on_card: &[Certificate]) -> Vec<Certificate> {
    if !on_card.is_empty() {
        return on_card.to_vec();
    }
    let chain = session.authority().ok().and_then(|mut authority| authority.chain().ok());
    chain.map_or_else(Vec::new, |chain| vec![chain.issuing, chain.root])
}

/// Takes registrations away: those of one card, or all. Needs no card.
///
/// # Errors
/// [`Failure`].
pub fn unregister(settings: &Settings, card: Option<&str>) -> Result<Report, Failure> {
    let lang = settings.lang;
    let home = Home::of(settings)?;
    let mut registrations = Registrations::load(&home)?;
    let removed = registrations.unregister(&home, card)?;
    let mut report = Report::new(json!({ "removed": removed }));
    report.line(if removed.is_empty() { lang.unregistered_none() } else { lang.unregistered(removed.len()) });
    Ok(report)
}

/// Registers the PKCS#11 module for this user. Needs no card.
///
/// # Errors
/// [`Failure`].
pub fn install_csp(settings: &Settings, module: Option<&Path>) -> Result<Report, Failure> {
    let lang = settings.lang;
    let done = csp::install(lang, &Home::of(settings)?, module)?;
    let mut report = Report::new(json!({
        "module": done.module, "p11kit": done.p11kit, "nss": done.nss, "changed": done.changed,
    }));
    let shown = done.module.display();
    report.line(if done.changed { lang.csp_done(shown) } else { lang.csp_already(shown) });
    report.line(lang.csp_p11kit(done.p11kit.display()));
    report.line(done.nss.as_ref().map_or_else(|| lang.csp_no_nss(), |dir| lang.csp_nss(dir.display())));
    if csp::is_root() {
        report.line(lang.csp_root());
    }
    Ok(report)
}

/// Takes the PKCS#11 module away again. Needs no card.
///
/// # Errors
/// [`Failure`].
pub fn uninstall_csp(settings: &Settings) -> Result<Report, Failure> {
    let lang = settings.lang;
    let (found, left): (bool, Vec<PathBuf>) = csp::uninstall(lang, &Home::of(settings)?)?;
    let mut report = Report::new(json!({ "changed": found, "left": left }));
    report.line(if found { lang.csp_removed() } else { lang.csp_none() });
    report.lines.extend(left.iter().map(|path| lang.csp_changed(path.display())));
    Ok(report)
}
