//! Programs that end in time.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::skip::Unavailable;

/// Daemons live in these, which are not in everybody's `PATH`.
const MORE_PLACES: [&str; 2] = ["/usr/sbin", "/sbin"];

/// How long output may still come after the program has ended: a grandchild may hold the pipe for ever.
const DRAIN: Duration = Duration::from_secs(2);

/// Why a program gave no result.
#[derive(Debug, Error)]
pub enum RunError {
    /// It did not start.
    #[error("{program} did not start: {error}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It ran too long and was killed.
    #[error("{program} did not end within {limit:?}; it said:\n{}", text(.output))]
    TimedOut {
        /// The program.
        program: String,
        /// How long it was given.
        limit: Duration,
        /// What it said until then.
        output: Output,
    },
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Where the program is.
///
/// # Errors
/// [`Unavailable`] where it is in no directory of `PATH`.
pub fn find_program(name: &str) -> Result<PathBuf, Unavailable> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(MORE_PLACES.iter().map(PathBuf::from))
        .map(|place| place.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| Unavailable::new(format!("the program {name} is not installed")))
}

/// Runs a program without input to its end, and kills it when that takes too long.
///
/// # Panics
/// Where it does not start or must be killed; the message holds what it said.
#[track_caller]
pub fn run_bounded(command: &mut Command, limit: Duration) -> Output {
    match try_run_bounded(command, limit) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    }
}

/// Like [`run_bounded`], for those who expect trouble.
///
/// # Errors
/// [`RunError`] where the program does not start or must be killed.
pub fn try_run_bounded(command: &mut Command, limit: Duration) -> Result<Output, RunError> {
    let program = command.get_program().to_string_lossy().into_owned();
    in_own_group(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| RunError::Start { program: program.clone(), error })?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let ended = wait_until(&mut child, Instant::now() + limit);
    let status = match ended {
        Some(status) => status,
        None => kill_group(&mut child).map_err(|error| RunError::Start { program: program.clone(), error })?,
    };
    let output = Output { status, stdout: drain(&stdout), stderr: drain(&stderr) };
    if ended.is_none() {
        return Err(RunError::TimedOut { program, limit, output });
    }
    Ok(output)
}

/// The status of a child that ends in time.
pub(crate) fn wait_until(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Kills a child and all its descendants that stayed in its group, and reaps it.
pub(crate) fn kill_group(child: &mut Child) -> io::Result<ExitStatus> {
    // The shell's own `kill`, because the standard library signals only the child itself. What is gone already
    // needs no killing.
    let group = format!("kill -KILL -{}", child.id());
    let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
    let _ = child.kill();
    child.wait()
}

#[cfg(unix)]
pub(crate) fn in_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
pub(crate) fn in_own_group(_: &mut Command) {}

/// Reads a pipe to its end on a thread of its own, piece by piece.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut piece = [0; 8192];
        while let Ok(count) = pipe.read(&mut piece) {
            if count == 0 || send.send(piece[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receive
}

fn drain(pieces: &Receiver<Vec<u8>>) -> Vec<u8> {
    let end = Instant::now() + DRAIN;
    let mut all = Vec::new();
    while let Ok(piece) = pieces.recv_timeout(end.saturating_duration_since(Instant::now())) {
        all.extend(piece);
    }
    all
}
