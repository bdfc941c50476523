//! A person at a terminal: a pseudo-terminal made by util-linux' `script`.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use testkit::{find_program, require_or_skip};

use super::desk::{CARDLAB, Desk, FIRST, LATER, LIMIT, PIN};

/// A terminal with the tool in it, and what has appeared there.
pub(super) struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    pieces: Receiver<Vec<u8>>,
    screen: String,
    seen: usize,
}

impl Terminal {
    /// Runs `cardlab card` with these words at a terminal; afterwards its exit code and the terminal's settings appear.
    pub(super) fn start(desk: &Desk, words: &str) -> Option<Self> {
        Self::start_with(desk, words, &[])
    }

    /// The same with further variables in the environment.
    pub(super) fn start_with(desk: &Desk, words: &str, variables: &[(&str, &OsStr)]) -> Option<Self> {
        require_or_skip(find_program("script").and_then(|_| find_program("stty")))?;
        let line = format!("trap : INT; \"$CARDLAB\" card {words}; echo \"code=$?\"; stty -a");
        let mut command = Command::new("script");
        command.args(["-qfec", &line, "/dev/null"]).env("CARDLAB", CARDLAB).env("SHELL", "/bin/sh");
        let mut child = desk
            .placed(&mut command)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (send, pieces) = channel();
        let mut out = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut piece = [0; 1024];
            while let Ok(count @ 1..) = out.read(&mut piece) {
                if send.send(piece[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = child.stdin.take();
        Some(Self { child, keys, pieces, screen: String::new(), seen: 0 })
    }

    /// Waits until the words appear after what was expected before.
    #[track_caller]
    pub(super) fn shows(&mut self, words: &str) -> &mut Self {
        let end = Instant::now() + LIMIT;
        let mut raw = Vec::new();
        loop {
            if let Some(at) = self.screen[self.seen..].find(words) {
                self.seen += at + words.len();
                return self;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(piece) = self.pieces.recv_timeout(left) else {
                panic!("{words:?} did not appear:\n{}", self.screen)
            };
            raw.extend(piece);
            // A piece may end in the middle of a character.
            if let Ok(text) = core::str::from_utf8(&raw) {
                self.screen.push_str(text);
                raw.clear();
            }
        }
    }

    pub(super) fn types(&mut self, text: &str) -> &mut Self {
        let keys = self.keys.as_mut().unwrap();
        keys.write_all(text.as_bytes()).and_then(|()| keys.flush()).unwrap();
        self
    }

    /// The terminal is as it was: with echo, line by line.
    #[track_caller]
    pub(super) fn ends(mut self, code: i32) -> String {
        self.shows(&format!("code={code}")).shows("iexten");
        let settings = self.screen.split("code=").nth(1).unwrap();
        assert!(
            settings.contains(" echo ") && settings.contains(" icanon ") && settings.contains("isig "),
            "{settings}"
        );
        std::mem::take(&mut self.screen)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.keys.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_renewal_goes_in_the_manuals_order_with_its_words() {
    let desk = Desk::ready();
    desk.may_renew();
    let words = format!("renew --image card.img --now {LATER} --lang zh-TW --wait 60");
    let before = serials(&desk);
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    let key = format!("{PIN}\r");
    terminal.shows("會員登入").shows("晶片卡登入").shows("軟體憑證用戶選擇用網站帳號登入!!").shows("憑證識別碼: A123");
    terminal.shows("密碼(6-16)位元:").types("12345\r").shows("輸入的有 5 個");
    terminal.shows("密碼(6-16)位元:").types(&key);
    terminal.shows("陳筱玲").shows("我已讀過並接受用戶約定條款 [y/N]").types("y\r").shows("[Enter] 確定").types("\r");
    terminal.shows("切勿拔卡");
    terminal.shows("請將晶片卡插入讀卡機").shows("[Enter] 確定").types("\r").shows("讀卡機: in-process card");
    terminal.shows("產生憑證金鑰，將要求您輸入晶片卡密碼").shows("[Enter] 確定").types("\r");
    terminal.shows("密碼(6-16)位元:").types(&key).shows("正於晶片卡產生金鑰");
    terminal.shows("金鑰產生完成").shows("請將晶片卡插入讀卡機").shows("[Enter] 確定").types("\r").shows("讀卡機:");
    terminal.shows("密碼(6-16)位元:").types(&key);
    terminal.shows("申請資料已送出").shows("等待憑證中心回覆");
    desk.answered(LATER);
    terminal.shows("憑證更新完成").shows("[Enter] 確定").types("\r").shows("等待憑證中心回覆");
    desk.answered(LATER);
    terminal.shows("您已完成憑證更新作業");
    let screen = terminal.ends(0);
    assert!(!screen.contains(PIN), "the PIN was echoed");
    assert_eq!(screen.matches("密碼(6-16)位元:").count(), 4, "three PINs and one that was too short: {screen}");
    compare(&desk, &screen, &before);
}

/// The serial numbers of the certificates, the newest first.
fn serials(desk: &Desk) -> Vec<String> {
    let certs = desk.card(LATER, &["certs", "--json"]).ends(0).json();
    certs["certificates"].as_array().unwrap().iter().map(|row| row["serial"].as_str().unwrap().to_owned()).collect()
}

/// Compares the screen with the golden one, where serial numbers have names and waiting is told once.
/// `UPDATE_GOLDEN=1` writes it anew; the change is then read in the diff.
#[track_caller]
fn compare(desk: &Desk, screen: &str, before: &[String]) {
    let mut found = screen.split("code=").next().unwrap().replace("\r\n", "\n");
    for serial in serials(desk) {
        let name = if before.contains(&serial) { "<OLD SERIAL>" } else { "<NEW SERIAL>" };
        found = found.replace(&serial, name);
    }
    let mut lines: Vec<&str> = found.lines().map(str::trim_end).collect();
    for line in &mut lines {
        if line.contains("最多再等") {
            *line = "等待憑證中心回覆，最多再等 <SECONDS> 秒。";
        }
    }
    lines.dedup_by(|one, other| one == other && one.contains("<SECONDS>"));
    let found = lines.join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/renewal-terminal.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert!(found == expected, "the screen differs from {path}:\n{found}");
}

#[test]
fn a_remembered_pin_is_asked_for_once() {
    let desk = Desk::ready();
    desk.may_renew();
    let words =
        format!("renew --image card.img --now {LATER} --remember-pin --yes --accept-agreement channel/agreement.txt");
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("PIN (6-16 characters):").types(&format!("{PIN}\r")).shows("has been sent");
    let screen = terminal.ends(3);
    assert_eq!(screen.matches("PIN (6-16 characters):").count(), 1, "{screen}");
}

#[test]
fn ctrl_c_leaves_the_terminal_and_the_card_as_they_were() {
    let desk = Desk::ready();
    let before = std::fs::read(desk.path("card.img")).unwrap();
    let words = format!("pin change --image card.img --now {FIRST}");
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("Old PIN:").types("2468\u{3}");
    let screen = terminal.ends(1);
    assert!(screen.contains("Cancelled. Nothing was changed."), "{screen}");
    let words = format!("retire --image card.img --now {FIRST} --serial none");
    let Some(terminal) = Terminal::start(&desk, &words) else { return };
    terminal.ends(1);
    let words = format!("login --image card.img --now {FIRST}");
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("PIN (6-16 characters):").types("\r").shows("Cancelled");
    terminal.ends(1);
    assert_eq!(std::fs::read(desk.path("card.img")).unwrap(), before);
}

#[test]
fn the_last_try_needs_a_second_yes() {
    let desk = Desk::ready();
    let words = format!("login --image card.img --now {FIRST}");
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("PIN (6-16").types("99999999\r").shows("The PIN is wrong.").shows("Tries left: 2");
    terminal.shows("PIN (6-16").types("99999999\r").shows("Only one try is left").types("n\r");
    terminal.ends(1);
    let words = format!("login --image card.img --now {FIRST}");
    let Some(mut terminal) = Terminal::start(&desk, &words) else { return };
    terminal.shows("Only one try is left").types("y\r").shows("PIN (6-16").types(&format!("{PIN}\r"));
    terminal.shows("Logged in");
    terminal.ends(0);
}
