//! What the benches share: a card as OpenSC leaves it, a card full of files, the floor card that answers nothing but
//! 9000, the reader's end of the vpcd socket, and statistics. Measures; asserts no times.
#![forbid(unsafe_code)]

pub mod cards;
pub mod commands;
pub mod floor;
pub mod reader_end;
pub mod stats;
pub mod timed;
