//! Command APDUs, short and extended (ISO/IEC 7816-3:2006).

use alloc::vec::Vec;

use crate::error::{ParseError, ParseErrorKind};
use crate::{Class, Ins};

/// The longest command data field, in bytes.
pub const MAX_DATA: usize = 0xFFFF;
/// The longest answer data field that a command can ask for, in bytes.
pub const MAX_NE: usize = 0x1_0000;
/// The longest encoded command: header, extended Lc, data, extended Le.
pub const MAX_COMMAND: usize = 4 + 3 + MAX_DATA + 2;

/// A command APDU, borrowed from the bytes it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// Class byte.
    pub cla: Class,
    /// Instruction byte.
    pub ins: Ins,
    /// First parameter byte.
    pub p1: u8,
    /// Second parameter byte.
    pub p2: u8,
    /// Command data field; empty where there is none.
    pub data: &'a [u8],
    /// Maximum number of answer bytes: 0 where no Le field is present, 256 or 65,536 where it is all zeros.
    pub ne: usize,
    /// The length fields are extended.
    pub extended: bool,
}

/// The four command cases (ISO/IEC 7816-3:2006).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// No data in either direction.
    One,
    /// Answer data only.
    Two,
    /// Command data only.
    Three,
    /// Data in both directions.
    Four,
}

impl<'a> Command<'a> {
    /// A command without data and without Le, on the basic channel.
    #[must_use]
    pub const fn new(ins: Ins, p1: u8, p2: u8) -> Self {
        Self { cla: Class::PLAIN, ins, p1, p2, data: &[], ne: 0, extended: false }
    }

    /// The same command with a data field.
    #[must_use]
    pub const fn with_data<'b>(self, data: &'b [u8]) -> Command<'b> {
        Command { cla: self.cla, ins: self.ins, p1: self.p1, p2: self.p2, data, ne: self.ne, extended: self.extended }
    }

    /// The same command asking for up to `ne` bytes of answer.
    #[must_use]
    pub const fn with_ne(self, ne: usize) -> Self {
        Self { ne, ..self }
    }

    /// Parameters as one number, P1 first.
    #[must_use]
    pub const fn p1p2(&self) -> u16 {
        u16::from_be_bytes([self.p1, self.p2])
    }

    /// Which of the four cases this is.
    #[must_use]
    pub const fn case(&self) -> Case {
        match (self.data.is_empty(), self.ne) {
            (true, 0) => Case::One,
            (true, _) => Case::Two,
            (false, 0) => Case::Three,
            (false, _) => Case::Four,
        }
    }

    /// Parses the bytes of one command. The class and instruction bytes may have any value, except that
    /// a class byte FF is refused (it starts a protocol request, not a command).
    ///
    /// # Errors
    /// [`ParseErrorKind::TooShort`] below four bytes, [`ParseErrorKind::BadLength`] where the length fields
    /// contradict the number of bytes or mix their forms, [`ParseErrorKind::BadValue`] for the class byte FF.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let [cla, ins, p1, p2, body @ ..] = bytes else {
            return Err(ParseError::new(ParseErrorKind::TooShort, bytes.len()));
        };
        if *cla == 0xFF {
            return Err(ParseError::new(ParseErrorKind::BadValue, 0));
        }
        // `iso7816` takes an extended Lc of zero that is followed by an Le; the standard does not.
        if body.len() > 3 && body.starts_with(&[0, 0, 0]) {
            return Err(ParseError::new(ParseErrorKind::BadLength, 4));
        }
        let view = iso7816::command::CommandView::try_from(bytes)
            .map_err(|_| ParseError::new(ParseErrorKind::BadLength, 4))?;
        Ok(Self {
            cla: Class(*cla),
            ins: Ins(*ins),
            p1: *p1,
            p2: *p2,
            data: view.data(),
            ne: view.expected(),
            extended: view.extended,
        })
    }

    /// Encodes the command: short where its lengths allow and [`Command::extended`] is not set.
    ///
    /// # Errors
    /// [`ParseErrorKind::TooLong`] for more than [`MAX_DATA`] data bytes or an `ne` over [`MAX_NE`].
    pub fn encode(&self) -> Result<Vec<u8>, ParseError> {
        use iso7816::command::{CommandBuilder, ExpectedLen, class, instruction};
        // `iso7816` panics beyond these bounds.
        if self.data.len() > MAX_DATA || self.ne > MAX_NE {
            return Err(ParseError::new(ParseErrorKind::TooLong, MAX_DATA));
        }
        let class = class::Class::try_from(self.cla.0).map_err(|_| ParseError::new(ParseErrorKind::BadValue, 0))?;
        let ne = u16::try_from(self.ne).map_or(ExpectedLen::Max, ExpectedLen::Ne);
        let builder =
            CommandBuilder::new(class, instruction::Instruction::from(self.ins.0), self.p1, self.p2, self.data, ne);
        let builder = if self.extended { builder.force_extended() } else { builder };
        let mut sink = Sink(Vec::with_capacity(builder.required_len()));
        builder.serialize_into(&mut sink).map_err(|_| ParseError::new(ParseErrorKind::TooLong, MAX_COMMAND))?;
        Ok(sink.0)
    }
}

/// Lets `iso7816` write into a growing buffer.
struct Sink(Vec<u8>);

impl iso7816::command::Writer for Sink {
    type Error = iso7816::command::BufferFull;

    fn write(&mut self, data: &[u8]) -> Result<usize, Self::Error> {
        self.0.extend_from_slice(data);
        Ok(data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The decoding conventions of ISO/IEC 7816-3:2006, 12.1.3, written down once more and strictly.
    fn oracle(bytes: &[u8]) -> Option<(&[u8], usize)> {
        let body = bytes.get(4..)?;
        let short = |le: u8| if le == 0 { 256 } else { usize::from(le) };
        let long = |high: u8, low: u8| match u16::from_be_bytes([high, low]) {
            0 => 65_536,
            le => usize::from(le),
        };
        match *body {
            [] => Some((&[], 0)),
            [le] => Some((&[], short(le))),
            [0, high, low] => Some((&[], long(high, low))),
            [0, high, low, ref rest @ ..] => {
                let lc = usize::from(u16::from_be_bytes([high, low]));
                match (lc, rest.len().checked_sub(lc)) {
                    (0, _) | (_, None) => None,
                    (_, Some(0)) => Some((rest, 0)),
                    (_, Some(2)) => Some((&rest[..lc], long(rest[lc], rest[lc + 1]))),
                    _ => None,
                }
            }
            [0, ..] => None,
            [lc, ref rest @ ..] => match rest.len().checked_sub(usize::from(lc)) {
                Some(0) => Some((rest, 0)),
                Some(1) => Some((&rest[..usize::from(lc)], short(rest[usize::from(lc)]))),
                _ => None,
            },
        }
    }

    fn agrees(bytes: &[u8]) {
        let ours = Command::parse(bytes).ok().map(|c| (c.data, c.ne));
        // Class bytes that `iso7816` or we refuse are the card's business and not a matter of lengths.
        if bytes.first().is_some_and(|cla| iso7816::command::class::Class::try_from(*cla).is_ok()) {
            assert_eq!(ours, oracle(bytes), "{bytes:02X?}");
        }
    }

    #[test]
    fn every_body_of_up_to_three_bytes_agrees_with_the_standard() {
        agrees(&[]);
        agrees(&[0, 0xB0, 0]);
        agrees(&[0, 0xB0, 0, 0]);
        for a in 0..=255 {
            agrees(&[0, 0xB0, 0, 0, a]);
            for b in 0..=255 {
                agrees(&[0, 0xB0, 0, 0, a, b]);
                for c in [0, 1, 2, 255] {
                    agrees(&[0, 0xB0, 0, 0, a, b, c]);
                    agrees(&[0, 0xB0, 0, 0, a, b, c, 7]);
                    agrees(&[0, 0xB0, 0, 0, a, b, c, 7, 0]);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn parse_agrees_with_the_oracle(ins: u8, body in proptest::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..600)) {
            let mut bytes = alloc::vec![0x00, ins, 1, 2];
            bytes.extend_from_slice(&body);
            agrees(&bytes);
        }

        #[test]
        fn encode_and_parse_are_inverse(
            cla in prop_oneof![Just(0u8), Just(0x10), Just(0x03), Just(0x40)],
            ins: u8, p1: u8, p2: u8,
            data in proptest::collection::vec(any::<u8>(), 0..700),
            ne in prop_oneof![0usize..300, Just(65_535), Just(65_536)],
            extended: bool,
        ) {
            let command = Command { cla: Class(cla), ins: Ins(ins), p1, p2, data: &data, ne, extended };
            let bytes = command.encode().unwrap();
            let parsed = Command::parse(&bytes).unwrap();
            prop_assert_eq!((parsed.cla, parsed.ins, parsed.p1p2(), parsed.data, parsed.ne),
                (command.cla, command.ins, command.p1p2(), command.data, command.ne));
        }

        #[test]
        fn short_commands_agree_with_the_apdu_crate(
            ins: u8, p1: u8, p2: u8, data in proptest::collection::vec(any::<u8>(), 1..=255), le in 0u16..=255,
        ) {
            let ne = if le == 0 { 256 } else { usize::from(le) };
            let ours = Command::new(Ins(ins), p1, p2).with_data(&data).with_ne(ne).encode().unwrap();
            let theirs: Vec<u8> = apdu::Command::new_with_payload_le(0, ins, p1, p2, le, &data[..]).into();
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn bounds_are_errors_and_not_panics() {
        let data = alloc::vec![0; MAX_DATA + 1];
        assert!(Command::new(Ins::SELECT, 0, 0).with_data(&data).encode().is_err());
        assert!(Command::new(Ins::SELECT, 0, 0).with_ne(MAX_NE + 1).encode().is_err());
        let full = Command::new(Ins::SELECT, 0, 0).with_data(&data[1..]).with_ne(MAX_NE).encode().unwrap();
        assert_eq!(full.len(), MAX_COMMAND);
    }

    #[test]
    fn cases_are_told_apart() {
        let command = Command::new(Ins::SELECT, 0, 0);
        assert_eq!(command.case(), Case::One);
        assert_eq!(command.with_ne(1).case(), Case::Two);
        assert_eq!(command.with_data(&[1]).case(), Case::Three);
        assert_eq!(command.with_data(&[1]).with_ne(1).case(), Case::Four);
    }
}
