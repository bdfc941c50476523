//! Byte strings as scripts write them: hexadecimal digits with spaces where they help, `00*16` for a repeated byte,
//! `${name}` for a value or a captured answer, `${name[4..20]}` for a part of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Names and the bytes they stand for.
pub type Variables = BTreeMap<String, Value>;

/// What a name stands for. It may be the PIN of somebody's card, so it is never shown, and wiped with its last copy.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Value(Arc<Zeroizing<Vec<u8>>>);

impl std::ops::Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A byte string with names in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Bytes as written.
    Bytes(Vec<u8>),
    /// A named value.
    Variable(Variable),
}

/// The use of a name, whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    part: Slice,
}

/// A part of a byte string, by offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Offset of the first byte.
    pub from: usize,
    /// Offset behind the last byte; none for all that follow.
    pub to: Option<usize>,
}

impl Slice {
    /// Parses `9..256`, `9..` or `..9`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once("..")?;
        let from = if from.is_empty() { 0 } else { from.parse().ok()? };
        let to = if to.is_empty() { None } else { Some(to.parse().ok()?) };
        to.is_none_or(|to| from <= to).then_some(Self { from, to })
    }

    /// This part of `bytes`, if they have it.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        bytes.get(self.from..self.to.unwrap_or(bytes.len()))
    }
}

/// A byte string that does not follow its grammar, or that cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Characters that are not an even number of hexadecimal digits.
    #[error("`{0}` is not an even number of hexadecimal digits")]
    Hex(String),
    /// A repetition that is not one byte and a number.
    #[error("`{0}` is not a byte and a count, as 00*16")]
    Repeat(String),
    /// A name that is not closed, empty or has a range that is none.
    #[error("`{0}` is not a name in braces, as ${{pin}} or ${{pin[0..4]}}")]
    Name(String),
    /// A wildcard where bytes are needed, or a rest that is not last.
    #[error("`{0}` cannot stand here")]
    Misplaced(String),
    /// A number that is none.
    #[error("`{0}` is not a number of bytes")]
    Number(String),
    /// A name that nothing defines.
    #[error("`{0}` has no value")]
    Undefined(String),
    /// A part of a value that is shorter than the part.
    #[error("`{0}` is too short for the part of it that is asked for")]
    Part(String),
}

impl Template {
    /// Parses a byte string.
    ///
    /// # Errors
    /// The first token that does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let parts = tokens(text)?.into_iter().map(|token| token.into_part()).collect::<Result<_, _>>()?;
        Ok(Self { parts })
    }

    /// The bytes, with the names replaced by what they stand for.
    ///
    /// # Errors
    /// A name without a value, or a part that its value does not have.
    pub fn bytes(&self, variables: &Variables) -> Result<Vec<u8>, TemplateError> {
        let mut bytes = Vec::new();
        for part in &self.parts {
            match part {
                Part::Bytes(literal) => bytes.extend_from_slice(literal),
                Part::Variable(variable) => bytes.extend_from_slice(variable.bytes(variables)?),
            }
        }
        Ok(bytes)
    }

    /// The names it uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Bytes(_) => None,
            Part::Variable(variable) => Some(variable.name.as_str()),
        })
    }
}

impl Variable {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let (name, part) = match text.split_once('[') {
            None => (text, Some(Slice::default())),
            Some((name, range)) => (name, range.strip_suffix(']').and_then(Slice::parse)),
        };
        match part {
            Some(part) if is_name(name) => Ok(Self { name: name.to_owned(), part }),
            _ => Err(TemplateError::Name(format!("${{{text}}}"))),
        }
    }

    /// The bytes it stands for.
    ///
    /// # Errors
    /// A name without a value, or a part that its value does not have.
    pub fn bytes<'v>(&self, variables: &'v Variables) -> Result<&'v [u8], TemplateError> {
        let value = variables.get(&self.name).ok_or_else(|| TemplateError::Undefined(self.name.clone()))?;
        self.part.of(value).ok_or_else(|| TemplateError::Part(self.name.clone()))
    }
}

/// Whether `name` can name a value, a setup, a case or a clause.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// The largest repetition: more than any command or answer has.
const MAX_REPEAT: usize = 0x1_1000;

/// One element of a byte string or of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// Bytes as written.
    Bytes(Vec<u8>),
    /// A named value.
    Variable(Variable),
    /// So many bytes of any value.
    Any(usize),
    /// Whatever follows.
    Rest,
}

impl Token {
    fn into_part(self) -> Result<Part, TemplateError> {
        match self {
            Self::Bytes(bytes) => Ok(Part::Bytes(bytes)),
            Self::Variable(variable) => Ok(Part::Variable(variable)),
            Self::Any(_) => Err(TemplateError::Misplaced("??".to_owned())),
            Self::Rest => Err(TemplateError::Misplaced("*".to_owned())),
        }
    }
}

/// Splits a byte string or a pattern into its elements.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, TemplateError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(variable) = rest.strip_prefix("${") {
            let (name, behind) = variable.split_once('}').ok_or_else(|| TemplateError::Name(rest.to_owned()))?;
            tokens.push(Token::Variable(Variable::parse(name)?));
            rest = behind.trim_start();
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || c == '$').unwrap_or(rest.len()).max(1);
            let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            push_word(word, &mut tokens)?;
            rest = behind.trim_start();
        }
    }
    Ok(tokens)
}

fn push_word(word: &str, tokens: &mut Vec<Token>) -> Result<(), TemplateError> {
    if word == "*" {
        tokens.push(Token::Rest);
        return Ok(());
    }
    let (unit, count) = match word.split_once('*') {
        None => (word, Some(1)),
        Some((unit, count)) if unit.len() == 2 => (unit, count.parse().ok().filter(|count| *count <= MAX_REPEAT)),
        Some(_) => (word, None),
    };
    let count = count.ok_or_else(|| TemplateError::Repeat(word.to_owned()))?;
    // Wildcards may stand between the digits of a word: 83??3F00.
    let mut digits = unit;
    while let Some((pair, rest)) = digits.split_at_checked(2) {
        tokens.push(match pair {
            "??" => Token::Any(count),
            pair => Token::Bytes(hex::decode(pair).map_err(|_| TemplateError::Hex(word.to_owned()))?.repeat(count)),
        });
        digits = rest;
    }
    if digits.is_empty() { Ok(()) } else { Err(TemplateError::Hex(word.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables::from([("pin".to_owned(), b"123456".to_vec().into())])
    }

    fn bytes(text: &str) -> Result<Vec<u8>, TemplateError> {
        Template::parse(text)?.bytes(&variables())
    }

    #[test]
    fn names_repetitions_and_parts_are_put_together() {
        assert_eq!(bytes("0020 0001 06${pin}").unwrap(), b"\x00\x20\x00\x01\x06123456");
        assert_eq!(
            bytes("A5*3 ${pin[4..]}${pin[..1]} ${pin[1..2]}").unwrap(),
            b"\xA5\xA5\xA556".iter().chain(b"12").copied().collect::<Vec<_>>()
        );
        assert_eq!(bytes("  ").unwrap(), b"");
    }

    #[test]
    fn mistakes_are_told_apart() {
        assert!(matches!(bytes("123"), Err(TemplateError::Hex(_))));
        assert!(matches!(bytes("12 0G"), Err(TemplateError::Hex(_))));
        assert!(matches!(bytes("1234*2"), Err(TemplateError::Repeat(_))));
        assert!(matches!(bytes("12*x"), Err(TemplateError::Repeat(_))));
        assert!(matches!(bytes("12*99999999999999"), Err(TemplateError::Repeat(_))));
        assert!(matches!(bytes("${pin"), Err(TemplateError::Name(_))));
        assert!(matches!(bytes("${PIN}"), Err(TemplateError::Name(_))));
        assert!(matches!(bytes("${pin[4..2]}"), Err(TemplateError::Name(_))));
        assert!(matches!(bytes("12 ??"), Err(TemplateError::Misplaced(_))));
        assert!(matches!(bytes("12 *"), Err(TemplateError::Misplaced(_))));
        assert!(matches!(bytes("${puk}"), Err(TemplateError::Undefined(_))));
        assert!(matches!(bytes("${pin[4..9]}"), Err(TemplateError::Part(_))));
    }
}
