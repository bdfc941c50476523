//! PINs and PUKs as types: wiped when dropped, compared in constant time, never printed.
//!
//! Their lengths are checked when they are made, so no command with an impossible one is ever sent.

use core::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What lengths a card's PIN may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinPolicy {
    /// The shortest PIN.
    pub min: usize,
    /// The longest PIN.
    pub max: usize,
    /// The length that the card stores and compares; shorter PINs are padded with zero bytes. Zero: no padding.
    pub stored: usize,
}

impl PinPolicy {
    /// The PKI applet's: 4 to 16 bytes, padded to 16.
    pub const APPLET: Self = Self { min: 4, max: 16, stored: 16 };
}

impl Default for PinPolicy {
    fn default() -> Self {
        Self::APPLET
    }
}

/// A PIN or PUK has a length that no card of this policy takes. Says nothing else about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PIN or PUK has {min} to {max} bytes, not {len}")]
pub struct SecretLength {
    /// The length that was given.
    pub len: usize,
    /// The shortest.
    pub min: usize,
    /// The longest.
    pub max: usize,
}

/// Length of a PUK in bytes.
pub const PUK_LEN: usize = 16;

/// A user PIN.
#[derive(Clone)]
pub struct Pin {
    bytes: Zeroizing<Vec<u8>>,
    stored: usize,
}

impl Pin {
    /// A PIN for the PKI applet.
    ///
    /// # Errors
    /// [`SecretLength`] unless it has 4 to 16 bytes.
    pub fn new(pin: impl AsRef<[u8]>) -> Result<Self, SecretLength> {
        Self::with_policy(pin, PinPolicy::APPLET)
    }

    /// A PIN for a card with other rules.
    ///
    /// # Errors
    /// [`SecretLength`] if it is shorter or longer than the policy allows.
    pub fn with_policy(pin: impl AsRef<[u8]>, policy: PinPolicy) -> Result<Self, SecretLength> {
        let bytes = checked(pin.as_ref(), policy.min, policy.max)?;
        Ok(Self { bytes, stored: policy.stored })
    }

    /// The PIN as it was given.
    pub(crate) fn bare(&self) -> &[u8] {
        &self.bytes
    }

    /// The PIN as the card stores it.
    pub(crate) fn padded(&self) -> Zeroizing<Vec<u8>> {
        let mut padded = Zeroizing::new(Vec::with_capacity(self.stored.max(self.bytes.len())));
        padded.extend_from_slice(&self.bytes);
        if padded.len() < self.stored {
            padded.resize(self.stored, 0);
        }
        padded
    }
}

/// The code that gives a blocked PIN a new value.
#[derive(Clone)]
pub struct Puk(Zeroizing<Vec<u8>>);

impl Puk {
    /// A PUK.
    ///
    /// # Errors
    /// [`SecretLength`] unless it has exactly 16 bytes.
    pub fn new(puk: impl AsRef<[u8]>) -> Result<Self, SecretLength> {
        checked(puk.as_ref(), PUK_LEN, PUK_LEN).map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn checked(secret: &[u8], min: usize, max: usize) -> Result<Zeroizing<Vec<u8>>, SecretLength> {
    match secret.len() {
        len if len < min || len > max => Err(SecretLength { len, min, max }),
        _ => Ok(Zeroizing::new(secret.to_vec())),
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        self.padded().ct_eq(&other.padded()).into()
    }
}

impl Eq for Pin {}

impl PartialEq for Puk {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Puk {}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Debug for Puk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_refused_at_once() {
        assert_eq!(Pin::new("123").unwrap_err(), SecretLength { len: 3, min: 4, max: 16 });
        assert!(Pin::new([b'1'; 17]).is_err());
        assert!(Puk::new([b'1'; 15]).is_err() && Puk::new([b'1'; 17]).is_err());
        let six = PinPolicy { min: 6, ..PinPolicy::APPLET };
        assert!(Pin::with_policy("12345", six).is_err() && Pin::with_policy("123456", six).is_ok());
    }

    #[test]
    fn padding_follows_the_policy() {
        let mut expected = *b"123456\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(**Pin::new("123456").unwrap().padded(), expected);
        expected[6..].fill(b'7');
        assert_eq!(**Pin::new(expected).unwrap().padded(), expected);
        let bare = PinPolicy { stored: 0, ..PinPolicy::APPLET };
        assert_eq!(**Pin::with_policy("1234", bare).unwrap().padded(), *b"1234");
    }

    #[test]
    fn nothing_is_printed() {
        let pin = Pin::new("123456").unwrap();
        let puk = Puk::new("0123456789abcdef").unwrap();
        assert_eq!(format!("{pin:?} {puk:?} {pin:#?}"), "… … …");
    }

    #[test]
    fn equality_is_of_values() {
        assert_eq!(Pin::new("123456").unwrap(), Pin::new("123456").unwrap());
        assert_ne!(Pin::new("123456").unwrap(), Pin::new("123457").unwrap());
        assert_ne!(Puk::new([1; 16]).unwrap(), Puk::new([2; 16]).unwrap());
    }
}
