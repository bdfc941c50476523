//! The private PC/SC service against pcscd with vpcd: a round trip, and the start of a program.
//!
//! libpcsclite reads the name of the service once in the life of a process. So there are two clients, both this program
//! once more; they take turns, a few commands each, and the same card answers both.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use benches::cards::personalised;
use benches::commands::{ANSWER, READ_256, SELECT_APPLET};
use benches::stats::Samples;
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use pcsc::{Card, Protocols, Scope, ShareMode};
use pcsc_service::{PcscService, ReaderSpec};
use testkit::PrivatePcscd;
use virtual_reader::{LinkState, VirtualReader, VpcdAddress};

use crate::report::{Report, Row};
use crate::start::PROGRAM;

/// What is measured: a name for the row, and the command.
const COMMANDS: [(&str, &[u8]); 2] = [("SELECT", SELECT_APPLET), ("READ BINARY of 256 bytes", READ_256)];
/// Turns of each client, and commands a turn.
const TURNS: usize = 60;
const COMMANDS_A_TURN: usize = 100;
const STARTS: usize = 30;
const PATIENCE: Duration = Duration::from_secs(10);
/// Of the time that pcscd and vpcd take.
const TARGET: f64 = 0.5;
/// Milliseconds.
const START_TARGET: f64 = 50.0;

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    start(report)?;
    let pcscd = match PrivatePcscd::start() {
        Ok(pcscd) => pcscd,
        Err(reason) => {
            report.skip("a round trip through the private service", reason);
            return Ok(());
        }
    };
    let card = || Box::new(personalised(&Preset::isoapplet(), SoftRsa).card);
    let reader = VirtualReader::start(card(), VpcdAddress::local(pcscd.vpcd_port()));
    ensure!(reader.wait_for(LinkState::Connected, PATIENCE), "the card does not reach the reader");
    let service = PcscService::builder().reader(ReaderSpec::new("CardLab").card(card())).start()?;
    for (index, (name, _)) in COMMANDS.iter().enumerate() {
        let mut ours = Client::start(service.socket().as_os_str(), index)?;
        let mut theirs = Client::start(pcscd.socket_path().as_os_str(), index)?;
        let [mut measured, mut reference] = [Samples::default(), Samples::default()];
        for _ in 0..TURNS {
            ours.turn(&mut measured)?;
            theirs.turn(&mut reference)?;
        }
        let [measured, reference] = [measured.summary(), reference.summary()];
        let row = Row::new(format!("{name}, private service against pcscd"), measured.median_ns / 1e3, "us");
        report.push(row.with_p95(measured.p95_ns / 1e3).within(TARGET, reference.median_ns / 1e3));
    }
    Ok(())
}

/// A client of one of the services. Ends when its input does.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Client {
    fn start(socket: &std::ffi::OsStr, command: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--turns", &command.to_string()])
            .env("PCSCLITE_CSOCK_NAME", socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().context("the client has no output")?);
        Ok(Self { input: child.stdin.take(), child, output })
    }

    fn turn(&mut self, samples: &mut Samples) -> Result<()> {
        self.input.as_mut().context("the client has no input")?.write_all(b"go\n")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(!line.is_empty(), "a PC/SC client failed");
        for word in line.split_whitespace() {
            samples.push(word.parse()?);
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It ends by itself when there are no more turns.
        drop(self.input.take());
        drop(self.child.wait());
    }
}

/// What a client does: for each line that comes in a line of times in nanoseconds.
pub(crate) fn turns(command: usize) -> Result<()> {
    let (_, command) = COMMANDS.get(command).context("there is no such command")?;
    let card = connect()?;
    let mut buffer = [0; ANSWER];
    ensure!(card.transmit(SELECT_APPLET, &mut buffer)?.ends_with(&[0x90, 0x00]), "no card of ours");
    if *command != SELECT_APPLET {
        let select = personalised(&Preset::isoapplet(), SoftRsa).certificate();
        ensure!(card.transmit(&select, &mut buffer)?.ends_with(&[0x90, 0x00]), "no certificate");
    }
    for line in std::io::stdin().lock().lines() {
        line?;
        let mut times = Vec::with_capacity(COMMANDS_A_TURN);
        for _ in 0..COMMANDS_A_TURN {
            let begin = Instant::now();
            let answer = card.transmit(command, &mut buffer)?;
            times.push(begin.elapsed().as_nanos().to_string());
            ensure!(answer.ends_with(&[0x90, 0x00]), "another status than 9000");
        }
        println!("{}", times.join(" "));
    }
    Ok(())
}

/// A handle on the card in the first reader; pcscd needs a moment to see it.
fn connect() -> Result<Card> {
    pcsc_runtime::link();
    let context = pcsc::Context::establish(Scope::User)?;
    let end = Instant::now() + PATIENCE;
    loop {
        match context.connect(c"CardLab 00 00", ShareMode::Shared, Protocols::ANY) {
            Ok(card) => return Ok(card),
            Err(error) if Instant::now() > end => return Err(error).context("no card"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// From the start of `cardlab run` to the first answered SELECT of the program that it starts.
fn start(report: &mut Report) -> Result<()> {
    let Some(program) = std::env::var_os(PROGRAM) else {
        report.skip("start of a program with cardlab run", format!("{PROGRAM} does not name the cardlab program"));
        return Ok(());
    };
    let mut times = Samples::default();
    for _ in 0..STARTS {
        let begin = Instant::now();
        let mut child = Command::new(&program)
            .args(["run", "--"])
            .arg(std::env::current_exe()?)
            .arg("--first-select")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{PROGRAM} cannot be started"))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it has no output")?).read_line(&mut line)?;
        times.push_shared(begin.elapsed(), 1);
        ensure!(child.wait()?.success() && line == "9000\n", "the program failed");
    }
    let times = times.summary();
    let row = Row::new("start of cardlab run to the program's first SELECT", times.median_ns / 1e6, "ms");
    report.push(row.with_p95(times.p95_ns / 1e6).at_most(START_TARGET));
    Ok(())
}

/// What the program does whose start is measured.
pub(crate) fn first_select() -> Result<()> {
    let card = connect()?;
    ensure!(card.transmit(SELECT_APPLET, &mut [0; ANSWER])?.ends_with(&[0x90, 0x00]), "no card of ours");
    println!("9000");
    Ok(())
}
