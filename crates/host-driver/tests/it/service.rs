//! The reader service where there is none, or none that this test knows of: errors, and no crash.
//!
//! What works with a service is tested with a private one, in the crates above.

use std::time::{Duration, Instant};

use host_driver::{Pcsc, TransportError, readers, wait_for_card};

#[test]
fn without_a_library_there_is_no_service() {
    let found = readers();
    if !pcsc_runtime::available() {
        assert_eq!(found.unwrap_err(), TransportError::NoService);
    } else if let Err(error) = found {
        assert_eq!(error, TransportError::NoService);
    }
}

#[test]
fn a_reader_that_does_not_exist_is_not_found() {
    let error = Pcsc::connect(Some("a reader that does not exist")).unwrap_err();
    let wanted = "a reader that does not exist".to_owned();
    assert!(matches!(error, TransportError::NoService) || error == TransportError::NoReader { wanted }, "{error}");
}

#[test]
fn waiting_for_a_card_is_bounded() {
    let start = Instant::now();
    let error = wait_for_card(Some("a reader that does not exist"), Duration::from_millis(100)).unwrap_err();
    assert!(matches!(error, TransportError::NoService | TransportError::Timeout), "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_context_is_had_or_refused_with_a_known_error() {
    pcsc_runtime::link();
    match pcsc::Context::establish(pcsc::Scope::User) {
        Ok(context) => assert!(pcsc_runtime::available() && context.is_valid().is_ok()),
        Err(error) => assert_eq!(error, pcsc::Error::NoService),
    }
}
