//! What makes an RSA key unfit for a certificate, as far as its public half shows.

use super::PublicKey;
use serde::{Deserialize, Serialize};

/// Why a key is not strong enough for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Weakness {
    /// The modulus is too short.
    #[error("it has {bits} bits, at least 2048 are required")]
    Short {
        /// Its length in bits.
        bits: usize,
    },
    /// The modulus is too long for the programs that will meet it.
    #[error("it has {bits} bits, at most 4096 are accepted")]
    Long {
        /// Its length in bits.
        bits: usize,
    },
    /// The public exponent is not 65537.
    #[error("its public exponent is not 65537")]
    Exponent,
    /// The modulus has a small factor.
    #[error("its modulus has a small factor")]
    EvenOrSmallFactor,
    /// The modulus has the form of the keys that ROCA breaks.
    #[error("its modulus has the form that the ROCA attack breaks")]
    Roca,
}

/// Where the search for small factors ends.
const SMALL: u32 = 1000;
/// The primes below this tell a modulus made by the flawed generator from a random one: those moduli are a power of 65537
/// modulo each of them.
const ROCA_PRIMES: u32 = 168;
const EXPONENT: [u8; 3] = [1, 0, 1];

pub(super) fn of(key: &PublicKey) -> Option<Weakness> {
    let bits = key.bits();
    let modulus = key.modulus.as_slice();
    if bits < 2048 {
        Some(Weakness::Short { bits })
    } else if bits > 4096 {
        Some(Weakness::Long { bits })
    } else if key.exponent != EXPONENT {
        Some(Weakness::Exponent)
    } else if remainder(modulus, 2) == 0 || (3..SMALL).step_by(2).any(|divisor| remainder(modulus, divisor) == 0) {
        Some(Weakness::EvenOrSmallFactor)
    } else if has_roca_form(modulus) {
        Some(Weakness::Roca)
    } else {
        None
    }
}

fn remainder(number: &[u8], divisor: u32) -> u32 {
    number.iter().fold(0, |rest, byte| ((rest << 8) | u32::from(*byte)) % divisor)
}

fn has_roca_form(modulus: &[u8]) -> bool {
    let is_prime = |number: &u32| {
        (2..*number).take_while(|divisor| divisor * divisor <= *number).all(|divisor| !number.is_multiple_of(divisor))
    };
    (3..ROCA_PRIMES).filter(is_prime).all(|prime| is_power_of_65537(remainder(modulus, prime), prime))
}

fn is_power_of_65537(value: u32, prime: u32) -> bool {
    let mut power = 1;
    for _ in 1..prime {
        if power == value {
            return true;
        }
        power = power * (65537 % prime) % prime;
    }
    false
}
