//! The suite in somebody else's tests: this crate knows nothing of the library but the macro. One test for each case.
#![forbid(unsafe_code)]

use card_conformance::{ForkingTarget, FreshError, Target};
use card_os::Preset;
use card_os::sim::{SimCard, SoftRsa};
use ready_keys::ReadyRsa;

fn built_in() -> impl Target {
    let make = |preset: &str| {
        let preset = Preset::named(preset).ok_or_else(|| FreshError::failed("no such preset"))?;
        SimCard::from_seed(&preset, 21, ReadyRsa::new(SoftRsa)).map_err(FreshError::failed)
    };
    ForkingTarget::new(make, SimCard::fork)
}

/// All presets.
mod all {
    card_conformance::suite_tests!(super::built_in);
}

/// One preset, and a closure.
mod tight {
    use card_conformance::Target;

    card_conformance::suite_tests!(|| -> Box<dyn Target> { Box::new(super::built_in()) }, preset = "tight");
}

/// The names that this binary lists are those of the suite.
#[test]
fn every_case_has_its_test() {
    let suite = card_conformance::Suite::embedded().unwrap();
    let list = std::process::Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let count = |module: &str| list.lines().filter(|line| line.starts_with(module)).count();
    assert_eq!(count("all::"), suite.cases.len());
    assert_eq!(count("tight::"), suite.select("", Some("tight")).count());
    for case in &suite.cases {
        let line = format!("all::{}: test", case.id.replace('-', "_"));
        assert!(list.lines().any(|listed| listed == line), "{line}");
    }
}

/// What has not passed does not pass here.
#[test]
fn a_case_that_is_not_played_or_fails_is_a_failure() {
    let fails = |target: &mut dyn Target| {
        let play = || card_conformance::suite_tests::play("pin.toml", "set_pin_lengths", target);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(play)).unwrap_err().downcast::<String>().unwrap()
    };
    let preset = Preset::named("isoapplet").unwrap();
    let card = || Box::new(SimCard::from_seed(&preset, 21, SoftRsa).unwrap());
    let mut fixed = card_conformance::TransportTarget::fixed(host_driver::InProcess::new(card()));
    assert!(fails(&mut fixed).contains("not played"));
    use card_conformance::dishonest::{Dishonest, Lie};
    let mut lying = card_conformance::InProcessTarget::new(|_: &str| {
        Ok(Box::new(Dishonest::new(card(), Lie::AlwaysNoDiagnosis)) as Box<dyn card_wire::Icc>)
    });
    assert!(fails(&mut lying).contains("6F00"));
}
