//! A card that a stock program has locked is rescued with nothing but what the authority keeps.

use card_enrolment::{Error, login, unblock_pin};
use host_driver::{Pin, Puk};

use super::clerk::{CARD, Clerk, PIN, Person};
use super::desk::{Desk, Look, listed};
use crate::recovery::in_own_process;

#[test]
fn three_wrong_pins_and_the_authoritys_puk() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        let first = clerk.applied(&mut desk.card());
        for _ in 0..3 {
            let (well, said) = desk.run("pkcs11-tool -l -p 999999 -O");
            assert!(!well, "{said}");
        }
        let locked = login(&mut desk.card(), &mut Person(PIN));
        assert!(matches!(&locked, Err(Error::PinBlocked { serial }) if serial == CARD), "{locked:?}");
        let puk = clerk.records.puk(CARD, clerk.now).unwrap();
        unblock_pin(&mut desk.card(), &Puk::new(&*puk).unwrap(), &Pin::new("135799").unwrap()).unwrap();
        login(&mut desk.card(), &mut Person("135799")).unwrap();
        let chain = clerk.records.chain().clone();
        desk.used_by_all(&Look { pin: "135799", chain: &chain, authorities: 2, caching: false }, &listed(&[&first]));
    });
}
