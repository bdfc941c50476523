//! What to ask a card to see everything that can be seen.

use crate::keys::KeyView;
use crate::model::Model;
use crate::pins::LifeCycle;

const SELECT: [u8; 18] =
    [0, 0xA4, 4, 0, 0x0C, 0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 0x01, 0];

/// Commands that together read everything visible: the PIN's tries, control information and content of all files
/// that the model knows, what the key slots hold, and a signature of each key on a curve.
///
/// A PIN that can still be tried is verified in the middle of them, so that its counter is full afterwards; what the
/// PIN protects is read behind that. Ask the probe of another state when the card turns out to be in that.
#[must_use]
pub fn probe(model: &Model) -> Vec<Vec<u8>> {
    if let Some(iso) = &model.iso {
        return iso.probe();
    }
    let mut commands = vec![SELECT.to_vec(), vec![0, 0x20, 0, 1]];
    read_files(model, &mut commands);
    let operational = model.life_cycle() == LifeCycle::Operational;
    if let (true, Some(pin), false) = (operational, model.pin(), model.tries().pin_blocked()) {
        commands.push([&[0, 0x20, 0, 1, 16][..], &pin].concat());
        read_files(model, &mut commands);
        for slot in 0..model.profile().key_slots {
            let environment = |algorithm| vec![0, 0x22, 0x41, 0xB6, 6, 0x80, 1, algorithm, 0x84, 1, slot];
            commands.push(environment(0x11));
            if let Some(KeyView::Ec(_)) = model.key(slot) {
                commands.push(environment(0x21));
                commands.push([&[0, 0x2A, 0x9E, 0x9A, 20][..], &[0x5A; 20], &[0]].concat());
            }
        }
    }
    commands.push(SELECT.to_vec());
    commands
}

fn read_files(model: &Model, commands: &mut Vec<Vec<u8>>) {
    for file in model.files() {
        let [high, low] = file.id.to_be_bytes();
        commands.push(vec![0, 0xA4, 0, 0, 2, high, low, 0]);
        if !file.is_df {
            commands.push(vec![0, 0xB0, 0, 0, 0, 0, 0]);
        }
    }
}
