//! PIN pads of readers: keys that `cardlab ctl press` presses, a terminal, or a list in a file.

mod keyboard;
mod keys;
mod script;
mod terminal;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use pcsc_service::ReaderSpec;

use keyboard::AtKeyboard;
pub(crate) use keyboard::Keyboard;
pub(crate) use keys::Keys;
use script::Script;
use terminal::{AtTerminal, Terminal};

/// Where PINs are typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PadSpec {
    /// With `cardlab ctl press`.
    Ctl,
    /// At the terminal that this process has.
    Terminal,
    /// In a file, one entry a line.
    File(PathBuf),
}

impl PadSpec {
    /// Reads what stands behind `pinpad=`.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(match text.split_once(':') {
            None if text == "ctl" => Self::Ctl,
            None if text == "terminal" => Self::Terminal,
            Some(("file", path)) if !path.is_empty() => Self::File(path.into()),
            _ => bail!("`pinpad={text}`: a PIN is typed with pinpad=ctl, pinpad=terminal or pinpad=file:PATH"),
        })
    }
}

/// The pads of all readers, and what must outlive them.
#[derive(Default)]
pub(crate) struct Pads {
    terminal: Option<Arc<Terminal>>,
}

impl Pads {
    /// Gives a reader this pad. Returns its keys, too, where `ctl` presses them.
    ///
    /// # Errors
    /// Where there is no terminal, or no list of keys in the file.
    pub(crate) fn add(
        &mut self,
        reader: ReaderSpec,
        pad: &PadSpec,
    ) -> anyhow::Result<(ReaderSpec, Option<Arc<Keyboard>>)> {
        Ok(match pad {
            PadSpec::Ctl => {
                let keyboard = Arc::<Keyboard>::default();
                (reader.pin_pad(AtKeyboard(Arc::clone(&keyboard))), Some(keyboard))
            }
            PadSpec::Terminal => (reader.pin_pad(AtTerminal(self.terminal()?)), None),
            PadSpec::File(path) => {
                let script = Script::read(path).with_context(|| format!("pinpad=file:{}", path.display()))?;
                (reader.pin_pad(script), None)
            }
        })
    }

    /// Gives the terminal back as it was.
    pub(crate) fn close(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.close();
        }
    }

    /// The terminal, which all readers share.
    fn terminal(&mut self) -> anyhow::Result<Arc<Terminal>> {
        if let Some(terminal) = &self.terminal {
            return Ok(Arc::clone(terminal));
        }
        let terminal = Terminal::open().context(
            "pinpad=terminal: this process has no terminal to ask at; pinpad=ctl and pinpad=file:PATH need none",
        )?;
        Ok(Arc::clone(self.terminal.insert(Arc::new(terminal))))
    }
}

impl Drop for Pads {
    fn drop(&mut self) {
        self.close();
    }
}
