//! The card beside other programs: readers, OpenSSL, p11-kit, NSS; on more than one computer.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cardlab::image::{self, ImageCard, ImageOptions};
use testkit::{PrivatePcscd, Unavailable, find_program, require_or_skip};
use virtual_reader::{VirtualReader, VpcdAddress};

use super::desk::{CARDLAB, Desk, FIRST, LIMIT, PIN, Said};

/// A shell whose programs find the private service.
pub(super) fn shell(pcscd: &PrivatePcscd) -> Command {
    let mut command = Command::new("sh");
    command.env("PCSCLITE_CSOCK_NAME", pcscd.socket_path());
    command
}

/// The tool over the private service.
fn card(desk: &Desk, pcscd: &PrivatePcscd, args: &[&str]) -> Said {
    desk.plain(shell(pcscd), &[args, &["--batch", "--now", FIRST]].concat())
}

/// The card in the file.
pub(super) fn in_file(desk: &Desk, name: &str) -> ImageCard {
    let options = ImageOptions { path: desk.path(name), preset: None, seed: None, durable: false };
    image::open(&options).unwrap().0
}

/// The desk's card in the private service's reader.
fn insert(desk: &Desk, pcscd: &PrivatePcscd) -> VirtualReader {
    let card = Box::new(in_file(desk, "card.img"));
    let reader = VirtualReader::start(card, VpcdAddress::local(pcscd.vpcd_port()));
    wait_for_cards(desk, pcscd, 1);
    reader
}

/// Waits until so many readers hold a card.
pub(super) fn wait_for_cards(desk: &Desk, pcscd: &PrivatePcscd, count: usize) {
    let end = Instant::now() + LIMIT;
    loop {
        let listed = Said::of(&desk.run(pcscd.command(CARDLAB).arg("readers")));
        if listed.out.matches(", ATR ").count() == count {
            return;
        }
        assert!(Instant::now() < end, "not {count} cards in the readers: {listed:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All files below a directory with their contents.
fn tree(dir: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            let content = if path.is_dir() {
                open.push(path.clone());
                None
            } else {
                Some(fs::read(&path).unwrap())
            };
            found.insert(path.display().to_string(), content);
        }
    }
    found
}

fn engine() -> Result<(), Unavailable> {
    find_program("openssl")?;
    let dirs = ["/usr/lib/x86_64-linux-gnu/engines-3", "/usr/lib/aarch64-linux-gnu/engines-3", "/usr/lib64/engines-3"];
    let there = dirs.iter().any(|dir| Path::new(dir).join("pkcs11.so").is_file());
    if there { Ok(()) } else { Err(Unavailable::new("no OpenSSL engine pkcs11 (libengine-pkcs11-openssl)")) }
}

#[test]
fn openssl_signs_with_what_was_registered_in_two_homes() {
    let ready = engine().and_then(|()| find_program("pkcs11-tool")).and_then(|_| PrivatePcscd::start());
    let Some(pcscd) = require_or_skip(ready) else { return };
    let desk = Desk::ready();
    let reader = insert(&desk, &pcscd);
    fs::write(desk.path("letter"), "to a friend").unwrap();
    let mut files = Vec::new();
    for home in ["home", "other-home"] {
        let home_path = desk.path(home);
        let home_path = home_path.to_str().unwrap();
        let said = card(&desk, &pcscd, &["register", "--home", home_path, "--json"]).ends(0).json();
        let entry = &said["registered"][0];
        let uri = entry["key_uri"].as_str().unwrap().to_owned();
        assert!(uri.starts_with("pkcs11:token="), "{uri}");
        let config = format!(
            "openssl_conf = a\n[a]\nengines = b\n[b]\npkcs11 = c\n[c]\nengine_id = pkcs11\nMODULE_PATH = {}\nPIN = {PIN}\ninit = 0\n",
            entry["module"].as_str().unwrap()
        );
        fs::write(desk.path("openssl.cnf"), config).unwrap();
        let mut command = pcscd.command("openssl");
        command.env("OPENSSL_CONF", desk.path("openssl.cnf")).args(["dgst", "-sha256", "-engine", "pkcs11"]);
        command
            .args(["-keyform", "engine", "-sign", &uri, "-out"])
            .arg(desk.path("letter.sig"))
            .arg(desk.path("letter"));
        Said::of(&testkit::run_bounded(&mut command, LIMIT)).ends(0);
        card(&desk, &pcscd, &["verify", "letter", "letter.sig", "--home", home_path]).ends(0).says(&["is good"]);
        let sha256 = entry["sha256"].as_str().unwrap();
        files.push(fs::read(desk.path(home).join(format!("certificates/{sha256}.pem"))).unwrap());
    }
    assert_eq!(files[0], files[1]);
    reader.stop();
    let pulled = card(&desk, &pcscd, &["sign", "letter", "--pin-fd", "3"]).ends(2);
    pulled.says(&["The card is not in the reader", "insert the card"]);
    desk.keeps(&[PIN]);
}

#[test]
fn unregistering_takes_exactly_what_registering_brought() {
    let Some(_) = require_or_skip(find_program("certutil")) else { return };
    let desk = Desk::ready();
    desk.card(FIRST, &["certs"]).ends(0);
    let nss = desk.path("user/.pki/nssdb");
    fs::create_dir_all(&nss).unwrap();
    let database = format!("sql:{}", nss.display());
    let nicknames = || Said::of(&desk.run(Command::new("certutil").args(["-L", "-d", &database]))).ends(0).out;
    Said::of(&desk.run(Command::new("certutil").args(["-N", "--empty-password", "-d", &database]))).ends(0);
    let (home, before) = (tree(&desk.path("home")), nicknames());
    desk.card(FIRST, &["register"]).ends(0).says(&["NSS database"]);
    assert!(nicknames().contains("cardlab 00112233"), "{}", nicknames());
    assert_ne!(tree(&desk.path("home")), home);
    desk.card(FIRST, &["unregister", "--card", "another"]).ends(0).says(&["Nothing was registered"]);
    desk.card(FIRST, &["unregister"]).ends(0).says(&["Registrations removed: 1"]);
    assert_eq!(nicknames(), before);
    assert_eq!(tree(&desk.path("home")), home);
}

#[test]
fn the_module_is_installed_once_and_leaves_no_trace() {
    let ready = find_program("p11-kit").and_then(|_| find_program("modutil")).and_then(|_| find_program("unshare"));
    let Some(_) = require_or_skip(ready) else { return };
    let desk = Desk::blank();
    desk.card(FIRST, &["unregister"]).ends(0);
    fs::create_dir_all(desk.path("user/.config")).unwrap();
    let before = tree(&desk.path("user"));
    // p11-kit reads no user configuration as root, so it runs as another user.
    let modules = || {
        let mut command = Command::new("unshare");
        command.args(["-U", "--map-user=1000", "p11-kit", "list-modules"]);
        Said::of(&desk.run(&mut command)).out
    };
    desk.card(FIRST, &["install-csp"]).ends(0).says(&["is installed for this user", "cardlab.module"]);
    let installed = tree(&desk.path("user"));
    let config = fs::read_to_string(desk.path("user/.config/pkcs11/modules/cardlab.module")).unwrap();
    let module = config.lines().find_map(|line| line.strip_prefix("module: ")).unwrap();
    if modules().contains("p11-kit-trust") {
        assert!(modules().contains(module), "{}", modules());
    }
    let database = format!("sql:{}", desk.path("user/.pki/nssdb").display());
    let listed = Said::of(&desk.run(Command::new("modutil").args(["-list", "-dbdir", &database])));
    assert!(listed.out.contains("cardlab"), "{listed:?}");
    desk.card(FIRST, &["install-csp"]).ends(0).says(&["nothing was changed"]);
    assert_eq!(tree(&desk.path("user")), installed);
    desk.card(FIRST, &["uninstall-csp"]).ends(0).says(&["all is as before"]);
    assert_eq!(tree(&desk.path("user")), before);
    desk.card(FIRST, &["uninstall-csp", "--lang", "zh-TW"]).ends(0).says(&["未作任何變更"]);
    desk.card(FIRST, &["install-csp", "--module", "nowhere.so"]).ends(2).says(&["nowhere.so", "opensc-pkcs11"]);
}

#[test]
fn the_environment_is_checked_row_by_row_and_repaired() {
    let Some(pcscd) = require_or_skip(find_program("modutil").and_then(|_| PrivatePcscd::start())) else { return };
    let desk = Desk::ready();
    let _reader = insert(&desk, &pcscd);
    let states = |args: &[&str]| {
        let said = card(&desk, &pcscd, &[&["env", "--json"][..], args].concat());
        let rows = said.json()["rows"].as_array().unwrap().clone();
        let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.iter().map(|row| (text(row, "id"), text(row, "state"))).collect::<BTreeMap<_, _>>()
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(desk.path("home")).unwrap();
        fs::set_permissions(desk.path("home"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let broken = states(&[]);
    for (row, state) in [
        ("operating-system", "ok"),
        ("reader-service", "ok"),
        ("readers", "ok"),
        ("card", "ok"),
        ("clock", "ok"),
        ("permissions", "failed"),
        ("nss", "failed"),
        ("channel", "ok"),
    ] {
        assert_eq!(broken[row], state, "{row}: {broken:?}");
    }
    let fixed = states(&["--fix"]);
    assert_eq!((fixed["permissions"].as_str(), fixed["nss"].as_str()), ("fixed", "fixed"), "{fixed:?}");
    let good = states(&[]);
    assert!(good.values().all(|state| state == "ok" || state == "skipped"), "{good:?}");
    card(&desk, &pcscd, &["env", "--lang", "zh-TW"]).ends(0).says(&["憑證作業環境檢查", "讀卡機服務"]);
    // A clock that is before the authority's revocation list.
    let early = desk.plain(shell(&pcscd), &["env", "--batch", "--now", "2025-01-01"]).ends(1);
    early.says(&["2025-01-01 00:00:00 is before the revocation list of 2026-01-10 10:00:00"]);
}
