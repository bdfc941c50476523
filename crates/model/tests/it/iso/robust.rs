//! Whatever comes as command or answer, the model of the iso card says what it thinks of it and does not panic.

use card_model::{Candidates, probe};
use proptest::prelude::*;

use super::cards::ready;
use super::maker::next;
use crate::cards::Event;
use crate::generator::Dice;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: proptest::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_answer_to_any_command(seed: u64, answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 20)) {
        let (_, start) = ready(seed % 2 == 0);
        let (mut model, mut dice) = (start.clone(), Dice(seed));
        for answer in answers {
            for event in next(&model, &mut dice) {
                let Event::Command(command) = event else { continue };
                // A right status word brings it further than random ones.
                let status = model.clone().assume(&command).to_be_bytes();
                let answer = if dice.percent(25) { answer.clone() } else { [&answer[..], &status].concat() };
                let _ = Candidates::from(model.clone()).cut(&command);
                if model.step(&command, &answer).is_err() {
                    model = start.clone();
                }
                prop_assert!(!probe(&model).is_empty());
            }
            let _ = model.step(&answer, &[0x90, 0]);
        }
    }
}

#[test]
fn a_mismatch_shows_no_secret() {
    let (_, mut model) = ready(true);
    for ins in [0x20, 0x24, 0x26, 0x28, 0x2C, 0xDB] {
        let command = [&[0, ins, 0, 1, 16][..], b"9753186420abcdef"].concat();
        let shown = model.step(&command, &[0x6F, 0x00]).unwrap_err().to_string();
        let digits = hex::encode_upper(b"9753");
        assert!(!shown.contains(&digits) && shown.contains("(21 bytes)"), "{shown}");
    }
    assert!(!format!("{model:?}").contains("49, 50, 51"));
}
