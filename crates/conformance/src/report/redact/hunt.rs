//! Hides the bytes of known secrets wherever they turn up: in one field, over the boundary of two commands or answers,
//! shifted by half a byte, or as the characters of their hexadecimal digits.

use card_wire::Command;
use zeroize::Zeroizing;

use super::fields::answer_data;
use super::{HIDDEN, Mask, RawExchange};

/// Hides every occurrence of the secrets in commands and answers.
pub(super) fn hide(exchanges: &[RawExchange], masks: &mut [Mask], secrets: &[Zeroizing<Vec<u8>>]) {
    let forms: Vec<Zeroizing<Vec<u8>>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let mut commands = Strip::default();
    let mut answers = Strip::default();
    for (index, exchange) in exchanges.iter().enumerate() {
        for (bytes, mask) in
            [(&exchange.command, &mut masks[index].command), (&exchange.answer, &mut masks[index].answer)]
        {
            let Some(bytes) = bytes else { continue };
            let whole = Strip::over(bytes);
            whole.find(&forms, |(_, at)| mask[at] = true);
        }
        if let Some(command) = &exchange.command {
            let data = Command::parse(command).map_or(command.get(4..).unwrap_or_default(), |parsed| parsed.data);
            let tail = command.len() - command.get(4..).map_or(0, <[u8]>::len);
            let start = offset(command, data).unwrap_or(tail);
            commands.extend(data, index, start);
        }
        if let Some(answer) = &exchange.answer {
            answers.extend(&answer[..answer_data(answer)], index, 0);
        }
    }
    commands.find(&forms, |(exchange, at)| masks[exchange].command[at] = true);
    answers.find(&forms, |(exchange, at)| masks[exchange].answer[at] = true);
}

/// Where a parsed data field begins: behind the header and one or three length bytes.
fn offset(command: &[u8], data: &[u8]) -> Option<usize> {
    [5, 7].into_iter().find(|start| command.get(*start..*start + data.len()) == Some(data))
}

/// The nibbles of a secret, and of the ways in which it can be written.
fn forms(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms =
        vec![nibbles(secret), nibbles(hex::encode(secret).as_bytes()), nibbles(hex::encode_upper(secret).as_bytes())];
    // Digits, two to a byte; such a short number occurs by chance where it has few digits.
    if secret.len() >= 6 && secret.iter().all(u8::is_ascii_hexdigit) {
        let digit = |byte: &u8| match byte {
            b'0'..=b'9' => byte - b'0',
            _ => byte.to_ascii_uppercase() - b'A' + 10,
        };
        forms.push(Zeroizing::new(secret.iter().map(digit).collect()));
    }
    forms
}

fn nibbles(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect())
}

/// Bytes of several fields in a row, as nibbles, each with its place.
#[derive(Default)]
struct Strip {
    nibbles: Zeroizing<Vec<u8>>,
    places: Vec<(usize, usize)>,
}

impl Strip {
    fn over(bytes: &[u8]) -> Self {
        let mut strip = Self::default();
        strip.extend(bytes, 0, 0);
        strip
    }

    fn extend(&mut self, bytes: &[u8], exchange: usize, start: usize) {
        self.nibbles.extend_from_slice(&nibbles(bytes));
        self.places.extend((start..start + bytes.len()).map(|at| (exchange, at)));
    }

    fn find(&self, forms: &[Zeroizing<Vec<u8>>], mut hide: impl FnMut((usize, usize))) {
        for form in forms {
            let Some(first) = form.first() else { continue };
            for start in 0..self.nibbles.len() {
                // The first nibble sorts out nearly all places.
                let is_here = self.nibbles[start] == *first && self.nibbles[start..].starts_with(form);
                if is_here {
                    (start / 2..(start + form.len()).div_ceil(2)).for_each(|at| hide(self.places[at]));
                }
            }
        }
    }
}

/// A text without the secrets as digits or characters. A secret that an ellipsis cuts off is taken out from four digits on.
pub(super) fn text(text: &str, secrets: &[Zeroizing<Vec<u8>>]) -> String {
    let mut shown: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    let mut hidden = vec![false; shown.len()];
    for secret in secrets {
        let digits: Zeroizing<Vec<char>> = Zeroizing::new(hex::encode_upper(&**secret).chars().collect());
        mark(&shown, &digits, &mut hidden, true);
        if let Ok(word) = std::str::from_utf8(secret) {
            let word: Zeroizing<Vec<char>> = Zeroizing::new(word.chars().map(|c| c.to_ascii_uppercase()).collect());
            mark(&shown, &word, &mut hidden, false);
        }
    }
    let mut result = String::with_capacity(text.len());
    for (c, hide) in shown.iter().zip(&hidden) {
        if *hide { result.push('·') } else { result.push(*c) }
    }
    shown.clear();
    debug_assert_eq!(HIDDEN.chars().count(), 2, "one mark stands for a digit");
    result
}

/// Marks where `secret`, in capitals, stands in `text`; also its beginning in front of an ellipsis, where asked.
fn mark(text: &[char], secret: &[char], hidden: &mut [bool], cut: bool) {
    for start in 0..text.len() {
        let same = text[start..].iter().zip(secret).take_while(|(c, s)| c.to_ascii_uppercase() == **s).count();
        let ends_early = cut && same >= 4 && text.get(start + same) == Some(&'…');
        if same == secret.len() || ends_early {
            hidden[start..start + same].iter_mut().for_each(|hide| *hide = true);
        }
    }
}
