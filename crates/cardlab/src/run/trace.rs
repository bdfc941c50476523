//! What a service tells, as a trace takes it down.

use card_trace::{Tracer, What};
use pcsc_service::Event;

/// Takes an event down.
pub(super) fn note(tracer: &Tracer, event: &Event<'_>) {
    use pcsc_service::What as Told;
    let what = match event.what {
        Told::Command { command, answer, took } => {
            // No command reaches a card that is in no reader.
            return tracer.exchange(event.reader.unwrap_or_default(), event.handle, command, answer, took);
        }
        Told::Call { name, result } => What::Call { name: name.to_owned(), result },
        Told::Atr([]) => What::Mute,
        Told::Atr(atr) => What::Atr(atr.to_vec()),
        Told::PoweredOff => What::PowerOff,
        Told::Inserted => What::Inserted,
        Told::Removed => What::Removed,
        Told::Replaced => What::Replaced,
        Told::Unplugged => What::Unplugged,
        // What the service tells and this version of the format has no word for.
        _ => return,
    };
    tracer.note(event.reader, event.handle, what);
}
