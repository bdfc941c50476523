//! Makes the PC/SC functions that `pcsc-sys` declares available without linking a library at build time.
//!
//! On Linux this crate defines them and forwards each call to `libpcsclite.so.1`, which is opened when the first
//! function is called. Where it is not installed every function answers SCARD_E_NO_SERVICE, so that a program
//! without readers is a program with an error message and not one that does not start. On other systems the
//! library belongs to the system, `pcsc-sys` links it, and this crate is empty.
//!
//! `.cargo/config.toml` takes the place of the build script of `pcsc-sys`, which would ask for the library.
//! This crate knows no reader, card or APDU.

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "defines C functions and calls a C library that is opened at run time")]
#[expect(unreachable_pub, reason = "the functions are public to the linker")]
mod linux;

#[cfg(target_os = "linux")]
pub use linux::{available, link};

/// Whether the client library of the reader service is there.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub const fn available() -> bool {
    true
}

/// Does nothing: the system's library is linked by `pcsc-sys`.
#[cfg(not(target_os = "linux"))]
pub const fn link() {}
