//! `cardlab conform` as the program that is run: our own driver, through libpcsclite, on our own service.

use testkit::require_or_skip;

use super::{cardlab, text};

#[test]
fn the_suite_plays_what_leaves_a_card_as_it_was() {
    let Some(()) = require_or_skip(library()) else { return };
    let own = env!("CARGO_BIN_EXE_cardlab");
    let output = cardlab(&["--", own, "conform", "--target", "pcsc", "--reader", "CardLab"]);
    let said = text(&output.stdout);
    let last = said.trim_end().lines().last().unwrap_or_default();
    assert!(output.status.success() && last.contains(" 0 failed"), "{last}");
    assert!(!last.starts_with("0 passed"), "{last}");
    let readers = cardlab(&["--reader", "iso", "--reader", "empty", "--", own, "readers"]);
    assert_eq!(
        text(&readers.stdout),
        "CardLab 00 00: card, ATR 3B8580018073F721DBFA\nCardLab 01 00: no card\n",
        "{readers:?}"
    );
}

/// The PC/SC library is there.
fn library() -> Result<(), testkit::Unavailable> {
    testkit::find_program("pcsc_scan").map(drop)
}
