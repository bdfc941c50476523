//! A heap in a static array: blocks of powers of two, taken from the front and kept in one list per size when
//! given back. Big-number arithmetic gives back nearly all it takes, so a plain bump pointer would need gigabytes.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

/// Enough for the card's memory, its caches and one key generation.
const SIZE: usize = 4 << 20;
/// The smallest block holds the link of its list; the largest one is the whole heap.
const CLASSES: usize = usize::BITS as usize;
/// Every block is aligned at least to this, and to its own size up to a page.
const PAGE: usize = 4096;

#[repr(C, align(4096))]
struct Bytes([u8; SIZE]);

struct State {
    used: usize,
    free: [*mut u8; CLASSES],
}

/// The allocator.
pub(crate) struct Heap {
    bytes: UnsafeCell<Bytes>,
    state: UnsafeCell<State>,
}

// SAFETY: the program has one thread and no signal handlers, so nothing runs beside an allocation.
unsafe impl Sync for Heap {}

impl Heap {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: UnsafeCell::new(Bytes([0; SIZE])),
            state: UnsafeCell::new(State { used: 0, free: [ptr::null_mut(); CLASSES] }),
        }
    }
}

/// The size of the block that serves a request.
fn block_size(layout: Layout) -> usize {
    layout.size().max(layout.align()).max(16).next_power_of_two()
}

fn class(size: usize) -> usize {
    // The number of a power of two is below the number of bits.
    usize::try_from(size.trailing_zeros()).unwrap_or(CLASSES - 1)
}

// SAFETY: a block is handed out once until it is given back: it comes either from the unused end of the array or
// from the list of its size. It is as long as its size and aligned to the smaller of its size and a page, which is
// all that is promised: a larger alignment is refused with null.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > PAGE {
            return ptr::null_mut();
        }
        let size = block_size(layout);
        // SAFETY: nobody else has a reference to the state: see Sync.
        let state = unsafe { &mut *self.state.get() };
        let head = state.free[class(size)];
        if !head.is_null() {
            // SAFETY: a listed block is ours and begins with the link that dealloc wrote.
            state.free[class(size)] = unsafe { head.cast::<*mut u8>().read() };
            return head;
        }
        let start = state.used.next_multiple_of(size.min(PAGE));
        if size > SIZE.saturating_sub(start) {
            return ptr::null_mut();
        }
        state.used = start + size;
        // SAFETY: start + size is within the array.
        unsafe { self.bytes.get().cast::<u8>().add(start) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let class = class(block_size(layout));
        // SAFETY: nobody else has a reference to the state: see Sync.
        let state = unsafe { &mut *self.state.get() };
        // SAFETY: the block came from alloc with this layout, has at least 16 bytes aligned to 16, and is ours again.
        unsafe { block.cast::<*mut u8>().write(state.free[class]) };
        state.free[class] = block;
    }
}
