//! Traces: `--trace` of other commands, and `cardlab trace`.

mod options;

pub(crate) use options::{Recording, TraceArgs};
