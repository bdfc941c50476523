//! The conformance suite on the card, with keys that are made once: the card's own tests know everything that the suite
//! asks. That the keys are real is shown where the suite runs with real ones (`card-conformance`, `cardlab`).

use std::sync::OnceLock;

use card_conformance::{FreshError, InProcessTarget, Suite, run_suite};
use card_os::Preset;
use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey, SoftRsa, generate};
use card_os::sim::{SimCard, seeded_rng};
use card_wire::Icc;
use rand_core::CryptoRng;

/// Two keys, of which the card's randomness chooses one.
#[derive(Clone)]
struct Ready;

impl Rsa for Ready {
    type Prepared = <SoftRsa as Rsa>::Prepared;

    fn generate(&mut self, bits: usize, rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        static KEYS: OnceLock<[RsaPrivateKey; 2]> = OnceLock::new();
        let keys = KEYS.get_or_init(|| [1, 2].map(|seed| generate(2048, &mut seeded_rng(seed, 0)).unwrap()));
        let chosen = usize::from(rng.next_u32() % 2 == 1);
        if bits == 2048 { Ok(keys[chosen].clone()) } else { SoftRsa.generate(bits, rng) }
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        SoftRsa.prepare(key)
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        SoftRsa.private(key, input, output)
    }
}

#[test]
fn every_case_passes() {
    let mut target = InProcessTarget::new(|preset: &str| {
        let preset = Preset::named(preset).ok_or(FreshError::CannotReset)?;
        let card = SimCard::from_seed(&preset, 11, Ready).map_err(FreshError::failed)?;
        Ok(Box::new(card) as Box<dyn Icc>)
    });
    let suite = Suite::embedded().unwrap();
    // A generation of RSA-3072 or 4096 takes longer than all other cases together.
    let is_long = |id: &str| id.contains("generate") && (id.contains("3072") || id.contains("4096"));
    let cases = suite.cases.iter().filter(|case| !is_long(&case.id));
    let report = run_suite(&suite, cases, &mut target, |_| {});
    assert_eq!(report.failures(), [""; 0], "{}", report.table());
    assert!(report.passed() > 1170, "{}", report.summary());
}
