//! What the tests of this workspace share: a private PC/SC service, programs that end in time, skips that are
//! counted. A helper for development only; it knows no card and no APDU.
//!
//! A test that needs a reader begins with
//!
//! ```no_run
//! let Some(pcscd) = testkit::require_or_skip(testkit::PrivatePcscd::start()) else { return };
//! let output = testkit::run_bounded(pcscd.command("opensc-tool").arg("-l"), std::time::Duration::from_secs(20));
//! ```
#![forbid(unsafe_code)]

mod own;
mod pcscd;
mod ports;
mod program;
mod skip;

pub use own::{give_away, in_own_process, in_own_process_without_rights, own_socket, without_rights};
pub use pcscd::PrivatePcscd;
pub use ports::free_port_pair;
pub use program::{RunError, find_program, run_bounded, try_run_bounded};
pub use skip::{Unavailable, require_or_skip};
