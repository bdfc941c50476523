//! Tests in a process of their own, and programs without rights.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::program::{find_program, run_bounded, try_run_bounded};
use crate::skip::Unavailable;

/// How long the body of a test may take in a process of its own.
const BODY_LIMIT: Duration = Duration::from_secs(300);
/// Set in a process that [`in_own_process`] has started.
const INSIDE: &str = "CARDLAB_TEST_INSIDE";
const SOCKET: &str = "PCSCLITE_CSOCK_NAME";
/// The user and group `nobody` of Debian.
const NOBODY: u32 = 65_534;

/// Runs the body of the calling test in a process of its own: this binary once more, with this test only.
///
/// The PC/SC client library reads the name of the service's socket once in the life of a process, and a process
/// cannot safely change its own environment. So the name is chosen first ([`own_socket`]), and the body brings a
/// service to life there.
///
/// # Panics
/// Where the body panics there.
#[track_caller]
pub fn in_own_process<B: FnOnce()>(body: B) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let program = std::env::current_exe().expect("a running program is somewhere");
    rerun::<B>(Command::new(program), &short_place());
}

/// As [`in_own_process`], and the process has no rights: where the tests run as root it is `nobody`'s.
///
/// # Errors
/// [`Unavailable`] where a process cannot give up its rights, or `nobody` does not reach the test's binary.
///
/// # Panics
/// Where the body panics there.
#[track_caller]
pub fn in_own_process_without_rights<B: FnOnce()>(body: B) -> Result<(), Unavailable> {
    if std::env::var_os(INSIDE).is_some() {
        body();
        return Ok(());
    }
    let program = std::env::current_exe().expect("a running program is somewhere");
    let command = without_rights(&program)?;
    let place = short_place();
    give_away(place.path()).map_err(|error| Unavailable::new(error.to_string()))?;
    rerun::<B>(command, &place);
    Ok(())
}

/// The socket that PC/SC programs started in this process, and the process itself, look for.
#[must_use]
pub fn own_socket() -> PathBuf {
    std::env::var_os(SOCKET).unwrap_or_default().into()
}

/// A socket's path is short, which the system's temporary directory need not be.
fn short_place() -> tempfile::TempDir {
    let root = if cfg!(unix) { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("cl").tempdir_in(root).expect("there is a temporary directory")
}

#[track_caller]
fn rerun<B>(mut child: Command, place: &tempfile::TempDir) {
    // The body is a closure in the test's function, `it::module::test::{{closure}}`.
    let path = std::any::type_name::<B>();
    let test = path.split("::").skip(1).filter(|part| !part.starts_with('{')).collect::<Vec<_>>().join("::");
    // With a single thread the test would not have its name when a skip is recorded.
    child
        .args(["--exact", &test, "--nocapture", "--test-threads", "2"])
        .env(INSIDE, "1")
        .env(SOCKET, place.path().join("comm"));
    let output = run_bounded(&mut child, BODY_LIMIT);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A name that fits no test would succeed without one.
    assert!(output.status.success() && out.contains("1 passed"), "{test} in its own process:\n{out}{err}");
    for skip in err.lines().filter(|line| line.starts_with("SKIPPED")) {
        // To the stream itself: the harness hides what a test that does not fail prints.
        let _ = writeln!(io::stderr(), "{skip}");
    }
}

/// The program as somebody without rights would start it: where this process is root's, as `nobody`.
///
/// # Errors
/// [`Unavailable`] where rights cannot be given up, or `nobody` may not execute the program.
pub fn without_rights(program: &Path) -> Result<Command, Unavailable> {
    let mut command = match is_root() {
        false => return Ok(Command::new(program)),
        true => Command::new(find_program("setpriv")?),
    };
    let [user, group] = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
    let words = [user.as_str(), group.as_str(), "--clear-groups", "--no-new-privs", "--"];
    let mut probe = Command::new("setpriv");
    let reached = try_run_bounded(probe.args(words).args(["test", "-x"]).arg(program), Duration::from_secs(20));
    if !reached.is_ok_and(|output| output.status.success()) {
        return Err(Unavailable::new(format!("nobody but root may execute {}", program.display())));
    }
    command.args(words).arg(program);
    Ok(command)
}

/// Gives a directory to the user that [`without_rights`] starts programs as.
///
/// # Errors
/// What the system says.
pub fn give_away(place: &Path) -> io::Result<()> {
    if is_root() { chown(place) } else { Ok(()) }
}

#[cfg(unix)]
fn chown(place: &Path) -> io::Result<()> {
    std::os::unix::fs::chown(place, Some(NOBODY), Some(NOBODY))
}

#[cfg(not(unix))]
fn chown(_: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether this process is root's.
#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
