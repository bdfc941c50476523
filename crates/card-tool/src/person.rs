//! The person at the card: at a terminal, who is asked step by step in the manual's order, or behind a script, where
//! nothing is asked. Both hear the same notices.

use std::collections::BTreeMap;

use card_enrolment::dialog::{Cancelled, Candidate, Dialog, Interrupted, Notice, PinAsk, Purpose};
use card_pki::certificate::Certificate;
use card_pki::time::{Timestamp, shown};
use host_driver::{Pin, Puk};

use crate::failure::Failure;
use crate::interrupt::{self, Stage};
use crate::secret::{self, Descriptors, Typed};
use crate::settings::Settings;
use crate::terminal::{self, GaveUp, say};
use crate::texts::Lang;

/// Whoever answers questions.
pub struct Person {
    pub(crate) settings: Settings,
    descriptors: Descriptors,
    /// PINs that came from a descriptor: it can be read only once, and a renewal needs them three times.
    given: BTreeMap<usize, Typed>,
    /// PINs that were typed, where that is wanted.
    remembered: BTreeMap<usize, Pin>,
    /// Why a question was not answered, where "cancelled" is not all there is to say.
    why: Option<Failure>,
    /// The card's serial number, once known.
    pub(crate) serial: String,
    /// The card has no certificate yet.
    pub(crate) first: bool,
    /// The certificate that shall sign, if it was named.
    pub(crate) wanted: Option<String>,
}

impl core::fmt::Debug for Person {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Person").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Person {
    /// Somebody who is asked as the settings say.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            descriptors: Descriptors::default(),
            given: BTreeMap::new(),
            remembered: BTreeMap::new(),
            why: None,
            serial: String::new(),
            first: false,
            wanted: None,
        }
    }

    pub(crate) const fn lang(&self) -> Lang {
        self.settings.lang
    }

    /// Forgets every PIN that was typed: the card was removed.
    pub(crate) fn forget(&mut self) {
        self.remembered.clear();
    }

    /// Why the last question was not answered, or else that the person cancelled.
    pub(crate) fn why(&mut self) -> Failure {
        self.why.take().unwrap_or_else(|| Failure::new("cancelled", interrupt::kept(self.lang())))
    }

    fn no<T>(&mut self, why: Failure) -> Result<T, Cancelled> {
        self.why = Some(why);
        Err(Cancelled)
    }

    /// Whether a PIN comes from a script: nothing is asked, or a descriptor was named.
    const fn scripted(&self) -> bool {
        self.settings.batch || self.settings.pin_fd.is_some()
    }

    fn scripted_pin(&mut self, card: usize) -> Result<Pin, Failure> {
        let lang = self.lang();
        let fd = self.settings.pin_fd.ok_or_else(|| Failure::missing("pin-needed", lang.batch_needs_pin()))?;
        if !self.given.contains_key(&card) {
            let typed = self.descriptors.line(lang, fd)?;
            self.given.insert(card, typed);
        }
        secret::pin(lang, &self.given[&card])
    }

    /// Checks a PIN from a script before anything is sent to the card.
    pub(crate) fn check_script(&mut self) -> Result<(), Failure> {
        if self.scripted() && self.settings.pin_fd.is_some() { self.scripted_pin(0).map(drop) } else { Ok(()) }
    }

    /// A secret for a command of its own: from its descriptor or typed.
    fn secret<T>(
        &mut self,
        fd: Option<u32>,
        option: &str,
        prompt: &str,
        parse: impl Fn(Lang, &Typed) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let lang = self.lang();
        if let Some(fd) = fd {
            let typed = self.descriptors.line(lang, fd)?;
            return parse(lang, &typed);
        }
        if self.settings.batch {
            return Err(Failure::missing("secret-needed", lang.batch_needs(option)));
        }
        if !terminal::is_there() {
            return Err(terminal::nobody(lang));
        }
        loop {
            let typed = terminal::secret(prompt).map_err(|GaveUp| self.why())?;
            match parse(lang, &typed) {
                Ok(secret) => return Ok(secret),
                Err(failure) => say(failure),
            }
        }
    }

    /// The present PIN, for a command of its own.
    pub(crate) fn old_pin(&mut self) -> Result<Pin, Failure> {
        if self.settings.pin_fd.is_some() {
            return self.scripted_pin(0);
        }
        let prompt = self.lang().old_pin();
        self.secret(None, "--pin-fd", &prompt, secret::pin)
    }

    /// A new PIN; typed ones are typed twice.
    pub(crate) fn new_pin(&mut self) -> Result<Pin, Failure> {
        let (lang, fd) = (self.lang(), self.settings.new_pin_fd);
        loop {
            let first = self.secret(fd, "--new-pin-fd", &lang.new_pin(), secret::pin)?;
            if fd.is_some() || first == self.secret(None, "--new-pin-fd", &lang.new_pin_again(), secret::pin)? {
                return Ok(first);
            }
            say(lang.new_pins_differ());
        }
    }

    /// The PUK.
    pub(crate) fn puk(&mut self) -> Result<Puk, Failure> {
        let (prompt, fd) = (self.lang().puk_prompt(), self.settings.puk_fd);
        self.secret(fd, "--puk-fd", &prompt, secret::puk)
    }

    /// A line from a descriptor, as it is.
    pub(crate) fn line_from(&mut self, fd: u32) -> Result<Typed, Failure> {
        self.descriptors.line(self.settings.lang, fd)
    }

    /// The PIN from its descriptor as text, where one was named.
    pub(crate) fn given_pin(&mut self) -> Result<Option<Typed>, Failure> {
        if self.settings.pin_fd.is_none() {
            return Ok(None);
        }
        self.scripted_pin(0)?;
        Ok(self.given.get(&0).cloned())
    }

    /// Only one try is left: whether it may be spent.
    pub(crate) fn may_spend_last_try(&mut self) -> Result<(), Failure> {
        let lang = self.lang();
        if self.settings.spend_last_try {
            return Ok(());
        }
        let refused = Failure::new("last-try", lang.last_try_refused(&self.serial));
        if self.settings.batch || !terminal::is_there() {
            return Err(refused);
        }
        terminal::yes(&lang.last_try_ask()).map_err(|GaveUp| refused)
    }

    /// A question with yes or no; scripts and `--yes` say yes.
    pub(crate) fn confirm(&mut self, prompt: &str) -> Result<(), Failure> {
        if self.settings.batch || self.settings.yes {
            return Ok(());
        }
        if !terminal::is_there() {
            return Err(terminal::nobody(self.lang()));
        }
        terminal::yes(prompt).map_err(|GaveUp| self.why())
    }

    /// A line and the manual's button under it.
    fn agree(&mut self, text: impl core::fmt::Display) -> Result<(), Cancelled> {
        say(text);
        self.button()
    }

    /// The manual's button; scripts and `--yes` press it.
    fn button(&mut self) -> Result<(), Cancelled> {
        if self.settings.batch || self.settings.yes {
            return Ok(());
        }
        if !terminal::is_there() {
            let nobody = terminal::nobody(self.lang());
            return self.no(nobody);
        }
        terminal::button(self.lang()).map_err(|GaveUp| Cancelled)
    }

    fn confirm_data(&mut self, subject: &str, agreement: &str) -> Result<(), Cancelled> {
        let lang = self.lang();
        say(lang.confirm_data());
        say(lang.subject_is(subject));
        if let Some(path) = self.settings.accept_agreement.clone() {
            let accepted = match std::fs::read(&path) {
                Ok(accepted) => accepted,
                Err(error) => return self.no(Failure::read(lang, &path, &error)),
            };
            if accepted != agreement.as_bytes() {
                return self.no(Failure::new("agreement-differs", lang.agreement_differs(path.display())));
            }
            say(lang.agreement_accepted());
            return self.button();
        }
        if self.settings.batch {
            return self.no(Failure::missing("agreement-needed", lang.batch_needs_agreement()));
        }
        if !terminal::is_there() {
            return self.no(terminal::nobody(lang));
        }
        say(lang.agreement_follows());
        say(agreement.trim_end());
        terminal::yes(&lang.accept_agreement_ask()).map_err(|GaveUp| Cancelled)?;
        self.button()
    }

    fn updated(&mut self, certificate: &Certificate) -> Result<(), Cancelled> {
        let lang = self.lang();
        say(lang.certificate_line(certificate.serial(), shown(certificate.validity().not_after)));
        // Nothing hangs on the answer: the certificate is proven.
        let _ = self.agree(if self.first { lang.applied_updated() } else { lang.updated() });
        self.why = None;
        Ok(())
    }
}

impl Dialog for Person {
    fn pin(&mut self, ask: &PinAsk) -> Result<Pin, Cancelled> {
        let lang = self.lang();
        if ask.wrong {
            self.remembered.remove(&ask.card);
            if ask.purpose == Purpose::Generate {
                // The card has made no key.
                interrupt::back_to_nothing();
            }
        }
        if interrupt::is_raised() {
            return Err(Cancelled);
        }
        if self.scripted() {
            if ask.wrong {
                let tries = ask.tries.unwrap_or_default();
                return self.no(Failure::wrong("wrong-pin", lang.wrong_pin(tries), tries));
            }
            return self.scripted_pin(ask.card).or_else(|failure| self.no(failure));
        }
        if let Some(pin) = self.remembered.get(&ask.card) {
            return Ok(pin.clone());
        }
        if !terminal::is_there() {
            return self.no(terminal::nobody(lang));
        }
        title(lang, ask);
        loop {
            let typed = terminal::secret(&lang.pin_prompt()).map_err(|GaveUp| Cancelled)?;
            match secret::pin(lang, &typed) {
                Ok(pin) => {
                    if self.settings.remember_pin {
                        self.remembered.insert(ask.card, pin.clone());
                    }
                    return Ok(pin);
                }
                Err(failure) => say(failure),
            }
        }
    }

    fn last_try(&mut self, ask: &PinAsk) -> Result<(), Cancelled> {
        // A script gives one PIN only: after a wrong one there is nothing to spend the last try on.
        if ask.wrong && self.scripted() {
            let wrong = Failure::wrong("wrong-pin", self.lang().wrong_pin(1), 1);
            return self.no(wrong);
        }
        self.may_spend_last_try().or_else(|failure| self.no(failure))
    }

    fn notice(&mut self, notice: &Notice<'_>) -> Result<(), Cancelled> {
        let lang = self.lang();
        if interrupt::is_raised() && !matches!(notice, Notice::Updated { .. } | Notice::Completed) {
            return Err(Cancelled);
        }
        match notice {
            Notice::Confirm { subject, agreement } => return self.confirm_data(subject, agreement),
            Notice::DoNotRemove => say(lang.do_not_remove()),
            Notice::InsertCard { card: 0, .. } => return self.agree(lang.insert_card()),
            Notice::InsertCard { card, .. } => return self.agree(lang.insert_other_card(card)),
            Notice::Reader { name, .. } => say(lang.reader_used(name)),
            Notice::WillGenerate => return self.agree(lang.will_generate()),
            Notice::Generating => {
                interrupt::reached(Stage::Key);
                // Only somebody who waits wants to know for how long.
                if !self.settings.batch && !self.settings.json {
                    say(lang.generating());
                }
            }
            Notice::WillSign { old: Some(old) } => {
                interrupt::reached(Stage::Key);
                say(lang.will_sign_with(old.serial(), shown(old.validity().not_after)));
            }
            Notice::WillSign { old: None } => {
                interrupt::reached(Stage::Key);
                say(lang.will_sign_first());
            }
            Notice::Sent => {
                if interrupt::reached(Stage::Sent) {
                    say(lang.request_sent());
                }
            }
            Notice::Waiting => say(lang.no_answer_yet()),
            Notice::Writing => {
                interrupt::reached(Stage::Writing);
                say(lang.writing());
            }
            Notice::Updated { certificate } => return self.updated(certificate),
            Notice::Completed if self.first => say(lang.applied_completed()),
            Notice::Completed => say(lang.completed()),
            Notice::Resuming { what } => say(resuming(lang, *what)),
        }
        Ok(())
    }

    fn choose(&mut self, candidates: &[Candidate], now: Timestamp) -> Result<usize, Cancelled> {
        let lang = self.lang();
        let expired = |at: usize| candidates.get(at).is_some_and(|c| !c.certificate.validity().contains(now));
        if let Some(wanted) = self.wanted.clone() {
            let found = candidates.iter().position(|c| c.certificate.serial().eq_ignore_ascii_case(&wanted));
            return match found {
                Some(at) if expired(at) => self.no(Failure::new("expired", lang.candidate_is_expired())),
                Some(at) => Ok(at),
                None => self.no(Failure::missing("no-such-certificate", lang.no_such_certificate(wanted))),
            };
        }
        if self.settings.batch || !terminal::is_there() {
            return Ok(0);
        }
        say(lang.choose_certificate());
        for (candidate, number) in candidates.iter().zip(1..) {
            let certificate = &candidate.certificate;
            let (serial, until) = (certificate.serial(), shown(certificate.validity().not_after));
            say(match certificate.validity().contains(now) {
                true => lang.candidate(number, serial, until, certificate.subject()),
                false => lang.candidate_expired(number, serial, until, certificate.subject()),
            });
        }
        loop {
            let prompt = lang.choose_number_default(candidates.len());
            let at = terminal::number(lang, &prompt, candidates.len(), Some(0)).map_err(|GaveUp| Cancelled)?;
            if expired(at) {
                say(lang.candidate_is_expired());
            } else if at == 0 || terminal::yes(&lang.candidate_not_newest_ask()).is_ok() {
                return Ok(at);
            } else if interrupt::is_raised() {
                return Err(Cancelled);
            }
        }
    }
}

fn title(lang: Lang, ask: &PinAsk) {
    say(lang.pin_title());
    say(match ask.purpose {
        Purpose::Login => lang.pin_for_login(),
        Purpose::Generate => lang.pin_for_generate(),
        Purpose::Sign => lang.pin_for_sign(),
        Purpose::Write => lang.pin_for_write(),
    });
    if ask.card > 0 {
        say(lang.pin_of_card(ask.card));
    }
    if ask.wrong {
        say(lang.pin_wrong_ask());
    }
    if let Some(tries) = ask.tries {
        say(lang.pin_tries(tries));
    }
    say(lang.pin_cancel_hint());
}

fn resuming(lang: Lang, what: Interrupted) -> String {
    match what {
        Interrupted::Generation => lang.resuming_generation(),
        Interrupted::Keyed => lang.resuming_keyed(),
        Interrupted::Installation => lang.resuming_installation(),
        Interrupted::Retirement => lang.resuming_retirement(),
    }
}
