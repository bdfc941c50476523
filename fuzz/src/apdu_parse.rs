//! [`Command::parse`] against the decoding conventions of ISO/IEC 7816-3:2006, 12.1.3, and against `encode`.

use card_wire::{Command, ParseErrorKind};

/// The body of a command as the conventions read it: data and Ne.
fn oracle(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let body = bytes.get(4..)?;
    let short = |le: u8| if le == 0 { 256 } else { usize::from(le) };
    let long = |high: u8, low: u8| match u16::from_be_bytes([high, low]) {
        0 => 65_536,
        le => usize::from(le),
    };
    match body {
        [] => Some((&[], 0)),
        [le] => Some((&[], short(*le))),
        [0, high, low] => Some((&[], long(*high, *low))),
        [0, high, low, rest @ ..] => {
            let lc = usize::from(u16::from_be_bytes([*high, *low]));
            let (data, le) = rest.split_at_checked(lc)?;
            match le {
                _ if lc == 0 => None,
                [] => Some((data, 0)),
                [high, low] => Some((data, long(*high, *low))),
                _ => None,
            }
        }
        [0, ..] => None,
        [lc, rest @ ..] => {
            let (data, le) = rest.split_at_checked(usize::from(*lc))?;
            match le {
                [] => Some((data, 0)),
                [le] => Some((data, short(*le))),
                _ => None,
            }
        }
    }
}

/// Parses `bytes` and compares.
///
/// # Panics
/// Where the parser is wrong.
pub fn check(bytes: &[u8]) {
    let parsed = Command::parse(bytes);
    if let Err(error) = &parsed {
        assert!(error.at <= bytes.len(), "the offset {} lies outside", error.at);
    }
    let refused_class = matches!(&parsed, Err(error) if error.kind == ParseErrorKind::BadValue);
    if refused_class {
        assert_eq!(bytes.first(), Some(&0xFF), "only the class FF is refused for its value");
        return;
    }
    assert_eq!(parsed.ok().map(|command| (command.data, command.ne)), oracle(bytes), "{bytes:02X?}");
    let Ok(command) = parsed else { return };
    // Bytes that `iso7816` has no name for are parsed but cannot be sent.
    if let Ok(encoded) = command.encode() {
        let again = Command::parse(&encoded).expect("what was encoded can be parsed");
        assert_eq!((again.cla, again.ins, again.p1p2(), again.data, again.ne), {
            (command.cla, command.ins, command.p1p2(), command.data, command.ne)
        });
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn short_bodies_and_their_neighbours() {
        super::check(&[]);
        for cla in [0x00, 0x10, 0x7F, 0x80, 0xFE, 0xFF] {
            for body in crate::tlv::tests::sequences(&[0, 1, 2, 0xFF], 6) {
                super::check(&[&[cla, 0xA4, 0, 0], &body[..]].concat());
            }
        }
    }
}
