//! The reader of traces, and everything that is made from one: text from outside, which may be anything.

use card_conformance::record::{ExchangeRecord, Part};
use card_conformance::report::explain::Explainer;
use card_conformance::report::redact;
use card_trace::replay::Risk;
use card_trace::stats::Stats;
use card_trace::{Line, Trace, What};

/// A trace with every word of the format, to begin with.
pub const SAMPLE: &str = "\
# cardlab trace 1: seconds, reader, handle, what
# reader 0: A \\u{5c} B
    0.000001 0 - inserted
    0.000002 0 - ATR 3B80800101
    0.000003 - - EstablishContext ok
    0.000004 0 1 Connect 8010000B
    0.000005 0 1 > 00A40000023F00
    0.000006 0 1 < 6F078102001083023F009000 (10 us)
    0.000007 0 1 > 10DB3FFF027F48
    0.000008 0 1 < 9000 (10 us)
    0.000009 0 1 > 00DB3FFF0202··
    0.000010 0 1 < nothing (10 us)
    0.000011 0 - power off
    0.000012 0 - mute
    0.000013 0 - removed
    0.000014 0 - replaced
";

/// Reads bytes as a trace.
///
/// # Panics
/// Where what was read is written otherwise, or something that is made from it panics.
pub fn check(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        text.lines().for_each(check_line);
    }
    let Ok(mut trace) = Trace::new(bytes) else { return };
    let mut stats = Stats::default();
    let mut explainer = Explainer::default();
    let mut last = 0;
    for entry in trace.by_ref() {
        let Ok(entry) = entry else { break };
        assert!(entry.line > last, "line {} behind {last}", entry.line);
        last = entry.line;
        stats.add(&entry);
        if let What::Command(command) = &entry.event.what {
            let _ = Risk::of(command);
            let answer = entry.answer.and_then(|answer| answer.bytes).map(|bytes| redact::write(&bytes));
            let command = Some(redact::write(command));
            explainer.explain(&ExchangeRecord { part: Part::Case, command, answer, micros: None });
        }
    }
    assert!(trace.next().is_none(), "an error, or the end, is the last thing");
    assert!(stats.idle() <= stats.span() && stats.all.times.percentile(50) <= stats.all.times.longest());
    assert_eq!(stats.kinds().iter().map(|(_, commands)| commands.count).sum::<u64>(), stats.all.count);
}

/// A line that is read is written so that it is read again.
fn check_line(text: &str) {
    if let Ok(line) = Line::parse(text) {
        let written = line.to_string();
        assert_eq!(Line::parse(&written).as_ref(), Ok(&line), "{text:?} became {written:?}");
    }
}
