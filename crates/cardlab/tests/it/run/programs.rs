//! Other people's programs in worlds of their own. The whole sequence of OpenSC's CI is in `opensc/sequence.rs`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use testkit::{find_program, give_away, require_or_skip, run_bounded, without_rights};

use super::{LIMIT, cardlab, text};

/// The programs are there and may be started without rights.
fn ready(programs: &[&str]) -> Option<()> {
    let found = programs.iter().try_for_each(|program| find_program(program).map(drop));
    require_or_skip(found.and_then(|()| without_rights(Path::new(env!("CARGO_BIN_EXE_cardlab"))).map(drop)))
}

/// `cardlab run` by somebody without rights, in this directory.
fn by_nobody(home: &Path, args: &[&str]) -> Output {
    let mut command = without_rights(Path::new(env!("CARGO_BIN_EXE_cardlab"))).unwrap();
    command.arg("run").args(args).current_dir(home).env("HOME", home).env("LC_ALL", "C");
    run_bounded(&mut command, LIMIT)
}

fn home() -> tempfile::TempDir {
    let home = tempfile::Builder::new().prefix("cl").tempdir_in("/tmp").unwrap();
    give_away(home.path()).unwrap();
    home
}

#[test]
fn several_readers_are_seen_as_they_were_asked_for() {
    let Some(()) = ready(&["opensc-tool", "pcsc_scan"]) else { return };
    let home = home();
    let readers = ["--reader", "iso,name=ACS ACR38U 00 00", "--reader", "empty", "--reader", "tight,apdu=short", "--"];
    let output = by_nobody(home.path(), &[&readers[..], &["opensc-tool", "-l"]].concat());
    let lines: Vec<&str> = text(&output.stdout).lines().skip(2).map(|line| line.trim_end()).collect();
    let row = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = lines.into_iter().map(row).collect();
    assert_eq!(rows, ["0 Yes ACS ACR38U 00 00", "1 No CardLab 01 00", "2 Yes CardLab 02 00"]);
    let output = by_nobody(home.path(), &[&readers[..], &["pcsc_scan", "-r"]].concat());
    assert_eq!(text(&output.stdout), "0: ACS ACR38U 00 00\n1: CardLab 01 00\n2: CardLab 02 00\n");
}

#[test]
fn what_a_reader_can_carry_is_believed() {
    let Some(()) = ready(&["opensc-tool"]) else { return };
    for (reader, long) in [("isoapplet", true), ("isoapplet,apdu=short", false)] {
        // Its own option speaks only after the readers have been looked at.
        let output = cardlab(&["--reader", reader, "--", "env", "OPENSC_DEBUG=9", "opensc-tool", "--atr"]);
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        let found = log.contains("Reader supports transceiving 65536 bytes of data");
        assert_eq!(found, long, "{log}");
    }
}

/// The first line that anybody types.
#[test]
fn a_card_is_ready_where_none_is_asked_for() {
    let Some(()) = ready(&["pkcs11-tool"]) else { return };
    let home = home();
    let output = by_nobody(home.path(), &["--", "pkcs11-tool", "-l", "-t", "-p", "123456"]);
    let said = text(&output.stdout);
    assert!(
        output.status.success() && said.contains("SHA256-RSA-PKCS: OK") && said.contains("No errors"),
        "{output:?}"
    );
    // The same in a file, which keeps what becomes of it.
    let pins = "pkcs11-tool -l -p 123456 --change-pin --new-pin 654321";
    for (script, code) in [(pins, 0), ("pkcs11-tool -l -p 654321 -O", 0), ("pkcs11-tool -l -p 123456 -O", 1)] {
        let output = by_nobody(home.path(), &["--reader", "ready:a.img", "--", "sh", "-c", script]);
        assert_eq!(output.status.code(), Some(code), "{script}: {output:?}");
    }
    let certificate = "pkcs15-tool --list-certificates; pkcs15-init --erase-card; opensc-tool -n";
    let output = by_nobody(home.path(), &["--reader", "ready,atr=3B8080101", "--", "true"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = by_nobody(home.path(), &["--", "sh", "-c", certificate]);
    assert!(text(&output.stdout).contains("X.509 Certificate [CardLab test]"), "{output:?}");
}

#[test]
fn a_scan_sees_the_card() {
    let Some(()) = ready(&["pcsc_scan"]) else { return };
    let output = by_nobody(home().path(), &["--", "timeout", "--signal=INT", "2", "pcsc_scan", "-n"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Card inserted") && said.contains("3B 80 80 01 01"), "{said}");
}

#[test]
fn gnupgs_card_daemon_works_shared_and_alone() {
    let Some(()) = ready(&["gpg-connect-agent", "gpgconf"]) else { return };
    let daemon = find_program("/usr/lib/gnupg/scdaemon");
    let Some(_) = require_or_skip(daemon) else { return };
    for more in ["", "pcsc-shared\n"] {
        let home = home();
        let place = home.path().join("g");
        fs::create_dir(&place).unwrap();
        give_away(&place).unwrap();
        fs::write(place.join("scdaemon.conf"), format!("disable-ccid\n{more}")).unwrap();
        let script = "export GNUPGHOME=$HOME/g; chmod 700 $GNUPGHOME; \
             gpg-connect-agent 'scd serialno undefined' 'scd apdu 00A404000CF276A288BCFBA69D34F31001' \
             'scd getinfo reader_list' /bye; gpgconf --kill all";
        let output = by_nobody(home.path(), &["--", "sh", "-c", script]);
        let said = String::from_utf8_lossy(&output.stdout);
        // The application's answer: version 0.6, features 06.
        assert!(output.stdout.windows(8).any(|bytes| bytes == b"D \x00\x06\x06\x90\x00\n"), "{output:?}");
        assert!(said.contains("D CardLab 00 00"), "{said}");
    }
}

/// A program in Python: readers, a monitor in a thread of its own, a card that goes in the middle.
const PYSCARD: &str = r#"
import subprocess, sys, threading
from smartcard.CardMonitoring import CardMonitor, CardObserver
from smartcard.Exceptions import CardConnectionException, NoCardException
from smartcard.System import readers
from smartcard.util import toBytes, toHexString

added, removed = threading.Event(), threading.Event()
class Watch(CardObserver):
    def update(self, _, cards):
        if cards[0]: added.set()
        if cards[1]: removed.set()
monitor, watch = CardMonitor(), Watch()
monitor.addObserver(watch)
assert added.wait(30)
connection = readers()[0].createConnection()
connection.connect()
print(readers()[0], toHexString(connection.getATR()))
data, sw1, sw2 = connection.transmit(toBytes("00A404000CF276A288BCFBA69D34F31001"))
print(toHexString(data), "%02X%02X" % (sw1, sw2))
subprocess.check_call([sys.argv[1], "ctl", "remove"])
try: connection.transmit(toBytes("0084000008"))
except CardConnectionException: print("gone")
assert removed.wait(30)
try: readers()[0].createConnection().connect()
except NoCardException: print("no card")
monitor.deleteObserver(watch)
"#;

#[test]
fn pyscard_works() {
    let Some(()) = ready(&["/usr/bin/python3", "/usr/lib/python3/dist-packages/smartcard/System.py"]) else { return };
    let own = env!("CARGO_BIN_EXE_cardlab");
    let output = by_nobody(home().path(), &["--", "/usr/bin/python3", "-c", PYSCARD, own]);
    assert_eq!(text(&output.stdout), "CardLab 00 00 3B 80 80 01 01\n00 06 06 9000\ngone\nno card\n", "{output:?}");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn forty_worlds_stand_side_by_side() {
    let Some(()) = ready(&["opensc-tool"]) else { return };
    let home = home();
    let worlds: Vec<_> = (0..40)
        .map(|number| {
            let home = home.path().to_owned();
            thread::spawn(move || {
                let reader = format!("isoapplet:card{number}.img,name=World {number}");
                by_nobody(&home, &["--reader", &reader, "--", "sh", "-c", "opensc-tool -l && opensc-tool -n"])
            })
        })
        .collect();
    for (number, world) in worlds.into_iter().enumerate() {
        let output = world.join().unwrap();
        let said = text(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(said.matches("World ").count(), said.matches(&format!("World {number} 00 00")).count(), "{said}");
        assert!(home.path().join(format!("card{number}.img")).exists());
    }
}

#[test]
fn somebody_elses_simulator_is_in_our_reader() {
    use virtual_reader::{VirtualReader, VpcdAddress};
    let Some(()) = ready(&["opensc-tool"]) else { return };
    let port = testkit::free_port_pair().unwrap();
    let card = card_os::sim::SimCard::from_seed(&card_os::Preset::isoapplet(), 1, rsa_host::HostRsa).unwrap();
    // It tries to connect until somebody listens.
    let simulator = VirtualReader::start(Box::new(card), VpcdAddress::local(port));
    let reader = format!("vpcd:{port},name=Foreign");
    let script = "opensc-tool -n && opensc-tool -l";
    let output = cardlab(&["--reader", &reader, "--", "sh", "-c", script]);
    let said = text(&output.stdout);
    assert!(output.status.success() && said.starts_with("Javacard with IsoApplet"), "{output:?}");
    assert!(said.contains("Foreign 00 00"), "{said}");
    simulator.stop();
}

/// Until pcscd sees the card.
fn wait_for_card(pcscd: &testkit::PrivatePcscd) {
    let end = std::time::Instant::now() + LIMIT;
    while !run_bounded(pcscd.command("opensc-tool").arg("--atr"), LIMIT).stdout.starts_with(b"3b:80") {
        assert!(std::time::Instant::now() < end, "pcscd sees no card");
    }
}

/// With a trace, and a fault that the card knows nothing of.
#[test]
fn a_card_in_the_systems_reader_is_in_ours() {
    use virtual_reader::{VirtualReader, VpcdAddress};
    let Some(()) = ready(&["opensc-tool"]) else { return };
    let Some(pcscd) = require_or_skip(testkit::PrivatePcscd::start()) else { return };
    let card = card_os::sim::SimCard::from_seed(&card_os::Preset::isoapplet(), 1, rsa_host::HostRsa).unwrap();
    let simulator = VirtualReader::start(Box::new(card), VpcdAddress::local(pcscd.vpcd_port()));
    wait_for_card(&pcscd);
    let home = tempfile::tempdir().unwrap();
    let (trace, faults) = (home.path().join("t"), home.path().join("f.toml"));
    fs::write(&faults, "[[fault]]\ninstruction = \"84\"\ndo = { status = \"6F42\" }\n").unwrap();
    let script = "opensc-tool -n && opensc-tool -l && \
        opensc-tool -c default -s 00A404000CF276A288BCFBA69D34F31001 -s 0084000002 -s 0084000002";
    let mut command = pcscd.command(env!("CARGO_BIN_EXE_cardlab"));
    command
        .args(["run", "--reader", "pcsc:CardLab 00 00,name=Ours", "--trace"])
        .arg(&trace)
        .arg("--faults")
        .arg(&faults);
    let output = run_bounded(command.args(["--", "sh", "-c", script]), LIMIT);
    let said = text(&output.stdout);
    assert!(output.status.success() && said.starts_with("Javacard with IsoApplet"), "{output:?}");
    assert!(said.contains("Ours 00 00") && said.contains("SW1=0x6F, SW2=0x42"), "{said}");
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("# reader 0: Ours 00 00\n") && trace.contains(" > 0084000002\n"), "{trace}");
    assert_eq!(trace.matches(" < 6F42 (").count(), 1, "{trace}");
    simulator.stop();
}

/// The card is pulled in the system's reader and put back; the program sees it in ours.
#[test]
fn what_happens_in_the_systems_reader_happens_in_ours() {
    let Some(()) = ready(&["opensc-tool"]) else { return };
    let Some(pcscd) = require_or_skip(testkit::PrivatePcscd::start()) else { return };
    let own = env!("CARGO_BIN_EXE_cardlab");
    let vpcd = format!("127.0.0.1:{}", pcscd.vpcd_port());
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("t");
    let simulate = || {
        let mut command = Command::new(own);
        command.args(["sim", "--vpcd", &vpcd, "--trace"]).arg(&trace).stdout(Stdio::null()).spawn().unwrap()
    };
    let mut simulator = simulate();
    wait_for_card(&pcscd);
    let (gone, back) = (home.path().join("gone"), home.path().join("back"));
    let script = format!(
        "set -e; opensc-tool -n; touch {gone}; until {own} ctl list | grep ': no card'; do sleep 0.05; done; \
         touch {back}; until {own} ctl list | grep ': card'; do sleep 0.05; done; opensc-tool -n",
        gone = gone.display(),
        back = back.display()
    );
    let mut command = pcscd.command(own);
    command.args(["run", "--reader", "pcsc:CardLab 00 00", "--", "sh", "-c", &script]);
    let running = thread::spawn(move || run_bounded(&mut command, LIMIT));
    for (word, is_there) in [(&gone, false), (&back, true)] {
        while !word.exists() && !running.is_finished() {
            thread::sleep(std::time::Duration::from_millis(20));
        }
        if is_there {
            simulator = simulate();
        } else {
            simulator.kill().unwrap();
            simulator.wait().unwrap();
        }
    }
    let output = running.join().unwrap();
    simulator.kill().unwrap();
    simulator.wait().unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success() && said.matches("Javacard with IsoApplet").count() == 2, "{output:?}");
    // What a card behind pcscd has seen is in its trace, though it was killed.
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains(" > 00A404000CF276A288BCFBA69D34F31001\n"), "{trace}");
}
