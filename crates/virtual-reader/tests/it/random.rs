//! Whatever the reader sends, the card's end neither panics nor stays behind.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use virtual_reader::{Slot, serve};

use crate::card::EchoCard;
use crate::vpcd::LIMIT;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(prop_oneof![0u8..6, any::<u8>()], 0..300)) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let card_end = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut reader_end = listener.accept().unwrap().0;
        reader_end.set_read_timeout(Some(LIMIT)).unwrap();
        let thread = std::thread::spawn(move || {
            let slot = Mutex::new(Slot::new(EchoCard::new(1).0));
            // How it ends depends on the bytes; that it ends is what counts.
            let _ = serve(&card_end, &slot, &AtomicBool::new(false));
        });
        // A card that was driven mute has hung up already.
        let _ = reader_end.write_all(&bytes).and_then(|()| reader_end.shutdown(Shutdown::Write));
        let _ = reader_end.read_to_end(&mut Vec::new());
        prop_assert!(thread.join().is_ok());
    }
}
