//! What our PKCS#15 codec writes, read and changed by Debian's unmodified OpenSC.

use std::fs;
use std::time::{Duration, Instant};

use card_os::preset::Preset;
use card_os::sim::SimCard;
use card_wire::Icc;
use host_driver::pkcs15::codec::{
    Application, Certificate, DataObject, Directory, Id, KeyUsage, Object, OdfEntry, Path, PinObject, PrivateKey,
    PublicKey, TokenInfo,
};
use host_driver::{Access, Card, InProcess, KeySlot, NewFile, Pin, PinPolicy, Puk, RsaSize, Transport};
use rsa_host::HostRsa;
use testkit::{PrivatePcscd, find_program, require_or_skip, run_bounded};
use virtual_reader::{LinkState, VirtualReader, VpcdAddress};

const PIN: &str = "123456";
const PUK: &str = "0123456789abcdef";
const POLICY: PinPolicy = PinPolicy { min: 6, max: 16, stored: 16 };
const LIMIT: Duration = Duration::from_secs(90);
const DF: u16 = 0x5015;
const ID: [u8; 20] = [0xA7; 20];
const ID_HEX: &str = "a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7";
const LASTING: Access = Access([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00]);
const PASSING: Access = Access([0x90, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00]);

/// A private reader service and what runs under it.
struct Desk(PrivatePcscd);

impl Desk {
    /// A program ends with 0 and has said this.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let output = run_bounded(self.0.command(words.next().unwrap()).args(words), LIMIT);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success() && !said.contains("Failed"), "{line}: {}\n{said}", output.status);
        said
    }

    fn insert(&self, card: Box<dyn Icc>) -> VirtualReader {
        let reader = VirtualReader::start(card, VpcdAddress::local(self.0.vpcd_port()));
        assert!(reader.wait_for(LinkState::Connected, LIMIT), "no connection to vpcd: {}", self.0.log());
        let end = Instant::now() + LIMIT;
        let atr = |output: std::process::Output| String::from_utf8_lossy(&output.stdout).contains("3b:80:80:01:01");
        while !atr(run_bounded(self.0.command("opensc-tool").arg("--atr"), LIMIT)) {
            assert!(Instant::now() < end, "pcscd sees no card: {}", self.0.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        reader
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.0.home().join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.home().join(name)).unwrap()
    }

    /// Certificates for this key (PKCS#1 in DER) and of the authority that made it.
    fn certificates(&self, key: &[u8]) -> [Vec<u8>; 2] {
        self.write("key.der", key);
        self.run("openssl rsa -RSAPublicKey_in -inform DER -in key.der -pubout -out key.pem");
        self.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /C=TW/CN=CA -days 30 -out ca.pem");
        self.run(
            "openssl x509 -new -force_pubkey key.pem -CA ca.pem -CAkey ca.key -set_serial 0x1234 \
             -subj /C=TW/CN=Wang -days 30 -outform DER -out holder.der",
        );
        self.run("openssl x509 -in ca.pem -outform DER -out ca.der");
        ["holder.der", "ca.der"].map(|name| self.read(name))
    }
}

fn at(fid: u16) -> Path {
    Path::to(&[0x3F00, DF, fid])
}

fn directory<T: Object>(values: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut directory = Directory::default();
    values.into_iter().for_each(|value| directory.push(value).unwrap());
    directory.to_bytes()
}

/// The fixed files of the hardened profile.
fn frame() -> [(u16, Vec<u8>); 3] {
    let [pin, puk] = [1, 2].map(|id| Id(vec![id]));
    let odf = [
        OdfEntry::AuthObjects(at(0x4401)),
        OdfEntry::PrivateKeys(at(0x4402)),
        OdfEntry::PublicKeys(at(0x4403)),
        OdfEntry::Certificates(at(0x4404)),
        OdfEntry::DataObjects(at(0x4405)),
        OdfEntry::TrustedCertificates(at(0x4406)),
    ];
    let pins = [PinObject::user_pin("User PIN", &pin, &puk, POLICY, 1), PinObject::puk("PUK", &puk, 2)];
    let info =
        TokenInfo::new(vec![0x12, 0x34, 0x56], "cardlab".into(), "電子憑證IC卡".into(), "20261122100000Z".into());
    [(0x5031, directory(odf)), (0x5032, info.to_der().unwrap()), (0x4401, directory(pins))]
}

/// What the directories list.
fn objects() -> [(u16, Vec<u8>); 5] {
    let private = PrivateKey {
        label: "簽章金鑰".into(),
        auth_id: Some(Id(vec![1])),
        id: Id(ID.to_vec()),
        usage: KeyUsage::SIGN | KeyUsage::NON_REPUDIATION,
        key_reference: Some(0),
        start: Some("20261122100000Z".into()),
        end: Some("20271122100000Z".into()),
        path: Path::to(&[0x3F00, DF]),
        modulus_bits: 2048,
        ..PrivateKey::generated_on_card()
    };
    let public = PublicKey {
        label: "驗章金鑰".into(),
        id: Id(ID.to_vec()),
        usage: KeyUsage::VERIFY,
        key_reference: Some(0),
        path: at(0x3300),
        modulus_bits: 2048,
        ..PublicKey::default()
    };
    let own =
        Certificate { label: "簽章憑證".into(), id: Id(ID.to_vec()), path: at(0x3400), ..Certificate::default() };
    let authority = Certificate {
        label: "CA 0".into(),
        id: Id(vec![0xF0]),
        authority: true,
        path: at(0x34F0),
        ..Certificate::default()
    };
    let data = DataObject {
        label: "續期紀錄".into(),
        application: Some("cardlab".into()),
        path: at(0x3200),
        ..DataObject::default()
    };
    [
        (0x4402, directory([private])),
        (0x4403, directory([public])),
        (0x4404, directory([own])),
        (0x4406, directory([authority])),
        (0x4405, directory([data])),
    ]
}

fn put(card: &mut Card<impl Transport>, fid: u16, size: usize, access: Access, content: &[u8]) {
    card.create(&NewFile::ef(fid, size.try_into().unwrap(), access)).unwrap();
    card.update_binary(0, content).unwrap();
}

/// A card with these files, made by our encoder.
fn personalised(desk: &Desk) -> Box<dyn Icc> {
    let blank = SimCard::from_seed(&Preset::certificate(), 23, HostRsa).unwrap();
    let mut card = Card::new(InProcess::new(Box::new(blank)));
    card.select_application().unwrap();
    let aid = Application::PKCS15.to_vec();
    let entry = Application { aid, label: Some("電子憑證IC卡".into()), path: vec![0x3F00, DF] };
    put(&mut card, 0x2F00, 128, LASTING, &entry.encode().unwrap());
    card.select(&[]).unwrap();
    card.create(&NewFile::df(DF, 0x5000, Access([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x90]))).unwrap();
    for (fid, content) in frame() {
        // OpenSC takes the size of EF.TokenInfo for the length of its content.
        put(&mut card, fid, if fid == 0x5032 { content.len() } else { 128 }, LASTING, &content);
    }
    for (fid, content) in objects() {
        put(&mut card, fid, 2048, LASTING, &content);
    }
    card.set_puk(&Puk::new(PUK).unwrap()).unwrap();
    card.set_pin(&Pin::with_policy(PIN, POLICY).unwrap()).unwrap();
    let mut verified = card.verify(&Pin::with_policy(PIN, POLICY).unwrap()).unwrap();
    let key = verified.generate_rsa(KeySlot::FIRST, RsaSize::Rsa2048).unwrap();
    let key = [&hex::decode("3082010a0282010100").unwrap(), &key.modulus, &[0x02, 0x03, 0x01, 0x00, 0x01][..]].concat();
    let [own, authority] = desk.certificates(&key);
    verified.card().select(&[DF]).unwrap();
    for (fid, content) in [(0x3300, &key), (0x3400, &own), (0x34F0, &authority), (0x3200, &b"note".to_vec())] {
        put(verified.card(), fid, content.len(), PASSING, content);
    }
    card.into_transport().into_card()
}

/// A desk with the card in its reader.
fn prepared() -> Option<(Desk, VirtualReader)> {
    let programs = ["opensc-tool", "pkcs15-tool", "pkcs15-init", "pkcs11-tool", "openssl"];
    let programs = programs.iter().try_for_each(|program| find_program(program).map(drop));
    let desk = Desk(require_or_skip(programs.and_then(|()| PrivatePcscd::start()))?);
    let reader = desk.insert(personalised(&desk));
    Some((desk, reader))
}

/// The lines come in this order, each after the one before. Blanks at the ends do not count.
#[track_caller]
fn says(said: &str, lines: &[&str]) {
    let mut all = said.lines().map(str::trim);
    for line in lines {
        assert!(all.any(|found| found == *line), "should say {line:?} here:\n{said}");
    }
}

const LISTED: &[&str] = &[
    "PKCS#15 Card [電子憑證IC卡]:",
    "Serial number  : 123456",
    "Manufacturer ID: cardlab",
    "Last update    : 20261122100000Z",
    "Flags          : EID compliant",
    "PIN [User PIN]",
    "Object Flags   : [0x03], private, modifiable",
    "Auth ID        : 02",
    "ID             : 01",
    "Flags          : [0x31], case-sensitive, initialized, needs-padding",
    "Length         : min_len:6, max_len:16, stored_len:16",
    "Pad char       : 0x00",
    "Reference      : 1 (0x01)",
    "PIN [PUK]",
    "Object Flags   : [0x01], private",
    "ID             : 02",
    "Flags          : [0x5D], case-sensitive, change-disabled, unblock-disabled, initialized, unblockingPin",
    "Length         : min_len:16, max_len:16, stored_len:16",
    "Reference      : 2 (0x02)",
    "Private RSA Key [簽章金鑰]",
    "Usage          : [0x204], sign, nonRepudiation",
    "Access Flags   : [0x1D], sensitive, alwaysSensitive, neverExtract, local",
    "ModLength      : 2048",
    "Key ref        : 0 (0x00)",
    "Native         : yes",
    "Path           : 3f005015",
    "Auth ID        : 01",
    "ID             : a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7",
    "Public RSA Key [驗章金鑰]",
    "Usage          : [0x40], verify",
    "Native         : no",
    "Path           : 3f0050153300",
    "X.509 Certificate [簽章憑證]",
    "Authority      : no",
    "Path           : 3f0050153400",
    "Encoded serial : 02 02 1234",
    "X.509 Certificate [CA 0]",
    "Authority      : yes",
    "Path           : 3f00501534f0",
    "ID             : f0",
    "Data object '續期紀錄'",
    "applicationName: cardlab",
    "Path:            3f0050153200",
    "Data (4 bytes): 6E6F7465",
];

#[test]
fn opensc_reads_and_uses_what_we_write() {
    let Some((desk, _reader)) = prepared() else { return };
    says(&desk.run("pkcs15-tool -D"), LISTED);
    says(
        &desk.run("pkcs11-tool -L"),
        &["token label        : 電子憑證IC卡 (User PIN)", "serial num         : 123456", "pin min/max        : 6/16"],
    );
    desk.run("pkcs15-tool --read-certificate f0 -o read.pem");
    assert_eq!(desk.read("read.pem"), desk.read("ca.pem"));
    desk.write("message", &[0x5A; 300]);
    desk.run(&format!("pkcs11-tool -l -p {PIN} --sign -m SHA256-RSA-PKCS -d {ID_HEX} -i message -o signature"));
    let verified = desk.run("openssl dgst -sha256 -verify key.pem -signature signature message");
    assert!(verified.contains("Verified OK"), "{verified}");
    desk.run(&format!("pkcs15-tool --change-pin --auth-id 01 --pin {PIN} --new-pin 654321"));
    desk.run(&format!("pkcs15-tool --unblock-pin --auth-id 01 --puk {PUK} --new-pin 222222"));
    desk.run("pkcs15-tool --verify-pin --auth-id 01 --pin 222222");
}

#[test]
fn opensc_keeps_what_we_wrote_but_for_the_dates_of_keys() {
    let Some((desk, reader)) = prepared() else { return };
    for (kind, id) in [("privkey", ID_HEX), ("pubkey", ID_HEX), ("cert", ID_HEX)] {
        desk.run(&format!("pkcs15-init --change-attributes {kind} --id {id} --label 新 --auth-id 01 --pin {PIN}"));
    }
    // Only what adds or removes an object brings the time of the last change up to date.
    desk.run(&format!("pkcs15-init --store-data ca.der --label more --application-name other --pin {PIN}"));
    let other = SimCard::from_seed(&Preset::isoapplet(), 1, HostRsa).unwrap();
    let mut card = Card::new(InProcess::new(reader.replace(Box::new(other))));
    card.select_application().unwrap();
    for (fid, written) in objects() {
        let found = card.read(&[DF, fid]).unwrap();
        match fid {
            // OpenSC 0.23 leaves out the dates of a key whenever it writes its entry.
            0x4402 => again::<PrivateKey>(&written, &found, |key| {
                *key = PrivateKey { label: "新".into(), start: None, end: None, ..key.clone() };
            }),
            0x4403 => again::<PublicKey>(&written, &found, |key| key.label = "新".into()),
            0x4404 => again::<Certificate>(&written, &found, |certificate| certificate.label = "新".into()),
            _ => assert_eq!(found[..written.len()], written),
        }
    }
    let info = TokenInfo::parse(&card.read(&[DF, 0x5032]).unwrap()).unwrap();
    assert!(info.last_update.unwrap().as_str() > "20261122100000Z");
    assert_eq!(info.label.as_deref(), Some("電子憑證IC卡"));
}

/// The file holds what we wrote with this change, and to the byte as we would write it.
fn again<T: Object>(written: &[u8], found: &[u8], change: fn(&mut T)) {
    let mut value = Directory::<T>::parse(written).values().next().cloned().unwrap();
    change(&mut value);
    let found = Directory::<T>::parse(found);
    assert_eq!(found.torn, None);
    assert_eq!(hex::encode(found.to_bytes()), hex::encode(value.encode().unwrap()));
}
