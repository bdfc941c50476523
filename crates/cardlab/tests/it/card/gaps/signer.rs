//! Step e: which certificate signs, where more than one could.

use super::super::desk::{CARD, Desk, FIRST, PIN};
use super::super::terminal::Terminal;
use super::{RENEW, certificates, states};

/// Certificates live for a month here, so that two are in their last month at once.
const SECOND: &str = "2026-01-20T10:00:00";
const BOTH: &str = "2026-01-25T10:00:00";
const ONE_OVER: &str = "2026-02-15T10:00:00";

/// A renewal at a terminal as far as step e.
fn at_step_e(desk: &Desk, now: &str) -> Option<Terminal> {
    desk.may_renew_at(now);
    let words =
        format!("renew --image card.img --now {now} --remember-pin --yes --accept-agreement channel/agreement.txt");
    let mut terminal = Terminal::start(desk, &words)?;
    terminal.shows("PIN (6-16 characters):").types(&format!("{PIN}\r")).shows("Choose the certificate that signs");
    Some(terminal)
}

#[test]
fn the_newest_comes_first_another_is_warned_of_and_an_expired_one_refused() {
    let desk = Desk::blank_with(&["--months", "1"]);
    desk.card(FIRST, &["init", "--serial", CARD, "--pin-fd", "3"]).ends(0);
    desk.registered();
    desk.card(FIRST, &["apply", "--pin-fd", "3", "--accept-agreement", "channel/agreement.txt"]).ends(3);
    desk.installed(FIRST);
    desk.may_renew_at(SECOND);
    desk.card(SECOND, &RENEW).ends(3);
    desk.installed(SECOND);
    let found = certificates(&desk, BOTH);
    assert_eq!((found[0].0.as_str(), found[1].0.as_str()), ("current", "superseded"));
    let (new, old) = (found[0].1.as_str(), found[1].1.as_str());

    // The superseded one is chosen after a warning. The authority has a word to say to that.
    let Some(mut terminal) = at_step_e(&desk, BOTH) else { return };
    terminal.shows(&format!("1. {new}, valid until 2026-02-20")).shows(&format!("2. {old}, valid until 2026-02-10"));
    terminal.shows("empty takes 1").types("2\r").shows("not the certificate that is valid longest").types("n\r");
    terminal.shows("empty takes 1").types("2\r").shows("Use it all the same?").types("y\r");
    terminal.shows(&format!("original card certificate {old}")).shows("has been sent");
    terminal.ends(3);
    desk.answered(BOTH);
    desk.card(BOTH, &["install", "--pin-fd", "3"]).ends(1).says(&["has been renewed already", new]);
    assert_eq!(states(&desk, BOTH).iter().filter(|state| *state == "current").count(), 1);

    // By now it has expired, by name too.
    desk.may_renew_at(ONE_OVER);
    let named = [&RENEW[..], &["--old", old]].concat();
    desk.card(ONE_OVER, &named).ends(1).says(&["has expired and cannot sign"]);
    let Some(mut terminal) = at_step_e(&desk, ONE_OVER) else { return };
    terminal.shows(&format!("1. {new}, valid")).shows(&format!("2. {old}, expired on 2026-02-10"));
    terminal.shows("empty takes 1").types("2\r").shows("has expired and cannot sign");
    terminal.shows("empty takes 1").types("\r").shows(&format!("original card certificate {new}"));
    terminal.ends(3);
    desk.installed(ONE_OVER);
    assert_eq!(states(&desk, ONE_OVER), ["current", "superseded", "expired"]);
}
