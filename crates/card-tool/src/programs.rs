//! Other programs: found in `PATH`, run without input and never for long.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a program may take; much more than any needs.
const LIMIT: Duration = Duration::from_secs(30);
/// Daemons live in these, which are not in everybody's `PATH`.
const MORE_PLACES: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// What a program said.
pub(crate) struct Said {
    pub(crate) ok: bool,
    pub(crate) text: String,
}

impl Said {
    /// Its last line, which usually says what is wrong.
    pub(crate) fn last_line(&self) -> &str {
        self.text.trim_end().lines().last().unwrap_or_default()
    }
}

/// Where a program is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(MORE_PLACES.map(PathBuf::from)).map(|d| d.join(name)).find(|f| f.is_file())
}

/// Runs a command to its end; kills it where that takes too long. Nothing where it does not start.
pub(crate) fn run(command: &mut Command) -> Option<Said> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    let pieces = collect(child.stdout.take(), child.stderr.take());
    let end = Instant::now() + LIMIT;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    let mut text = Vec::new();
    // A grandchild may hold the pipe open for ever.
    while let Ok(piece) = pieces.recv_timeout(Duration::from_secs(1)) {
        text.extend(piece);
    }
    Some(Said { ok: status.is_some_and(|status| status.success()), text: String::from_utf8_lossy(&text).into_owned() })
}

fn collect(
    out: Option<impl Read + Send + 'static>,
    err: Option<impl Read + Send + 'static>,
) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    let other = send.clone();
    std::thread::spawn(move || drain(out, &send));
    std::thread::spawn(move || drain(err, &other));
    receive
}

fn drain(pipe: Option<impl Read>, to: &mpsc::Sender<Vec<u8>>) {
    let Some(mut pipe) = pipe else { return };
    let mut piece = [0; 4096];
    while let Ok(count) = pipe.read(&mut piece) {
        if count == 0 || to.send(piece[..count].to_vec()).is_err() {
            break;
        }
    }
}
