//! The keys are keys, all different, and a seed decides which a card is given.

use std::collections::BTreeSet;

use card_os::crypto::rsa::{CrtParts, CryptoError, Rsa, RsaPrivateKey, SoftRsa, assemble};
use card_os::sim::seeded_rng;
use rand_core::CryptoRng;
use ready_keys::{ReadyRsa, Switch, count};

/// Computes nothing.
#[derive(Clone, Debug)]
struct Never;

impl Rsa for Never {
    type Prepared = ();

    fn generate(&mut self, _: usize, _: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        Err(CryptoError::Unsupported)
    }

    fn prepare(&mut self, _: &RsaPrivateKey) -> Result<(), CryptoError> {
        Ok(())
    }

    fn private(&mut self, (): &(), _: &[u8], _: &mut [u8]) -> Result<(), CryptoError> {
        Err(CryptoError::Failed)
    }
}

#[test]
fn every_key_of_every_size_is_sound_and_given_once() {
    for bits in [2048, 3072, 4096] {
        let (mut rsa, mut rng) = (ReadyRsa::new(Never), seeded_rng(1, 0));
        let mut seen = BTreeSet::new();
        for _ in 0..count(bits) {
            let key = rsa.generate(bits, &mut rng).unwrap();
            assert_eq!((key.n.len(), key.e.as_slice()), (bits / 8, &[1, 0, 1][..]));
            let parts = CrtParts { p: &key.p, q: &key.q, qinv: &key.qinv, dp: &key.dp, dq: &key.dq };
            let assembled = assemble(&parts).unwrap();
            // OpenSSL may take d modulo lcm(p-1, q-1), the `rsa` crate modulo another multiple: it is used by neither.
            assert!((&assembled.n, &assembled.e) == (&key.n, &key.e));
            let prepared = SoftRsa.prepare(&key).unwrap();
            let (mut input, mut output) = (vec![0; bits / 8], vec![0; bits / 8]);
            input[bits / 8 - 1] = 2;
            SoftRsa.private(&prepared, &input, &mut output).unwrap();
            assert!(seen.insert(key.n.clone()), "a key was given twice");
        }
        assert!(seen.contains(&rsa.generate(bits, &mut rng).unwrap().n), "the pool begins anew");
    }
    assert!(count(2048) >= 4);
}

#[test]
fn the_seed_decides_and_forks_go_on_alike() {
    let first = |seed| ReadyRsa::new(Never).generate(2048, &mut seeded_rng(seed, 0)).unwrap().n.clone();
    let firsts: BTreeSet<_> = (0..64).map(first).collect();
    assert_eq!(firsts.len(), count(2048), "some key is never the first");
    assert_eq!(first(3), first(3));
    let (mut rsa, mut rng) = (ReadyRsa::new(Never), seeded_rng(3, 0));
    rsa.generate(2048, &mut rng).unwrap();
    let (mut fork, mut its_rng) = (rsa.clone(), rng.clone());
    assert!(rsa.generate(2048, &mut rng) == fork.generate(2048, &mut its_rng));
}

#[test]
fn the_switch_and_other_sizes_go_to_the_provider() {
    let switch = Switch::default();
    let mut rsa = ReadyRsa::switched(Never, switch.clone());
    let mut rng = seeded_rng(1, 0);
    assert!(matches!(rsa.generate(1024, &mut rng), Err(CryptoError::Unsupported)));
    switch.compute(true);
    assert!(matches!(rsa.generate(2048, &mut rng), Err(CryptoError::Unsupported)));
    switch.compute(false);
    assert!(rsa.generate(2048, &mut rng).is_ok());
}
