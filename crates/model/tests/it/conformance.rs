//! The conformance cases as an oracle of the model: they say what is right, so the model must agree at every step.

use card_conformance::target::UnknownPreset;
use card_conformance::{FreshError, Suite, Target, run_case};
use card_model::Model;
use host_driver::TransportError;

use crate::cards::{ReadyRsa, RealCard, preset};

/// A card with the model beside it.
#[derive(Default)]
struct Beside {
    pair: Option<(RealCard, Model)>,
    steps: usize,
    disagreements: Vec<String>,
}

impl Target for Beside {
    fn fresh(&mut self, name: &str) -> Result<(), FreshError> {
        let (preset, profile) = preset(name).ok_or_else(|| FreshError::failed(UnknownPreset(name.to_owned())))?;
        let mut model = Model::new(profile);
        model.verify_signatures(true);
        self.pair = Some((RealCard::from_seed(&preset, 7, ReadyRsa).unwrap(), model));
        Ok(())
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        let (card, model) = self.pair.as_mut().ok_or(TransportError::CardGone)?;
        model.reset();
        Ok(card.reset().to_vec())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let (card, model) = self.pair.as_mut().ok_or(TransportError::CardGone)?;
        let answer = card.transmit(command, &mut vec![0; 65_538]).to_vec();
        self.steps += 1;
        if let Err(mismatch) = model.step(command, &answer) {
            self.disagreements.push(format!("{mismatch}"));
        }
        Ok(answer)
    }

    fn describe(&self) -> String {
        "card and model".to_owned()
    }
}

#[test]
fn the_model_agrees_with_every_conformance_case() {
    let suite = Suite::embedded().unwrap();
    let mut target = Beside::default();
    let mut wrong = Vec::new();
    // The model knows no card without chaining and extended lengths.
    let known = |case: &&card_conformance::Case| preset(&case.preset).is_some();
    let cases = suite.cases.iter().filter(known).count();
    for case in suite.cases.iter().filter(known) {
        let outcome = run_case(&suite, case, &mut target);
        assert!(outcome.verdict.is_passed(), "{}: {:?}", case.id, outcome.verdict);
        wrong.extend(target.disagreements.drain(..).map(|what| format!("{}: {what}", case.id)));
    }
    println!("{cases} of {} cases, {} steps", suite.cases.len(), target.steps);
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases >= 900 && target.steps > 4 * cases, "the suite has shrunk");
}
