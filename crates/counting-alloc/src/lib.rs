//! A global allocator that counts, so that a test can show that a path allocates nothing.
//!
//! A test binary installs it and asks:
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: counting_alloc::CountingAlloc = counting_alloc::CountingAlloc;
//!
//! assert_eq!(counting_alloc::allocations_during(|| 1 + 1), 0);
//! assert_eq!(counting_alloc::allocations_during(|| Box::new(1)), 1);
//! ```
//!
//! It can also watch for a secret in blocks that are given back: what was not wiped is found there.
//!
//! Test code only: no shipped program links it.
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait; it counts, looks at freed blocks and forwards")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

thread_local! {
    // Constant and without a destructor, so that touching it never allocates and works until the thread's end.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static SECRET: Cell<Option<[u8; SECRET_LEN]>> = const { Cell::new(None) };
    static FOUND: Cell<usize> = const { Cell::new(0) };
}

/// Bytes of a secret that is watched for. Long enough not to occur by chance.
pub const SECRET_LEN: usize = 8;

/// The system's allocator with a counter per thread, so that tests that run side by side do not see each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAlloc;

/// How often `run` asked for memory on this thread: new blocks and changed sizes; giving back is not counted.
/// What it returns is dropped after the count.
///
/// # Panics
/// Where [`CountingAlloc`] is not this program's global allocator: every count would be zero.
pub fn allocations_during<T>(run: impl FnOnce() -> T) -> usize {
    allocated_during(run).0
}

/// How many bytes `run` asked for on this thread, a changed size counted as a new block; giving back is not counted.
/// What it returns is dropped after the count.
///
/// # Panics
/// As [`allocations_during`].
pub fn bytes_during<T>(run: impl FnOnce() -> T) -> usize {
    allocated_during(run).1
}

fn allocated_during<T>(run: impl FnOnce() -> T) -> (usize, usize) {
    check_installed();
    let (count, bytes) = (count(), BYTES.with(Cell::get));
    let result = black_box(run());
    let allocated = (self::count().wrapping_sub(count), BYTES.with(Cell::get).wrapping_sub(bytes));
    drop(result);
    allocated
}

/// How many blocks that `run` gave back on this thread, or whose size it changed, still held `secret`. What it returns
/// is dropped before the count.
///
/// A block that is moved to a larger one counts too: the old bytes stay behind where the allocator cannot extend it.
///
/// # Panics
/// As [`allocations_during`].
pub fn left_behind<T>(secret: &[u8; SECRET_LEN], run: impl FnOnce() -> T) -> usize {
    check_installed();
    SECRET.with(|watched| watched.set(Some(*secret)));
    let start = FOUND.with(Cell::get);
    drop(black_box(run()));
    SECRET.with(|watched| watched.set(None));
    FOUND.with(Cell::get).wrapping_sub(start)
}

fn check_installed() {
    let before = count();
    drop(black_box(Box::new(0u8)));
    assert_ne!(before, count(), "CountingAlloc is not the global allocator of this program");
}

fn count() -> usize {
    COUNT.with(Cell::get)
}

fn counted(bytes: usize) {
    COUNT.with(|count| count.set(count.get().wrapping_add(1)));
    BYTES.with(|all| all.set(all.get().wrapping_add(bytes)));
}

fn is_watching() -> bool {
    SECRET.with(Cell::get).is_some()
}

/// Moves a block to a zeroed one of another size, and looks into the old one.
///
/// # Safety
/// As for [`GlobalAlloc::realloc`], with a block of [`System`].
unsafe fn moved(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    // SAFETY: the caller keeps realloc's contract: the alignment is valid and the size does not overflow with it.
    let new = unsafe { System.alloc_zeroed(Layout::from_size_align_unchecked(new_size, layout.align())) };
    if !new.is_null() {
        // SAFETY: both blocks have at least that many bytes and are different; the old one came from System.
        unsafe {
            new.copy_from_nonoverlapping(block, layout.size().min(new_size));
            look_into(block, layout.size());
            System.dealloc(block, layout);
        }
    }
    new
}

/// Looks for the watched secret in a block.
///
/// # Safety
/// `block` points to `len` bytes that may be read.
unsafe fn look_into(block: *const u8, len: usize) {
    let Some(secret) = SECRET.with(Cell::get) else { return };
    // Byte by byte and volatile: parts of the block may never have been written, and nothing may be concluded from them.
    // SAFETY: the caller promises `len` bytes from `block` on.
    let at = |offset: usize| unsafe { block.add(offset).read_volatile() };
    let is_here = |start: usize| (0..SECRET_LEN).all(|n| at(start + n) == secret[n]);
    if (0..(len + 1).saturating_sub(SECRET_LEN)).any(is_here) {
        FOUND.with(|found| found.set(found.get().wrapping_add(1)));
    }
}

// SAFETY: each function hands its arguments unchanged to the system's allocator and returns its answer unchanged, so
// System's own guarantees are ours. Counting and looking do not allocate, unwind or write.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counted(layout.size());
        if is_watching() {
            // What an earlier owner left in the block must not be taken for something that the next one wrote.
            // SAFETY: the caller keeps alloc's contract, which is alloc_zeroed's.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the caller keeps alloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        counted(layout.size());
        // SAFETY: the caller keeps alloc_zeroed's contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        counted(new_size);
        if is_watching() {
            // SAFETY: the caller keeps realloc's contract, and the block came from System.
            return unsafe { moved(block, layout, new_size) };
        }
        // SAFETY: the caller keeps realloc's contract, and the block came from System.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block has the size of its layout until it is given back.
        unsafe { look_into(block, layout.size()) };
        // SAFETY: the caller keeps dealloc's contract, and the block came from System.
        unsafe { System.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    // This binary does not install the allocator, so every count would be zero.
    #[test]
    #[should_panic(expected = "is not the global allocator")]
    fn asking_without_the_allocator_panics() {
        super::allocations_during(|| ());
    }
}
