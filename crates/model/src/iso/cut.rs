//! States after a power cut.

use super::card::Card;
use super::change::Since;

impl Card {
    /// Before the command, a try spent, after it; all are reset.
    pub(crate) fn cut(&self, command: &[u8]) -> Vec<Self> {
        let (mut before, mut after) = (self.clone(), self.clone());
        before.tried = None;
        after.tried = None;
        let _ = after.perform(command, None);
        let mut states = vec![before.clone()];
        if let Some(secret) = after.tried.and_then(|tried| before.memory.secret_mut(tried)) {
            secret.tries.left = secret.tries.left.saturating_sub(1);
            states.push(before);
        }
        states.push(after);
        let mut kept: Vec<Self> = Vec::new();
        for mut state in states {
            state.reset();
            // The counter may have risen before what it counts.
            state.counter.since = state.counter.since.max(Since::Perhaps);
            if !kept.iter().any(|other| other.memory == state.memory) {
                kept.push(state);
            }
        }
        kept
    }
}
