//! The cards of other people: a program that we start, or one that connects.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use card_fuzz::foreign::{CommandCard, ForeignCard, SocketCard};

/// How long to wait for a card simulator to connect.
const WAIT: Duration = Duration::from_secs(30);

/// `vpcd:PORT`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VpcdPort(u16);

impl fmt::Display for VpcdPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vpcd:{}", self.0)
    }
}

impl FromStr for VpcdPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = text.strip_prefix("vpcd:").and_then(|port| port.parse().ok());
        port.map(Self).ok_or("a target looks like vpcd:35963; for a program use --target-cmd")
    }
}

impl VpcdPort {
    /// The loopback address with this port.
    pub(crate) fn address(self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.0)
    }
}

/// A program, started when the card gets power.
pub(crate) fn program(command: &str, stop: &Arc<AtomicBool>) -> anyhow::Result<Box<dyn ForeignCard>> {
    let card = CommandCard::new(command, Arc::clone(stop))
        .with_context(|| format!("--target-cmd `{command}` is no command line: no word, or a quote without its end"))?;
    Ok(Box::new(card))
}

/// A card that connects to this machine's loopback address.
pub(crate) fn socket(port: VpcdPort, stop: &Arc<AtomicBool>) -> anyhow::Result<Box<dyn ForeignCard>> {
    listen(&port.address(), stop)
}

/// A card that connects to this address.
pub(crate) fn listen(address: &str, stop: &Arc<AtomicBool>) -> anyhow::Result<Box<dyn ForeignCard>> {
    let card = SocketCard::listen(address, WAIT, Arc::clone(stop))
        .with_context(|| format!("cannot listen at {address}; is pcscd with vpcd running there?"))?;
    eprintln!("waiting {} s at port {} for a card simulator", WAIT.as_secs(), card.port()?);
    Ok(Box::new(card))
}

/// A flag that Ctrl-C sets.
pub(crate) fn stop_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    ctrlc::set_handler(move || raised.store(true, std::sync::atomic::Ordering::Release))
        .context("cannot catch Ctrl-C")?;
    Ok(stop)
}

/// Seconds as people write them: `10`, `0.5`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    let usable = (0.001..=31_536_000.0).contains(&seconds);
    if usable { Ok(Duration::from_secs_f64(seconds)) } else { Err("between 0.001 and 31536000 seconds".to_owned()) }
}
