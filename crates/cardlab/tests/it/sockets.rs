//! What the running simulator has open towards the network: one connection to this machine, and no ear.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use host_driver::{Transport, Vpcd};

/// Inodes of the sockets that a process has open.
fn sockets(pid: u32) -> Vec<String> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let names = links.filter_map(|link| std::fs::read_link(link.path()).ok());
    names.filter_map(|name| Some(name.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect()
}

/// A line of the kernel's tables of sockets.
struct Entry {
    table: &'static str,
    remote: String,
    state: String,
}

/// What the kernel says about these sockets. One that is in no table is neither bound nor connected.
fn entries(pid: u32, inodes: &[String]) -> Vec<Entry> {
    let mut found = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "unix", "netlink"] {
        let lines = std::fs::read_to_string(Path::new(&format!("/proc/{pid}/net/{table}"))).unwrap_or_default();
        for line in lines.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.iter().any(|word| inodes.iter().any(|inode| inode == word)) {
                let word = |at: usize| words.get(at).unwrap_or(&"").to_string();
                found.push(Entry { table, remote: word(2), state: word(3) });
            }
        }
    }
    found
}

#[test]
fn the_simulator_listens_on_nothing_and_talks_to_this_machine_only() {
    let listener = Vpcd::listen("127.0.0.1:0").unwrap();
    let mut simulator = Command::new(env!("CARGO_BIN_EXE_cardlab"))
        .args(["sim", "--vpcd", &format!("127.0.0.1:{}", listener.port())])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let answered = listener.accept(Duration::from_secs(20)).and_then(|mut card| {
        card.reset()?;
        Ok(card)
    });
    let inodes = sockets(simulator.id());
    let entries = entries(simulator.id(), &inodes);
    simulator.kill().unwrap();
    simulator.wait().unwrap();
    answered.unwrap();
    let listening = entries.iter().filter(|entry| entry.table.starts_with("tcp") && entry.state == "0A").count();
    assert_eq!(listening, 0);
    // One line to the reader, in the kernel's notation of 127.0.0.1, and nothing of any other kind.
    let remotes: Vec<_> = entries.iter().map(|entry| (entry.table, &entry.remote[..8])).collect();
    assert_eq!(remotes, [("tcp", "0100007F")]);
}
