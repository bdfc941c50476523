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
//! Test code only: no shipped program links it.
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait; it only counts and forwards")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

thread_local! {
    // Constant and without a destructor, so that touching it never allocates and works until the thread's end.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator with a counter per thread, so that tests that run side by side do not see each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAlloc;

/// How often `run` asked for memory on this thread: new blocks and changed sizes; giving back is not counted.
/// What it returns is dropped after the count.
///
/// # Panics
/// Where [`CountingAlloc`] is not this program's global allocator: every count would be zero.
pub fn allocations_during<T>(run: impl FnOnce() -> T) -> usize {
    let before = count();
    drop(black_box(Box::new(0u8)));
    let start = count();
    assert_ne!(before, start, "CountingAlloc is not the global allocator of this program");
    let result = black_box(run());
    let allocations = count().wrapping_sub(start);
    drop(result);
    allocations
}

fn count() -> usize {
    COUNT.with(Cell::get)
}

fn counted() {
    COUNT.with(|count| count.set(count.get().wrapping_add(1)));
}

// SAFETY: each function hands its arguments unchanged to the system's allocator and returns its answer unchanged, so
// System's own guarantees are ours. Counting does not allocate, does not unwind and touches no block.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counted();
        // SAFETY: the caller keeps alloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        counted();
        // SAFETY: the caller keeps alloc_zeroed's contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        counted();
        // SAFETY: the caller keeps realloc's contract, and the block came from System.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
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
