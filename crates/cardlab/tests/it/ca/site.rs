//! One authority, made once by the program itself and copied for each test, and requests made by `openssl`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use card_pki::certificate::Certificate;
use card_pki::channel::agreement_hash;
use card_pki::key::PublicKey;
use card_pki::name::Subject;
use card_pki::renewal::{self, Terms};
use card_pki::{request, time};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const START: &str = "2026-01-31T10:00:00";
pub(crate) const RENEWAL: &str = "2027-01-10T12:00:00";
pub(crate) const PASSPHRASE: &str = "正確的密語";

const LIMIT: Duration = Duration::from_secs(60);

/// An authority with one subscriber and card, its directory and a place for files.
pub(crate) struct Site {
    root: TempDir,
    openssl: PathBuf,
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) errors: String,
}

impl Site {
    /// Nothing where there is no `openssl`.
    pub(crate) fn new() -> Option<Self> {
        static MADE: OnceLock<TempDir> = OnceLock::new();
        let openssl = testkit::require_or_skip(testkit::find_program("openssl"))?;
        let made = MADE.get_or_init(|| {
            let site = Self { root: tempfile::tempdir().unwrap(), openssl: openssl.clone() };
            site.done(START, &["init", "--name", "測試中心", "--seed", "11", "--quick"]);
            let who = ["--subscriber", "alice", "--ra-unit", "台北", "--card", "C1", "--cn", "陳筱玲", "--o", "某公司"];
            site.done(START, &[&["register", "--email", "alice@example.org"], &who[..]].concat());
            for key in ["old", "new"] {
                site.openssl(&["genrsa", "-out", site.file(key).to_str().unwrap(), "2048"]);
            }
            fs::write(site.file("request"), site.request("old", None)).unwrap();
            site.root
        });
        let root = tempfile::tempdir().unwrap();
        copy(made.path(), root.path());
        Some(Self { root, openssl })
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("ca")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, now: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
        command.arg("ca").args(arguments).args(["--json", "--now", now]);
        command.env("CARDLAB_CA", self.dir()).env("CARDLAB_CA_PASSPHRASE", PASSPHRASE);
        command
    }

    pub(crate) fn run(&self, now: &str, arguments: &[&str]) -> Said {
        said(&testkit::run_bounded(&mut self.command(now, arguments), LIMIT))
    }

    /// Runs a command that must do what it is told.
    pub(crate) fn done(&self, now: &str, arguments: &[&str]) -> Value {
        let said = self.run(now, arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.errors);
        assert_eq!(said.json["done"], true, "{arguments:?}: {}", said.json);
        said.json
    }

    /// Runs a command that must be refused, and gives the code of the refusal.
    pub(crate) fn refused(&self, now: &str, arguments: &[&str]) -> String {
        let said = self.run(now, arguments);
        assert_eq!(said.code, 1, "{arguments:?}: {}", said.errors);
        said.json["refusal"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn openssl(&self, arguments: &[&str]) -> Vec<u8> {
        let output = testkit::run_bounded(Command::new(&self.openssl).args(arguments), LIMIT);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn sign(&self, key: &str, digest: &[u8; 32]) -> Vec<u8> {
        fs::write(self.file("digest"), digest).unwrap();
        let (key, digest) = (self.path(key), self.path("digest"));
        self.openssl(&["pkeyutl", "-sign", "-inkey", &key, "-in", &digest, "-pkeyopt", "digest:sha256"])
    }

    /// A request by one of the keys, signed by `openssl`.
    pub(crate) fn request(&self, key: &str, old: Option<&Certificate>) -> Vec<u8> {
        let subject = Subject {
            country: "TW".into(),
            organization: Some("某公司".into()),
            unit: Vec::new(),
            common_name: "陳筱玲".into(),
            serial_number: None,
        };
        let spki = self.openssl(&["pkey", "-in", &self.path(key), "-pubout", "-outform", "DER"]);
        let public = PublicKey::from_spki_der(&spki).unwrap();
        let unsigned = request::Unsigned::new(&subject.to_der().unwrap(), &public, old).unwrap();
        let signature = self.sign(key, &unsigned.digest());
        unsigned.signed(&signature).unwrap()
    }

    /// The first certificate of key `old`.
    pub(crate) fn issued(&self) -> Certificate {
        let said = self.done(START, &["issue", "--card", "C1", &self.path("request")]);
        Certificate::from_pem(said["certificate"]["pem"].as_str().unwrap()).unwrap()
    }

    /// A renewal of key `old` by key `new`, with a fresh nonce.
    pub(crate) fn renewal(&self, old: &Certificate) -> Vec<u8> {
        let nonce = self.done(RENEWAL, &["nonce", "--subscriber", "alice"]);
        let agreement = self.done(RENEWAL, &["agreement", "show"]);
        let terms = Terms {
            nonce: hex::decode(nonce["nonce"].as_str().unwrap()).unwrap(),
            agreement: agreement_hash(agreement["text"].as_str().unwrap()),
        };
        let request = self.request("new", Some(old));
        let unsigned = renewal::Unsigned::new(&request, old, &terms, time::parse(RENEWAL).unwrap()).unwrap();
        let signature = self.sign("old", &unsigned.digest());
        unsigned.signed(&signature).unwrap()
    }
}

pub(crate) fn said(output: &Output) -> Said {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Said {
        code: output.status.code().unwrap_or(-1),
        json: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        errors,
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
