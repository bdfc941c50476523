//! The PKCS#11 module for this user's programs: with p11-kit and in the NSS database, and taken away without a trace.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::home::{self, Home};
use crate::module;
use crate::nss::Nss;
use crate::texts::Lang;

/// The name under which the module is registered.
pub(crate) const NAME: &str = "cardlab";
const FILE: &str = "csp.json";

/// What an installation changed, so that it can be undone exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Installed {
    p11kit: Option<Config>,
    nss: Option<Database>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Config {
    path: PathBuf,
    content: String,
    before: Option<String>,
    /// Directories that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Database {
    dir: PathBuf,
    created: bool,
    made: Vec<PathBuf>,
}

/// What was done, or was there already.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) module: PathBuf,
    pub(crate) p11kit: PathBuf,
    pub(crate) nss: Option<PathBuf>,
    pub(crate) changed: bool,
}

/// Where p11-kit looks for this user's modules: under XDG_CONFIG_HOME where that is set, else under ~/.config.
pub(crate) fn p11kit_path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(config.join("pkcs11/modules").join(format!("{NAME}.module")))
}

/// Whether this process is root, whose p11-kit reads no user configuration.
pub(crate) fn is_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
    }
    #[cfg(not(unix))]
    false
}

fn content(module: &Path) -> String {
    format!(
        "# Made by `cardlab card install-csp`; `cardlab card uninstall-csp` takes it away.\nmodule: {}\n",
        module.display()
    )
}

/// The module that a configuration of p11-kit names.
pub(crate) fn configured(path: &Path) -> Option<PathBuf> {
    let text = String::from_utf8(home::bounded(path).ok()?).ok()?;
    text.lines().find_map(|line| line.strip_prefix("module:")).map(|name| PathBuf::from(name.trim()))
}

/// Registers the module for this user.
pub(crate) fn install(lang: Lang, home: &Home, module: Option<&Path>) -> Result<Done, Failure> {
    let module = module::find(lang, module)?;
    let path = p11kit_path().ok_or_else(|| Failure::missing("no-home", lang.home_unknown()))?;
    let mut installed: Installed = home.read(FILE)?;
    let before = installed.clone();
    let wanted = content(&module);
    let mut changed = false;
    if fs::read_to_string(&path).ok().as_deref() != Some(&wanted) {
        let old = installed.p11kit.take().filter(|old| old.path == path);
        let (earlier, made) = match old {
            Some(old) => (old.before, old.made),
            None => (fs::read_to_string(&path).ok(), missing_directories(&path)),
        };
        installed.p11kit = Some(Config { path: path.clone(), content: wanted.clone(), before: earlier, made });
        home.write(FILE, &installed)?;
        home::put(&path, wanted.as_bytes()).map_err(|error| Failure::write(lang, &path, &error))?;
        changed = true;
    }
    let nss = if Nss::has_tools() { Nss::of_user(lang) } else { None };
    if let Some(nss) = &nss
        && nss.module(NAME).as_deref() != Some(&module)
    {
        register_in(nss, &mut installed, home, &module)?;
        changed = true;
    }
    if installed != before {
        home.write(FILE, &installed)?;
    }
    Ok(Done { module, p11kit: path, nss: nss.map(|nss| nss.dir), changed })
}

fn register_in(nss: &Nss, installed: &mut Installed, home: &Home, module: &Path) -> Result<(), Failure> {
    if nss.module(NAME).is_some() {
        nss.remove_module(NAME)?;
    } else {
        let created = !nss.exists();
        let made = missing_directories(&nss.list());
        installed.nss = Some(Database { dir: nss.dir.clone(), created, made });
        home.write(FILE, installed)?;
        if created {
            nss.create()?;
        }
    }
    nss.add_module(NAME, module)
}

/// The directories that are not there yet, the innermost first.
fn missing_directories(path: &Path) -> Vec<PathBuf> {
    path.ancestors().skip(1).take_while(|dir| !dir.exists()).map(Path::to_path_buf).collect()
}

/// Takes back what [`install`] did. Returns whether there was anything, and the files that others have changed since.
pub(crate) fn uninstall(lang: Lang, home: &Home) -> Result<(bool, Vec<PathBuf>), Failure> {
    let mut installed: Installed = home.read(FILE)?;
    let mut left = Vec::new();
    let found = installed != Installed::default();
    if let Some(database) = installed.nss.take() {
        take_from(lang, &database)?;
        home.write(FILE, &installed)?;
    }
    if let Some(config) = installed.p11kit.take() {
        if fs::read_to_string(&config.path).is_ok_and(|now| now != config.content) {
            left.push(config.path.clone());
        } else {
            restore(lang, &config)?;
        }
    }
    if found {
        let path = home.path(FILE);
        fs::remove_file(&path).map_err(|error| Failure::write(lang, &path, &error))?;
    }
    Ok((found, left))
}

fn restore(lang: Lang, config: &Config) -> Result<(), Failure> {
    let written = match &config.before {
        Some(before) => home::put(&config.path, before.as_bytes()),
        None if config.path.exists() => fs::remove_file(&config.path),
        None => Ok(()),
    };
    written.map_err(|error| Failure::write(lang, &config.path, &error))?;
    remove_empty(&config.made);
    Ok(())
}

fn take_from(lang: Lang, database: &Database) -> Result<(), Failure> {
    let nss = Nss::at(lang, &database.dir);
    if nss.module(NAME).is_some() {
        nss.remove_module(NAME)?;
    }
    if database.created && nss.exists() && nss.is_empty() {
        for name in ["cert9.db", "key4.db", "pkcs11.txt"] {
            // What is gone already is as good.
            let _ = fs::remove_file(database.dir.join(name));
        }
        remove_empty(&database.made);
    }
    Ok(())
}

/// Only those that nobody else has put something into.
fn remove_empty(made: &[PathBuf]) {
    for dir in made {
        let _ = fs::remove_dir(dir);
    }
}
