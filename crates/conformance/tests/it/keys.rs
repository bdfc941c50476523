//! The values in `_keys.toml` against the key files they are from.

use card_wire::tlv::{Reader, Tag, header};
use p256::ecdsa::SigningKey as P256Key;
use p384::ecdsa::SigningKey as P384Key;

use crate::cards::suite;

fn file(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/keys").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The values in a DER SEQUENCE.
fn sequence(der: &[u8]) -> Vec<Vec<u8>> {
    let body = card_wire::tlv::only(der, Tag(0x30)).unwrap();
    Reader::new(body).map(|object| object.unwrap().value.to_vec()).collect()
}

fn object(tag: u32, value: &[u8]) -> Vec<u8> {
    [header(Tag(tag), value.len()).unwrap().as_bytes(), value].concat()
}

/// A DER INTEGER without the zero in front, filled to `len` bytes.
fn unsigned(integer: &[u8], len: usize) -> Vec<u8> {
    let start = integer.iter().position(|byte| *byte != 0).unwrap();
    let digits = &integer[start..];
    let mut value = vec![0; len.saturating_sub(digits.len())];
    value.extend_from_slice(digits);
    value
}

#[test]
fn rsa_imports_are_the_key_files() {
    let values = suite().values;
    for (name, bytes, fill) in
        [("rsa1024", 128, true), ("rsa2048", 256, true), ("rsa4096", 512, true), ("rsa2048-short", 256, false)]
    {
        // version, n, e, d, p, q, dp, dq, qinv
        let key = sequence(&file(&format!("{name}.der")));
        assert_eq!(*values[&format!("{name}-n")], unsigned(&key[1], bytes), "{name}");
        assert_eq!(key[2], [1, 0, 1], "{name}");
        let half = if fill { bytes / 2 } else { 0 };
        let parts = [(0x92, 4), (0x93, 5), (0x94, 8), (0x95, 6), (0x96, 7)];
        let body: Vec<u8> = parts.iter().flat_map(|(tag, at)| object(*tag, &unsigned(&key[*at], half))).collect();
        assert_eq!(*values[&format!("{name}-import")], object(0x7F48, &body), "{name}");
        if !fill {
            assert!(parts.iter().any(|(_, at)| unsigned(&key[*at], 0).len() < bytes / 2), "no zero was stripped");
        }
    }
}

#[test]
fn ec_imports_are_the_key_files() {
    let values = suite().values;
    for name in ["p256", "p384", "bp256"] {
        // version, private value, [0] curve, [1] BIT STRING with the point
        let key = sequence(&file(&format!("{name}.der")));
        let point = card_wire::tlv::only(&key[3], Tag(0x03)).unwrap();
        assert_eq!(*values[&format!("{name}-point")], point[1..], "{name}");
        let body = [values[&format!("{name}-params")].to_vec(), object(0x88, &key[1])].concat();
        assert_eq!(*values[&format!("{name}-import")], object(0xE0, &body), "{name}");
    }
    let p256 = P256Key::from_slice(&sequence(&file("p256.der"))[1]).unwrap();
    assert_eq!(&*values["p256-point"], p256.verifying_key().to_sec1_point(false).as_bytes());
    let p384 = P384Key::from_slice(&sequence(&file("p384.der"))[1]).unwrap();
    assert_eq!(&*values["p384-point"], p384.verifying_key().to_sec1_point(false).as_bytes());
}

#[test]
fn curve_parameters_have_the_shape_of_the_dialect() {
    let values = suite().values;
    for (name, len) in [("p192", 0x9F), ("p256", 0xCF), ("p384", 0x12F), ("bp256", 0xCF), ("secp256k1", 0xCF)] {
        let params = &values[&format!("{name}-params")];
        assert_eq!(params.len(), len, "{name}");
        let tags: Vec<u32> = Reader::new(params).map(|object| object.unwrap().tag.0).collect();
        assert_eq!(tags, [0x81, 0x82, 0x83, 0x84, 0x85, 0x87], "{name}");
    }
}
