//! Expected data: exact bytes with `??` for any byte and `*` for any rest, `len:N`, `nonzero:N`, `not:${name}`,
//! `above:${name}`.

use std::fmt;

use crate::template::{Template, TemplateError, Token, Variable, Variables, tokens};

/// What the data of an answer must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// Elements in order; `rest` allows more bytes behind them.
    Bytes { elements: Vec<Element>, rest: bool },
    /// So many bytes.
    Length(usize),
    /// So many bytes that are not all the same: what a card without randomness or keys does not have.
    Varied(usize),
    /// As many bytes as these, but other ones.
    Not(Template),
    /// As many bytes as these, and a greater number.
    Above(Template),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Element {
    Bytes(Vec<u8>),
    Variable(Variable),
    Any(usize),
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// The first part that does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let text = text.trim();
        let form = match text.split_once(':') {
            Some(("len", count)) => Form::Length(number(count)?),
            Some(("nonzero", count)) => Form::Varied(number(count)?),
            Some(("not", other)) => Form::Not(Template::parse(other)?),
            Some(("above", other)) => Form::Above(Template::parse(other)?),
            _ => elements(text)?,
        };
        Ok(Self { text: text.to_owned(), form })
    }

    /// Whether `data` is what the pattern describes.
    ///
    /// # Errors
    /// A name without a value, or a part that its value does not have.
    pub fn matches(&self, data: &[u8], variables: &Variables) -> Result<bool, TemplateError> {
        match &self.form {
            Form::Bytes { elements, rest } => match_elements(elements, *rest, data, variables),
            Form::Length(len) => Ok(data.len() == *len),
            Form::Varied(len) => Ok(data.len() == *len && data.windows(2).any(|pair| pair[0] != pair[1])),
            Form::Not(other) => {
                let other = other.bytes(variables)?;
                Ok(data.len() == other.len() && data != other)
            }
            Form::Above(other) => {
                let other = other.bytes(variables)?;
                Ok(data.len() == other.len() && data > other.as_slice())
            }
        }
    }

    /// It is about bytes of which only the length is known beforehand: `nonzero` and `not`.
    #[must_use]
    pub const fn is_about_random(&self) -> bool {
        matches!(self.form, Form::Varied(_) | Form::Not(_))
    }

    /// The names it uses.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match &self.form {
            Form::Bytes { elements, .. } => elements
                .iter()
                .filter_map(|element| match element {
                    Element::Variable(variable) => Some(variable.name.as_str()),
                    Element::Bytes(_) | Element::Any(_) => None,
                })
                .collect(),
            Form::Length(_) | Form::Varied(_) => Vec::new(),
            Form::Not(other) | Form::Above(other) => other.names().collect(),
        }
    }

    /// No data at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self { text: "no data".to_owned(), form: Form::Bytes { elements: Vec::new(), rest: false } }
    }

    /// Any data.
    #[must_use]
    pub fn anything() -> Self {
        Self { text: "*".to_owned(), form: Form::Bytes { elements: Vec::new(), rest: true } }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn number(text: &str) -> Result<usize, TemplateError> {
    text.parse().map_err(|_| TemplateError::Number(text.to_owned()))
}

fn elements(text: &str) -> Result<Form, TemplateError> {
    let mut elements = Vec::new();
    let mut rest = false;
    for token in tokens(text)? {
        if rest {
            return Err(TemplateError::Misplaced("*".to_owned()));
        }
        match token {
            Token::Bytes(bytes) => elements.push(Element::Bytes(bytes)),
            Token::Variable(variable) => elements.push(Element::Variable(variable)),
            Token::Any(count) => elements.push(Element::Any(count)),
            Token::Rest => rest = true,
        }
    }
    Ok(Form::Bytes { elements, rest })
}

fn match_elements(elements: &[Element], rest: bool, data: &[u8], variables: &Variables) -> Result<bool, TemplateError> {
    let mut left = data;
    for element in elements {
        let behind = match element {
            Element::Bytes(bytes) => left.strip_prefix(bytes.as_slice()),
            Element::Variable(variable) => left.strip_prefix(variable.bytes(variables)?),
            Element::Any(count) => left.get(*count..),
        };
        match behind {
            Some(behind) => left = behind,
            None => return Ok(false),
        }
    }
    Ok(rest || left.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, data: &str, expected: bool) {
        let variables = Variables::from([("a".to_owned(), vec![1, 2, 3].into())]);
        let matched = Pattern::parse(pattern).unwrap().matches(&hex::decode(data).unwrap(), &variables).unwrap();
        assert_eq!(matched, expected, "{pattern} against {data}");
    }

    #[test]
    fn bytes_wildcards_and_rests() {
        check("6F 07 ??82", "6F070082", true);
        check("6F 07", "6F0700", false);
        check("6F 07 *", "6F0700", true);
        check("6F 07 *", "6F", false);
        check("*", "", true);
        check("??*3", "010203", true);
        check("??*3", "0102", false);
        check("", "", true);
        check("", "00", false);
        check("00*2 ${a} ${a[1..2]}", "000001020302", true);
        check("??", "", false);
    }

    #[test]
    fn lengths_and_differences() {
        check("len:2", "0000", true);
        check("len:2", "00", false);
        check("nonzero:3", "000001", true);
        check("nonzero:3", "000000", false);
        check("nonzero:3", "0102", false);
        check("not:${a}", "010203", false);
        check("not:${a}", "010204", true);
        check("not:${a}", "01", false);
        check("above:${a}", "010204", true);
        check("above:${a}", "020000", true);
        check("above:${a}", "010203", false);
        check("above:${a}", "010202", false);
        check("above:${a}", "0204", false);
    }

    #[test]
    fn mistakes() {
        for text in ["* 00", "len:x", "??? ", "not:*", "0"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
