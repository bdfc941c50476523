//! The authority's private keys: made, kept encrypted under the passphrase (PKCS#8 with PBES2), used.

use std::io;

use card_pki::key::PublicKey;
use der::Decode as _;
use der::asn1::OctetString;
use der::pem::LineEnding;
use pkcs5::pbes2;
use pkcs8::{EncryptedPrivateKeyInfoOwned, PrivateKeyInfoRef, SecretDocument};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{Oaep, Pkcs1v15Sign, RsaPrivateKey};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::CaError;
use crate::secret::Passphrase;

/// PEM label of an encrypted key, as every other program writes it.
const LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// Rounds of [`Work::Quick`].
const QUICK_ROUNDS: u32 = 2000;

/// How much work it is to try a passphrase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// scrypt with N = 2^14, r = 8, p = 1.
    #[default]
    Full,
    /// PBKDF2 with few rounds: for tests, where the passphrase is known anyway.
    Quick,
}

/// Randomness from the system, or the same every time for a seed.
pub(crate) fn rng(seed: Option<u64>) -> Result<ChaCha20Rng, CaError> {
    if let Some(seed) = seed {
        return Ok(ChaCha20Rng::seed_from_u64(seed));
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| CaError::Io {
        what: "asking the system for random bytes".into(),
        error: io::Error::other(error.to_string()),
    })?;
    Ok(ChaCha20Rng::from_seed(*seed))
}

/// A serial number for a certificate: positive, 126 random bits.
pub(crate) fn serial(rng: &mut ChaCha20Rng) -> [u8; 16] {
    let mut serial = [0; 16];
    rng.fill_bytes(&mut serial);
    serial[0] = serial[0] & 0x3F | 0x40;
    serial
}

/// A private key of the authority; wiped when dropped.
pub(crate) struct Key(SigningKey<Sha256>);

impl Key {
    pub(crate) fn generate(rng: &mut ChaCha20Rng, bits: usize) -> Result<Self, CaError> {
        let key = RsaPrivateKey::new(rng, bits).map_err(|_| CaError::KeySize { bits })?;
        Ok(Self(SigningKey::new(key)))
    }

    pub(crate) fn public(&self) -> Result<PublicKey, CaError> {
        let key = self.private().to_public_key();
        PublicKey::new(&key.n_bytes(), &key.e_bytes())
            .map_err(|error| CaError::Encoding { what: "the public key", why: error.to_string() })
    }

    fn private(&self) -> &RsaPrivateKey {
        self.0.as_ref()
    }

    /// A signature over a SHA-256 digest, blinded.
    pub(crate) fn sign(&self, rng: &mut ChaCha20Rng, digest: &[u8; 32]) -> Result<Vec<u8>, CaError> {
        let scheme = Pkcs1v15Sign::new::<Sha256>();
        self.private().sign_with_rng(rng, scheme, digest).map_err(|_| CaError::KeyFile { name: "the key".into() })
    }

    /// The inverse of sealing (RSA-OAEP with SHA-256); the label says whose secret it is.
    pub(crate) fn unseal(&self, rng: &mut ChaCha20Rng, label: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let padding = Oaep::<Sha256>::new_with_label(label.as_bytes());
        self.private().decrypt_blinded(rng, padding, sealed).ok().map(Zeroizing::new)
    }

    /// The encrypted key as PEM.
    pub(crate) fn lock(&self, rng: &mut ChaCha20Rng, passphrase: &Passphrase, work: Work) -> Result<String, CaError> {
        let failed = || CaError::KeyFile { name: "the new key".into() };
        let plain = self.private().to_pkcs8_der().map_err(|_| failed())?;
        let scheme = scheme(rng, work).map_err(|_| failed())?;
        let sealed = scheme.encrypt(passphrase.bytes(), plain.as_bytes()).map_err(|_| failed())?;
        let info = EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: scheme.into(),
            encrypted_data: OctetString::new(sealed).map_err(|_| failed())?,
        };
        let document = SecretDocument::try_from(&info).map_err(|_| failed())?;
        document.to_pem(LABEL, LineEnding::LF).map(|text| text.to_string()).map_err(|_| failed())
    }

    /// Reads what [`Key::lock`] wrote.
    pub(crate) fn unlock(name: &str, pem: &[u8], passphrase: &Passphrase) -> Result<Self, CaError> {
        let damaged = || CaError::KeyFile { name: name.to_owned() };
        let text = str::from_utf8(pem).map_err(|_| damaged())?;
        let (label, document) = SecretDocument::from_pem(text).map_err(|_| damaged())?;
        if label != LABEL {
            return Err(damaged());
        }
        let info = EncryptedPrivateKeyInfoOwned::from_der(document.as_bytes()).map_err(|_| damaged())?;
        let plain = info.decrypt(passphrase.bytes()).map_err(|_| CaError::WrongPassphrase)?;
        let key = PrivateKeyInfoRef::from_der(plain.as_bytes()).map_err(|_| CaError::WrongPassphrase)?;
        SigningKey::try_from(key).map(Self).map_err(|_| CaError::WrongPassphrase)
    }
}

fn scheme(rng: &mut ChaCha20Rng, work: Work) -> Result<pbes2::Parameters, pkcs5::Error> {
    match work {
        Work::Full => pbes2::Parameters::generate_scrypt(rng),
        Work::Quick => {
            let (mut salt, mut iv) = ([0; 16], [0; 16]);
            rng.fill_bytes(&mut salt);
            rng.fill_bytes(&mut iv);
            pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(QUICK_ROUNDS, &salt, iv)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_with_its_passphrase_only() {
        let mut rng = rng(Some(1)).unwrap();
        let key = Key::generate(&mut rng, 1024).unwrap();
        for work in [Work::Full, Work::Quick] {
            let pem = key.lock(&mut rng, &Passphrase::new("right"), work).unwrap();
            assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
            let again = Key::unlock("k", pem.as_bytes(), &Passphrase::new("right")).unwrap();
            assert!(again.private() == key.private());
            let wrong = Key::unlock("k", pem.as_bytes(), &Passphrase::new("wrong"));
            assert!(matches!(wrong, Err(CaError::WrongPassphrase)));
        }
        assert!(matches!(Key::unlock("k", b"rubbish", &Passphrase::new("x")), Err(CaError::KeyFile { .. })));
    }
}
