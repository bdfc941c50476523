//! The renewal's transcript: what the person is told and asked, and every command, in order.

use card_enrolment::renew;

use crate::desk::{Desk, personalised};
use crate::flows::{DAY_ONE, applied, renewal_day, with};
use crate::office::Office;
use crate::person::Person;

/// The transcript as it should be. `UPDATE_GOLDEN=1` writes it anew; the change is then read in the diff.
#[test]
fn a_renewal_follows_the_manual_step_by_step() {
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    let first = applied(&mut desk.card(), &mut office);
    office.now = renewal_day(&first);
    let mut person = Person::new();
    desk.0.lock().unwrap().transcript = Some(person.transcript.clone());
    // A third certificate would be needed for step e to ask; with two cards in the readers it asks too.
    with(&mut office, &mut person, |case| renew(&mut desk.card(), &mut [], case)).unwrap();
    let found = person.transcript.lock().unwrap().join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/renewal.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert!(found == expected, "the transcript differs from {path}:\n{found}");
}
