//! The registration desk's command: a blank card becomes a subscriber's card.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use card_enrolment::authority::Authority as _;
use card_enrolment::{DirectoryChannel, Error, Personalisation, personalise};
use card_pki::channel::{SealedPuk, is_name};
use host_driver::pkcs15;
use serde_json::json;

use super::Session;
use crate::failure::Failure;
use crate::home;
use crate::report::Report;
use crate::secret::{self, Typed};
use crate::sentences;
use crate::texts::Lang;

/// Length of a first PIN.
const PIN_LEN: usize = 8;
/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";

/// How a card is personalised.
#[derive(Clone, Debug)]
pub struct Init {
    /// The card's serial number; a random one without it.
    pub serial: Option<String>,
    /// The token's name.
    pub label: String,
    /// Who gives it out.
    pub manufacturer: String,
    /// Where the PIN letter is written.
    pub letter: Option<PathBuf>,
    /// The channel holds a PUK for this serial number already: of this very card, whose personalisation was interrupted.
    pub again: bool,
}

/// Personalises a blank card. The PUK is with the authority before the card has it; the PIN is told once.
///
/// # Errors
/// [`Failure`]; the card and the channel are then as they were, or the card can be started over.
pub fn init(session: &mut Session, init: &Init) -> Result<Report, Failure> {
    let lang = session.lang();
    let serial = match &init.serial {
        Some(serial) if is_name(serial) && serial.len() <= 32 => serial.clone(),
        Some(serial) => return Err(Failure::missing("bad-serial", lang.bad_serial(serial))),
        None => secret::random(lang, b"0123456789ABCDEF", 16)?.to_string(),
    };
    if session.settings().channel.is_none() && session.settings().puk_fd.is_none() {
        return Err(Failure::missing("puk-place", lang.init_needs_puk_place()));
    }
    blank(session)?;
    let given = session.person.given_pin()?;
    let told = given.is_none();
    let pin = given.map_or_else(|| secret::random(lang, b"0123456789", PIN_LEN), Ok)?;
    let puk = match session.settings().puk_fd {
        Some(fd) => session.person.line_from(fd)?,
        None => secret::random(lang, ALPHABET, secret::PUK_LEN)?,
    };
    let order = Personalisation {
        serial: serial.clone(),
        label: init.label.clone(),
        manufacturer: init.manufacturer.clone(),
        now: session.settings().now.strftime("%Y%m%d%H%M%SZ").to_string(),
        pin: secret::pin(lang, &pin)?,
        puk: secret::puk(lang, &puk)?,
        authority: authority_certificates(session),
    };
    let letter = told.then(|| letter(lang, &serial, &pin));
    if let (Some(path), Some(letter)) = (&init.letter, &letter) {
        write_letter(lang, path, letter)?;
    }
    let done = sealed_and_done(session, init, &puk, &order);
    if let (Err(_), Some(path), true) = (&done, &init.letter, told) {
        // Its PIN is nobody's.
        let _ = std::fs::remove_file(path);
    }
    let sealed = done?;
    Ok(report(lang, &serial, sealed, init.letter.as_deref().filter(|_| told), letter))
}

/// Only a blank card goes on: the PUK of a used one must not be replaced with the authority.
fn blank(session: &mut Session) -> Result<(), Failure> {
    let now = session.settings().now;
    let lang = session.lang();
    match card_enrolment::overview(&mut session.card, now, None) {
        Ok(_) => Err(Failure::new("already-personalised", lang.already_personalised())),
        // Half a structure is what an interrupted personalisation leaves; the card itself tells whether it can be redone.
        Err(Error::Token(_) | Error::Certificate(_)) => Ok(()),
        Err(Error::Card(host_driver::Error::Refused(status))) if status.0 == 0x6A82 => {
            match session.card.select_application() {
                Ok(_) => Ok(()),
                Err(_) => Err(Failure::new("foreign-card", lang.foreign_card())),
            }
        }
        Err(error) => Err(session.failed(&error)),
    }
}

fn authority_certificates(session: &Session) -> Vec<Vec<u8>> {
    let chain = session.authority().ok().and_then(|mut authority| authority.chain().ok());
    chain.map_or_else(Vec::new, |chain| vec![chain.issuing.der().to_vec(), chain.root.der().to_vec()])
}

/// Seals the PUK, then personalises. Returns whether the PUK is with the authority.
fn sealed_and_done(session: &mut Session, init: &Init, puk: &Typed, order: &Personalisation) -> Result<bool, Failure> {
    let lang = session.lang();
    if session.settings().channel.is_none() {
        return run(session, order).map(|_| false);
    }
    let mut authority = session.authority()?;
    let before = earlier(lang, &authority, &order.serial)?;
    if before.is_some() && !init.again {
        return Err(Failure::missing("puk-exists", lang.puk_exists(&order.serial)));
    }
    let sealed = seal(lang, &authority, puk, &order.serial)?;
    authority.keep_puk(&sealed).map_err(|error| sentences::authority(lang, &error))?;
    let done = run(session, order);
    let keep = match &done {
        Ok(ours) => *ours,
        // Whether the card has the new PUK is not known where the connection broke.
        Err(failure) => failure.code.starts_with("card-") || failure.code == "connection",
    };
    if !keep {
        let undone = match &before {
            Some(before) => authority.channel().put_sealed(before),
            None => authority.channel().remove_sealed(&order.serial),
        };
        undone.map_err(|error| Failure::new("puk", lang.puk_not_sealed(error)))?;
    }
    done.map(|_| true)
}

fn earlier(lang: Lang, authority: &DirectoryChannel, serial: &str) -> Result<Option<SealedPuk>, Failure> {
    authority.channel().sealed_puk(serial).map_err(|error| Failure::missing("puk", lang.puk_not_sealed(error)))
}

fn seal(lang: Lang, authority: &DirectoryChannel, puk: &Typed, serial: &str) -> Result<SealedPuk, Failure> {
    let failed = |detail: String| Failure::missing("puk", lang.puk_not_sealed(detail));
    let recipient = authority.channel().recipient().map_err(|error| failed(error.to_string()))?;
    let recipient = recipient.ok_or_else(|| failed("recipient.pem".to_owned()))?;
    recipient.seal(puk.as_bytes(), serial).map_err(|error| failed(error.to_string()))
}

/// Returns whether the card has this PUK, or still that of an interrupted attempt.
fn run(session: &mut Session, order: &Personalisation) -> Result<bool, Failure> {
    let lang = session.lang();
    personalise(&mut session.card, order).map_err(|error| match error {
        Error::Token(pkcs15::Error::Card(error)) | Error::Card(error) => sentences::card(lang, &order.serial, &error),
        other => session.failed(&other),
    })
}

fn letter(lang: Lang, serial: &str, pin: &Typed) -> Typed {
    let lines = [lang.letter_title(), String::new(), lang.letter_serial(serial), lang.letter_pin(pin.as_str())];
    let lines = zeroize::Zeroizing::new(lines);
    Typed::new(format!("{}\n\n{}\n", lines.join("\n"), lang.letter_advice()))
}

fn write_letter(lang: Lang, path: &Path, letter: &Typed) -> Result<(), Failure> {
    let written = home::create_private(path).and_then(|mut file| {
        file.write_all(letter.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::missing("file-exists", lang.file_exists(path.display())),
        _ => Failure::write(lang, path, &error),
    })
}

fn report(lang: Lang, serial: &str, sealed: bool, path: Option<&Path>, letter: Option<Typed>) -> Report {
    // The PIN is in no document for scripts: those name a file.
    let mut report = Report::new(json!({ "card": serial, "puk_sealed": sealed, "letter": path }));
    report.line(lang.init_done(serial));
    if sealed {
        report.line(lang.init_puk_sealed());
    }
    match (path, letter) {
        (Some(path), _) => {
            report.line(lang.init_letter_in(path.display()));
        }
        (None, Some(letter)) => {
            report.line("").line(letter.as_str());
        }
        (None, None) => {}
    }
    report
}
