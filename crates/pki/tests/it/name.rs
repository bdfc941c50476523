//! Names and their limits.

use crate::support::subject;
use card_pki::name::{NameError, Subject, shown};

#[test]
fn shown_as_people_read_it() {
    let name = Subject { organization: Some("臺灣測試".into()), ..subject("王小明") };
    let text = shown(&name.to_der().unwrap()).unwrap();
    assert_eq!(
        text,
        "SERIALNUMBER=0000000110012345,CN=王小明,OU=憑證\\, \\\"管理\\\" \\+ 註冊,OU=資訊組,O=臺灣測試,C=TW"
    );
}

#[test]
fn what_steers_a_terminal_is_shown_as_hex() {
    let turned = Subject { organization: None, unit: vec![], serial_number: None, ..subject("a\u{202E}b") };
    assert_eq!(shown(&turned.to_der().unwrap()).unwrap(), "CN=a\\e2\\80\\aeb,C=TW");
}

#[test]
fn limits() {
    let base = || subject("王小明");
    let table: [(Subject, Option<NameError>); 9] = [
        (Subject { common_name: "王".repeat(64), ..base() }, None),
        (
            Subject { common_name: "王".repeat(65), ..base() },
            Some(NameError::TooLong { part: "common name", len: 65, max: 64 }),
        ),
        (
            Subject { unit: vec!["甲".repeat(65)], ..base() },
            Some(NameError::TooLong { part: "unit", len: 65, max: 64 }),
        ),
        (Subject { common_name: " ".into(), ..base() }, Some(NameError::Empty { part: "common name" })),
        (Subject { common_name: "a\0b".into(), ..base() }, Some(NameError::Character { part: "common name" })),
        (Subject { country: "tw".into(), ..base() }, Some(NameError::Country)),
        (Subject { country: "TWN".into(), ..base() }, Some(NameError::Country)),
        (
            Subject { serial_number: Some("一二三".into()), ..base() },
            Some(NameError::Character { part: "serial number" }),
        ),
        (Subject { organization: Some(String::new()), ..base() }, Some(NameError::Empty { part: "organization" })),
    ];
    for (name, expected) in table {
        assert_eq!(name.to_der().err(), expected, "{name:?}");
    }
    shown(b"no name").unwrap_err();
}
