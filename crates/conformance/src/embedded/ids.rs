//! The ids of the cases by preset and script, so that a macro can make a test of each. The files are made by
//! `UPDATE_IDS=1 cargo test -p card-conformance --test it ids`, and the same test compares them with the suite.

mod certificate;
mod iso;
mod isoapplet;
mod tight;
