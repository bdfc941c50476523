//! EF.ODF: which directory file holds which kind of object.

use super::CodecError;
use super::basic::Path;
use super::directory::Object;
use super::tlv::{Build, Field, Fields, context};

/// One kind of object and the file with its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OdfEntry {
    /// A0.
    PrivateKeys(Path),
    /// A1.
    PublicKeys(Path),
    /// A2: public keys that are trusted.
    TrustedPublicKeys(Path),
    /// A3.
    SecretKeys(Path),
    /// A4: the holder's certificates.
    Certificates(Path),
    /// A5: certificates that are trusted, as those of authorities.
    TrustedCertificates(Path),
    /// A6: certificates of others.
    UsefulCertificates(Path),
    /// A7.
    DataObjects(Path),
    /// A8: PINs and PUKs.
    AuthObjects(Path),
}

/// The number of an entry's tag is the place in this list.
const KINDS: [fn(Path) -> OdfEntry; 9] = [
    OdfEntry::PrivateKeys,
    OdfEntry::PublicKeys,
    OdfEntry::TrustedPublicKeys,
    OdfEntry::SecretKeys,
    OdfEntry::Certificates,
    OdfEntry::TrustedCertificates,
    OdfEntry::UsefulCertificates,
    OdfEntry::DataObjects,
    OdfEntry::AuthObjects,
];

impl OdfEntry {
    /// The file.
    #[must_use]
    pub const fn path(&self) -> &Path {
        self.parts().1
    }

    /// The same kind of object in another file.
    #[must_use]
    pub fn with_path(&self, path: Path) -> Self {
        match self {
            Self::PrivateKeys(_) => Self::PrivateKeys(path),
            Self::PublicKeys(_) => Self::PublicKeys(path),
            Self::TrustedPublicKeys(_) => Self::TrustedPublicKeys(path),
            Self::SecretKeys(_) => Self::SecretKeys(path),
            Self::Certificates(_) => Self::Certificates(path),
            Self::TrustedCertificates(_) => Self::TrustedCertificates(path),
            Self::UsefulCertificates(_) => Self::UsefulCertificates(path),
            Self::DataObjects(_) => Self::DataObjects(path),
            Self::AuthObjects(_) => Self::AuthObjects(path),
        }
    }

    const fn parts(&self) -> (u32, &Path) {
        match self {
            Self::PrivateKeys(path) => (0, path),
            Self::PublicKeys(path) => (1, path),
            Self::TrustedPublicKeys(path) => (2, path),
            Self::SecretKeys(path) => (3, path),
            Self::Certificates(path) => (4, path),
            Self::TrustedCertificates(path) => (5, path),
            Self::UsefulCertificates(path) => (6, path),
            Self::DataObjects(path) => (7, path),
            Self::AuthObjects(path) => (8, path),
        }
    }
}

impl Object for OdfEntry {
    fn decode(raw: &[u8]) -> Result<Self, CodecError> {
        let unknown = CodecError::Malformed { at: 0 };
        let field = Fields::new(raw, 0)?.next()?.ok_or(unknown)?;
        let number = field.tag.number().value();
        let kind = usize::try_from(number).ok().and_then(|number| KINDS.get(number)).ok_or(unknown)?;
        let field = Field::whole(raw, context(number, true))?;
        Ok(kind(Path::read(field.sequence()?)?))
    }

    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let (number, path) = self.parts();
        Build::whole(context(number, true), |build| path.write(build))
    }
}
