//! The counter counts what it says, in a program that has installed it.

use counting_alloc::{CountingAlloc, allocations_during, bytes_during, left_behind};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: CountingAlloc = CountingAlloc;

#[test]
fn arithmetic_allocates_nothing() {
    assert_eq!(allocations_during(|| black_box(6) * 7), 0);
}

#[test]
fn each_kind_of_request_is_counted() {
    assert_eq!(allocations_during(|| black_box(Box::new(1))), 1);
    assert_eq!(allocations_during(|| black_box(vec![0u8; 64])), 1);
    let mut grows = vec![0u8; 8];
    assert_eq!(allocations_during(|| grows.reserve_exact(64)), 1);
}

#[test]
fn blocks_that_are_given_back_still_count() {
    let three = || (0..3).for_each(|byte| drop(black_box(Box::new(byte))));
    assert_eq!(allocations_during(three), 3);
}

#[test]
fn other_threads_are_not_counted() {
    let on_another = || std::thread::spawn(|| (0..1000).for_each(|byte| drop(black_box(Box::new(byte)))));
    let for_the_thread = allocations_during(|| std::thread::spawn(|| ()).join().unwrap());
    let for_the_busy_thread = allocations_during(|| on_another().join().unwrap());
    assert!(for_the_busy_thread < for_the_thread + 100, "{for_the_busy_thread} against {for_the_thread}");
}

#[test]
fn bytes_are_counted() {
    assert_eq!(bytes_during(|| black_box(vec![0u8; 64])), 64);
    let mut grows = vec![0u8; 8];
    assert_eq!(bytes_during(|| grows.reserve_exact(92)), 100);
}

#[test]
fn a_secret_in_a_freed_block_is_found() {
    const SECRET: [u8; 8] = *b"\x91\x07secret";
    let held = || {
        let mut block = vec![0u8; 60];
        block[52..].copy_from_slice(&SECRET);
        black_box(block)
    };
    assert_eq!(left_behind(&SECRET, held), 1);
    let wiped = || {
        let mut block = held();
        block.fill(0);
        drop(black_box(block));
    };
    assert_eq!(left_behind(&SECRET, wiped), 0);
    let mut kept = held();
    assert_eq!(left_behind(&SECRET, || kept.reserve_exact(100)), 1, "what moves leaves its bytes behind");
    assert_eq!(left_behind(b"\x91\x07secreu", held), 0);
}
