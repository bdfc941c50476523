//! Suites in folders of their own: which files are loaded, in which order, and what of the built-in suite they can use.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::embedded;
use crate::error::ScriptError;
use crate::load;
use crate::record::FileDigest;
use crate::report::json::sha256;
use crate::script::{Source, Suite};

/// The list of clauses in the folder of a suite.
const CLAUSES: &str = "clauses.toml";
/// No script is longer.
const LONGEST: u64 = 16 * 1024 * 1024;

/// A file that a suite was loaded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDigestInput {
    /// Its name in the folder; where several folders were loaded, behind the folder as it was given.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl FileDigestInput {
    /// Name and digest, as the record of a run has them.
    #[must_use]
    pub fn digest(&self) -> FileDigest {
        FileDigest { name: self.name.clone(), sha256: sha256(self.text.as_bytes()) }
    }
}

/// Why the folder of a suite does not load.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// A folder or file that cannot be read.
    #[error("cannot read {}: {cause}", .path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A folder without a case.
    #[error("there is no case in {}; `cardlab conform new` makes a suite", .0.display())]
    Empty(PathBuf),
    /// A mistake in a file.
    #[error("{error}")]
    Script {
        /// The mistake.
        #[source]
        error: ScriptError,
        /// The text of the file.
        text: String,
    },
}

/// Loads all scripts (`*.toml`) of a folder, those first whose name begins with `_`. They can use the values and setups
/// of the built-in suite, and define them anew; they cite its clauses and those of a `clauses.toml` beside them.
///
/// # Errors
/// What cannot be read, the first mistake in what can, and a folder without a case.
pub fn from_dir(dir: &Path) -> Result<(Suite, Vec<FileDigestInput>), SuiteError> {
    from_dirs(&[dir.to_owned()])
}

/// Loads several folders as one suite, each as [`from_dir`] does.
///
/// # Errors
/// As [`from_dir`].
pub fn from_dirs(dirs: &[PathBuf]) -> Result<(Suite, Vec<FileDigestInput>), SuiteError> {
    let mut files = Vec::new();
    for dir in dirs {
        for path in scripts(dir)? {
            let name = path.file_name().unwrap_or_default();
            let name = if dirs.len() == 1 { PathBuf::from(name) } else { dir.join(name) };
            let text = read(&path)?;
            files.push(FileDigestInput { name: name.display().to_string(), text });
        }
    }
    let suite = load(&files)?;
    match dirs {
        [] => Err(SuiteError::Empty(PathBuf::new())),
        [first, ..] if suite.cases.is_empty() => Err(SuiteError::Empty(first.clone())),
        _ => Ok((suite, files)),
    }
}

/// Loads texts as one suite that stands beside the built-in one.
///
/// # Errors
/// The first mistake.
pub fn load(files: &[FileDigestInput]) -> Result<Suite, SuiteError> {
    let name = |file: &FileDigestInput| -> String {
        Path::new(&file.name).file_name().unwrap_or_default().to_string_lossy().into_owned()
    };
    let mut clauses = vec![embedded::CLAUSES];
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for file in files {
        let source = Source { name: &file.name, text: &file.text };
        match name(file) {
            name if name == CLAUSES => clauses.push(source),
            name if name.starts_with('_') => first.push(source),
            _ => rest.push(source),
        }
    }
    first.append(&mut rest);
    let shared = embedded::SCRIPTS.iter().filter(|source| source.name.starts_with('_'));
    let shared: Vec<Source<'_>> = shared.copied().collect();
    load::suite(&clauses, &shared, &first).map_err(|error| {
        let text = files.iter().find(|file| file.name == error.file).map_or_else(String::new, |file| file.text.clone());
        SuiteError::Script { error, text }
    })
}

/// The files of a folder that belong to its suite, in the order in which they are loaded.
fn scripts(dir: &Path) -> Result<Vec<PathBuf>, SuiteError> {
    let failed = |cause| SuiteError::Read { path: dir.to_owned(), cause };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (!name.starts_with('_'), name)
    });
    Ok(paths)
}

fn read(path: &Path) -> Result<String, SuiteError> {
    let failed = |cause| SuiteError::Read { path: path.to_owned(), cause };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(text.len()).is_ok_and(|len| len > LONGEST) {
        return Err(failed(io::Error::other("longer than 16 MiB")));
    }
    Ok(text)
}
