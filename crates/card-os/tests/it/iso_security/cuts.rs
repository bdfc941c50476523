//! Power cuts at every byte.

use card_os::platform::{NoEvents, Parts};
use card_os::sim::{SimCard, SoftRsa, seeded_rng};
use card_wire::Protocol;

use super::{internal, iso, pin, pin_file, with_data};
use crate::support::Host;

/// What a host sees of a card after a power-on.
fn visible(card: &SimCard, probes: &[String]) -> Vec<String> {
    let mut host = Host { card: card.fork() };
    host.card.power_on(Protocol::T1);
    probes.iter().map(|command| host.send(command)).collect()
}

/// Runs `command` on the card, cutting the power after every byte that it writes. Gives the states that a host then sees,
/// without those that equal the one before.
fn cut_everywhere(host: &Host, command: &str, probes: &[String]) -> Vec<Vec<String>> {
    let mut states = vec![visible(&host.card, probes)];
    for bytes in 0.. {
        let mut cut = Host { card: host.card.fork() };
        cut.card.nvm_mut().cut_power_after(bytes);
        let over = !cut.send(command).is_empty();
        let mut nvm = cut.card.nvm().clone();
        nvm.restore_power();
        let parts = Parts { nvm, rng: seeded_rng(1, 1), rsa: SoftRsa, events: NoEvents };
        let state = visible(&SimCard::open(parts).unwrap(), probes);
        if states.last() != Some(&state) {
            states.push(state);
        }
        if over {
            assert!(bytes > 200, "{command} writes");
            return states;
        }
    }
    unreachable!("the command ends");
}

fn set_up() -> Host {
    let mut host = iso();
    host.make_pin("A002", "02", 2, "99999999", "", "");
    host.make_pin("A001", "01", 1, "1234", "830102", "");
    host
}

fn probes(pin_1: &str) -> Vec<String> {
    vec!["00200001".into(), "00200002".into(), "00CADF2000".into(), with_data("00200001", &pin(pin_1))]
}

/// Without the counter of changes.
fn words(states: &[Vec<String>]) -> Vec<[&str; 3]> {
    states.iter().map(|state| [&state[0][..], &state[1], &state[3]]).collect()
}

#[test]
fn a_cut_never_gives_a_try_back() {
    let host = set_up();
    let wrong = cut_everywhere(&host, &with_data("00200001", &pin("4321")), &probes("1234"));
    assert_eq!(words(&wrong), [["63C3", "63C3", "9000"], ["63C2", "63C3", "9000"]]);
    let right = cut_everywhere(&host, &with_data("00200001", &pin("1234")), &probes("1234"));
    assert_eq!(words(&right), [["63C3", "63C3", "9000"], ["63C2", "63C3", "9000"], ["63C3", "63C3", "9000"]]);
    for states in [&wrong, &right] {
        assert!(states.iter().all(|state| state[2] == states[0][2]), "no step of it is a change");
    }
}

#[test]
fn a_change_happens_whole_after_its_try() {
    let host = set_up();
    let states = cut_everywhere(&host, &with_data("00240001", &pin("12345678")), &probes("5678"));
    assert_eq!(words(&states), [["63C3", "63C3", "63C2"], ["63C2", "63C3", "63C1"], ["63C3", "63C3", "9000"]]);
    assert_eq!(states[0][2], states[1][2]);
    assert_ne!(states[1][2], states[2][2]);
}

#[test]
fn a_reset_changes_both_pins_at_once() {
    let mut host = set_up();
    host.verify("01", "0000", "63C2");
    let states = cut_everywhere(&host, &with_data("002C0001", &pin("999999995678")), &probes("5678"));
    assert_eq!(words(&states), [["63C2", "63C3", "63C1"], ["63C2", "63C2", "63C1"], ["63C3", "63C3", "9000"]]);
}

#[test]
fn a_pin_file_is_there_whole_or_not_at_all() {
    let host = iso();
    let states = cut_everywhere(&host, &pin_file("A001", 1, "", ""), &["00200001".into()]);
    assert_eq!(states, [["6A88"], ["6984"]]);
}

/// A card with a P-256 key in slot 2, made by a file A102, and an environment for it.
fn with_key() -> Host {
    let mut host = iso();
    host.expect(&internal("A102", "800103 810102 8201E1", ""), "9000");
    host.expect("002241B606800121840102", "9000");
    assert_eq!(host.status("0046000000"), "9000");
    host
}

#[test]
fn an_environment_is_stored_whole_or_not_at_all() {
    let mut host = with_key();
    let restored = ["0022F301".to_string(), "002A9E9A0155".into()];
    let states = cut_everywhere(&host, "0022F201", &restored);
    assert_eq!(states, [["6A88", "6985"], ["9000", "9000"]]);
    host.expect("0022F201", "9000");
    host.expect("0022F300", "9000");
    let states = cut_everywhere(&host, "0022F201", &restored);
    assert_eq!(states, [["9000", "9000"], ["9000", "6985"]]);
    let states = cut_everywhere(&host, "0022F401", &restored);
    assert_eq!(states, [["9000", "9000"], ["6A88", "6985"]]);
}

#[test]
fn a_key_goes_with_its_file_at_once() {
    let mut host = with_key();
    host.expect("0022F201", "9000");
    // The second probe makes the file again, if it is gone: the slot must be empty then.
    let create = internal("A102", "800103 810102 8201E1", "");
    let probes = ["0022F301".into(), create, "00468100".into(), "002A9E9A0155".into()];
    let states = cut_everywhere(&host, "00E4000002A102", &probes);
    assert_eq!(states, [["9000", "6A89", "9000", "9000"], ["9000", "9000", "6A88", "6A88"]]);
    let image = host.card.nvm().image();
    host.expect("00E4000002A102", "9000");
    let after = host.card.nvm().image();
    assert!(after.iter().filter(|byte| **byte != 0).count() < image.iter().filter(|byte| **byte != 0).count() - 90);
}
