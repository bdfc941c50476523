//! Times and the renewal window.

use crate::support::at;

use card_pki::time::{Phase, Validity, Window, months_after, months_before, parse, shown, whole};

#[test]
fn windows() {
    // notAfter, the window's first second; both as Taipei's time unless they say otherwise
    let table = [
        ("2027-03-31T12:00:00", "2027-02-28T12:00:00"),
        ("2028-03-31T12:00:00", "2028-02-29T12:00:00"),
        ("2027-03-29T00:00:00", "2027-02-28T00:00:00"),
        ("2028-03-29T00:00:00", "2028-02-29T00:00:00"),
        ("2026-12-31T23:59:59", "2026-11-30T23:59:59"),
        ("2027-01-01T00:00:00", "2026-12-01T00:00:00"),
        ("2028-02-29T08:30:15", "2028-01-29T08:30:15"),
        ("2027-01-31T10:00:00", "2026-12-31T10:00:00"),
        ("2027-05-31T10:00:00", "2027-04-30T10:00:00"),
        // 31 March at 23:00 UTC is 1 April in Taipei: a whole month back is 1 March there, 28 February in UTC.
        ("2027-03-31T23:00:00Z", "2027-03-01T07:00:00"),
        ("2027-03-31T16:00:00Z", "2027-02-28T16:00:00Z"),
        ("2027-03-31T15:59:59Z", "2027-02-28T15:59:59Z"),
    ];
    for (not_after, opens) in table {
        let window = Window::before(at(not_after));
        assert_eq!(shown(window.opens), shown(at(opens)), "{not_after}");
        assert_eq!(window.closes, at(not_after));
        let second = |base: &str, seconds: i64| {
            window.phase(card_pki::time::Timestamp::from_second(at(base).as_second() + seconds).unwrap())
        };
        let phases = [second(opens, -1), second(opens, 0), second(not_after, 0), second(not_after, 1)];
        assert_eq!(phases, [Phase::TooEarly, Phase::Open, Phase::Open, Phase::Over], "{not_after}");
    }
}

#[test]
fn both_ends_of_a_validity_belong_to_it() {
    let validity = Validity { not_before: at("2026-01-01"), not_after: at("2026-12-31T23:59:59") };
    let table = [
        ("2025-12-31T23:59:59", false),
        ("2026-01-01T00:00:00", true),
        ("2026-12-31T23:59:59", true),
        ("2026-12-31T23:59:59.999", true),
        ("2027-01-01T00:00:00", false),
    ];
    for (time, inside) in table {
        assert_eq!(validity.contains(at(time)), inside, "{time}");
    }
    assert!(validity.contains("2026-12-31T15:59:59.9Z".parse().unwrap()));
}

#[test]
fn texts() {
    let table = [
        ("2026-11-22", Some("2026-11-22 00:00:00")),
        ("2026-11-22T10:00:00", Some("2026-11-22 10:00:00")),
        ("2026-11-22T10:00:00Z", Some("2026-11-22 18:00:00")),
        ("2026-11-22T10:00:00+08:00", Some("2026-11-22 10:00:00")),
        ("2026-11-22T10:00:00-05:00", Some("2026-11-22 23:00:00")),
        (" 2026-11-22T10:00:00.5Z\n", Some("2026-11-22 18:00:00")),
        ("1970-01-01T08:00:00", Some("1970-01-01 08:00:00")),
        ("1970-01-01T07:59:59", None),
        ("2026-02-29", None),
        ("2026-11-22T25:00:00", None),
        ("22.11.2026", None),
        ("", None),
        ("tomorrow", None),
        ("民國一一五年", None),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text).ok().map(shown).as_deref(), expected, "{text}");
    }
}

#[test]
fn months() {
    let table = [
        ("2026-11-30T10:00:00", 3, "2026-08-30 10:00:00", "2027-02-28 10:00:00"),
        ("2027-11-29T23:59:59", 3, "2027-08-29 23:59:59", "2028-02-29 23:59:59"),
        ("2026-11-22T00:00:00", 12, "2025-11-22 00:00:00", "2027-11-22 00:00:00"),
        ("2028-02-29T00:00:00", 12, "2027-02-28 00:00:00", "2029-02-28 00:00:00"),
        ("2026-11-22T00:00:00", 0, "2026-11-22 00:00:00", "2026-11-22 00:00:00"),
    ];
    for (from, months, before, after) in table {
        assert_eq!(shown(months_before(at(from), months)), before);
        assert_eq!(shown(months_after(at(from), months)), after);
    }
    let last = whole(card_pki::time::Timestamp::MAX);
    assert!(months_after(last, u16::MAX) >= last);
}
