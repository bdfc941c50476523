//! The `cardlab` program: a simulated card behind vpcd, the conformance suite, readers and single APDUs.
//!
//! A library with a thin `main`, so that tests can use the card in a file without starting a process.
#![forbid(unsafe_code)]

mod apdu;
mod ca;
mod card;
mod conform;
#[cfg(unix)]
mod ctl;
mod fuzz;
pub mod image;
mod lie;
mod output;
mod readers;
mod ready;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod serve;
mod sim;
mod target;
mod trace;

use std::process::ExitCode;

use clap::Parser;

const EXAMPLES: &str = "\
Examples:
  cardlab conform                               the conformance suite on the built-in card
  cardlab conform --target pcsc --reader ACS    what of it is safe on the card in a real reader
  cardlab run -- opensc-tool -n                 a program that sees a reader with a card, and no pcscd
  cardlab sim --image alice.img                 a card that lives in a file, in the reader that vpcd offers
  cardlab apdu 00A404000CF276A288BCFBA69D34F31001
  cardlab fuzz --target-cmd ./card              our commands against your own card
  cardlab lie                                   a card that lies, against your own host
  cardlab readers";

#[derive(Parser)]
#[command(name = "cardlab", version, about = "A simulated smart card and the tools to test against it", after_help = EXAMPLES)]
enum Program {
    /// Play the conformance suite: on the built-in card, or on a card in a reader
    Conform(Box<conform::Args>),
    /// Run a program that sees readers of its own, with cards in them: no pcscd, no rights
    #[cfg(unix)]
    Run(run::Args),
    /// Offer readers with cards to programs that are started elsewhere, until Ctrl-C
    #[cfg(unix)]
    Serve(serve::Args),
    /// Pull, insert, reset and exchange the cards of `run` and `serve`, pull readers, press keys of PIN pads
    #[cfg(unix)]
    Ctl(ctl::Args),
    /// Put a simulated card into a vpcd reader until Ctrl-C
    Sim(sim::Args),
    /// List PC/SC readers and the cards in them
    Readers(readers::Args),
    /// Send APDUs and explain the answers
    Apdu(apdu::Args),
    /// Read the traces that other commands write with --trace
    Trace(trace::Args),
    /// Fuzz a card that somebody else wrote: a program, or one that connects as to vpcd
    Fuzz(fuzz::Args),
    /// Put a card into a vpcd reader that lies to its host until Ctrl-C
    Lie(lie::Args),
    /// The card tool: apply for, renew, register and use the certificate on a card
    Card(Box<card::Args>),
    /// The test authority: register, issue, renew, revoke
    Ca(ca::Args),
}

/// Exit code where something could not run at all.
const COULD_NOT_RUN: u8 = 2;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Program::parse() {
        Program::Conform(args) => conform::run(&args),
        #[cfg(unix)]
        Program::Run(args) => run::run(&args),
        #[cfg(unix)]
        Program::Serve(args) => serve::run(&args),
        #[cfg(unix)]
        Program::Ctl(args) => ctl::run(&args),
        Program::Sim(args) => sim::run(&args),
        Program::Readers(args) => readers::run(&args),
        Program::Apdu(args) => apdu::run(&args),
        Program::Trace(args) => trace::run(&args),
        Program::Fuzz(args) => fuzz::run(&args),
        Program::Lie(args) => lie::run(&args),
        Program::Card(args) => card::run(*args),
        Program::Ca(args) => ca::run(&args),
    };
    match result {
        Ok(code) => code,
        // The reader of a pipe has seen enough.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cardlab: {error:#}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}
