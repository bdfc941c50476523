//! The socket on which `cardlab ctl` is listened to, and its other end. A request is one line, and so is the first of the
//! answer: `ok`, or `error: ` and why.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use super::world::World;

/// The longest request in bytes: two paths and some words.
const MAX_LINE: u64 = 16 * 1024;
/// How long a request may take to come, and its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// The listening side.
pub(crate) struct Control {
    socket: PathBuf,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// The environment variable that names the socket for programs that are run.
    pub(crate) const VARIABLE: &'static str = "CARDLAB_CONTROL";

    /// Listens until this is dropped.
    pub(crate) fn listen(world: &Arc<World>) -> io::Result<Self> {
        let socket = world.control_socket();
        let listener = UnixListener::bind(&socket)?;
        let (world, stopping) = (Arc::clone(world), Arc::<AtomicBool>::default());
        let stopped = Arc::clone(&stopping);
        let thread = thread::Builder::new().name("control".into()).spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    // Who asks and does not listen has missed the answer.
                    let _ = answer(&world, &stream);
                }
            }
        })?;
        Ok(Self { socket, stopping, thread: Some(thread) })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Whoever drops this is to have the world alone afterwards: it ends when its owner does, and not in a thread that
        // the end of the process cuts off. A thread that cannot be woken, because its socket has gone, is left.
        if let (Ok(_), Some(thread)) = (UnixStream::connect(&self.socket), self.thread.take()) {
            // One that panicked has said so.
            let _ = thread.join();
        }
        // The directory may have gone before it.
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn answer(world: &World, mut stream: &UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // PINs are pressed on it.
    let mut line = Zeroizing::new(String::new());
    BufReader::new(stream.take(MAX_LINE)).read_line(&mut line)?;
    let answer = match line.strip_suffix('\n').context("not a line").and_then(|line| world.obey(line)) {
        Ok(said) => format!("ok\n{said}"),
        Err(error) => format!("error: {}\n", format!("{error:#}").replace('\n', " ")),
    };
    stream.write_all(answer.as_bytes())
}

/// Asks for something. Returns what was said.
pub(crate) fn ask(socket: &Path, words: &[&str]) -> anyhow::Result<String> {
    if words.iter().any(|word| word.contains(['\n', '\t'])) {
        bail!("names of readers and files hold no tabs and no line ends here");
    }
    let unreached =
        || format!("nobody listens at {}; is `cardlab run` or `cardlab serve` still there?", socket.display());
    let mut stream = UnixStream::connect(socket).with_context(unreached)?;
    stream.write_all(format!("{}\n", words.join("\t")).as_bytes())?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    match said.split_once('\n') {
        Some(("ok", rest)) => Ok(rest.to_owned()),
        Some((error, _)) => bail!("{}", error.strip_prefix("error: ").unwrap_or(error)),
        None => bail!("the service ended before it answered"),
    }
}
