//! The user's NSS database, in which Firefox, Chromium and others look: certificates and modules, through NSS' own tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::programs::{self, Said};
use crate::texts::Lang;

/// A database, which need not be there.
#[derive(Clone, Debug)]
pub(crate) struct Nss {
    pub(crate) dir: PathBuf,
    lang: Lang,
}

impl Nss {
    pub(crate) fn at(lang: Lang, dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), lang }
    }

    /// The user's shared database.
    pub(crate) fn of_user(lang: Lang) -> Option<Self> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
        Some(Self::at(lang, PathBuf::from(home).join(".pki/nssdb")))
    }

    pub(crate) fn exists(&self) -> bool {
        self.dir.join("cert9.db").is_file() || self.dir.join("pkcs11.txt").is_file()
    }

    pub(crate) fn has_tools() -> bool {
        programs::find("certutil").is_some() && programs::find("modutil").is_some()
    }

    fn run(&self, program: &'static str, fill: impl FnOnce(&mut Command)) -> Result<Said, Failure> {
        let lang = self.lang;
        let missing = || Failure::missing("program-missing", lang.program_missing(program));
        let mut command = Command::new(programs::find(program).ok_or_else(missing)?);
        command.arg("-d").arg(self.database());
        fill(&mut command);
        programs::run(&mut command).ok_or_else(missing)
    }

    fn database(&self) -> std::ffi::OsString {
        let mut name = std::ffi::OsString::from("sql:");
        name.push(&self.dir);
        name
    }

    fn done(&self, program: &'static str, said: &Said) -> Result<(), Failure> {
        let failed = || Failure::new("program-failed", self.lang.program_failed(program, said.last_line()));
        if said.ok { Ok(()) } else { Err(failed()) }
    }

    /// Makes an empty database without a password.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        crate::home::Home::make(&self.dir).map_err(|error| Failure::write(self.lang, &self.dir, &error))?;
        let said = self.run("certutil", |command| {
            command.args(["-N", "--empty-password"]);
        })?;
        self.done("certutil", &said)
    }

    pub(crate) fn has_certificate(&self, nickname: &str) -> bool {
        self.run("certutil", |command| {
            command.args(["-L", "-n", nickname]);
        })
        .is_ok_and(|said| said.ok)
    }

    /// Adds a certificate without any trust; nobody but the user decides whom to trust.
    pub(crate) fn add_certificate(&self, nickname: &str, pem: &Path) -> Result<(), Failure> {
        let said = self.run("certutil", |command| {
            command.args(["-A", "-n", nickname, "-t", ",,", "-a", "-i"]).arg(pem);
        })?;
        self.done("certutil", &said)
    }

    pub(crate) fn remove_certificate(&self, nickname: &str) -> Result<(), Failure> {
        let said = self.run("certutil", |command| {
            command.args(["-D", "-n", nickname]);
        })?;
        self.done("certutil", &said)
    }

    /// Whether the database is as [`Nss::create`] makes it, modules aside.
    pub(crate) fn is_empty(&self) -> bool {
        let listed = self.run("certutil", |command| {
            command.arg("-L");
        });
        let keys = self.run("certutil", |command| {
            command.arg("-K");
        });
        // Certificates have three trust columns at the end of their line.
        let none = listed
            .is_ok_and(|said| said.ok && !said.text.lines().any(|line| line.trim_end().ends_with(['u', 'C', ','])));
        let modules = crate::home::bounded(&self.list()).is_ok_and(|text| {
            String::from_utf8_lossy(&text).lines().filter(|line| line.starts_with("name=")).count() > 1
        });
        none && !modules && keys.is_ok_and(|said| !said.text.lines().any(|line| line.trim_start().starts_with('<')))
    }

    /// The file that lists modules.
    pub(crate) fn list(&self) -> PathBuf {
        self.dir.join("pkcs11.txt")
    }

    /// The library that is listed under this name.
    pub(crate) fn module(&self, name: &str) -> Option<PathBuf> {
        let text = String::from_utf8(crate::home::bounded(&self.list()).ok()?).ok()?;
        text.split("\n\n").find_map(|part| {
            part.lines().any(|line| line == format!("name={name}")).then_some(())?;
            part.lines().find_map(|line| line.strip_prefix("library=")).map(PathBuf::from)
        })
    }

    pub(crate) fn add_module(&self, name: &str, library: &Path) -> Result<(), Failure> {
        let said = self.modutil(|command| {
            command.args(["-add", name, "-libfile"]).arg(library);
        })?;
        self.done("modutil", &said)
    }

    pub(crate) fn remove_module(&self, name: &str) -> Result<(), Failure> {
        let said = self.modutil(|command| {
            command.args(["-delete", name]);
        })?;
        self.done("modutil", &said)
    }

    fn modutil(&self, fill: impl FnOnce(&mut Command)) -> Result<Said, Failure> {
        let lang = self.lang;
        let missing = || Failure::missing("program-missing", lang.program_missing("modutil"));
        let mut command = Command::new(programs::find("modutil").ok_or_else(missing)?);
        command.arg("-force").arg("-dbdir").arg(self.database());
        fill(&mut command);
        programs::run(&mut command).ok_or_else(missing)
    }
}
