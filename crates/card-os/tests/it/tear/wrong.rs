//! The campaign itself is tried on cards that are broken on purpose: each must be found out.

use super::campaign::{Campaign, Effort};
use super::player::{blank, play};
use super::scene::{self, small};
use super::tape::{Tape, Wrong};

/// Plays a flow on a broken card and tears it from some step on, until something is found. Returns what, and at which command.
fn found(flow: &str, from: usize, wrong: Wrong) -> Option<(usize, String)> {
    let flow = scene::flows().into_iter().find(|candidate| candidate.name == flow).unwrap();
    let mut card = blank(Tape::new(vec![0; small().nvm_len as usize], wrong));
    for (number, step) in flow.steps.iter().enumerate() {
        let played = play(&mut card, step);
        if number >= from {
            let effort = Effort::Sample { torn: 7, recovered: 997 };
            if let Err(fault) = Campaign::new(&played, wrong, effort, None).run() {
                return Some((number, fault));
            }
        }
    }
    None
}

#[test]
fn broken_cards_are_found_out() {
    for (wrong, flow, from) in [
        (Wrong::NoSeal, "PIN block and unblock", 4),
        (Wrong::PagesFirst, "PIN block and unblock", 4),
        (Wrong::MarkFirst, "PIN block and unblock", 4),
        // The second wrong try of two: what recovery gives back is neither before nor after.
        (Wrong::TriesGivenBack, "PIN block and unblock", 7),
        (Wrong::NoWipe, "updates of all forms", 4),
    ] {
        let (step, fault) = found(flow, from, wrong).unwrap_or_else(|| panic!("{wrong:?} is not found out"));
        println!("{wrong:?}: step {step} of `{flow}`: {fault}");
    }
}
