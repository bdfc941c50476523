//! [`Command::parse`] against the decoding conventions of ISO/IEC 7816-3:2006, 12.1.3, and against two other crates
//! on what they can do.

use card_wire::{Command, ParseError, ParseErrorKind};

/// The body of a command as the conventions read it: data and Ne, which is 0 without Le.
#[must_use]
pub fn oracle(bytes: &[u8]) -> Option<(&[u8], usize)> {
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
    check_parser(bytes, Command::parse);
    if let Ok(command) = Command::parse(bytes) {
        check_encoder(&command);
    }
}

/// Holds any parser against the conventions.
///
/// # Panics
/// Where the parser is wrong.
pub fn check_parser<'a>(bytes: &'a [u8], parse: impl Fn(&'a [u8]) -> Result<Command<'a>, ParseError>) {
    let parsed = parse(bytes);
    if let Err(error) = &parsed {
        assert!(error.at <= bytes.len(), "the offset {} lies outside", error.at);
    }
    if matches!(&parsed, Err(error) if error.kind == ParseErrorKind::BadValue) {
        assert_eq!(bytes.first(), Some(&0xFF), "only the class FF is refused for its value");
        return;
    }
    let wanted = if bytes.first() == Some(&0xFF) && bytes.len() >= 4 { None } else { oracle(bytes) };
    assert_eq!(parsed.as_ref().ok().map(|command| (command.data, command.ne)), wanted, "{bytes:02X?}");
    if let Ok(command) = &parsed {
        let header = [command.cla.0, command.ins.0, command.p1, command.p2];
        assert!(bytes.starts_with(&header), "the header is {header:02X?} in {bytes:02X?}");
        assert_eq!(command.extended, bytes.len() > 6 && bytes[4] == 0, "extended in {bytes:02X?}");
    }
    against_iso7816(bytes);
}

/// `iso7816` reads as the conventions do, but for two things that it is known for: it takes an extended Lc of zero
/// before an Le, and it refuses classes of its own choice.
fn against_iso7816(bytes: &[u8]) {
    let lc_of_zero = bytes.len() > 7 && bytes[4..].starts_with(&[0, 0, 0]);
    let refused = bytes.first().is_some_and(|cla| iso7816::command::class::Class::try_from(*cla).is_err());
    if lc_of_zero || refused {
        return;
    }
    let theirs = iso7816::command::CommandView::try_from(bytes).ok().map(|view| (view.data(), view.expected()));
    assert_eq!(theirs, oracle(bytes), "iso7816 in {bytes:02X?}");
}

/// What is written can be read, and a short command is written as `apdu` writes it.
fn check_encoder(command: &Command<'_>) {
    // Bytes that `iso7816` has no name for are parsed but cannot be sent.
    let Ok(encoded) = command.encode() else { return };
    let again = Command::parse(&encoded).expect("what was encoded can be parsed");
    let fields = |command: &Command<'_>| (command.cla, command.ins, command.p1p2(), command.ne);
    assert_eq!((fields(&again), again.data), (fields(command), command.data));
    let (cla, ins, p1, p2) = (command.cla.0, command.ins.0, command.p1, command.p2);
    // `apdu` writes no command of 256 data bytes or more, and none without data or Le after a short Lc.
    if command.extended || command.data.len() > 255 || command.ne > 256 {
        return;
    }
    let le = u16::from(command.ne.to_le_bytes()[0]);
    let theirs: Vec<u8> = match (command.data, command.ne) {
        ([], 0) => apdu::Command::new(cla, ins, p1, p2).into(),
        ([], _) => apdu::Command::new_with_le(cla, ins, p1, p2, le).into(),
        (data, 0) => apdu::Command::new_with_payload(cla, ins, p1, p2, data).into(),
        (data, _) => apdu::Command::new_with_payload_le(cla, ins, p1, p2, le, data).into(),
    };
    assert_eq!(encoded, theirs, "apdu writes another command");
}
