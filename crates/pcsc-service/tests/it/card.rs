//! A card that shows what happens to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use card_wire::{Icc, Protocol};

/// Offers T=0 and T=1.
pub(crate) const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];
/// Remembers a flag until it loses power or is reset.
pub(crate) const SET: &[u8] = &[0x00, 0x20, 0x00, 0x01];
/// 9000 with the flag, 6982 without.
pub(crate) const ASK: &[u8] = &[0x00, 0x21, 0x00, 0x01];
/// Answers nothing, and stays mute.
pub(crate) const DIE: &[u8] = &[0x00, 0x22, 0x00, 0x00];
/// Answers when the test says so.
pub(crate) const WAIT: &[u8] = &[0x00, 0x23, 0x00, 0x00];

/// An answer of so many bytes, status included.
pub(crate) fn long(bytes: u16) -> Vec<u8> {
    let [high, low] = bytes.to_be_bytes();
    vec![0x00, 0x24, high, low]
}

/// What a test sees of its card, and makes it do.
#[derive(Clone, Default)]
pub(crate) struct Strings(Arc<(Mutex<bool>, Condvar, AtomicUsize)>);

impl Strings {
    /// Lets the card answer [`WAIT`], once.
    pub(crate) fn go(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// How many commands the card has begun to execute.
    pub(crate) fn commands(&self) -> usize {
        self.0.2.load(Ordering::SeqCst)
    }

    /// Waits until the card executes its next command.
    pub(crate) fn wait_for_command(&self, before: usize) {
        while self.commands() == before {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn hold(&self) {
        let limit = Duration::from_secs(20);
        let going = self.0.1.wait_timeout_while(self.0.0.lock().unwrap(), limit, |go| !*go);
        *going.unwrap().0 = false;
    }
}

/// The card. Everything else is answered with the command itself and 9000.
pub(crate) struct TestCard {
    strings: Strings,
    atr: Vec<u8>,
    flag: bool,
    dead: bool,
}

impl TestCard {
    pub(crate) fn new(strings: &Strings) -> Box<Self> {
        Self::with_atr(strings, &ATR)
    }

    /// One that is mute where the ATR is empty.
    pub(crate) fn with_atr(strings: &Strings, atr: &[u8]) -> Box<Self> {
        Box::new(Self { strings: strings.clone(), atr: atr.to_vec(), flag: false, dead: true })
    }
}

impl Icc for TestCard {
    fn power_on(&mut self, _: Protocol) -> &[u8] {
        (self.flag, self.dead) = (false, false);
        &self.atr
    }

    fn reset(&mut self) -> &[u8] {
        self.flag = false;
        if self.dead { &[] } else { &self.atr }
    }

    fn power_off(&mut self) {
        self.dead = true;
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        self.strings.0.2.fetch_add(1, Ordering::SeqCst);
        if self.dead {
            return &[];
        }
        let status = match command {
            SET => {
                self.flag = true;
                [0x90, 0x00]
            }
            ASK if !self.flag => [0x69, 0x82],
            ASK => [0x90, 0x00],
            DIE => {
                self.dead = true;
                return &[];
            }
            WAIT => {
                self.strings.hold();
                [0x90, 0x00]
            }
            [0x00, 0x24, high, low] => {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                response[..len].fill(0x5A);
                response[len - 2..len].copy_from_slice(&[0x90, 0x00]);
                return &response[..len];
            }
            _ => {
                let len = command.len().min(response.len() - 2);
                response[..len].copy_from_slice(&command[..len]);
                response[len..len + 2].copy_from_slice(&[0x90, 0x00]);
                return &response[..len + 2];
            }
        };
        response[..2].copy_from_slice(&status);
        &response[..2]
    }
}
