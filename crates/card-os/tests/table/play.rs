//! Cards, and the steps that bring them into a state.

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use card_os::Preset;
use card_os::sim::{SimCard, SoftRsa};

use crate::bytes::{Values, bytes};
use crate::load::Table;

/// A card and the values that steps may name.
#[derive(Clone)]
pub(crate) struct Player<'t> {
    table: &'t Table,
    pub(crate) values: Values,
}

/// A card that talks in status words.
pub(crate) struct Host {
    card: SimCard,
}

impl Host {
    pub(crate) fn fork(&self) -> Self {
        Self { card: self.card.fork() }
    }

    /// The data and the status word.
    pub(crate) fn answer(&mut self, command: &[u8]) -> (Vec<u8>, String) {
        let mut buffer = vec![0; 65_538];
        let answer = self.card.transmit(command, &mut buffer);
        match answer.split_last_chunk::<2>() {
            Some((data, word)) => (data.to_vec(), hex::encode_upper(word)),
            None => (Vec::new(), "mute".to_owned()),
        }
    }

    /// The status word.
    pub(crate) fn status(&mut self, command: &[u8]) -> String {
        self.answer(command).1
    }

    /// The status word of a copy of this card, as a number; 0 for a mute one. `buffer` is scratch.
    pub(crate) fn probe(&self, command: &[u8], buffer: &mut [u8]) -> u16 {
        let mut card = self.card.fork();
        card.transmit(command, buffer).last_chunk::<2>().map_or(0, |word| u16::from_be_bytes(*word))
    }
}

/// The presets of a card that this build has.
pub(crate) fn presets(table: &Table, card: &str) -> Vec<Preset> {
    let row = table.card.get(card).unwrap_or_else(|| panic!("no card {card}"));
    row.presets.iter().map(|name| Preset::named(name).unwrap_or_else(|| panic!("no preset {name}"))).collect()
}

/// The preset that is held to all of the table.
pub(crate) fn preset(table: &Table, card: &str) -> Preset {
    presets(table, card).swap_remove(0)
}

impl<'t> Player<'t> {
    pub(crate) fn new(table: &'t Table) -> Self {
        Self { table, values: table.values.clone() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A fresh card after the card's base and these setups.
    pub(crate) fn card(&self, card: &str, preset: &Preset, setups: &[String]) -> Result<Host, String> {
        let mut host = Host { card: SimCard::from_seed(preset, 7, SoftRsa).unwrap() };
        let base = self.table.card.get(card).unwrap();
        self.steps(&mut host, &base.base)?;
        self.setups(&mut host, setups)?;
        Ok(host)
    }

    pub(crate) fn setups(&self, host: &mut Host, setups: &[String]) -> Result<(), String> {
        setups.iter().try_for_each(|name| {
            let steps = self.table.setups.get(name).unwrap_or_else(|| panic!("no setup {name}"));
            self.steps(host, steps).map_err(|error| format!("setup {name}: {error}"))
        })
    }

    /// Steps, each of which answers 9000 or what stands behind `>`.
    pub(crate) fn steps(&self, host: &mut Host, steps: &[String]) -> Result<(), String> {
        steps.iter().try_for_each(|step| self.step(host, step))
    }

    fn step(&self, host: &mut Host, step: &str) -> Result<(), String> {
        if let Some(name) = step.strip_prefix('@') {
            return self.setups(host, &[name.to_owned()]);
        }
        let (send, expected) = step.split_once('>').map_or((step, "9000"), |(send, status)| (send, status.trim()));
        let got = match send.strip_prefix("authenticate ") {
            Some(text) => self.authenticate(host, text),
            None => host.status(&bytes(send, &self.values)),
        };
        if expected == "*" || expected == got { Ok(()) } else { Err(format!("{send} answered {got}")) }
    }

    /// GET CHALLENGE and EXTERNAL AUTHENTICATE with P2 and an AES-128 key.
    fn authenticate(&self, host: &mut Host, text: &str) -> String {
        let text = bytes(text, &self.values);
        let (p2, key) = text.split_first().unwrap();
        let (challenge, status) = host.answer(&[0, 0x84, 0, 0, 16]);
        let Ok(mut block) = aes::Block::try_from(&challenge[..]) else { return status };
        aes::Aes128::new_from_slice(key).unwrap().encrypt_block(&mut block);
        host.status(&[&[0, 0x82, 0, *p2, 16][..], &block[..]].concat())
    }
}
