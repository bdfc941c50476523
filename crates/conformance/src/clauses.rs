//! The clauses of standards that a case may cite, each with the place its number is known from.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use crate::error::{ScriptError, ScriptErrorKind};
use crate::script::Source;
use crate::template::is_name;

/// A clause of one edition of a standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Name that cases use.
    pub id: String,
    /// The standard and its year.
    pub edition: String,
    /// Number of the clause in that edition.
    pub clause: String,
    /// What the clause is about.
    pub title: String,
    /// Where the number is known from.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default, rename = "clause")]
    clauses: Vec<RawClause>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClause {
    id: Spanned<String>,
    edition: String,
    clause: String,
    title: String,
    source: Spanned<String>,
}

/// Reads lists of clauses, which are one together.
pub(crate) fn load(files: &[Source<'_>]) -> Result<Vec<Clause>, ScriptError> {
    let mut seen = BTreeSet::new();
    let mut clauses = Vec::new();
    for file in files {
        list(*file, &mut seen, &mut clauses)?;
    }
    Ok(clauses)
}

fn list(file: Source<'_>, seen: &mut BTreeSet<String>, clauses: &mut Vec<Clause>) -> Result<(), ScriptError> {
    let error = |at, kind| ScriptError::at(file.name, file.text, at, kind);
    let raw: RawFile = toml::from_str(file.text)
        .map_err(|toml| error(toml.span().map_or(0, |span| span.start), ScriptErrorKind::Toml(Box::new(toml))))?;
    for row in raw.clauses {
        let at = row.id.span().start;
        if !is_name(row.id.get_ref()) {
            return Err(error(at, ScriptErrorKind::Name));
        }
        if row.source.get_ref().trim().is_empty() {
            return Err(error(row.source.span().start, ScriptErrorKind::Title));
        }
        let id = row.id.into_inner();
        if !seen.insert(id.clone()) {
            return Err(error(at, ScriptErrorKind::Duplicate { name: id }));
        }
        let source = row.source.into_inner();
        clauses.push(Clause { id, edition: row.edition, clause: row.clause, title: row.title, source });
    }
    Ok(())
}
