//! PINs and administration keys.

use card_model::{IsoFile, IsoKind};

use super::maker::Maker;
use crate::keys::object;

/// Without the zeros at its end, at least so long.
fn padded(value: &[u8], len: usize) -> Vec<u8> {
    let mut value = value.to_vec();
    value.resize(value.len().max(len), 0);
    value
}

impl Maker<'_, '_> {
    /// The PINs or keys that P2 can name from here, with P2.
    fn reachable(&mut self, pin: bool) -> Option<(IsoFile<'static>, u8)> {
        let _ = (pin, &self.dice);
        None
    }

    /// A new PIN for limits: mostly one that fits.
    fn new_pin(&mut self, (least, most): (usize, usize)) -> Vec<u8> {
        let len = self.dice.pick(&[least, least, most, most, least.saturating_sub(1), most + 1, least + 1]);
        let len = if self.dice.percent(70) { len.clamp(least, most) } else { len };
        (0..len.max(1)).map(|_| b'0' + self.dice.byte() % 10).collect()
    }

    /// A guess at a PIN.
    fn guess(&mut self, value: &[u8], right: usize) -> Vec<u8> {
        let mut guess = value.to_vec();
        if guess.is_empty() {
            return vec![b'1'; 4];
        }
        if !self.dice.percent(right) {
            let at = self.dice.pick(&[0, guess.len() - 1, guess.len() / 2]);
            guess[at] ^= self.dice.pick(&[1, 0x80]);
        }
        guess
    }
}
