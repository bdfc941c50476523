//! The program from outside: as a process, behind sockets, under real readers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ca;
mod card;
mod cli;
mod kill;
mod lifecycle;
mod opensc;
mod pkcs15_opensc;
mod providers;
mod recovery;
mod transports;
