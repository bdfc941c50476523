//! Scripts as they stand in a file.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    #[serde(default)]
    pub(super) values: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub(super) setups: BTreeMap<Spanned<String>, RawSetup>,
    #[serde(default, rename = "case")]
    pub(super) cases: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSetup {
    #[serde(default)]
    pub(super) after: Vec<Spanned<String>>,
    pub(super) steps: Vec<Spanned<RawStep>>,
    pub(super) operational: Option<Vec<Spanned<RawStep>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCase {
    pub(super) id: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) clause: Spanned<String>,
    pub(super) source: Option<String>,
    pub(super) preset: Spanned<String>,
    #[serde(default)]
    pub(super) stateless: bool,
    #[serde(default)]
    pub(super) setup: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) requirements: Vec<String>,
    #[serde(default)]
    pub(super) tags: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) needs: Vec<Spanned<String>>,
    pub(super) steps: Vec<Spanned<RawStep>>,
    #[serde(default)]
    pub(super) teardown: Vec<Spanned<RawStep>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStep {
    pub(super) send: Option<Spanned<String>>,
    pub(super) reset: Option<Spanned<bool>>,
    pub(super) check: Option<Spanned<String>>,
    pub(super) encrypt: Option<RawEncrypt>,
    pub(super) aes: Option<RawAes>,
    pub(super) oaep: Option<RawOaep>,
    pub(super) status: Option<Spanned<RawStatus>>,
    #[serde(default)]
    pub(super) expect: BTreeMap<Spanned<String>, Spanned<RawStatus>>,
    #[serde(default)]
    pub(super) timing: bool,
    pub(super) repeat: Option<Spanned<usize>>,
    pub(super) count: Option<Spanned<String>>,
    pub(super) data: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) tlv: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) verify: Option<RawVerify>,
    #[serde(default)]
    pub(super) capture: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEncrypt {
    pub(super) modulus: Spanned<String>,
    pub(super) block: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAes {
    pub(super) key: Spanned<String>,
    pub(super) block: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOaep {
    pub(super) modulus: Spanned<String>,
    pub(super) message: Spanned<String>,
    pub(super) hash: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVerify {
    pub(super) scheme: Spanned<String>,
    pub(super) key: Spanned<String>,
    pub(super) over: Spanned<String>,
    pub(super) signature: Option<Spanned<String>>,
}

/// One status word or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawStatus {
    One(String),
    Several(Vec<String>),
}
