//! Every form of a report, from a record made by hand.

mod browser;
mod check;
mod explain;
mod forms;
mod real;
mod redact;
pub(crate) mod sample;

use std::path::PathBuf;

/// A file that stays after the tests, to be looked at: `target/reports`.
pub(crate) fn kept(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reports");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}
