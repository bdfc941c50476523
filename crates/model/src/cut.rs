//! Several states of which the card is in one.

use crate::mismatch::Mismatch;
use crate::model::Model;

/// Several possible states, narrowed by what the card answers.
#[derive(Clone, Debug)]
pub struct Candidates {
    states: Vec<Model>,
}

impl From<Model> for Candidates {
    fn from(model: Model) -> Self {
        Self { states: vec![model] }
    }
}

impl Candidates {
    pub(crate) fn of(model: &Model, command: &[u8]) -> Self {
        if let Some(iso) = &model.iso {
            let state = |iso| {
                let mut state = model.clone();
                state.iso = Some(Box::new(iso));
                state
            };
            return Self { states: iso.cut(command).into_iter().map(state).collect() };
        }
        let mut before = model.clone();
        before.reset();
        let mut after = model.clone();
        let _ = after.perform(command, None);
        after.reset();
        let mut states = vec![before];
        if let Some(spent) = spent(model, command, &after) {
            states.push(spent);
        }
        if !states.iter().any(|state| state.same_memory(&after)) {
            states.push(after);
        }
        Self { states }
    }

    /// Holds an answer against every state and drops those that it contradicts.
    ///
    /// # Errors
    /// [`Mismatch`] with the first state where all are contradicted.
    pub fn step(&mut self, command: &[u8], answer: &[u8]) -> Result<(), Mismatch> {
        let mut first = None;
        self.states.retain_mut(|model| match model.step(command, answer) {
            Ok(()) => true,
            Err(mismatch) => {
                first.get_or_insert(mismatch);
                false
            }
        });
        match first {
            Some(mismatch) if self.states.is_empty() => Err(mismatch),
            _ => Ok(()),
        }
    }

    /// A reset or a power cycle.
    pub fn reset(&mut self) {
        self.states.iter_mut().for_each(Model::reset);
    }

    /// As [`Model::cut`], for a second cut before the first is resolved.
    #[must_use]
    pub fn cut(&self, command: &[u8]) -> Self {
        let mut states: Vec<Model> = Vec::new();
        for state in self.states.iter().flat_map(|model| model.cut(command).states) {
            if !states.iter().any(|other| other.same_memory(&state)) {
                states.push(state);
            }
        }
        Self { states }
    }

    /// The states that are left; none after a mismatch.
    #[must_use]
    pub fn states(&self) -> &[Model] {
        &self.states
    }
}

/// Stands for a PIN that is none of the possible ones: it is unpadded and holds what nobody types by accident.
const UNTYPED: [u8; 16] = *b"\xF7nobody's PIN..\xF8";

/// The state between trying and comparing: one try is gone. `None` where no try was made or nothing was left.
///
/// Whether the command comes as far as the comparison shows by a card that knows nothing right: there it costs a try.
fn spent(model: &Model, command: &[u8], after: &Model) -> Option<Model> {
    let mut stranger = model.clone();
    let (pin, puk) = (model.tries().pin, model.tries().puk);
    stranger.memory.pin.value = model.memory.pin.value.map(|_| UNTYPED);
    stranger.memory.puk.value = model.memory.puk.value.map(|_| UNTYPED);
    let _ = stranger.perform(command, None);
    let mut state = model.clone();
    state.reset();
    if stranger.tries().pin < pin {
        state.memory.pin.spend();
    } else if stranger.tries().puk < puk {
        state.memory.puk.spend();
    } else {
        return None;
    }
    (!state.same_memory(after)).then_some(state)
}
