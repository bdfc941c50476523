//! SELECT over the vpcd socket and through pcscd, interleaved command by command with the floor card.

use crate::report::{Report, Row};
use anyhow::{Context, Result, ensure};
use benches::cards::personalised;
use benches::commands::{ANSWER, SELECT_APPLET};
use benches::floor::FloorCard;
use benches::reader_end::Waiting;
use benches::stats::Samples;
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use host_driver::{Pcsc, Transport};
use std::time::{Duration, Instant};
use testkit::PrivatePcscd;
use virtual_reader::{LinkState, VirtualReader, VpcdAddress};

const SOCKET_PAIRS: usize = 20_000;
const PCSC_PAIRS: usize = 6_000;
const PATIENCE: Duration = Duration::from_secs(10);
const TARGET: f64 = 1.1;

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    over_the_socket(report)?;
    match PrivatePcscd::start() {
        Ok(pcscd) => through_pcscd(report, &pcscd),
        Err(reason) => {
            report.skip("SELECT through pcscd", reason);
            Ok(())
        }
    }
}

/// A measured card in a reader on this port, and the SELECT that is measured on it.
fn card(port: u16) -> (VirtualReader, Vec<u8>) {
    let measured = personalised(&Preset::isoapplet(), SoftRsa);
    let select = measured.certificate();
    (VirtualReader::start(Box::new(measured.card), VpcdAddress::local(port)), select)
}

fn over_the_socket(report: &mut Report) -> Result<()> {
    let [ours, floor] = [Waiting::new()?, Waiting::new()?];
    let (_reader, select) = card(ours.port()?);
    let _floor_card = FloorCard::connect(floor.port()?)?;
    let [mut ours, mut floor] = [ours.accept(PATIENCE)?, floor.accept(PATIENCE)?];
    let mut answer = [0; ANSWER];
    expect_ok(ours.transmit(SELECT_APPLET, &mut answer)?)?;
    pairs(
        report,
        "SELECT over the vpcd socket",
        SOCKET_PAIRS,
        || Ok(ours.transmit(&select, &mut [0; ANSWER])?.ends_with(OK)),
        || Ok(floor.transmit(&select, &mut [0; ANSWER])?.ends_with(OK)),
    )
}

/// PC/SC clients learn the service's socket from their environment, so the client is this program once more.
fn through_pcscd(report: &mut Report, pcscd: &PrivatePcscd) -> Result<()> {
    let port = pcscd.vpcd_port().to_string();
    let output = pcscd
        .command(std::env::current_exe()?)
        .args(["--pcsc-client", &port, &pcscd.reader_name(), &pcscd.second_reader_name()])
        .output()?;
    ensure!(output.status.success(), "the PC/SC client failed: {}", String::from_utf8_lossy(&output.stderr));
    report.append(serde_json::from_slice(&output.stdout)?);
    Ok(())
}

/// What the second process does: a card in the first slot, the floor in the second one, and a client of both.
pub(crate) fn pcsc_client(arguments: &[String], report: &mut Report) -> Result<()> {
    let [port, reader, second] = arguments else { anyhow::bail!("three arguments are needed") };
    let port: u16 = port.parse()?;
    let (virtual_reader, select) = card(port);
    let _floor_card = FloorCard::connect(port + 1)?;
    ensure!(virtual_reader.wait_for(LinkState::Connected, PATIENCE), "the card does not reach the reader");
    let [mut ours, mut floor] = [connect(reader)?, connect(second)?];
    expect_ok(&ours.transmit(SELECT_APPLET)?)?;
    pairs(
        report,
        "SELECT through pcscd",
        PCSC_PAIRS,
        || Ok(ours.transmit(&select)?.ends_with(OK)),
        || Ok(floor.transmit(&select)?.ends_with(OK)),
    )
}

/// The service looks for cards a few times a second.
fn connect(reader: &str) -> Result<Pcsc> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Pcsc::connect(Some(reader)) {
            Ok(card) => return Ok(card),
            Err(error) if Instant::now() > deadline => return Err(error).context(reader.to_owned()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

const OK: &[u8] = &[0x90, 0x00];

fn expect_ok(answer: &[u8]) -> Result<()> {
    ensure!(answer.ends_with(OK), "a card answered {answer:02X?}");
    Ok(())
}

/// Times both in turn and adds the row. Every answer must be 9000.
fn pairs(
    report: &mut Report,
    what: &str,
    count: usize,
    mut ours: impl FnMut() -> Result<bool>,
    mut floor: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let [mut measured, mut reference] = [Samples::default(), Samples::default()];
    for _ in 0..count {
        let answers = [measured.time(&mut ours), reference.time(&mut floor)];
        for answer in answers {
            ensure!(answer.context(what.to_owned())?, "{what}: another status than 9000");
        }
    }
    let [measured, reference] = [measured.summary(), reference.summary()];
    let row = Row::new(what, measured.median_ns / 1e3, "us").with_p95(measured.p95_ns / 1e3);
    report.push(row.within(TARGET, reference.median_ns / 1e3));
    Ok(())
}
