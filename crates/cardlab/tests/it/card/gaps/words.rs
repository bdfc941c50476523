//! What is said and asked: in which language, how often, and to whom.

use std::process::Command;

use super::super::desk::{Desk, FIRST, LATER, PIN};
use super::super::terminal::Terminal;
use super::RENEW;

#[test]
fn the_locale_decides_the_language() {
    let desk = Desk::blank();
    let cases: [(&[&str], &[&str], bool); 7] = [
        (&["LANG=zh_TW.UTF-8"], &[], true),
        (&["LANG=en_US.UTF-8", "LC_MESSAGES=zh_TW.UTF-8"], &[], true),
        (&["LANG=zh_TW.UTF-8", "LC_ALL=C.UTF-8"], &[], false),
        (&["LANG=en_US.UTF-8", "LC_ALL=zh_TW.UTF-8"], &[], true),
        (&["LC_ALL=zh_TW.UTF-8"], &["--lang", "en"], false),
        (&["LC_ALL=C"], &["--lang", "zh-TW"], true),
        (&["LANG=fr_FR.UTF-8"], &[], false),
    ];
    for (variables, options, chinese) in cases {
        let mut command = Command::new("env");
        command.args(["-u", "LC_ALL"]).args(variables).arg("sh");
        let said = desk.plain(command, &[&["uninstall-csp"], options].concat()).ends(0);
        assert_eq!(said.out.contains("未作任何變更"), chinese, "{variables:?} {options:?}: {said:?}");
        assert_eq!(said.out.is_ascii(), !chinese, "{variables:?} {options:?}: {said:?}");
    }
    let mut command = Command::new("sh");
    command.env("LANG", "zh_TW.UTF-8");
    let said = desk.plain(command, &["uninstall-csp", "--lang", "klingon"]);
    assert!(said.code != Some(0), "{said:?}");
    said.says(&["en and zh-TW"]);
}

#[test]
fn a_wrong_pin_is_not_remembered() {
    let desk = Desk::ready();
    desk.may_renew();
    let words =
        format!("renew --image card.img --now {LATER} --remember-pin --yes --accept-agreement channel/agreement.txt");
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("PIN (6-16 characters):").types("99999999\r").shows("The PIN is wrong.").shows("Tries left: 2");
    terminal.shows("PIN (6-16 characters):").types(&format!("{PIN}\r")).shows("has been sent");
    let screen = terminal.ends(3);
    assert_eq!(screen.matches("PIN (6-16 characters):").count(), 2, "{screen}");
    desk.card(LATER, &["info"]).ends(0).says(&["tries left: 3"]);
}

#[test]
fn without_remembering_each_step_asks_and_a_wrong_second_pin_has_made_no_key() {
    let desk = Desk::ready();
    desk.may_renew();
    let words = format!("renew --image card.img --now {LATER} --yes --accept-agreement channel/agreement.txt");
    let key = format!("{PIN}\r");
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("To log in").shows("PIN (6-16 characters):").types(&key);
    terminal.shows("To generate").shows("PIN (6-16 characters):").types("99999999\r").shows("The PIN is wrong.");
    terminal.shows("PIN (6-16 characters):").types("\r").shows("Cancelled. Nothing was changed.");
    terminal.ends(1);
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    for step in ["To log in", "To generate", "To sign"] {
        terminal.shows(step).shows("PIN (6-16 characters):").types(&key);
    }
    let screen = terminal.ends(3);
    assert_eq!(screen.matches("PIN (6-16 characters):").count(), 3, "{screen}");
    assert_eq!(screen.matches("Generating the key on the card").count(), 1, "{screen}");
}

#[test]
fn scripts_are_not_told_how_long_a_key_takes() {
    let desk = Desk::ready();
    desk.may_renew();
    let said = desk.card(LATER, &[&RENEW[..], &["--json"]].concat()).ends(3);
    assert_eq!(said.json()["outcome"], "waiting");
    assert!(said.err.contains("will be generated") && !said.err.contains("Generating"), "{said:?}");
    desk.card(FIRST, &RENEW).ends(1).says(&["too early"]);
}
