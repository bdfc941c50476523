//! A way to a card that is written down, from the host's side: for cards in real readers and behind pcscd.

use std::time::Instant;

use host_driver::transport::Transacted;
use host_driver::{Transport, TransportError};

use crate::Tracer;
use crate::format::What;
use crate::icc::reset;

/// A transport around a transport. The ATR that the card has when this is made comes first.
#[derive(Debug)]
pub struct RecordedTransport<T> {
    tracer: Tracer,
    reader: String,
    inner: T,
}

impl<T: Transport> RecordedTransport<T> {
    pub(crate) fn new(tracer: Tracer, reader: &str, mut inner: T) -> Self {
        if let Ok(atr) = inner.atr() {
            tracer.note(Some(reader), None, reset(&atr));
        }
        Self { tracer, reader: reader.to_owned(), inner }
    }

    /// Gives the transport back.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// The same, of what is borrowed for the time of a transaction.
struct Within<'a> {
    tracer: &'a Tracer,
    reader: &'a str,
    inner: &'a mut dyn Transport,
}

fn transmit(
    tracer: &Tracer,
    reader: &str,
    inner: &mut dyn Transport,
    command: &[u8],
) -> Result<Vec<u8>, TransportError> {
    let begin = Instant::now();
    let answer = inner.transmit(command);
    let bytes = answer.as_ref().map_or(&[][..], Vec::as_slice);
    tracer.exchange(reader, None, command, bytes, begin.elapsed());
    if matches!(answer, Err(TransportError::CardGone)) {
        tracer.note(Some(reader), None, What::Removed);
    }
    answer
}

fn reset_card(tracer: &Tracer, reader: &str, inner: &mut dyn Transport) -> Result<Vec<u8>, TransportError> {
    let atr = inner.reset();
    match &atr {
        Ok(atr) => tracer.note(Some(reader), None, reset(atr)),
        Err(TransportError::Unresponsive) => tracer.note(Some(reader), None, What::Mute),
        Err(_) => {}
    }
    atr
}

impl Transport for Within<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        transmit(self.tracer, self.reader, self.inner, command)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        reset_card(self.tracer, self.reader, self.inner)
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        self.inner.atr()
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

impl<T: Transport> Transport for RecordedTransport<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        transmit(&self.tracer, &self.reader, &mut self.inner, command)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        reset_card(&self.tracer, &self.reader, &mut self.inner)
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        self.inner.atr()
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        let Self { tracer, reader, inner } = self;
        let call = |name: &str| What::Call { name: name.to_owned(), result: 0 };
        let done = inner.transaction(&mut |inner| {
            tracer.note(Some(reader), None, call("BeginTransaction"));
            body(&mut Within { tracer, reader, inner });
        });
        if done.is_ok() {
            tracer.note(Some(reader), None, call("EndTransaction"));
        }
        done
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}
