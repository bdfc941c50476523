//! Broken parsers fail the checks of the parsers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use card_fuzz::targets::{apdu, tlv};
use card_wire::tlv::Reader;
use card_wire::{Command, Ins, ParseError, ParseErrorKind};

/// All sequences over `bytes` with at most `len` elements.
fn sequences(bytes: &[u8], len: usize) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    let mut start = 0;
    for _ in 0..len {
        let end = all.len();
        for at in start..end {
            for byte in bytes {
                all.push([&all[at][..], &[*byte]].concat());
            }
        }
        start = end;
    }
    all
}

#[test]
fn short_bodies_and_their_neighbours() {
    apdu::check(&[]);
    for cla in [0x00, 0x10, 0x7F, 0x80, 0xFE, 0xFF] {
        for body in sequences(&[0, 1, 2, 0xFF], 6) {
            apdu::check(&[&[cla, 0xA4, 0, 0], &body[..]].concat());
        }
    }
}

#[test]
fn all_short_sequences_of_interesting_bytes_as_objects() {
    for bytes in sequences(&[0x00, 0x01, 0x1F, 0x5F, 0x7F, 0x80, 0x81, 0x84], 5) {
        tlv::check(&bytes);
    }
}

fn refused<'a>(bytes: &'a [u8], parse: impl Fn(&'a [u8]) -> Result<Command<'a>, ParseError>) -> bool {
    catch_unwind(AssertUnwindSafe(|| apdu::check_parser(bytes, parse))).is_err()
}

#[test]
fn parsers_of_commands_that_are_wrong_are_found() {
    let (good, zero) = (&[0, 0xB0, 0, 1, 4][..], &[0, 0xB0, 0, 0, 0, 0, 0, 0, 9][..]);
    assert!(!refused(good, Command::parse) && !refused(zero, Command::parse));
    // Forgets Le, swaps the parameters, refuses everything, takes an extended Lc of zero, points behind the bytes.
    assert!(refused(good, |bytes| Command::parse(bytes).map(|command| command.with_ne(0))));
    assert!(refused(good, |bytes| Command::parse(bytes).map(|command| Command {
        p1: command.p2,
        p2: command.p1,
        ..command
    })));
    assert!(refused(good, |_| Err(ParseError { kind: ParseErrorKind::BadLength, at: 4 })));
    assert!(refused(zero, |_| Ok(Command::new(Ins::READ_BINARY, 0, 0).with_ne(9))));
    assert!(refused(zero, |_| Err(ParseError { kind: ParseErrorKind::BadLength, at: 99 })));
}

#[test]
fn readers_of_objects_that_are_wrong_are_found() {
    let bytes = [0x81, 2, 7, 8, 0x82, 1, 9];
    let read = |shift: usize, stop: usize| {
        let mut reader = Reader::new(&bytes);
        let mut count = 0;
        catch_unwind(AssertUnwindSafe(|| {
            tlv::check_reader(&bytes, || {
                count += 1;
                if count > stop { None } else { reader.next().map(|object| (object, reader.position() + shift)) }
            });
        }))
        .is_err()
    };
    assert!(!read(0, 9));
    assert!(read(1, 9), "a position that is wrong");
    assert!(read(0, 1), "a reader that stops early");
}
