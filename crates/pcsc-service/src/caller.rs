//! Who asks a reader for something, for as long as it may have to wait.

use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A connected client.
pub(crate) struct Caller<'a> {
    /// The number of its connection.
    pub(crate) client: u64,
    pub(crate) stream: &'a UnixStream,
}

impl Caller<'_> {
    /// Whether the client is still there. One that was killed while it waited must not be given anything.
    pub(crate) fn is_there(&self) -> bool {
        // A hang-up is reported unasked.
        let mut line = [PollFd::new(self.stream, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut line, Some(&now)).is_ok() && !line[0].revents().contains(PollFlags::HUP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_has_gone_is_missed_even_if_it_left_something() {
        use std::io::Write as _;
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let caller = Caller { client: 1, stream: &ours };
        theirs.write_all(b"half a message").unwrap();
        assert!(caller.is_there());
        drop(theirs);
        assert!(!caller.is_there());
    }
}
