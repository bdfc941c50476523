//! Questions at a terminal: lines, choices, secrets without echo. All on standard error; results go to standard output.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::interrupt::{self, Asking};
use crate::secret::Typed;
use crate::texts::Lang;

/// The person gave up.
pub(crate) struct GaveUp;

/// Whether there is somebody to ask.
pub(crate) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Nobody is there to ask.
pub(crate) fn nobody(lang: Lang) -> Failure {
    Failure::missing("no-terminal", lang.not_a_terminal())
}

/// Says a line.
pub(crate) fn say(text: impl core::fmt::Display) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Asks for a line. The end of input is giving up, as is Ctrl-C.
pub(crate) fn line(prompt: &str) -> Result<String, GaveUp> {
    let _asking = Asking::line();
    let mut err = io::stderr();
    let _ = write!(err, "{prompt}").and_then(|()| err.flush());
    let mut text = String::new();
    match io::stdin().lock().read_line(&mut text) {
        Ok(count) if count > 0 && !interrupt::is_raised() => Ok(text.trim().to_owned()),
        _ => Err(GaveUp),
    }
}

/// Asks for a yes; anything else is a no.
pub(crate) fn yes(prompt: &str) -> Result<(), GaveUp> {
    match line(prompt)?.to_lowercase().as_str() {
        "y" | "yes" | "是" => Ok(()),
        _ => Err(GaveUp),
    }
}

/// Waits for a key, where the manual has a button.
pub(crate) fn button(lang: Lang) -> Result<(), GaveUp> {
    match line(&lang.press_enter())?.as_str() {
        "" | "y" | "Y" => Ok(()),
        _ => Err(GaveUp),
    }
}

/// Asks for a number from 1 to `count`; returns it counted from 0. An empty line takes `default`, or gives up.
pub(crate) fn number(lang: Lang, prompt: &str, count: usize, default: Option<usize>) -> Result<usize, GaveUp> {
    loop {
        let text = line(prompt)?;
        if text.is_empty() {
            return default.ok_or(GaveUp);
        }
        if text == "q" {
            return Err(GaveUp);
        }
        match text.parse::<usize>() {
            Ok(number) if (1..=count).contains(&number) => return Ok(number - 1),
            _ => say(lang.bad_number()),
        }
    }
}

/// Asks for a secret; it is not shown. An empty one is giving up.
///
/// The prompt comes when the terminal echoes no more, so that not even a fast hand's first keys are shown.
pub(crate) fn secret(prompt: &str) -> Result<Typed, GaveUp> {
    let _asking = Asking::secret();
    let done = AtomicBool::new(false);
    let typed = thread::scope(|scope| {
        scope.spawn(|| prompt_when_quiet(prompt, &done));
        let typed = rpassword::read_password().map(Zeroizing::new);
        done.store(true, Ordering::SeqCst);
        typed
    });
    match typed {
        Ok(text) if !text.is_empty() && !interrupt::is_raised() => Ok(text),
        _ => Err(GaveUp),
    }
}

/// How long the terminal is given to stop echoing; it takes less than a thousandth of that.
const QUIET: Duration = Duration::from_secs(2);

fn prompt_when_quiet(prompt: &str, done: &AtomicBool) {
    let end = Instant::now() + QUIET;
    while !done.load(Ordering::SeqCst) && Instant::now() < end && echoes().unwrap_or(false) {
        thread::sleep(Duration::from_millis(2));
    }
    if !done.load(Ordering::SeqCst) {
        let mut err = io::stderr();
        let _ = write!(err, "{prompt}").and_then(|()| err.flush());
    }
}

/// Whether the terminal shows what is typed; nothing where that cannot be found out.
fn echoes() -> Option<bool> {
    let tty = File::open("/dev/tty").ok()?;
    let output = Command::new("stty").arg("-a").stdin(tty).stderr(Stdio::null()).output().ok()?;
    let settings = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| settings.split([' ', ';', '\n']).any(|word| word == "echo"))
}
