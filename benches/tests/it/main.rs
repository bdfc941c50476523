//! What must hold on every machine: the measured cards are what they claim to be, and SELECT never asks the heap.

use benches::cards::{Measured, full, personalised};
use benches::commands::{ANSWER, READ_256, must};
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use counting_alloc::{CountingAlloc, allocations_during};

#[global_allocator]
static ALLOCATOR: CountingAlloc = CountingAlloc;

fn selects_allocate_nothing(mut measured: Measured<SoftRsa>) {
    let mut answer = [0; ANSWER];
    for select in measured.selects() {
        let mut status = [0; 2];
        let allocations = allocations_during(|| {
            let answer = measured.card.transmit(&select, &mut answer);
            status.copy_from_slice(&answer[answer.len() - 2..]);
        });
        assert_eq!((status, allocations), ([0x90, 0x00], 0), "{select:02X?}");
    }
}

#[test]
fn select_allocates_nothing_on_a_card_with_four_certificates() {
    selects_allocate_nothing(personalised(&Preset::isoapplet(), SoftRsa));
}

#[test]
fn select_allocates_nothing_on_a_full_card() {
    selects_allocate_nothing(full(SoftRsa));
}

#[test]
fn the_full_card_has_1024_files_that_are_all_found() {
    let mut measured = full(SoftRsa);
    assert_eq!(measured.paths.len(), 1023);
    for (path, select) in measured.paths.clone().iter().zip(measured.selects()) {
        let [high, low] = path[path.len() - 1].to_be_bytes();
        let fci = must(&mut measured.card, &select);
        assert_eq!(fci[9..13], [0x83, 2, high, low], "{path:04X?}");
    }
}

#[test]
fn the_personalised_card_has_its_certificates() {
    let mut measured = personalised(&Preset::certificate(), SoftRsa);
    let certificate = measured.certificate();
    must(&mut measured.card, &certificate);
    let first = must(&mut measured.card, READ_256);
    assert_eq!((first.len(), &first[..4]), (256, &[0x30, 0x82, 0x03, 0xE4][..]));
    assert_eq!(measured.paths.len(), 18);
}
