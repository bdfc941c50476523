//! A card in a private reader, and the stock programs that look at it.

use std::fs;
use std::time::Duration;

use card_pki::certificate::{Certificate, Chain};
use card_wire::Icc;
use host_driver::{Card, Pcsc, wait_for_card};
use testkit::{PrivatePcscd, find_program, require_or_skip, run_bounded};
use virtual_reader::{VirtualReader, VpcdAddress};

use crate::recovery::service;

/// For one program. Much more than it needs: a busy machine is no reason to fail.
const LIMIT: Duration = Duration::from_secs(90);
const PROGRAMS: [&str; 5] = ["opensc-tool", "pkcs15-tool", "pkcs15-init", "pkcs11-tool", "openssl"];
/// Where Debian puts OpenSC's module; openssl does not look for it by itself.
const MODULES: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so", "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so"];
/// What a signature is made of.
pub(super) const MESSAGE: &[u8] = &[0x5A; 300];

/// A card in a reader of its own. To be used in a process of its own.
pub(super) struct Desk {
    // Before the daemon, so that the card is pulled from a reader that still exists.
    _reader: VirtualReader,
    pcscd: PrivatePcscd,
}

impl Desk {
    /// Nothing where the test must be skipped.
    pub(super) fn with(card: impl FnOnce() -> Box<dyn Icc>) -> Option<Self> {
        require_or_skip(PROGRAMS.iter().try_for_each(|program| find_program(program).map(drop)))?;
        let pcscd = service()?;
        let reader = VirtualReader::start(card(), VpcdAddress::local(pcscd.vpcd_port()));
        assert_eq!(wait_for_card(Some(&pcscd.reader_name()), LIMIT), Ok(pcscd.reader_name()), "{}", pcscd.log());
        let desk = Self { _reader: reader, pcscd };
        let cache = desk.pcscd.home().join("cache");
        let caching = format!(
            "app default {{\n framework pkcs15 {{\n use_file_caching = yes;\n file_cache_dir = {};\n }}\n}}\n",
            cache.display()
        );
        desk.write("caching.conf", caching.as_bytes());
        desk.write("message", MESSAGE);
        Some(desk)
    }

    /// A new connection of ours, as a program that is started makes it.
    pub(super) fn card(&self) -> Card<Pcsc> {
        Card::new(Pcsc::connect(Some(&self.pcscd.reader_name())).unwrap())
    }

    /// Runs a program; whether it ended with 0, and all that it said.
    pub(super) fn run(&self, line: &str) -> (bool, String) {
        self.started(line, "")
    }

    fn started(&self, line: &str, configuration: &str) -> (bool, String) {
        let mut words = line.split_whitespace();
        let mut command = self.pcscd.command(words.next().unwrap());
        if let Some(module) = MODULES.iter().find(|module| fs::exists(module).unwrap()) {
            command.env("PKCS11_MODULE_PATH", module);
        }
        if !configuration.is_empty() {
            command.env("OPENSC_CONF", self.pcscd.home().join(configuration));
        }
        let output = run_bounded(command.args(words), LIMIT);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.success(), said)
    }

    /// Runs a program that must do what it is told.
    #[track_caller]
    pub(super) fn done(&self, line: &str) -> String {
        let (well, said) = self.run(line);
        assert!(well && !said.contains("Failed"), "{line}\n{said}");
        said
    }

    /// The same with an OpenSC that keeps what it has read from the card on the disk.
    #[track_caller]
    pub(super) fn done_caching(&self, line: &str) -> String {
        let (well, said) = self.started(line, "caching.conf");
        assert!(well, "caching: {line}\n{said}");
        said
    }

    /// How many files OpenSC has kept.
    pub(super) fn cached(&self) -> usize {
        fs::read_dir(self.pcscd.home().join("cache")).map_or(0, Iterator::count)
    }

    pub(super) fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.pcscd.home().join(name), content).unwrap();
    }

    #[track_caller]
    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.pcscd.home().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// A certificate with the identifier under which programs find it and its keys.
pub(super) struct Listed<'a> {
    pub(super) id: String,
    pub(super) certificate: &'a Certificate,
}

/// Certificates under the identifiers that our flows give.
pub(super) fn listed<'a>(certificates: &[&'a Certificate]) -> Vec<Listed<'a>> {
    let id = |certificate: &Certificate| hex::encode(certificate.public_key().identifier());
    certificates.iter().map(|certificate| Listed { id: id(certificate), certificate }).collect()
}

/// How a stage is looked at.
pub(super) struct Look<'a> {
    pub(super) pin: &'a str,
    pub(super) chain: &'a Chain,
    /// How many certificates of authorities the card lists.
    pub(super) authorities: usize,
    /// Whether an OpenSC that keeps files on the disk looks too.
    pub(super) caching: bool,
}

impl Desk {
    /// The stock programs list these certificates with their keys and no others, and use each of them.
    #[track_caller]
    pub(super) fn used_by_all(&self, look: &Look<'_>, held: &[Listed<'_>]) {
        self.lists(look, held);
        let said = self.done(&format!("pkcs11-tool -l -t -p {}", look.pin));
        assert!(said.contains("No errors"), "{said}");
        self.write("root.pem", look.chain.root.to_pem().as_bytes());
        self.write("issuing.pem", look.chain.issuing.to_pem().as_bytes());
        for one in held {
            if look.caching {
                self.reads_caching(&one.id, one.certificate);
            }
            self.reads(&one.id, one.certificate);
            let verified = self.done(&format!(
                "openssl verify -attime {} -CAfile root.pem -untrusted issuing.pem read.pem",
                one.certificate.validity().not_before.as_second() + 1
            ));
            assert!(verified.contains("read.pem: OK"), "{verified}");
            self.signs(look.pin, &one.id);
        }
    }

    /// What is listed, by identifier.
    #[track_caller]
    pub(super) fn lists(&self, look: &Look<'_>, held: &[Listed<'_>]) {
        let dump = self.done("pkcs15-tool -D");
        for (kind, expected) in [
            ("Private RSA Key [", held.len()),
            ("Public RSA Key [", held.len()),
            ("X.509 Certificate [", held.len() + look.authorities),
        ] {
            assert_eq!(dump.matches(kind).count(), expected, "{kind}\n{dump}");
        }
        let objects = self.done("pkcs11-tool -O");
        let certificates = self.done("pkcs15-tool --list-certificates");
        assert_eq!(certificates.matches("X.509 Certificate [").count(), held.len() + look.authorities);
        let public = objects.matches("Public Key Object").count();
        let count = objects.matches("Certificate Object").count();
        // The module makes a public key of its own for each certificate that has none beside it.
        assert!(public >= held.len() && count == held.len() + look.authorities, "{objects}");
        for one in held {
            let times = |said: &str| said.lines().filter(|line| line.ends_with(&format!(": {}", one.id))).count();
            assert_eq!(times(&dump), 3, "{}\n{dump}", one.id);
            assert_eq!(times(&certificates), 1, "{certificates}");
            assert!(
                objects.to_lowercase().lines().any(|line| line.trim() == format!("id:         {}", one.id)),
                "{objects}"
            );
        }
    }

    /// pkcs15-tool reads this certificate, into `read.pem`.
    #[track_caller]
    pub(super) fn reads(&self, id: &str, certificate: &Certificate) {
        self.done(&format!("pkcs15-tool --read-certificate {id} -o read.pem"));
        assert_eq!(self.certificate("read.pem").as_ref(), Some(certificate), "{id}");
    }

    /// The same with an OpenSC that keeps files on the disk, and with its module.
    #[track_caller]
    pub(super) fn reads_caching(&self, id: &str, certificate: &Certificate) {
        self.done_caching(&format!("pkcs15-tool --read-certificate {id} -o cached.pem"));
        assert_eq!(self.certificate("cached.pem").as_ref(), Some(certificate), "{id}");
        self.done_caching(&format!("pkcs11-tool --read-object --type cert --id {id} -o cached.der"));
        assert!(self.read("cached.der") == certificate.der(), "{id}");
    }

    /// A certificate that a program has written.
    pub(super) fn certificate(&self, name: &str) -> Option<Certificate> {
        Certificate::from_pem(&String::from_utf8(self.read(name)).unwrap()).ok()
    }

    /// pkcs11-tool and openssl sign with this key, and what they make fits the certificate in `read.pem`.
    #[track_caller]
    pub(super) fn signs(&self, pin: &str, id: &str) {
        self.done("openssl x509 -in read.pem -noout -pubkey -out key.pem");
        let verify = || {
            let said = self.done("openssl dgst -sha256 -verify key.pem -signature signature message");
            assert!(said.contains("Verified OK"), "{id}: {said}");
        };
        self.done(&format!("pkcs11-tool -l -p {pin} --sign -m SHA256-RSA-PKCS -d {id} -i message -o signature"));
        verify();
        if !self.run("openssl engine pkcs11").0 {
            assert!(
                require_or_skip::<()>(Err(testkit::Unavailable::new(
                    "openssl has no engine pkcs11 (package libengine-pkcs11-openssl)"
                )))
                .is_none()
            );
            return;
        }
        self.write("signature", b"");
        let escaped: String =
            id.as_bytes().chunks(2).map(|byte| format!("%{}", core::str::from_utf8(byte).unwrap())).collect();
        self.done(&format!(
            "openssl dgst -sha256 -engine pkcs11 -keyform engine -sign pkcs11:id={escaped};type=private;pin-value={pin} \
             -out signature message"
        ));
        verify();
    }
}
