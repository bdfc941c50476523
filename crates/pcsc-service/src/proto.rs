//! The bytes of pcsc-lite's client protocol, versions 4:4 to 4:6: commands, sizes, requests and answers. Knows neither
//! readers nor cards.
//!
//! A request is a header of two words (length of the body, command), a body of a fixed length and, for TRANSMIT and
//! CONTROL, the data that the body announces. An answer is the same body with some fields filled in, without a header, and
//! perhaps data behind it. All words are 32 bits in the machine's own order, as libpcsclite 1.8 to 2.5 send them.

/// Bytes of a request's header: the body's length and the command.
const HEADER: usize = 8;
/// Most bytes of data behind a body: the longest extended APDU and what pcsc-lite adds (`MAX_BUFFER_SIZE_EXTENDED`).
pub(crate) const MAX_DATA: usize = 65_548;
/// Bytes of a reader's name in a message, its NUL included (`MAX_READERNAME`).
pub(crate) const NAME: usize = 128;
/// Bytes of an ATR in a message (`MAX_ATR_SIZE`).
pub(crate) const ATR: usize = 33;
/// Bytes of an attribute's value in a message (`MAX_BUFFER_SIZE`).
pub(crate) const ATTRIBUTE: usize = 264;
/// Bytes of a reader's state in a message, three of padding included.
pub(crate) const READER_STATE: usize = 184;
/// How many states a client of version 4:5 or older is always given (`PCSCLITE_MAX_READERS_CONTEXTS`).
pub(crate) const OLD_CAPACITY: usize = 16;
/// The longest request in bytes.
pub(crate) const MAX_REQUEST: usize = HEADER + 280 + MAX_DATA;

/// A result as PC/SC names it, `SCARD_…`; any other number is one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rv(pub(crate) u32);

impl Rv {
    pub(crate) const SUCCESS: Self = Self(0);
    pub(crate) const CANCELLED: Self = Self(0x8010_0002);
    pub(crate) const INVALID_HANDLE: Self = Self(0x8010_0003);
    pub(crate) const NO_MEMORY: Self = Self(0x8010_0006);
    pub(crate) const INSUFFICIENT_BUFFER: Self = Self(0x8010_0008);
    pub(crate) const UNKNOWN_READER: Self = Self(0x8010_0009);
    pub(crate) const SHARING_VIOLATION: Self = Self(0x8010_000B);
    pub(crate) const NO_SMARTCARD: Self = Self(0x8010_000C);
    pub(crate) const PROTO_MISMATCH: Self = Self(0x8010_000F);
    pub(crate) const INVALID_VALUE: Self = Self(0x8010_0011);
    pub(crate) const NOT_TRANSACTED: Self = Self(0x8010_0016);
    pub(crate) const READER_UNAVAILABLE: Self = Self(0x8010_0017);
    pub(crate) const SERVICE_STOPPED: Self = Self(0x8010_001E);
    /// pcsc-lite's value; Windows has another one.
    pub(crate) const UNSUPPORTED_FEATURE: Self = Self(0x8010_001F);
    pub(crate) const UNRESPONSIVE_CARD: Self = Self(0x8010_0066);
    pub(crate) const UNPOWERED_CARD: Self = Self(0x8010_0067);
    pub(crate) const RESET_CARD: Self = Self(0x8010_0068);
    pub(crate) const REMOVED_CARD: Self = Self(0x8010_0069);
}

/// Where fields are in a body that an answer fills in; each result is the body's last word.
pub(crate) mod at {
    /// The service's version in VERSION: major, then minor.
    pub(crate) const VERSION: [usize; 2] = [0, 4];
    /// The new context in ESTABLISH.
    pub(crate) const ESTABLISH_CONTEXT: usize = 4;
    /// The new handle in CONNECT, then the protocol.
    pub(crate) const CONNECT: [usize; 2] = [140, 144];
    /// The protocol in RECONNECT.
    pub(crate) const RECONNECT_PROTOCOL: usize = 16;
    /// The length of the answer in TRANSMIT.
    pub(crate) const TRANSMIT_LENGTH: usize = 24;
    /// The length of the answer in CONTROL.
    pub(crate) const CONTROL_RETURNED: usize = 16;
    /// The value in GET_ATTRIB and its length.
    pub(crate) const ATTRIBUTE: usize = 8;
    pub(crate) const ATTRIBUTE_LENGTH: usize = 272;
}

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    Version { major: u32, minor: u32 },
    Establish { scope: u32 },
    Release { context: u32 },
    Connect { context: u32, reader: &'a [u8], share: u32, protocols: u32 },
    Reconnect { card: u32, share: u32, protocols: u32, initialization: u32 },
    Disconnect { card: u32, disposition: u32 },
    Begin { card: u32 },
    End { card: u32, disposition: u32 },
    Status { card: u32 },
    Transmit { card: u32, protocol: u32, room: u32, command: &'a [u8] },
    Control { card: u32, code: u32, room: u32, data: &'a [u8] },
    GetAttribute { card: u32, id: u32, room: u32 },
    SetAttribute { card: u32 },
    Cancel { context: u32 },
    States,
    Wait,
    StopWaiting,
    ReaderEvents,
    StatesSize,
    StatesArray,
}

/// A request, and its body for the answer to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) request: Request<'a>,
    pub(crate) body: &'a [u8],
    /// Bytes that the whole message has.
    pub(crate) len: usize,
}

/// Bytes that no client sends: an unknown command, or one with another length than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads the message that the bytes begin with; none where some of it is still to come.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Message<'_>>, Malformed> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else { return Ok(None) };
    let (size, command) = (word(header, 0) as usize, word(header, 4));
    if body_size(command) != Some(size) {
        return Err(Malformed);
    }
    let Some((body, rest)) = rest.split_at_checked(size) else { return Ok(None) };
    let announced = match command {
        TRANSMIT => word(body, 12) as usize,
        CONTROL => word(body, 8) as usize,
        _ => 0,
    };
    if announced > MAX_DATA {
        return Err(Malformed);
    }
    let Some(data) = rest.get(..announced) else { return Ok(None) };
    let request = request(command, body, data).ok_or(Malformed)?;
    Ok(Some(Message { request, body, len: HEADER + size + announced }))
}

const TRANSMIT: u32 = 0x09;
const CONTROL: u32 = 0x0A;

/// The length of a command's body; none where no client sends the command.
const fn body_size(command: u32) -> Option<usize> {
    Some(match command {
        0x01 | 0x06 | 0x08 | 0x11 => 12,
        0x02 | 0x07 | 0x0B | 0x0D => 8,
        0x04 => 152,
        0x05 | CONTROL => 24,
        TRANSMIT => 32,
        0x0F | 0x10 => 280,
        0x12..=0x17 => 0,
        _ => return None,
    })
}

fn request<'a>(command: u32, body: &'a [u8], data: &'a [u8]) -> Option<Request<'a>> {
    let field = |at| word(body, at);
    let card = if body.is_empty() { 0 } else { field(0) };
    Some(match command {
        0x01 => Request::Establish { scope: card },
        0x02 => Request::Release { context: card },
        0x04 => Request::Connect {
            context: card,
            reader: name(&body[4..4 + NAME]),
            share: field(132),
            protocols: field(136),
        },
        0x05 => Request::Reconnect { card, share: field(4), protocols: field(8), initialization: field(12) },
        0x06 => Request::Disconnect { card, disposition: field(4) },
        0x07 => Request::Begin { card },
        0x08 => Request::End { card, disposition: field(4) },
        TRANSMIT => Request::Transmit { card, protocol: field(4), room: field(24), command: data },
        CONTROL => Request::Control { card, code: field(4), room: field(12), data },
        0x0B => Request::Status { card },
        0x0D => Request::Cancel { context: card },
        0x0F => Request::GetAttribute { card, id: field(4), room: field(272) },
        0x10 => Request::SetAttribute { card },
        0x11 => Request::Version { major: card, minor: field(4) },
        0x12 => Request::States,
        0x13 => Request::Wait,
        0x14 => Request::StopWaiting,
        0x15 => Request::ReaderEvents,
        0x16 => Request::StatesSize,
        0x17 => Request::StatesArray,
        _ => return None,
    })
}

/// The word at this place; zero behind the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map_or(0, u32::from_ne_bytes)
}

/// A name up to its NUL.
fn name(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Writes the answer with this result: the request's body with words filled in, the result last.
pub(crate) fn answer(out: &mut Vec<u8>, body: &[u8], fields: &[(usize, u32)], rv: Rv) {
    let start = out.len();
    out.extend_from_slice(body);
    fill(&mut out[start..], fields, rv);
}

/// Fills words into an answer that is a copy of the request's body, the result last.
pub(crate) fn fill(answer: &mut [u8], fields: &[(usize, u32)], rv: Rv) {
    let last = (answer.len().saturating_sub(4), rv.0);
    for (at, value) in fields.iter().chain([&last]) {
        if let Some(field) = answer.get_mut(*at..at + 4) {
            field.copy_from_slice(&value.to_ne_bytes());
        }
    }
}

/// The eight bytes that end a wait, and answer GET_READER_EVENTS: a word and a result.
pub(crate) fn pair(value: u32, rv: Rv) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&value.to_ne_bytes());
    bytes[4..].copy_from_slice(&rv.0.to_ne_bytes());
    bytes
}

/// What clients see of a reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReaderState {
    pub(crate) name: String,
    pub(crate) counter: u16,
    pub(crate) bits: u32,
    /// Handles on the card; -1 for an exclusive one.
    pub(crate) sharing: i32,
    pub(crate) atr: Vec<u8>,
    pub(crate) protocol: u32,
}

/// Writes a reader's state; an empty place where there is none.
pub(crate) fn reader_state(out: &mut Vec<u8>, state: Option<&ReaderState>) {
    let start = out.len();
    let Some(state) = state else { return out.resize(start + READER_STATE, 0) };
    padded(out, state.name.as_bytes(), NAME - 1, NAME);
    out.extend(u32::from(state.counter).to_ne_bytes());
    out.extend(state.bits.to_ne_bytes());
    out.extend(state.sharing.to_ne_bytes());
    let len = padded(out, &state.atr, ATR, ATR + 3);
    out.extend(len.to_ne_bytes());
    out.extend(state.protocol.to_ne_bytes());
}

/// Appends at most `most` bytes and zeros up to `size`; returns how many bytes were appended.
fn padded(out: &mut Vec<u8>, bytes: &[u8], most: usize, size: usize) -> u32 {
    let used = &bytes[..bytes.len().min(most)];
    let end = out.len() + size;
    out.extend_from_slice(used);
    out.resize(end, 0);
    u32::try_from(used.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(command: u32, body: &[u8], data: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len()).unwrap();
        [&size.to_ne_bytes(), &command.to_ne_bytes(), body, data].concat()
    }

    #[test]
    fn a_message_is_whole_at_its_last_byte() {
        let mut body = [0; 32];
        body[0..4].copy_from_slice(&7u32.to_ne_bytes());
        body[12..16].copy_from_slice(&5u32.to_ne_bytes());
        body[24..28].copy_from_slice(&258u32.to_ne_bytes());
        let bytes = message(TRANSMIT, &body, &[0, 0xA4, 4, 0, 0]);
        for len in 0..bytes.len() {
            assert_eq!(parse(&bytes[..len]), Ok(None));
        }
        let whole = parse(&[&bytes[..], &[1, 2]].concat()).unwrap().unwrap().len;
        assert_eq!(whole, bytes.len());
        let request = parse(&bytes).unwrap().unwrap().request;
        assert_eq!(request, Request::Transmit { card: 7, protocol: 0, room: 258, command: &[0, 0xA4, 4, 0, 0] });
    }

    #[test]
    fn other_lengths_and_unknown_commands_are_refused_at_the_header() {
        for command in 0..0x40 {
            for size in 0..300usize {
                let header = message(command, &[], &[]);
                let header = [&u32::try_from(size).unwrap().to_ne_bytes()[..], &header[4..]].concat();
                assert_eq!(parse(&header).is_err(), body_size(command) != Some(size));
            }
        }
        let mut body = [0; 24];
        body[8..12].copy_from_slice(&65_549u32.to_ne_bytes());
        assert_eq!(parse(&message(CONTROL, &body, &[])), Err(Malformed));
    }

    #[test]
    fn a_state_has_its_places() {
        let state = ReaderState {
            name: "CardLab 00 00".into(),
            counter: 3,
            bits: 0x34,
            sharing: -1,
            atr: vec![0x3B, 0x80],
            protocol: 2,
        };
        let mut out = Vec::new();
        reader_state(&mut out, Some(&state));
        assert_eq!(out.len(), READER_STATE);
        assert_eq!(name(&out[..NAME]), b"CardLab 00 00");
        assert_eq!([128, 132, 136, 176, 180].map(|at| word(&out, at)), [3, 0x34, u32::MAX, 2, 2]);
        assert_eq!(out[140..143], [0x3B, 0x80, 0]);
        reader_state(&mut out, None);
        assert!(out[READER_STATE..].iter().all(|byte| *byte == 0) && out.len() == 2 * READER_STATE);
    }

    #[test]
    fn an_answer_repeats_the_body() {
        let mut out = Vec::new();
        answer(&mut out, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9], &[(4, 0x0102_0304)], Rv::CANCELLED);
        assert_eq!(out[..4], [1, 2, 3, 4]);
        assert_eq!([word(&out, 4), word(&out, 8)], [0x0102_0304, 0x8010_0002]);
    }
}
