//! The reader of BER-TLV data objects: bounded, in order, and inverse to `header`.

use card_wire::tlv::{Reader, find, header, only};

/// Reads `bytes` and writes what was read again.
///
/// # Panics
/// Where the reader is wrong.
pub fn check(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let mut end = 0;
    while let Some(object) = reader.next() {
        let position = reader.position();
        assert!(position > end && position <= bytes.len(), "{position} after {end} of {}", bytes.len());
        let Ok(object) = object else {
            assert!(reader.next().is_none(), "an error is the last thing");
            return;
        };
        let encoded = &bytes[end..position];
        assert!(encoded.ends_with(object.value));
        assert_eq!(only(encoded, object.tag), Ok(object.value));
        // Once is enough: `find` reads everything.
        if end == 0 {
            assert!(matches!(find(bytes, object.tag), Err(_) | Ok(Some(_))));
        }
        let header = header(object.tag, object.value.len()).expect("a value in memory has a short length");
        assert!(header.as_bytes().len() + object.value.len() <= encoded.len(), "header takes the shortest form");
        end = position;
    }
    assert_eq!(end, bytes.len());
}

#[cfg(test)]
pub(crate) mod tests {
    /// All sequences over `bytes` with at most `len` elements.
    pub(crate) fn sequences(bytes: &[u8], len: usize) -> Vec<Vec<u8>> {
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
    fn all_short_sequences_of_interesting_bytes() {
        for bytes in sequences(&[0x00, 0x01, 0x1F, 0x5F, 0x7F, 0x80, 0x81, 0x84], 5) {
            super::check(&bytes);
        }
    }
}
