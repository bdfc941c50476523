//! Renewal notices: once for each certificate, none where there is nothing to renew.

use card_pki::crl::Reason;

use crate::world::{CARD, OTHER_CARD, START, application, at, world};

#[test]
fn a_notice_is_written_once_when_its_month_has_come() {
    let mut world = world();
    assert!(world.ca.due(at("2026-12-31T09:59:59"), 1).unwrap().is_empty());
    assert_eq!(world.ca.due(at("2026-12-31T10:00:00"), 1).unwrap().len(), 1);
    assert!(world.ca.due(at("2027-01-05"), 1).unwrap().is_empty(), "one mail for each certificate");
    let text = std::fs::read_to_string(world.dir.path().join(format!("outbox/{}.eml", world.old.serial()))).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.is_ascii() && head.contains("<alice@example.org>") && head.contains("=?UTF-8?B?"));
    let needed =
        ["2026-12-31 10:00:00", "2027-01-31 10:00:00", "http://ca.example.org/site", "陳筱玲", world.old.serial()];
    assert!(needed.iter().all(|piece| body.contains(piece)), "{body}");
}

#[test]
fn no_notice_where_there_is_nothing_to_renew() {
    let mut renewed = world();
    let renewal = renewed.renewal();
    renewed.ca.renew(CARD, &renewal.cms(), renewal.now).unwrap();
    assert!(renewed.ca.due(at("2027-01-20"), 1).unwrap().is_empty(), "renewed");

    let mut revoked = world();
    revoked.ca.revoke(revoked.old.serial(), Reason::Superseded, at("2027-01-01")).unwrap();
    assert!(revoked.ca.due(at("2027-01-20"), 1).unwrap().is_empty(), "revoked");

    let mut over = world();
    assert!(over.ca.due(at("2027-02-01"), 1).unwrap().is_empty(), "expired");
}

#[test]
fn three_months_before_is_another_month() {
    let mut world = world();
    world.ca.issue(OTHER_CARD, &application("bob", 1), at(START)).unwrap();
    assert!(world.ca.due(at("2026-10-31T09:59:59"), 3).unwrap().is_empty());
    assert_eq!(world.ca.due(at("2026-10-31T10:00:00"), 3).unwrap().len(), 2);
}
