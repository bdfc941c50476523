//! `cardlab trace replay`.

use super::{Desk, PIN, PUK, SMALL, Said, initialise};

/// Keys, signatures, a wrong PIN, a new one, an unblocked one.
fn session() -> String {
    format!(
        "{}
         pkcs15-init -G rsa/2048 --id 1 --key-usage decrypt,sign --auth-id FF --pin {PIN} >&2
         pkcs15-init -G ec/secp256r1 --id 3 --key-usage sign --auth-id FF --pin {PIN} >&2
         echo some text > text
         pkcs11-tool -l -p {PIN} -s -m SHA256-RSA-PKCS -d 1 -i text -o signature >&2
         ! pkcs15-tool --verify-pin --pin 999999 >&2
         pkcs15-tool --change-pin --pin {PIN} --new-pin 654321 >&2
         pkcs15-tool --unblock-pin --puk {PUK} --new-pin {PIN} >&2
         pkcs11-tool -l -p {PIN} -t >&2",
        initialise()
    )
}

/// The options that give the PINs of the session, in files of the desk.
fn pins(desk: &Desk, words: &str) -> Said {
    desk.write("pin", format!("{PIN}\n"));
    desk.write("new", "654321\n");
    desk.write("puk", format!("{PUK}\r\n{PUK}\n"));
    let script = format!(
        "exec {} trace replay {words} --pin-pad 00 --pin-fd 3 --new-pin-fd 4 --pin-fd 02=5 --puk-fd 5 3<pin 4<new 5<puk",
        env!("CARGO_BIN_EXE_cardlab")
    );
    let mut command = std::process::Command::new("sh");
    Said::of(testkit::run_bounded(command.args(["-c", &script]).current_dir(desk.home()), super::LIMIT))
}

#[test]
fn an_equal_card_answers_the_same_and_another_one_is_found() {
    let Some(desk) = Desk::with_programs() else { return };
    desk.record(5, "a.trace", "--trace-files --trace-doubtful", &session());
    let said = pins(&desk, "a.trace --seed 5 --strict").ok().says("the same: ");
    assert!(!said.out.contains("not sent"), "{}", said.out);
    let json = pins(&desk, "a.trace --seed 5 --strict --json").ok().json();
    assert_eq!((&json["same"], &json["differences"]), (&true.into(), &0.into()));
    // What is random is another; that counts only where it is asked for.
    pins(&desk, "a.trace --seed 6").ok().says("the same: ");
    let strict = pins(&desk, "a.trace --seed 6 --strict").says("another answer: byte ");
    assert_eq!(strict.code, Some(1));
    // Without PINs the first command that needed one is refused, and the trace goes on with --all.
    let said = desk.cardlab("trace replay a.trace --seed 5").says("another answer: the status word");
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("expected  = 9000 success") && said.out.contains("got       = 6982 "), "{}", said.out);
    assert!(said.out.contains("(not sent)") && said.out.contains("that need a PIN that was not given"), "{}", said.out);
    let all = desk.cardlab("trace replay a.trace --seed 5 --all --json").json();
    assert!(all["differences"].as_u64().unwrap() > 3 && all["first"][0]["got"] == "6982", "{all}");
    // Another card.
    let other = pins(&desk, "a.trace --preset iso");
    assert_eq!(other.code, Some(1));
    assert!(other.out.contains("a.trace:4: another answer: the ATR"), "{}", other.out);
    // A PIN of the wrong length is refused before it is sent.
    desk.write("pin", format!("{PIN}\n"));
    let script = format!("exec {} trace replay a.trace --pin-fd 3 3<pin", env!("CARGO_BIN_EXE_cardlab"));
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(desk.home()).output().unwrap();
    let said = Said::of(output).says("has 16 hidden bytes, and what was given for them has 6");
    assert_eq!(said.code, Some(2));
    assert!(!said.err.contains(PIN));
}

#[test]
fn what_is_hidden_is_left_out_and_compares_with_anything() {
    let Some(desk) = Desk::with_programs() else { return };
    desk.record(5, "a.trace", "", &format!("{}\nopensc-tool -s 00:84:00:00:08 >&2", initialise()));
    // Files are created, but what was written to them is not known, so their answers are hidden, too.
    let said = pins(&desk, "a.trace --seed 5").ok().says("the same: ").says("that have hidden bytes");
    assert!(said.out.contains("the same"), "{}", said.out);
}

#[test]
fn a_reader_is_chosen_and_a_mistake_is_told_before_anything_is_sent() {
    let desk = Desk::new();
    desk.write("small.trace", SMALL);
    for (words, reason) in [
        ("small.trace", "to several readers: 0 (First 00 00), 1 (Second 00 00); --from N chooses one"),
        ("small.trace --from 7", "no command in small.trace went to reader 7"),
        ("-", "must be a file"),
        ("missing.trace", "cannot read the trace missing.trace"),
        ("small.trace --from 0 --i-own-this-card", "goes with --target pcsc"),
        ("small.trace --from 0 --image no.img", "there is no image no.img"),
        ("small.trace --from 0 --pin-pad 0x", "one byte in hexadecimal"),
        ("small.trace --from 0 --pin-fd 77", "cannot read the PIN"),
    ] {
        let said = desk.cardlab(&format!("trace replay {words}")).says(reason);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{words}");
    }
    // Nothing of a trace is sent that is broken further down.
    desk.write("broken.trace", format!("{SMALL}oh\n"));
    let said = desk.cardlab("trace replay broken.trace --from 1").says("broken.trace: line 18");
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    // GET CHALLENGE before the application is selected is refused by this card.
    let said =
        desk.cardlab("trace replay small.trace --from 1").says("small.trace:16: another answer: the status word");
    assert_eq!(said.code, Some(1));
    // Where nothing can be sent nothing is the same.
    let hidden = "# cardlab trace 1\n0.000001 - - > 00D6000001··\n0.000002 - - < 9000 (1 us)\n";
    desk.write("hidden.trace", hidden);
    let said = desk.cardlab("trace replay hidden.trace --json").says("no command could be sent");
    assert_eq!((said.code, &said.json()["same"]), (Some(2), &false.into()));
    // One that breaks off is played as far as it goes.
    let end = SMALL.find("    0.001100").unwrap();
    desk.write("cut.trace", SMALL[..end + 24].replace("< 9000", "< 0006069000"));
    desk.cardlab("trace replay cut.trace").ok().says("breaks off in line 10").says("the same: 1 of 1");
}

#[test]
fn a_card_in_a_file_is_changed_by_it() {
    let desk = Desk::new();
    desk.write(
        "a.trace",
        "# cardlab trace 1\n0.000001 - - > 00A404000CF276A288BCFBA69D34F31001\n0.000002 - - < 0006069000 (1 us)\n\
         0.000003 - - > 0084000008\n0.000004 - - < 11111111111111119000 (1 us)\n",
    );
    desk.cardlab("trace replay a.trace --image new.img --preset isoapplet").ok().says("the same: 2 of 2");
    assert!(desk.path("new.img").exists());
    let said = desk.cardlab("trace replay a.trace --image new.img --strict");
    assert_eq!(said.code, Some(1), "the challenge is another one");
}

#[test]
fn a_card_in_a_reader_is_asked_only_what_changes_nothing() {
    let Some(desk) = Desk::with_programs() else { return };
    desk.record(5, "a.trace", "--trace-files", &initialise());
    let program = env!("CARGO_BIN_EXE_cardlab");
    let script = |more: &str| format!("{program} trace replay a.trace --target pcsc --all --json {more}");
    let run = |more: &str, image: &str| {
        let reader = format!("isoapplet:{image}");
        desk.run(&["run", "--reader", &reader, "--seed", "5", "--trace", "now.trace", "--", "sh", "-c", &script(more)])
    };
    let said = run("", "b.img").says("could write, make or delete").says("They are left out; --i-own-this-card");
    let json = said.json();
    assert!(json["sent"].as_u64().unwrap() > 20 && json["skipped"].as_object().unwrap().len() >= 2, "{json}");
    let sent = desk.read("now.trace");
    for never in [" > 00E0", " > 00D6", " > 0024", " > 0046", " > 00200001"] {
        assert!(!sent.lines().any(|line| line.contains(never) && line.len() > 40), "{never}: {sent}");
    }
    // With leave it asks, and nobody is there.
    let said = run("--i-own-this-card", "b.img").says("asks first, and nobody is at a terminal");
    assert_eq!(said.code, Some(2));
    let sent = desk.read("now.trace");
    assert!(!sent.contains(" > "), "{sent}");
    // With --yes everything goes, and the files are there.
    let json = run("--i-own-this-card --yes", "c.img").json();
    assert!(json["skipped"].as_object().unwrap().keys().all(|why| why.contains("PIN")), "{json}");
    assert!(desk.read("now.trace").contains(" > 00E0"));
}

#[test]
fn the_usual_card_of_run_is_there_to_be_replayed() {
    let Some(desk) = Desk::with_programs() else { return };
    let script = format!("pkcs11-tool -l -p {PIN} --sign -m SHA256-RSA-PKCS -i in -o out");
    desk.write("in", "text");
    desk.run(&["run", "--seed", "5", "--trace", "t", "--trace-files", "--", "sh", "-e", "-c", &script]).ok();
    let replayed = |preset: &str| pins(&desk, &format!("t --preset {preset} --seed 5 --strict")).code;
    assert_eq!([replayed("ready"), replayed("isoapplet")], [Some(0), Some(1)]);
}
