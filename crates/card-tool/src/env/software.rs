//! Rows about other programs' way to the card: the module, and where it is registered.

use std::path::{Path, PathBuf};

use super::Row;
use crate::csp;
use crate::module;
use crate::nss::Nss;
use crate::programs;
use crate::texts::Lang;

/// Whether the module is there, loads, and sees readers.
pub(super) fn module(lang: Lang) -> Row {
    let (id, title) = ("pkcs11-module", lang.row_module());
    let Some(path) = module::usual() else {
        return Row::failed(id, title, lang.module_none(), lang.module_advice());
    };
    let shown = path.display();
    match module::ask(&path) {
        None => Row::skipped(id, title, lang.module_untested(shown), Some(lang.module_advice())),
        Some(said) if !said.ok => {
            Row::failed(id, title, lang.module_broken(shown, said.last_line()), lang.module_advice())
        }
        Some(said) => match module::slots(&said) {
            0 => Row::failed(id, title, lang.module_loads_only(shown), lang.readers_advice()),
            count => Row::ok(id, title, lang.module_sees(shown, count)),
        },
    }
}

/// Where packages and administrators register modules for all users.
const SYSTEM: [&str; 2] = ["/etc/pkcs11/modules", "/usr/share/p11-kit/modules"];

/// Whether p11-kit knows the module, from this user or from the system.
pub(super) fn p11kit(lang: Lang) -> Row {
    let (id, title) = ("p11-kit", lang.row_p11kit());
    if let Some(path) = csp::p11kit_path()
        && let Some(named) = csp::configured(&path)
    {
        if !named.is_file() {
            return Row::failed(id, title, lang.registration_dangling(path.display()), lang.install_advice());
        }
        let mut row = Row::ok(id, title, lang.registered_in(path.display()));
        row.advice = csp::is_root().then(|| lang.csp_root());
        return row;
    }
    match system_wide() {
        Some(path) => Row::ok(id, title, lang.registered_system(path.display())),
        None => Row::failed(id, title, lang.not_registered(), lang.install_advice()),
    }
}

fn system_wide() -> Option<PathBuf> {
    let module = module::usual()?;
    let names = |file: &Path| csp::configured(file).is_some_and(|named| named.file_name() == module.file_name());
    let files = SYSTEM.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().filter_map(Result::ok);
    files.map(|entry| entry.path()).find(|path| names(path))
}

/// Whether NSS knows the module. Only browsers need it, so a computer without NSS' tools is not wrong.
pub(super) fn nss(lang: Lang) -> Row {
    let (id, title) = ("nss", lang.row_nss());
    if programs::find("modutil").is_none() {
        return Row::skipped(id, title, lang.nss_no_tool(), Some(lang.nss_tool_advice()));
    }
    match Nss::of_user(lang).and_then(|nss| Some((nss.list(), nss.module(csp::NAME)?))) {
        Some((list, named)) if named.is_file() => Row::ok(id, title, lang.registered_in(list.display())),
        Some((list, _)) => Row::failed(id, title, lang.registration_dangling(list.display()), lang.install_advice()),
        None => Row::failed(id, title, lang.not_registered(), lang.install_advice()),
    }
}
