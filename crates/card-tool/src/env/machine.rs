//! Rows about the computer: system, reader service, readers, clock, permissions, channel.

use std::path::{Path, PathBuf};
use std::process::Command;

use card_enrolment::{Authority as _, DirectoryChannel};
use card_pki::time::shown;
use host_driver::Reader;

use super::Row;
use crate::home::Home;
use crate::place;
use crate::programs;
use crate::settings::Settings;
use crate::texts::Lang;

/// Which system this is.
pub(super) fn system(lang: Lang) -> Row {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or_default();
    let name = name.trim_matches('"');
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let finding = if name.is_empty() { system } else { format!("{name} ({system})") };
    Row::ok("operating-system", lang.row_system(), finding)
}

fn socket() -> PathBuf {
    match std::env::var_os("PCSCLITE_CSOCK_NAME").filter(|name| !name.is_empty()) {
        Some(named) => named.into(),
        None => "/run/pcscd/pcscd.comm".into(),
    }
}

#[cfg(unix)]
fn knock(socket: &Path) -> std::io::Result<()> {
    std::os::unix::net::UnixStream::connect(socket).map(drop)
}

#[cfg(not(unix))]
fn knock(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Whether the reader service answers.
pub(super) fn service(lang: Lang) -> Row {
    let (id, title) = ("reader-service", lang.row_service());
    let socket = socket();
    let shown = socket.display();
    let program = programs::find("pcscd");
    match knock(&socket) {
        Ok(()) => Row::ok(id, title, lang.service_running(version(program), shown)),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Row::failed(id, title, lang.socket_denied(shown), lang.socket_advice())
        }
        Err(_) if program.is_none() => {
            Row::failed(id, title, lang.service_not_installed(), lang.service_advice_install())
        }
        Err(_) => Row::failed(id, title, lang.service_down(shown), lang.service_advice_start()),
    }
}

fn version(program: Option<PathBuf>) -> String {
    let said = program.and_then(|program| programs::run(Command::new(program).arg("--version")));
    let text = said.map(|said| said.text).unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    first.split("version ").nth(1).unwrap_or_default().trim_end_matches('.').to_owned()
}

/// Starts the system's own service, where this user may. A service of somebody's own is theirs to start.
pub(super) fn start_service() -> bool {
    if std::env::var_os("PCSCLITE_CSOCK_NAME").is_some() {
        return false;
    }
    let Some(program) = programs::find("systemctl") else { return false };
    let mut command = Command::new(program);
    command.args(["--no-ask-password", "start", "pcscd.socket"]);
    programs::run(&mut command).is_some_and(|said| said.ok)
}

/// The readers, and the card.
pub(super) fn readers(lang: Lang) -> [Row; 2] {
    let listed = place::list().unwrap_or_default();
    let names: Vec<&str> = listed.iter().map(|reader| reader.name.as_str()).collect();
    let readers = if names.is_empty() {
        Row::failed("readers", lang.row_readers(), lang.readers_none(), lang.readers_advice())
    } else {
        Row::ok("readers", lang.row_readers(), names.join(", "))
    };
    [readers, card(lang, &listed)]
}

fn card(lang: Lang, listed: &[Reader]) -> Row {
    let (id, title) = ("card", lang.row_card());
    let full: Vec<&str> = listed.iter().filter(|r| r.presence.has_card()).map(|r| r.name.as_str()).collect();
    match (full.iter().find(|name| place::holds_ours(name)), full.first()) {
        (Some(ours), _) => Row::ok(id, title, lang.card_ours(ours)),
        (None, Some(foreign)) => Row::failed(id, title, lang.card_foreign(foreign), lang.card_advice()),
        (None, None) => Row::failed(id, title, lang.card_none(), lang.card_advice()),
    }
}

/// Whether the clock can be right: not before the newest revocation list, nor long after the next was due.
pub(super) fn clock(settings: &Settings) -> Row {
    let lang = settings.lang;
    let (id, title, now) = ("clock", lang.row_clock(), shown(settings.now));
    let channel = settings.channel.as_ref().and_then(|path| DirectoryChannel::open(path).ok());
    let Some(crl) = channel.and_then(|mut channel| channel.crl().ok().flatten()) else {
        return Row::skipped(id, title, lang.clock_unchecked(now), None);
    };
    if settings.now < crl.this_update() {
        return Row::failed(id, title, lang.clock_behind(now, shown(crl.this_update())), lang.clock_advice());
    }
    if settings.now > crl.next_update() {
        return Row::failed(id, title, lang.clock_ahead(now, shown(crl.next_update())), lang.clock_advice());
    }
    Row::ok(id, title, lang.clock_fits(now, shown(crl.this_update())))
}

/// Whether the tool's directory belongs to this user alone and can be written, and the service's socket used.
pub(super) fn permissions(lang: Lang, home: &Home) -> Row {
    let (id, title, dir) = ("permissions", lang.row_permissions(), home.dir());
    let shown = dir.display();
    if !dir.is_dir() {
        return Row::failed(id, title, lang.home_missing(shown), lang.home_advice());
    }
    if let Some(mode) = open_mode(dir) {
        return Row::failed(id, title, lang.home_mode(shown, mode), lang.home_advice());
    }
    if tempfile::NamedTempFile::new_in(dir).is_err() {
        return Row::failed(id, title, lang.home_not_writable(shown), lang.home_advice());
    }
    let socket = socket();
    match knock(&socket) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Row::failed(id, title, lang.socket_denied(socket.display()), lang.socket_advice())
        }
        _ => Row::ok(id, title, lang.permissions_good(shown)),
    }
}

/// The mode of a directory that others may enter.
#[cfg(unix)]
fn open_mode(dir: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(dir).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| format!("{mode:03o}"))
}

#[cfg(not(unix))]
fn open_mode(_: &Path) -> Option<String> {
    None
}

/// Makes the tool's directory and closes it to others.
pub(super) fn make_private(home: &Home) -> bool {
    if Home::make(home.dir()).is_err() {
        return false;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(home.dir(), std::fs::Permissions::from_mode(0o700)).is_ok()
    }
    #[cfg(not(unix))]
    true
}

/// Whether the authority's channel can be used.
pub(super) fn channel(settings: &Settings) -> Row {
    let lang = settings.lang;
    let (id, title) = ("channel", lang.row_channel());
    let Some(path) = &settings.channel else {
        return Row::skipped(id, title, lang.channel_not_set(), Some(lang.channel_advice()));
    };
    let usable = DirectoryChannel::open(path)
        .and_then(|mut channel| channel.chain().map(drop))
        .map_err(|error| crate::sentences::authority(lang, &error).message);
    let requests = path.join("requests");
    match usable {
        Err(why) => Row::failed(id, title, lang.channel_bad(why), lang.channel_advice()),
        Ok(()) => match tempfile::NamedTempFile::new_in(&requests) {
            Ok(_) => Row::ok(id, title, lang.channel_good(path.display())),
            Err(error) => Row::failed(
                id,
                title,
                lang.channel_bad(lang.cannot_write(requests.display(), error)),
                lang.channel_advice(),
            ),
        },
    }
}
