//! A card to talk to in hexadecimal.

use card_os::Preset;
use card_os::sim::{SimCard, SoftRsa};

pub(crate) const SELECT_AID: &str = "00A404000CF276A288BCFBA69D34F3100100";
pub(crate) const SELECT_AID_V1: &str = "00A4040C0CF276A288BCFBA69D34F31001";
pub(crate) const SET_PUK: &str = "002401021030313233343536373839616263646566";
pub(crate) const SET_PIN: &str = "0024010106313233343536";
pub(crate) const VERIFY: &str = "002000011031323334353600000000000000000000";
pub(crate) const VERIFY_WRONG: &str = "002000011039323334353600000000000000000000";

/// A card and a way to speak to it.
pub(crate) struct Host {
    pub(crate) card: SimCard,
}

impl Host {
    pub(crate) fn new(preset: &Preset) -> Self {
        Self { card: SimCard::from_seed(preset, 7, SoftRsa).unwrap() }
    }

    /// An `isoapplet` card, its application selected.
    pub(crate) fn blank() -> Self {
        let mut host = Self::new(&Preset::isoapplet());
        host.expect(SELECT_AID, "0006069000");
        host
    }

    /// With PUK, PIN 123456 and the PIN verified.
    pub(crate) fn verified() -> Self {
        let mut host = Self::blank();
        for command in [SET_PUK, SET_PIN, VERIFY] {
            host.expect(command, "9000");
        }
        host
    }

    pub(crate) fn send_bytes(&mut self, command: &[u8]) -> Vec<u8> {
        let mut buffer = [0; 65_538];
        self.card.transmit(command, &mut buffer).to_vec()
    }

    pub(crate) fn send(&mut self, command: &str) -> String {
        hex::encode_upper(self.send_bytes(&hex::decode(command.replace(' ', "")).unwrap()))
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, command: &str, answer: &str) {
        assert_eq!(self.send(command), answer.replace(' ', ""), "answer to {command}");
    }

    /// Only the status word.
    #[track_caller]
    pub(crate) fn status(&mut self, command: &str) -> String {
        let answer = self.send(command);
        answer[answer.len() - 4..].to_string()
    }

    /// With 61xx followed.
    pub(crate) fn send_all(&mut self, command: &str) -> (Vec<u8>, String) {
        let mut data = Vec::new();
        let mut answer = self.send(command);
        loop {
            let (part, word) = answer.split_at(answer.len() - 4);
            data.extend(hex::decode(part).unwrap());
            match word.strip_prefix("61") {
                Some(rest) => answer = self.send(&format!("00C00000{rest}")),
                None => return (data, word.to_string()),
            }
        }
    }
}
