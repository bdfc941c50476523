//! The typed API: what a program can ask a card with the PKI applet without its user's PIN.
//!
//! Knows the meaning of commands and answers, and nothing of how they travel.

use card_wire::{Command, Status};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::exchange::{Answer, Exchange, Limits, SHORT_DATA, SHORT_NE};
use crate::file::{FileInfo, MF, NewFile};
use crate::request;
use crate::secret::{Pin, Puk};
use crate::transport::Transport;
use crate::verified::Verified;

/// The part of a file that offsets reach, in bytes: one bit of P1 marks short file identifiers.
const REACHABLE: usize = 0x8000;
/// The longest piece of a file that one extended command carries, in bytes: what cards commonly take.
const EXTENDED_PIECE: usize = 2048;

/// The applet's version of its command set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 0: signs messages that it hashes itself. 1: signs hash values.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
}

/// What the applet says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its version.
    pub version: Version,
    /// Its features, one bit each.
    pub features: u8,
}

impl Application {
    /// The feature bit for extended length.
    pub const EXTENDED: u8 = 0x01;
    /// The feature bit for random numbers.
    pub const RANDOM: u8 = 0x02;
    /// The feature bit for elliptic curves.
    pub const EC: u8 = 0x04;
    /// The feature bit for RSA-PSS.
    pub const PSS: u8 = 0x08;
    /// The feature bit for RSA-4096.
    pub const RSA_4096: u8 = 0x20;

    /// Whether all these features are there.
    #[must_use]
    pub const fn has(&self, features: u8) -> bool {
        self.features & features == features
    }

    fn parse(answer: &[u8]) -> Result<Self, Error> {
        match *answer {
            [major @ 0..=1, minor, features, ..] => Ok(Self { version: Version { major, minor }, features }),
            _ => Err(Error::Malformed),
        }
    }
}

/// What is known about the card's state on this side of the transport.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    application: Option<Application>,
    /// Rises whenever the card has, or may have, forgotten what was selected and verified.
    epoch: u64,
}

impl State {
    const fn forget(&mut self) {
        self.application = None;
        self.epoch += 1;
    }
}

/// A card, over any transport.
#[derive(Debug)]
pub struct Card<T> {
    exchange: Exchange<T>,
    state: State,
}

impl<T: Transport> Card<T> {
    /// The card at the other end of `transport`. Nothing is sent yet.
    pub fn new(transport: T) -> Self {
        Self { exchange: Exchange::new(transport), state: State::default() }
    }

    /// What card and reader can carry. Selecting the application sets it to what the application says; a reader
    /// that carries no extended length must be told so afterwards.
    pub const fn limits(&mut self) -> &mut Limits {
        &mut self.exchange.limits
    }

    /// The transport.
    pub const fn transport(&mut self) -> &mut T {
        &mut self.exchange.transport
    }

    /// Gives the transport back.
    pub fn into_transport(self) -> T {
        self.exchange.transport
    }

    /// What the application said when it was selected, unless it has been deselected since.
    pub const fn application(&self) -> Option<Application> {
        self.state.application
    }

    /// Sends any command. The answer may have any status word.
    ///
    /// # Errors
    /// What [`Exchange::send`] reports.
    pub fn send(&mut self, command: &Command<'_>) -> Result<Answer, Error> {
        let answer = self.exchange.send(command);
        if answer.as_ref().is_err_and(Error::is_transport) {
            self.state.forget();
        }
        answer
    }

    /// Resets the card and returns its ATR. Nothing is selected or verified afterwards.
    ///
    /// # Errors
    /// [`Error::Transport`].
    pub fn reset(&mut self) -> Result<Vec<u8>, Error> {
        self.state.forget();
        Ok(self.exchange.transport.reset()?)
    }

    /// The ATR.
    ///
    /// # Errors
    /// [`Error::Transport`].
    pub fn atr(&mut self) -> Result<Vec<u8>, Error> {
        let atr = self.exchange.transport.atr();
        if atr.is_err() {
            self.state.forget();
        }
        Ok(atr?)
    }

    /// Keeps the card from all other programs while `body` uses it.
    ///
    /// Without this another program can come between two commands, and its SELECT undoes our VERIFY.
    ///
    /// # Errors
    /// [`Error::Transport`] if the transaction could not begin; `body` has not run then.
    pub fn transaction<R>(&mut self, body: impl FnOnce(&mut Card<&mut dyn Transport>) -> R) -> Result<R, Error> {
        let (limits, state) = (self.exchange.limits, self.state);
        let mut body = Some(body);
        let mut outcome = None;
        let begun = self.exchange.transport.transaction(&mut |transport| {
            if let Some(body) = body.take() {
                let mut card = Card { exchange: Exchange { transport, limits }, state };
                let result = body(&mut card);
                outcome = Some((result, card.exchange.limits, card.state));
            }
        });
        if let Err(error) = begun {
            self.state.forget();
            return Err(error.into());
        }
        // A transport that does not run the body breaks its contract; there is no result then.
        let (result, limits, state) = outcome.ok_or(Error::Malformed)?;
        (self.exchange.limits, self.state) = (limits, state);
        Ok(result)
    }

    /// Selects the PKI applet and learns its version. Whatever was verified before is so no longer.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is no such application, [`Error::Malformed`] if its version is unknown.
    pub fn select_application(&mut self) -> Result<Application, Error> {
        self.state.forget();
        // What the last card could need not be what this one can.
        self.exchange.limits = Limits::default();
        let selected = self.send(&request::select_applet())?;
        let version = if selected.status == Status::WRONG_P1_P2 {
            self.send(&request::select_applet_v0())?.ok()?
        } else {
            selected.done()?;
            let told = self.send(&request::get_version())?;
            match told.status {
                // Version 0 tells only when it is selected.
                Status::INS_NOT_SUPPORTED => self.send(&request::select_applet_v0())?.ok()?,
                _ => told.ok()?,
            }
        };
        let application = Application::parse(&version)?;
        self.exchange.limits.extended = application.has(Application::EXTENDED);
        self.state.application = Some(application);
        Ok(application)
    }

    /// Selects the PKI applet, in one command and without asking what it can; what is known of it and the limits stay.
    /// Whatever another program has done in between, the applet is selected and nothing is verified.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is no such application.
    pub fn enter_application(&mut self) -> Result<(), Error> {
        let known = self.state.application;
        self.state.forget();
        let selected = self.send(&request::select_applet())?;
        if selected.status == Status::WRONG_P1_P2 {
            self.send(&request::select_applet_v0())?.done()?;
        } else {
            selected.done()?;
        }
        self.state.application = known;
        Ok(())
    }

    /// Selects a file by its path from the MF, which may be left out; an empty path is the MF itself.
    ///
    /// # Errors
    /// [`Error::Refused`] with 6A82 if there is no such file.
    pub fn select(&mut self, path: &[u16]) -> Result<FileInfo, Error> {
        let below = path.strip_prefix(&[MF]).unwrap_or(path);
        let bytes: Vec<u8> = below.iter().flat_map(|fid| fid.to_be_bytes()).collect();
        let command = if bytes.is_empty() { request::select_mf() } else { request::select_path(&bytes) };
        FileInfo::parse(&self.send(&command)?.ok()?)
    }

    /// Selects a file and reads the whole of it.
    ///
    /// # Errors
    /// As [`Card::select`] and [`Card::read_binary`]; [`Error::Malformed`] if the card does not tell its size.
    pub fn read(&mut self, path: &[u16]) -> Result<Vec<u8>, Error> {
        let size = self.select(path)?.size.ok_or(Error::Malformed)?;
        self.read_binary(0, size)
    }

    /// Reads up to `len` bytes of the selected file; fewer where it ends earlier.
    ///
    /// # Errors
    /// [`Error::Refused`] with 6982 if the file is protected, 6B00 if the offset lies behind its end;
    /// [`Error::TooLong`] if the part cannot be reached with an offset.
    pub fn read_binary(&mut self, offset: u16, len: usize) -> Result<Vec<u8>, Error> {
        reachable(offset, len)?;
        let longest = self.piece(SHORT_NE);
        let mut data = Vec::new();
        while data.len() < len {
            let ne = (len - data.len()).min(longest);
            let answer = self.send(&request::read_binary(at(offset, data.len())?, ne))?;
            let ended = match answer.status {
                Status::OK => answer.data.is_empty().then_some(Err(Error::Malformed)).transpose()?,
                Status::END_OF_FILE => Some(()),
                Status::WRONG_OFFSET if !data.is_empty() => break,
                status => return Err(Error::Refused(status)),
            };
            if answer.data.len() > ne {
                return Err(Error::Malformed);
            }
            data.extend_from_slice(&answer.data);
            if ended.is_some() {
                break;
            }
        }
        Ok(data)
    }

    /// Selects a file and writes `data` at its beginning. What lies behind stays.
    ///
    /// # Errors
    /// As [`Card::select`] and [`Card::update_binary`].
    pub fn update(&mut self, path: &[u16], data: &[u8]) -> Result<(), Error> {
        self.select(path)?;
        self.update_binary(0, data)
    }

    /// Writes a part of the selected file. Of a long one an error may leave the first pieces written.
    ///
    /// # Errors
    /// [`Error::Refused`] with 6982 if the file is protected, 6B00 if the data does not fit;
    /// [`Error::TooLong`] if the part cannot be reached with an offset.
    pub fn update_binary(&mut self, offset: u16, data: &[u8]) -> Result<(), Error> {
        reachable(offset, data.len())?;
        let longest = self.piece(SHORT_DATA);
        for (piece, count) in data.chunks(longest).zip(0..) {
            let at = at(offset, count * longest)?;
            self.send(&request::update_binary(at, piece))?.done()?;
        }
        Ok(())
    }

    /// The longest piece of a file for one command.
    const fn piece(&self, short: usize) -> usize {
        if self.exchange.limits.extended { EXTENDED_PIECE } else { short }
    }

    /// Creates a file in the current DF and selects it.
    ///
    /// # Errors
    /// [`Error::Refused`]: 6982 without permission, 6984 if the identifier is taken, 6A84 if there is no room.
    pub fn create(&mut self, file: &NewFile) -> Result<(), Error> {
        self.send(&request::create_file(&file.fci()))?.done()
    }

    /// Deletes the file with this identifier, wherever it is, and all below it.
    ///
    /// # Errors
    /// [`Error::Refused`]: 6982 without permission, 6A82 if there is no such file.
    pub fn delete(&mut self, fid: u16) -> Result<(), Error> {
        self.send(&request::delete_file(&fid.to_be_bytes()))?.done()
    }

    /// Random bytes from the card.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn random(&mut self, count: usize) -> Result<Vec<u8>, Error> {
        let mut random = Vec::new();
        while random.len() < count {
            let ne = (count - random.len()).min(SHORT_NE);
            let part = self.send(&request::get_challenge(ne))?.ok()?;
            if part.is_empty() || part.len() > ne {
                return Err(Error::Malformed);
            }
            random.extend_from_slice(&part);
        }
        Ok(random)
    }

    /// Presents the PIN, and lends out the calls that it permits.
    ///
    /// The card keeps the PIN verified when the loan ends, until the application is selected again.
    ///
    /// # Errors
    /// [`Error::WrongPin`] costs a try; [`Error::Blocked`] if there are none left.
    pub fn verify(&mut self, pin: &Pin) -> Result<Verified<'_, T>, Error> {
        let answer = self.send(&request::verify(&pin.padded()))?;
        pin_answer(&answer)?;
        Ok(Verified::new(self))
    }

    /// How many tries the PIN has left; `None` where none is needed, because it is verified or not yet set.
    ///
    /// # Errors
    /// [`Error::Refused`] if the card does not tell.
    pub fn pin_tries(&mut self) -> Result<Option<u8>, Error> {
        let answer = self.send(&request::verify(&[]))?;
        match pin_answer(&answer) {
            Ok(()) => Ok(None),
            Err(Error::WrongPin { tries }) => Ok(Some(tries)),
            Err(Error::Blocked) => Ok(Some(0)),
            Err(error) => Err(error),
        }
    }

    /// Gives the PIN a new value. It counts as not verified afterwards.
    ///
    /// # Errors
    /// As [`Card::verify`], for the old PIN.
    pub fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), Error> {
        let both = pair(&old.padded(), &new.padded());
        pin_answer(&self.send(&request::change_pin(&both))?)
    }

    /// Gives the PIN a new value and all its tries back. It counts as not verified afterwards.
    ///
    /// # Errors
    /// [`Error::WrongPin`] tells the tries of the PUK; [`Error::Blocked`] also where the card has no PUK.
    pub fn unblock_pin(&mut self, puk: &Puk, new: &Pin) -> Result<(), Error> {
        let both = pair(puk.bytes(), &new.padded());
        pin_answer(&self.send(&request::unblock_pin(&both))?)
    }

    /// Sets the PUK of a card that is being personalised; before the PIN or never.
    ///
    /// # Errors
    /// [`Error::Refused`] if the card has one, or has a PIN.
    pub fn set_puk(&mut self, puk: &Puk) -> Result<(), Error> {
        self.send(&request::set_puk(puk.bytes()))?.done()
    }

    /// Sets the PIN of a card that is being personalised, which ends there.
    ///
    /// # Errors
    /// [`Error::Refused`] if the card has one.
    pub fn set_pin(&mut self, pin: &Pin) -> Result<(), Error> {
        self.send(&request::set_pin(pin.bare()))?.done()
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.state.epoch
    }
}

/// Reads the answer to a command that presents a PIN or PUK.
fn pin_answer(answer: &Answer) -> Result<(), Error> {
    match (answer.status, answer.status.retries()) {
        (Status::BLOCKED, _) | (_, Some(0)) => Err(Error::Blocked),
        (_, Some(tries)) => Err(Error::WrongPin { tries }),
        _ => answer.done(),
    }
}

/// Two secrets one behind the other, in a buffer that does not move and is wiped.
fn pair(first: &[u8], second: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut both = Zeroizing::new(Vec::with_capacity(first.len() + second.len()));
    both.extend_from_slice(first);
    both.extend_from_slice(second);
    both
}

fn reachable(offset: u16, len: usize) -> Result<(), Error> {
    let end = usize::from(offset).saturating_add(len);
    if end > REACHABLE { Err(Error::TooLong { len: end, max: REACHABLE }) } else { Ok(()) }
}

/// The offset of a later piece of a part that was found [`reachable`].
fn at(offset: u16, done: usize) -> Result<u16, Error> {
    let at = usize::from(offset) + done;
    u16::try_from(at).map_err(|_| Error::TooLong { len: at, max: REACHABLE })
}
