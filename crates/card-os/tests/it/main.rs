//! The card through its only door, one file a subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bounds;
mod dialect;
mod events;
mod iso_files;
mod iso_security;
mod keys;
mod memory;
mod refused;
mod suite;
mod support;
mod tear;

#[global_allocator]
static ALLOCATOR: counting_alloc::CountingAlloc = counting_alloc::CountingAlloc;
