//! The PINs for a replay, from file descriptors or the terminal.

use anyhow::Context as _;
use card_conformance::card_file::SecretSource;
use card_trace::replay::Pins;

use crate::conform::Secrets;

#[derive(clap::Args)]
pub(super) struct PinArgs {
    /// File descriptor with the PIN, one line, for the commands that hide it; REF= is P2 in hexadecimal, where PINs
    /// differ. Options that name the same descriptor read one line each, in the order PIN, new PIN, PUK
    #[arg(long, value_name = "[REF=]N", value_parser = parse, help_heading = "PINs")]
    pin_fd: Vec<(Option<u8>, i32)>,
    /// File descriptor with what the PIN is changed to
    #[arg(long, value_name = "[REF=]N", value_parser = parse, help_heading = "PINs")]
    new_pin_fd: Vec<(Option<u8>, i32)>,
    /// File descriptor with the PUK
    #[arg(long, value_name = "[REF=]N", value_parser = parse, help_heading = "PINs")]
    puk_fd: Vec<(Option<u8>, i32)>,
    /// Ask for the PIN at the terminal
    #[arg(long, conflicts_with = "pin_fd", help_heading = "PINs")]
    ask_pin: bool,
    /// Byte in hexadecimal that fills PINs up to the length that was sent, 00 or FF
    #[arg(long, value_name = "HEX", value_parser = byte, help_heading = "PINs")]
    pin_pad: Option<u8>,
}

fn byte(text: &str) -> Result<u8, String> {
    let digits = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits
        .then(|| u8::from_str_radix(text, 16).ok())
        .flatten()
        .ok_or_else(|| "it is one byte in hexadecimal".to_owned())
}

fn parse(text: &str) -> Result<(Option<u8>, i32), String> {
    let (reference, number) = match text.split_once('=') {
        Some((reference, number)) => (Some(byte(reference)?), number),
        None => (None, text),
    };
    let number = number.parse().ok().filter(|number: &i32| *number >= 0);
    Ok((reference, number.ok_or("it is the number of a file descriptor, or REF=N")?))
}

impl PinArgs {
    /// Reads them.
    pub(super) fn read(&self) -> anyhow::Result<Pins> {
        let mut pins = Pins::padded(self.pin_pad);
        let mut secrets = Secrets::default();
        let mut get = |what: &str, number: i32| secrets.get(what, &SecretSource::Fd(number));
        for (reference, number) in &self.pin_fd {
            pins.pin(*reference, get("PIN", *number)?);
        }
        for (reference, number) in &self.new_pin_fd {
            pins.new_pin(*reference, get("new PIN", *number)?);
        }
        for (reference, number) in &self.puk_fd {
            pins.puk(*reference, get("PUK", *number)?);
        }
        if self.ask_pin {
            let asked = rpassword::prompt_password("PIN: ")
                .context("--ask-pin asks, but there is no terminal; --pin-fd N needs none")?;
            pins.pin(None, zeroize::Zeroizing::new(asked.into_bytes()));
        }
        Ok(pins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_have_references_or_none() {
        assert_eq!(parse("3"), Ok((None, 3)));
        assert_eq!(parse("81=4"), Ok((Some(0x81), 4)));
        for wrong in ["", "x", "-1", "=3", "123=4", "1=", "+1=3"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
