//! Certificates of cards in the user's store, bound to the module and the key that belongs to them. Never a key.

use std::fs;
use std::path::{Path, PathBuf};

use card_enrolment::Overview;
use card_pki::certificate::Certificate;
use card_pki::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::home::Home;
use crate::module;
use crate::nss::Nss;
use crate::texts::Lang;

const FILE: &str = "registrations.json";
const CERTIFICATES: &str = "certificates";

/// One registered certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The card's serial number.
    pub(crate) card: String,
    /// The name of the token as PKCS#11 programs see it, where that could be found out.
    pub(crate) token: Option<String>,
    /// The key's identifier, in hex.
    pub(crate) key_id: String,
    /// The module, where one is installed.
    pub(crate) module: Option<PathBuf>,
    /// The key's PKCS#11 URI.
    pub(crate) key_uri: String,
    /// The certificate's PKCS#11 URI.
    pub(crate) certificate_uri: String,
    pub(crate) serial: String,
    pub(crate) subject: String,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    /// SHA-256 of the certificate, which names its file.
    pub(crate) sha256: String,
    pub(crate) registered_at: Timestamp,
}

/// What was put into an NSS database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Imported {
    pub(crate) dir: PathBuf,
    pub(crate) nickname: String,
    pub(crate) sha256: String,
}

/// All that is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registrations {
    #[serde(default)]
    pub(crate) entries: Vec<Entry>,
    /// The authority's certificates, by their hash.
    #[serde(default)]
    pub(crate) authorities: Vec<String>,
    #[serde(default)]
    pub(crate) imported: Vec<Imported>,
}

/// What a registration changed.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) added: Vec<Entry>,
    pub(crate) removed: Vec<Entry>,
    pub(crate) nss: Option<PathBuf>,
}

pub(crate) fn hash(certificate: &Certificate) -> String {
    hex::encode(certificate.fingerprint())
}

impl Registrations {
    pub(crate) fn load(home: &Home) -> Result<Self, Failure> {
        home.read(FILE)
    }

    fn save(&self, home: &Home) -> Result<(), Failure> {
        if *self == Self::default() {
            remove(&home.path(FILE));
            // Only where nothing else is in it.
            let _ = fs::remove_dir(home.path(CERTIFICATES));
            return Ok(());
        }
        home.write(FILE, self)
    }

    /// Whether the card was registered here once and holds other certificates now.
    pub(crate) fn is_stale(&self, overview: &Overview) -> bool {
        let mut here: Vec<&str> = self.of(&overview.serial).map(|entry| entry.sha256.as_str()).collect();
        let mut there: Vec<String> = on_card(overview).map(|(_, certificate)| hash(certificate)).collect();
        here.sort_unstable();
        there.sort_unstable();
        !here.is_empty() && here != there
    }

    pub(crate) fn of<'a>(&'a self, card: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.card == card)
    }

    /// Makes the registrations of this card what is on it now.
    pub(crate) fn register(
        &mut self,
        home: &Home,
        overview: &Overview,
        authorities: &[Certificate],
        now: Timestamp,
        nss: Option<&Nss>,
    ) -> Result<Change, Failure> {
        let module = module::usual();
        let token = module.as_deref().and_then(|module| module::token_label(module, &overview.serial));
        let mut change = Change::default();
        let mut present = Vec::new();
        for (id, certificate) in on_card(overview) {
            let entry = entry(overview, id, certificate, module.as_deref(), token.as_deref(), now);
            home.put(&file(&entry.sha256), certificate.to_pem().as_bytes())?;
            if let Some(nss) = nss {
                self.import(home, nss, &format!("cardlab {} {}", entry.card, entry.serial), &entry.sha256)?;
                change.nss = Some(nss.dir.clone());
            }
            let old = self.entries.iter().position(|old| old.card == entry.card && old.sha256 == entry.sha256);
            match old {
                Some(at) => {
                    let registered_at = self.entries[at].registered_at;
                    // The token's name is known only while the card is in a reader.
                    let known = if entry.token.is_none() { self.entries[at].clone() } else { entry };
                    self.entries[at] = Entry { registered_at, ..known };
                }
                None => {
                    change.added.push(entry.clone());
                    self.entries.push(entry.clone());
                }
            }
            present.push(hash(certificate));
        }
        for authority in authorities {
            let sha256 = hash(authority);
            home.put(&file(&sha256), authority.to_pem().as_bytes())?;
            if let Some(nss) = nss {
                let name = authority.common_name().unwrap_or_else(|| authority.serial().to_owned());
                self.import(home, nss, &format!("cardlab {name}"), &sha256)?;
            }
            if !self.authorities.contains(&sha256) {
                self.authorities.push(sha256);
            }
        }
        let gone = |entry: &Entry| entry.card == overview.serial && !present.contains(&entry.sha256);
        change.removed = self.take(home, gone)?;
        self.save(home)?;
        Ok(change)
    }

    fn import(&mut self, home: &Home, nss: &Nss, nickname: &str, sha256: &str) -> Result<(), Failure> {
        if nss.has_certificate(nickname) {
            return Ok(());
        }
        nss.add_certificate(nickname, &home.path(&file(sha256)))?;
        self.imported.push(Imported { dir: nss.dir.clone(), nickname: nickname.to_owned(), sha256: sha256.to_owned() });
        // At once: what is not written down cannot be taken away again.
        self.save(home)
    }

    /// Takes registrations away, with exactly what was made for them.
    fn take(&mut self, home: &Home, gone: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>, Failure> {
        let (removed, kept): (Vec<_>, Vec<_>) = self.entries.drain(..).partition(&gone);
        self.entries = kept;
        if self.entries.is_empty() && !removed.is_empty() {
            let authorities = std::mem::take(&mut self.authorities);
            for sha256 in &authorities {
                self.forget(home, sha256)?;
            }
        }
        for entry in &removed {
            if !self.entries.iter().any(|kept| kept.sha256 == entry.sha256) {
                self.forget(home, &entry.sha256)?;
            }
        }
        Ok(removed)
    }

    fn forget(&mut self, home: &Home, sha256: &str) -> Result<(), Failure> {
        let (ours, kept): (Vec<_>, Vec<_>) = self.imported.drain(..).partition(|imported| imported.sha256 == sha256);
        self.imported = kept;
        for imported in ours {
            let nss = Nss::at(Lang::En, &imported.dir);
            if nss.exists() && nss.has_certificate(&imported.nickname) {
                nss.remove_certificate(&imported.nickname)?;
            }
        }
        remove(&home.path(&file(sha256)));
        Ok(())
    }

    /// Takes the registrations of one card away, or all.
    pub(crate) fn unregister(&mut self, home: &Home, card: Option<&str>) -> Result<Vec<Entry>, Failure> {
        let removed = self.take(home, |entry| card.is_none_or(|card| entry.card == card))?;
        self.save(home)?;
        Ok(removed)
    }

    /// The registered certificates.
    pub(crate) fn certificates(&self, home: &Home) -> Vec<Certificate> {
        self.entries.iter().filter_map(|entry| load(home, &entry.sha256)).collect()
    }

    /// The authority's registered certificates.
    pub(crate) fn authority_certificates(&self, home: &Home) -> Vec<Certificate> {
        self.authorities.iter().filter_map(|sha256| load(home, sha256)).collect()
    }
}

fn load(home: &Home, sha256: &str) -> Option<Certificate> {
    let text = String::from_utf8(crate::home::bounded(&home.path(&file(sha256))).ok()?).ok()?;
    Certificate::from_pem(&text).ok()
}

fn file(sha256: &str) -> String {
    format!("{CERTIFICATES}/{sha256}.pem")
}

fn remove(path: &Path) {
    // What is gone already is as good.
    let _ = fs::remove_file(path);
}

/// The certificates on the card with their keys' identifiers.
pub(crate) fn on_card(overview: &Overview) -> impl Iterator<Item = (&[u8], &Certificate)> {
    overview
        .generations
        .iter()
        .filter_map(|generation| Some((generation.id.as_slice(), generation.certificate.as_ref()?)))
}

fn entry(
    overview: &Overview,
    id: &[u8],
    certificate: &Certificate,
    module: Option<&Path>,
    token: Option<&str>,
    now: Timestamp,
) -> Entry {
    let validity = certificate.validity();
    Entry {
        card: overview.serial.clone(),
        token: token.map(str::to_owned),
        key_id: hex::encode(id),
        module: module.map(Path::to_path_buf),
        key_uri: module::uri(token, id, "private"),
        certificate_uri: module::uri(token, id, "cert"),
        serial: certificate.serial().to_owned(),
        subject: certificate.subject(),
        not_before: validity.not_before,
        not_after: validity.not_after,
        sha256: hash(certificate),
        registered_at: now,
    }
}
