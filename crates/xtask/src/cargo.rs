//! Running cargo and other programs at the root of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::outcome::{Counts, Failure, StepResult};

/// The cargo that started us, with a sub-command.
pub(crate) fn cargo(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(root);
    // What `cargo run` tells us about our own package is not for the children.
    for (name, _) in std::env::vars_os() {
        let inherited =
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if inherited {
            command.env_remove(name);
        }
    }
    command
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |place| root.join(place))
}

/// Says what is run, and runs it.
pub(crate) fn succeed(command: &mut Command) -> Result<(), Failure> {
    let line = shown(command);
    println!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("`{line}` ended with {status}"))),
        Err(error) => Err(Failure::new(format!("`{line}` did not start: {error}"))),
    }
}

/// Runs all commands, also after a failure, and fails with the first.
pub(crate) fn succeed_all(commands: impl IntoIterator<Item = Command>) -> StepResult {
    let mut result = Ok(Counts::default());
    for mut command in commands {
        if let Err(failure) = succeed(&mut command)
            && result.is_ok()
        {
            result = Err(failure);
        }
    }
    result
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
