//! Ports for servers whose address must be known before they start.

use std::io;
use std::net::TcpListener;

/// A port that is free on all interfaces, and so is the next one: vpcd's two slots.
///
/// # Errors
/// What the system says when it gives no port at all.
pub fn free_port_pair() -> io::Result<u16> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for _ in 0..100 {
        let first = TcpListener::bind(("0.0.0.0", 0))?;
        let port = first.local_addr()?.port();
        let Some(next) = port.checked_add(1) else { continue };
        match TcpListener::bind(("0.0.0.0", next)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whether a server listens on the port, without connecting to it: for vpcd a connection is a card.
pub(crate) fn is_listening(port: u16) -> bool {
    /// State LISTEN in `/proc/net/tcp`.
    const LISTEN: &str = "0A";
    let local = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|table| std::fs::read_to_string(table).ok()).any(|table| {
        table.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            words.next().is_some_and(|address| address.ends_with(&local)) && words.nth(1) == Some(LISTEN)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_free_until_bound() {
        let port = free_port_pair().unwrap();
        let _first = TcpListener::bind(("0.0.0.0", port)).unwrap();
        let _second = TcpListener::bind(("0.0.0.0", port + 1)).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_listener_is_seen() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_listening(port));
        drop(listener);
        assert!(!is_listening(port));
    }
}
