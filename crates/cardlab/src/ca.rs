//! `cardlab ca`: the test authority from the command line.

mod certs;
mod channel;
mod common;
mod desk;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use common::Common;

const EXAMPLES: &str = "\
Examples:
  export CARDLAB_CA=~/test-ca
  cardlab ca init --name 'Test CA' --channel /tmp/channel
  cardlab ca register --subscriber A123 --ra-unit R1 --card 00112233 --cn 陳筱玲 --email a@example.org --channel /tmp/channel
  cardlab ca answer --channel /tmp/channel --watch
  cardlab ca nonce --subscriber A123 --channel /tmp/channel
  cardlab ca due --within 1mo
  cardlab ca revoke 4F0A... --reason key-compromise
The passphrase comes from --passphrase-fd, --passphrase-file, CARDLAB_CA_PASSPHRASE or the terminal.
Exit codes: 0 done, 1 refused, 2 could not run.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an authority in an empty directory
    Init(desk::Init),
    /// Register a subscriber and bind a card
    Register(desk::Register),
    /// Another card takes the place of a lost one, whose certificates are revoked
    Replace(desk::Replace),
    /// Give a subscriber a nonce for one renewal (10 minutes)
    Nonce(desk::GiveNonce),
    /// Show the agreement that holds, or set another one
    #[command(subcommand)]
    Agreement(desk::Agreement),
    /// Issue a first certificate from a PKCS#10 request
    Issue(certs::Issue),
    /// Issue a following certificate from a CMS renewal
    Renew(certs::Issue),
    /// Revoke a certificate
    Revoke(certs::Revoke),
    /// Sign a list of revoked certificates
    Crl(certs::SignCrl),
    /// Show the PUK of a card, once; the audit log gets a row
    Puk(certs::ShowPuk),
    /// Write the renewal notices that are due into outbox/, one for each certificate
    Due(certs::Due),
    /// Answer everything that waits in the channel
    Answer(channel::AnswerAll),
    /// Publish certificates, agreement, CRL and registrations into the channel
    Publish(channel::Publish),
    /// Check the chain of the audit log and show it
    Audit,
    /// Show subscribers, cards and certificates
    List,
    /// Show one subscriber, card or certificate
    Show(show::Show),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let common = &args.common;
    let result = match &args.command {
        Command::Init(args) => desk::init(common, args),
        Command::Register(args) => desk::register(common, args),
        Command::Replace(args) => desk::replace(common, args),
        Command::Nonce(args) => desk::nonce(common, args),
        Command::Agreement(args) => desk::agreement(common, args),
        Command::Issue(args) => certs::issue(common, args),
        Command::Renew(args) => certs::renew(common, args),
        Command::Revoke(args) => certs::revoke(common, args),
        Command::Crl(args) => certs::crl(common, args),
        Command::Puk(args) => certs::puk(common, args),
        Command::Due(args) => certs::due(common, args),
        Command::Answer(args) => channel::answer(common, args),
        Command::Publish(args) => channel::publish(common, args),
        Command::Audit => show::audit(common),
        Command::List => show::list(common),
        Command::Show(args) => show::show(common, args),
    };
    common.finish(result)
}
