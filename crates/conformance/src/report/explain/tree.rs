//! Data objects as an indented tree.

use card_wire::Ins;
use card_wire::tlv::{Reader, Tag, Tlv, find};
use serde::Serialize;

use super::hidden::Bytes;

/// Deeper objects are shown as bytes.
const DEPTH: usize = 8;
/// More lines than this say less than the bytes.
const LINES: usize = 120;

/// A line of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// How far in it stands, from 0.
    pub depth: usize,
    /// Tag in hexadecimal.
    pub tag: String,
    /// Name of the object, where it has one here.
    pub name: &'static str,
    /// Length of its value in bytes.
    pub len: usize,
    /// The value in hexadecimal with spaces; empty where it is unfolded below.
    pub value: String,
    /// The value in words, where that says more.
    pub note: String,
}

impl Node {
    /// The line as text, without its indentation.
    #[must_use]
    pub fn line(&self) -> String {
        let space = |text: &str| if text.is_empty() { String::new() } else { format!(" {text}") };
        let note = if self.note.is_empty() { String::new() } else { format!(" ({})", self.note) };
        format!("{}{}, {}:{}{note}", self.tag, space(self.name), self.len, space(&self.value))
    }
}

/// Which names the tags have, and whether data objects are to be expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// File control information.
    File,
    /// Keys: RSA, or what is not known.
    Key,
    /// Keys on a curve.
    Curve,
    /// Control references of a security environment.
    Environment,
    /// Certificates and other DER.
    Certificate,
    /// Objects of the card's own making.
    Data,
    /// Never objects.
    Opaque,
    /// Bytes that are objects only by chance, unless they begin as a constructed one.
    Bytes,
}

impl Context {
    /// Of a command's data.
    pub(super) fn sent(ins: Ins) -> Self {
        match ins {
            Ins::CREATE_FILE => Self::File,
            Ins::MANAGE_SECURITY_ENVIRONMENT => Self::Environment,
            Ins::GENERATE_ASYMMETRIC_KEY_PAIR => Self::Key,
            Ins::PUT_DATA | Ins::PUT_DATA_ODD | Ins::GET_DATA_ODD => Self::Data,
            Ins::PERFORM_SECURITY_OPERATION | Ins::UPDATE_BINARY | Ins::UPDATE_BINARY_ODD => Self::Bytes,
            _ => Self::Opaque,
        }
    }

    /// Of an answer's data.
    pub(super) fn came(ins: Ins) -> Self {
        match ins {
            Ins::SELECT => Self::File,
            Ins::GENERATE_ASYMMETRIC_KEY_PAIR => Self::Key,
            Ins::GET_DATA | Ins::GET_DATA_ODD => Self::Data,
            Ins::READ_BINARY | Ins::READ_BINARY_ODD | Ins::READ_RECORD => Self::Bytes,
            _ => Self::Opaque,
        }
    }
}

/// The objects in `bytes`, or nothing where they are not all objects.
pub(super) fn unfold(bytes: &Bytes, context: Context) -> Vec<Node> {
    let mut nodes = Vec::new();
    let starts_constructed = bytes.at(0).is_some_and(|first| first & 0x20 != 0 && first != 0);
    let hopeless = match context {
        Context::Opaque => true,
        Context::Bytes => !starts_constructed,
        _ => false,
    };
    if hopeless || bytes.len() < 2 || level(bytes, context, 0, 0, &mut nodes).is_none() {
        return Vec::new();
    }
    if nodes.len() > LINES {
        let more = nodes.len() - LINES;
        nodes.truncate(LINES);
        let note = format!("and {more} more objects");
        nodes.push(Node { depth: 0, tag: "…".to_owned(), name: "", len: 0, value: String::new(), note });
    }
    nodes
}

/// One level; nothing where the bytes are not objects, or the head of one is hidden.
fn level(bytes: &Bytes, context: Context, parent: u32, depth: usize, nodes: &mut Vec<Node>) -> Option<()> {
    let filled = bytes.filled();
    let mut reader = Reader::new(&filled);
    let mut at = 0;
    while let Some(object) = reader.next() {
        let object = object.ok()?;
        let start = reader.position() - object.value.len();
        // A hidden head was read as zeros.
        bytes.slice(at, start - at).clear()?;
        at = reader.position();
        let value = bytes.slice(start, object.value.len());
        let context = inner_context(context, object);
        let index = nodes.len();
        nodes.push(Node {
            depth,
            tag: format!("{:02X}", object.tag.0),
            name: name(object.tag, parent, context),
            len: value.len(),
            value: String::new(),
            note: String::new(),
        });
        let open = object.tag.is_constructed() && value.len() > 0 && depth < DEPTH && !value.is_hidden();
        if !open || level(&value, context, object.tag.0, depth + 1, nodes).is_none() {
            nodes.truncate(index + 1);
            nodes[index].value = value.to_string();
            nodes[index].note = note(object.tag, parent, context, &value);
        }
    }
    Some(())
}

fn inner_context(context: Context, object: Tlv<'_>) -> Context {
    match object.tag.0 {
        0x7F49 if matches!(find(object.value, Tag(0x86)), Ok(Some(_))) => Context::Curve,
        0xE0 => Context::Curve,
        0x62 | 0x64 | 0x6F => Context::File,
        0x7F48 | 0x7F49 => Context::Key,
        0x30 if matches!(context, Context::Bytes | Context::Data) => Context::Certificate,
        0x7F21 | 0x7F4E => Context::Data,
        _ => context,
    }
}

fn name(tag: Tag, parent: u32, context: Context) -> &'static str {
    let own = match (context, parent, tag.0) {
        (Context::File, _, tag) => file(tag),
        (Context::Key, 0x7F48, 0x92) => "prime p",
        (Context::Key, 0x7F48, 0x93) => "prime q",
        (Context::Key, 0x7F48, 0x94) => "1/q mod p",
        (Context::Key, 0x7F48, 0x95) => "d mod (p-1)",
        (Context::Key, 0x7F48, 0x96) => "d mod (q-1)",
        (Context::Key, 0x7F49, 0x81) => "modulus",
        (Context::Key, 0x7F49, 0x82) => "public exponent",
        (Context::Curve, _, tag) => curve(tag),
        (Context::Environment, _, tag) => environment(tag),
        (Context::Certificate, _, tag) => der(tag),
        _ => "",
    };
    if own.is_empty() { common(tag.0) } else { own }
}

const fn file(tag: u32) -> &'static str {
    match tag {
        0x80 => "size of the data",
        0x81 => "size with structure",
        0x82 => "file descriptor",
        0x83 => "file identifier",
        0x84 => "DF name",
        0x85 => "proprietary",
        0x86 => "security attributes, proprietary",
        0x87 => "extension of file control",
        0x88 => "short file identifier",
        0x8A => "life-cycle state",
        0x8B => "security attributes, by reference",
        0x8C => "security attributes, compact",
        0xA0 | 0xAB => "security attributes, expanded",
        0xA5 => "proprietary",
        _ => "",
    }
}

const fn curve(tag: u32) -> &'static str {
    match tag {
        0x81 => "prime",
        0x82 => "first coefficient",
        0x83 => "second coefficient",
        0x84 => "base point",
        0x85 => "order",
        0x86 => "public point",
        0x87 => "cofactor",
        0x88 => "private scalar",
        _ => "",
    }
}

const fn environment(tag: u32) -> &'static str {
    match tag {
        0x80 => "algorithm",
        0x81 => "file reference",
        0x83 => "key reference (public)",
        0x84 => "key reference (private)",
        0x91 => "random number",
        0x95 => "usage",
        _ => "",
    }
}

const fn der(tag: u32) -> &'static str {
    match tag {
        0x01 => "BOOLEAN",
        0x02 => "INTEGER",
        0x03 => "BIT STRING",
        0x04 => "OCTET STRING",
        0x05 => "NULL",
        0x06 => "OBJECT IDENTIFIER",
        0x0C => "UTF8String",
        0x13 => "PrintableString",
        0x16 => "IA5String",
        0x17 => "UTCTime",
        0x18 => "GeneralizedTime",
        0x30 => "SEQUENCE",
        0x31 => "SET",
        _ => "",
    }
}

const fn common(tag: u32) -> &'static str {
    match tag {
        0x42 => "issuer",
        0x4D => "extended header list",
        0x4F => "application identifier",
        0x50 => "label",
        0x51 => "path",
        0x53 | 0x73 => "discretionary data",
        0x5C => "tag list",
        0x5F20 => "holder",
        0x5F37 => "signature",
        0x5F48 => "private key",
        0x61 => "application template",
        0x62 => "FCP template",
        0x64 => "FMD template",
        0x6F => "FCI template",
        0x7F21 => "certificate",
        0x7F48 => "private key template",
        0x7F49 => "public key template",
        0x7F4C => "holder's authorisation",
        0x7F4E => "certificate body",
        0xE0 => "curve and key",
        _ => "",
    }
}

fn note(tag: Tag, parent: u32, context: Context, value: &Bytes) -> String {
    if value.len() > 0 && value.is_hidden() {
        return "hidden".to_owned();
    }
    let Some(clear) = value.clear() else { return String::new() };
    match (context, tag.0, clear.as_slice()) {
        (Context::File, 0x80 | 0x81, [high, low]) => super::params::bytes(u16::from_be_bytes([*high, *low]).into()),
        (Context::File, 0x82, [descriptor, ..]) if parent != 0xA5 => descriptor_text(*descriptor).to_owned(),
        (Context::File, 0x83, [0x3F, 0x00]) => "MF".to_owned(),
        (Context::File, 0x88, [sfi]) => format!("SFI {}", sfi >> 3),
        (Context::File, 0x8A, [state]) => life_cycle(*state).to_owned(),
        (Context::Certificate, 0x02 | 0x03 | 0x06, _) | (Context::Key | Context::Curve, ..) => String::new(),
        (_, _, bytes) => characters(bytes),
    }
}

const fn descriptor_text(descriptor: u8) -> &'static str {
    match descriptor & 0x7F {
        0x38 => "DF",
        0x01 => "transparent working EF",
        0x02 => "working EF, fixed records",
        0x04 => "working EF, variable records",
        0x06 => "working EF, cyclic records",
        0x08..=0x0F => "internal EF",
        0x41 => "shareable transparent working EF",
        0x78 => "shareable DF",
        _ => "",
    }
}

const fn life_cycle(state: u8) -> &'static str {
    match state {
        0x00 => "no information",
        0x01 => "creation",
        0x03 => "initialisation",
        0x04 | 0x06 => "operational, deactivated",
        0x05 | 0x07 => "operational, activated",
        0x0C..=0x0F => "terminated",
        _ => "",
    }
}

/// The value as characters, where it is text.
fn characters(bytes: &[u8]) -> String {
    let is_text = bytes.len() >= 3 && bytes.iter().all(|byte| (0x20..0x7F).contains(byte));
    if is_text { format!("\"{}\"", String::from_utf8_lossy(bytes)) } else { String::new() }
}
