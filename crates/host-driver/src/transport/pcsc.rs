//! A card in a reader of the system, through its PC/SC service.

use std::ffi::CString;
use std::time::Duration;

use pcsc::{
    Card, Context, Disposition, Error as ServiceError, MAX_BUFFER_SIZE_EXTENDED, Protocols, ReaderState, Scope,
    ShareMode, State,
};

use super::{Transacted, Transport};
use crate::error::TransportError;
use crate::readers;

/// How long a failed exchange is given to turn out as a removed card: pcscd looks every 0.4 s.
const REMOVAL_GRACE: Duration = Duration::from_millis(1200);

/// A shared connection to the card in one reader.
///
/// After [`TransportError::CardReset`] it is usable at once. After any other error the next call connects anew,
/// to a restarted service and another card in the same reader if need be.
pub struct Pcsc {
    reader: CString,
    context: Option<Context>,
    card: Option<Card>,
    buffer: Box<[u8]>,
}

impl Pcsc {
    /// Connects to the card in the reader with this name, or else the only one whose name contains it. Without
    /// a name: the only reader that holds a card.
    ///
    /// # Errors
    /// [`TransportError::NoService`], [`TransportError::NoReader`], [`TransportError::AmbiguousReader`],
    /// [`TransportError::CardGone`] for an empty reader, or what else keeps the card from being used.
    pub fn connect(reader: Option<&str>) -> Result<Self, TransportError> {
        let context = establish()?;
        let reader = readers::choose(&context, reader)?;
        let buffer = vec![0; MAX_BUFFER_SIZE_EXTENDED].into_boxed_slice();
        let mut pcsc = Self { reader, context: Some(context), card: None, buffer };
        pcsc.open()?;
        Ok(pcsc)
    }

    /// Connects to the service and the card where that has not been done or has come undone.
    fn open(&mut self) -> Result<(), TransportError> {
        if self.card.is_some() {
            return Ok(());
        }
        // A context from before a restart of the service looks valid and fails at its first use.
        if let Some(context) = &self.context
            && context.list_readers_len().is_err()
        {
            self.context = None;
        }
        let context = match &self.context {
            Some(context) => context.clone(),
            None => self.context.insert(establish()?).clone(),
        };
        let card = context.connect(&self.reader, ShareMode::Shared, Protocols::ANY).map_err(|e| self.failed(e))?;
        self.card = Some(card);
        Ok(())
    }

    /// Runs an operation on the open connection and sorts out its failure.
    fn with_card<R>(
        &mut self,
        operation: impl FnOnce(&mut Card, &mut [u8]) -> Result<R, ServiceError>,
    ) -> Result<R, TransportError> {
        self.open()?;
        let card = self.card.as_mut().ok_or(TransportError::CardGone)?;
        operation(card, &mut self.buffer).map_err(|error| self.failed(error))
    }

    fn failed(&mut self, error: ServiceError) -> TransportError {
        let error = self.settle(error);
        meaning(self.context.as_ref(), &self.reader, error)
    }

    /// Gets the connection ready for the next call: after a reset by reconnecting, else by letting go of it.
    /// Returns the error that counts.
    fn settle(&mut self, error: ServiceError) -> ServiceError {
        let reconnected = match &mut self.card {
            // The card was just reset: leave it as it is, and only accept that it has forgotten everything.
            Some(card) if error == ServiceError::ResetCard => {
                card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)
            }
            _ => Err(error),
        };
        reconnected.map_or_else(
            |failure| {
                self.release();
                failure
            },
            |()| error,
        )
    }

    /// Lets go of the card without touching it. The `pcsc` crate would reset it, and with it the work of others.
    fn release(&mut self) {
        if let Some(card) = self.card.take()
            && let Err((card, _)) = card.disconnect(Disposition::LeaveCard)
        {
            // The handle is worthless, so the reset that its drop asks for reaches no card.
            drop(card);
        }
    }
}

/// What a service error means. Some could mean many things: has the service gone, or the card?
fn meaning(context: Option<&Context>, reader: &CString, error: ServiceError) -> TransportError {
    use ServiceError as E;
    // A removed card is among them so that the service has noticed too, and does not call a card present that
    // its caller has been told is gone.
    let vague = matches!(
        error,
        E::NotTransacted
            | E::CommError
            | E::InternalError
            | E::InvalidHandle
            | E::UnknownError
            | E::UnpoweredCard
            | E::RemovedCard
    );
    let known = || map_error(error, &reader.to_string_lossy());
    match context {
        Some(context) if vague => diagnose(context, reader).unwrap_or_else(known),
        _ => known(),
    }
}

fn diagnose(context: &Context, reader: &CString) -> Option<TransportError> {
    if context.list_readers_len().is_err() {
        return Some(TransportError::NoService);
    }
    let gone = State::EMPTY | State::UNKNOWN | State::UNAVAILABLE;
    // Reports at once if the reader is already empty, or if the state differs in another respect.
    let mut states = [ReaderState::new(reader.clone(), State::PRESENT)];
    context.get_status_change(REMOVAL_GRACE, &mut states).ok()?;
    if !states[0].event_state().intersects(gone) {
        states[0].sync_current_state();
        context.get_status_change(REMOVAL_GRACE, &mut states).ok()?;
    }
    states[0].event_state().intersects(gone).then_some(TransportError::CardGone)
}

impl Transport for Pcsc {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        check_length(command)?;
        let answer = self.with_card(|card, buffer| transmit(card, command, buffer))?;
        check_answer(answer)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        let mut attempt = self.with_card(|card, _| reset(card));
        if attempt == Err(TransportError::CardReset) {
            // Somebody was faster; what was asked for is still a reset of our own.
            attempt = self.with_card(|card, _| reset(card));
        }
        attempt
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        self.with_card(|card, _| Ok(card.status2_owned()?.atr().to_vec()))
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        self.open()?;
        let card = self.card.as_mut().ok_or(TransportError::CardGone)?;
        match Inside::run_body(card, &mut self.buffer, self.context.as_ref(), &self.reader, body) {
            Ok(None) => Ok(()),
            Ok(Some(error)) => {
                // The body has been told; what remains is to get the connection ready for the next call.
                self.settle(error);
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn describe(&self) -> String {
        self.reader.to_string_lossy().into_owned()
    }
}

impl Drop for Pcsc {
    fn drop(&mut self) {
        self.release();
    }
}

impl core::fmt::Debug for Pcsc {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pcsc").field("reader", &self.reader).finish_non_exhaustive()
    }
}

/// The card while a transaction holds it.
struct Inside<'t> {
    transaction: Option<pcsc::Transaction<'t>>,
    /// The error that made the transaction worthless, and what it means.
    error: Option<(ServiceError, TransportError)>,
    buffer: &'t mut [u8],
    context: Option<&'t Context>,
    reader: &'t CString,
}

impl<'t> Inside<'t> {
    /// Runs the body in a transaction. Returns the error, if any, that has spoilt the connection meanwhile;
    /// fails if the transaction could not begin.
    fn run_body(
        card: &'t mut Card,
        buffer: &'t mut [u8],
        context: Option<&'t Context>,
        reader: &'t CString,
        body: &mut Transacted<'_>,
    ) -> Result<Option<ServiceError>, ServiceError> {
        let transaction = Some(card.transaction()?);
        let mut inside = Self { transaction, error: None, buffer, context, reader };
        body(&mut inside);
        Ok(inside.error.take().map(|(error, _)| error))
    }

    fn run<R>(
        &mut self,
        operation: impl FnOnce(&mut pcsc::Transaction<'_>, &mut [u8]) -> Result<R, ServiceError>,
    ) -> Result<R, TransportError> {
        let transaction = match (&self.error, &mut self.transaction) {
            (None, Some(transaction)) => transaction,
            // The card is no longer ours alone, nor in a known state.
            (Some((_, meaning)), _) => return Err(meaning.clone()),
            (None, None) => return Err(TransportError::CardReset),
        };
        operation(transaction, self.buffer).map_err(|error| {
            self.transaction = None;
            let meaning = meaning(self.context, self.reader, error);
            self.error = Some((error, meaning.clone()));
            meaning
        })
    }
}

impl Transport for Inside<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        check_length(command)?;
        let answer = self.run(|transaction, buffer| transmit(transaction, command, buffer))?;
        check_answer(answer)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.run(|transaction, _| {
            transaction.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard)?;
            Ok(transaction.status2_owned()?.atr().to_vec())
        })
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        self.run(|transaction, _| Ok(transaction.status2_owned()?.atr().to_vec()))
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        // The card is ours already.
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        self.reader.to_string_lossy().into_owned()
    }
}

/// Debian's vpcd reports success without an answer where the card has just been pulled.
fn transmit(card: &Card, command: &[u8], buffer: &mut [u8]) -> Result<Vec<u8>, ServiceError> {
    match card.transmit(command, buffer)? {
        [] => Err(ServiceError::RemovedCard),
        answer => Ok(answer.to_vec()),
    }
}

fn reset(card: &mut Card) -> Result<Vec<u8>, ServiceError> {
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard)?;
    Ok(card.status2_owned()?.atr().to_vec())
}

/// A command of one byte is none, and a virtual reader would take it for a control message.
fn check_length(command: &[u8]) -> Result<(), TransportError> {
    // pcscd takes more, but vpcd ejects a card that is sent more.
    let max = 0xFFFF;
    if (2..=max).contains(&command.len()) {
        Ok(())
    } else {
        Err(TransportError::CommandLength { len: command.len(), max })
    }
}

fn check_answer(answer: Vec<u8>) -> Result<Vec<u8>, TransportError> {
    match answer.len() {
        len @ (0 | 1) => Err(TransportError::ShortAnswer { len }),
        _ => Ok(answer),
    }
}

/// Connects to the reader service.
pub(crate) fn establish() -> Result<Context, TransportError> {
    pcsc_runtime::link();
    Context::establish(Scope::User).map_err(|error| map_error(error, ""))
}

/// What a service error means by itself.
pub(crate) fn map_error(error: ServiceError, reader: &str) -> TransportError {
    use ServiceError as E;
    match error {
        E::NoService | E::ServiceStopped | E::Shutdown => TransportError::NoService,
        E::RemovedCard | E::NoSmartcard => TransportError::CardGone,
        E::ResetCard => TransportError::CardReset,
        E::UnresponsiveCard | E::UnpoweredCard | E::InvalidAtr => TransportError::Unresponsive,
        E::UnknownReader | E::ReaderUnavailable | E::NoReadersAvailable => {
            TransportError::NoReader { wanted: reader.to_owned() }
        }
        E::SharingViolation => TransportError::Busy,
        E::Timeout => TransportError::Timeout,
        other => TransportError::Service { code: other as u32 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_errors_are_sorted() {
        assert_eq!(map_error(ServiceError::RemovedCard, ""), TransportError::CardGone);
        assert_eq!(map_error(ServiceError::NoService, ""), TransportError::NoService);
        assert_eq!(map_error(ServiceError::SharingViolation, ""), TransportError::Busy);
        assert_eq!(map_error(ServiceError::UnknownReader, "x"), TransportError::NoReader { wanted: "x".into() });
        assert_eq!(map_error(ServiceError::NotTransacted, ""), TransportError::Service { code: 0x8010_0016 });
    }

    #[test]
    fn lengths_that_a_virtual_reader_misunderstands_are_refused() {
        assert!(check_length(&[4]).is_err() && check_length(&[]).is_err());
        assert!(check_length(&[0; 2]).is_ok() && check_length(&[0; 0x1_0000]).is_err());
    }
}
