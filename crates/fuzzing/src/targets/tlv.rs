//! The reader of BER-TLV data objects: bounded, in order, and inverse to `header`; and what reads control information
//! with it, on the host.

use card_wire::tlv::{Reader, Tag, find, header, only};
use card_wire::{ParseError, tlv::Tlv};
use host_driver::FileInfo;

/// Reads `bytes` and writes what was read again.
///
/// # Panics
/// Where the reader is wrong.
pub fn check(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    check_reader(bytes, || reader.next().map(|object| (object, reader.position())));
    check_find(bytes);
    // Whatever a card sends as control information, it is read or refused.
    if let Ok(info) = FileInfo::parse(bytes) {
        let outer = Reader::new(bytes).next();
        assert!(matches!(outer, Some(Ok(_))), "control information without an object: {info:?}");
    }
}

/// Holds any reader against the bytes. `next` gives an object and the position behind it.
///
/// # Panics
/// Where the reader is wrong.
pub fn check_reader<'a>(bytes: &'a [u8], mut next: impl FnMut() -> Option<(Result<Tlv<'a>, ParseError>, usize)>) {
    let mut end = 0;
    while let Some((object, position)) = next() {
        assert!(position > end && position <= bytes.len(), "{position} after {end} of {}", bytes.len());
        let Ok(object) = object else {
            assert!(next().is_none(), "an error is the last thing");
            return;
        };
        let encoded = &bytes[end..position];
        assert!(encoded.ends_with(object.value), "the value does not end where the object ends");
        assert_eq!(only(encoded, object.tag), Ok(object.value));
        let header = header(object.tag, object.value.len()).expect("a value in memory has a short length");
        let written = [header.as_bytes(), object.value].concat();
        assert!(written.len() <= encoded.len(), "header takes the shortest form");
        assert_eq!(only(&written, object.tag), Ok(object.value), "what was written is read again");
        assert_eq!(object.tag.is_constructed(), encoded[0] & 0x20 != 0, "{encoded:02X?}");
        end = position;
    }
    assert_eq!(end, bytes.len());
}

/// `find` gives the first of a tag, if all objects are whole.
fn check_find(bytes: &[u8]) {
    let all: Result<Vec<Tlv<'_>>, ParseError> = Reader::new(bytes).collect();
    let wanted = all.as_ref().ok().and_then(|all| all.first()).map_or(Tag(0x83), |object| object.tag);
    match (find(bytes, wanted), &all) {
        (Ok(found), Ok(all)) => {
            let first = all.iter().find(|object| object.tag == wanted).map(|object| object.value);
            assert_eq!(found, first, "{wanted:?} in {bytes:02X?}");
        }
        (Err(_), Err(_)) => (),
        (found, all) => panic!("find says {found:?}, the reader {all:?}"),
    }
}
