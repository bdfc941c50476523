//! The program from outside: as a process, behind sockets, under real readers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ca;
mod card;
mod card_under_test;
mod cli;
mod conform_files;
mod describe;
mod fuzz;
mod image;
mod kill;
mod lie;
mod lifecycle;
mod load;
mod opensc;
mod pkcs15_opensc;
mod providers;
mod recovery;
mod reports;
mod run;
mod sockets;
mod trace;
mod transports;
