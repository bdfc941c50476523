//! Keys and certificates that all tests share, and OpenSSL.

use card_pki::certificate::{Certificate, Chain};
use card_pki::issue::{self, Profile};
use card_pki::key::PublicKey;
use card_pki::name::Subject;
use card_pki::renewal::{self, Terms};
use card_pki::request;
use card_pki::time::{Timestamp, Validity, parse};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsa::pkcs8::EncodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::Sha256;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const POLICY: &str = issue::POLICY;

pub(crate) fn at(text: &str) -> Timestamp {
    parse(text).unwrap()
}

pub(crate) fn now() -> Timestamp {
    at("2026-11-22T12:00:00")
}

/// A private key in memory, in the place of a card.
pub(crate) struct Signer {
    private: RsaPrivateKey,
    pub(crate) public: PublicKey,
}

impl Signer {
    fn new(seed: u8) -> Self {
        let private = RsaPrivateKey::new(&mut ChaCha20Rng::from_seed([seed; 32]), 2048).unwrap();
        let public = PublicKey::new(&private.n_bytes(), &private.e_bytes()).unwrap();
        Self { private, public }
    }

    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Vec<u8> {
        self.private.sign(Pkcs1v15Sign::new::<Sha256>(), digest).unwrap()
    }

    pub(crate) fn pkcs8(&self) -> Vec<u8> {
        self.private.to_pkcs8_der().unwrap().as_bytes().to_vec()
    }

    pub(crate) fn private(&self) -> &RsaPrivateKey {
        &self.private
    }
}

/// An authority with two holders.
pub(crate) struct World {
    pub(crate) root_key: Signer,
    pub(crate) issuing_key: Signer,
    pub(crate) old_key: Signer,
    pub(crate) new_key: Signer,
    pub(crate) chain: Chain,
    pub(crate) old: Certificate,
    pub(crate) other: Certificate,
}

pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

pub(crate) fn subject(common_name: &str) -> Subject {
    Subject {
        country: "TW".into(),
        organization: Some("臺".repeat(64)),
        unit: vec!["資訊組".into(), "憑證, \"管理\" + 註冊".into()],
        common_name: common_name.into(),
        serial_number: Some("0000000110012345".into()),
    }
}

pub(crate) fn holder(email: Option<&str>) -> Profile {
    Profile::EndEntity {
        email: email.map(Into::into),
        crl_url: Some("http://ca.example/crl.der".into()),
        policy: POLICY.into(),
    }
}

pub(crate) fn terms() -> Terms {
    Terms { nonce: vec![0x5A; 32], agreement: [0xA5; 32] }
}

fn years(from: &str, to: &str) -> Validity {
    Validity { not_before: at(from), not_after: at(to) }
}

pub(crate) fn issue(
    profile: Profile,
    serial: &[u8],
    validity: Validity,
    name: &Subject,
    issuer: Option<&Certificate>,
    key: &PublicKey,
    signer: &Signer,
) -> Certificate {
    let subject_der = &name.to_der().unwrap();
    let unsigned = issue::Unsigned::new(&issue::Draft { profile, serial, validity, subject_der, issuer, key }).unwrap();
    let signature = signer.sign(&unsigned.digest());
    unsigned.signed(&signature).unwrap()
}

impl World {
    fn new() -> Self {
        let [root_key, issuing_key, old_key, new_key] = [1, 2, 3, 4].map(Signer::new);
        let long = years("2026-01-01", "2056-01-01");
        let root = issue(Profile::Root, &[1], long, &subject("根憑證"), None, &root_key.public, &root_key);
        let middle = years("2026-01-01", "2046-01-01");
        let issuing = issue(
            Profile::Issuing,
            &[0xFF, 2],
            middle,
            &subject("簽發憑證"),
            Some(&root),
            &issuing_key.public,
            &root_key,
        );
        let year = years("2026-01-01", "2026-12-31T23:59:59");
        let one = |serial: &[u8], name: &str, key: &PublicKey| {
            issue(holder(Some("user@example.org")), serial, year, &subject(name), Some(&issuing), key, &issuing_key)
        };
        let old = one(&[0x80, 0, 1], "王小明", &old_key.public);
        let other = one(&[0x80, 0, 2], "李大同", &new_key.public);
        Self { chain: Chain::new(issuing, root).unwrap(), root_key, issuing_key, old_key, new_key, old, other }
    }

    /// A request for the new key that renews the old certificate.
    pub(crate) fn request(&self) -> Vec<u8> {
        let unsigned = request::Unsigned::new(self.old.subject_der(), &self.new_key.public, Some(&self.old)).unwrap();
        let signature = self.new_key.sign(&unsigned.digest());
        unsigned.signed(&signature).unwrap()
    }

    /// That request, signed by the old key.
    pub(crate) fn renewal(&self) -> Vec<u8> {
        self.renewal_of(&self.request())
    }

    pub(crate) fn renewal_of(&self, request: &[u8]) -> Vec<u8> {
        let unsigned = renewal::Unsigned::new(request, &self.old, &terms(), now()).unwrap();
        let signature = self.old_key.sign(&unsigned.digest());
        unsigned.signed(&signature).unwrap()
    }
}

/// OpenSSL in a directory of its own.
pub(crate) struct Openssl {
    program: PathBuf,
    pub(crate) directory: TempDir,
}

impl Openssl {
    pub(crate) fn find() -> Option<Self> {
        let program = testkit::require_or_skip(testkit::find_program("openssl"))?;
        Some(Self { program, directory: TempDir::new().unwrap() })
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.directory.path().join(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.directory.path().join(name)).unwrap()
    }

    /// Writes the world's certificates and keys where the commands expect them.
    pub(crate) fn with_world(self) -> Self {
        let world = world();
        self.write("root.pem", world.chain.root.to_pem());
        self.write("issuing.pem", world.chain.issuing.to_pem());
        self.write("old.pem", world.old.to_pem());
        self.write("other.pem", world.other.to_pem());
        self.write("old.key", world.old_key.pkcs8());
        self.write("new.key", world.new_key.pkcs8());
        self.write("request.der", world.request());
        self
    }

    /// Runs a command line, split at blanks; gives whether it succeeded and all that it said.
    pub(crate) fn run(&self, line: &str) -> (bool, String) {
        let mut command = Command::new(&self.program);
        command.current_dir(self.directory.path()).args(line.split_whitespace());
        let output = testkit::run_bounded(&mut command, Duration::from_secs(60));
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said)
    }

    /// Runs a command line that must succeed.
    #[track_caller]
    pub(crate) fn expect(&self, line: &str) -> String {
        let (success, said) = self.run(line);
        assert!(success, "openssl {line}: {said}");
        said
    }
}

/// `-attime` for the tests' present.
pub(crate) fn attime() -> String {
    format!("-attime {}", now().as_second())
}
