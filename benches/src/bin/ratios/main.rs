//! The figures that the README quotes, in one run and as ratios of medians of interleaved measurements.
//!
//! ```text
//! cargo build --release -p cardlab -p benches
//! CARDLAB_BIN=target/release/cardlab taskset -c 0 target/release/ratios
//! ```
//!
//! `taskset` puts everything, `openssl` and pcscd included, on one core. `CARDLAB_FLOORCARD` names another floor card.
//! What a machine cannot measure (no openssl, no pcscd, no `CARDLAB_BIN`) is said in a line, and no row is made up.

mod fork;
mod private;
mod records;
mod report;
mod rsa;
mod select;
mod sockets;
mod start;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use report::Report;

// Counts what a SELECT allocates; everywhere else it only forwards.
#[global_allocator]
static ALLOCATOR: counting_alloc::CountingAlloc = counting_alloc::CountingAlloc;

/// Measures the card against its targets.
#[derive(Parser)]
#[command(after_help = "Example:\n  CARDLAB_BIN=target/release/cardlab taskset -c 0 target/release/ratios --json")]
struct Options {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Measure only these
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Times that each pair is measured in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Play the PC/SC client: the port of the first slot and the names of both readers (used by the program itself)
    #[arg(long, hide = true, num_args = 3)]
    pcsc_client: Option<Vec<String>>,
    /// Play a PC/SC client that takes turns: the number of its command (used by the program itself)
    #[arg(long, hide = true)]
    turns: Option<usize>,
    /// Play a PC/SC client that selects once (used by the program itself)
    #[arg(long, hide = true)]
    first_select: bool,
}

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// SELECT by path, and what it allocates
    Select,
    /// READ RECORD, and two logical channels in turn
    Records,
    /// A fork of a card that then reads
    Fork,
    /// Signatures against openssl, and what the card adds to its provider
    Rsa,
    /// SELECT over the vpcd socket and through pcscd against the floor card
    Sockets,
    /// Start of the simulator and its memory
    Start,
    /// A round trip through the private PC/SC service against pcscd, and the start of a program with it
    Private,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut report = Report::default();
    if let Some(client) = &options.pcsc_client {
        sockets::pcsc_client(client, &mut report)?;
        return report.print(true);
    }
    if let Some(command) = options.turns {
        return private::turns(command);
    }
    if options.first_select {
        return private::first_select();
    }
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    if wanted(Part::Select) {
        select::measure(&mut report);
    }
    if wanted(Part::Records) {
        records::measure(&mut report);
    }
    if wanted(Part::Fork) {
        fork::measure(&mut report);
    }
    if wanted(Part::Rsa) {
        rsa::measure(&mut report, options.rounds);
    }
    if wanted(Part::Sockets) {
        sockets::measure(&mut report)?;
    }
    if wanted(Part::Start) {
        start::measure(&mut report)?;
    }
    if wanted(Part::Private) {
        private::measure(&mut report)?;
    }
    report.print(options.json)
}
