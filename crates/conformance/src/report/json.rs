//! The record as JSON, and its seal.

use sha2::{Digest as _, Sha256};

use crate::record::{RunRecord, SCHEMA};

/// Why a text is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is no JSON at all.
    #[error("this is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// It is JSON, and not a record of a run.
    #[error("this is no record of a run, as --json-report writes it: {0}")]
    NoRecord(#[source] serde_json::Error),
    /// Its fields are not exactly those of a record: something was added or taken out by hand.
    #[error("the record has other fields than those of schema {SCHEMA}")]
    Fields,
    /// Another version of the form.
    #[error("the record has schema {found}; this program reads schema {SCHEMA}")]
    Schema {
        /// The version that it says.
        found: u64,
    },
    /// The record cannot be written.
    #[error("the record cannot be written as JSON: {0}")]
    Write(#[source] serde_json::Error),
}

/// The record as indented JSON with a line end.
///
/// # Errors
/// None for a record that is in memory; the serialiser's own, should it have one.
pub fn write(record: &RunRecord) -> Result<String, RecordError> {
    let mut text = serde_json::to_string_pretty(record).map_err(RecordError::Write)?;
    text.push('\n');
    Ok(text)
}

/// Reads a record back.
///
/// # Errors
/// [`RecordError`] for a text that is no JSON, no record, or one of another schema.
pub fn read(text: &str) -> Result<RunRecord, RecordError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let value: serde_json::Value = serde_json::from_str(text).map_err(RecordError::NotJson)?;
    // Asked before the fields: those of another version are others.
    if let Some(found) = value.get("schema").and_then(serde_json::Value::as_u64)
        && found != u64::from(SCHEMA)
    {
        return Err(RecordError::Schema { found });
    }
    let record: RunRecord = serde_json::from_str(text).map_err(RecordError::NoRecord)?;
    // What the form does not know would not be under the digest.
    if serde_json::to_value(&record).ok().as_ref() != Some(&value) {
        return Err(RecordError::Fields);
    }
    Ok(record)
}

/// SHA-256 of bytes in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// SHA-256 over the compact JSON of the record with its own digest empty.
///
/// # Errors
/// As [`write()`].
pub fn digest(record: &RunRecord) -> Result<String, RecordError> {
    let mut bare = record.clone();
    bare.digests.record.clear();
    Ok(sha256(&serde_json::to_vec(&bare).map_err(RecordError::Write)?))
}

/// Writes the record's digest into it: the last thing that happens to a record.
///
/// # Errors
/// As [`write()`].
pub fn seal(record: &mut RunRecord) -> Result<(), RecordError> {
    record.digests.record = digest(record)?;
    Ok(())
}
