//! A program in our place: its exit code is ours, and the signals that we get are passed on to it.

use std::io;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};

/// What is passed on.
const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
/// What a shell adds to the number of the signal that ended a program.
const BY_SIGNAL: i32 = 128;
/// Exit codes of shells, `env` and `timeout` for programs that could not be started.
const NOT_FOUND: u8 = 127;
const NOT_STARTED: u8 = 126;

/// Runs the program to its end.
///
/// # Errors
/// What the system says when it refuses signals or loses the program. A program that does not start is a line on
/// standard error and an exit code.
pub(crate) fn run(command: &mut Command) -> io::Result<ExitCode> {
    // Before the program starts, so that no signal is lost. Those that we were started to ignore stay ignored, here
    // and in the program.
    let ignored = ignored();
    let wanted = PASSED_ON.iter().filter(|signal| ignored & (1 << (**signal - 1)) == 0);
    let signals = SignalsInfo::<WithOrigin>::new(wanted)?;
    let handle = signals.handle();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED };
            eprintln!("cardlab: cannot start {}: {error}", command.get_program().to_string_lossy());
            return Ok(ExitCode::from(code));
        }
    };
    let running = Arc::new(Mutex::new(i32::try_from(child.id()).ok().and_then(Pid::from_raw)));
    let target = Arc::clone(&running);
    thread::spawn(move || pass_on(signals, &target));
    let status = wait(&mut child, &running)?;
    handle.close();
    Ok(code(status))
}

/// Waits for the end; the process's number is forgotten before the system may give it to another.
fn wait(child: &mut Child, running: &Mutex<Option<Pid>>) -> io::Result<ExitStatus> {
    if let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()) {
        while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .is_err_and(|error| error == rustix::io::Errno::INTR)
        {}
    }
    running.lock().unwrap_or_else(PoisonError::into_inner).take();
    child.wait()
}

fn pass_on(mut signals: SignalsInfo<WithOrigin>, running: &Mutex<Option<Pid>>) {
    for Origin { signal, cause, .. } in signals.forever() {
        // A terminal gives its signals to the program as well as to us; twice would be a second Ctrl-C.
        if matches!(cause, Cause::Kernel) {
            continue;
        }
        if let (Some(pid), Some(signal)) =
            (*running.lock().unwrap_or_else(PoisonError::into_inner), Signal::from_named_raw(signal))
        {
            // One that is about to end may not take it any more.
            let _ = kill_process(pid, signal);
        }
    }
}

/// What a shell would say of this end.
fn code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| BY_SIGNAL + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

/// The signals that this process was started to ignore, as Linux lists them: bit 0 is signal 1. None elsewhere.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
