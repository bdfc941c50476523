//! Other programs at the same card: they reset it, take turns with the driver, or are OpenSC.

use std::thread;

use host_driver::{Card, Curve, Error, KeySlot, Pcsc, Transport as _, TransportError};
use testkit::{PrivatePcscd, find_program, require_or_skip, run_bounded};

use super::signer::{HASH, check, insert, pin, sign, sign_alone, signer};
use super::{LIMIT, in_own_process, service};

#[test]
fn a_reset_by_another_program_is_told_and_overcome() {
    in_own_process(|| {
        let Some(pcscd) = service() else { return };
        let (card, point) = signer();
        let _reader = insert(card, &pcscd);
        let mut card = Card::new(Pcsc::connect(None).unwrap());
        card.select_application().unwrap();
        let mut verified = card.verify(&pin()).unwrap();
        let mut other = Pcsc::connect(None).unwrap();
        other.reset().unwrap();
        for _ in 0..2 {
            // The second time nothing is sent: the permission went with the reset.
            let refused = verified.sign_ecdsa(KeySlot::FIRST, Curve::P256, &HASH);
            assert_eq!(refused, Err(Error::Transport(TransportError::CardReset)));
        }
        assert_eq!(card.application(), None);
        check(&point, &sign(&mut card).unwrap());
        other.reset().unwrap();
        // A transaction cannot begin on a card that is not what it was; the next one can.
        assert_eq!(sign_alone(&mut card), Err(Error::Transport(TransportError::CardReset)));
        check(&point, &sign_alone(&mut card).unwrap());
        // Whoever leaves takes nothing along.
        drop(other);
        assert_eq!(card.pin_tries(), Ok(None));
    });
}

#[test]
fn two_programs_take_turns() {
    in_own_process(|| {
        let Some(pcscd) = service() else { return };
        let (card, point) = signer();
        let _reader = insert(card, &pcscd);
        let work = || {
            let mut card = Card::new(Pcsc::connect(None).unwrap());
            for _ in 0..20 {
                check(&point, &sign_alone(&mut card).unwrap());
            }
        };
        thread::scope(|scope| {
            scope.spawn(work);
            scope.spawn(work);
        });
    });
}

#[test]
fn opensc_beside_the_driver_disturbs_neither() {
    in_own_process(|| {
        let Some(pcscd) = service() else { return };
        if require_or_skip(find_program("opensc-tool")).is_none() {
            return;
        }
        let (card, point) = signer();
        let _reader = insert(card, &pcscd);
        let mut card = Card::new(Pcsc::connect(None).unwrap());
        let (mut signed, mut resets) = (0, 0);
        thread::scope(|scope| {
            let tool = scope.spawn(|| run_tools(&pcscd));
            while !tool.is_finished() {
                match sign_alone(&mut card) {
                    Ok(signature) => {
                        check(&point, &signature);
                        signed += 1;
                    }
                    Err(Error::Transport(TransportError::CardReset)) => resets += 1,
                    Err(other) => panic!("{other}"),
                }
            }
        });
        assert!(signed >= TOOLS && resets > 0, "{signed} signatures, {resets} resets");
        check(&point, &sign_alone(&mut card).unwrap());
    });
}

/// How often opensc-tool runs.
const TOOLS: usize = 8;

/// Asks for the card's name and resets it, in turn.
fn run_tools(pcscd: &PrivatePcscd) {
    for turn in 0..TOOLS {
        let (what, answer) = if turn % 2 == 0 { ("-n", "IsoApplet") } else { ("--reset", "") };
        let mut tool = pcscd.command("opensc-tool");
        let output = run_bounded(tool.args(["-r", &pcscd.reader_name(), what]), LIMIT);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(answer), "{what}: {output:?}");
    }
}
