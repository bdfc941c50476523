//! Writing and parsing a line are inverse, and any text is parsed without a panic.

use std::time::Duration;

use card_trace::format::MAX_READERS;
use card_trace::{Event, Line, Shown, What};
use proptest::prelude::*;

fn shown() -> impl Strategy<Value = Shown> {
    proptest::collection::vec(any::<Option<u8>>(), 0..40)
}

fn what() -> impl Strategy<Value = What> {
    let took = any::<u64>().prop_map(Duration::from_micros);
    let answer = proptest::option::of(proptest::collection::vec(any::<Option<u8>>(), 1..40));
    prop_oneof![
        shown().prop_map(What::Command),
        (answer, took).prop_map(|(bytes, took)| What::Answer { bytes, took }),
        proptest::collection::vec(any::<u8>(), 1..33).prop_map(What::Atr),
        Just(What::Mute),
        Just(What::PowerOff),
        Just(What::Inserted),
        Just(What::Removed),
        Just(What::Replaced),
        Just(What::Unplugged),
        ("[A-Z][A-Za-z]{1,12}", prop_oneof![Just(0), any::<u32>()])
            .prop_map(|(name, result)| What::Call { name, result }),
        Just(What::Call { name: "(released)".to_owned(), result: 0 }),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let numbers = (proptest::option::of(0..MAX_READERS), any::<Option<u32>>());
    let at = (any::<u32>(), 0u32..1_000_000).prop_map(|(seconds, micros)| Duration::new(seconds.into(), micros * 1000));
    prop_oneof![
        any::<u32>().prop_map(Line::Head),
        (0..MAX_READERS, any::<String>()).prop_map(|(number, name)| Line::Reader { number, name }),
        "[a-z ]{0,20}".prop_map(Line::Remark),
        (at, numbers, what()).prop_map(|(at, (reader, handle), what)| Line::Event(Event { at, reader, handle, what })),
    ]
}

proptest! {
    #[test]
    fn writing_and_parsing_are_inverse(line in line()) {
        let text = line.to_string();
        prop_assert!(!text.contains(['\n', '\r']), "{text:?}");
        prop_assert_eq!(Line::parse(&text), Ok(line.clone()), "{}", text);
        // Blanks at the end of a line are nobody's.
        if !matches!(line, Line::Remark(_)) {
            prop_assert_eq!(Line::parse(text.trim_end()), Ok(line));
        }
    }

    #[test]
    fn what_is_parsed_is_written_so_that_it_is_parsed_again(text in "[# .0-9A-Fa-f<>()·a-z-]{0,60}") {
        if let Ok(line) = Line::parse(&text) {
            prop_assert_eq!(Line::parse(&line.to_string()), Ok(line));
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = Line::parse(&text);
    }
}

#[test]
fn mistakes_are_named() {
    for (text, word) in [
        ("", "SECONDS"),
        ("hello", "SECONDS"),
        ("1.5 0 0 mute", "seconds like"),
        ("-1.000000 0 0 mute", "seconds like"),
        ("99999999999999999999.000000 0 0 mute", "seconds like"),
        ("1.000000 x 0 mute", "second word"),
        ("1.000000 +1 0 mute", "second word"),
        ("1.000000 4096 0 mute", "second word"),
        ("1.000000 0 x mute", "third word"),
        ("1.000000 0 0 > 0", "hexadecimal"),
        ("1.000000 0 0 > ·0", "hexadecimal"),
        ("1.000000 0 0 > é", "hexadecimal"),
        ("1.000000 0 0 > +F", "hexadecimal"),
        ("1.000000 0 0 < 9000", "its time"),
        ("1.000000 0 0 < 9000 (x us)", "its time"),
        ("1.000000 0 0 jumped", "none of the words"),
        ("1.000000 0 0 \u{1b}[31m ok", "none of the words"),
        ("1.000000 0 0 Connect 00000000", "none of the words"),
    ] {
        let error = Line::parse(text).unwrap_err().to_string();
        assert!(error.contains(word), "{text}: {error}");
    }
}
