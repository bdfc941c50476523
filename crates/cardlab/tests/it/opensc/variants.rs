//! Other ways to personalise a card, and those that OpenSC or the card refuses.

use super::desk::{Desk, PIN, PUK};

/// A key is made under the PIN with this id, and everything that OpenSC can test works.
fn usable(desk: &Desk, auth_id: &str) {
    desk.run(&format!(
        "pkcs15-init --generate-key rsa/2048 --id 1 --key-usage decrypt,sign --auth-id {auth_id} --pin {PIN}"
    ))
    .ok()
    .lacks("Failed");
    desk.run(&format!("pkcs11-tool -l -t -p {PIN}")).ok().says("No errors").lacks("ERR");
}

#[test]
fn a_card_without_puk_works_and_cannot_be_unblocked() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.run(&format!("pkcs15-init --create-pkcs15 --so-pin {PIN} --so-puk \"\"")).ok().lacks("Failed");
    usable(&desk, "FF");
    desk.run(&format!("pkcs15-tool --unblock-pin --puk {PUK} --new-pin 222222"))
        .fails()
        .says("PUK code incorrect; tries left: 0");
    desk.run(&format!("pkcs15-tool --verify-pin --pin {PIN}")).ok();
}

#[test]
fn the_pin_can_be_set_after_the_structure() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.run("pkcs15-init --create-pkcs15 --no-so-pin").ok().lacks("Failed");
    desk.run(&format!("pkcs15-init -P -a 01 --pin {PIN} --puk {PUK}")).ok().lacks("Failed");
    usable(&desk, "01");
    desk.run("pkcs15-tool --list-pins").ok().says("ID             : 01");
    desk.run(&format!("pkcs15-tool --unblock-pin -a 01 --puk {PUK} --new-pin 222222")).ok().lacks("incorrect");
    desk.run("pkcs15-tool --verify-pin --pin 222222").ok();
}

#[test]
fn the_onepin_profile_works_and_takes_no_second_pin() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.run(&format!("pkcs15-init -C -p pkcs15+onepin --pin {PIN} --puk {PUK}")).ok().lacks("Failed");
    usable(&desk, "01");
    desk.run("pkcs15-tool --list-pins").ok().says("PIN [User PIN]").says("ID             : 01");
    desk.run(&format!("pkcs15-init -P -a 02 --pin {PIN} --puk {PUK}")).fails().says("Incorrect parameters in APDU");
    desk.run(&format!("pkcs15-tool --verify-pin --pin {PIN}")).ok();
}

#[test]
fn wrong_lengths_are_refused_and_the_card_stays_blank() {
    let Some(desk) = Desk::isoapplet() else { return };
    for (pin, puk) in [("123", PUK), ("12345678901234567", PUK), (PIN, "0123")] {
        desk.run(&format!("pkcs15-init --create-pkcs15 --so-pin {pin} --so-puk {puk}")).fails().says("Wrong length");
    }
    // Without --so-pin it asks for one, and there is nobody to answer.
    desk.run(&format!("pkcs15-init -C --pin {PIN} --puk {PUK}")).fails();
    desk.initialise();
    usable(&desk, "FF");
}

#[test]
fn what_opensc_does_not_support_here_harms_nothing() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise();
    desk.run("pkcs15-init -E").fails().says("Not supported");
    desk.run("opensc-tool -f").fails().says("Not supported");
    desk.run("opensc-tool --serial").says("SC_CARDCTL_GET_SERIALNR, *) failed");
    desk.run(&format!("pkcs15-init --generate-key rsa/4096 --id 6 --auth-id FF --pin {PIN}"))
        .fails()
        .says("Not supported");
    usable(&desk, "FF");
}
