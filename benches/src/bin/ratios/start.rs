//! From the start of the simulator's process to its first answered SELECT, and the memory it then has.

use crate::report::{Report, Row};
use anyhow::{Context, Result, ensure};
use benches::commands::{ANSWER, SELECT_APPLET};
use benches::reader_end::Waiting;
use benches::stats::Samples;
use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The environment variable that names the simulator's program.
pub(crate) const PROGRAM: &str = "CARDLAB_BIN";
const STARTS: usize = 30;
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let Some(program) = std::env::var_os(PROGRAM) else {
        report.skip("start of the simulator", format!("{PROGRAM} does not name the cardlab program"));
        return Ok(());
    };
    let [mut times, mut memory] = [Samples::default(), Samples::default()];
    for _ in 0..STARTS {
        let (taken, kibibytes) = start(&program)?;
        times.push_shared(taken, 1);
        memory.push(kibibytes);
    }
    let times = times.summary();
    let row = Row::new("start of cardlab sim to the first SELECT", times.median_ns / 1e6, "ms");
    report.push(row.with_p95(times.p95_ns / 1e6).at_most(10.0));
    report.push(Row::new("resident memory of cardlab sim", memory.summary().p95_ns / 1024.0, "MiB").at_most(8.0));
    Ok(())
}

/// Ended on drop, whatever went wrong.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(program: &OsStr) -> Result<(Duration, f64)> {
    let waiting = Waiting::new()?;
    let address = format!("127.0.0.1:{}", waiting.port()?);
    let start = Instant::now();
    let child = Command::new(program)
        .args(["sim", "--seed", "1", "--vpcd", &address])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{PROGRAM} cannot be started"))?;
    let running = Running(child);
    let mut reader = waiting.accept(PATIENCE)?;
    let mut answer = [0; ANSWER];
    let answer = reader.transmit(SELECT_APPLET, &mut answer)?;
    let taken = start.elapsed();
    ensure!(answer.ends_with(&[0x90, 0x00]), "the simulator answered {answer:02X?}");
    Ok((taken, resident_kibibytes(running.0.id())?))
}

fn resident_kibibytes(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    parse_resident(&status).context("the system does not say how much memory a process has")
}

fn parse_resident(status: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn resident_memory_is_found() {
        assert_eq!(super::parse_resident("VmPeak:\t  9 kB\nVmRSS:\t    5120 kB\n"), Some(5120.0));
        assert_eq!(super::parse_resident("VmPeak:\t  9 kB\n"), None);
    }
}
