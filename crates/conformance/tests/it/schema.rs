//! The JSON schema says what the loader does.

use std::collections::BTreeSet;

use card_conformance::error::unknown_key;
use card_conformance::needs::NEEDS;
use card_conformance::tags::Tag;
use card_conformance::{ScriptErrorKind, Source, Suite, embedded};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(embedded::SCHEMA).unwrap()
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// The keys that the loader knows where this text has the key `zzzz`.
fn known(text: &str) -> BTreeSet<String> {
    let clauses = Source { name: "clauses.toml", text: "" };
    let error = Suite::load(clauses, &[Source { name: "s.toml", text }]).unwrap_err();
    let ScriptErrorKind::Toml(toml) = &error.kind else { panic!("{error}") };
    let (key, known) = unknown_key(toml.message()).unwrap_or_else(|| panic!("{error}"));
    assert_eq!(key, "zzzz");
    known.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_schema_has_the_keys_of_the_loader() {
    let schema = schema();
    let properties = |name: &str| names(&schema["$defs"][name]["properties"]);
    assert_eq!(known("zzzz = 1"), names(&schema["properties"]));
    assert_eq!(known("[setups.s]\nzzzz = 1"), properties("setup"));
    assert_eq!(known("[[case]]\nzzzz = 1"), properties("case"));
    assert_eq!(known("[[case]]\nsteps = [{ zzzz = 1 }]"), properties("step"));
    for name in ["encrypt", "aes", "oaep", "verify"] {
        assert_eq!(known(&format!("[[case]]\nsteps = [{{ {name} = {{ zzzz = 1 }} }}]")), properties(name));
    }
}

#[test]
fn the_schema_has_all_tags_and_capabilities() {
    let schema = schema();
    let case = &schema["$defs"]["case"]["properties"];
    let listed = |key: &str| case[key]["items"]["enum"].clone();
    assert_eq!(listed("tags"), serde_json::json!(Tag::ALL.map(Tag::name)));
    assert_eq!(listed("needs"), serde_json::json!(NEEDS.iter().map(|need| need.name).collect::<Vec<_>>()));
}

fn as_json(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap()
}

#[test]
fn every_script_of_the_suite_is_valid() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let example = embedded::EXAMPLE.iter().filter(|source| source.name != "clauses.toml");
    for source in embedded::SCRIPTS.iter().chain(example) {
        let script = as_json(source.text);
        let errors: Vec<String> =
            validator.iter_errors(&script).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {}", source.name, errors.join("\n"));
    }
}

#[test]
fn mistakes_are_not_valid() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let step = |step: &str| {
        let case = "[[case]]\nid = \"a\"\ntitle = \"t\"\nclause = \"unsourced\"\npreset = \"p\"\n";
        validator.is_valid(&as_json(&format!("{case}steps = [{step}]\n")))
    };
    assert!(step("{ send = \"00A4 ${aid[1..]} 00*3\", status = [\"9000\", \"6A82\"], data = \"6F ??*2 *\" }"));
    assert!(step("{ reset = true, capture = { a = \"..4\" } }"));
    let wrong = [
        "",
        "{ send = \"00A4\" }",
        "{ status = \"9000\" }",
        "{ send = \"00A4\", stauts = \"9000\" }",
        "{ send = \"00A\", status = \"9000\" }",
        "{ send = \"00A4\", status = \"900\" }",
        "{ send = \"00A4\", status = [] }",
        "{ reset = false }",
        "{ reset = true, check = \"00\" }",
        "{ reset = true, repeat = 2 }",
        "{ send = \"00A4\", status = \"9000\", data = \"* 00\" }",
        "{ send = \"00A4\", status = \"9000\", tlv = { \"7F4\" = \"*\" } }",
        "{ send = \"00A4\", status = \"9000\", repeat = 0 }",
    ];
    for text in wrong {
        assert!(!step(text), "{text}");
    }
    assert!(!validator.is_valid(&as_json("[[case]]\nid = \"a\"\n")));
}
