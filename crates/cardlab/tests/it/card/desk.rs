//! An authority, a card in a file, and a home, in a directory of the test's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use tempfile::TempDir;
use testkit::run_bounded;

pub(super) const CARDLAB: &str = env!("CARGO_BIN_EXE_cardlab");
pub(super) const LIMIT: Duration = Duration::from_secs(120);
/// When the card got its first certificate, and a day in that one's last month.
pub(super) const FIRST: &str = "2026-01-10T10:00:00";
pub(super) const LATER: &str = "2026-12-20T10:00:00";
pub(super) const PIN: &str = "24681357";
pub(super) const CARD: &str = "00112233";
/// Opens the files with secrets on descriptors and becomes what follows.
const OPEN: &str = "for f in pin new puk; do [ -e $f ] || : >$f; done; exec \"$@\" 3<pin 4<new 5<puk";
const PASSPHRASE: &str = "correct horse battery";

/// What one call said and how it ended.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    pub(super) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    pub(super) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Says each of the words, on either stream.
    #[track_caller]
    pub(super) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "{word:?} is missing: {self:?}");
        }
        self
    }

    #[track_caller]
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(super) struct Desk {
    dir: TempDir,
    said: Mutex<Vec<u8>>,
}

impl Desk {
    /// An authority and a blank card.
    pub(super) fn blank() -> Self {
        Self::blank_in(&std::env::temp_dir(), &[])
    }

    /// The same, with further options for the authority.
    pub(super) fn blank_with(options: &[&str]) -> Self {
        Self::blank_in(&std::env::temp_dir(), options)
    }

    fn blank_in(root: &Path, options: &[&str]) -> Self {
        let desk = Self { dir: tempfile::tempdir_in(root).unwrap(), said: Mutex::default() };
        let init = ["init", "--name", "Test CA", "--quick", "--channel", "channel", "--now", FIRST];
        desk.ca(&[&init, options].concat()).ends(0);
        desk.give("pin", PIN);
        desk
    }

    /// A card with its first certificate. Made once: key generation is slow.
    pub(super) fn ready() -> Self {
        static MADE: OnceLock<Desk> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            // Nothing drops a static, so it lies where `cargo clean` finds it.
            let desk = Self::blank_in(Path::new(env!("CARGO_TARGET_TMPDIR")), &[]);
            desk.card(FIRST, &["init", "--serial", CARD, "--seed", "5", "--pin-fd", "3"]).ends(0);
            desk.registered();
            desk.card(FIRST, &["apply", "--pin-fd", "3", "--accept-agreement", "channel/agreement.txt"]).ends(3);
            desk.installed(FIRST);
            desk
        });
        made.copy()
    }

    /// The same in another directory.
    pub(super) fn copy(&self) -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap(), said: Mutex::default() };
        let copied = run_bounded(Command::new("cp").arg("-a").arg(self.path(".")).arg(desk.path(".")), LIMIT);
        assert!(copied.status.success(), "{copied:?}");
        desk
    }

    /// The authority answers, the certificate goes onto the card, and both sides confirm.
    pub(super) fn installed(&self, now: &str) {
        for code in [3, 0] {
            self.answered(now);
            self.card(now, &["install", "--pin-fd", "3"]).ends(code);
        }
    }

    pub(super) fn registered(&self) {
        let who = ["--subscriber", "A123", "--ra-unit", "R1", "--card", CARD, "--cn", "陳筱玲"];
        self.ca(&[&["register"][..], &who, &["--channel", "channel", "--now", FIRST]].concat()).ends(0);
    }

    pub(super) fn answered(&self, now: &str) {
        self.ca(&["answer", "--channel", "channel", "--now", now]).ends(0).says(&["handled"]);
    }

    /// The desk lets the subscriber renew.
    pub(super) fn may_renew(&self) {
        self.may_renew_at(LATER);
        self.ca(&["publish", "--channel", "channel", "--now", LATER]).ends(0);
    }

    pub(super) fn may_renew_at(&self, now: &str) {
        self.ca(&["nonce", "--subscriber", "A123", "--channel", "channel", "--now", now]).ends(0);
    }

    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file that a call reads on descriptor 3 (`pin`), 4 (`new`) or 5 (`puk`).
    pub(super) fn give(&self, name: &str, secret: &str) {
        fs::write(self.path(name), format!("{secret}\n")).unwrap();
    }

    pub(super) fn ca(&self, args: &[&str]) -> Said {
        let mut command = Command::new(CARDLAB);
        command.arg("ca").args(args).env("CARDLAB_CA_PASSPHRASE", PASSPHRASE);
        Said::of(&self.run(&mut command))
    }

    /// The card in the file, from a script. Descriptors 3, 4, 5 are the files `pin`, `new`, `puk`.
    pub(super) fn card(&self, now: &str, args: &[&str]) -> Said {
        let all = [args, &["--batch", "--image", "card.img", "--now", now]].concat();
        self.plain(Command::new("sh"), &all)
    }

    /// The tool as `command` runs it, with nothing added.
    pub(super) fn plain(&self, mut command: Command, args: &[&str]) -> Said {
        command.args(["-c", OPEN, "sh", CARDLAB, "card"]).args(args);
        let output = self.run(&mut command);
        self.said.lock().unwrap().extend([output.stdout.as_slice(), &output.stderr].concat());
        Said::of(&output)
    }

    /// The tool as a process that goes on by itself.
    pub(super) fn begin(&self, mut command: Command, args: &[&str]) -> Child {
        command.args(["-c", OPEN, "sh", CARDLAB, "card"]).args(args);
        let command = self.placed(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(super) fn run(&self, command: &mut Command) -> Output {
        run_bounded(self.placed(command), LIMIT)
    }

    /// Sets directory and environment: the test's own, in English.
    pub(super) fn placed<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        fs::create_dir_all(self.path("user")).unwrap();
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "LC_MESSAGES", "LANG"] {
            command.env_remove(name);
        }
        command
            .current_dir(self.dir.path())
            .env("HOME", self.path("user"))
            // OpenSC makes itself a cache wherever it is loaded.
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("CARDLAB_HOME", self.path("home"))
            .env("CARDLAB_CHANNEL", self.path("channel"))
            .env("CARDLAB_CA", self.path("ca"))
            .env("LC_ALL", "C.UTF-8")
    }

    /// None of the secrets is in anything that the tool said or left in a home or the channel.
    #[track_caller]
    pub(super) fn keeps(&self, secrets: &[&str]) {
        let mut places = vec![("what was said".to_owned(), self.said.lock().unwrap().clone())];
        for dir in ["home", "channel", "user"] {
            collect(&self.path(dir), &mut places);
        }
        for secret in secrets {
            let hex = hex::encode(secret);
            for needle in [(*secret).to_owned(), hex.clone(), hex.to_uppercase()] {
                for (place, content) in &places {
                    let found = content.windows(needle.len()).any(|window| window == needle.as_bytes());
                    assert!(!found, "a secret is in {place}");
                }
            }
        }
    }
}

fn collect(dir: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), places);
        } else {
            places.push((entry.path().display().to_string(), fs::read(entry.path()).unwrap()));
        }
    }
}
