//! What OpenSC's own CI does with such a card, command by command.

use std::collections::BTreeMap;

use card_os::preset::Dialect;

use super::desk::{Desk, PIN, PUK, Said, series};

#[test]
fn the_whole_sequence_passes_with_dialect_auto() {
    let Some(desk) = Desk::speaking(Dialect::Auto) else { return };
    whole(&desk);
}

#[test]
fn the_whole_sequence_passes_with_dialect_v0() {
    let Some(desk) = Desk::speaking(Dialect::V0) else { return };
    whole(&desk);
}

/// Somebody without rights, on a machine without pcscd: the card lives in a file.
#[test]
fn the_whole_sequence_passes_with_cardlab_run() {
    for dialect in ["auto", "v0"] {
        let Some(desk) = Desk::without_pcscd(dialect) else { return };
        whole(&desk);
    }
}

/// OpenSC 0.23 takes the empty SELECT answer of v1 for version 0 without features. Whatever fails for that reason
/// must go on failing, so that the list in the README stays true.
#[test]
fn dialect_v1_passes_but_for_ecdsa_and_random() {
    let Some(()) = testkit::require_or_skip(series("OpenSC 0.23.")) else { return };
    let Some(desk) = Desk::speaking(Dialect::V1) else { return };
    recognised(&desk);
    pins(&desk);
    keys(&desk);
    let test = self_test(&desk).says("ERR: C_GenerateRandom failed: CKR_FUNCTION_NOT_SUPPORTED").says("1 errors");
    assert_eq!(test.text.matches("ERR").count(), 1, "{}", test.text);
    desk.run(&format!("pkcs11-tool -l -p {PIN} --generate-random 32 -o random"))
        .fails()
        .says("Could not generate random bytes");
    ecdsa(&desk, 3).says("Invalid signature").lacks("Signature is valid");
    import(&desk);
    ecdsa(&desk, 4).says("Invalid signature").lacks("Signature is valid");
    super::rsa::signs_and_deciphers(&desk);
}

fn whole(desk: &Desk) {
    recognised(desk);
    pins(desk);
    keys(desk);
    self_test(desk).says("seems to be OK").says("No errors").lacks("ERR");
    desk.run(&format!("pkcs11-tool -l -p {PIN} --generate-random 32 -o random")).ok();
    assert_eq!(desk.read("random").len(), 32);
    ecdsa(desk, 3).says("Signature is valid");
    import(desk);
    ecdsa(desk, 4).says("Signature is valid");
    // The key that the host made must be the one that signs, not just any.
    desk.run("openssl dgst -sha1 -verify ECpub.pem -signature signature4.der data").ok().says("Verified OK");
}

/// A blank card is found, and named.
fn recognised(desk: &Desk) {
    desk.run("pkcs11-tool -L").ok().says("CardLab 00 00\n  (token not recognized)");
    let name = desk.run("opensc-tool -n").ok();
    assert!(name.text.to_lowercase().contains("javacard with isoapplet\n"), "{}", name.text);
}

/// The structure is made; its PIN is changed and then set again with the PUK.
fn pins(desk: &Desk) {
    desk.initialise();
    desk.run("pkcs11-tool -L").ok().says("token label        : JavaCard isoApplet (User PIN)").lacks("not recognized");
    desk.run(&format!("pkcs15-tool --change-pin --pin {PIN} --new-pin 654321")).ok().lacks("failed");
    desk.run("pkcs15-tool --verify-pin --pin 654321").ok();
    desk.run(&format!("pkcs15-tool --unblock-pin --puk {PUK} --new-pin {PIN}")).ok().lacks("failed");
    desk.run(&format!("pkcs15-tool --verify-pin --pin {PIN}")).ok();
}

/// Three keys are made on the card, and it lists them as made.
fn keys(desk: &Desk) {
    desk.generate("rsa/2048 --id 1 --key-usage decrypt,sign");
    desk.generate("rsa/2048 --id 2 --key-usage decrypt");
    desk.generate("ec/secp256r1 --id 3 --key-usage sign");
    let dump = desk.run("pkcs15-tool -D").ok().says("PKCS#15 Card [JavaCard isoApplet]:");
    let objects = objects(&dump.text);
    let found: Vec<_> = objects.iter().map(|object| (object.kind, object.id())).collect();
    let wanted = [
        ("PIN", "ff"),
        ("Private RSA Key", "01"),
        ("Private RSA Key", "02"),
        ("Private EC Key", "03"),
        ("Public RSA Key", "01"),
        ("Public RSA Key", "02"),
        ("Public EC Key", "03"),
    ];
    assert_eq!(found, wanted, "{}", dump.text);
    let fields = [
        (0, "Length", "min_len:4, max_len:16, stored_len:16"),
        (0, "Reference", "1 (0x01)"),
        (1, "ModLength", "2048"),
        (1, "Usage", "[0x2E], decrypt, sign, signRecover, unwrap"),
        (1, "Access Flags", "[0x1D], sensitive, alwaysSensitive, neverExtract, local"),
        (1, "Auth ID", "ff"),
        (1, "Key ref", "0 (0x00)"),
        (2, "ModLength", "2048"),
        (2, "Usage", "[0x22], decrypt, unwrap"),
        (2, "Key ref", "1 (0x01)"),
        (3, "FieldLength", "256"),
        (3, "Usage", "[0x0C], sign, signRecover"),
        (3, "Key ref", "2 (0x02)"),
        (4, "Path", "3f0050153300"),
        (5, "Path", "3f0050153301"),
        (6, "Path", "3f0050153302"),
        (6, "FieldLength", "256"),
    ];
    for (object, field, value) in fields {
        assert_eq!(objects[object].fields.get(field), Some(&value), "{field} in {}", dump.text);
    }
}

/// OpenSC's own test of whatever the token can do with RSA. It exits with 0 also after errors.
fn self_test(desk: &Desk) -> Said {
    let said = desk
        .run(&format!("pkcs11-tool -l -t -p {PIN}"))
        .ok()
        .says("all 4 digest functions seem to work")
        .says("all 4 signature functions seem to work")
        .says("SHA256-RSA-PKCS: OK");
    // Signing and verifying with the first key, deciphering with both.
    assert_eq!(said.count("RSA-PKCS: OK"), 4, "{}", said.text);
    said
}

/// Signs with an EC key and has OpenSC verify; the answer is about the signature of the true data. Leaves the same
/// signature in OpenSSL's form, too.
fn ecdsa(desk: &Desk, id: u8) -> Said {
    desk.write("data", b"signed by the card");
    desk.write("other", b"Signed by the card");
    let sign = format!("pkcs11-tool -l -p {PIN} -s -m ECDSA-SHA1 -d {id} -i data");
    desk.run(&format!("{sign} -o signature")).ok().says("Using signature algorithm ECDSA-SHA1").lacks("error");
    desk.run(&format!("{sign} -f openssl -o signature{id}.der")).ok().lacks("error");
    assert_eq!(desk.read("signature").len(), 64);
    let verify = format!("pkcs11-tool --verify -m ECDSA-SHA1 -d {id} --signature-file signature -i");
    desk.run(&format!("{verify} other")).ok().says("Invalid signature").lacks("is valid");
    desk.run(&format!("{verify} data")).ok()
}

/// Brings an EC key pair from outside onto the card.
fn import(desk: &Desk) {
    desk.run("openssl ecparam -name prime256v1 -genkey -noout -out ECpriv.pem").ok();
    desk.run("openssl ec -in ECpriv.pem -pubout -out ECpub.pem").ok();
    desk.run(&format!("pkcs11-tool -l -p {PIN} -w ECpriv.pem -y privkey -d 4"))
        .ok()
        .says("Created private key:")
        .says("ID:         04");
    desk.run(&format!("pkcs11-tool -l -p {PIN} -w ECpub.pem -y pubkey -d 4"))
        .ok()
        .says("Created public key:")
        .says("EC_POINT 256 bits");
}

/// One entry of what pkcs15-tool lists.
struct Object<'a> {
    kind: &'a str,
    fields: BTreeMap<&'a str, &'a str>,
}

impl Object<'_> {
    fn id(&self) -> &str {
        self.fields.get("ID").unwrap_or(&"none")
    }
}

/// The entries of a dump: a line `kind [label]`, and below it indented lines `field : value`.
fn objects(dump: &str) -> Vec<Object<'_>> {
    let mut objects: Vec<Object<'_>> = Vec::new();
    for line in dump.lines() {
        if let Some(line) = line.strip_prefix('\t') {
            if let (Some(object), Some((field, value))) = (objects.last_mut(), line.split_once(':')) {
                object.fields.insert(field.trim(), value.trim());
            }
        } else if let Some((kind, _)) = line.split_once(" [").filter(|_| line.ends_with(']')) {
            objects.push(Object { kind, fields: BTreeMap::new() });
        }
    }
    objects
}
