//! Traces of real programs: recorded, shown, counted and played again.
#![cfg(unix)]

mod replay;
mod secrets;
mod show;
mod sources;
mod stats;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;
use testkit::{find_program, require_or_skip, run_bounded};

const LIMIT: Duration = Duration::from_secs(120);
const PIN: &str = "123456";
const PUK: &str = "0123456789abcdef";

/// A directory with traces.
struct Desk(TempDir);

/// What a program said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A directory, where OpenSC's programs and openssl are there.
    fn with_programs() -> Option<Self> {
        let found = ["pkcs15-init", "pkcs11-tool", "opensc-tool", "openssl"]
            .iter()
            .try_for_each(|program| find_program(program).map(drop));
        require_or_skip(found).map(|()| Self::new())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `cardlab` with these words, in this directory.
    fn cardlab(&self, words: &str) -> Said {
        self.run(&words.split_whitespace().collect::<Vec<_>>())
    }

    fn run(&self, args: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
        Said::of(run_bounded(command.args(args).current_dir(self.0.path()), LIMIT))
    }

    /// A session of these shell commands with a card of this seed, written to `name` with these options.
    fn record(&self, seed: u32, name: &str, options: &str, script: &str) {
        let head = format!("run --reader isoapplet --seed {seed} --trace {name} {options} -- sh -e -c");
        let mut args: Vec<&str> = head.split_whitespace().collect();
        args.push(script);
        let said = self.run(&args);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn home(&self) -> &Path {
        self.0.path()
    }
}

impl Said {
    fn of(output: Output) -> Self {
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Self { code: output.status.code(), out, err }
    }

    fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    fn says(self, what: &str) -> Self {
        assert!(self.out.contains(what) || self.err.contains(what), "no {what} in {}{}", self.out, self.err);
        self
    }

    /// The same as JSON.
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// OpenSC makes the card's files, and shows its PIN.
fn initialise() -> String {
    format!(
        "pkcs15-init --create-pkcs15 --so-pin {PIN} --so-puk {PUK} >&2
         pkcs15-tool --verify-pin --pin {PIN} >&2"
    )
}

/// A short trace by hand: a select, a PIN, a chained command, two readers.
const SMALL: &str = "\
# cardlab trace 1: seconds, reader, handle, what
# reader 0: First 00 00
# reader 1: Second 00 00
    0.000100 0 - inserted
    0.000200 0 - ATR 3B80800101
    0.000300 0 1 Connect ok
    0.000400 0 1 > 00A404000CF276A288BCFBA69D34F31001
    0.000900 0 1 < 9000 (500 us)
    0.001000 1 2 Connect 8010000B
    0.001100 0 1 > 0020000110································
    0.001200 0 1 < 63C2 (100 us)
    0.002000 0 1 > 10D6000003112233
    0.002100 0 1 < 9000 (100 us)
    0.002200 0 1 > 00D60000024455
    0.002300 0 1 < 9000 (100 us)
    0.003000 1 2 > 0084000008
    0.003500 1 2 < 11223344556677889000 (500 us)
";
