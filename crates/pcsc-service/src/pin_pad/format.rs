//! How PINs go into a command.
//!
//! Behind Lc, at its insertion offset, is a PIN's block, and in it, at a position in bits, the field for the digits. With a
//! block size, the field has that many bytes from its position on, but ends where the next block or the data ends:
//! readers differ in whether the block begins with the data or with the field, and so programs of both kinds are
//! understood. Without a block size the field is as long as the PIN. Bytes that no digit covers stay as the program sent
//! them; where it sent none, the data grows.

use zeroize::Zeroizing;

use super::{Pin, Refusal};

/// Most bytes of a short command.
const MAX_COMMAND: usize = 5 + 255 + 1;
/// What the data grows with.
const FILLER: u8 = 0xFF;

/// How a digit is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Binary,
    Bcd,
    Ascii,
}

impl Coding {
    const fn bits(self) -> usize {
        if matches!(self, Self::Bcd) { 4 } else { 8 }
    }

    const fn of(self, digit: u8) -> u8 {
        if matches!(self, Self::Ascii) { digit } else { digit & 0x0F }
    }
}

/// A command that lacks its PINs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template<'a> {
    pub(super) header: [u8; 4],
    pub(super) data: &'a [u8],
    pub(super) le: Option<u8>,
}

/// How each PIN is written into its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) coding: Coding,
    /// The digits stand at the field's end.
    pub(super) is_right: bool,
    /// Where the field begins, in bits.
    pub(super) pin_at: usize,
    /// Bytes of the field; none is as many as the PIN needs.
    pub(super) block: usize,
    /// Where the number of digits goes, in bits, and how many bits it has; none is no such number.
    pub(super) length_at: usize,
    pub(super) length_bits: usize,
}

impl Format {
    /// The command with PINs at these offsets.
    ///
    /// # Errors
    /// 6403 where one does not fit.
    pub(super) fn fill(&self, template: &Template<'_>, pins: &[(usize, &Pin)]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        // Never moved, so that no copy is left behind.
        let mut data = Zeroizing::new(Vec::with_capacity(MAX_COMMAND));
        data.extend_from_slice(template.data);
        for (offset, pin) in pins {
            let given = template.data.len();
            // Where the program has left no room, one PIN comes behind the other.
            let start = if *offset < given { *offset } else { data.len().max(*offset) };
            let next = pins.iter().map(|(other, _)| *other).filter(|other| other > offset && *other < given).min();
            self.place(&mut data, start, next, pin)?;
        }
        let mut command = Zeroizing::new(Vec::with_capacity(MAX_COMMAND));
        command.extend_from_slice(&template.header);
        if !data.is_empty() {
            command.push(u8::try_from(data.len()).map_err(|_| Refusal::LENGTH)?);
            command.extend_from_slice(&data);
        }
        command.extend(template.le);
        Ok(command)
    }

    /// Writes a PIN into the block that begins at `start`; the next one begins at `next`.
    fn place(&self, data: &mut Vec<u8>, start: usize, next: Option<usize>, pin: &Pin) -> Result<(), Refusal> {
        let digits = pin.digits();
        let size = digits.len() * self.coding.bits();
        let field = 8 * start + self.pin_at;
        let number = self.number(digits.len())?.map(|number| (8 * start + self.length_at, number));
        if self.block == 0 {
            let ends = [field + size, number.map_or(0, |(at, _)| at + self.length_bits)];
            let needed = ends.into_iter().max().unwrap_or_default().div_ceil(8);
            if needed > 255 || next.is_some_and(|next| field + size > 8 * next) {
                return Err(Refusal::LENGTH);
            }
            if needed > data.len() {
                data.resize(needed, FILLER);
            }
        }
        let room = 8 * next.unwrap_or(data.len()).min(data.len());
        let end = if self.block == 0 { field + size } else { (field + 8 * self.block).min(room) };
        if field + size > end || number.is_some_and(|(at, _)| at + self.length_bits > room) {
            return Err(Refusal::LENGTH);
        }
        if let Some((at, number)) = number {
            put(data, at, number, self.length_bits);
        }
        let begin = if self.is_right { end - size } else { field };
        for (digit, at) in digits.iter().zip((begin..).step_by(self.coding.bits())) {
            put(data, at, self.coding.of(*digit).into(), self.coding.bits());
        }
        Ok(())
    }

    /// The number of digits where it is to be written, in as many bits as there are for it. One in the digits' own place is
    /// none: it comes from block sizes over 15, which have too many bits for their field and spill into this one.
    fn number(&self, digits: usize) -> Result<Option<usize>, Refusal> {
        if self.length_bits == 0 || (self.length_at <= self.pin_at && self.pin_at < self.length_at + self.length_bits) {
            return Ok(None);
        }
        if digits >> self.length_bits == 0 { Ok(Some(digits)) } else { Err(Refusal::LENGTH) }
    }
}

/// Writes the low bits of a value at this place, the highest first. What is behind the end is not written.
fn put(data: &mut [u8], at: usize, value: usize, bits: usize) {
    for bit in 0..bits {
        let (place, mask) = (at + bit, 0x80u8 >> ((at + bit) % 8));
        if let Some(byte) = data.get_mut(place / 8) {
            let is_set = value >> (bits - 1 - bit) & 1 != 0;
            *byte = if is_set { *byte | mask } else { *byte & !mask };
        }
    }
}
