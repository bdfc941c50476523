//! The system's readers: which there are, which one is meant, and waiting for a card.

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use pcsc::{Context, Error as ServiceError, PNP_NOTIFICATION, ReaderState, State};

use crate::error::TransportError;
use crate::transport::{establish, map_error};

/// A reader as the service sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// Whether there is a card in it.
    pub presence: Presence,
    /// The card's ATR, where there is a card that gives one.
    pub atr: Option<Vec<u8>>,
}

/// What is in a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// No card.
    Empty,
    /// A card that nobody uses.
    Present,
    /// A card that some program uses; it can be shared.
    InUse,
    /// A card that one program has for itself.
    Exclusive,
    /// A card that does not answer to a reset.
    Mute,
    /// The reader itself is not there.
    Unavailable,
}

impl Presence {
    fn of(state: State) -> Self {
        // The most hindering fact wins.
        match state {
            s if s.intersects(State::UNAVAILABLE | State::UNKNOWN) => Self::Unavailable,
            s if s.contains(State::MUTE) => Self::Mute,
            s if s.contains(State::EXCLUSIVE) => Self::Exclusive,
            s if s.contains(State::INUSE) => Self::InUse,
            s if s.contains(State::PRESENT) => Self::Present,
            _ => Self::Empty,
        }
    }

    /// Whether there is a card that answers.
    #[must_use]
    pub const fn has_card(self) -> bool {
        matches!(self, Self::Present | Self::InUse | Self::Exclusive)
    }
}

/// All readers, with what is in them.
///
/// # Errors
/// [`TransportError::NoService`] where no service runs or its client library is missing. No reader is not an error.
pub fn readers() -> Result<Vec<Reader>, TransportError> {
    list(&establish()?)
}

/// Waits until there is a card in the reader (chosen as in [`crate::Pcsc::connect`]; without a name, in any) and
/// returns that reader's name. The reader may appear while this waits.
///
/// # Errors
/// [`TransportError::Timeout`], or what keeps the service from telling.
pub fn wait_for_card(reader: Option<&str>, timeout: Duration) -> Result<String, TransportError> {
    // An instant cannot be arbitrarily far away.
    let deadline = Instant::now() + timeout.min(Duration::from_secs(365 * 24 * 3600));
    let context = establish()?;
    loop {
        let found = list(&context)?;
        let names: Vec<_> = found.iter().map(|reader| reader.name.as_str()).collect();
        let watched = match reader.map(|wanted| pick(&names, wanted)) {
            None => names,
            Some(Ok(at)) => vec![names[at]],
            Some(Err(TransportError::NoReader { .. })) => Vec::new(),
            Some(Err(error)) => return Err(error),
        };
        if let Some(ready) = found.iter().find(|r| r.presence.has_card() && watched.contains(&r.name.as_str())) {
            return Ok(ready.name.clone());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(TransportError::Timeout);
        }
        wait_for_change(&context, &watched, left)?;
    }
}

/// How long one wait may last. pcscd can be slow to tell of new readers, and a card may change between two looks.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

fn wait_for_change(context: &Context, names: &[&str], left: Duration) -> Result<(), TransportError> {
    let mut states: Vec<_> = names
        .iter()
        .filter_map(|name| CString::new(*name).ok())
        .map(|name| ReaderState::new(name, State::EMPTY))
        .chain([ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)])
        .collect();
    match context.get_status_change(left.min(LONGEST_WAIT), &mut states) {
        Ok(()) => {
            // A service that reports a change without one would otherwise be asked in a tight loop.
            std::thread::sleep(left.min(Duration::from_millis(10)));
            Ok(())
        }
        Err(ServiceError::Timeout) => Ok(()),
        // A reader went away between two looks.
        Err(ServiceError::UnknownReader) => {
            std::thread::sleep(left.min(Duration::from_millis(50)));
            Ok(())
        }
        Err(error) => Err(map_error(error, "")),
    }
}

pub(crate) fn list(context: &Context) -> Result<Vec<Reader>, TransportError> {
    let names = match context.list_readers_owned() {
        Ok(names) => names,
        Err(ServiceError::NoReadersAvailable) => return Ok(Vec::new()),
        Err(error) => return Err(map_error(error, "")),
    };
    names.iter().map(|name| look(context, name)).collect()
}

fn look(context: &Context, name: &CStr) -> Result<Reader, TransportError> {
    let shown = name.to_string_lossy().into_owned();
    let mut states = [ReaderState::new(name, State::UNAWARE)];
    match context.get_status_change(Duration::ZERO, &mut states) {
        Ok(()) | Err(ServiceError::Timeout) => {}
        Err(ServiceError::UnknownReader) => {
            return Ok(Reader { name: shown, presence: Presence::Unavailable, atr: None });
        }
        Err(error) => return Err(map_error(error, &shown)),
    }
    let presence = Presence::of(states[0].event_state());
    let atr = Some(states[0].atr().to_vec()).filter(|atr| !atr.is_empty() && presence.has_card());
    Ok(Reader { name: shown, presence, atr })
}

/// The reader that is meant: by name, or the only one that holds a card.
pub(crate) fn choose(context: &Context, wanted: Option<&str>) -> Result<CString, TransportError> {
    let found = list(context)?;
    let chosen = match wanted {
        Some(wanted) => {
            let names: Vec<_> = found.iter().map(|reader| reader.name.as_str()).collect();
            names[pick(&names, wanted)?]
        }
        None => only_with_card(&found)?,
    };
    CString::new(chosen).map_err(|_| TransportError::NoReader { wanted: chosen.to_owned() })
}

fn only_with_card(found: &[Reader]) -> Result<&str, TransportError> {
    let mut holding = found.iter().filter(|reader| reader.presence.has_card()).map(|reader| &reader.name);
    match (holding.next(), holding.next()) {
        (Some(only), None) => Ok(only),
        (None, _) if found.is_empty() => Err(TransportError::NoReader { wanted: String::new() }),
        (None, _) => Err(TransportError::CardGone),
        (Some(first), Some(second)) => Err(TransportError::AmbiguousReader {
            wanted: String::new(),
            candidates: [first, second].into_iter().chain(holding).cloned().collect(),
        }),
    }
}

/// The index of the name that equals `wanted`, or else of the only one that contains it.
fn pick(names: &[&str], wanted: &str) -> Result<usize, TransportError> {
    if let Some(exact) = names.iter().position(|name| *name == wanted) {
        return Ok(exact);
    }
    let mut containing = names.iter().enumerate().filter(|(_, name)| name.contains(wanted));
    match (containing.next(), containing.next()) {
        (Some((at, _)), None) => Ok(at),
        (None, _) => Err(TransportError::NoReader { wanted: wanted.to_owned() }),
        (Some(first), Some(second)) => Err(TransportError::AmbiguousReader {
            wanted: wanted.to_owned(),
            candidates: [first, second].into_iter().chain(containing).map(|(_, name)| (*name).to_owned()).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["Virtual PCD 00 00", "Virtual PCD 00 01", "Virtual PCD 00 00 spare"];

    #[test]
    fn an_exact_name_wins_over_longer_ones() {
        assert_eq!(pick(&NAMES, "Virtual PCD 00 00"), Ok(0));
        assert_eq!(pick(&NAMES, "spare"), Ok(2));
        assert_eq!(pick(&NAMES, "00 01"), Ok(1));
    }

    #[test]
    fn doubt_names_the_candidates() {
        let Err(TransportError::AmbiguousReader { candidates, .. }) = pick(&NAMES, "00 00") else {
            panic!("one was taken")
        };
        assert_eq!(candidates, [NAMES[0], NAMES[2]]);
        assert_eq!(pick(&NAMES, "ACR"), Err(TransportError::NoReader { wanted: "ACR".into() }));
        assert!(pick(&[], "").is_err());
    }

    #[test]
    fn without_a_name_the_only_card_is_meant() {
        let reader = |name: &str, presence| Reader { name: name.into(), presence, atr: None };
        let (empty, full) = (reader("a", Presence::Empty), reader("b", Presence::InUse));
        assert_eq!(only_with_card(&[empty.clone(), full.clone()]), Ok("b"));
        assert_eq!(only_with_card(std::slice::from_ref(&empty)), Err(TransportError::CardGone));
        assert!(matches!(only_with_card(&[]), Err(TransportError::NoReader { .. })));
        assert!(matches!(only_with_card(&[full.clone(), empty, full]), Err(TransportError::AmbiguousReader { .. })));
    }

    #[test]
    fn states_are_read_from_their_bits() {
        assert_eq!(Presence::of(State::EMPTY), Presence::Empty);
        assert_eq!(Presence::of(State::PRESENT | State::INUSE), Presence::InUse);
        assert_eq!(Presence::of(State::PRESENT | State::MUTE), Presence::Mute);
        assert!(!Presence::Mute.has_card());
    }
}
