//! Command APDUs (ISO/IEC 7816-3:2006, 12.1.3) and BER-TLV, decoded once more and apart from the card's own decoders.

/// A command whose lengths are consistent.
#[derive(Clone, Copy)]
pub(crate) struct Apdu<'a> {
    pub(crate) header: [u8; 4],
    pub(crate) data: &'a [u8],
    /// Answer bytes asked for; 0 without Le.
    pub(crate) ne: usize,
}

/// An Le of two bytes.
fn long(high: u8, low: u8) -> usize {
    match u16::from_be_bytes([high, low]) {
        0 => 0x1_0000,
        le => usize::from(le),
    }
}

impl<'a> Apdu<'a> {
    /// `None` where the length fields contradict the number of bytes.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_first_chunk::<4>()?;
        let (data, le): (&[u8], &[u8]) = match body {
            [] | [_] | [0, _, _] => (&[], body),
            [0, high, low, rest @ ..] => match u16::from_be_bytes([*high, *low]) {
                0 => return None,
                lc => rest.split_at_checked(usize::from(lc)).filter(|(_, le)| matches!(le.len(), 0 | 2))?,
            },
            [0, ..] => return None,
            [lc, rest @ ..] => rest.split_at_checked(usize::from(*lc)).filter(|(_, le)| le.len() < 2)?,
        };
        let ne = match le {
            [] => 0,
            [0] => 256,
            [le] => usize::from(*le),
            [high, low] | [0, high, low] => long(*high, *low),
            _ => return None,
        };
        Some(Self { header: *header, data, ne })
    }

    pub(crate) const fn p1p2(&self) -> u16 {
        u16::from_be_bytes([self.header[2], self.header[3]])
    }

    /// Case 2: no data, but Le.
    pub(crate) const fn asks_only(&self) -> bool {
        self.data.is_empty() && self.ne != 0
    }

    /// Case 3: data, but no Le.
    pub(crate) const fn brings_only(&self) -> bool {
        !self.data.is_empty() && self.ne == 0
    }
}

/// The first object: its tag as a number, its value, and what follows. `None` for malformed bytes.
pub(crate) fn object(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mut tag = u32::from(*first);
    if first & 0x1F == 0x1F {
        let (second, after) = rest.split_first()?;
        tag = tag << 8 | u32::from(*second);
        rest = after;
        match second {
            // A number below 31 has the short form, and a number does not begin with zeros.
            0..0x1F | 0x80 => return None,
            0x81.. => {
                let (third, after) = rest.split_first().filter(|(third, _)| **third < 0x80)?;
                tag = tag << 8 | u32::from(*third);
                rest = after;
            }
            _ => (),
        }
    }
    let (len, rest) = match rest.split_first()? {
        (len @ 0..=0x7F, rest) => (usize::from(*len), rest),
        (count @ 0x81..=0x83, rest) => {
            let (field, rest) = rest.split_at_checked(usize::from(count & 0x7F))?;
            (field.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((tag, value, rest))
}

/// The first value of each tag on one level. `None` where any object on the level is malformed.
pub(crate) fn find<const N: usize>(bytes: &[u8], tags: [u32; N]) -> Option<[Option<&[u8]>; N]> {
    let mut found = [None; N];
    let mut rest = bytes;
    while !rest.is_empty() {
        let (tag, value, after) = object(rest)?;
        if let Some(at) = tags.iter().position(|wanted| *wanted == tag) {
            found[at] = found[at].or(Some(value));
        }
        rest = after;
    }
    Some(found)
}

/// Appends an object with the shortest length field.
pub(crate) fn push(out: &mut Vec<u8>, tag: &[u8], value: &[u8]) {
    out.extend_from_slice(tag);
    let [_, high, middle, low] = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
    match value.len() {
        0..=0x7F => out.push(low),
        0x80..=0xFF => out.extend([0x81, low]),
        0x100..=0xFFFF => out.extend([0x82, middle, low]),
        _ => out.extend([0x83, high, middle, low]),
    }
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases_in_both_forms() {
        let parse = |bytes: &[u8]| Apdu::parse(bytes).map(|apdu| (apdu.data.len(), apdu.ne));
        assert_eq!(parse(&[0, 0xB0, 0, 0]), Some((0, 0)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 0]), Some((0, 256)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 0, 0, 0]), Some((0, 65_536)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 1, 7]), Some((1, 0)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 1, 7, 9]), Some((1, 9)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 0, 0, 1, 7]), Some((1, 0)));
        assert_eq!(parse(&[0, 0xB0, 0, 0, 0, 0, 1, 7, 1, 2]), Some((1, 258)));
        for bad in [
            &[0, 0xB0, 0][..],
            &[0, 0xB0, 0, 0, 0, 0, 1, 7, 0, 0, 1],
            &[0, 0xB0, 0, 0, 0, 1],
            &[0, 0xB0, 0, 0, 2, 1],
            &[0, 0xB0, 0, 0, 0, 0, 1, 7, 1],
        ] {
            assert_eq!(parse(bad), None, "{bad:02X?}");
        }
        assert_eq!(parse(&[0, 0xB0, 0, 0, 0, 0, 0, 1, 2]), None);
    }

    #[test]
    fn objects_of_one_level() {
        assert_eq!(find(&[0x81, 1, 5, 0x7F, 0x49, 0], [0x81, 0x7F49, 0x82]), Some([Some(&[5][..]), Some(&[]), None]));
        assert_eq!(find(&[0x81, 1, 5, 0x81, 0x80], [0x81]), None);
        let mut out = Vec::new();
        push(&mut out, &[0x81], &[1; 200]);
        assert_eq!(object(&out).unwrap().1, [1; 200]);
    }
}
