//! The PKCS#11 module through which other programs use the card: where it is, and what it calls the card.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::programs::{self, Said};
use crate::texts::Lang;

/// What OpenSC calls its module.
const NAME: &str = "opensc-pkcs11.so";
/// Where packages and people put it, besides the directories of each architecture under /usr/lib.
const PLACES: [&str; 6] =
    ["/usr/lib64", "/usr/lib64/pkcs11", "/usr/lib", "/usr/lib/pkcs11", "/usr/local/lib", "/Library/OpenSC/lib"];

/// The module: the one that was named, or OpenSC's.
pub(crate) fn find(lang: Lang, named: Option<&Path>) -> Result<PathBuf, Failure> {
    let missing = |path: &Path| Failure::missing("no-module", lang.csp_no_module(path.display()));
    match named {
        Some(path) => path.canonicalize().ok().filter(|path| path.is_file()).ok_or_else(|| missing(path)),
        None => usual().ok_or_else(|| missing(Path::new(NAME))),
    }
}

/// OpenSC's module, if it is in one of the usual places.
pub(crate) fn usual() -> Option<PathBuf> {
    let mut architectures: Vec<PathBuf> = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("-linux-")))
        .collect();
    architectures.sort();
    architectures.into_iter().chain(PLACES.map(PathBuf::from)).map(|dir| dir.join(NAME)).find(|path| path.is_file())
}

/// A token as the module sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenToken {
    pub(crate) label: String,
    pub(crate) serial: String,
}

/// What the module sees, if there is a program to ask it with.
pub(crate) fn ask(module: &Path) -> Option<Said> {
    let program = programs::find("pkcs11-tool")?;
    programs::run(Command::new(program).arg("--module").arg(module).arg("--list-slots"))
}

/// The number of readers in what `pkcs11-tool --list-slots` said.
pub(crate) fn slots(said: &Said) -> usize {
    said.text.lines().filter(|line| line.starts_with("Slot ")).count()
}

/// The label under which the module shows the card with this serial number.
pub(crate) fn token_label(module: &Path, card: &str) -> Option<String> {
    let tokens = tokens(&ask(module)?.text);
    // PKCS#11 has 16 characters for a serial number. OpenSC fills them with the card's own in hex, whatever it is.
    let hex = hex::encode(card);
    let fits = |serial: &str| card.starts_with(serial) || hex.starts_with(&serial.to_ascii_lowercase());
    let mut fitting = tokens.into_iter().filter(|token| !token.serial.is_empty() && fits(&token.serial));
    fitting.next().map(|token| token.label)
}

fn tokens(said: &str) -> Vec<SeenToken> {
    let value = |line: &str, name: &str| {
        let rest = line.trim().strip_prefix(name)?.trim_start();
        Some(rest.strip_prefix(':')?.trim().to_owned())
    };
    let mut tokens: Vec<SeenToken> = Vec::new();
    for line in said.lines() {
        if let Some(label) = value(line, "token label") {
            tokens.push(SeenToken { label, serial: String::new() });
        } else if let (Some(serial), Some(last)) = (value(line, "serial num"), tokens.last_mut()) {
            last.serial = serial;
        }
    }
    tokens
}

/// A PKCS#11 URI (RFC 7512) of the object with this identifier.
pub(crate) fn uri(label: Option<&str>, id: &[u8], kind: &str) -> String {
    let token = label.map(|label| format!("token={};", percent(label))).unwrap_or_default();
    let id: String = id.iter().map(|byte| format!("%{byte:02X}")).collect();
    format!("pkcs11:{token}id={id};type={kind}")
}

/// Everything but letters, digits and four signs is written as its bytes in hex.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_percent_encoded() {
        assert_eq!(
            uri(Some("My card; (PIN)"), &[1, 0xAB], "private"),
            "pkcs11:token=My%20card%3B%20%28PIN%29;id=%01%AB;type=private"
        );
        assert_eq!(uri(None, &[0], "cert"), "pkcs11:id=%00;type=cert");
        assert_eq!(percent("\u{5361}"), "%E5%8D%A1");
    }

    #[test]
    fn tokens_are_found_in_what_the_tool_says() {
        let said = "Slot 0 (0x0): CardLab 00 00\n  token label        : card (User PIN)\n  token manufacturer : x\n  serial num         : 0123456789ABCDEF\nSlot 1 (0x4): CardLab 00 01\n  (empty)\n";
        assert_eq!(tokens(said), [SeenToken { label: "card (User PIN)".into(), serial: "0123456789ABCDEF".into() }]);
        assert_eq!(slots(&Said { ok: true, text: said.into() }), 2);
    }
}
