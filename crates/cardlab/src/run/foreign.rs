//! Cards that are not ours in a reader that is: a simulator that connects as to vpcd, or the card in a real reader.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use card_wire::{Icc, Protocol};
use host_driver::{Pcsc, Transport, TransportError, Vpcd};
use pcsc_service::ReaderHandle;

use super::seat::Seat;
use crate::target::{NO_CARD, NO_READERS, STATIC};

/// How long to wait for a card simulator to connect.
const WAIT: Duration = Duration::from_secs(30);

/// How often a real reader is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// A card behind a transport. It goes from its reader when it goes from the transport.
struct Foreign {
    card: Box<dyn Transport>,
    seat: Seat,
    atr: Vec<u8>,
    /// It went by itself, so that it comes back by itself. Nobody looks any more when this is all that is left.
    lost: Arc<AtomicBool>,
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
    Ok(Box::new(Foreign::new(card, seat)))
}

/// The card in a reader of the system's service, shared with other programs there. When it is pulled there it goes here,
/// and comes back with the next card.
///
/// # Errors
/// Where it cannot be reached.
pub(crate) fn pcsc(reader: &str, seat: &Seat) -> anyhow::Result<Box<dyn Icc>> {
    let reader = (!reader.is_empty()).then_some(reader);
    let card = Pcsc::connect(reader).context(if STATIC { NO_READERS } else { NO_CARD })?;
    let name = card.describe();
    let card = Foreign::new(card, seat);
    let (seat, lost) = (seat.clone(), Arc::downgrade(&card.lost));
    let follow = move || follow(&name, &seat, &lost);
    thread::Builder::new().name("reader".into()).spawn(follow).context("cannot watch the reader")?;
    Ok(Box::new(card))
}

/// Does in our reader what happens in the system's, as long as the card is there.
fn follow(name: &str, seat: &Seat, lost: &Weak<AtomicBool>) {
    loop {
        thread::sleep(LOOK);
        // Where the service has gone, so has the card.
        let readers = host_driver::readers().unwrap_or_default();
        let is_there = readers.iter().any(|reader| reader.name == name && reader.presence.has_card());
        let Some(lost) = lost.upgrade() else { return };
        // The service may still wait for the card of another reader.
        let Some(reader) = seat.reader() else { continue };
        if !is_there && reader.is_present() {
            lost.store(true, SeqCst);
            reader.vanish();
        } else if is_there && !reader.is_present() && lost.swap(false, SeqCst) {
            // Where somebody has taken our end out of the reader, it comes back when they put it back.
            // Where they have put another card in meanwhile, that one stays.
            let _ = reader.remove().map(|card| reader.insert(card));
        }
    }
}

impl Foreign {
    fn new(card: impl Transport + 'static, seat: &Seat) -> Self {
        Self { card: Box::new(card), seat: seat.clone(), atr: Vec::new(), lost: Arc::default() }
    }

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
                self.lost.store(true, SeqCst);
                self.seat.on_reader(ReaderHandle::vanish);
                &[]
            }
        }
    }
}
