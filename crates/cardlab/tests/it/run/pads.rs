//! PIN pads: OpenSC's programs have the PIN typed at a reader of ours, and never see it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use testkit::{find_program, require_or_skip, run_bounded};

use super::{LIMIT, cardlab, text};

const OWN: &str = env!("CARGO_BIN_EXE_cardlab");
const PIN: &str = "123456";
/// Digits only, as a pad has no others.
const PUK: &str = "0123456789012345";

/// A directory with a card in `a.img` that has a PIN, and a key where `with_key`; none where OpenSC is not there.
fn desk(with_key: bool) -> Option<tempfile::TempDir> {
    let programs = ["pkcs15-init", "pkcs15-tool", "pkcs11-tool", "opensc-tool", "opensc-explorer", "setsid"];
    require_or_skip(programs.iter().try_for_each(|program| find_program(program).map(drop)))?;
    let home = tempfile::tempdir().unwrap();
    let mut script = format!("pkcs15-init --create-pkcs15 --so-pin {PIN} --so-puk {PUK}");
    if with_key {
        script +=
            &format!(" && pkcs15-init --generate-key ec/secp256r1 --id 1 --key-usage sign --auth-id FF --pin {PIN}");
    }
    let output = within(home.path(), &["--reader", "isoapplet:a.img"], &script);
    assert!(output.status.success(), "{output:?}");
    Some(home)
}

/// A script in this directory, in which `ctl` is `cardlab ctl`. It has no terminal, at which pkcs15-tool would ask by itself
/// before it turns to the pad.
fn within(home: &Path, args: &[&str], script: &str) -> Output {
    let script = format!("ctl() {{ {OWN} ctl \"$@\" 2>&1; }}; {script}");
    let mut command = Command::new("setsid");
    command.args(["-w", OWN, "run"]).args(args).args(["--", "sh", "-c", &script]).current_dir(home).env("HOME", home);
    run_bounded(command.stdin(Stdio::null()), LIMIT)
}

/// Both streams of a script at a reader whose pad has this list of entries.
fn listed(home: &Path, entries: &str, script: &str) -> String {
    fs::write(home.join("keys"), entries).unwrap();
    let args = ["--reader", ":a.img,pinpad=file:keys", "--trace", "out.trace"];
    let output = within(home, &args, &format!("{{ {script}; }} 2>&1"));
    text(&output.stdout).to_owned()
}

#[test]
fn opensc_has_pins_verified_changed_and_unblocked_at_the_pad() {
    let Some(home) = desk(false) else { return };
    let said = listed(home.path(), "", "opensc-tool -l; pkcs11-tool -L");
    assert!(said.contains("Yes   PIN pad   CardLab 00 00") && said.contains("PIN pad present"), "{said}");
    let entries =
        format!("# the PIN\n{PIN} ok\n\n{PIN} ok\n654321 ok\n654321 ok\n{PUK} ok\n7777 ok\n7777 ok\n7777 ok\n");
    let script = "pkcs15-tool --verify-pin && pkcs15-tool --change-pin && pkcs15-tool --unblock-pin && \
                  pkcs15-tool --verify-pin && echo all was well";
    let said = listed(home.path(), &entries, script);
    assert!(said.ends_with("all was well\n"), "{said}");
    let trace = fs::read_to_string(home.path().join("out.trace")).unwrap();
    let hidden = |header: &str, bytes: usize| format!("> {header}{}", "··".repeat(bytes));
    for command in [hidden("0020000110", 16), hidden("0024000120", 32), hidden("002C000120", 32)] {
        assert!(trace.lines().any(|line| line.ends_with(&command)), "{command}: {trace}");
    }
    for secret in ["123456", "654321", "012345", "7777"] {
        let digits: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert!(!trace.contains(secret) && !trace.contains(&digits), "{trace}");
    }
    // It was the card that was told: without a pad, only the last PIN opens it.
    for (pin, code) in [("7777", 0), ("654321", 255)] {
        let output = within(home.path(), &["--reader", ":a.img"], &format!("pkcs15-tool --verify-pin --pin {pin}"));
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}

#[test]
fn a_login_without_a_pin_goes_to_the_pad_and_signs() {
    let Some(home) = desk(true) else { return };
    let script =
        "head -c 32 /dev/zero > data; pkcs11-tool -l --sign -m ECDSA-SHA1 --id 01 -i data -o sig && wc -c < sig";
    let said = listed(home.path(), &format!("{PIN} ok\n"), script);
    assert!(said.ends_with("\n64\n"), "{said}");
}

#[test]
fn what_goes_wrong_at_the_pad_has_opensc_s_own_words() {
    let Some(home) = desk(false) else { return };
    for (entry, tool, module) in [
        ("cancel", "cancelled by user", "CKR_FUNCTION_CANCELED"),
        ("1234", "Timed out while waiting for user input", "CKR_FUNCTION_CANCELED"),
        ("123 ok", "Invalid PIN length", "CKR_PIN_LEN_RANGE"),
        ("12345678901234567 ok", "Invalid PIN length", "CKR_PIN_LEN_RANGE"),
        ("111111 ok", "PIN code or key incorrect", "CKR_PIN_INCORRECT"),
    ] {
        let entries = format!("{entry}\n{entry}\n{PIN} ok\n");
        let said =
            listed(home.path(), &entries, "pkcs15-tool --verify-pin; pkcs11-tool -l -O; pkcs15-tool --verify-pin");
        assert!(said.contains(tool) && said.contains(module), "{entry}: {said}");
    }
    // An empty list is a pad that nobody stands at.
    let said = listed(home.path(), "\n# nobody\n", "pkcs15-tool --verify-pin");
    assert!(said.contains("Timed out while waiting for user input"), "{said}");
    let said = listed(home.path(), "123456 ok\n111111 ok\n111112 ok\n", "pkcs15-tool --change-pin");
    assert!(said.contains("The two PINs did not match"), "{said}");
    // The PIN of the card has all its tries left, and is still what it was.
    assert!(listed(home.path(), "123456 ok", "pkcs15-tool --verify-pin && echo well").ends_with("well\n"));
}

/// OpenSC's explorer sends no length of a PIN, which its own reader driver then refuses. Should that change, this says so.
#[test]
fn opensc_explorer_cannot_use_a_pad() {
    let Some(home) = desk(false) else { return };
    fs::write(home.path().join("lines"), "verify CHV1\n").unwrap();
    fs::write(home.path().join("keys"), "1234 ok\n").unwrap();
    let output = within(
        home.path(),
        &["--reader", "iso,pinpad=file:keys"],
        "opensc-explorer -c default lines 2>&1; opensc-tool -i",
    );
    let said = text(&output.stdout);
    let is_known = said.contains("OpenSC 0.23.");
    assert!(!is_known || (said.contains("on the reader's pin pad") && said.contains("Invalid arguments")), "{said}");
}

#[test]
fn keys_are_pressed_before_or_while_a_program_asks() {
    let Some(home) = desk(false) else { return };
    let script = format!(
        "ctl press 12 3 back 3456 ok; pkcs15-tool --verify-pin >/dev/null && echo first; \
         pkcs15-tool --verify-pin >/dev/null & until ctl press clear | grep -q 'a program asks'; do sleep 0.02; done; \
         ctl press 99 clear {PIN} ok; wait $! && echo second; \
         ctl press {PIN} ok 654321 ok 654321 ok; pkcs15-tool --change-pin >/dev/null && echo third"
    );
    let output = within(home.path(), &["--reader", ":a.img,pinpad=ctl"], &script);
    let said: Vec<&str> = text(&output.stdout).lines().collect();
    let wanted = [
        "9 keys pressed at CardLab 00 00; nobody asks yet, so the reader keeps them",
        "first",
        "10 keys pressed at CardLab 00 00; a program asks",
        "second",
        "21 keys pressed at CardLab 00 00; nobody asks yet, so the reader keeps them",
        "third",
    ];
    assert_eq!(said, wanted, "{output:?}");
}

#[test]
fn a_pulled_card_and_a_killed_program_end_the_entry() {
    let Some(home) = desk(false) else { return };
    let asks = "until ctl press clear | grep -q 'a program asks'; do sleep 0.02; done";
    let script = format!(
        "pkcs15-tool --verify-pin >out 2>&1 & {asks}; ctl remove; wait $!; echo $?; ctl insert; \
         pkcs15-tool --verify-pin >out 2>&1 & {asks}; ctl reset; wait $!; echo $?; \
         pkcs15-tool --verify-pin >out 2>&1 & {asks}; kill -KILL $!; wait $! 2>/dev/null; echo $?; \
         while ctl press clear | grep -q 'a program asks'; do sleep 0.02; done; \
         ctl press {PIN} ok >/dev/null; pkcs15-tool --verify-pin >/dev/null; echo $?"
    );
    let output = within(home.path(), &["--reader", ":a.img,pinpad=ctl"], &script);
    let codes: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(codes, ["255", "255", "137", "0"], "{output:?}");
}

#[test]
fn mistakes_are_one_line_and_show_no_pin() {
    let readers =
        ["--reader", "empty", "--reader", "empty,pinpad=ctl", "--reader", "empty,pinpad=ctl,name=Other", "--"];
    let many = "1".repeat(257);
    for (words, said) in [
        ("press --reader 1 1234x ok", "word 1 is no key"),
        ("press --reader 1 1234 OK", "word 2 is no key"),
        ("press --reader 1 ''", "no keys to press"),
        ("press --reader 0 1234 ok", "CardLab 00 00 has no keys to press; pinpad=ctl"),
        ("press 1234 ok", "which of 3 readers"),
        (
            &format!("press --reader 1 {many}"),
            "none was pressed: 0 keys wait for a program that asks for a PIN, and 256",
        ),
    ] {
        let script = format!("{OWN} ctl {words} 2>&1; echo $?");
        let output = cardlab(&[&readers[..], &["sh", "-c", &script]].concat());
        let lines: Vec<&str> = text(&output.stdout).lines().collect();
        assert_eq!(lines.len(), 2, "{words}: {output:?}");
        assert!(lines[0].starts_with("cardlab: ") && lines[0].contains(said) && lines[1] == "2", "{words}: {output:?}");
        assert!(!lines[0].contains("1234"), "{}", lines[0]);
    }
    // Where one reader has keys, no other is meant.
    let output = cardlab(&[&readers[..4], &["--", OWN, "ctl", "press", "1"]].concat());
    assert_eq!(text(&output.stdout), "1 key pressed at CardLab 01 00; nobody asks yet, so the reader keeps them\n");

    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("list");
    fs::write(&list, "1234 ok\n4321 okay\n").unwrap();
    let list = list.to_str().unwrap();
    for (pad, said) in [
        (format!("file:{list}"), "line 2: word 2 is no key"),
        ("file:/no/such".to_owned(), "cannot read the list of keys"),
        ("mouse".to_owned(), "pinpad=terminal or pinpad=file:PATH"),
    ] {
        let output = cardlab(&["--reader", &format!("iso,pinpad={pad}"), "--", "echo", "started"]);
        let line = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len(), line.lines().count()), (Some(2), 0, 1), "{line}");
        assert!(line.contains(said) && !line.contains("4321"), "{line}");
    }
}

/// Types `typed` at a terminal when the program there has asked, and returns what was seen on it.
fn at_a_terminal(home: &Path, script: &str, typed: &[u8]) -> String {
    let mut terminal = Command::new("script")
        .args(["-qefc", script, "/dev/null"])
        .current_dir(home)
        .env("HOME", home)
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Open until the end, which would be typed, too.
    let mut keys = terminal.stdin.take().unwrap();
    let (mut seen, mut waits) = (Vec::new(), true);
    let mut screen = terminal.stdout.take().unwrap();
    let mut chunk = [0; 256];
    while let Ok(count @ 1..) = screen.read(&mut chunk) {
        seen.extend_from_slice(&chunk[..count]);
        if waits && seen.windows(9).any(|words| words == b"digits): ") {
            keys.write_all(typed).unwrap();
            waits = false;
        }
    }
    terminal.wait().unwrap();
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
fn a_terminal_is_asked_unseen_and_left_as_it_was() {
    let programs = ["script", "stty"].iter().try_for_each(|program| find_program(program).map(drop));
    let (Some(()), Some(home)) = (require_or_skip(programs), desk(false)) else { return };
    let run = format!("{OWN} run --reader :a.img,pinpad=terminal -- pkcs11-tool -l -O");
    let script =
        format!("trap : INT; stty -g > before; {run}; echo code $?; stty -g > after; cmp before after && echo same");
    for (typed, code) in [
        (&b"99\x15123457\x7f6\r"[..], "code 0"),
        // An arrow is no key of a pad.
        (b"1\x1b[A23456\n", "code 0"),
        (b"12\x1b", "CKR_FUNCTION_CANCELED"),
        (b"123\n", "CKR_PIN_LEN_RANGE"),
        // Ctrl-C is the program's.
        (b"12\x03", "code 130"),
    ] {
        let seen = at_a_terminal(home.path(), &script, typed);
        assert!(seen.contains("PIN for CardLab 00 00 (4 to 16 digits): \r\n"), "{seen}");
        assert!(seen.contains(code) && seen.contains("same"), "{code}: {seen}");
    }
}

#[test]
fn without_a_terminal_there_is_no_reader_with_one() {
    let Some(_) = require_or_skip(find_program("setsid")) else { return };
    let mut command = Command::new("setsid");
    let output = run_bounded(
        command.args(["-w", OWN, "run", "--reader", "iso,pinpad=terminal", "--", "echo", "started"]),
        LIMIT,
    );
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len(), said.lines().count()), (Some(2), 0, 1), "{said}");
    assert!(said.contains("no terminal to ask at; pinpad=ctl"), "{said}");
}
