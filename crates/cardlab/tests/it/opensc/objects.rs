//! Certificates, data, keys from outside and other curves.

use super::desk::{Desk, PIN};

#[test]
fn a_certificate_comes_back_as_it_was_stored() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise().generate("rsa/2048 --id 1 --key-usage sign");
    desk.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -subj /CN=cardlab -days 30 \
         -outform DER -out stored.der",
    )
    .ok();
    desk.run("openssl x509 -inform DER -in stored.der -out stored.pem").ok();
    desk.run(&format!("pkcs15-init --store-certificate stored.pem --id 1 --auth-id FF --pin {PIN}"))
        .ok()
        .lacks("Failed");
    desk.run("pkcs15-tool --list-certificates").ok().says("X.509 Certificate [Certificate]").says("3f0050153400");
    desk.run("pkcs15-tool --read-certificate 01 -o read.pem").ok();
    desk.run("openssl x509 -in read.pem -outform DER -out read.der").ok();
    assert_eq!(desk.read("read.der"), desk.read("stored.der"));
    // PKCS#11 hands out the same bytes without a login.
    desk.run("pkcs11-tool --read-object --type cert -d 01 -o pkcs11.der").ok();
    assert_eq!(desk.read("pkcs11.der"), desk.read("stored.der"));

    desk.run(&format!("pkcs15-init --delete-objects cert --id 1 --pin {PIN}")).ok().says("Deleted 1 objects");
    desk.run("pkcs15-tool --list-certificates").ok().lacks("X.509 Certificate");
    desk.run("pkcs15-tool --read-certificate 01").fails();
}

#[test]
fn an_rsa_key_from_outside_signs_on_the_card() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise();
    desk.run("openssl genrsa -out key.pem 2048").ok();
    desk.run("openssl rsa -in key.pem -pubout -out public.pem").ok();
    desk.run(&format!("pkcs15-init --store-private-key key.pem --id 7 --auth-id FF --pin {PIN}")).ok().lacks("Failed");
    desk.write("message", &[0x5A; 3000]);
    desk.run(&format!("pkcs11-tool -l -p {PIN} --sign -m SHA256-RSA-PKCS -d 7 -i message -o signature")).ok();
    desk.run("openssl dgst -sha256 -verify public.pem -signature signature message").ok().says("Verified OK");
}

#[test]
fn a_p384_key_signs_a_long_message() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise().generate("ec/secp384r1 --id 5 --key-usage sign");
    // Longer than one command: in v0 the card hashes the message itself.
    desk.write("message", &[0x5A; 3000]);
    desk.run(&format!("pkcs11-tool -l -p {PIN} --sign -m ECDSA-SHA1 -d 5 -i message -f openssl -o signature")).ok();
    desk.run("pkcs15-tool --read-public-key 05 -o public.pem").ok();
    desk.run("openssl dgst -sha1 -verify public.pem -signature signature message").ok().says("Verified OK");
}

#[test]
fn other_curves_are_refused_in_words_and_leave_nothing() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise();
    for curve in ["brainpoolP256r1", "secp256k1", "secp224r1"] {
        desk.run(&format!("pkcs15-init --generate-key ec/{curve} --id 6 --auth-id FF --pin {PIN}"))
            .fails()
            .says("Card does not support the requested operation");
    }
    desk.run("pkcs15-tool --list-keys").ok().lacks("Private EC Key");
    desk.generate("ec/secp256r1 --id 6 --key-usage sign");
    desk.run("pkcs15-tool --list-keys").ok().says("Private EC Key");
}

#[test]
fn a_private_data_object_needs_the_pin() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise();
    desk.write("note", b"for my eyes only");
    desk.run(&format!("pkcs15-init --store-data note --label note --application-name test --auth-id FF --pin {PIN}"))
        .ok()
        .lacks("Failed");
    desk.run("pkcs15-tool --list-data-objects").ok().says("Data object 'note'").says("3f0050153500");
    desk.run(&format!("pkcs15-tool --read-data-object note --verify-pin --pin {PIN} --raw -o read")).ok();
    assert_eq!(desk.read("read"), b"for my eyes only");
    desk.run("pkcs15-tool --read-data-object note --raw -o unread").fails();
    // OpenSC asks for the PIN before it asks the card. So the card itself: the file is there, and is not given.
    desk.run("opensc-tool -s 00A4080C0450153500 -s 00B0000010")
        .ok()
        .says("Received (SW1=0x90, SW2=0x00)")
        .says("Received (SW1=0x69, SW2=0x82)");
}
