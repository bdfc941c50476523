//! Detached signatures: PKCS#1 v1.5 over the SHA-256 hash value of a file, as `openssl dgst -sha256 -verify` checks them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use card_enrolment::authority::Authority as _;
use card_pki::certificate::{Certificate, Chain};
use card_pki::crl::Crl;
use card_pki::refusal::Refusal;
use card_pki::time::shown;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Session, authority};
use crate::failure::Failure;
use crate::home::{self, Home};
use crate::registration::Registrations;
use crate::report::Report;
use crate::sentences;
use crate::settings::Settings;
use crate::texts::Lang;

/// The file's hash value.
fn hash(lang: Lang, path: &Path) -> Result<[u8; 32], Failure> {
    let mut hash = Sha256::new();
    let done = File::open(path).and_then(|mut file| {
        let mut piece = [0; 8192];
        loop {
            match io::Read::read(&mut file, &mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => hash.update(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    });
    done.map_err(|error| Failure::read(lang, path, &error))?;
    Ok(hash.finalize().into())
}

/// Signs a file with the card.
///
/// # Errors
/// [`Failure`].
pub fn sign(session: &mut Session, file: &Path, serial: Option<&str>, out: Option<&Path>) -> Result<Report, Failure> {
    let lang = session.lang();
    let digest = hash(lang, file)?;
    let now = session.settings().now;
    let found = session.look()?;
    if let Some(revoked) = revoked(&found, serial) {
        return Err(Failure::new("revoked", lang.wrong_certificate(sentences::refusal(lang, &revoked))));
    }
    let crl = session.crl();
    let signed = card_enrolment::sign(&mut session.card, serial, digest, &mut session.person, now, crl.as_ref());
    let (certificate, signature) = signed.map_err(|error| session.failed(&error))?;
    let path = out.map_or_else(|| with_suffix(file), Path::to_path_buf);
    home::put(&path, &signature).map_err(|error| Failure::write(lang, &path, &error))?;
    let mut report = Report::new(json!({ "signature": path, "certificate": certificate.serial() }));
    report.line(lang.signed(path.display(), certificate.serial()));
    Ok(report)
}

/// The certificate that was named, if it has been revoked: its signature would be worth nothing.
fn revoked(found: &card_enrolment::Overview, serial: Option<&str>) -> Option<Refusal> {
    let serial = serial?;
    found.generations.iter().find_map(|generation| match (&generation.certificate, &generation.state) {
        (Some(certificate), card_enrolment::State::Revoked { revocation })
            if certificate.serial().eq_ignore_ascii_case(serial) =>
        {
            Some(Refusal::Revoked { since: revocation.at, reason: revocation.reason })
        }
        _ => None,
    })
}

fn with_suffix(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// What is verified.
#[derive(Clone, Debug)]
pub struct Verify {
    /// The file that was signed.
    pub file: PathBuf,
    /// Its signature.
    pub signature: PathBuf,
    /// The signer's certificate; without it the registered ones are tried.
    pub certificate: Option<PathBuf>,
}

/// Checks a signature: the file, the certificate's issuer and dates, and revocation, as far as is known here.
///
/// # Errors
/// [`Failure`] if the signature or the certificate does not hold.
pub fn verify(settings: &Settings, what: &Verify) -> Result<Report, Failure> {
    let lang = settings.lang;
    let home = Home::of(settings)?;
    let digest = hash(lang, &what.file)?;
    let signature = home::bounded(&what.signature).map_err(|error| Failure::read(lang, &what.signature, &error))?;
    let registrations = Registrations::load(&home)?;
    let candidates = match &what.certificate {
        Some(path) => vec![read_certificate(lang, path)?],
        None => registrations.certificates(&home),
    };
    if candidates.is_empty() {
        return Err(Failure::missing("no-certificate", lang.verify_nothing_registered()));
    }
    let signer = candidates.into_iter().find(|certificate| certificate.public_key().verify(&digest, &signature));
    let signer = signer.ok_or_else(|| Failure::new("bad-signature", lang.verify_bad()))?;
    let mut report = Report::new(json!(null));
    report.line(lang.verify_good(signer.subject(), signer.serial()));
    let (chain, crl) = trust(settings, &home, &registrations);
    let mut chained = false;
    if let Some(chain) = &chain {
        chain.check(&signer, settings.now).map_err(|fault| {
            Failure::new("bad-certificate", lang.verify_certificate_bad(sentences::fault(lang, &fault)))
        })?;
        chained = true;
        report.line(lang.verify_chain_good());
    } else {
        report.line(lang.verify_no_chain());
    }
    match &crl {
        Some(crl) => not_revoked(settings, crl, &signer, &mut report)?,
        None => {
            report.line(lang.verify_no_crl());
        }
    }
    report.json = json!({
        "certificate": signer.serial(), "subject": signer.subject(), "signature": "good",
        "chain_checked": chained, "revocation_checked": crl.is_some(),
    });
    Ok(report)
}

fn not_revoked(settings: &Settings, crl: &Crl, signer: &Certificate, report: &mut Report) -> Result<(), Failure> {
    let lang = settings.lang;
    if let Some(entry) = crl.revoked(signer.serial()) {
        let reason = Refusal::Revoked { since: entry.at, reason: entry.reason };
        return Err(Failure::new("revoked", lang.verify_certificate_bad(sentences::refusal(lang, &reason))));
    }
    report.line(lang.verify_not_revoked(shown(crl.this_update())));
    if settings.now > crl.next_update() {
        report.line(lang.verify_crl_old(shown(crl.next_update())));
    }
    Ok(())
}

fn read_certificate(lang: Lang, path: &Path) -> Result<Certificate, Failure> {
    let bytes = home::bounded(path).map_err(|error| Failure::read(lang, path, &error))?;
    let parsed = match core::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN") => Certificate::from_pem(text),
        _ => Certificate::from_der(&bytes),
    };
    parsed.map_err(|error| Failure::missing("not-a-certificate", lang.not_a_certificate(path.display(), error)))
}

/// The authority as its channel has it, or else its registered certificates.
fn trust(settings: &Settings, home: &Home, registrations: &Registrations) -> (Option<Chain>, Option<Crl>) {
    let mut authority = authority(settings).ok();
    let chain = authority.as_mut().and_then(|authority| authority.chain().ok()).or_else(|| {
        let known = registrations.authority_certificates(home);
        let bundle: String = known.iter().map(Certificate::to_pem).collect();
        Chain::from_pem(&bundle).ok()
    });
    let crl = authority.and_then(|mut authority| authority.crl().ok().flatten());
    let crl = crl.filter(|crl| chain.as_ref().is_some_and(|chain| crl.signed_by(&chain.issuing)));
    (chain, crl)
}
