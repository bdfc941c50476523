//! PINs, administration keys and key pairs of the `iso` card.

mod cuts;
mod keys;
mod pins;

use card_os::Preset;

use crate::support::Host;

/// An object with a one-byte tag, and a value that a short length holds; both in hexadecimal.
fn object(tag: &str, value: &str) -> String {
    let value = value.replace(' ', "");
    let len = value.len() / 2;
    if len < 0x80 { format!("{tag}{len:02X}{value}") } else { format!("{tag}81{len:02X}{value}") }
}

/// A case 3 command.
fn with_data(header: &str, data: &str) -> String {
    let data = data.replace(' ', "");
    match data.len() / 2 {
        len @ 0..=255 => format!("{header}{len:02X}{data}"),
        len => format!("{header}00{len:04X}{data}"),
    }
}

/// CREATE FILE for an internal EF: identifier, A5 and further objects.
fn internal(id: &str, proprietary: &str, more: &str) -> String {
    let body = format!("82010883 02{id}{}{more}", object("A5", proprietary));
    with_data("00E00000", &object("62", &body))
}

/// CREATE FILE for a PIN of 4 to 8 bytes with three tries.
fn pin_file(id: &str, number: u8, more_policy: &str, more: &str) -> String {
    internal(id, &format!("800101 8101{number:02X} 8203040803 {more_policy}"), more)
}

/// CREATE FILE for a transparent EF of 16 bytes.
fn transparent(id: &str, more: &str) -> String {
    with_data("00E00000", &object("62", &format!("820101 8302{id} 80020010 {more}")))
}

fn df(id: &str) -> String {
    with_data("00E00000", &object("62", &format!("820138 8302{id}")))
}

fn pin(text: &str) -> String {
    hex::encode_upper(text)
}

fn iso() -> Host {
    Host::new(&Preset::iso())
}

impl Host {
    fn counter(&mut self) -> u32 {
        u32::from_str_radix(self.send("00CADF2000").strip_suffix("9000").unwrap(), 16).unwrap()
    }

    #[track_caller]
    fn verify(&mut self, reference: &str, text: &str, answer: &str) {
        self.expect(&with_data(&format!("002000{reference}"), &pin(text)), answer);
    }

    /// Creates a PIN file and sets the PIN.
    #[track_caller]
    fn make_pin(&mut self, id: &str, reference: &str, number: u8, text: &str, policy: &str, more: &str) {
        self.expect(&pin_file(id, number, policy, more), "9000");
        self.expect(&with_data(&format!("002401{reference}"), &pin(text)), "9000");
    }
}
