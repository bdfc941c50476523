//! What the tool does, one function for each command. Each returns what it has to say, or why it did not do it.

mod desk;
mod life;
mod pins;
mod show;
mod signatures;
mod store;

pub use desk::{Init, init};
pub use life::{Download, apply, download, install, renew, retire};
pub use pins::{change_pin, login, unblock_pin, verify_pin};
pub use show::{certs, info};
pub use signatures::{Verify, sign, verify};
pub use store::{install_csp, register, uninstall_csp, unregister};

use card_enrolment::authority::Authority as _;
use card_enrolment::{DirectoryChannel, Overview, overview};
use card_pki::crl::Crl;
use host_driver::Transport as _;

use crate::failure::Failure;
use crate::home::{Home, Seen};
use crate::patient::Patient;
use crate::person::Person;
use crate::place::{self, AnyCard, Place};
use crate::registration::{self, Registrations};
use crate::sentences;
use crate::settings::Settings;
use crate::terminal;
use crate::texts::Lang;

/// A card, a person and what this computer knows.
pub struct Session {
    person: Person,
    home: Home,
    card: AnyCard,
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session").field("person", &self.person).finish_non_exhaustive()
    }
}

impl Session {
    /// Finds the card. What can be checked without it is checked before.
    ///
    /// # Errors
    /// [`Failure`] where there is no card, or a PIN from a script cannot be one.
    pub fn begin(settings: Settings, place: Place) -> Result<Self, Failure> {
        let home = Home::of(&settings)?;
        let mut person = Person::new(settings);
        person.check_script()?;
        let card = place::connect(&mut person, place)?;
        Ok(Self { person, home, card })
    }

    const fn lang(&self) -> Lang {
        self.person.lang()
    }

    fn settings(&self) -> &Settings {
        &self.person.settings
    }

    /// A sentence for what went wrong in a flow. A card that is gone takes its remembered PIN along.
    fn failed(&mut self, error: &card_enrolment::Error) -> Failure {
        use card_enrolment::Error;
        match error {
            Error::Cancelled => self.person.why(),
            Error::Card(host_driver::Error::Transport(_)) => {
                self.person.forget();
                sentences::flow(self.lang(), &self.person.serial, error)
            }
            other => sentences::flow(self.lang(), &self.person.serial, other),
        }
    }

    /// The authority, where one was named.
    fn authority(&self) -> Result<DirectoryChannel, Failure> {
        authority(self.settings())
    }

    /// The same, waited for as long as the settings say.
    fn patient(&self) -> Result<Patient, Failure> {
        Ok(Patient::new(self.authority()?, self.lang(), self.settings().wait))
    }

    /// What is on the card. The person's later sentences name it by its serial number.
    fn look(&mut self) -> Result<Overview, Failure> {
        let (now, crl) = (self.settings().now, self.crl());
        let found = overview(&mut self.card, now, crl.as_ref()).map_err(|error| self.failed(&error))?;
        self.person.serial.clone_from(&found.serial);
        self.person.first = found.generations.iter().all(|generation| generation.certificate.is_none());
        Ok(found)
    }

    /// The newest revocation list that the authority itself signed. None without an authority: then nothing is known.
    pub(crate) fn crl(&self) -> Option<Crl> {
        let mut authority = self.authority().ok()?;
        let chain = authority.chain().ok()?;
        authority.crl().ok()?.filter(|crl| crl.signed_by(&chain.issuing))
    }

    /// Notes what is on the card; returns what was there once.
    fn note(&self, overview: &Overview) -> Result<Vec<Seen>, Failure> {
        match self.home.note(&overview.serial, &seen(overview)) {
            // What was done on the card is done; only this computer will not remember it.
            Err(failure) if failure.code == "cannot-write" => {
                terminal::say(failure);
                Ok(Vec::new())
            }
            noted => noted,
        }
    }

    /// The line that tells of a registration that no longer fits the card.
    fn stale(&self, overview: &Overview) -> Result<Option<String>, Failure> {
        let stale = Registrations::load(&self.home)?.is_stale(overview);
        Ok(stale.then(|| self.lang().stale_registration(&overview.serial)))
    }

    /// Where the card is, for people.
    fn place(&mut self) -> String {
        self.card.transport().describe()
    }
}

fn authority(settings: &Settings) -> Result<DirectoryChannel, Failure> {
    let lang = settings.lang;
    let path = settings.channel.as_ref().ok_or_else(|| Failure::missing("no-channel", lang.no_channel()))?;
    DirectoryChannel::open(path).map_err(|error| sentences::authority(lang, &error))
}

fn seen(overview: &Overview) -> Vec<Seen> {
    let with = overview.generations.iter().filter_map(|generation| {
        let certificate = generation.certificate.as_ref()?;
        let validity = certificate.validity();
        Some(Seen {
            card: overview.serial.clone(),
            sha256: registration::hash(certificate),
            serial: certificate.serial().to_owned(),
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            not_before: validity.not_before,
            not_after: validity.not_after,
            slot: generation.slot,
        })
    });
    with.collect()
}
