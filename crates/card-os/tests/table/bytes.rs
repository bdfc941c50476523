//! Byte strings of the table: hexadecimal, with values, repetitions and lengths that are computed.

use std::collections::BTreeMap;

/// Values by name.
pub(crate) type Values = BTreeMap<String, String>;

/// The bytes of a text: `00*16` repeats, `${name}` is a value, `82{01}` an object with its length, `#{…}` a data field
/// with Lc in front of it.
pub(crate) fn bytes(text: &str, values: &Values) -> Vec<u8> {
    let text = substitute(text, values);
    let mut rest = text.as_str();
    let out = items(&mut rest).unwrap_or_else(|| panic!("bytes: {text}"));
    assert!(rest.is_empty(), "one brace too many: {text}");
    out
}

/// Puts values in, also those that values name.
fn substitute(text: &str, values: &Values) -> String {
    let mut text = text.to_owned();
    while let Some(start) = text.find("${") {
        let len = text[start..].find('}').unwrap_or_else(|| panic!("no closing brace: {text}"));
        let name = &text[start + 2..start + len];
        let value = values.get(name).unwrap_or_else(|| panic!("no value {name}: {text}"));
        text = format!("{}{value}{}", &text[..start], &text[start + len + 1..]);
    }
    text
}

/// Up to a closing brace or the end.
fn items(rest: &mut &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        *rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with('}') {
            return Some(out);
        }
        if let Some(inner) = rest.strip_prefix("#{") {
            *rest = inner;
            let data = group(rest)?;
            out.extend(lc(data.len()));
            out.extend(data);
            continue;
        }
        let len = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (digits, behind) = rest.split_at(len);
        let run = hex::decode(digits).ok().filter(|run| !run.is_empty())?;
        *rest = behind;
        out.extend(&run);
        if let Some(inner) = rest.strip_prefix('{') {
            *rest = inner;
            let value = group(rest)?;
            out.extend(ber_len(value.len()));
            out.extend(value);
        } else if let Some(count) = rest.strip_prefix('*') {
            let len = count.find(|c: char| !c.is_ascii_digit()).unwrap_or(count.len());
            let times: usize = count[..len].parse().ok()?;
            *rest = &count[len..];
            let byte = out.pop()?;
            out.extend(std::iter::repeat_n(byte, times));
        }
    }
}

/// What stands in front of the closing brace, which goes too.
fn group(rest: &mut &str) -> Option<Vec<u8>> {
    let inner = items(rest)?;
    *rest = rest.strip_prefix('}')?;
    Some(inner)
}

fn ber_len(len: usize) -> Vec<u8> {
    match u16::try_from(len).unwrap().to_be_bytes() {
        [0, low @ 0..=0x7F] => vec![low],
        [0, low] => vec![0x81, low],
        [high, low] => vec![0x82, high, low],
    }
}

/// Lc as short as it can be; none for no data.
fn lc(len: usize) -> Vec<u8> {
    match u16::try_from(len).unwrap().to_be_bytes() {
        [0, 0] => Vec::new(),
        [0, low] => vec![low],
        [high, low] => vec![0, high, low],
    }
}

/// A command as short as its lengths allow.
pub(crate) fn command(ins: u8, p1p2: u16, data: &[u8], ne: usize) -> Vec<u8> {
    encode(ins, p1p2, data, ne, data.len() > 255 || ne > 256)
}

/// A command with short or extended length fields; `ne` 256 or 65,536 are all zeros.
pub(crate) fn encode(ins: u8, p1p2: u16, data: &[u8], ne: usize, extended: bool) -> Vec<u8> {
    let [p1, p2] = p1p2.to_be_bytes();
    let mut out = vec![0, ins, p1, p2];
    let [.., high, low] = ne.to_be_bytes();
    let [.., lc_high, lc_low] = data.len().to_be_bytes();
    match (extended, data.is_empty()) {
        (false, true) => (),
        (false, false) => out.push(lc_low),
        (true, true) if ne != 0 => out.push(0),
        (true, true) => (),
        (true, false) => out.extend([0, lc_high, lc_low]),
    }
    out.extend(data);
    match (ne, extended) {
        (0, _) => (),
        (_, false) => out.push(low),
        (_, true) => out.extend([high, low]),
    }
    out
}

#[test]
fn byte_strings_are_what_the_grammar_says() {
    let values = Values::from([("rule".to_owned(), "8C{01 ${ac}}".to_owned()), ("ac".to_owned(), "90".to_owned())]);
    let hex = |text: &str| hex::encode_upper(bytes(text, &values));
    assert_eq!(hex("00E00000 #{62{82{01} 83{1234} ${rule}}}"), "00E000000D620B820101830212348C020190");
    assert_eq!(hex("53{AA*130}").len(), 2 * 133);
    assert_eq!(hex("#{00*300}")[..6], *"00012C");
    assert_eq!(hex("00 84*3"), "00848484");
    assert_eq!(encode(0xB0, 1, &[], 65_536, true), [0, 0xB0, 0, 1, 0, 0, 0]);
    assert_eq!(encode(0xB0, 1, &[7], 256, true), [0, 0xB0, 0, 1, 0, 0, 1, 7, 1, 0]);
    assert_eq!(command(0xB0, 1, &[7], 256), [0, 0xB0, 0, 1, 1, 7, 0]);
}
