//! Both RSA providers are the same card: with one seed every byte of every exchange and of the memory is equal.

use card_conformance::{FreshError, InProcessTarget, Suite, run_suite};
use card_os::Preset;
use card_os::crypto::rsa::Rsa;
use card_os::platform::NoEvents;
use card_os::sim::{SimPlatform, SoftRsa};
use card_os::{Card, sim::SimNvm};
use card_wire::Icc;
use rsa_host::HostRsa;

/// Cases that use RSA keys or randomness.
const PATTERNS: [&str; 4] = ["sign", "decipher", "challenge", "generate"];

fn transcript<R: Rsa + Copy + Send + 'static>(suite: &Suite, rsa: R) -> String {
    let mut target = InProcessTarget::new(move |preset: &str| {
        let preset = Preset::named(preset).ok_or(FreshError::CannotReset)?;
        let card = Card::<SimPlatform<R>>::from_seed(&preset, 11, rsa).map_err(FreshError::failed)?;
        Ok(Box::new(card) as Box<dyn Icc>)
    });
    let cases = PATTERNS.iter().flat_map(|pattern| suite.select(pattern, None));
    // The one RSA-4096 generation takes longer than all others together and adds nothing here.
    let report = run_suite(
        suite,
        cases.filter(|case| !case.id.contains("4096") && !case.id.contains("3072")),
        &mut target,
        |_| {},
    );
    assert_eq!(report.failures(), [""; 0]);
    assert!(report.passed() > 40, "{}", report.summary());
    report.transcript()
}

#[test]
fn a_seed_gives_the_same_bytes_with_either_provider() {
    let suite = Suite::embedded().unwrap();
    assert_eq!(transcript(&suite, SoftRsa), transcript(&suite, HostRsa));
}

#[test]
fn a_seed_gives_the_same_memory_with_either_provider() {
    fn image<R: Rsa>(rsa: R) -> Vec<u8> {
        let mut card = Card::<SimPlatform<R, NoEvents, SimNvm>>::from_seed(&Preset::certificate(), 12, rsa).unwrap();
        for command in [
            "00A404000CF276A288BCFBA69D34F31001",
            "0024010106313233343536",
            "0020000106313233343536",
            "00224100068001F3840104",
            "00464200000000",
            "002241B606800111840104",
            "002A9E9A040102030400",
        ] {
            let mut buffer = [0; 1024];
            let answer = card.transmit(&hex::decode(command).unwrap(), &mut buffer);
            assert_eq!(answer[answer.len() - 2..], [0x90, 0x00], "{command}");
        }
        card.nvm().image()
    }
    assert!(image(SoftRsa) == image(HostRsa), "the memories differ");
}
