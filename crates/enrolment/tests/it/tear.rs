//! The tear matrix: each flow is cut before, inside and after every command, then called again.
//!
//! Inside means after each single byte that the command writes to the card's memory. What a cut leaves in the memory
//! is looked at for every one of them; the flow is called again for every memory that differs, as equal memories with
//! the same authority behave equally.

use std::sync::{Arc, Mutex};

use card_enrolment::{Case, Error, Outcome, State, apply, install, overview, renew, retire, sign};
use card_pki::certificate::Certificate;

use crate::desk::{Cut, Desk, Sim, cycle, personalised};
use crate::flows::{DAY_ONE, applied, renewal_day, renewed, with};
use crate::office::Office;
use crate::person::Person;

/// Header and journal; the pages are behind them.
const PAGES: usize = 1536;

/// A card and an authority before a flow.
pub(crate) struct Scene {
    pub(crate) sim: Sim,
    pub(crate) office: Office,
}

impl Scene {
    fn fork(&self) -> Self {
        Self { sim: self.sim.fork(), office: self.office.clone() }
    }
}

/// One flow, as a program would call it, again and again until it is through.
pub(crate) type Flow = fn(&Desk, &mut Case<'_>) -> Result<bool, Error>;

pub(crate) fn application() -> Scene {
    Scene { sim: personalised(), office: Office::new(DAY_ONE) }
}

pub(crate) fn renewal() -> Scene {
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    let first = applied(&mut desk.card(), &mut office);
    office.now = renewal_day(&first);
    Scene { sim: desk.take(), office }
}

pub(crate) fn retirement() -> Scene {
    let mut scene = renewal();
    let desk = Desk::new(scene.sim);
    renewed(&mut desk.card(), &mut scene.office);
    Scene { sim: desk.take(), office: scene.office }
}

pub(crate) fn downloading() -> Scene {
    let mut scene = renewal();
    scene.office.prompt = false;
    let desk = Desk::new(scene.sim);
    let outcome = with(&mut scene.office, &mut Person::new(), |case| renew(&mut desk.card(), &mut [], case)).unwrap();
    assert!(matches!(outcome, Outcome::Waiting { .. }));
    scene.office.work();
    Scene { sim: desk.take(), office: scene.office }
}

pub(crate) fn do_apply(desk: &Desk, case: &mut Case<'_>) -> Result<bool, Error> {
    match apply(&mut desk.card(), case) {
        // The cut was behind the last step that matters: only the confirmation was left, or nothing.
        Err(Error::StillValid { .. }) => confirm(desk, case),
        other => other.map(|outcome| matches!(outcome, Outcome::Completed { .. })),
    }
}

pub(crate) fn do_renew(desk: &Desk, case: &mut Case<'_>) -> Result<bool, Error> {
    match renew(&mut desk.card(), &mut [], case) {
        Err(Error::Refused(card_pki::refusal::Refusal::TooEarly { .. })) => confirm(desk, case),
        other => other.map(|outcome| matches!(outcome, Outcome::Completed { .. })),
    }
}

pub(crate) fn do_install(desk: &Desk, case: &mut Case<'_>) -> Result<bool, Error> {
    confirm(desk, case)
}

fn confirm(desk: &Desk, case: &mut Case<'_>) -> Result<bool, Error> {
    match install(&mut desk.card(), case) {
        Err(Error::NothingPending) => Ok(true),
        other => other.map(|outcome| matches!(outcome, Outcome::Completed { .. })),
    }
}

pub(crate) fn do_retire(desk: &Desk, case: &mut Case<'_>) -> Result<bool, Error> {
    retire(&mut desk.card(), None, case).map(|_| true)
}

/// An authority that several hold: the flow, and whoever takes a picture of it in the middle.
#[derive(Clone)]
struct Shared(Arc<Mutex<Office>>);

macro_rules! shared {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        impl card_enrolment::Authority for Shared {
            $(fn $name(&mut self, $($argument: $kind),*) -> Result<$result, card_enrolment::AuthorityError> {
                self.0.lock().unwrap().$name($($argument),*)
            })*
        }
    };
}

shared! {
    registration(card: &str) -> card_pki::channel::Registration;
    agreement() -> String;
    nonce(subscriber: &str) -> Vec<u8>;
    submit(key: card_pki::key::KeyHash, submission: &card_pki::channel::Submission) -> card_pki::channel::Answer;
    answer(key: card_pki::key::KeyHash) -> card_pki::channel::Answer;
    installed(key: card_pki::key::KeyHash, confirmation: &card_pki::channel::Confirmation) -> bool;
    keep_puk(sealed: &card_pki::channel::SealedPuk) -> ();
    chain() -> card_pki::certificate::Chain;
    crl() -> Option<card_pki::crl::Crl>;
}

/// A picture before one command.
pub(crate) struct Picture {
    pub(crate) sim: Sim,
    pub(crate) office: Office,
    pub(crate) command: Vec<u8>,
    /// What brings a card that has just been selected to where the flow has it: PIN and selected file.
    pub(crate) path: Vec<Vec<u8>>,
}

/// Keeps track of [`Picture::path`]: what a command that was sent adds to it.
fn track(path: &mut Vec<Vec<u8>>, command: &[u8]) {
    match *command {
        [_, 0xA4, 0x04, ..] => *path = vec![command.to_vec()],
        [_, 0xA4, ..] => {
            path.retain(|command| command[1] != 0xA4 || command[2] == 0x04);
            path.push(command.to_vec());
        }
        [_, 0x20, _, _, 16, ..] => path.push(command.to_vec()),
        // A file that is created is selected.
        [_, 0xE0, ..] => track(path, &[0, 0xA4, 8, 0, 4, 0x50, 0x15, command[16], command[17], 0]),
        _ => {}
    }
}

/// Runs a flow uncut. Returns a picture before each command, and the number of bytes that were written to memory.
pub(crate) fn pictures(scene: &Scene, flow: Flow) -> (Vec<Picture>, u64) {
    const PLENTY: u64 = 1 << 40;
    let Scene { mut sim, office } = scene.fork();
    sim.nvm_mut().cut_power_after(PLENTY);
    let now = office.now;
    let mut shared = Shared(Arc::new(Mutex::new(office)));
    let desk = Desk::new(sim);
    let taken: Arc<Mutex<Vec<Picture>>> = Arc::default();
    let (album, seen) = (taken.clone(), shared.clone());
    let mut path = Vec::new();
    desk.0.lock().unwrap().watch = Some(Box::new(move |sim, command| {
        let mut sim = sim.fork();
        sim.nvm_mut().restore_power();
        let office = seen.0.lock().unwrap().clone();
        album.lock().unwrap().push(Picture { sim, office, command: command.to_vec(), path: path.clone() });
        track(&mut path, command);
    }));
    let mut person = Person::new();
    let done = flow(&desk, &mut Case { authority: &mut shared, dialog: &mut person, now });
    assert!(done.unwrap(), "the uncut flow did not come through");
    let state = &mut *desk.0.lock().unwrap();
    assert_eq!(taken.lock().unwrap().len(), state.sent.len());
    let written = PLENTY - state.sim.nvm_mut().power_left().unwrap();
    state.watch = None;
    (std::mem::take(&mut *taken.lock().unwrap()), written)
}

/// What must hold after any cut, before and after the flow is called again.
pub(crate) struct Invariant {
    /// Certificates of which at least one must be able to sign at once.
    pub(crate) before: Vec<Certificate>,
    /// What is on the card once the flow is through.
    pub(crate) after: Vec<State>,
}

/// Whether a certificate on the card can sign; panics if directories do not parse.
fn can_sign(sim: &Sim, certificate: &Certificate, now: card_pki::time::Timestamp) -> bool {
    let desk = Desk::new(sim.fork());
    sign(&mut desk.card(), Some(certificate.serial()), [7; 32], &mut Person::new(), now, None).is_ok()
}

/// Calls the flow again on what a cut has left, and checks.
pub(crate) fn resume(sim: &Sim, office: &Office, flow: Flow, invariant: &Invariant) -> Result<(), String> {
    let mut office = office.clone();
    let now = office.now;
    if !invariant.before.is_empty() && !invariant.before.iter().any(|certificate| can_sign(sim, certificate, now)) {
        return Err("no certificate can sign after the cut".into());
    }
    let desk = Desk::new(sim.fork());
    let done = with(&mut office, &mut Person::new(), |case| flow(&desk, case)).map_err(|error| error.to_string())?;
    if !done {
        return Err("the flow did not come through".into());
    }
    let read = overview(&mut desk.card(), now, None).map_err(|error| error.to_string())?;
    let states: Vec<State> = read.generations.iter().map(|generation| generation.state.clone()).collect();
    if states != invariant.after {
        return Err(format!("{states:?} on the card"));
    }
    let current =
        read.current().and_then(|generation| generation.certificate.clone()).ok_or("no current certificate")?;
    if !can_sign(&desk.take(), &current, now) {
        return Err("the current certificate cannot sign".into());
    }
    let closed = office.closed.iter().any(|serial| serial == current.serial());
    if closed { Ok(()) } else { Err("the authority does not know".into()) }
}

pub(crate) fn memory(sim: &mut Sim) -> Vec<u8> {
    sim.nvm_mut().image()[PAGES..].to_vec()
}

/// What a command leaves when the power goes after `bytes` bytes; `None` if it was through before.
fn cut_inside(picture: &Picture, bytes: u64) -> Option<Sim> {
    let mut sim = picture.sim.fork();
    sim.nvm_mut().cut_power_after(bytes);
    let mut buffer = [0; 258];
    let answered = !sim.transmit(&picture.command, &mut buffer).is_empty();
    if answered {
        return None;
    }
    cycle(&mut sim);
    Some(sim)
}

/// The whole matrix of one flow on our card. Returns how many cut points there were.
fn matrix(scene: &Scene, flow: Flow, invariant: &Invariant) -> (usize, usize, usize) {
    let (pictures, written) = pictures(scene, flow);
    let (mut points, mut inside, mut resumed) = (0, 0, 0);
    for (number, picture) in pictures.iter().enumerate() {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut look = |mut sim: Sim, place: &str| {
            points += 1;
            let memory = memory(&mut sim);
            if seen.contains(&memory) {
                return;
            }
            seen.push(memory);
            resumed += 1;
            if let Err(fault) = resume(&sim, &picture.office, flow, invariant) {
                panic!("command {number} ({:02X?}), cut {place}: {fault}", &picture.command[..4]);
            }
        };
        let mut before = picture.sim.fork();
        cycle(&mut before);
        look(before, "before");
        let mut bytes = 1;
        while let Some(sim) = cut_inside(picture, bytes) {
            look(sim, &format!("after {bytes} bytes"));
            (inside, bytes) = (inside + 1, bytes + 1);
        }
        let mut after = picture.sim.fork();
        let _ = after.transmit(&picture.command, &mut [0; 258]);
        cycle(&mut after);
        look(after, "after");
    }
    assert_eq!(inside as u64, written, "cut points inside commands, and bytes written");
    assert_eq!(points, 2 * pictures.len() + inside);
    (pictures.len(), inside, resumed)
}

fn certificates(scene: &Scene) -> Vec<Certificate> {
    scene.office.issued.clone()
}

fn report(flow: &str, (commands, inside, resumed): (usize, usize, usize)) {
    println!(
        "{flow}: {commands} commands, {inside} bytes written, {} cut points, {resumed} memories",
        2 * commands + inside
    );
}

#[test]
fn application_survives_every_cut() {
    let invariant = Invariant { before: Vec::new(), after: vec![State::Active] };
    report("application", matrix(&application(), do_apply, &invariant));
}

#[test]
fn renewal_survives_every_cut() {
    let scene = renewal();
    let invariant = Invariant { before: certificates(&scene), after: vec![State::Superseded, State::Active] };
    report("renewal", matrix(&scene, do_renew, &invariant));
}

#[test]
fn download_survives_every_cut() {
    let scene = downloading();
    let invariant = Invariant { before: certificates(&scene), after: vec![State::Superseded, State::Active] };
    report("download", matrix(&scene, do_install, &invariant));
}

#[test]
fn retirement_survives_every_cut() {
    let scene = retirement();
    let invariant = Invariant { before: certificates(&scene), after: vec![State::Active] };
    report("retirement", matrix(&scene, do_retire, &invariant));
}

#[test]
fn the_host_sees_a_pulled_card_and_goes_on_later() {
    let scene = renewal();
    let (pictures, _) = pictures(&scene, do_renew);
    for number in (0..pictures.len()).step_by(7) {
        for cut in [Cut::Before(number), Cut::After(number)] {
            let Scene { sim, mut office } = scene.fork();
            let desk = Desk::new(sim);
            desk.0.lock().unwrap().cut = Some(cut);
            let error = with(&mut office, &mut Person::new(), |case| do_renew(&desk, case)).unwrap_err();
            assert!(matches!(error, Error::Card(host_driver::Error::Transport(_))), "{cut:?}: {error}");
            let desk = Desk::new(desk.take());
            assert!(with(&mut office, &mut Person::new(), |case| do_renew(&desk, case)).unwrap(), "{cut:?}");
        }
    }
}
