//! Stopped at any moment, asked again: one certificate for each request, and a log that fits.

use std::collections::BTreeSet;
use std::time::Duration;

use card_ca::{Authority, CaError, Disk, Passphrase, Records};

use crate::world::{CARD, OTHER_CARD, START, World, application, at, copied, open, passphrase, world};

#[test]
fn a_stop_at_every_file_operation_gives_one_certificate() {
    let mut world = world();
    let renewal = world.renewal();
    let cms = renewal.cms();
    drop(world.ca);
    let mut operation = 0;
    loop {
        operation += 1;
        let dir = copied(world.dir.path());
        let disk = Disk::stopping_at(dir.path(), operation);
        let stopped = {
            let mut ca = Authority::open_on(disk, &passphrase(), Duration::ZERO).unwrap();
            let first = ca.renew(CARD, &cms, renewal.now);
            if first.is_err() {
                let again = ca.renew(CARD, &cms, renewal.now);
                assert!(matches!(again, Err(CaError::Reopen)), "memory and disk may differ now");
            }
            first
        };
        // Readers do not need the next writer to see a whole log.
        assert!(Records::read(dir.path()).unwrap().audit().is_ok(), "{operation}");
        let mut ca = open(dir.path());
        let issued = ca.renew(CARD, &cms, renewal.now).unwrap();
        let all = ca.records().certificates().unwrap();
        assert_eq!(all.iter().filter(|one| one.issued.renewal_of.is_some()).count(), 1, "{operation}");
        assert!(ca.records().audit().is_ok(), "{operation}");
        if let Ok(first) = stopped {
            assert_eq!(first, issued);
            break;
        }
    }
    assert!(operation > 5, "writing state and log takes more operations than {operation}");
}

#[test]
fn the_same_request_gets_the_same_answer_for_ever() {
    let World { dir, mut ca, old } = world();
    let again = ca.issue(CARD, &application("alice", 0), at("2030-01-01")).unwrap();
    assert_eq!(again, old);
    drop(ca);
    let mut world = world_in(dir, old);
    let renewal = world.renewal();
    let cms = renewal.cms();
    let first = world.ca.renew(CARD, &cms, renewal.now).unwrap();
    // Its nonce is used now, and much later the old certificate has ended.
    for now in [renewal.now, at("2027-03-01")] {
        assert_eq!(world.ca.renew(CARD, &cms, now).unwrap(), first);
    }
    // With a fresh nonce, and so other bytes, it is still the same request: old serial and new key.
    let fresh = world.renewal().cms();
    assert_ne!(fresh, cms);
    assert_eq!(world.ca.renew(CARD, &fresh, renewal.now).unwrap(), first);
    assert_eq!(world.ca.records().certificates().unwrap().len(), 2);
}

fn world_in(dir: tempfile::TempDir, old: card_pki::certificate::Certificate) -> World {
    let ca = open(dir.path());
    World { dir, ca, old }
}

#[test]
fn two_issuers_at_once_and_wrong_passphrases_change_nothing() {
    let world = world();
    let before = std::fs::read(world.dir.path().join("state.json")).unwrap();
    let second = Authority::open(world.dir.path(), &passphrase());
    assert!(matches!(second, Err(CaError::Locked { .. })));
    drop(world.ca);
    let wrong = Authority::open(world.dir.path(), &Passphrase::new("wrong"));
    assert!(matches!(wrong, Err(CaError::WrongPassphrase)));
    assert_eq!(std::fs::read(world.dir.path().join("state.json")).unwrap(), before);
    let nothing = Authority::open(std::path::Path::new("/nonexistent"), &passphrase());
    assert!(matches!(nothing, Err(CaError::NoAuthority { .. })));
}

#[test]
fn a_cut_or_changed_log_is_noticed() {
    let mut world = world();
    world.ca.nonce("alice", at(START)).unwrap();
    drop(world.ca);
    let path = world.dir.path().join("audit.log");
    let whole = std::fs::read(&path).unwrap();
    let lines = whole.split_inclusive(|byte| *byte == b'\n').count();
    assert!(lines >= 5);
    let without_two: Vec<u8> =
        whole.split_inclusive(|byte| *byte == b'\n').take(lines - 2).flatten().copied().collect();
    let mut changed = whole.clone();
    changed[whole.len() - 3] ^= 1;
    for bytes in [without_two, changed, [whole.as_slice(), b"{}\n"].concat()] {
        std::fs::write(&path, &bytes).unwrap();
        assert!(Records::read(world.dir.path()).unwrap().audit().is_err());
        assert!(Authority::open(world.dir.path(), &passphrase()).is_err(), "nothing is added to such a log");
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(Records::read(world.dir.path()).unwrap().audit().is_ok());
}

#[test]
fn nothing_readable_holds_a_key_and_serials_differ() {
    let mut world = world();
    let mut serials = BTreeSet::from([world.old.serial().to_owned()]);
    let other = world.ca.issue(OTHER_CARD, &application("bob", 1), at(START)).unwrap();
    serials.insert(other.serial().to_owned());
    assert_eq!(serials.len(), 2);
    assert!(serials.iter().all(|serial| serial.len() == 32), "{serials:?}");
    for name in ["root", "issuing", "recipient"] {
        let pem = std::fs::read_to_string(world.dir.path().join(format!("keys/{name}.pem"))).unwrap();
        assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    }
}
