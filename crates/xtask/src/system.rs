//! The programs that tests need and cargo does not bring.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A package of Debian and Ubuntu, and the sign that it is there: a program, or an absolute path.
struct Package {
    name: &'static str,
    sign: &'static str,
}

const fn package(name: &'static str, sign: &'static str) -> Package {
    Package { name, sign }
}

/// Everything; the one list of it.
const PACKAGES: &[Package] = &[
    package("pcscd", "pcscd"),
    package("vsmartcard-vpcd", "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"),
    package("opensc", "opensc-tool"),
    package("openssl", "openssl"),
    package("pcsc-tools", "pcsc_scan"),
    // GnuPG's card daemon, which is no program in `PATH`, and what starts it.
    package("gnupg", "gpg-connect-agent"),
    package("scdaemon", "/usr/share/doc/scdaemon"),
    package("python3-pyscard", "/usr/lib/python3/dist-packages/smartcard"),
    package("p11-kit", "p11-kit"),
    package("libnss3-tools", "certutil"),
    package("libengine-pkcs11-openssl", "/usr/share/doc/libengine-pkcs11-openssl"),
    package("valgrind", "valgrind"),
    package("util-linux", "unshare"),
    package("mount", "mount"),
    // Reports are looked at in a browser, and held against a schema.
    package("chromium", "chromium"),
    package("libxml2-utils", "xmllint"),
    // The fuzz targets' runtime is C++.
    package("g++", "c++"),
];

/// Says what is missing, and installs it where that is allowed.
pub(crate) fn provide(install: bool) {
    let missing = missing();
    if missing.is_empty() {
        println!("all there");
        return;
    }
    println!("missing: {}", missing.join(" "));
    if !install || find("apt-get").is_none() {
        println!("the tests that need them are skipped; on Debian or Ubuntu: apt-get install {}", missing.join(" "));
        return;
    }
    let Some(prefix) = rights() else {
        println!(
            "no right to install them; the tests that need them are skipped: apt-get install {}",
            missing.join(" ")
        );
        return;
    };
    let update = apt(prefix, &["update"]);
    if !update {
        println!("apt-get update failed; trying with the lists that are there");
    }
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(&missing);
    apt(prefix, &words);
    let still = self::missing();
    if !still.is_empty() {
        println!("still missing: {}; the tests that need them are skipped", still.join(" "));
    }
}

fn missing() -> Vec<&'static str> {
    PACKAGES.iter().filter(|package| !is_there(package.sign)).map(|package| package.name).collect()
}

fn is_there(sign: &str) -> bool {
    if sign.starts_with('/') { Path::new(sign).exists() } else { find(sign).is_some() }
}

/// A program in `PATH` or where daemons are.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    places.map(|place| place.join(program)).find(|file| file.is_file())
}

/// What stands before a command that needs root's rights; nothing for root itself.
fn rights() -> Option<&'static [&'static str]> {
    let quiet = |program: &str, words: &[&str]| Command::new(program).args(words).stdin(Stdio::null()).output().ok();
    let id = quiet("id", &["-u"])?;
    if id.stdout.trim_ascii() == b"0" {
        return Some(&[]);
    }
    quiet("sudo", &["-n", "true"])?.status.success().then_some(&["sudo", "-n"])
}

fn apt(prefix: &[&str], words: &[&str]) -> bool {
    let line = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"], words].concat();
    println!("$ {}", line.join(" "));
    let [program, arguments @ ..] = line.as_slice() else { return false };
    Command::new(program).args(arguments).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_files_are_found() {
        assert!(is_there("sh") && !is_there("no-such-program") && !is_there("/no/such/file"));
    }
}
