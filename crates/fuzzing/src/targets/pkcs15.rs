//! What is read from cards and channels: PKCS#15 files, certificates, requests, renewals, revocation lists.
//!
//! The first byte chooses the reader. What was read and can be written is read again as the same.

use std::fmt::Debug;

use card_pki::channel::Recipient;
use card_pki::crl::Crl;
use card_pki::{Certificate, Chain, PublicKey};
use host_driver::pkcs15::Journal;
use host_driver::pkcs15::codec::{
    Application, AuthObject, Certificate as CertificateEntry, DataObject, Directory, Object, OdfEntry, PrivateKey,
    PublicKey as PublicKeyEntry, TokenInfo, is_time,
};

/// How many readers there are.
pub const READERS: u8 = 17;

/// Reads the input.
///
/// # Panics
/// Where a reader panics or contradicts itself.
pub fn check(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    match choice % READERS {
        0 => directory::<OdfEntry>(data),
        1 => directory::<AuthObject>(data),
        2 => directory::<PrivateKey>(data),
        3 => directory::<PublicKeyEntry>(data),
        4 => directory::<CertificateEntry>(data),
        5 => directory::<DataObject>(data),
        6 => directory::<Application>(data),
        7 => token_info(data),
        8 => journal(data),
        9 => certificate(data),
        10 => drop(card_pki::request::parse(data)),
        11 => drop(card_pki::renewal::parse(data)),
        12 => revocations(data),
        13 => drop(text(data).map(Chain::from_pem)),
        14 => key(data),
        15 => drop(text(data).map(|pem| (Certificate::from_pem(pem).is_ok(), Recipient::from_pem(pem).is_ok()))),
        _ => times_and_names(data),
    }
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Entries keep their bytes, and what is understood of them survives being written.
fn directory<E: Object + Debug + PartialEq>(data: &[u8]) {
    let directory = Directory::<E>::parse(data);
    assert_directory(data, &directory);
}

fn assert_directory<E: Object + Debug + PartialEq>(data: &[u8], directory: &Directory<E>) {
    assert!(directory.used <= data.len(), "{} bytes used of {}", directory.used, data.len());
    assert_eq!(directory.to_bytes(), data[..directory.used], "entries keep their bytes");
    assert!(directory.torn.is_none_or(|at| at == directory.used), "torn at {:?}", directory.torn);
    for value in directory.values() {
        let Ok(encoded) = value.encode() else { continue };
        let again = E::decode(&encoded);
        assert_eq!(again.as_ref().ok().map(E::encode), Some(Ok(encoded)), "{value:?} is written in two ways");
    }
    assert_eq!(PrivateKey::validity_at(data).filter(|(from, to)| *from > data.len() || *to > data.len()), None);
    let _ = PrivateKey::reference_of_any(data);
}

fn token_info(data: &[u8]) {
    if let Some(at) = TokenInfo::last_update_at(data) {
        assert!(at + 15 <= data.len(), "the time stands at {at} of {}", data.len());
    }
    if let Ok(info) = TokenInfo::parse(data)
        && let Ok(written) = info.to_der()
    {
        let again = TokenInfo::parse(&written).expect("what was written is read");
        assert_eq!(again.to_der(), Ok(written));
    }
}

fn journal(data: &[u8]) {
    if let Some(journal) = Journal::parse(data) {
        assert_eq!(Journal::parse(&journal.to_bytes()), Some(journal));
    }
}

fn certificate(data: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(data) {
        let pem = certificate.to_pem();
        let again = Certificate::from_pem(&pem).expect("what was written is read");
        assert_eq!(again, certificate);
        assert!(!format!("{certificate:?}").is_empty());
    }
}

fn revocations(data: &[u8]) {
    if let Ok(crl) = Crl::from_der(data) {
        assert_eq!(crl.der(), data);
        for entry in crl.entries() {
            assert!(crl.revoked(&entry.serial).is_some(), "an entry that cannot be found");
        }
    }
}

fn key(data: &[u8]) {
    if let Ok(key) = PublicKey::from_spki_der(data) {
        assert_eq!(PublicKey::from_spki_der(&key.to_spki_der()).ok(), Some(key));
    }
    drop(PublicKey::from_rsa_der(data));
}

fn times_and_names(data: &[u8]) {
    drop(card_pki::name::shown(data));
    if let Some(text) = text(data) {
        drop(card_pki::time::parse(text));
        let _ = is_time(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_loses_bytes_is_found() {
        let bytes = [0x30, 0x03, 0x02, 0x01, 0x05, 0x00];
        let mut directory = Directory::<OdfEntry>::parse(&bytes);
        assert_directory(&bytes, &directory);
        directory.used -= 1;
        assert!(std::panic::catch_unwind(|| assert_directory(&bytes, &directory)).is_err());
    }

    #[test]
    fn every_reader_takes_nothing_and_a_little() {
        for choice in 0..READERS {
            for data in [&[][..], &[0], &[0x30, 0x80], &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], b"-----BEGIN"] {
                check(&[&[choice], data].concat());
            }
        }
    }
}
