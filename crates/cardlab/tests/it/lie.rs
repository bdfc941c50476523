//! `cardlab lie`: hosts that are lied to end with an answer or an error, in bounded time, and the service lives on.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use host_driver::{Card, Pcsc, Transport as _, wait_for_card};

use crate::recovery::{LIMIT, in_own_process, service};

/// The liar, until it is dropped.
struct Liar(Child);

impl Liar {
    fn start(port: u16, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
        command.args(["lie", "--vpcd", &format!("127.0.0.1:{port}")]).args(args);
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Ends it as a user would; what it has said.
    fn stop(mut self) -> String {
        let done = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap();
        assert!(done.success());
        let mut text = String::new();
        std::io::Read::read_to_string(self.0.stdout.as_mut().unwrap(), &mut text).unwrap();
        assert!(self.0.wait().unwrap().success(), "{text}");
        text
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something has come about.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn hosts_survive_a_liar_and_so_does_the_service() {
    in_own_process(|| {
        let Some(pcscd) = service() else { return };
        for (seed, args) in [("1", ["--rate", "40"]), ("2", ["--kinds", "oversize"]), ("3", ["--kinds", "tlv"])] {
            let liar = Liar::start(pcscd.vpcd_port(), &[&["--seed", seed], &args[..]].concat());
            let name = wait_for_card(None, LIMIT).unwrap();
            for action in ["-a", "-s"] {
                let apdu = ["-s", "00A404000CF276A288BCFBA69D34F31001", "-s", "0084000010"];
                let args: &[&str] = if action == "-a" { &["-a"] } else { &apdu };
                if testkit::find_program("opensc-tool").is_ok() {
                    // Whatever it says: it ends, and not by a signal.
                    let output = testkit::run_bounded(pcscd.command("opensc-tool").args(args), 3 * LIMIT);
                    assert!(output.status.code().is_some(), "{:?}", output.status);
                }
            }
            ours(&name);
            let text = liar.stop();
            assert!(text.contains("lies told: "), "{text}");
            until("the card has gone", || host_driver::readers().unwrap().iter().all(|reader| reader.atr.is_none()));
        }
        // The service is as good as before.
        let liar = Liar::start(pcscd.vpcd_port(), &["--rate", "0", "--seed", "4"]);
        let name = wait_for_card(None, LIMIT).unwrap();
        let mut card = Pcsc::connect(Some(&name)).unwrap();
        let select = hex::decode("00A404000CF276A288BCFBA69D34F31001").unwrap();
        assert_eq!(card.transmit(&select).unwrap(), [0, 6, 6, 0x90, 0]);
        drop(card);
        assert!(liar.stop().contains("0 lies told"));
    });
}

/// Our driver: any error, any answer, no panic, and it can go on.
fn ours(name: &str) {
    for _ in 0..20 {
        let Ok(transport) = Pcsc::connect(Some(name)) else { continue };
        let mut card = Card::new(transport);
        let _ = card.select_application();
        let _ = card.random(16);
        let _ = card.pin_tries();
    }
}

#[test]
fn a_card_that_falls_mute_comes_back() {
    in_own_process(|| {
        let Some(pcscd) = service() else { return };
        let liar = Liar::start(pcscd.vpcd_port(), &["--seed", "5", "--kinds", "mute", "--rate", "100"]);
        let name = wait_for_card(None, LIMIT).unwrap();
        let mut card = Pcsc::connect(Some(&name)).unwrap();
        assert!(card.transmit(&[0, 0xA4, 4, 0]).is_err(), "a mute card has answered");
        drop(card);
        until("it is back", || wait_for_card(None, Duration::from_millis(200)).is_ok());
        assert!(liar.stop().contains("lies told: mute "));
    });
}

#[test]
fn the_help_says_what_each_lie_is() {
    let output = testkit::run_bounded(Command::new(env!("CARGO_BIN_EXE_cardlab")).args(["lie", "--help"]), LIMIT);
    let text = String::from_utf8_lossy(&output.stdout);
    for lie in card_fuzz::lie::Lie::ALL {
        assert!(text.contains(&format!("\n  {:10} ", lie.word())), "{} in {text}", lie.word());
    }
}

#[test]
fn mistakes_are_said() {
    for (args, word) in [
        (&["--kinds", "nonsense"][..], "the kinds are flip"),
        (&["--rate", "101"], "--rate"),
        (&["--behind", "nothing", "--preset", "isoapplet"], "--behind card"),
        (&["--image", "/no/such/image"], "there is no image"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
        let output = testkit::run_bounded(command.arg("lie").args(args), LIMIT);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(word), "{error}");
    }
}
