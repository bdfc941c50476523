//! Twenty years of renewals: long Chinese names, a new computer every year, old keys retired now and then.

use super::super::desk::{CARD, Desk, PIN};
use super::{RENEW, certificates};

const YEARS: i64 = 20;

#[test]
fn twenty_renewals_over_the_years_each_on_a_new_computer() {
    let desk = Desk::blank_with(&["--seed", "9"]);
    let first = "2026-01-10T10:00:00";
    desk.card(first, &["init", "--serial", CARD, "--seed", "100", "--pin-fd", "3"]).ends(0);
    let (name, unit) = ("歐陽筱玲".repeat(16), "國際業務發展暨風險控管委員會第三組".repeat(3));
    let who = ["--subscriber", "A123", "--ra-unit", "R1", "--card", CARD, "--cn", &name, "--o", &unit, "--ou", &unit];
    desk.ca(&[&["register"][..], &who, &["--channel", "channel", "--now", first]].concat()).ends(0);
    let with = |year: i64| vec!["--home".to_owned(), format!("home-{year}"), "--seed".to_owned(), year.to_string()];
    let card = |year: i64, now: &str, args: &[&str]| {
        let options = with(year);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        desk.card(now, &[args, &options].concat())
    };
    let install = ["install", "--pin-fd", "3"];
    card(0, first, &["apply", "--pin-fd", "3", "--accept-agreement", "channel/agreement.txt"]).ends(3);
    desk.answered(first);
    card(0, first, &install).ends(3);
    desk.answered(first);
    card(0, first, &install).ends(0);
    for year in 1..=YEARS {
        let now = moment(year);
        desk.may_renew_at(&now);
        card(year, &now, &RENEW).ends(3);
        desk.answered(&now);
        card(year, &now, &install).ends(3).says(&["has been renewed"]);
        desk.answered(&now);
        card(year, &now, &install).ends(0).says(&["completed"]);
        let found = certificates(&desk, &now);
        assert_eq!(found.iter().filter(|(state, _)| state == "current").count(), 1, "year {year}: {found:?}");
        if year % 3 == 0 {
            while card(year, &now, &["retire", "--pin-fd", "3", "--json"]).ends(0).json()["retired"].is_string() {}
        }
    }
    let last = moment(YEARS);
    let certs = desk.card(&last, &["certs", "--json", "--home", "fresh-home"]).ends(0).json();
    let rows = certs["certificates"].as_array().unwrap();
    assert!(rows[0]["subject"].as_str().unwrap().contains(&name), "{rows:?}");
    assert_eq!(rows[0]["not_after"].as_str().map(|at| &at[..4]), Some("2046"), "{rows:?}");
    assert_eq!(rows.len(), 1 + usize::try_from(YEARS % 3).unwrap(), "{rows:?}");
    desk.ca(&["audit"]).ends(0);
    desk.keeps(&[PIN]);
}

/// The moment of a renewal, two weeks before the last certificate ends.
fn moment(year: i64) -> String {
    let first: jiff::civil::Date = "2026-01-10".parse().unwrap();
    let ends = first.checked_add(jiff::Span::new().years(year)).unwrap();
    let ends = ends.checked_sub(jiff::Span::new().weeks(2 * year)).unwrap();
    format!("{ends}T10:00:00")
}
