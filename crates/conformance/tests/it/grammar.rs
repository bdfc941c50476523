//! Mistakes in scripts: each is reported where it stands.

use card_conformance::{ScriptErrorKind, Source, Suite};

const CLAUSES: &str = "[[clause]]\nid = \"known\"\nedition = \"E\"\nclause = \"1\"\ntitle = \"T\"\nsource = \"S\"\n";

/// A script with one case whose second step is on line 9.
fn script(step: &str) -> String {
    format!(
        "[values]\naid = \"A0\"\n[[case]]\nid = \"a\"\ntitle = \"t\"\nclause = \"known\"\npreset = \"p\"\nsteps = [{{ send = \"00\", status = \"9000\" }},\n  {step},\n]\n"
    )
}

fn load(text: &str) -> Result<Suite, card_conformance::ScriptError> {
    Suite::load(Source { name: "clauses.toml", text: CLAUSES }, &[Source { name: "s.toml", text }])
}

/// Asserts that `text` fails with a message that begins with this place and contains `what`.
fn wrong(text: &str, place: &str, what: &str) {
    let error = load(text).expect_err("must not load").to_string();
    assert!(error.starts_with(&format!("s.toml:{place}: ")) && error.contains(what), "{error}\nwanted {place} {what}");
}

#[test]
fn a_right_script_loads() {
    let suite = load(&script("{ send = \"00A4 ${aid}\", status = \"9000\", capture = { a = \"all\" } }")).unwrap();
    let case = suite.case("a").unwrap();
    assert_eq!((case.line, case.steps.len(), case.steps[1].line), (4, 2, 9));
    assert_eq!(suite.select("a", Some("p")).count(), 1);
    assert_eq!(suite.select("a", Some("q")).count(), 0);
}

#[test]
fn mistakes_in_steps_are_reported_at_line_and_column() {
    wrong(&script("{ send = \"00A\", status = \"9000\" }"), "9:12", "even number");
    wrong(&script("{ send = \"00\", status = \"90\" }"), "9:27", "four hexadecimal digits");
    wrong(&script("{ send = \"00\", status = \"90x0\" }"), "9:27", "four hexadecimal digits");
    wrong(&script("{ send = \"00\" }"), "9:3", "needs the status word");
    wrong(&script("{ status = \"9000\" }"), "9:3", "belong to commands");
    wrong(&script("{ reset = false }"), "9:3", "exactly one of");
    wrong(&script("{ reset = true, check = \"00\" }"), "9:3", "exactly one of");
    wrong(&script("{ reset = true, repeat = 2 }"), "9:3", "belong to commands");
    wrong(&script("{ send = \"00\", status = \"9000\", repeat = 0 }"), "9:3", "at least 1");
    wrong(&script("{ reset = true, count = \"4000\" }"), "9:3", "belong to commands");
    wrong(&script("{ send = \"00\", status = \"9000\", count = \"4000\" }"), "9:43", "count is the first");
    wrong(&script("{ send = \"00\", status = \"9000\", repeat = 3, count = \"FFFE\" }"), "9:55", "count is the first");
    wrong(&script("{ send = \"00\", status = \"9000\", repeat = 2, count = \"40\" }"), "9:55", "count is the first");
    wrong(&script("{ send = \"00 ${n}\", status = \"9000\" }"), "9:16", "`n` is neither");
    wrong(&script("{ aes = { key = \"00\", block = \"${b}\" } }"), "9:34", "`b` is neither");
    wrong(&script("{ aes = { key = \"00\", block = \"\" }, reset = true }"), "9:3", "exactly one of");
    wrong(&script("{ oaep = { modulus = \"\", message = \"\", hash = \"md5\" } }"), "9:49", "sha1 or sha256");
    wrong(&script("{ send = \"00 ${b}\", status = \"9000\" }"), "9:16", "`b` is neither");
    wrong(&script("{ send = \"00\", status = \"9000\", data = \"* 00\" }"), "9:42", "cannot stand here");
    wrong(&script("{ send = \"00\", status = \"9000\", tlv = { \"8\" = \"00\" } }"), "9:43", "TLV path");
    wrong(&script("{ send = \"00\", status = \"9000\", capture = { a = \"first\" } }"), "9:51", "capture is");
    wrong(&script("{ send = \"00\", status = \"9000\", capture = { A = \"all\" } }"), "9:47", "lower-case");
    wrong(
        &script("{ check = \"00\", verify = { scheme = \"dsa\", key = \"00\", over = \"00\" } }"),
        "9:39",
        "signature scheme",
    );
}

#[test]
fn unknown_keys_and_wrong_types_are_reported_at_line_and_column() {
    wrong(&script("{ send = \"00\", status = \"9000\", dta = \"00\" }"), "9:35", "unknown field `dta`");
    wrong(&script("{ send = 7, status = \"9000\" }"), "9:12", "string");
    wrong("[[case]]\nid = \"a\"\n", "1:1", "missing field");
    wrong("[values]\na = \n", "2:5", "");
    wrong("x = 1\n", "1:1", "unknown field `x`");
}

#[test]
fn mistakes_about_names_are_reported_at_line_and_column() {
    let case = |clause: &str, setup: &str| {
        format!(
            "[[case]]\nid = \"a\"\ntitle = \"t\"\nclause = \"{clause}\"\npreset = \"p\"\nsetup = [\"{setup}\"]\nsteps = [{{ reset = true }}]\n"
        )
    };
    wrong(&case("unknown", "s"), "4:10", "no row in clauses.toml");
    wrong(&case("unsourced", "s"), "6:10", "no setup is called `s`");
    wrong(&format!("[setups.reader]\nsteps = []\n{}", case("known", "raeder")), "8:10", "is `reader` meant?");
    wrong(&script("{ send = \"00 ${aif}\", status = \"9000\" }"), "9:16", "is `aid` meant?");
    wrong(&script("{ send = \"00\", status = \"9000\", dat = \"00\" }"), "9:35", "is `data` meant?");
    let cycle = "[setups.s]\nafter = [\"r\"]\nsteps = []\n[setups.r]\nafter = [\"s\"]\nsteps = []\n";
    wrong(&format!("{cycle}{}", case("known", "s")), "5:10", "needs itself");
    let twice = format!("[setups.s]\nsteps = []\n{0}{0}", case("known", "s"));
    wrong(&twice, "11:6", "defined twice");
    wrong(&case("known", "s").replace("\"a\"", "\"A\""), "2:6", "lower-case");
    wrong(&format!("[setups.s]\nsteps = []\n{}", case("known", "s").replace("\"t\"", "\" \"")), "5:9", "title");
    wrong("[values]\na = \"${b}\"\n", "2:5", "no value");
    let empty = case("known", "s").replace("{ reset = true }", "");
    wrong(&format!("[setups.s]\nsteps = []\n{empty}"), "4:6", "step of its own");
}

#[test]
fn a_mistake_in_the_clauses_names_their_file() {
    let clauses = Source { name: "clauses.toml", text: "[[clause]]\nid = \"a\"\n" };
    let error = Suite::load(clauses, &[]).unwrap_err();
    assert_eq!((error.file.as_str(), error.line), ("clauses.toml", 1));
    assert!(matches!(error.kind, ScriptErrorKind::Toml(_)));
    let unsourced = CLAUSES.replace("\"S\"", "\"\"");
    assert_eq!(Suite::load(Source { name: "c", text: &unsourced }, &[]).unwrap_err().line, 6);
}

/// Twenty-two lines would be four million steps.
#[test]
fn setups_that_double_are_refused() {
    let mut text = "[setups.s0]\nsteps = [{ send = \"00A4\", status = \"9000\" }]\n".to_owned();
    for level in 1..=22 {
        let below = level - 1;
        text += &format!("[setups.s{level}]\nafter = [\"s{below}\", \"s{below}\"]\nsteps = []\n");
    }
    text += "[[case]]\nid = \"a\"\ntitle = \"t\"\nclause = \"known\"\npreset = \"p\"\nsetup = [\"s22\"]\n";
    text += "steps = [{ send = \"00A4\", status = \"9000\" }]\n";
    wrong(&text, "4:10", "more than 1000 setups");
}
