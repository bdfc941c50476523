//! Other programs at the same card at the same time: one signs all the time, one resets the card.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use card_enrolment::{Error, Outcome, renew, retire, sign};
use card_pki::certificate::Certificate;
use card_pki::time::Window;
use host_driver::{Error as CardError, TransportError};

use super::clerk::{Clerk, PIN, Person};
use super::desk::{Desk, Look, listed};
use crate::recovery::in_own_process;

/// How often a flow may be begun again: each time another program has reset the card.
const ATTEMPTS: usize = 20;
/// How many signatures the other program makes at least while we are at the card.
const SIGNATURES: usize = 8;
/// Between our own signatures, so that the others have their turn soon.
const PAUSE: Duration = Duration::from_millis(20);
const DIGEST: [u8; 32] = [0x5A; 32];

/// The other programs.
#[derive(Default)]
struct Crowd {
    stop: AtomicBool,
    signed: AtomicUsize,
}

impl Crowd {
    /// Logs in and signs, and every now and then resets the card; all of it must work, whatever we do meanwhile.
    fn work(&self, desk: &Desk, id: &str) {
        let sign = format!("pkcs11-tool -l -p {PIN} --sign -m SHA256-RSA-PKCS -d {id} -i message -o crowd.sig");
        while !self.stop.load(Ordering::Relaxed) {
            desk.done(&sign);
            let verified = desk.done("openssl dgst -sha256 -verify crowd.pem -signature crowd.sig message");
            assert!(verified.contains("Verified OK"), "{verified}");
            if self.signed.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
                desk.done("opensc-tool --reset");
            }
        }
    }
}

/// Calls a flow again for as long as it says that another program has reset the card.
#[track_caller]
fn persist<R>(mut flow: impl FnMut() -> Result<R, Error>) -> R {
    for _ in 0..ATTEMPTS {
        match flow() {
            Err(Error::Card(CardError::Transport(TransportError::CardReset))) => eprintln!("RESET"),
            other => return other.unwrap(),
        }
    }
    panic!("reset {ATTEMPTS} times");
}

#[test]
fn our_flows_and_programs_that_sign_and_reset_come_through() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        let first = clerk.applied(&mut desk.card());
        let second = clerk.renewed(&mut desk.card(), &first);
        desk.write("crowd.pem", second.public_key().to_pem().as_bytes());
        let id = listed(&[&second]).remove(0).id;
        let crowd = Crowd::default();
        let third = thread::scope(|scope| {
            let others = scope.spawn(|| crowd.work(&desk, &id));
            let mut card = desk.card();
            let work = catch_unwind(AssertUnwindSafe(|| {
                // The first certificate goes and another one comes; the one that the others use stays.
                assert_eq!(persist(|| clerk.with(PIN, |case| retire(&mut card, None, case))).as_ref(), Some(&first));
                clerk.now = Window::before(second.validity().not_after).opens;
                let outcome = persist(|| clerk.with(PIN, |case| renew(&mut card, &mut [], case)));
                let Outcome::Completed { certificate } = outcome else { panic!("{outcome:?}") };
                while crowd.signed.load(Ordering::Relaxed) < SIGNATURES && !others.is_finished() {
                    let (by, signature) = persist(|| sign(&mut card, None, DIGEST, &mut Person(PIN), clerk.now, None));
                    assert!(by == certificate && by.public_key().verify(&DIGEST, &signature));
                    thread::sleep(PAUSE);
                }
                certificate
            }));
            crowd.stop.store(true, Ordering::Relaxed);
            others.join().unwrap_or_else(|panic| resume_unwind(panic));
            work.unwrap_or_else(|panic: Box<dyn std::any::Any + Send>| resume_unwind(panic))
        });
        let chain = clerk.records.chain().clone();
        let held: [&Certificate; 2] = [&second, &third];
        desk.used_by_all(&Look { pin: PIN, chain: &chain, authorities: 2, caching: false }, &listed(&held));
    });
}
