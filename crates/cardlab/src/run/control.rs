//! The socket on which `cardlab ctl` is listened to, and its other end. A request is one line, and so is the first of the
//! answer: `ok`, or `error: ` and why.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use super::world::World;

/// The longest request in bytes: two paths and some words.
const MAX_LINE: usize = 16 * 1024;
/// How long a request may take to come, and its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many requests may be worked on at the same time.
const MOST: usize = 32;
/// How long the end waits for them.
const ENDING: Duration = Duration::from_secs(1);

/// The listening side.
pub(crate) struct Control {
    socket: PathBuf,
    stopping: Arc<AtomicBool>,
    /// How many requests are worked on.
    working: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// The environment variable that names the socket for programs that are run.
    pub(crate) const VARIABLE: &'static str = "CARDLAB_CONTROL";

    /// Listens until this is dropped.
    ///
    /// # Errors
    /// Why it cannot listen there.
    pub(crate) fn listen(world: &Arc<World>) -> anyhow::Result<Self> {
        let socket = world.control_socket();
        let failed = || format!("cannot listen for `cardlab ctl` at {}", socket.display());
        let listener = UnixListener::bind(&socket).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                anyhow::anyhow!("{} is there already; remove it if no `cardlab serve` uses it", socket.display())
            }
            _ => anyhow::Error::new(error).context(failed()),
        })?;
        let (world, stopping, working) = (Arc::clone(world), Arc::<AtomicBool>::default(), Arc::default());
        let (stopped, counter) = (Arc::clone(&stopping), Arc::clone(&working));
        let thread = thread::Builder::new().name("control".into()).spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    work(&world, stream, &counter);
                }
            }
        });
        Ok(Self { stopping, working, thread: Some(thread.with_context(failed)?), socket })
    }
}

/// Gives a request a thread: one that waits for a card holds up no other.
fn work(world: &Arc<World>, stream: UnixStream, working: &Arc<AtomicUsize>) {
    // Who is refused sees the connection end.
    if working.fetch_add(1, SeqCst) >= MOST {
        working.fetch_sub(1, SeqCst);
        return;
    }
    let (world, counter) = (Arc::clone(world), Arc::clone(working));
    let started = thread::Builder::new().name("request".into()).spawn(move || {
        // Who asks and does not listen has missed the answer.
        let _ = answer(&world, &stream);
        drop(world);
        counter.fetch_sub(1, SeqCst);
    });
    if started.is_err() {
        working.fetch_sub(1, SeqCst);
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stopping.store(true, SeqCst);
        // A thread that cannot be woken, because its socket has gone, is left.
        if let (Ok(_), Some(thread)) = (UnixStream::connect(&self.socket), self.thread.take()) {
            // One that panicked has said so.
            let _ = thread.join();
        }
        // A request that waits for somebody ends with the process.
        let end = Instant::now() + ENDING;
        while self.working.load(SeqCst) > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        // The directory may have gone before it.
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn answer(world: &World, mut stream: &UnixStream) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let line = line(stream)?;
    let said = line.strip_suffix('\n').context("not a line").and_then(|line| world.obey(line));
    let answer = match said {
        Ok(said) => format!("ok\n{said}"),
        Err(error) => format!("error: {}\n", format!("{error:#}").replace('\n', " ")),
    };
    stream.write_all(answer.as_bytes())
}

/// Reads a request; what of it has come where the other end or the time for it ends.
fn line(mut stream: &UnixStream) -> io::Result<Zeroizing<String>> {
    let end = Instant::now() + PATIENCE;
    // Digits of a PIN may be among it, of which nothing is to stay.
    let (mut bytes, mut piece) = (Zeroizing::new(Vec::with_capacity(MAX_LINE)), Zeroizing::new([0; 1024]));
    while !bytes.ends_with(b"\n") && bytes.len() + piece.len() <= MAX_LINE {
        let left = end.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut *piece) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if left.is_zero() {
            break;
        }
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Zeroizing::new(text.to_owned()))
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
