//! Whole traces, good ones and others.

use std::io::{BufRead, BufReader, Read};

use card_trace::{Entry, ReadError, Trace};
use proptest::prelude::*;

const GOOD: &str = "\
# cardlab trace 1: seconds, reader, handle, what
# reader 0: A \\u{5c} B
    0.000001 0 - ATR 3B00

# a remark
    0.000002 0 1 > 00A40000
    0.000012 0 1 < 9000 (10 us)
    0.000013 0 1 > 0020000102····
    0.000023 0 1 < nothing (10 us)
";

fn read(bytes: &[u8]) -> Result<(Vec<Entry>, Option<u64>), ReadError> {
    let mut trace = Trace::new(bytes)?;
    let entries = trace.by_ref().collect::<Result<_, _>>()?;
    Ok((entries, trace.cut()))
}

#[test]
fn a_trace_is_read_whole() {
    let (entries, cut) = read(GOOD.as_bytes()).unwrap();
    assert_eq!((entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), cut), (vec![3, 6, 8], None));
    assert_eq!(entries[1].answer.as_ref().unwrap().bytes, Some(vec![Some(0x90), Some(0)]));
    assert_eq!(entries[2].answer.as_ref().unwrap().bytes, None);
    let mut trace = Trace::new(GOOD.as_bytes()).unwrap();
    assert!(trace.next().is_some());
    assert_eq!(trace.reader(0), Some("A \\ B"));
    // As another system's editor leaves it.
    let other = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(read(other.as_bytes()).unwrap().0, entries);
    // Without the end of its last line, in which nothing can be missing.
    assert_eq!(read(GOOD.trim_end().as_bytes()).unwrap(), (entries, None));
}

#[test]
fn a_trace_that_breaks_off_anywhere_is_read_as_far_as_it_goes() {
    let (all, _) = read(GOOD.as_bytes()).unwrap();
    let head = GOOD.lines().next().unwrap().len();
    for end in head + 1..GOOD.len() {
        let (entries, cut) = read(&GOOD.as_bytes()[..end]).unwrap();
        for (entry, whole) in entries.iter().zip(&all) {
            // The answer may be missing, and nothing may be wrong.
            assert!(entry == whole || (entry.event == whole.event && entry.answer.is_none()), "{end}: {entry:?}");
        }
        // What is left of a line of which only blanks are there is nothing.
        let text = String::from_utf8_lossy(&GOOD.as_bytes()[..end]);
        let is_blank = text.rsplit('\n').next().is_some_and(|last| last.trim().is_empty());
        assert!(is_blank || cut.is_some() || text.ends_with(" us)"), "{end}");
    }
}

#[test]
fn what_is_no_trace_is_refused_with_its_reason() {
    let head = GOOD.lines().next().unwrap();
    let after = |lines: &str| format!("{head}\n{lines}\n").into_bytes();
    for (bytes, word) in [
        (Vec::new(), "empty"),
        (b"hello\n".to_vec(), "first line is not"),
        (b"\x7fELF\x02\x01\x00\xff\xfe".to_vec(), "first line is not"),
        (vec![0; 1 << 20], "first line is not"),
        (b"# cardlab trace 2: whatever\n".to_vec(), "version 2"),
        (b"# cardlab trace x\n".to_vec(), "first line is not"),
        (after("0.000001 0 - jumped"), "line 2: "),
        (after("\n\n0.000001 0 - jumped"), "line 4: "),
        (after("0.000001 0 1 < 9000 (1 us)"), "line 2: an answer without"),
        (after("0.000001 0 1 > 9000\n0.000001 0 1 > 9000"), "line 2: a command without"),
        (after("0.000001 0 1 > 9000\n0.000001 0 2 < 9000 (1 us)"), "line 2: a command without"),
        ([&after("")[..], b"0.000001 0 - \xff\xff\n"].concat(), "line 3 is not text"),
    ] {
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains(word), "{}: {error}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    }
}

#[test]
fn the_longest_command_is_read_and_a_longer_line_is_not_kept() {
    let head = GOOD.lines().next().unwrap();
    let longest = format!("{head}\n    0.000002 0 1 > {}\n    0.000012 0 1 < 9000 (10 us)\n", "··".repeat(65_544));
    assert_eq!(read(longest.as_bytes()).unwrap().0.len(), 1);
    // Endless; the reader gives up after what a line can have.
    let endless = BufReader::new(format!("{head}\n").leak().as_bytes().chain(std::io::repeat(b'A')));
    let mut trace = Trace::new(endless).unwrap();
    assert!(matches!(trace.next(), Some(Err(ReadError::TooLong(2)))) && trace.next().is_none());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..400) {
        let mut mixed = GOOD.as_bytes().to_vec();
        let at = at.min(mixed.len());
        mixed.splice(at..at, bytes.iter().copied());
        let _ = read(&mixed);
        let _ = read(&bytes);
        prop_assert!(bytes.lines().count() <= bytes.len() + 1);
    }
}
