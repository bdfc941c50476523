//! `cardlab ctl` and `cardlab serve`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use testkit::{find_program, require_or_skip, run_bounded};

use super::{LIMIT, cardlab, text};

/// Runs a script in which `ctl` is `cardlab ctl`, and shows what `opensc-tool` sees in a word: the ATR's length or none.
fn script(readers: &[&str], body: &str) -> Option<String> {
    require_or_skip(find_program("opensc-tool"))?;
    let own = env!("CARGO_BIN_EXE_cardlab");
    let head = format!(
        "ctl() {{ {own} ctl \"$@\" 2>&1; }}; \
         atr() {{ opensc-tool -r \"$1\" --atr 2>/dev/null | tr -dc 0-9a-f | sed 's/^$/none/'; echo; }}; "
    );
    let program = format!("{head}{body}");
    let output = cardlab(&[readers, &["--", "sh", "-c", &program]].concat());
    Some(text(&output.stdout).to_owned())
}

#[test]
fn a_card_is_pulled_put_back_and_exchanged() {
    let readers = ["--reader", "isoapplet", "--reader", "empty"];
    let body = "ctl list; ctl remove --reader 0; ctl list; ctl insert --reader 'CardLab 00'; atr 0; \
                ctl swap --reader 0 --card iso; atr 0; ctl insert --reader 1 --card tight; atr 1";
    let Some(said) = script(&readers, body) else { return };
    assert_eq!(
        said.split_whitespace().collect::<Vec<_>>().join(" "),
        "0: CardLab 00 00: card 1: CardLab 01 00: no card \
         0: CardLab 00 00: no card 1: CardLab 01 00: no card \
         3b80800101 3b8580018073f721dbfa 3b80800101"
    );
}

#[test]
fn a_card_in_a_file_is_exchanged_for_itself() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let reader = format!("iso:{}", path("a.img"));
    let body = format!("cd {}; ctl swap --card iso:a.img; ctl swap --card iso:b.img; atr 0; ls", path(""));
    let Some(said) = script(&["--reader", &reader], &body) else { return };
    assert_eq!(said, "3b8580018073f721dbfa\na.img\nb.img\n");
}

#[test]
fn nothing_is_left_when_the_last_word_was_to_us() {
    let own = env!("CARGO_BIN_EXE_cardlab");
    for _ in 0..50 {
        let script = format!("echo \"${{PCSCLITE_CSOCK_NAME%/*}}\"; exec {own} ctl reset");
        let output = cardlab(&["--", "sh", "-c", &script]);
        assert!(output.status.success(), "{output:?}");
        let directory = std::path::Path::new(text(&output.stdout).trim());
        assert!(directory.is_absolute() && !directory.exists(), "{}", directory.display());
    }
}

#[test]
fn mistakes_are_one_line() {
    for (words, said) in [
        ("remove", "which of 2 readers"),
        ("remove --reader nobody", "no reader is called `nobody`"),
        ("insert --reader 1", "no card was pulled"),
        ("insert --reader 0 --card iso", "`swap` exchanges it"),
        ("reset --reader 1", "there is no card"),
        ("remove --reader 1", "there is no card"),
        ("swap --reader 0 --card nonsense", "no preset is called"),
        ("insert --reader 1 --card empty", "`empty` is no card"),
        ("insert --reader 1 --card iso,name=Other", "name is the reader's"),
        ("swap --reader 0 --card iso,pinpad=ctl", "pinpad is the reader's"),
    ] {
        let readers = ["--reader", "iso", "--reader", "empty"];
        let Some(answer) = script(&readers, &format!("ctl {words}; echo $?")) else { return };
        let lines: Vec<&str> = answer.lines().collect();
        assert_eq!(lines.len(), 2, "{words}: {answer}");
        assert!(lines[0].starts_with("cardlab: ") && lines[0].contains(said) && lines[1] == "2", "{words}: {answer}");
    }
    let alone = run_bounded(
        Command::new(env!("CARGO_BIN_EXE_cardlab")).args(["ctl", "list"]).env_remove("CARDLAB_CONTROL"),
        LIMIT,
    );
    assert_eq!(alone.status.code(), Some(2));
}

/// A card in RAM has nothing but itself: it stays what and where it was.
#[test]
fn a_mistake_loses_no_card() {
    let body = "ctl swap --card nonsense; ctl list; ctl swap --card :no.img; ctl remove; \
        ctl insert --card nonsense; ctl insert --card iso,apdu=short; ctl insert && atr 0";
    let Some(said) = script(&["--reader", "tight"], body) else { return };
    let (mistakes, lines): (Vec<&str>, Vec<&str>) = said.lines().partition(|line| line.starts_with("cardlab: "));
    assert_eq!((mistakes.len(), lines[0]), (4, "0: CardLab 00 00: card"), "{said}");
    assert!(lines.len() == 2 && lines[1].starts_with("3b"), "{said}");
}

/// Neither a file that is no card nor the card's own file, asked for as what it is not, costs the card in the reader.
#[test]
fn a_bad_image_loses_no_card() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).display().to_string();
    std::fs::write(path("bad.img"), "garbage").unwrap();
    let body = format!("cd {}; ctl swap --card isoapplet:bad.img; ctl list; ctl remove; ctl insert; atr 0", path(""));
    let Some(said) = script(&["--reader", "iso"], &body) else { return };
    assert!(said.contains("not a card image") && said.contains("0: CardLab 00 00: card\n3b85"), "{said}");
    let own = format!("certificate:{}", path("own.img"));
    let body = format!("cd {}; ctl swap --card iso:own.img; ctl list; ctl swap --card :own.img; atr 0", path(""));
    let Some(said) = script(&["--reader", &own], &body) else { return };
    assert!(said.contains("of preset `certificate`") && said.contains("0: CardLab 00 00: card\n3b80"), "{said}");
}

/// A request that waits for somebody else holds up neither others nor the end.
#[test]
fn a_request_that_waits_is_waited_for_by_nobody() {
    let port = testkit::free_port_pair().unwrap();
    let own = env!("CARGO_BIN_EXE_cardlab");
    let swap = format!("{own} ctl swap --card vpcd:{port} & sleep 0.3; {own} ctl list; exit 5");
    let mut command = Command::new(own);
    command.args(["run", "--reader", "empty", "--", "sh", "-c", &swap]);
    // Less than the simulator is waited for.
    let output = run_bounded(&mut command, LIMIT / 3);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(5), "0: CardLab 00 00: no card\n"), "{output:?}");
}

#[test]
fn a_service_says_what_became_of_its_faults() {
    let home = tempfile::tempdir().unwrap();
    let faults = home.path().join("f.toml");
    std::fs::write(&faults, "[[fault]]\ninstruction = \"D6\"\ndo = \"mute\"\n").unwrap();
    let mut served = Command::new(env!("CARGO_BIN_EXE_cardlab"))
        .args(["serve", "--faults", faults.to_str().unwrap(), "--seed", "4", "--fault-seed", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(served.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(Command::new("kill").args(["-INT", &served.id().to_string()]).status().unwrap().success());
    let output = served.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said, "cardlab: faults (again with --fault-seed 5 --seed 4): fault 1 never fired\n");
}

#[test]
fn a_service_serves_until_it_is_ended() {
    let Some(_) = require_or_skip(find_program("opensc-tool")) else { return };
    let mut served = Command::new(env!("CARGO_BIN_EXE_cardlab"))
        .args(["serve", "--reader", "iso"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(served.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let own = env!("CARGO_BIN_EXE_cardlab");
    let script = format!("{line}opensc-tool --atr; {own} ctl list; echo \"$PCSCLITE_CSOCK_NAME\"");
    let output = run_bounded(Command::new("sh").args(["-c", &script]), LIMIT);
    let said = text(&output.stdout);
    let killed = Command::new("kill").args(["-INT", &served.id().to_string()]).status().unwrap();
    assert!(killed.success() && served.wait().unwrap().success());
    assert!(said.starts_with("3b:85:80:01:80:73:f7:21:db:fa\n0: CardLab 00 00: card\n/"), "{said}");
    let socket = std::path::Path::new(said.lines().last().unwrap());
    assert!(!socket.parent().unwrap().exists());
}

#[test]
fn a_trace_tells_everything_but_secrets() {
    let Some(_) = require_or_skip(find_program("pkcs15-init").and_then(|_| find_program("pkcs15-tool"))) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("out.trace");
    let body = format!(
        "pkcs15-init --create-pkcs15 --so-pin 123456 --so-puk 0123456789abcdef && \
         pkcs15-tool --verify-pin --pin 123456 && {} ctl remove",
        env!("CARGO_BIN_EXE_cardlab")
    );
    for more in [&[][..], &["--trace-files"]] {
        let blank = ["--reader", "isoapplet", "--trace", trace.to_str().unwrap(), "--", "sh", "-c", &body];
        let args = [more, &blank].concat();
        let output = cardlab(&args);
        assert!(output.status.success(), "{output:?}");
        let text = std::fs::read_to_string(&trace).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("# cardlab trace 1: seconds, reader, handle, what"));
        assert_eq!(lines.next(), Some("# reader 0: CardLab 00 00"));
        for said in ["inserted", "ATR 3B80800101", "Connect ok", "BeginTransaction ok", "Disconnect ok", "removed"] {
            assert!(text.lines().any(|line| line.ends_with(said)), "{said}: {text}");
        }
        assert!(text.contains(" > 00A40400") && text.contains(" < 9000 ("), "{text}");
        assert!(text.contains("> 0020000110············"), "{text}");
        // Neither the PIN nor the PUK; what was written to files only where it was asked for.
        assert!(!text.contains("313233343536") && !text.contains("30313233"), "{text}");
        let shown = text.lines().any(|line| line.contains(" > 00D6") && !line.contains('·'));
        assert_eq!(shown, !more.is_empty(), "{text}");
        // In the order in which they happened.
        let times = text.lines().filter(|line| !line.starts_with('#') && !line.contains(" > "));
        let times: Vec<f64> = times.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect();
        assert!(times.is_sorted(), "{text}");
    }
    let refused = cardlab(&["--trace", "/no/such/place", "--", "true"]);
    assert_eq!(refused.status.code(), Some(2));
}
