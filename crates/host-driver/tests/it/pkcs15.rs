//! The directory files: what OpenSC writes, what we write, and what nobody should have written.

use std::fmt::Debug;
use std::fs;

use host_driver::PinPolicy;
use host_driver::pkcs15::codec::{
    Application, Certificate, CodecError, DataObject, Directory, Entry, Id, KeyAccess, KeyUsage, MAX_ENTRIES, Object,
    ObjectFlags, ObjectIdentifier, OdfEntry, Path, PinFlags, PinObject, PinType, PrivateKey, PublicKey, TokenFlags,
    TokenInfo,
};
use proptest::prelude::*;
use proptest::sample::Index;

const CARDS: [&str; 2] = ["opensc-0.23-keys", "opensc-0.23-onepin"];
const DIRECTORIES: [&str; 7] = ["dir", "odf", "aodf", "prkdf", "pukdf", "cdf", "dodf"];

fn fixture(card: &str, file: &str) -> Vec<u8> {
    let path = format!("{}/../../fixtures/pkcs15/{card}/{file}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

/// Does the same with whatever the file's entries are.
macro_rules! with_kind {
    ($file:expr, $work:ident($($argument:expr),*)) => {
        match $file {
            "dir" => $work::<Application>($($argument),*),
            "odf" => $work::<OdfEntry>($($argument),*),
            "aodf" => $work::<PinObject>($($argument),*),
            "prkdf" => $work::<PrivateKey>($($argument),*),
            "pukdf" => $work::<PublicKey>($($argument),*),
            "cdf" => $work::<Certificate>($($argument),*),
            _ => $work::<DataObject>($($argument),*),
        }
    };
}

/// Every entry that is understood is written as it was read; returns how many are and how many are not.
fn written_again<T: Object>(bytes: &[u8]) -> (usize, usize) {
    let directory = Directory::<T>::parse(bytes);
    assert_eq!(directory.torn, None);
    assert_eq!(directory.to_bytes(), bytes[..directory.used]);
    assert!(bytes[directory.used..].iter().all(|byte| *byte == 0));
    for entry in &directory.entries {
        let again = entry.value.as_ref().map(|value| value.encode().unwrap());
        assert_eq!(again.as_ref().unwrap_or(&entry.raw), &entry.raw);
    }
    let known = directory.values().count();
    (known, directory.entries.len() - known)
}

#[test]
fn what_opensc_writes_is_read_and_written_again_to_the_byte() {
    // The unknown ones are EC keys.
    let expected = [
        [(1, 0), (5, 0), (1, 0), (2, 1), (2, 1), (2, 0), (2, 0)],
        [(1, 0), (5, 0), (1, 0), (1, 0), (2, 0), (1, 0), (1, 0)],
    ];
    for (card, counts) in CARDS.into_iter().zip(expected) {
        for (file, count) in DIRECTORIES.into_iter().zip(counts) {
            let bytes = fixture(card, file);
            assert_eq!(with_kind!(file, written_again(&bytes)), count, "{card} {file}");
        }
        let bytes = fixture(card, "tokeninfo");
        let info = TokenInfo::parse(&bytes).unwrap();
        assert_eq!(info.to_der().unwrap(), bytes, "{card}");
        let at = TokenInfo::last_update_at(&bytes).unwrap();
        assert_eq!(Some(bytes[at..at + 15].to_vec()), info.last_update.map(String::into_bytes));
    }
}

fn first<T: Object>(card: &str, file: &str) -> T {
    Directory::parse(&fixture(card, file)).values().next().cloned().unwrap()
}

#[test]
fn the_values_are_those_that_pkcs15_tool_prints() {
    let key: PrivateKey = first(CARDS[0], "prkdf");
    // `pkcs15-init --store-certificate` has given the key its own label and the subject of the certificate.
    assert_eq!(key.label, "簽章憑證");
    assert_eq!(key.usage, KeyUsage(0x2E));
    assert_eq!(key.access, KeyAccess(0x1D));
    assert_eq!(key.flags, ObjectFlags::PRIVATE | ObjectFlags::MODIFIABLE);
    assert_eq!((key.native, key.key_reference, key.modulus_bits), (true, Some(0), 2048));
    assert_eq!((key.id, key.auth_id), (Id(vec![1]), Some(Id(vec![0xFF]))));
    assert_eq!(key.path, Path { file: vec![0x3F00, 0x5015], part: None });
    assert!(key.subject.unwrap().ends_with("王小明".as_bytes()));
    let key: PublicKey = first(CARDS[0], "pukdf");
    assert_eq!((key.label.as_str(), key.usage, key.native), ("簽章金鑰", KeyUsage(0xD1), false));
    assert_eq!(key.path.file, [0x3F00, 0x5015, 0x3300]);
    let key: PrivateKey = first(CARDS[1], "prkdf");
    assert_eq!(key.id.to_string(), "9f1e7cbb3a5509d3c0ffee00112233445566778899");
    assert!(key.usage.contains(KeyUsage::SIGN | KeyUsage::NON_REPUDIATION));

    let pin: PinObject = first(CARDS[0], "aodf");
    assert_eq!((pin.label.as_str(), pin.kind, pin.reference), ("User PIN", PinType::ASCII_NUMERIC, 1));
    assert_eq!((pin.flags, pin.pad), (PinFlags(0x31), Some(0)));
    assert_eq!((pin.min, pin.max, pin.stored), (4, 16, 16));
    let data: DataObject = Directory::parse(&fixture(CARDS[0], "dodf")).values().nth(1).cloned().unwrap();
    assert_eq!(data.application.as_deref(), Some("test"));
    assert_eq!(data.oid, Some(ObjectIdentifier::new_unwrap("1.2.3.4.5")));
    let certificates = Directory::<Certificate>::parse(&fixture(CARDS[0], "cdf"));
    assert_eq!(certificates.values().map(|found| found.authority).collect::<Vec<_>>(), [false, true]);
    let info = TokenInfo::parse(&fixture(CARDS[1], "tokeninfo")).unwrap();
    assert_eq!((info.label.as_deref(), info.flags), (Some("電子憑證IC卡"), TokenFlags::EID_COMPLIANT));
    assert_eq!(info.serial, [0, 1, 2, 3]);
}

/// Cuts after each byte; what follows is missing, or is what was in the file before.
fn cut<T: Object + PartialEq + Debug>(bytes: &[u8]) {
    let whole = Directory::<T>::parse(bytes);
    let mut start = 0;
    for (count, entry) in whole.entries.iter().enumerate() {
        let end = start + entry.raw.len();
        for at in start + 1..end {
            let torn = Directory::<T>::parse(&bytes[..at]);
            assert_eq!((torn.entries.len(), torn.used, torn.torn), (count, start, Some(start)), "cut at {at}");
            for fill in [0x00, 0xFF] {
                let mut file = bytes.to_vec();
                file[at..].fill(fill);
                let torn = Directory::<T>::parse(&file);
                assert_eq!(torn.entries[..count], whole.entries[..count]);
                // The value of the last field, which is 6 bytes long at most, can be anything.
                if at < end - 6 {
                    assert_eq!((torn.used, torn.torn), (start, Some(start)), "cut at {at}, then {fill:02X}");
                }
            }
        }
        start = end;
        let before = Directory::<T>::parse(&bytes[..end]);
        assert_eq!((before.entries.len(), before.used, before.torn), (count + 1, end, None));
    }
}

#[test]
fn a_torn_entry_is_seen_and_those_before_it_are_kept() {
    for card in CARDS {
        for file in DIRECTORIES {
            with_kind!(file, cut(&fixture(card, file)));
        }
    }
}

#[test]
fn an_entry_goes_where_the_torn_one_was() {
    let mut bytes = fixture(CARDS[0], "cdf");
    let whole = Directory::<Certificate>::parse(&bytes);
    bytes[whole.entries[0].raw.len() + 9..].fill(0);
    let mut torn = Directory::<Certificate>::parse(&bytes);
    assert_eq!(torn.torn, Some(whole.entries[0].raw.len()));
    torn.push(whole.entries[1].value.clone().unwrap()).unwrap();
    assert_eq!(torn, whole);
}

#[test]
fn the_flags_of_the_hardened_profile_are_these_bytes() {
    let [pin, puk] = [Id(vec![1]), Id(vec![2])];
    let policy = PinPolicy { min: 6, max: 16, stored: 16 };
    let user = PinObject::user_pin("User PIN", &pin, &puk, policy, 1);
    assert!(!user.is_unblocking());
    let user = hex::encode(user.encode().unwrap());
    assert!(user.contains("0302028c0a0101020106020110020110800101040100"), "{user}");
    let puk = PinObject::puk("PUK", &puk, 2);
    assert!(puk.is_unblocking());
    let puk = hex::encode(puk.encode().unwrap());
    assert!(puk.contains("030201ba0a0101020110020110020110800102040100"), "{puk}");
    let info = TokenInfo::new(vec![1], "maker".into(), "label".into(), "20261122100000Z".into());
    let info = hex::encode(info.to_der().unwrap());
    assert!(info.contains("03020410a511180f"), "{info}");
}

fn dated() -> PrivateKey {
    PrivateKey {
        id: Id(vec![7; 20]),
        start: Some("20261122100000Z".into()),
        end: Some("20271122100000Z".into()),
        key_reference: Some(3),
        modulus_bits: 2048,
        ..PrivateKey::generated_on_card()
    }
}

#[test]
fn dates_can_be_rewritten_where_they_stand() {
    let mut raw = dated().encode().unwrap();
    let (start, end) = PrivateKey::validity_at(&raw).unwrap();
    raw[start..start + 15].copy_from_slice(b"20301231235959Z");
    raw[end..end + 15].copy_from_slice(b"20311231235959Z");
    let later = PrivateKey { start: Some("20301231235959Z".into()), end: Some("20311231235959Z".into()), ..dated() };
    assert_eq!(PrivateKey::decode(&raw), Ok(later));
    let undated = PrivateKey { start: None, ..dated() };
    assert_eq!(PrivateKey::validity_at(&undated.encode().unwrap()), None);
}

#[test]
fn what_cannot_be_is_not_written() {
    let impossible = [
        PrivateKey { id: Id(Vec::new()), ..dated() },
        PrivateKey { id: Id(vec![0; 256]), ..dated() },
        PrivateKey { start: Some("2026-11-22".into()), ..dated() },
        PrivateKey { start: Some("20261122100000+".into()), ..dated() },
        PrivateKey { end: Some("20251122100000Z".into()), ..dated() },
        PrivateKey { subject: Some(vec![0x30]), ..dated() },
    ];
    for key in impossible {
        assert!(Entry::new(key.clone()).is_err(), "{key:?}");
    }
    let aid = Application { aid: vec![0; 17], label: None, path: vec![] };
    assert_eq!(aid.encode(), Err(CodecError::TooLong { what: "the application's identifier", len: 17, max: 16 }));
}

#[test]
fn labels_end_with_a_whole_character() {
    let data = DataObject { label: "證".repeat(100), ..DataObject::default() };
    assert_eq!(DataObject::decode(&data.encode().unwrap()).unwrap().label, "證".repeat(85));
    let data = DataObject { label: format!("x{}", "證".repeat(100)), ..DataObject::default() };
    assert_eq!(DataObject::decode(&data.encode().unwrap()).unwrap().label, format!("x{}", "證".repeat(84)));
}

#[test]
fn paths_of_other_forms_are_understood() {
    let base = [0x3F00, 0x5015];
    assert_eq!(Path::to(&[0x4401]).resolve(&base), [0x3F00, 0x5015, 0x4401]);
    assert_eq!(Path::to(&[0x3F00, 0x2F01]).resolve(&base), [0x3F00, 0x2F01]);
    let part = OdfEntry::Certificates(Path { file: vec![0x4404], part: Some((200, 70_000)) });
    let raw = part.encode().unwrap();
    assert_eq!(hex::encode(&raw), "a40f300d04024404020200c88003011170");
    assert_eq!(OdfEntry::decode(&raw), Ok(part));
    // Half a file identifier; a kind that we do not know. Both are kept as they are.
    for raw in ["a407300504033f0050", "a90a300804063f0050154401", "800130"] {
        let raw = hex::decode(raw).unwrap();
        let directory = Directory::<OdfEntry>::parse(&raw);
        assert_eq!(directory.entries, [Entry { raw: raw.clone(), value: None }]);
        assert_eq!(directory.to_bytes(), raw);
    }
}

#[test]
fn fields_of_later_versions_are_read_over() {
    // A hash of the certificate behind the identifier, and its serial number at the end.
    let raw = hex::decode("302130040c0243413008040145a003800107a10f300d300804063f0050153400020107").unwrap();
    let found = Certificate::decode(&raw).unwrap();
    assert_eq!((found.label.as_str(), found.id), ("CA", Id(vec![0x45])));
    assert_eq!(found.path.file, [0x3F00, 0x5015, 0x3400]);
    let direct =
        Certificate { id: Id(vec![1]), direct: Some(vec![0x30, 0x03, 0x02, 0x01, 0x05]), ..Certificate::default() };
    assert_eq!(Certificate::decode(&direct.encode().unwrap()), Ok(direct));
}

#[test]
fn reading_is_bounded() {
    let entry = OdfEntry::AuthObjects(Path::to(&[0x4401])).encode().unwrap();
    let many = Directory::<OdfEntry>::parse(&entry.repeat(MAX_ENTRIES + 1));
    assert_eq!((many.entries.len(), many.torn), (MAX_ENTRIES, Some(MAX_ENTRIES * entry.len())));
    let long = Directory::<OdfEntry>::parse(&[[0x04, 0x83, 0x01, 0x86, 0xA0].as_slice(), &[1; 100_000]].concat());
    assert_eq!((long.entries.len(), long.torn), (0, Some(0)));
    let mut deep = vec![0x02, 0x01, 0x00];
    for _ in 0..17 {
        deep = [&[0x30, u8::try_from(deep.len()).unwrap()], deep.as_slice()].concat();
    }
    assert_eq!(Directory::<PrivateKey>::parse(&deep).torn, Some(0));
    assert_eq!(Directory::<PrivateKey>::parse(&deep[10..]).entries.len(), 1);
}

/// Whatever the bytes are, the parts make up the whole.
fn holds<T: Object + PartialEq + Debug>(bytes: &[u8]) {
    let directory = Directory::<T>::parse(bytes);
    assert_eq!(directory.to_bytes(), bytes[..directory.used]);
    assert!(directory.torn.is_none_or(|at| at == directory.used));
    for value in directory.values() {
        // What was read leniently may be refused. What is written is read as the same.
        if let Ok(raw) = value.encode() {
            assert_eq!(T::decode(&raw).as_ref(), Ok(value));
        }
    }
}

fn everything(bytes: &[u8]) {
    DIRECTORIES.into_iter().for_each(|file| with_kind!(file, holds(bytes)));
    if let Ok(info) = TokenInfo::parse(bytes) {
        let again = info.to_der().and_then(|der| TokenInfo::parse(&der));
        assert!(again.is_err() || again == Ok(info));
    }
    if let Some(at) = TokenInfo::last_update_at(bytes) {
        assert!(at + 15 <= bytes.len());
    }
    if let Some((start, end)) = PrivateKey::validity_at(bytes) {
        assert!(start + 15 <= end && end + 15 <= bytes.len());
    }
}

fn id() -> impl Strategy<Value = Id> {
    prop::collection::vec(any::<u8>(), 1..40).prop_map(Id)
}

fn path() -> impl Strategy<Value = Path> {
    (prop::collection::vec(any::<u16>(), 0..5), any::<Option<(u32, u32)>>())
        .prop_map(|(file, part)| Path { file, part })
}

fn time() -> impl Strategy<Value = String> {
    "20[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9])(0[0-9]|1[0-9])([0-5][0-9]){2}Z"
}

fn dates() -> impl Strategy<Value = (Option<String>, Option<String>)> {
    (prop::option::of(time()), prop::option::of(time())).prop_map(|(one, other)| match (one, other) {
        (Some(one), Some(other)) => (Some(one.clone().min(other.clone())), Some(one.max(other))),
        unordered => unordered,
    })
}

/// `.` is any character; each has at most four bytes.
const LABEL: &str = ".{0,60}";

prop_compose! {
    fn private_key()(
        (label, id, auth_id, path) in (LABEL, id(), prop::option::of(id()), path()),
        (flags, user_consent, usage, native) in (any::<u32>(), any::<Option<u8>>(), any::<u32>(), any::<bool>()),
        (access, key_reference, modulus_bits) in (any::<u32>(), any::<Option<u8>>(), any::<u32>()),
        (start, end) in dates(),
        subject in prop::option::of(prop::collection::vec(any::<u8>(), 0..100)),
    ) -> PrivateKey {
        let name = |value: Vec<u8>| {
            let len = u8::try_from(value.len()).unwrap();
            [&[0x30, len + 2, 0x0C, len], value.as_slice()].concat()
        };
        PrivateKey {
            label, flags: ObjectFlags(flags), auth_id, user_consent, id, usage: KeyUsage(usage), native,
            access: KeyAccess(access), key_reference, start, end, subject: subject.map(name), path, modulus_bits,
        }
    }
}

prop_compose! {
    fn pin()(
        (label, auth_id, common_auth_id) in (LABEL, id(), prop::option::of(id())),
        (object_flags, flags, kind) in (any::<u32>(), any::<u32>(), 0u8..5),
        (min, stored, max) in any::<(u16, u16, u16)>(),
        (reference, pad) in any::<(u8, Option<u8>)>(),
        (last_change, path) in (prop::option::of(time()), prop::option::of(path())),
    ) -> PinObject {
        PinObject {
            label, object_flags: ObjectFlags(object_flags), auth_id, common_auth_id, flags: PinFlags(flags),
            kind: PinType(kind), min, stored, max, reference, pad, last_change, path,
        }
    }
}

prop_compose! {
    fn token_info()(
        (version, flags) in any::<(u8, u32)>(),
        serial in prop::collection::vec(any::<u8>(), 0..40),
        (manufacturer, label) in (prop::option::of(LABEL), prop::option::of(LABEL)),
        last_update in prop::option::of(time()),
    ) -> TokenInfo {
        TokenInfo { version, serial, manufacturer, label, flags: TokenFlags(flags), last_update }
    }
}

fn survives<T: Object + PartialEq + Debug>(value: T) {
    let entry = Entry::new(value).unwrap();
    let file = [entry.raw.as_slice(), &[0; 3]].concat();
    let directory = Directory::parse(&file);
    assert_eq!((directory.used, directory.torn), (entry.raw.len(), None));
    assert_eq!(directory.entries, [entry]);
}

proptest! {
    #[test]
    fn keys_and_what_looks_like_them_survive(key in private_key()) {
        let PrivateKey { label, flags, auth_id, id, usage, native, access, key_reference, subject, path, modulus_bits, .. } = key.clone();
        survives(PublicKey {
            label: label.clone(), flags, auth_id: auth_id.clone(), id: id.clone(), usage, native, access, key_reference, subject,
            path: path.clone(), modulus_bits,
        });
        survives(Certificate { label, flags, auth_id, id, authority: native, path: path.clone(), direct: None });
        survives(OdfEntry::PublicKeys(path));
        survives(key);
    }

    #[test]
    fn pins_survive(pin in pin()) {
        survives(pin);
    }

    #[test]
    fn data_objects_and_applications_survive(
        label in LABEL,
        application in prop::option::of(LABEL),
        arcs in prop::option::of(any::<[u16; 3]>()),
        path in path(),
        aid in prop::collection::vec(any::<u8>(), 1..=16),
    ) {
        let oid = arcs.map(|[one, two, three]| ObjectIdentifier::new(&format!("2.25.{one}.{two}.{three}")).unwrap());
        survives(Application { aid, label: application.clone(), path: path.file.clone() });
        survives(DataObject { label, application, oid, path, ..DataObject::default() });
    }

    #[test]
    fn token_info_survives(info in token_info(), rest in prop::collection::vec(Just(0u8), 0..9)) {
        let der = info.to_der().unwrap();
        prop_assert_eq!(TokenInfo::last_update_at(&der).is_some(), info.last_update.is_some());
        prop_assert_eq!(TokenInfo::parse(&[der, rest].concat()), Ok(info));
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        everything(&bytes);
    }

    #[test]
    fn spoiled_files_are_taken(
        (card, file) in (0..CARDS.len(), 0..DIRECTORIES.len() + 1),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = fixture(CARDS[card], DIRECTORIES.get(file).unwrap_or(&"tokeninfo"));
        for (at, byte) in changes {
            *at.get_mut(&mut bytes) = byte;
        }
        everything(&bytes);
    }
}
