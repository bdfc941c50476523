//! A pcscd with vpcd for one test, beside any that the system runs.
//!
//! The daemon's socket path is compiled in, so a private directory is mounted over it, in a mount namespace that
//! ends with the daemon. Clients follow `PCSCLITE_CSOCK_NAME`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ports::{free_port_pair, is_listening};
use crate::program::{find_program, in_own_group, kill_group, try_run_bounded, wait_until};
use crate::skip::Unavailable;

/// Where packages put vpcd's driver.
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
/// The longest socket path that clients do not cut.
const MAX_SOCKET_PATH: usize = 107;
const READER: &str = "CardLab";
/// How long the daemon may take to start or to end.
const LIMIT: Duration = Duration::from_secs(15);

/// Mounts the directory $1 over the daemon's. Where that is missing and cannot be made, all of /run is replaced.
const MOUNT: &str = "{ mkdir -p /run/pcscd 2>/dev/null || { mount -t tmpfs tmpfs /run && mkdir /run/pcscd; }; } \
                     && mount --bind \"$1\" /run/pcscd";
/// Runs the daemon $2 with the configuration $3 until it ends or standard input does: then the test is gone,
/// however it went. (A background job's standard input is not the shell's, hence descriptor 3.)
const RUN: &str = "exec 3<&0; \"$2\" --foreground --config \"$3\" 3<&- & daemon=$!; \
                   { read -r _ <&3; kill -TERM $daemon; } 2>/dev/null & guard=$!; \
                   wait $daemon; status=$?; kill -KILL $guard 2>/dev/null; exit $status";

/// A running pcscd of its own, with an empty vpcd reader of two slots. Killed on drop, and also when the test's
/// process dies without dropping anything.
pub struct PrivatePcscd {
    place: TempDir,
    /// The first port of each reader of two slots.
    ports: Vec<u16>,
    daemon: Option<Child>,
}

impl PrivatePcscd {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// [`Unavailable`] where a program or a right is missing, or the daemon does not come up.
    pub fn start() -> Result<Self, Unavailable> {
        Self::start_with_readers(1)
    }

    /// As [`PrivatePcscd::start`], with so many vpcd readers of two slots each. pcsc-lite takes eight of them.
    ///
    /// # Errors
    /// As [`PrivatePcscd::start`].
    pub fn start_with_readers(readers: usize) -> Result<Self, Unavailable> {
        namespace()?;
        let mut last = None;
        // Another program may take a port between its choice and its use.
        for _ in 0..3 {
            match Self::try_start(readers) {
                Ok(started) => return Ok(started),
                Err(error) => last = Some(error),
            }
        }
        Err(Unavailable::new(last.map_or_else(String::new, |error| error.to_string())))
    }

    fn try_start(readers: usize) -> io::Result<Self> {
        let place = short_directory()?;
        for name in ["run", "conf", "home"] {
            fs::create_dir(place.path().join(name))?;
        }
        let mut ports = Vec::new();
        while ports.len() < readers {
            let port = free_port_pair()?;
            if !ports.iter().any(|taken: &u16| taken.abs_diff(port) < 2) {
                fs::write(place.path().join(format!("conf/vpcd{port}")), reader_conf(&place, ports.len(), port)?)?;
                ports.push(port);
            }
        }
        // Nothing that one card said may be remembered for the next.
        fs::write(place.path().join("opensc.conf"), OPENSC_CONF)?;
        let mut pcscd = Self { place, ports, daemon: None };
        pcscd.up()?;
        Ok(pcscd)
    }

    /// The port on which the first slot waits for a card. The second slot has the next one.
    #[must_use]
    pub fn vpcd_port(&self) -> u16 {
        self.ports[0]
    }

    /// The ports of all slots of all readers.
    #[must_use]
    pub fn slot_ports(&self) -> Vec<u16> {
        self.ports.iter().flat_map(|port| [*port, port + 1]).collect()
    }

    /// The name under which PC/SC programs see the first slot.
    #[must_use]
    pub fn reader_name(&self) -> String {
        format!("{READER} 00 00")
    }

    /// The name under which PC/SC programs see the second slot.
    #[must_use]
    pub fn second_reader_name(&self) -> String {
        format!("{READER} 00 01")
    }

    /// What clients find in `PCSCLITE_CSOCK_NAME`.
    #[must_use]
    pub fn socket_path(&self) -> PathBuf {
        self.place.path().join("run/pcscd.comm")
    }

    /// A directory for the test's files; it goes with the daemon.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.place.path().join("home")
    }

    /// What the daemon has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }

    /// A program that talks to this daemon and keeps nothing in the user's home.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("PCSCLITE_CSOCK_NAME", self.socket_path())
            .env("OPENSC_CONF", self.place.path().join("opensc.conf"))
            .env("HOME", self.home())
            .env("LC_ALL", "C")
            .env_remove("XDG_CACHE_HOME")
            .current_dir(self.home());
        command
    }

    /// Ends the daemon and starts it again on the same port and socket path.
    ///
    /// # Errors
    /// [`Unavailable`] where it does not come up again.
    pub fn restart(&mut self) -> Result<(), Unavailable> {
        self.halt();
        self.resume()
    }

    /// Ends the daemon as a service manager would, and waits for its end.
    pub fn halt(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        // The shell around the daemon waits for this end of the pipe.
        drop(daemon.stdin.take());
        if wait_until(&mut daemon, Instant::now() + LIMIT).is_none() {
            // Nothing is left to do for a process that even a kill does not end.
            let _ = kill_group(&mut daemon);
        }
    }

    /// Starts a halted daemon again on the same port and socket path.
    ///
    /// # Errors
    /// [`Unavailable`] where it does not come up.
    pub fn resume(&mut self) -> Result<(), Unavailable> {
        if self.daemon.is_some() {
            return Ok(());
        }
        self.up().map_err(|error| Unavailable::new(error.to_string()))
    }

    fn up(&mut self) -> io::Result<()> {
        let run = self.place.path().join("run");
        // What a killed daemon has left would be taken for a running one.
        for name in ["pcscd.comm", "pcscd.pid"] {
            if let Err(error) = fs::remove_file(run.join(name))
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        let missing = |error: Unavailable| io::Error::other(error.reason);
        let log = fs::File::options().create(true).append(true).open(self.place.path().join("log"))?;
        let mut command = Command::new("unshare");
        command
            .args([namespace().map_err(missing)?, "sh", "-c", &format!("{MOUNT} && {{ {RUN}; }}"), "sh"])
            .arg(&run)
            .arg(find_program("pcscd").map_err(missing)?)
            .arg(self.place.path().join("conf"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        in_own_group(&mut command);
        self.daemon = Some(command.spawn()?);
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> io::Result<()> {
        let end = Instant::now() + LIMIT;
        while !(answers(&self.socket_path()) && self.slot_ports().into_iter().all(is_listening)) {
            let ended = self.daemon.as_mut().and_then(|daemon| daemon.try_wait().ok().flatten());
            if let Some(status) = ended {
                self.daemon = None;
                return Err(io::Error::other(format!("pcscd ended at once ({status}): {}", self.log().trim())));
            }
            if Instant::now() > end {
                self.halt();
                return Err(io::Error::other(format!("pcscd did not come up: {}", self.log().trim())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for PrivatePcscd {
    fn drop(&mut self) {
        self.halt();
    }
}

/// The daemon's configuration of one vpcd reader. A driver keeps its slots in globals, so each further reader has a
/// copy of it.
fn reader_conf(place: &TempDir, number: usize, port: u16) -> io::Result<String> {
    let (name, driver) = match number {
        0 => (READER.to_owned(), PathBuf::from(DRIVER)),
        _ => (format!("{READER}{number}"), place.path().join(format!("driver{number}.so"))),
    };
    if number > 0 {
        fs::copy(DRIVER, &driver)?;
    }
    let driver = driver.display();
    Ok(format!("FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:{port}\nLIBPATH {driver}\nCHANNELID {port}\n"))
}

/// OpenSC without its cache of card contents; everything else as it comes.
const OPENSC_CONF: &str = "app default {\n    framework pkcs15 {\n        use_file_caching = no;\n    }\n}\n";

/// A private directory in which socket paths are short enough.
fn short_directory() -> io::Result<TempDir> {
    let make = |root: &Path| tempfile::Builder::new().prefix("cl").tempdir_in(root);
    let place = make(&std::env::temp_dir())?;
    if place.path().as_os_str().len() + "/run/pcscd.comm".len() <= MAX_SOCKET_PATH {
        return Ok(place);
    }
    make(Path::new("/tmp"))
}

/// The option with which `unshare` gives this user a mount namespace: as a user of his own, or as root.
fn namespace() -> Result<&'static str, Unavailable> {
    static FOUND: OnceLock<Result<&'static str, Unavailable>> = OnceLock::new();
    FOUND.get_or_init(probe).clone()
}

fn probe() -> Result<&'static str, Unavailable> {
    if !cfg!(target_os = "linux") {
        return Err(Unavailable::new("a private pcscd needs Linux"));
    }
    for program in ["pcscd", "unshare", "mount"] {
        find_program(program)?;
    }
    if !Path::new(DRIVER).is_file() {
        return Err(Unavailable::new(format!("vpcd is not installed: no {DRIVER} (package vsmartcard-vpcd)")));
    }
    let place = short_directory().map_err(|error| Unavailable::new(format!("no temporary directory: {error}")))?;
    let mut said = String::new();
    for option in ["-Urm", "-m"] {
        let mut command = Command::new("unshare");
        command.args([option, "sh", "-c", MOUNT, "sh"]).arg(place.path());
        match try_run_bounded(&mut command, LIMIT) {
            Ok(output) if output.status.success() => return Ok(option),
            Ok(output) => said = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => said = error.to_string(),
        }
    }
    Err(Unavailable::new(format!("this machine gives no mount namespace: {said}")))
}

#[cfg(unix)]
fn answers(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

#[cfg(not(unix))]
fn answers(_: &Path) -> bool {
    false
}
