//! Wrong PINs, blocked PINs, and the way back.

use card_os::preset::Preset;

use super::desk::{Desk, PIN, PUK};

/// Three wrong logins, each of which says that the PIN is wrong.
fn exhaust(desk: &Desk) {
    for _ in 0..3 {
        desk.run("pkcs11-tool -l -p 999999 -O").fails().says("C_Login failed: rv = CKR_PIN_INCORRECT");
    }
}

/// The PUK gives the blocked PIN a new value, and that one works for keys, too.
fn unblock(desk: &Desk) {
    desk.run("pkcs15-tool --unblock-pin --puk 0123456789abcdeX --new-pin 222222")
        .fails()
        .says("PUK code incorrect; tries left: 4");
    desk.run(&format!("pkcs15-tool --unblock-pin --puk {PUK} --new-pin 222222")).ok().lacks("incorrect");
    desk.run("pkcs15-tool --verify-pin --pin 222222").ok();
    desk.run("pkcs11-tool -l -t -p 222222").ok().says("No errors");
    desk.run(&format!("pkcs15-tool --verify-pin --pin {PIN}")).fails();
}

#[test]
fn three_wrong_logins_block_the_pin_until_the_puk_comes() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise().generate("rsa/2048 --id 1 --key-usage decrypt,sign");
    exhaust(&desk);
    // This preset has no other word for a blocked PIN than for a wrong one, as the applet that OpenSC knows.
    desk.run(&format!("pkcs11-tool -l -p {PIN} -O")).fails().says("CKR_PIN_INCORRECT");
    desk.run(&format!("pkcs15-tool --verify-pin --pin {PIN}")).fails().says("PIN code or key incorrect");
    unblock(&desk);
}

#[test]
fn a_right_pin_gives_all_tries_back() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise();
    for _ in 0..3 {
        for _ in 0..2 {
            desk.run("pkcs15-tool --verify-pin --pin 999999").fails().says("PIN code or key incorrect");
        }
        desk.run(&format!("pkcs15-tool --verify-pin --pin {PIN}")).ok();
    }
}

#[test]
fn five_wrong_puks_block_the_puk_for_ever() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise();
    for left in (0..5).rev() {
        desk.run("pkcs15-tool --unblock-pin --puk 0123456789abcdeX --new-pin 222222")
            .fails()
            .says(&format!("PUK code incorrect; tries left: {left}"));
    }
    desk.run(&format!("pkcs15-tool --unblock-pin --puk {PUK} --new-pin 222222"))
        .fails()
        .says("PUK code incorrect; tries left: 0");
    desk.run(&format!("pkcs15-tool --verify-pin --pin {PIN}")).ok();
}

#[test]
fn pkcs11_tool_changes_the_pin() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise();
    desk.run(&format!("pkcs11-tool -l -p {PIN} --change-pin --new-pin 87654321")).ok().says("PIN successfully changed");
    desk.run("pkcs15-tool --change-pin --pin 12345678 --new-pin 1234")
        .fails()
        .says("PIN code incorrect; tries left: 2");
    desk.run("pkcs15-tool --verify-pin --pin 87654321").ok();
}

#[test]
fn the_certificate_preset_works_with_six_digits_and_says_when_it_is_blocked() {
    let Some(desk) = Desk::with(&Preset::certificate()) else { return };
    let name = desk.run("opensc-tool -n").ok();
    assert!(name.text.to_lowercase().contains("javacard with isoapplet\n"), "{}", name.text);
    desk.initialise().generate("rsa/2048 --id 1 --key-usage decrypt,sign");
    desk.generate("ec/secp256r1 --id 3 --key-usage sign");
    desk.run(&format!("pkcs15-tool --change-pin --pin {PIN} --new-pin 12345")).fails().says("Wrong length");
    desk.run(&format!("pkcs15-tool --change-pin --pin {PIN} --new-pin 87654321")).ok();
    desk.run("pkcs11-tool -l -t -p 87654321").ok().says("No errors");
    desk.run("openssl ecparam -name prime256v1 -genkey -noout -out EC.pem").ok();
    // Keys from outside are not taken.
    desk.run("pkcs11-tool -l -p 87654321 -w EC.pem -y privkey -d 4").fails().says("C_CreateObject failed");
    exhaust(&desk);
    desk.run("pkcs11-tool -l -p 87654321 -O").fails().says("CKR_PIN_LOCKED");
    desk.run("pkcs15-tool --verify-pin --pin 87654321").fails().says("Authentication method blocked");
    unblock(&desk);
}

#[test]
fn the_certificate_preset_refuses_a_pin_of_five_digits() {
    let Some(desk) = Desk::with(&Preset::certificate()) else { return };
    desk.run(&format!("pkcs15-init --create-pkcs15 --so-pin 12345 --so-puk {PUK}")).fails().says("Wrong length");
    // OpenSC leaves an empty DF and the PUK behind, and would trip over both. The DF can be deleted, the PUK stays.
    desk.run("opensc-tool -s 00E40000025015").ok().says("Received (SW1=0x90, SW2=0x00)");
    desk.run(&format!("pkcs15-init --create-pkcs15 --so-pin {PIN} --so-puk \"\"")).ok().lacks("Failed");
    desk.run(&format!("pkcs15-tool --unblock-pin --puk {PUK} --new-pin 222222")).ok().lacks("incorrect");
    desk.run("pkcs15-tool --verify-pin --pin 222222").ok();
}
