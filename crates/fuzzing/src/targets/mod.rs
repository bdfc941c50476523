//! What the fuzz targets check: each module has one function, `check`, that panics where the code breaks its promise.

pub mod apdu;
pub mod host;
pub mod image;
pub mod pkcs15;
pub mod power;
pub mod sequence;
pub mod suite;
pub mod tlv;
pub mod trace;
pub mod vpcd;

/// A target: its name, which is also its directory's, and its check.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 10] = [
    ("apdu", apdu::check),
    ("tlv", tlv::check),
    ("sequence", sequence::check),
    ("power", power::check),
    ("image", image::check),
    ("vpcd", vpcd::check),
    ("host", host::check),
    ("suite", suite::check),
    ("pkcs15", pkcs15::check),
    ("trace", trace::check),
];

/// The target of this name.
#[must_use]
pub fn named(name: &str) -> Option<Target> {
    ALL.into_iter().find(|(known, _)| *known == name)
}
