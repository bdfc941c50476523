//! Round trips over the vpcd socket and through pcscd, for the card and for the floor card that only answers 9000.
//!
//! `cargo bench -p benches --bench sockets`. For the ratio of the two see the `ratios` program, which takes turns.

use benches::cards::personalised;
use benches::commands::{ANSWER, READ_256, SELECT_APPLET};
use benches::floor::FloorCard;
use benches::reader_end::Waiting;
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use criterion::Criterion;
use host_driver::{Pcsc, Transport};
use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use testkit::PrivatePcscd;
use virtual_reader::{LinkState, VirtualReader, VpcdAddress};

const PATIENCE: Duration = Duration::from_secs(10);
/// Set for the copy of this program that is a client of the private pcscd: its vpcd port and its readers' names.
const CLIENT: &str = "CARDLAB_BENCH_PCSC";

fn card(port: u16) -> (VirtualReader, Vec<u8>) {
    let measured = personalised(&Preset::isoapplet(), SoftRsa);
    let select = measured.certificate();
    (VirtualReader::start(Box::new(measured.card), VpcdAddress::local(port)), select)
}

fn vpcd(criterion: &mut Criterion) -> std::io::Result<()> {
    let [ours, floor] = [Waiting::new()?, Waiting::new()?];
    let (_reader, select) = card(ours.port()?);
    let _floor_card = FloorCard::connect(floor.port()?)?;
    let mut group = criterion.benchmark_group("vpcd socket");
    for (name, waiting) in [("card", ours), ("floor card", floor)] {
        let mut reader = waiting.accept(PATIENCE)?;
        let mut answer = [0; ANSWER];
        for command in [SELECT_APPLET, &select] {
            reader.transmit(command, &mut answer)?;
        }
        for (what, command) in [("SELECT by path with FCI", &select[..]), ("READ BINARY of 256 bytes", READ_256)] {
            group.bench_function(format!("{what}, {name}"), |bencher| {
                bencher.iter(|| reader.transmit(command, &mut answer).map(<[u8]>::len));
            });
        }
    }
    Ok(())
}

fn pcscd(criterion: &mut Criterion, client: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut words = client.split('\n');
    let mut word = || words.next().ok_or("the client is told a port and two readers");
    let port: u16 = word()?.parse()?;
    let readers = [word()?, word()?];
    let (virtual_reader, select) = card(port);
    let _floor_card = FloorCard::connect(port + 1)?;
    if !virtual_reader.wait_for(LinkState::Connected, PATIENCE) {
        return Err("the card does not reach the reader".into());
    }
    let mut group = criterion.benchmark_group("pcscd");
    for (name, reader) in ["card", "floor card"].into_iter().zip(readers) {
        let mut reader = connect(reader)?;
        for command in [SELECT_APPLET, &select] {
            reader.transmit(command)?;
        }
        for (what, command) in [("SELECT by path with FCI", &select[..]), ("READ BINARY of 256 bytes", READ_256)] {
            group.bench_function(format!("{what}, {name}"), |bencher| {
                bencher.iter(|| reader.transmit(command).map(|answer| answer.len()));
            });
        }
    }
    Ok(())
}

/// The service looks for cards a few times a second.
fn connect(reader: &str) -> Result<Pcsc, host_driver::TransportError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Pcsc::connect(Some(reader)) {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            result => return result,
        }
    }
}

/// PC/SC clients learn the service's socket from their environment, so the client is this program once more.
fn with_pcscd() -> Result<(), Box<dyn std::error::Error>> {
    let pcscd = match PrivatePcscd::start() {
        Ok(pcscd) => pcscd,
        Err(reason) => {
            println!("pcscd: not measured: {reason}");
            return Ok(());
        }
    };
    let client = format!("{}\n{}\n{}", pcscd.vpcd_port(), pcscd.reader_name(), pcscd.second_reader_name());
    let status = pcscd.command(env::current_exe()?).args(env::args_os().skip(1)).env(CLIENT, client).status()?;
    if status.success() { Ok(()) } else { Err("the client of pcscd failed".into()) }
}

fn main() -> ExitCode {
    let mut criterion = Criterion::default().configure_from_args();
    let result = match env::var(CLIENT) {
        Ok(client) => pcscd(&mut criterion, &client),
        Err(_) => vpcd(&mut criterion).map_err(Into::into).and_then(|()| with_pcscd()),
    };
    criterion.final_summary();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sockets: {error}");
            ExitCode::FAILURE
        }
    }
}
