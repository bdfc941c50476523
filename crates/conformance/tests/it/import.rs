//! Transcripts of other tools become cases that our card passes.

use std::sync::OnceLock;

use card_conformance::compare::Differential;
use card_conformance::suite::{self, FileDigestInput};
use card_conformance::transcript::Event;
use card_conformance::{InProcessTarget, Player, Source, Suite, import, run_case};
use card_wire::Status;

use crate::cards::{blank, play};

/// Loading it takes a while.
fn built_in() -> &'static Suite {
    static SUITE: OnceLock<Suite> = OnceLock::new();
    SUITE.get_or_init(crate::cards::suite)
}

fn script(name: &str, text: &str) -> Result<String, import::ImportError> {
    import::script(&[Source { name, text }], "isoapplet", &built_in().values)
}

fn loaded(text: &str) -> Suite {
    let file = FileDigestInput { name: "imported.toml".to_owned(), text: text.to_owned() };
    suite::load(&[file]).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn passes(text: &str) {
    let suite = loaded(text);
    for case in &suite.cases {
        let outcome = run_case(&suite, case, &mut InProcessTarget::new(blank));
        assert!(outcome.verdict.is_passed(), "{:?}\n{text}", outcome.verdict);
    }
}

/// What our card does in a case, as each tool would show it.
fn transcripts(id: &str) -> [String; 3] {
    let suite = built_in();
    let outcome = play(suite, suite.case(id).unwrap());
    let mut texts = [
        "Using reader with a card: Virtual PCD 00 00\n".to_owned(),
        "> RESET\n< OK: 3B 00\n".to_owned(),
        String::new(),
    ];
    for event in outcome.transcript.events() {
        let Event::Exchange { command, answer: Some(answer) } = event else { continue };
        let (data, status) = Status::split(answer).unwrap();
        let spaced = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X} ")).collect::<String>();
        let end = if data.is_empty() { "" } else { ":" };
        let [sw1, sw2] = status.to_bytes();
        texts[0] += &format!("Sending: {}\nReceived (SW1=0x{sw1:02X}, SW2=0x{sw2:02X}){end}\n", spaced(command));
        for line in data.chunks(16) {
            let ascii: String =
                line.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
            texts[0] += &format!("{:<48}{ascii}\n", spaced(line));
        }
        let lines: Vec<String> = answer.chunks(16).map(spaced).collect();
        // scriptor shows the line of the script, then what it sends, then the answer in lines.
        let shown = spaced(command);
        let (begin, end) = shown.split_at(shown.len() / 6 * 3);
        texts[1] += &format!("{begin}\\\n{end}\n> {shown}\n< {} : {status}\n", lines.join("\n").trim_end());
        texts[2] += &format!("> {}\n", hex::encode_upper(command));
        if !data.is_empty() {
            texts[2] += &format!("< {}\n", hex::encode_upper(data));
        }
        texts[2] += &format!("  {status}\n");
    }
    texts
}

#[test]
fn transcripts_of_all_tools_become_cases_that_pass() {
    for id in
        ["life-second-host", "select-mf", "read-refused-pin", "challenge-eight", "ecdsa-p256", "update-refused-never"]
    {
        for text in transcripts(id) {
            let script = script(&format!("{id}.log"), &text).unwrap();
            assert!(!script.contains("313233343536") && !script.contains("3031323334353637"), "{script}");
            passes(&script);
        }
    }
}

#[test]
fn an_imported_case_is_the_original() {
    let suite = built_in();
    let original = play(suite, suite.case("read-refused-pin").unwrap());
    let imported = loaded(&script("x.log", &transcripts("read-refused-pin")[1]).unwrap());
    let again = Player::new(&imported).play(&imported.cases[0], &mut InProcessTarget::new(blank));
    assert_eq!(again.transcript.events(), original.transcript.events());
    let mut differential = Differential::new(&imported);
    let cards = [(); 2].map(|()| InProcessTarget::new(blank));
    let [mut one, mut other] = cards;
    assert!(differential.play(&imported.cases[0], &mut one, &mut other).divergence().is_none());
}

#[test]
fn scripts_without_answers_ask_for_success() {
    let text =
        "# find the application\nreset\n00 A4 04 00 0C F276A288BCFBA69D34F31001\n\nreset\n00:A4:00:00:02:3F:00\n";
    let script = script("My Script.txt", text).unwrap();
    assert!(script.contains("id = \"my-script\"") && script.contains("# what it answered is not recorded"), "{script}");
    assert_eq!(script.matches("reset = true").count(), 1);
    loaded(&script);
    let called = "$ opensc-tool -r 0 -s 00A404000CF276A288BCFBA69D34F31001 --send-apdu '00 84 00 00 08'\n";
    let script = self::script("call.sh", called).unwrap();
    assert!(script.contains("send = \"00840000 08\", status = \"9000\", data = \"*\""), "{script}");
    passes(&script);
    let answered = format!(
        "{called}Sending: 00 A4 04 00 0C F2 76 A2 88 BC FB A6 9D 34 F3 10 01\nReceived (SW1=0x90, SW2=0x00):\n00 06 06                                        ...\n"
    );
    let script = self::script("call.sh", &answered).unwrap();
    assert_eq!(script.matches("send = ").count(), 1, "{script}");
    passes(&script);
}

#[test]
fn a_known_key_is_called_by_its_name() {
    let script = script("key.log", &transcripts("ecdsa-p256")[0]).unwrap();
    assert!(script.contains("81F18120 ${p256-import[5..244]}\", status"), "{script}");
}

#[test]
fn secrets_become_names() {
    let told = |text: &str| script("s.log", text).unwrap();
    let own = told(
        "> 00 20 00 01 06 39 38 37 36 35 34\n< 90 00 : ok\n> 00 24 00 01 0C 39 38 37 36 35 34 31 32 33 34 35 36\n< 90 00 : ok\n> 00 20 00 01 06 39 38 37 36 35 34\n< 63 C2 : no\n",
    );
    assert!(!own.contains("3938") && own.matches("${imported-1-pin}").count() == 2, "{own}");
    assert!(own.contains("#   imported-1-pin = \"…\"  # 6 bytes, VERIFY, s.log line 1"), "{own}");
    assert!(own.contains("${imported-2-pin}"), "{own}");
    let known = told("> 00 20 00 01 10 31323334353600000000000000000000\n< 90 00 : ok\n");
    assert!(known.contains("send = \"00200001 10 ${pin-padded}\""), "{known}");
    let hidden = told("> 00200001 (VERIFY, 6 bytes of data not shown)\n  63C2 (wrong PIN, 2 tries left)\n");
    assert!(hidden.contains("send = \"00200001 06 ${imported-1-pin}\", status = \"63C2\""), "{hidden}");
    let echo = told(
        "> 00 20 00 01 06 39 38 37 36 35 34\n< 90 00 : ok\n> 00 B0 00 00 00\n< 01 39 38 37 36 35 34 02 90 00 : ok\n",
    );
    assert!(!echo.contains("3938") && echo.contains("data = \"01????????????02\""), "{echo}");
    let key = told("> 00 DB 3F FF 0A 7F 48 07 92 05 11 22 33 44 55\n< 90 00 : ok\n");
    assert!(key.contains("7F48079205 ${imported-1-key}") && !key.contains("1122"), "{key}");
}

#[test]
fn what_is_neither_is_told_by_its_line() {
    let wrong = |text: &str, line: usize, what: &str| {
        let error = script("f", text).unwrap_err();
        assert_eq!((error.line, error.what.contains(what)), (line, true), "{error}");
    };
    wrong("", 0, "no command");
    wrong("# nothing\n", 1, "no command");
    wrong("00A40000\nhello\n", 2, "neither");
    wrong("00A4\n", 1, "four bytes");
    wrong("< 90 00 : ok\n", 1, "answers no command");
    wrong("00A40000\n< 9 : ok\n", 2, "hexadecimal");
    wrong("00A40000\nReceived (SW1=90)\n", 2, "SW1=0x");
    wrong("> 00200001 (VERIFY, some)\n", 1, "no command as");
    wrong("opensc-tool -s\n", 1, "behind -s");
}
