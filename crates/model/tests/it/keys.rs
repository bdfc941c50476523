//! Key material as hosts send it: curve parameters, and data fields of imports.

use crate::cards::ready_key;

/// P-256 in the tags of GENERATE.
pub(crate) const P256: &str = concat!(
    "8120FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF",
    "8220FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC",
    "83205AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B",
    "8441046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296",
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
    "8520FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
    "87020001",
);
/// P-384 in the tags of GENERATE.
pub(crate) const P384: &str = concat!(
    "8130FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF",
    "8230FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFC",
    "8330B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF",
    "846104AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7",
    "3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F",
    "8530FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
    "87020001",
);

/// One object with a length field of one to three bytes.
pub(crate) fn object(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
    let len = match value.len() {
        0..=0x7F => vec![low],
        0x80..=0xFF => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [tag, &len, value].concat()
}

/// The data field that imports a ready RSA key.
pub(crate) fn rsa_import(number: usize) -> Vec<u8> {
    let key = ready_key(number);
    let parts = [(0x92, &key.p), (0x93, &key.q), (0x94, &key.qinv), (0x95, &key.dp), (0x96, &key.dq)];
    let inner: Vec<u8> = parts.iter().flat_map(|(tag, value)| object(&[*tag], value)).collect();
    object(&[0x7F, 0x48], &inner)
}

/// The data field that imports a key on a curve with these parameters.
pub(crate) fn ec_import(parameters: &str, scalar: &[u8]) -> Vec<u8> {
    let mut inner = hex::decode(parameters).unwrap();
    inner.extend(object(&[0x88], scalar));
    object(&[0xE0], &inner)
}
