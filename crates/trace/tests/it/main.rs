//! Traces written and read.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod format;
mod read;
mod record;
mod replay;
mod secrets;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use card_trace::{Reveal, Tracer};

/// Everything that a tracer writes, to be looked at while it does.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn tracer(reveal: Reveal) -> (Tracer, Self) {
        let sink = Self::default();
        (Tracer::new(sink.clone(), reveal).unwrap(), sink)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The commands, or with `<` the answers, without their time.
    fn bytes(&self, mark: &str) -> Vec<String> {
        let text = self.text();
        let of = |line: &str| {
            Some(line.split_once(&format!(" {mark} "))?.1.split_once(" (").map_or_else(
                || line.split_once(" > ").map_or("", |(_, c)| c).to_owned(),
                |(bytes, _)| bytes.to_owned(),
            ))
        };
        text.lines().filter(|line| !line.starts_with('#')).filter_map(of).collect()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
