//! A reader with a card, in our service or in pcscd with vpcd: what is shown must be the same.

use std::ffi::CString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use pcsc_service::{PcscService, ReaderSpec};
use testkit::{PrivatePcscd, own_socket};
use virtual_reader::{VirtualReader, VpcdAddress};

use crate::card::{Strings, TestCard};

/// How long anything may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Readers and the service behind them.
pub(crate) struct World {
    way: Way,
    pub(crate) context: Context,
    pub(crate) reader: CString,
    pub(crate) strings: Strings,
}

enum Way {
    Private(PcscService),
    Pcscd { card: VirtualReader, _service: PrivatePcscd },
}

impl World {
    /// Our service, at the socket that this process looks for.
    pub(crate) fn private() -> Self {
        let strings = Strings::default();
        let service = PcscService::builder()
            .socket(own_socket())
            .reader(ReaderSpec::new("CardLab").card(TestCard::new(&strings)))
            .reader(ReaderSpec::new("CardLab 00 01"))
            .start()
            .unwrap();
        Self::of(Way::Private(service), strings)
    }

    /// The system's service, beside any that runs already.
    pub(crate) fn pcscd(service: PrivatePcscd) -> Self {
        std::os::unix::fs::symlink(service.socket_path(), own_socket()).unwrap();
        let strings = Strings::default();
        let card = VirtualReader::start(TestCard::new(&strings), VpcdAddress::local(service.vpcd_port()));
        let world = Self::of(Way::Pcscd { card, _service: service }, strings);
        world.wait_for(State::PRESENT);
        world
    }

    fn of(way: Way, strings: Strings) -> Self {
        pcsc_runtime::link();
        let context = Context::establish(Scope::User).unwrap();
        Self { way, context, reader: c"CardLab 00 00".to_owned(), strings }
    }

    /// The service's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        own_socket()
    }

    /// Pulls the card, and returns when clients can know.
    pub(crate) fn pull(&self) {
        match &self.way {
            Way::Private(service) => drop(service.readers()[0].remove()),
            Way::Pcscd { card, .. } => card.remove(),
        }
        self.wait_for(State::EMPTY);
    }

    /// Puts the card in, if it is not, and returns when clients can know.
    pub(crate) fn put(&self) {
        match &self.way {
            Way::Private(service) => drop(service.readers()[0].insert(TestCard::new(&self.strings))),
            Way::Pcscd { card, .. } => card.insert(),
        }
        self.wait_for(State::PRESENT);
    }

    fn wait_for(&self, state: State) {
        let end = Instant::now() + LIMIT;
        while !self.seen().event_state().contains(state) {
            assert!(Instant::now() < end, "never {state:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The reader as it is now.
    pub(crate) fn seen(&self) -> ReaderState {
        let mut states = [ReaderState::new(self.reader.clone(), State::UNAWARE)];
        let context = Context::establish(Scope::User).unwrap();
        context.get_status_change(Duration::ZERO, &mut states).unwrap();
        let [state] = states;
        state
    }

    /// A card as it is after its insertion: no handle, no protocol, nothing in its memory.
    pub(crate) fn fresh(&self) {
        self.put();
        let card = self.shared().unwrap();
        card.disconnect(Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
    }

    pub(crate) fn connect(&self, share: ShareMode, protocols: Protocols) -> Result<Card, Error> {
        self.context.connect(&self.reader, share, protocols)
    }

    pub(crate) fn shared(&self) -> Result<Card, Error> {
        self.connect(ShareMode::Shared, Protocols::ANY)
    }

    pub(crate) fn other(&self) -> Context {
        Context::establish(Scope::User).unwrap()
    }
}
