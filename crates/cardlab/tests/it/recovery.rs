//! What goes wrong around a card: other programs, pulled cards, restarted services, wrong names. The driver says what
//! happened within bounded time and goes on afterwards in the same process; the program says it in one line.

mod lost;
mod names;
mod others;
mod program;
mod signer;

use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) use testkit::in_own_process;
use testkit::{PrivatePcscd, own_socket, require_or_skip};

/// How long anything that must happen may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A service that the driver in this process reaches, where this machine can have one.
pub(crate) fn service() -> Option<PrivatePcscd> {
    let pcscd = require_or_skip(PrivatePcscd::start())?;
    named_service(&pcscd);
    Some(pcscd)
}

/// Makes this service the one that the driver in this process reaches.
pub(crate) fn named_service(pcscd: &PrivatePcscd) {
    put_in_place(&pcscd.socket_path(), &own_socket());
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
