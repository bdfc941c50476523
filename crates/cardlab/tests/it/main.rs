//! The program from outside: as a process, behind sockets, under real readers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cli;
mod kill;
mod opensc;
mod providers;
mod recovery;
mod transports;
