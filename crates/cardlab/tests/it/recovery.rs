//! What goes wrong around a card: other programs, pulled cards, restarted services, wrong names. The driver says what
//! happened within bounded time and goes on afterwards in the same process; the program says it in one line.

mod lost;
mod names;
mod others;
mod program;
mod signer;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{PrivatePcscd, require_or_skip, run_bounded};

/// How long anything that must happen may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// How long the body of a test may take in a process of its own.
const BODY_LIMIT: Duration = Duration::from_secs(300);

/// Set in a process that [`in_own_process`] has started.
const INSIDE: &str = "CARDLAB_TEST_INSIDE";
const SOCKET: &str = "PCSCLITE_CSOCK_NAME";

/// Runs the body of the calling test in a process of its own: this binary once more, with this test only.
///
/// The PC/SC client library reads the name of the service's socket once in the life of a process, and a process
/// cannot safely change its own environment. So the name is chosen first, and [`service`] brings it to life.
#[track_caller]
pub(crate) fn in_own_process<B: FnOnce()>(body: B) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    // The body is a closure in the test's function, `it::module::test::{{closure}}`.
    let path = std::any::type_name::<B>();
    let test = path.split("::").skip(1).filter(|part| !part.starts_with('{')).collect::<Vec<_>>().join("::");
    // A socket's path is short, which the system's temporary directory need not be.
    let root = if cfg!(unix) { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    let place = tempfile::Builder::new().prefix("cl").tempdir_in(root).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
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
        let _ = writeln!(std::io::stderr(), "{skip}");
    }
}

/// A service that the driver in this process reaches, where this machine can have one.
pub(crate) fn service() -> Option<PrivatePcscd> {
    let pcscd = require_or_skip(PrivatePcscd::start())?;
    named_service(&pcscd);
    Some(pcscd)
}

/// Makes this service the one that the driver in this process reaches.
pub(crate) fn named_service(pcscd: &PrivatePcscd) {
    put_in_place(&pcscd.socket_path(), Path::new(&std::env::var_os(SOCKET).unwrap()));
}

#[cfg(unix)]
fn put_in_place(socket: &Path, name: &Path) {
    std::os::unix::fs::symlink(socket, name).unwrap();
}

#[cfg(not(unix))]
fn put_in_place(_: &Path, _: &Path) {
    unreachable!("a private service needs Linux");
}

/// Waits until something has come about.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
