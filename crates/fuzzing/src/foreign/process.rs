//! A card that is a program of the user's: started by us, ended by us.

use std::collections::VecDeque;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use card_wire::vpcd::Message;

use super::line::Line;
use super::{Failure, ForeignCard, LastWords, StartError};

/// How long a program may take from its start to its ATR: some bring a virtual machine with them.
const START: Duration = Duration::from_secs(30);
/// How long a program that has closed its output may take to end.
const END: Duration = Duration::from_secs(1);
/// How long a program may take to end by itself when its input does.
const GRACE: Duration = Duration::from_millis(100);
/// What is kept of its standard error, in bytes and in lines.
const KEPT: usize = 16 * 1024;
const LINES: usize = 20;

/// A program that is a card: frames on its standard input and output.
pub struct CommandCard {
    words: Vec<String>,
    stop: Arc<AtomicBool>,
    running: Option<Running>,
    said: Arc<Mutex<VecDeque<u8>>>,
}

struct Running {
    child: Child,
    line: Line,
}

impl CommandCard {
    /// A card that is started by this command line: words between spaces, quotes around those that hold spaces. No
    /// shell reads it. `None` where there is no word, or a quote has no end.
    #[must_use]
    pub fn new(command: &str, stop: Arc<AtomicBool>) -> Option<Self> {
        let words = words(command).filter(|words| !words.is_empty())?;
        Some(Self { words, stop, running: None, said: Arc::default() })
    }

    fn spawn(&self) -> Result<Running, StartError> {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        in_own_group(&mut command);
        let failed = |error| StartError::Program { program: self.words[0].clone(), error };
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::Error::other("it has no pipes")));
        };
        if let Some(stderr) = child.stderr.take() {
            let said = Arc::clone(&self.said);
            thread::spawn(move || keep(stderr, &said));
        }
        Ok(Running { child, line: Line::new(stdout, stdin, Arc::clone(&self.stop)) })
    }

    fn with_line(&mut self, ask: impl FnOnce(&mut Line) -> Result<Vec<u8>, Failure>) -> Result<Vec<u8>, Failure> {
        let Some(running) = &mut self.running else { return Err(Failure::Ended("it is not running".to_owned())) };
        let result = ask(&mut running.line);
        match result {
            Err(Failure::Ended(how)) => Err(Failure::Ended(ending(&mut running.child).unwrap_or(how))),
            other => other,
        }
    }

    /// Closes the program's input, and kills what has not ended by that: the program, and those it has started.
    fn end(&mut self) {
        let Some(Running { mut child, line }) = self.running.take() else { return };
        drop(line);
        let ended = wait(&mut child, GRACE).is_some();
        kill_group(&child);
        if !ended {
            // By its own handle too, should the group not be ours. One that is gone already needs no killing.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl ForeignCard for CommandCard {
    fn start(&mut self) -> Result<Vec<u8>, StartError> {
        self.end();
        self.said = Arc::default();
        self.running = Some(self.spawn()?);
        self.with_line(|line| line.wake(Message::PowerOn, START)).map_err(|failure| match failure {
            Failure::Stopped => StartError::Stopped,
            failure => StartError::NoAtr(failure, LastWords(self.last_words().pop())),
        })
    }

    fn reset(&mut self, limit: Duration) -> Result<Vec<u8>, Failure> {
        self.with_line(|line| line.wake(Message::Reset, limit))
    }

    fn transmit(&mut self, command: &[u8], limit: Duration) -> Result<Vec<u8>, Failure> {
        self.with_line(|line| line.ask(command, limit))
    }

    fn unasked(&mut self, wait: Duration) -> Option<usize> {
        self.running.as_mut()?.line.unasked(wait)
    }

    fn is_fresh_when_started(&self) -> bool {
        true
    }

    fn last_words(&self) -> Vec<String> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(said.make_contiguous()).into_owned();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.iter().skip(lines.len().saturating_sub(LINES)).map(|line| (*line).to_owned()).collect()
    }
}

impl Drop for CommandCard {
    fn drop(&mut self) {
        self.end();
    }
}

/// How a program ended that has closed its output; `None` where it has not ended.
fn ending(child: &mut Child) -> Option<String> {
    wait(child, END).map(|status| format!("the program ended with {status}"))
}

fn wait(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let end = Instant::now() + limit;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Keeps the last of what a program says.
fn keep(mut source: impl Read, said: &Mutex<VecDeque<u8>>) {
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = source.read(&mut piece) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend(&piece[..count]);
        let over = said.len().saturating_sub(KEPT);
        said.drain(..over);
    }
}

/// Ctrl-C in our terminal is for us: a card that died of it would be a finding.
#[cfg(unix)]
fn in_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn in_own_group(_: &mut Command) {}

/// Kills all that stayed in the program's group. The shell's own `kill`, because the standard library signals only the
/// child itself; what is gone already needs no killing.
#[cfg(unix)]
fn kill_group(child: &Child) {
    let group = format!("kill -KILL -{}", child.id());
    let _ = Command::new("sh")
        .args(["-c", &group])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}

/// Splits a command line at spaces outside quotes.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_split_without_a_shell() {
        let split = |line| words(line).map(|words| words.join("|"));
        assert_eq!(split(" ./card  --seed 7 ").as_deref(), Some("./card|--seed|7"));
        assert_eq!(split("'/a b/card' \"x y\"z ''").as_deref(), Some("/a b/card|x yz|"));
        assert_eq!(split("$HOME;ls").as_deref(), Some("$HOME;ls"));
        assert_eq!(split("'open"), None);
        assert!(CommandCard::new("  ", Arc::default()).is_none());
    }
}
