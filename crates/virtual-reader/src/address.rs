//! Where vpcd listens.

use std::fmt;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use card_wire::vpcd::DEFAULT_PORT;
use thiserror::Error;

/// How long one address may take to accept. vpcd accepts one card per slot and lets further ones wait without an
/// answer, so the wait must be bounded.
const CONNECT_LIMIT: Duration = Duration::from_millis(500);

/// Host and port of a vpcd slot; 127.0.0.1:35963 by default, as packaged readers are configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcdAddress {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port of the slot.
    pub port: u16,
}

/// The text is not `HOST:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a vpcd address looks like 127.0.0.1:35963")]
pub struct AddressError;

impl VpcdAddress {
    /// The slot on a port of this machine.
    #[must_use]
    pub fn local(port: u16) -> Self {
        Self { host: "127.0.0.1".to_owned(), port }
    }

    /// Connects to the first address of the host that accepts.
    pub(crate) fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
                // The kernel may choose the very port that it is to connect to, and a socket that waits for a
                // listener on this machine then reaches itself.
                Ok(stream) if stream.local_addr()? == stream.peer_addr()? => {
                    last = io::ErrorKind::ConnectionRefused.into();
                }
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Default for VpcdAddress {
    fn default() -> Self {
        Self::local(DEFAULT_PORT)
    }
}

impl FromStr for VpcdAddress {
    type Err = AddressError;

    /// Parses `HOST:PORT`; an IPv6 address stands in brackets.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddressError)?;
        let port = port.parse().map_err(|_| AddressError)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or(AddressError)?,
            None if host.contains(':') => return Err(AddressError),
            None => host,
        };
        if host.is_empty() || port == 0 {
            return Err(AddressError);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for VpcdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        for text in ["127.0.0.1:35963", "localhost:1", "[::1]:40000"] {
            assert_eq!(text.parse::<VpcdAddress>().unwrap().to_string(), text);
        }
        assert_eq!(VpcdAddress::default().to_string(), "127.0.0.1:35963");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", ":1", "localhost", "localhost:", "localhost:0", "localhost:65536", "::1:5", "[::1:5"] {
            assert_eq!(text.parse::<VpcdAddress>(), Err(AddressError), "{text}");
        }
    }
}
