//! Cards as slow as real ones.

use std::time::{Duration, Instant};

use testkit::{find_program, require_or_skip};

use super::{cardlab, text};

const SELECT: &str = "00A404000CF276A288BCFBA69D34F31001";

/// The microseconds that a trace tells of this command.
fn micros(trace: &str, command: &str) -> u64 {
    let mut lines = trace.lines().skip_while(|line| !line.ends_with(&format!("> {command}")));
    let answer = lines.nth(1).unwrap_or_else(|| panic!("{trace}"));
    answer.rsplit_once('(').unwrap().1.strip_suffix(" us)").unwrap().parse().unwrap()
}

#[test]
fn a_key_takes_twelve_seconds_and_nobody_waits() {
    let Some(_) = require_or_skip(find_program("pkcs15-init")) else { return };
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("t");
    let script = "pkcs15-init --create-pkcs15 --so-pin 123456 --so-puk 0123456789abcdef && \
        pkcs15-init --generate-key rsa/2048 --id 1 --key-usage sign --auth-id FF --pin 123456";
    let reader = "isoapplet,speed=median,seed=4";
    let begin = Instant::now();
    let traced = ["--reader", reader, "--fast-forward", "--trace", trace.to_str().unwrap()];
    let output = cardlab(&[&traced[..], &["--", "sh", "-c", script]].concat());
    let waited = begin.elapsed();
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(&trace).unwrap();
    let generation = Duration::from_micros(micros(&text, "0046420000"));
    assert!((11.9..13.0).contains(&generation.as_secs_f64()), "{generation:?}");
    assert!(waited < generation, "{waited:?}");
    assert!((42_000..60_000).contains(&micros(&text, SELECT)), "{text}");
    // What came after it is later than it took.
    let seconds = |line: &str| line.split_whitespace().next().and_then(|at| at.parse::<f64>().ok());
    let times: Vec<f64> = text.lines().filter_map(seconds).collect();
    assert!(times.is_sorted() && *times.last().unwrap() > 11.9, "{text}");
}

#[test]
fn a_profile_of_ones_own_is_waited_for() {
    let Some(_) = require_or_skip(find_program("opensc-tool")) else { return };
    let home = tempfile::tempdir().unwrap();
    let profile = home.path().join("p.toml");
    std::fs::write(&profile, "[every_command]\nms = 0\n[[rule]]\nwhat = \"random\"\ninstruction = \"84\"\nms = 400\n")
        .unwrap();
    let reader = format!("isoapplet,speed={}", profile.display());
    let tool = ["opensc-tool", "-c", "default", "-s", SELECT, "-s", "0084000008"];
    let begin = Instant::now();
    let output = cardlab(&[&["--reader", &reader, "--"], &tool[..]].concat());
    assert!(output.status.success() && begin.elapsed() >= Duration::from_millis(400), "{output:?}");
    for (speed, word) in
        [("quick", "best, median, worst, any"), (profile.parent().unwrap().to_str().unwrap(), "speed=")]
    {
        let output = cardlab(&["--reader", &format!("isoapplet,speed={speed}"), "--", "true"]);
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains(word), "{output:?}");
    }
}

/// Pulling a slow card is noticed now and not in an hour.
#[test]
fn a_card_that_works_for_an_hour_is_pulled() {
    let Some(_) = require_or_skip(find_program("opensc-tool")) else { return };
    let home = tempfile::tempdir().unwrap();
    let profile = home.path().join("p.toml");
    std::fs::write(
        &profile,
        "[every_command]\nms = 0\n[[rule]]\nwhat = \"random\"\ninstruction = \"84\"\nms = 3600000\n",
    )
    .unwrap();
    let reader = format!("isoapplet,speed={}", profile.display());
    let own = env!("CARGO_BIN_EXE_cardlab");
    for pull in ["remove", "unplug"] {
        // The tool says what it sends before it does.
        let said = home.path().join(pull);
        let script = format!(
            "stdbuf -oL opensc-tool -c default -s {SELECT} -s 0084000008 > {said} & tool=$!; \
             until grep -q '00 84 00 00 08' {said}; do sleep 0.1; done; sleep 0.2; {own} ctl {pull}; wait $tool",
            said = said.display()
        );
        // `run_bounded` ends it with a panic after a minute.
        let output = cardlab(&["--reader", &reader, "--", "sh", "-c", &script]);
        let errors = text(&output.stderr);
        assert!(errors.contains("Card removed") || errors.contains("Reader"), "{pull}: {output:?}");
    }
}

/// Two cards one after the other: no time goes back. And a delay of an hour is over at once.
#[test]
fn the_times_of_several_cards_go_on() {
    let Some(_) = require_or_skip(find_program("opensc-tool")) else { return };
    let home = tempfile::tempdir().unwrap();
    let (trace, faults) = (home.path().join("t"), home.path().join("f.toml"));
    std::fs::write(&faults, "[[fault]]\nreader = 1\ndo = { delay = 3600000 }\n").unwrap();
    let (trace, faults) = (trace.to_str().unwrap(), faults.to_str().unwrap());
    let readers = ["--reader", "isoapplet,speed=worst", "--reader", "isoapplet,speed=best", "--fast-forward"];
    let script = "for reader in 0 1 0; do opensc-tool -r $reader -n || exit; done";
    let output = cardlab(&[&readers[..], &["--trace", trace, "--faults", faults, "--", "sh", "-c", script]].concat());
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(trace).unwrap();
    let times: Vec<f64> =
        text.lines().filter_map(|line| line.split_whitespace().next().and_then(|at| at.parse().ok())).collect();
    assert!(times.is_sorted() && *times.last().unwrap() > 3600.0, "{text}");
}
