//! Frames of the vpcd socket: a two-byte big-endian length and a body (as vsmartcard's vpcd 3.3 sends them).
//!
//! A one-byte body that comes from the reader is a control message, every other body an APDU. The card answers
//! only APDUs and [`Message::GetAtr`].

use crate::error::{ParseError, ParseErrorKind};

/// The largest body of a frame, in bytes.
pub const MAX_BODY: usize = 0xFFFF;
/// TCP port on which vpcd waits for the card of its first slot.
pub const DEFAULT_PORT: u16 = 35963;

/// What the reader's end of the socket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Control byte 00: the card loses power. No answer.
    PowerOff,
    /// Control byte 01: the card gets power. No answer.
    PowerOn,
    /// Control byte 02: the card is reset. No answer.
    Reset,
    /// Control byte 04: the card answers with its ATR.
    GetAtr,
    /// A command APDU: the card answers with a response APDU.
    Apdu(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Parses the body of a frame.
    ///
    /// # Errors
    /// An empty body is [`ParseErrorKind::TooShort`], an undefined control byte [`ParseErrorKind::BadValue`].
    pub fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        match body {
            [] => Err(ParseError::new(ParseErrorKind::TooShort, 0)),
            [0] => Ok(Self::PowerOff),
            [1] => Ok(Self::PowerOn),
            [2] => Ok(Self::Reset),
            [4] => Ok(Self::GetAtr),
            [_] => Err(ParseError::new(ParseErrorKind::BadValue, 0)),
            apdu => Ok(Self::Apdu(apdu)),
        }
    }

    /// The body of the frame that says this.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        match self {
            Self::PowerOff => &[0],
            Self::PowerOn => &[1],
            Self::Reset => &[2],
            Self::GetAtr => &[4],
            Self::Apdu(apdu) => apdu,
        }
    }
}

/// The length field in front of a body.
///
/// # Errors
/// A body over [`MAX_BODY`] bytes is [`ParseErrorKind::TooLong`]: vpcd ejects a card that sends one.
pub fn length_field(body: &[u8]) -> Result<[u8; 2], ParseError> {
    u16::try_from(body.len()).map(u16::to_be_bytes).map_err(|_| ParseError::new(ParseErrorKind::TooLong, MAX_BODY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_round_trip() {
        for message in [Message::PowerOff, Message::PowerOn, Message::Reset, Message::GetAtr, Message::Apdu(&[0, 0xA4])]
        {
            assert_eq!(Message::parse(message.body()), Ok(message));
        }
        assert!(Message::parse(&[]).is_err());
        assert!(Message::parse(&[3]).is_err());
    }

    #[test]
    fn length_is_big_endian_and_bounded() {
        assert_eq!(length_field(&[0; 258]), Ok([1, 2]));
        assert!(length_field(&[0; 0x1_0000]).is_err());
    }
}
