//! Two answers held against each other. Knows no command but what it is told of it.

use card_conformance::report::redact::Shown;
use card_wire::Status;

/// Begins what is DER: signatures on curves, whose length is random, too.
const SEQUENCE: u8 = 0x30;
/// By so many bytes two such signatures can differ in length.
const SPREAD: usize = 6;

/// What was expected, what came, and where they part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// As in the trace; nothing where the card stayed mute.
    pub expected: Option<Shown>,
    /// As it came; nothing where the card stayed mute. Data is hidden where that of the trace is.
    pub got: Option<Shown>,
    /// What is different.
    pub kind: Kind,
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// The ATR.
    #[error("the ATR")]
    Atr,
    /// There is no answer.
    #[error("no answer")]
    Nothing,
    /// The status word.
    #[error("the status word")]
    Status,
    /// How long the data is.
    #[error("the length of the data: {got} instead of {expected} bytes")]
    Length {
        /// In the trace, in bytes.
        expected: usize,
        /// Now, in bytes.
        got: usize,
    },
    /// A byte of the data.
    #[error("byte {at} of the data, counted from 1")]
    Byte {
        /// Which, from 1.
        at: usize,
    },
}

impl Difference {
    pub(super) fn of_atr(expected: Option<Shown>, got: Option<Vec<u8>>) -> Self {
        Self { expected, got: got.map(|got| got.into_iter().map(Some).collect()), kind: Kind::Atr }
    }

    /// The difference between two answers. Of random data only the length is compared.
    pub(super) fn between(expected: &Shown, got: Option<&[u8]>, is_random: bool) -> Option<Self> {
        let kind = kind(expected, got, is_random)?;
        // What the trace hides may be a secret of this card as well.
        let (data, _) = expected.split_at(data_len(expected.len()));
        let is_hidden = data.iter().any(Option::is_none);
        let shown = got.map(|got| {
            let len = data_len(got.len());
            got.iter().enumerate().map(|(at, byte)| (!is_hidden || at >= len).then_some(*byte)).collect()
        });
        Some(Self { expected: Some(expected.clone()), got: shown, kind })
    }
}

fn data_len(len: usize) -> usize {
    len.saturating_sub(2)
}

/// The status word at the end of an answer, where it is to be seen.
pub(super) fn status(answer: &Shown) -> Option<Status> {
    match answer[..] {
        [.., Some(high), Some(low)] => Some(Status(u16::from_be_bytes([high, low]))),
        _ => None,
    }
}

fn kind(expected: &Shown, got: Option<&[u8]>, is_random: bool) -> Option<Kind> {
    let Some(got) = got else { return Some(Kind::Nothing) };
    let (data, word) = expected.split_at(data_len(expected.len()));
    let (got_data, got_word) = got.split_at(data_len(got.len()));
    let is_same = |expected: &Option<u8>, got: &u8| expected.is_none_or(|expected| expected == *got);
    if word.len() != got_word.len() || !word.iter().zip(got_word).all(|(expected, got)| is_same(expected, got)) {
        return Some(Kind::Status);
    }
    let is_der = is_random && data.first() == Some(&Some(SEQUENCE)) && got_data.first() == Some(&SEQUENCE);
    let spread = if is_der { SPREAD } else { 0 };
    if data.len().abs_diff(got_data.len()) > spread {
        return Some(Kind::Length { expected: data.len(), got: got_data.len() });
    }
    if is_random {
        return None;
    }
    let at = data.iter().zip(got_data).position(|(expected, got)| !is_same(expected, got))?;
    Some(Kind::Byte { at: at + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(expected: &str, got: &str, is_random: bool) -> Option<Kind> {
        let expected = card_conformance::report::redact::read(expected).unwrap();
        kind(&expected, Some(&hex::decode(got).unwrap()), is_random)
    }

    #[test]
    fn the_first_difference_is_found() {
        assert_eq!(of("11229000", "11229000", false), None);
        assert_eq!(of("11229000", "11239000", false), Some(Kind::Byte { at: 2 }));
        assert_eq!(of("11··9000", "11239000", false), None);
        assert_eq!(of("11··9000", "119000", false), Some(Kind::Length { expected: 2, got: 1 }));
        assert_eq!(of("11··9000", "6A82", false), Some(Kind::Status));
        assert_eq!(of("9000", "90", false), Some(Kind::Status));
        assert_eq!(of("11229000", "33449000", true), None);
        assert_eq!(of("11229000", "339000", true), Some(Kind::Length { expected: 2, got: 1 }));
        assert_eq!(of("300102039000", "3005069000", true), None);
        assert_eq!(of("300102039000", "3005069000", false), Some(Kind::Length { expected: 4, got: 3 }));
        assert_eq!(kind(&vec![Some(0x90), Some(0)], None, false), Some(Kind::Nothing));
    }

    #[test]
    fn what_the_trace_hides_is_hidden_in_a_difference() {
        let expected = card_conformance::report::redact::read("····9000").unwrap();
        let difference = Difference::between(&expected, Some(&[1, 2, 3, 0x90, 0]), false).unwrap();
        assert_eq!(difference.got, Some(vec![None, None, None, Some(0x90), Some(0)]));
    }
}
