//! What the probe asks of Linux: an entry point, one line of output, an end.

use core::arch::{asm, naked_asm};

const STDERR: usize = 2;

/// Writes a line to the standard error output. A failure is nobody's concern.
pub(crate) fn say(line: &[u8]) {
    // SAFETY: write(2) only reads the bytes of the borrowed slice.
    unsafe { write(STDERR, line.as_ptr(), line.len()) }
}

/// Ends the program.
pub(crate) fn exit(code: u8) -> ! {
    // SAFETY: exit_group(2) does not come back, and nothing needs to be put in order before it.
    unsafe { exit_group(usize::from(code)) }
}

/// The kernel starts here, with the stack pointer on the arguments. No frame is above this one.
#[cfg(target_arch = "x86_64")]
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "and rsp, -16", "call {run}", "ud2", run = sym super::run)
}

/// The kernel starts here, with an aligned stack pointer. No frame is above this one.
#[cfg(target_arch = "aarch64")]
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn _start() -> ! {
    naked_asm!("mov x29, xzr", "mov x30, xzr", "bl {run}", "brk #1", run = sym super::run)
}

#[cfg(target_arch = "x86_64")]
unsafe fn write(file: usize, bytes: *const u8, len: usize) {
    // SAFETY: the caller's bytes are readable; the kernel changes rax, rcx and r11 only.
    unsafe {
        asm!("syscall", inlateout("rax") 1usize => _, in("rdi") file, in("rsi") bytes, in("rdx") len,
             lateout("rcx") _, lateout("r11") _, options(nostack, readonly));
    }
}

#[cfg(target_arch = "x86_64")]
unsafe fn exit_group(code: usize) -> ! {
    // SAFETY: the call does not return.
    unsafe { asm!("syscall", "ud2", in("rax") 231usize, in("rdi") code, options(nostack, noreturn)) }
}

#[cfg(target_arch = "aarch64")]
unsafe fn write(file: usize, bytes: *const u8, len: usize) {
    // SAFETY: the caller's bytes are readable; the kernel changes x0 only.
    unsafe {
        asm!("svc #0", in("x8") 64usize, inlateout("x0") file => _, in("x1") bytes, in("x2") len,
             options(nostack, readonly));
    }
}

#[cfg(target_arch = "aarch64")]
unsafe fn exit_group(code: usize) -> ! {
    // SAFETY: the call does not return.
    unsafe { asm!("svc #0", "brk #1", in("x8") 94usize, in("x0") code, options(nostack, noreturn)) }
}

/// The hash crates ask libc for the processor's features; without libc there are none beyond the base set.
#[cfg(target_arch = "aarch64")]
#[unsafe(no_mangle)]
extern "C" fn getauxval(_: usize) -> usize {
    0
}
