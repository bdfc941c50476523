//! A card in a private reader, and programs that are judged by what they say.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use card_os::preset::{Dialect, Preset};
use card_os::sim::SimCard;
use rsa_host::HostRsa;
use tempfile::TempDir;
use testkit::{PrivatePcscd, Unavailable, find_program, require_or_skip, run_bounded, try_run_bounded};
use virtual_reader::{LinkState, VirtualReader, VpcdAddress};

/// PIN and PUK of OpenSC's CI.
pub(super) const PIN: &str = "123456";
pub(super) const PUK: &str = "0123456789abcdef";

const PROGRAMS: [&str; 7] =
    ["opensc-tool", "opensc-explorer", "pkcs15-init", "pkcs15-tool", "pkcs11-tool", "scriptor", "openssl"];
/// For one program. Much more than it needs: a busy machine is no reason to fail.
const LIMIT: Duration = Duration::from_secs(90);
/// Any fixed value; the card's keys follow from it.
const SEED: u64 = 23;

/// A new card in a reader of its own. Everything ends with it.
pub(super) struct Desk(Reader);

/// Where the card is.
enum Reader {
    /// In vpcd's reader. The card comes first, so that it is pulled from a reader that still exists.
    Pcscd { _card: VirtualReader, pcscd: PrivatePcscd },
    /// In a file, which `cardlab run` puts into a reader of its own for each program. None of them has rights.
    Run { home: TempDir, spec: String },
}

impl Desk {
    /// A blank card made from the preset; nothing where the test must be skipped.
    pub(super) fn with(preset: &Preset) -> Option<Self> {
        let pcscd = require_or_skip(programs().and_then(|()| PrivatePcscd::start()))?;
        let card = SimCard::from_seed(preset, SEED, HostRsa).unwrap();
        let reader = VirtualReader::start(Box::new(card), VpcdAddress::local(pcscd.vpcd_port()));
        assert!(reader.wait_for(LinkState::Connected, LIMIT), "no connection to vpcd: {}", pcscd.log());
        let desk = Self(Reader::Pcscd { _card: reader, pcscd });
        desk.wait_for_card(preset);
        Some(desk)
    }

    /// A blank card of any OpenSC user that speaks this dialect, in the reader of `cardlab run`.
    pub(super) fn without_pcscd(dialect: &str) -> Option<Self> {
        require_or_skip(programs().and_then(|()| testkit::without_rights(program())))?;
        let home = tempfile::Builder::new().prefix("cl").tempdir_in("/tmp").unwrap();
        let profile = include_str!("../../../../../fixtures/profiles/isoapplet.toml");
        let line = format!("dialect = \"{dialect}\"");
        let profile = profile.replace("dialect = \"auto\"", &line);
        assert!(profile.contains(&line));
        fs::write(home.path().join("card.toml"), profile).unwrap();
        testkit::give_away(home.path()).unwrap();
        let spec = format!("card.toml:card.img,seed={SEED}");
        Some(Self(Reader::Run { home, spec }))
    }

    /// pcscd looks for a card every 0.4 s. OpenSC's own waiting ends with 0 and without the card.
    fn wait_for_card(&self, preset: &Preset) {
        let end = Instant::now() + LIMIT;
        let atr: Vec<String> = preset.atr.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        while !self.run("opensc-tool --atr").text.contains(&atr.join(":")) {
            assert!(Instant::now() < end, "the service sees no card");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The directory of the test.
    fn home(&self) -> PathBuf {
        match &self.0 {
            Reader::Pcscd { pcscd, .. } => pcscd.home(),
            Reader::Run { home, .. } => home.path().to_owned(),
        }
    }

    /// A program that sees the reader.
    fn command(&self, name: &str) -> Command {
        match &self.0 {
            Reader::Pcscd { pcscd, .. } => pcscd.command(name),
            Reader::Run { home, spec } => {
                let mut command = testkit::without_rights(program()).unwrap();
                command.args(["run", "--reader", spec, "--", name]);
                command.current_dir(home).env("HOME", home.path()).env("LC_ALL", "C").env_remove("XDG_CACHE_HOME");
                command
            }
        }
    }

    /// A blank card of any OpenSC user, which speaks this version of the dialect.
    pub(super) fn speaking(dialect: Dialect) -> Option<Self> {
        Self::with(&Preset { dialect, ..Preset::isoapplet() })
    }

    /// A blank card of any OpenSC user as it comes.
    pub(super) fn isoapplet() -> Option<Self> {
        Self::with(&Preset::isoapplet())
    }

    /// Makes the PKCS#15 structure with the PIN and the PUK of OpenSC's CI.
    pub(super) fn initialise(&self) -> &Self {
        self.run(&format!("pkcs15-init --create-pkcs15 --so-pin {PIN} --so-puk {PUK}")).ok().lacks("Failed");
        self
    }

    /// Generates a key on the card; `what` is in the words of pkcs15-init, as in `rsa/2048 --id 1`.
    pub(super) fn generate(&self, what: &str) -> &Self {
        self.run(&format!("pkcs15-init --generate-key {what} --auth-id FF --pin {PIN}")).ok().lacks("Failed");
        self
    }

    /// Runs a program in the directory of the test. Words are separated by blanks; `""` is an empty one.
    pub(super) fn run(&self, line: &str) -> Said {
        let mut words = line.split_whitespace().map(|word| if word == "\"\"" { "" } else { word });
        let mut command = self.command(words.next().unwrap());
        let output = run_bounded(command.args(words), LIMIT);
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Said { line: line.to_owned(), code: output.status.code(), text }
    }

    /// A file that the test gives to a program.
    pub(super) fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.home().join(name), content).unwrap();
    }

    /// A file that a program has written.
    #[track_caller]
    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.home().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// What a program has said, on both of its streams.
pub(super) struct Said {
    line: String,
    code: Option<i32>,
    pub(super) text: String,
}

impl Said {
    /// It must have ended with 0.
    #[track_caller]
    pub(super) fn ok(self) -> Self {
        assert!(self.code == Some(0), "should succeed: {}", self.story());
        self
    }

    /// It must have ended with something else.
    #[track_caller]
    pub(super) fn fails(self) -> Self {
        assert!(self.code.is_some_and(|code| code != 0), "should fail: {}", self.story());
        self
    }

    /// The text must be in what it said.
    #[track_caller]
    pub(super) fn says(self, text: &str) -> Self {
        assert!(self.text.contains(text), "should say {text:?}: {}", self.story());
        self
    }

    /// The text must not be in what it said.
    #[track_caller]
    pub(super) fn lacks(self, text: &str) -> Self {
        assert!(!self.text.contains(text), "should not say {text:?}: {}", self.story());
        self
    }

    /// How many lines of what it said are this text, blanks at the ends aside.
    pub(super) fn count(&self, line: &str) -> usize {
        self.text.lines().filter(|found| found.trim() == line).count()
    }

    fn story(&self) -> String {
        let mut story = format!("{}\nended with {:?} and said:\n", self.line, self.code);
        // Indented, so that it is told from what the test says.
        self.text.lines().for_each(|line| writeln!(story, "    {line}").unwrap());
        story
    }
}

/// Nothing where the installed OpenSC is of the series that the expected failures are known for.
pub(super) fn series(wanted: &str) -> Result<(), Unavailable> {
    programs()?;
    let said = try_run_bounded(Command::new("opensc-tool").arg("--info"), LIMIT)
        .map_err(|error| Unavailable::new(error.to_string()))?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if version.contains(wanted) {
        return Ok(());
    }
    Err(Unavailable::new(format!("what fails is known for {wanted} only, and this is {version}")))
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cardlab"))
}

fn programs() -> Result<(), Unavailable> {
    PROGRAMS.iter().try_for_each(|program| find_program(program).map(drop))
}
