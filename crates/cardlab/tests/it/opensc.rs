//! Debian's unmodified OpenSC programs against the card: each test has its own pcscd, its own card and its own home
//! directory, and looks at what the programs print, because several of them exit with 0 after a failure.
//!
//! The sequence of OpenSC's own CI is in `sequence`; what it leaves out is in the other files.

mod desk;
mod explorer;
mod objects;
mod pins;
mod rsa;
mod sequence;
mod tight;
mod variants;
