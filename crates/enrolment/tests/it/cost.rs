//! How many commands each flow sends: the figures of the README, held here.
//!
//! Counted from the first VERIFY on, with directories already read, every GET RESPONSE included; and with reading
//! included, from the first SELECT on. The certificate has about 1,200 bytes.

use card_enrolment::{apply, install, renew, retire};

use crate::desk::{Desk, Sent, personalised};
use crate::flows::{DAY_ONE, renewal_day, with};
use crate::office::Office;
use crate::person::Person;

/// Commands in all, and from the first VERIFY with a PIN on.
fn count(desk: &Desk) -> (usize, usize) {
    let mut state = desk.0.lock().unwrap();
    let sent: Vec<Sent> = std::mem::take(&mut state.sent);
    let verify = |sent: &Sent| sent.command[1] == 0x20 && sent.command.len() > 5;
    let first = sent.iter().position(verify).unwrap();
    (sent.len(), sent.len() - first)
}

/// Plays application, writing, renewal and retirement.
fn play(extended: bool) -> [(usize, usize); 4] {
    let desk = Desk::new(personalised());
    let card = || {
        let mut card = desk.card();
        card.limits().extended = extended;
        card
    };
    let mut office = Office::new(DAY_ONE);
    desk.0.lock().unwrap().sent.clear();
    office.prompt = false;
    with(&mut office, &mut Person::new(), |case| apply(&mut card(), case)).unwrap();
    let application = count(&desk);
    office.work();
    with(&mut office, &mut Person::new(), |case| install(&mut card(), case)).unwrap();
    let writing = count(&desk);
    let first = office.issued[0].clone();
    assert!((1150..1300).contains(&first.der().len()), "{}", first.der().len());
    office.prompt = true;
    office.now = renewal_day(&first);
    with(&mut office, &mut Person::new(), |case| renew(&mut card(), &mut [], case)).unwrap();
    let renewal = count(&desk);
    with(&mut office, &mut Person::new(), |case| retire(&mut card(), None, case)).unwrap();
    [application, writing, renewal, count(&desk)]
}

#[test]
fn the_flows_cost_what_the_readme_says() {
    let (short, extended) = (play(false), play(true));
    println!("application, writing, renewal, retirement; in all and from the first VERIFY on");
    println!("short {short:?}\nextended {extended:?}");
    assert_eq!((short, extended), (SHORT, EXTENDED));
    for ((all, _), theirs) in short.into_iter().zip(OPENSC) {
        assert!(2 * all <= theirs, "{all} commands are more than half of {theirs}");
    }
}

/// What the README states: in all, and from the first VERIFY on.
const SHORT: [(usize, usize); 4] = [(48, 30), (47, 26), (83, 59), (57, 27)];
const EXTENDED: [(usize, usize); 4] = [(46, 28), (38, 18), (69, 49), (48, 26)];
/// What OpenSC 0.23 needs for the same, probing and reading included (certificate-service.md, 2.7).
const OPENSC: [usize; 4] = [97, 94, 191, 117];
