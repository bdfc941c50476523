//! Cut cards against the reference model, which knows neither memory nor journal: whatever a recovered card says must be
//! what one of the states says that the model allows.

use card_model::{Model, Profile, probe};
use card_os::sim::{Half, SimNvm, seeded_rng};
use card_wire::Protocol;
use rand_core::Rng as _;

use super::campaign::length;
use super::player::{self, On, blank, send};
use super::scene::{self, Flow, small};
use super::tape::{Tape, Wrong};

fn profile() -> Profile {
    let preset = small();
    Profile {
        files: preset.limits.files,
        depth: preset.limits.depth,
        df_children: preset.limits.df_children,
        file_len: preset.limits.file_len,
        memory: preset.nvm_len,
        ..Profile::isoapplet()
    }
}

/// Asks a recovered card everything, and lets the model judge the answers.
fn judge(card: &mut On<SimNvm>, model: &Model, command: &[u8]) -> Result<usize, String> {
    let mut candidates = model.cut(command);
    let mut asked = 0;
    for state in candidates.states().to_vec() {
        for question in probe(&state) {
            let answer = send(card, &question);
            candidates.step(&question, &answer).map_err(|mismatch| mismatch.to_string())?;
            asked += 1;
        }
    }
    Ok(asked)
}

/// Cuts every command of a flow at some places. `spoil` changes what a cut has left. Returns how much was asked.
fn hold(flow: &Flow, cuts: usize, spoil: impl Fn(&mut On<SimNvm>)) -> Result<usize, String> {
    let mut model = Model::new(profile());
    let mut tape = blank(Tape::new(vec![0; small().nvm_len as usize], Wrong::Nothing));
    let mut card = blank(SimNvm::new(small().nvm_len as usize));
    let mut rng = seeded_rng(0x0DE1, 0);
    let mut asked = 0;
    for (number, step) in flow.steps.iter().enumerate() {
        let context = |fault: String| format!("{}, step {number}: {fault}", flow.name);
        let played = player::play(&mut tape, step);
        let written = length(&played.log);
        for _ in 0..if written == 0 { 0 } else { cuts } {
            let mut cut = card.fork();
            let [garbage, ..] = rng.next_u32().to_le_bytes();
            cut.nvm_mut().cut_power_in(rng.next_u64() % written, Half::Garbage(garbage));
            send(&mut cut, &step.command);
            cut.nvm_mut().restore_power();
            cut.power_on(Protocol::T1);
            spoil(&mut cut);
            asked += judge(&mut cut, &model, &step.command).map_err(context)?;
        }
        let answer = send(&mut card, &step.command);
        model.step(&step.command, &answer).map_err(|mismatch| context(mismatch.to_string()))?;
    }
    Ok(asked)
}

#[test]
fn the_model_allows_what_a_cut_card_says() {
    let cuts = if super::is_exhaustive() { 200 } else { 3 };
    for flow in scene::flows() {
        let asked = hold(&flow, cuts, |_| ()).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(asked > 100);
        println!("{}: {asked} answers", flow.name);
    }
}

#[test]
fn the_model_finds_a_card_that_a_cut_has_changed() {
    let flow = scene::flows().into_iter().find(|flow| flow.name == "PIN block and unblock").unwrap();
    let wrong = scene::bytes("00200001 06 393939393939");
    let twice = |card: &mut On<SimNvm>| {
        send(card, &scene::bytes(crate::support::SELECT_AID));
        send(card, &wrong);
        send(card, &wrong);
    };
    assert!(hold(&flow, 2, twice).is_err(), "two tries that nobody spent");
    let flow = scene::flows().into_iter().find(|flow| flow.name == "updates of all forms").unwrap();
    let other = |card: &mut On<SimNvm>| {
        for command in [crate::support::SELECT_AID, crate::support::VERIFY, "00A4000C025031", "00D6000001EE"] {
            send(card, &scene::bytes(command));
        }
    };
    assert!(hold(&flow, 2, other).is_err(), "a byte that nobody wrote");
}
