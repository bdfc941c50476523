//! What a card does only for its user: everything that uses or makes a key.

use card_wire::Status;
use zeroize::Zeroizing;

use crate::card::Card;
use crate::curve::{Curve, EcPublicKey};
use crate::error::{Error, TransportError};
use crate::key::{self, Digest, KeySlot, RsaParts, RsaPublicKey, RsaSize};
use crate::request::{self, Environment, Use};
use crate::transport::Transport;

/// Algorithm byte of elliptic-curve keys.
const EC: u8 = 0xEC;
/// Algorithm byte of RSA with PKCS#1 v1.5 padding.
const RSA_PKCS1: u8 = 0x11;
/// Algorithm byte of RSA with PSS padding.
const RSA_PSS: u8 = 0x12;
/// Algorithm byte of ECDSA.
const ECDSA: u8 = 0x21;

/// A card on which the PIN has been verified, borrowed from [`Card::verify`].
///
/// Once the card has been reset, removed or selected anew, every call here fails with
/// [`TransportError::CardReset`] and sends nothing: select the application and verify again.
#[derive(Debug)]
pub struct Verified<'c, T> {
    card: &'c mut Card<T>,
    epoch: u64,
}

impl<'c, T: Transport> Verified<'c, T> {
    pub(crate) fn new(card: &'c mut Card<T>) -> Self {
        let epoch = card.epoch();
        Self { card, epoch }
    }

    /// The card, for calls that need no PIN by themselves: files whose own rules ask for it, and all others.
    pub const fn card(&mut self) -> &mut Card<T> {
        self.card
    }

    /// Ends the permission on the card too, by selecting the application again.
    ///
    /// # Errors
    /// As [`Card::select_application`].
    pub fn log_out(self) -> Result<(), Error> {
        self.card.select_application().map(drop)
    }

    /// Generates an RSA key on the card, in the place of what was in the slot.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Malformed`] if the public key has not the size asked for.
    pub fn generate_rsa(&mut self, slot: KeySlot, size: RsaSize) -> Result<RsaPublicKey, Error> {
        let card = self.prepared(Use::Setup, size.algorithm(), slot)?;
        RsaPublicKey::parse(&card.send(&request::generate_rsa())?.ok()?, size)
    }

    /// Generates an elliptic-curve key on the card, in the place of what was in the slot.
    ///
    /// # Errors
    /// [`Error::Refused`], with 6A81 for a curve that the card does not know; [`Error::Malformed`] if the
    /// public key is not on the curve asked for.
    pub fn generate_ec(&mut self, slot: KeySlot, curve: Curve) -> Result<EcPublicKey, Error> {
        let parameters = curve.parameters()?;
        let card = self.prepared(Use::Setup, EC, slot)?;
        EcPublicKey::parse(&card.send(&request::generate_ec(&parameters))?.ok()?, curve)
    }

    /// Puts an RSA key into a slot.
    ///
    /// # Errors
    /// [`Error::Refused`], with 6900 if the card's policy forbids import.
    pub fn import_rsa(&mut self, slot: KeySlot, parts: &RsaParts<'_>) -> Result<(), Error> {
        let key = parts.encode()?;
        // The card takes the size from the data; the algorithm byte is this one for all sizes, as OpenSC sends it.
        let card = self.prepared(Use::Setup, RsaSize::Rsa2048.algorithm(), slot)?;
        card.send(&request::import_key(&key))?.done()
    }

    /// Puts an elliptic-curve key into a slot: its private number, big-endian.
    ///
    /// # Errors
    /// [`Error::Refused`], with 6900 if the card's policy forbids import; [`Error::TooLong`] for a number longer
    /// than the curve's.
    pub fn import_ec(&mut self, slot: KeySlot, curve: Curve, secret: &[u8]) -> Result<(), Error> {
        let key = curve.encode_key(secret)?;
        let card = self.prepared(Use::Setup, EC, slot)?;
        card.send(&request::import_key(&key))?.done()
    }

    /// Signs a hash value with RSA and PKCS#1 v1.5 padding.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Malformed`] if the signature has the length of no key.
    pub fn sign_pkcs1(&mut self, slot: KeySlot, digest: &Digest) -> Result<Vec<u8>, Error> {
        self.sign_pkcs1_bare(slot, &digest.info())
    }

    /// Signs any data with RSA and PKCS#1 v1.5 padding, without saying which hash it is, as TLS 1.1 did.
    ///
    /// # Errors
    /// [`Error::Refused`], with 6700 if it is too long for the key; [`Error::Malformed`] as above.
    pub fn sign_pkcs1_bare(&mut self, slot: KeySlot, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign_rsa(slot, RSA_PKCS1, data)
    }

    /// Signs a hash value with RSA and PSS padding; mask and salt follow the hash.
    ///
    /// # Errors
    /// [`Error::Refused`], with 6A81 from version 0; [`Error::Malformed`] as above.
    pub fn sign_pss(&mut self, slot: KeySlot, digest: &Digest) -> Result<Vec<u8>, Error> {
        self.sign_rsa(slot, RSA_PSS, digest.bytes())
    }

    fn sign_rsa(&mut self, slot: KeySlot, algorithm: u8, input: &[u8]) -> Result<Vec<u8>, Error> {
        let card = self.prepared(Use::Sign, algorithm, slot)?;
        let signature = card.send(&request::sign(input))?.ok()?;
        if matches!(signature.len(), 256 | 384 | 512) { Ok(signature) } else { Err(Error::Malformed) }
    }

    /// Signs a hash value with ECDSA. The signature is a DER sequence of two integers.
    ///
    /// # Errors
    /// [`Error::Refused`]: with 6A81, and without asking the card, where the application is of version 0, which
    /// would hash the hash again and sign that.
    pub fn sign_ecdsa(&mut self, slot: KeySlot, curve: Curve, digest: &Digest) -> Result<Vec<u8>, Error> {
        if self.hashes_itself() {
            return Err(Error::Refused(Status::FUNCTION_NOT_SUPPORTED));
        }
        let hash = digest.bytes();
        self.sign_ec(slot, &hash[..hash.len().min(curve.bytes())])
    }

    /// Signs a message with ECDSA and SHA-1, as version 0 does.
    ///
    /// # Errors
    /// [`Error::Refused`]: with 6A81, and without asking the card, where the application is of version 1, which
    /// does not hash.
    pub fn sign_ecdsa_sha1(&mut self, slot: KeySlot, message: &[u8]) -> Result<Vec<u8>, Error> {
        if !self.hashes_itself() {
            return Err(Error::Refused(Status::FUNCTION_NOT_SUPPORTED));
        }
        self.sign_ec(slot, message)
    }

    fn hashes_itself(&self) -> bool {
        self.card.application().is_some_and(|application| application.version.major == 0)
    }

    fn sign_ec(&mut self, slot: KeySlot, input: &[u8]) -> Result<Vec<u8>, Error> {
        let card = self.prepared(Use::Sign, ECDSA, slot)?;
        let signature = card.send(&request::sign(input))?.ok()?;
        key::check_signature(&signature)?;
        Ok(signature)
    }

    /// Deciphers an RSA cryptogram with PKCS#1 v1.5 padding.
    ///
    /// # Errors
    /// [`Error::Refused`]: 6700 if it is not as long as the key, 6A80 if the padding is wrong.
    pub fn decipher(&mut self, slot: KeySlot, cryptogram: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let card = self.prepared(Use::Decipher, RSA_PKCS1, slot)?;
        // The leading byte says that PKCS#1 padding is used.
        let input = [&[0], cryptogram].concat();
        Ok(Zeroizing::new(card.send(&request::decipher(&input))?.ok()?))
    }

    /// The card with its environment set, if the permission still holds.
    fn prepared(&mut self, purpose: Use, algorithm: u8, slot: KeySlot) -> Result<&mut Card<T>, Error> {
        if self.card.epoch() != self.epoch {
            return Err(TransportError::CardReset.into());
        }
        self.card.send(&Environment::new(purpose, algorithm, slot.number()).command())?.done()?;
        Ok(self.card)
    }
}
