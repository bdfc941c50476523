//! An authority that is waited for: inside a flow, so that a PIN that was given need not be asked for again.

use std::thread;
use std::time::{Duration, Instant};

use card_enrolment::DirectoryChannel;
use card_enrolment::authority::{Authority, AuthorityError};
use card_pki::certificate::Chain;
use card_pki::channel::{Answer, Confirmation, Registration, SealedPuk, Submission};
use card_pki::crl::Crl;
use card_pki::key::KeyHash;

use crate::interrupt::{self, Stage};
use crate::terminal::say;
use crate::texts::Lang;

/// How often the authority is asked while waiting.
const POLL: Duration = Duration::from_millis(250);
/// How often the person hears that the waiting goes on.
const PROGRESS: Duration = Duration::from_secs(5);
/// Nobody waits longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The authority behind a channel, with the patience to wait for its answers.
#[derive(Debug)]
pub(crate) struct Patient {
    pub(crate) channel: DirectoryChannel,
    lang: Lang,
    wait: Duration,
}

impl Patient {
    pub(crate) fn new(channel: DirectoryChannel, lang: Lang, wait: Duration) -> Self {
        Self { channel, lang, wait: wait.min(LONGEST) }
    }

    /// Asks until there is something, the patience is at its end, or Ctrl-C was pressed.
    fn until<R>(
        &mut self,
        mut ask: impl FnMut(&mut DirectoryChannel) -> Result<R, AuthorityError>,
        is_there: impl Fn(&R) -> bool,
    ) -> Result<R, AuthorityError> {
        let end = Instant::now() + self.wait;
        let mut told: Option<Instant> = None;
        loop {
            let answer = ask(&mut self.channel)?;
            let left = end.saturating_duration_since(Instant::now());
            if is_there(&answer) || left.is_zero() || interrupt::is_raised() {
                return Ok(answer);
            }
            if told.is_none_or(|told| told.elapsed() >= PROGRESS) {
                say(self.lang.waiting_for_answer(left.as_secs()));
                told = Some(Instant::now());
            }
            thread::sleep(POLL.min(left));
        }
    }
}

impl Authority for Patient {
    fn registration(&mut self, card: &str) -> Result<Registration, AuthorityError> {
        self.channel.registration(card)
    }

    fn agreement(&mut self) -> Result<String, AuthorityError> {
        self.channel.agreement()
    }

    fn nonce(&mut self, subscriber: &str) -> Result<Vec<u8>, AuthorityError> {
        self.channel.nonce(subscriber)
    }

    fn submit(&mut self, key: KeyHash, submission: &Submission) -> Result<Answer, AuthorityError> {
        match self.channel.submit(key, submission)? {
            Answer::Pending => {
                if interrupt::reached(Stage::Sent) {
                    say(self.lang.request_sent());
                }
                self.until(|channel| channel.answer(key), |answer| *answer != Answer::Pending)
            }
            answer => Ok(answer),
        }
    }

    fn answer(&mut self, key: KeyHash) -> Result<Answer, AuthorityError> {
        // What nobody has asked for is not waited for.
        if self.channel.channel().submission(&key)?.is_none() {
            return self.channel.answer(key);
        }
        self.until(|channel| channel.answer(key), |answer| *answer != Answer::Pending)
    }

    fn installed(&mut self, key: KeyHash, confirmation: &Confirmation) -> Result<bool, AuthorityError> {
        if self.channel.installed(key, confirmation)? {
            return Ok(true);
        }
        self.until(|channel| Ok(channel.channel().closed(&key)?.is_some()), |closed| *closed)
    }

    fn keep_puk(&mut self, sealed: &SealedPuk) -> Result<(), AuthorityError> {
        self.channel.keep_puk(sealed)
    }

    fn chain(&mut self) -> Result<Chain, AuthorityError> {
        self.channel.chain()
    }

    fn crl(&mut self) -> Result<Option<Crl>, AuthorityError> {
        self.channel.crl()
    }
}
