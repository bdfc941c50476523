//! The functions of `libpcsclite.so.1`, looked up once.
//!
//! The signatures are those that `pcsc-sys` 1.3 declares for Linux, where DWORD and LONG are as wide as a pointer.

use std::ffi::{c_char, c_long, c_ulong, c_void};
use std::sync::OnceLock;

use libloading::Library;

/// The client library's name with its ABI version, which has been 1 since 1999.
const LIBRARY: &str = "libpcsclite.so.1";
/// SCARD_E_NO_SERVICE: the answer of every function where the library is missing.
const NO_SERVICE: c_long = 0x8010_001D;

/// `SCARD_IO_REQUEST`: the protocol of a transmission.
#[repr(C)]
#[derive(Debug)]
pub struct IoRequest {
    protocol: c_ulong,
    length: c_ulong,
}

impl IoRequest {
    const fn new(protocol: c_ulong) -> Self {
        // Two words of the same width: 8 or 16 bytes.
        Self { protocol, length: (2 * c_ulong::BITS / 8) as c_ulong }
    }
}

/// Marks T=0. `pcsc-sys` refers to this symbol.
// SAFETY: the name is the one that the C API gives to a constant of this type, and nothing else defines it.
#[unsafe(no_mangle)]
pub static g_rgSCardT0Pci: IoRequest = IoRequest::new(1);

/// Marks T=1. `pcsc-sys` refers to this symbol.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub static g_rgSCardT1Pci: IoRequest = IoRequest::new(2);

/// Marks raw transmission. `pcsc-sys` refers to this symbol.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub static g_rgSCardRawPci: IoRequest = IoRequest::new(4);

static LOADED: OnceLock<Option<Functions>> = OnceLock::new();

fn functions() -> Option<&'static Functions> {
    LOADED.get_or_init(Functions::load).as_ref()
}

/// Whether the client library of the reader service is there. Opens it if nothing has been called yet.
#[must_use]
pub fn available() -> bool {
    functions().is_some()
}

/// Writes the list of functions once, as a table of pointers to the library's and as exported forwarders.
macro_rules! forward {
    ($(fn $name:ident($($argument:ident: $type:ty),*);)*) => {
        #[expect(non_snake_case, reason = "the C API names them")]
        struct Functions {
            $($name: unsafe extern "C" fn($($type),*) -> c_long,)*
            // The pointers above are valid as long as this is not dropped.
            _library: Library,
        }

        impl Functions {
            fn load() -> Option<Self> {
                // SAFETY: opening runs the library's initialisers; libpcsclite has none that need anything of us.
                let library = unsafe { Library::new(LIBRARY) }.ok()?;
                Some(Self {
                    // SAFETY: the symbol is the function of this name in the ABI that the version 1 of the file
                    // name stands for, and the pointer is kept beside the library.
                    $($name: *unsafe { library.get(concat!(stringify!($name), "\0")) }.ok()?,)*
                    _library: library,
                })
            }
        }

        $(
            /// Forwards to the function of this name in `libpcsclite.so.1`.
            ///
            /// # Safety
            /// What the PC/SC API asks of the caller of this function.
            // SAFETY: the name is the C API's, and nothing else in the program defines it.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $type),*) -> c_long {
                match functions() {
                    // SAFETY: the arguments are passed on as they came, to the function they are meant for.
                    Some(functions) => unsafe { (functions.$name)($($argument),*) },
                    None => NO_SERVICE,
                }
            }
        )*

        /// Keeps the definitions in the program: a linker that reads each archive once would otherwise have
        /// passed this one before `pcsc-sys` asks for them. Call it before the first PC/SC function.
        pub fn link() {
            let functions: &[*const ()] = &[$($name as *const (),)*];
            std::hint::black_box((functions, &g_rgSCardT0Pci, &g_rgSCardT1Pci, &g_rgSCardRawPci));
        }
    };
}

forward! {
    fn SCardEstablishContext(scope: c_ulong, reserved1: *const c_void, reserved2: *const c_void, context: *mut c_long);
    fn SCardReleaseContext(context: c_long);
    fn SCardIsValidContext(context: c_long);
    fn SCardCancel(context: c_long);
    fn SCardConnect(context: c_long, reader: *const c_char, share: c_ulong, protocols: c_ulong, card: *mut c_long, active: *mut c_ulong);
    fn SCardReconnect(card: c_long, share: c_ulong, protocols: c_ulong, initialization: c_ulong, active: *mut c_ulong);
    fn SCardDisconnect(card: c_long, disposition: c_ulong);
    fn SCardGetStatusChange(context: c_long, timeout: c_ulong, states: *mut c_void, count: c_ulong);
    fn SCardListReaders(context: c_long, groups: *const c_char, readers: *mut c_char, length: *mut c_ulong);
    fn SCardBeginTransaction(card: c_long);
    fn SCardEndTransaction(card: c_long, disposition: c_ulong);
    fn SCardStatus(card: c_long, reader: *mut c_char, reader_length: *mut c_ulong, state: *mut c_ulong, protocol: *mut c_ulong, atr: *mut u8, atr_length: *mut c_ulong);
    fn SCardGetAttrib(card: c_long, id: c_ulong, value: *mut u8, length: *mut c_ulong);
    fn SCardSetAttrib(card: c_long, id: c_ulong, value: *const u8, length: c_ulong);
    fn SCardTransmit(card: c_long, send_pci: *const IoRequest, send: *const u8, send_length: c_ulong, receive_pci: *mut IoRequest, receive: *mut u8, receive_length: *mut c_ulong);
    fn SCardControl(card: c_long, code: c_ulong, send: *const u8, send_length: c_ulong, receive: *mut u8, receive_length: c_ulong, returned: *mut c_ulong);
}
