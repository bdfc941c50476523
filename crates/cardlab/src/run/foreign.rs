//! Cards that are not ours in a reader that is: a simulator that connects as to vpcd, or the card in a real reader.

use std::time::Duration;

use anyhow::Context as _;
use card_wire::{Icc, Protocol};
use host_driver::{Pcsc, Transport, TransportError, Vpcd};
use pcsc_service::ReaderHandle;

use super::seat::Seat;
use crate::target::{NO_CARD, NO_READERS, STATIC};

/// How long to wait for a card simulator to connect.
const WAIT: Duration = Duration::from_secs(30);

/// A card behind a transport. It goes from its reader when it goes from the transport.
struct Foreign {
    card: Box<dyn Transport>,
    seat: Seat,
    atr: Vec<u8>,
}

/// Waits for a simulator that connects to this port of this machine.
///
/// # Errors
/// Where the port is taken, or no simulator comes.
pub(crate) fn vpcd(port: u16, seat: &Seat) -> anyhow::Result<Box<dyn Icc>> {
    let taken = || format!("cannot listen at port {port}; is pcscd with vpcd running there?");
    let listener = Vpcd::listen(("127.0.0.1", port)).with_context(taken)?;
    eprintln!("cardlab: waiting {} s at 127.0.0.1:{port} for a card simulator", WAIT.as_secs());
    let card = listener.accept(WAIT).with_context(|| format!("no card simulator connected to port {port}"))?;
    Ok(Box::new(Foreign { card: Box::new(card), seat: seat.clone(), atr: Vec::new() }))
}

/// The card in a reader of the system's service, shared with other programs there.
///
/// # Errors
/// Where it cannot be reached.
pub(crate) fn pcsc(reader: &str, seat: &Seat) -> anyhow::Result<Box<dyn Icc>> {
    let reader = (!reader.is_empty()).then_some(reader);
    let card = Pcsc::connect(reader).context(if STATIC { NO_READERS } else { NO_CARD })?;
    Ok(Box::new(Foreign { card: Box::new(card), seat: seat.clone(), atr: Vec::new() }))
}

impl Foreign {
    fn renew(&mut self) -> &[u8] {
        // A card that does not answer is mute.
        self.atr = self.card.reset().unwrap_or_default();
        &self.atr
    }
}

impl Icc for Foreign {
    fn power_on(&mut self, _: Protocol) -> &[u8] {
        self.renew()
    }

    fn reset(&mut self) -> &[u8] {
        self.renew()
    }

    fn power_off(&mut self) {
        // No transport can; the next power is a reset.
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        match self.card.transmit(command) {
            Ok(answer) => {
                let len = answer.len().min(response.len());
                response[..len].copy_from_slice(&answer[..len]);
                &response[..len]
            }
            // Another program in the other service has reset it: ours are told, too.
            Err(TransportError::CardReset) => {
                self.seat.on_reader(ReaderHandle::reset_after_command);
                &[]
            }
            Err(TransportError::CommandLength { .. }) => {
                response[..2].copy_from_slice(&[0x67, 0x00]);
                &response[..2]
            }
            Err(_) => {
                self.seat.on_reader(ReaderHandle::vanish);
                &[]
            }
        }
    }
}
