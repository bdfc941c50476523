//! Length-prefixed frames over a byte stream, with as few system calls as the sender allows.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::ops::Range;

use card_wire::vpcd::{MAX_BODY, length_field};

use crate::link::LinkError;

const HEADER: usize = 2;

/// Collects frames from a source that may hand them out in any pieces.
pub(crate) struct FrameReader {
    buffer: Box<[u8]>,
    unread: Range<usize>,
}

impl FrameReader {
    /// A reader with room for the largest frame; it never allocates again.
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; HEADER + MAX_BODY].into(), unread: 0..0 }
    }

    /// The body of the next frame, or nothing where the source ends between two frames.
    pub(crate) fn next(&mut self, mut source: impl Read) -> Result<Option<&[u8]>, LinkError> {
        loop {
            if let Some(body) = self.complete() {
                self.unread.start = body.end;
                return Ok(Some(&self.buffer[body]));
            }
            self.make_room();
            match source.read(&mut self.buffer[self.unread.end..]) {
                Ok(0) if self.unread.is_empty() => return Ok(None),
                Ok(0) => return Err(LinkError::Truncated { got: self.unread.len() }),
                Ok(count) => self.unread.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LinkError::Read(error)),
            }
        }
    }

    /// Where the body of the first frame is, if all of it has arrived.
    fn complete(&self) -> Option<Range<usize>> {
        let [high, low, rest @ ..] = &self.buffer[self.unread.clone()] else { return None };
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        let start = self.unread.start + HEADER;
        (rest.len() >= len).then_some(start..start + len)
    }

    /// Moves a begun frame to the front, so that the rest of it fits behind.
    fn make_room(&mut self) {
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
    }
}

/// Sends one frame with one system call: a length of its own would be a packet of its own.
pub(crate) fn write_frame(mut sink: impl Write, body: &[u8]) -> Result<(), LinkError> {
    let header = length_field(body).map_err(|_| LinkError::AnswerTooLong { len: body.len() })?;
    let mut parts = [IoSlice::new(&header), IoSlice::new(body)];
    let mut left = parts.as_mut_slice();
    while !left.is_empty() {
        match sink.write_vectored(left) {
            Ok(0) => return Err(LinkError::Write(io::ErrorKind::WriteZero.into())),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(LinkError::Write(error)),
        }
    }
    Ok(())
}

/// A socket that acknowledges at once what it reads.
///
/// vpcd sends a length and its body in two writes without TCP_NODELAY: its kernel keeps the body back until the
/// length is acknowledged, and a delayed acknowledgement costs 40 ms. Linux leaves the quick mode by itself, so
/// it is asked for before every read.
pub(crate) struct QuickAck<'a>(pub(crate) &'a TcpStream);

impl Read for QuickAck<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        acknowledge_at_once(self.0);
        (&mut &*self.0).read(out)
    }
}

#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    use std::os::linux::net::TcpStreamExt;
    // A refusal costs time, not correctness; a broken socket shows in the read that follows.
    let _ = stream.set_quickack(true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hands out its bytes in the given portions, then ends.
    struct Portions<'a> {
        bytes: &'a [u8],
        sizes: &'a [usize],
        turn: usize,
    }

    impl Read for Portions<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let size = self.sizes[self.turn % self.sizes.len()].min(out.len()).min(self.bytes.len());
            self.turn += 1;
            let (now, later) = self.bytes.split_at(size);
            out[..size].copy_from_slice(now);
            self.bytes = later;
            Ok(size)
        }
    }

    /// Takes at most three bytes at a time.
    struct Slow(Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            let count = data.len().min(3);
            self.0.extend_from_slice(&data[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn frames_survive_any_cutting(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..8),
            sizes in prop::collection::vec(1usize..500, 1..6),
        ) {
            let mut wire = Slow(Vec::new());
            for body in &bodies {
                write_frame(&mut wire, body).unwrap();
            }
            let mut source = Portions { bytes: &wire.0, sizes: &sizes, turn: 0 };
            let mut reader = FrameReader::new();
            for body in &bodies {
                prop_assert_eq!(reader.next(&mut source).unwrap(), Some(body.as_slice()));
            }
            prop_assert!(reader.next(&mut source).unwrap().is_none());
        }

        #[test]
        fn any_bytes_give_frames_and_then_an_end(
            bytes in prop::collection::vec(any::<u8>(), 0..2000),
            sizes in prop::collection::vec(1usize..900, 1..6),
        ) {
            let mut source = Portions { bytes: &bytes, sizes: &sizes, turn: 0 };
            let mut reader = FrameReader::new();
            let mut used = 0;
            let end = loop {
                match reader.next(&mut source) {
                    Ok(Some(body)) => used += HEADER + body.len(),
                    other => break other.map(|_| ()),
                }
            };
            match end {
                Ok(()) => prop_assert_eq!(used, bytes.len()),
                Err(LinkError::Truncated { got }) => prop_assert_eq!(used + got, bytes.len()),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }

    #[test]
    fn the_largest_frame_fits_behind_a_small_one() {
        let mut wire = Vec::new();
        write_frame(&mut wire, &[4]).unwrap();
        write_frame(&mut wire, &vec![7; MAX_BODY]).unwrap();
        let mut source = Portions { bytes: &wire, sizes: &[5, 60_000], turn: 0 };
        let mut reader = FrameReader::new();
        assert_eq!(reader.next(&mut source).unwrap(), Some(&[4][..]));
        assert_eq!(reader.next(&mut source).unwrap().map(<[u8]>::len), Some(MAX_BODY));
    }

    #[test]
    fn an_answer_that_no_frame_holds_is_refused() {
        let mut wire = Vec::new();
        let answer = vec![0; MAX_BODY + 1];
        assert!(matches!(write_frame(&mut wire, &answer), Err(LinkError::AnswerTooLong { len: 65_536 })));
        assert!(wire.is_empty());
    }
}
