//! Proves that the card needs no standard library: a program without std, libc and start files makes a card,
//! personalises it, generates an RSA-2048 key on it and checks a signature.
//!
//! Build it alone, because building it together with other packages would turn their std features on for it:
//!
//! ```text
//! cargo build -p nostd-probe --profile nostd && target/nostd/nostd-probe
//! ```
//!
//! Exit code 0 means that everything held; otherwise it is the number of the failed step, or 101 for a panic.
//! Linux on `x86_64` and `aarch64` only: this is the one crate with inline assembly.
#![no_std]
#![no_main]

extern crate alloc;

mod heap;
mod libc;
mod linux;
mod memory;
mod script;

use core::panic::PanicInfo;

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

/// Called by the entry point with an aligned stack.
extern "C" fn run() -> ! {
    match script::run() {
        Ok(()) => {
            linux::say(b"nostd-probe: RSA-2048 key generated and signature checked without std\n");
            linux::exit(0)
        }
        Err(step) => {
            linux::say(b"nostd-probe: a step failed, its number is the exit code\n");
            linux::exit(step.number())
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    linux::say(b"nostd-probe: panic\n");
    linux::exit(101)
}
