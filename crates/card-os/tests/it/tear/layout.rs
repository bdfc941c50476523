//! The bytes of a memory, read without the card: where its journal is, and what its objects hold.

use std::collections::HashSet;

use crc::{CRC_32_ISO_HDLC, Crc};

/// The two journal slots: checksum (4), number (4), count (1), zeros (3), mark (4), then the images of at most three
/// pages with their numbers.
pub(crate) const SLOTS: [usize; 2] = [512, 1024];
pub(crate) const SLOT: usize = 512;
pub(crate) const SEALED: usize = 12;
pub(crate) const BODY: usize = 16;
pub(crate) const IMAGE: usize = 126;
/// Where the pages begin.
pub(crate) const FIRST_PAGE: usize = 1536;
const PAGE: usize = 128;
const PAYLOAD: usize = 124;
const PIN: u8 = 2;
const KEY: u8 = 5;

fn page(memory: &[u8], number: usize) -> &[u8] {
    let at = FIRST_PAGE + number * PAGE;
    &memory[at..at + PAYLOAD]
}

/// The pages that hold objects. One map page is enough for the memories that are torn here.
fn objects(memory: &[u8]) -> impl Iterator<Item = usize> {
    let map = page(memory, 0);
    (0..(memory.len() - FIRST_PAGE) / PAGE).filter(|number| map[number / 8] & 1 << (number % 8) != 0)
}

fn pointers(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes
        .chunks_exact(2)
        .map(|pair| usize::from(u16::from_be_bytes([pair[0], pair[1]])))
        .filter(|pointer| *pointer != 0)
}

/// The content pages of all keys.
fn key_pages(memory: &[u8]) -> Vec<&[u8]> {
    let mut pages = Vec::new();
    for object in objects(memory).map(|number| page(memory, number)).filter(|object| object[0] == KEY) {
        for pointer in pointers(&object[16..34]) {
            match object[1] {
                1 => pages.push(page(memory, pointer)),
                _ => pages.extend(pointers(page(memory, pointer)).map(|pointer| page(memory, pointer))),
            }
        }
    }
    pages
}

/// Every eight bytes in a row of every key, but for the filling behind it: where one of these stands, a key has left a
/// trace.
pub(crate) fn traces(memory: &[u8], into: &mut HashSet<[u8; 8]>) {
    for page in key_pages(memory) {
        into.extend(page.windows(8).filter(|bytes| bytes.iter().filter(|byte| **byte == 0).count() < 3).map(|bytes| {
            let mut trace = [0; 8];
            trace.copy_from_slice(bytes);
            trace
        }));
    }
}

/// Whether sixteen bytes in a row of a key are in there. Looks at every eighth place only, which such a run covers.
pub(crate) fn has_trace(bytes: &[u8], traces: &HashSet<[u8; 8]>) -> bool {
    bytes.chunks_exact(8).any(|bytes| traces.contains(bytes))
}

/// The pages of the PINs whose tries are not full, with full tries: where they are, and their bytes.
pub(crate) fn full_tries(memory: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut pages = Vec::new();
    for number in objects(memory) {
        let object = page(memory, number);
        if object[0] != PIN || object[43] == object[44] {
            continue;
        }
        let mut bytes = object.to_vec();
        bytes[43] = bytes[44];
        let salt = u32::try_from(number).unwrap();
        let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC);
        let mut digest = crc.digest_with_initial(salt);
        digest.update(&bytes);
        bytes.extend_from_slice(&digest.finalize().to_le_bytes());
        pages.push((FIRST_PAGE + number * PAGE, bytes));
    }
    pages
}
