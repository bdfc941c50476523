//! The small card: what OpenSC does with it, and what it cannot do because neither chaining nor extended lengths are there.

use card_os::Preset;

use super::desk::{Desk, PIN, PUK};
use testkit::require_or_skip;

#[test]
fn a_small_card_is_initialised_generates_and_signs() {
    let Some(desk) = Desk::with(&Preset::tight()) else { return };
    desk.run("opensc-tool -n").ok().says("Javacard with IsoApplet");
    desk.initialise().generate("rsa/2048 --id 1 --key-usage decrypt,sign");
    desk.write("data", b"a small card signs too");
    desk.run(&format!("pkcs11-tool -l -p {PIN} -s -m SHA256-RSA-PKCS -d 1 -i data -o signature")).ok();
    desk.run("pkcs11-tool --verify -m SHA256-RSA-PKCS -d 1 -i data --signature-file signature")
        .ok()
        .says("Signature is valid");
    desk.run(&format!("pkcs15-tool --change-pin --pin {PIN} --new-pin 654321")).ok().lacks("failed");
    desk.run(&format!("pkcs15-tool --unblock-pin --puk {PUK} --new-pin {PIN}")).ok().lacks("failed");
    desk.run(&format!("pkcs15-tool --verify-pin --pin {PIN}")).ok().lacks("failed");
}

#[test]
fn what_needs_more_than_255_bytes_fails_and_costs_nothing() {
    if require_or_skip(super::desk::series("0.23")).is_none() {
        return;
    }
    let Some(desk) = Desk::with(&Preset::tight()) else { return };
    desk.initialise().generate("rsa/2048 --id 1 --key-usage decrypt,sign");
    desk.run("pkcs15-tool --read-public-key 01 -o public.pem").ok();
    desk.write("plain", b"x");
    desk.run("openssl pkeyutl -encrypt -pubin -inkey public.pem -in plain -out cipher").ok();
    // The cryptogram and its padding indicator have 257 bytes.
    desk.run(&format!("pkcs11-tool -l -p {PIN} --decrypt -m RSA-PKCS -d 1 -i cipher -o plain.out")).fails();
    // The parameters of P-384 have 303 bytes.
    desk.run(&format!("pkcs15-init --generate-key ec/secp384r1 --id 2 --auth-id FF --pin {PIN}")).fails();
    // An RSA key is imported in 660 bytes.
    desk.run("openssl genrsa -out import.pem 2048").ok();
    desk.run(&format!("pkcs15-init --store-private-key import.pem --id 4 --auth-id FF --pin {PIN}")).fails();

    desk.write("data", b"and the card goes on");
    desk.run(&format!("pkcs11-tool -l -p {PIN} -s -m SHA256-RSA-PKCS -d 1 -i data -o signature")).ok();
    desk.run("pkcs11-tool --verify -m SHA256-RSA-PKCS -d 1 -i data --signature-file signature")
        .ok()
        .says("Signature is valid");
}
