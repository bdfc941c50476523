//! From a blank card to one with files, PUK and PIN.

use card_wire::Status;

use super::codec::{Application, AuthObject, Certificate, DataObject, Entry, Id, Object, OdfEntry, Path, TokenInfo};
use super::error::Error;
use super::journal::{self, Journal};
use super::layout::{self, APPLICATION};
use super::write;
use crate::card::Card;
use crate::file::MF;
use crate::secret::{Pin, Puk};
use crate::transport::Transport;

/// What a new card is given.
#[derive(Clone, Debug)]
pub struct Personalisation {
    /// The card's serial number, at most 32 characters.
    pub serial: String,
    /// What PKCS#11 programs show as the token's name, at most 32 bytes.
    pub label: String,
    /// Who gives it out, at most 32 bytes.
    pub manufacturer: String,
    /// The time, `YYYYMMDDHHMMSSZ`.
    pub now: String,
    /// The first PIN.
    pub pin: Pin,
    /// The PUK.
    pub puk: Puk,
    /// Certificates of the authority, DER, the issuing one first; so that another computer can build the chain.
    pub authority: Vec<Vec<u8>>,
}

/// Puts files, PUK and PIN on a blank card. The PIN comes last: until it is set, the card can be started over.
/// Returns whether the PUK is the one given: one that was set before an interruption stays.
///
/// # Errors
/// [`Error::AlreadyPersonalised`] if the card has a PIN or an application that was finished; a card on which this was
/// interrupted is taken up again from the beginning. [`Error::Full`] if the memory is too small.
pub fn personalise<T: Transport>(card: &mut Card<T>, with: &Personalisation) -> Result<bool, Error> {
    card.enter_application()?;
    start_over(card)?;
    let dir = Application { aid: PKCS15_AID.to_vec(), label: Some(with.label.clone()), path: vec![MF, APPLICATION] };
    file(card, layout::EF_DIR, layout::SMALL, &encoded(dir)?)?;
    card.select(&[])?;
    card.create(&crate::file::NewFile::df(APPLICATION, 0x5000, layout::DF)).map_err(|error| write::full(error, 0))?;
    let trusted = !with.authority.is_empty();
    file(card, layout::EF_ODF, layout::SMALL, &odf(trusted)?)?;
    let info = token_info(with)?;
    let size = u16::try_from(info.len()).map_err(|_| Error::Unencodable { what: "EF.TokenInfo" })?;
    file(card, layout::EF_TOKEN_INFO, size, &info)?;
    file(card, layout::EF_AODF, layout::SMALL, &[encoded(user_pin())?, encoded(puk())?].concat())?;
    for set in [0, layout::SET_B] {
        for fid in [layout::EF_PRKDF, layout::EF_PUKDF, layout::EF_CDF] {
            write::create(card, &layout::lasting(fid | set, layout::DIRECTORY))?;
        }
    }
    if trusted {
        trust(card, &with.authority)?;
    }
    file(card, layout::EF_DODF, layout::MEDIUM, &encoded(journal_object())?)?;
    let size = u16::try_from(journal::LEN).unwrap_or(layout::SMALL);
    write::create(card, &layout::passing(layout::EF_JOURNAL, size))?;
    card.update_binary(0, &Journal::IDLE.to_bytes())?;
    let set = match card.set_puk(&with.puk) {
        // Set before this was interrupted: it stays.
        Err(error) if error.status() == Some(Status::WRONG_P1_P2) => false,
        other => other.map(|()| true)?,
    };
    card.set_pin(&with.pin)?;
    Ok(set)
}

const PKCS15_AID: [u8; 12] = *b"\xA0\0\0\0cPKCS-15";

/// Removes what an interrupted personalisation left. A card with a PIN is left alone.
fn start_over<T: Transport>(card: &mut Card<T>) -> Result<(), Error> {
    match card.pin_tries() {
        // The PIN is not set: it asks for none.
        Ok(None) => {}
        Ok(Some(_)) => return Err(Error::AlreadyPersonalised),
        Err(error) if error.is_transport() => return Err(error.into()),
        Err(_) => {}
    }
    card.select(&[])?;
    for fid in [APPLICATION, layout::EF_DIR] {
        match card.delete(fid) {
            Err(error) if error.status() == Some(Status::NOT_FOUND) => {}
            Err(error) if error.status() == Some(Status::SECURITY_STATUS) => {
                return Err(Error::AlreadyPersonalised);
            }
            other => other?,
        }
    }
    Ok(card.select(&[]).map(drop)?)
}

/// Creates a file and writes its beginning.
fn file<T: Transport>(card: &mut Card<T>, fid: u16, size: u16, content: &[u8]) -> Result<(), Error> {
    write::create(card, &layout::lasting(fid, size))?;
    Ok(card.update_binary(0, content)?)
}

fn encoded<E: Object>(value: E) -> Result<Vec<u8>, Error> {
    Ok(Entry::new(value).map_err(|_| Error::Unencodable { what: "a directory entry" })?.raw)
}

fn at(fid: u16) -> Path {
    Path { file: vec![MF, APPLICATION, fid], part: None }
}

fn odf(trusted: bool) -> Result<Vec<u8>, Error> {
    let mut entries = vec![
        OdfEntry::AuthObjects(at(layout::EF_AODF)),
        OdfEntry::PrivateKeys(at(layout::EF_PRKDF)),
        OdfEntry::PublicKeys(at(layout::EF_PUKDF)),
        OdfEntry::Certificates(at(layout::EF_CDF)),
        OdfEntry::DataObjects(at(layout::EF_DODF)),
    ];
    if trusted {
        entries.push(OdfEntry::TrustedCertificates(at(layout::EF_TRUSTED_CDF)));
    }
    let encoded: Result<Vec<_>, _> = entries.into_iter().map(encoded).collect();
    Ok(encoded?.concat())
}

fn token_info(with: &Personalisation) -> Result<Vec<u8>, Error> {
    let info = TokenInfo::new(
        with.serial.as_bytes().to_vec(),
        with.manufacturer.clone(),
        with.label.clone(),
        with.now.clone(),
    );
    info.to_der().map_err(|_| Error::Unencodable { what: "serial number, label or manufacturer" })
}

fn user_pin() -> AuthObject {
    AuthObject::user_pin(
        "User PIN",
        &Id(vec![layout::PIN_ID]),
        &Id(vec![layout::PUK_ID]),
        layout::PIN,
        layout::PIN_REFERENCE,
    )
}

fn puk() -> AuthObject {
    AuthObject::puk("PUK", &Id(vec![layout::PUK_ID]), layout::PUK_REFERENCE)
}

fn journal_object() -> DataObject {
    DataObject {
        label: "journal".to_owned(),
        application: Some(layout::JOURNAL_APPLICATION.to_owned()),
        path: at(layout::EF_JOURNAL),
        ..DataObject::default()
    }
}

/// Writes the authority's certificates and their directory.
fn trust<T: Transport>(card: &mut Card<T>, certificates: &[Vec<u8>]) -> Result<(), Error> {
    let mut listed = Vec::new();
    for (der, number) in certificates.iter().zip(0u8..) {
        let fid = layout::EF_AUTHORITY + u16::from(number);
        let size = u16::try_from(der.len()).map_err(|_| Error::Unencodable { what: "the authority's certificate" })?;
        file(card, fid, size, der)?;
        let entry = Certificate {
            label: format!("CA {number}"),
            id: Id(vec![0xF0 + number]),
            authority: true,
            path: at(fid),
            ..Certificate::default()
        };
        listed.extend(encoded(entry)?);
    }
    file(card, layout::EF_TRUSTED_CDF, layout::MEDIUM, &listed)
}
