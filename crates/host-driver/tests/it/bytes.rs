//! Each typed call against the bytes of the dialect document.

use host_driver::{
    Access, Card, Curve, Digest, Error, KeySlot, NewFile, Pin, Puk, RsaParts, RsaSize, TransportError, Verified,
};

use crate::fake::{Fake, NEW_PIN, PUK, card, pin, sent};

const SELECT_V1: &str = "00A4040C0CF276A288BCFBA69D34F31001";
const SELECT_V0: &str = "00A404000CF276A288BCFBA69D34F3100100";
const VERSION: &str = "00CA010103";
const PADDED: &str = "37333931383400000000000000000000";
const NEW_PADDED: &str = "39303432383537000000000000000000";
const PUK_HEX: &str = "713777336539723174357A3875326936";

/// Checks what one call sends, and returns what it returns.
#[track_caller]
fn check<R>(answers: &[&str], call: impl FnOnce(&mut Card<Fake>) -> R, expected: &[&str]) -> R {
    let mut card = card(answers);
    let result = call(&mut card);
    assert_eq!(sent(&mut card), expected);
    result
}

/// The same for a call that needs the PIN; its VERIFY is not listed.
#[track_caller]
fn check_verified<R>(answers: &[&str], call: impl FnOnce(&mut Verified<'_, Fake>) -> R, expected: &[&str]) -> R {
    let answers = [&["9000"], answers].concat();
    let mut card = card(&answers);
    let result = call(&mut card.verify(&pin()).unwrap());
    assert_eq!(sent(&mut card)[1..], *expected);
    result
}

#[test]
fn version_1_is_asked_for_first() {
    let application = check(&["9000", "01002E9000"], |card| card.select_application().unwrap(), &[SELECT_V1, VERSION]);
    assert_eq!((application.version.major, application.features), (1, 0x2E));
}

#[test]
fn version_0_is_told_by_select() {
    let application = check(
        &["9000", "6D00", "0006069000"],
        |card| card.select_application().unwrap(),
        &[SELECT_V1, VERSION, SELECT_V0],
    );
    assert_eq!((application.version.major, application.version.minor, application.features), (0, 6, 6));
    let refused = &["6A86", "0006079000"];
    let extended = |card: &mut Card<Fake>| card.select_application().map(|_| card.limits().extended);
    assert_eq!(check(refused, extended, &[SELECT_V1, SELECT_V0]), Ok(true));
}

#[test]
fn other_versions_are_not_guessed_at() {
    for answer in ["02002E9000", "01009000", "9000"] {
        let error = check(&["9000", answer], |card| card.select_application().unwrap_err(), &[SELECT_V1, VERSION]);
        assert_eq!(error, Error::Malformed);
    }
    let error = check(&["6A82"], |card| card.select_application().unwrap_err(), &[SELECT_V1]);
    assert_eq!(error.status().unwrap().0, 0x6A82);
}

#[test]
fn files_are_selected_by_path() {
    let mf = "6F0782013883023F009000";
    check(&[mf], |card| card.select(&[]).unwrap(), &["00A40000023F0000"]);
    check(&[mf], |card| card.select(&[0x3F00]).unwrap(), &["00A40000023F0000"]);
    let df = "6F1581021388820138830250158608FF000000000000909000";
    let info = check(&[df], |card| card.select(&[0x3F00, 0x5015]).unwrap(), &["00A4080002501500"]);
    assert_eq!((info.size, info.access), (Some(0x1388), Some(Access([0, 0, 0, 0, 0, 0, 0x90]))));
    check(&[df], |card| card.select(&[0x5015, 0x4946]).unwrap(), &["00A40800045015494600"]);
}

#[test]
fn files_are_read_whole() {
    let fci = "6F0B8102012C820101830244019000";
    let (first, second) = (format!("{}9000", "AA".repeat(256)), format!("{}9000", "BB".repeat(44)));
    let data = check(
        &[fci, &first, &second],
        |card| card.read(&[0x5015, 0x4401]).unwrap(),
        &["00A40800045015440100", "00B0000000", "00B001002C"],
    );
    assert_eq!((data.len(), data[255], data[256]), (300, 0xAA, 0xBB));
}

#[test]
fn reading_ends_where_the_file_does() {
    let read = |answers: &[&str], expected: &[&str]| check(answers, |card| card.read_binary(0, 8), expected);
    assert_eq!(read(&["01026282"], &["00B0000008"]), Ok(vec![1, 2]));
    assert_eq!(read(&["01029000", "6B00"], &["00B0000008", "00B0000206"]), Ok(vec![1, 2]));
    assert_eq!(read(&["6B00"], &["00B0000008"]).unwrap_err().status().unwrap().0, 0x6B00);
    assert_eq!(read(&["9000"], &["00B0000008"]), Err(Error::Malformed));
    assert_eq!(read(&["0102030405060708099000"], &["00B0000008"]), Err(Error::Malformed));
}

#[test]
fn files_are_updated_in_pieces() {
    let pieces = [format!("00D60000FF{}", "11".repeat(255)), format!("00D600FF2D{}", "11".repeat(45))];
    check(&[], |card| card.update_binary(0, &[0x11; 300]).unwrap(), &[&pieces[0], &pieces[1]]);
    let fci = "6F0B81020008820101830222019000";
    check(&[fci], |card| card.update(&[0x2201], &[7, 8]).unwrap(), &["00A4080002220100", "00D60000020708"]);
}

#[test]
fn what_no_offset_reaches_is_refused_here() {
    let error = check(&[], |card| card.read_binary(0x7FFF, 2).unwrap_err(), &[]);
    assert_eq!(error, Error::TooLong { len: 0x8001, max: 0x8000 });
    let error = check(&[], |card| card.update_binary(0, &[0; 0x8001]).unwrap_err(), &[]);
    assert!(matches!(error, Error::TooLong { .. }));
}

#[test]
fn files_are_created_and_deleted() {
    let df = NewFile::df(0x5015, 0x1388, Access::ALL_FREE.read(Access::PIN));
    check(&[], |card| card.create(&df).unwrap(), &["00E00000176F1581021388820138830250158608FF00000000000090"]);
    let ef = NewFile::ef(0x4402, 0x200, Access([0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0]));
    check(&[], |card| card.create(&ef).unwrap(), &["00E00000176F1581020200820101830244028608FF90909090909000"]);
    check(&[], |card| card.delete(0x4402).unwrap(), &["00E40000024402"]);
}

#[test]
fn pin_commands() {
    let (new, puk) = (Pin::new(NEW_PIN).unwrap(), Puk::new(PUK).unwrap());
    check(&[], |card| card.verify(&pin()).map(drop).unwrap(), &[&format!("0020000110{PADDED}")]);
    check(&[], |card| card.change_pin(&pin(), &new).unwrap(), &[&format!("0024000120{PADDED}{NEW_PADDED}")]);
    check(&[], |card| card.unblock_pin(&puk, &new).unwrap(), &[&format!("002C000120{PUK_HEX}{NEW_PADDED}")]);
    check(&[], |card| card.set_puk(&puk).unwrap(), &[&format!("0024010210{PUK_HEX}")]);
    check(&[], |card| card.set_pin(&pin()).unwrap(), &["0024010106373339313834"]);
}

#[test]
fn tries_are_asked_for_without_a_try() {
    for (answer, tries) in [("63C2", Some(2)), ("63C0", Some(0)), ("6983", Some(0)), ("9000", None)] {
        assert_eq!(check(&[answer], |card| card.pin_tries().unwrap(), &["00200001"]), tries);
    }
}

#[test]
fn wrong_and_blocked_pins_are_told_apart() {
    let verify = |answer| card(&[answer]).verify(&pin()).map(drop).unwrap_err();
    assert_eq!(verify("63C2"), Error::WrongPin { tries: 2 });
    assert_eq!(verify("63C0"), Error::Blocked);
    assert_eq!(verify("6983"), Error::Blocked);
    assert_eq!(verify("6700").status().unwrap().0, 0x6700);
    let unblock = card(&["63C4"]).unblock_pin(&Puk::new(PUK).unwrap(), &pin()).unwrap_err();
    assert_eq!(unblock, Error::WrongPin { tries: 4 });
}

#[test]
fn rsa_keys_are_generated() {
    let answer = format!("7F4982010981820100C1{}8203010001", "5A".repeat(255));
    let (head, tail) = answer.split_at(512);
    let key = check_verified(
        &["9000", &format!("{head}610E"), &format!("{tail}9000")],
        |card| card.generate_rsa(KeySlot::new(3).unwrap(), RsaSize::Rsa2048).unwrap(),
        &["00224100068001F3840103", "0046420000", "00C000000E"],
    );
    assert_eq!((key.modulus.len(), key.modulus[0], key.exponent), (256, 0xC1, vec![1, 0, 1]));
}

#[test]
fn long_rsa_keys_come_in_one_answer_where_length_is_extended() {
    let answer = format!("7F4982020981820200C1{}82030100019000", "5A".repeat(511));
    let mut card = card(&["9000", "9000", &answer]);
    card.limits().extended = true;
    let key = card.verify(&pin()).unwrap().generate_rsa(KeySlot::FIRST, RsaSize::Rsa4096).unwrap();
    assert_eq!(key.modulus.len(), 512);
    assert_eq!(sent(&mut card)[1..], ["00224100068001F5840100", "00464200000000"]);
}

/// Domain parameters of P-256, in the bytes that OpenSC sends.
const P256: &str = "8120FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF\
    8220FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC\
    83205AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B\
    8441046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296\
    4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5\
    8520FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

#[test]
fn ec_keys_are_generated() {
    let point = format!("04{}", "A1".repeat(64));
    let answer = format!("7F49820112{P256}8641{point}87020001");
    assert_eq!(answer.len() / 2, 279);
    let (head, tail) = answer.split_at(512);
    let generate = |answers: &[&str]| {
        check_verified(
            answers,
            |card| card.generate_ec(KeySlot::FIRST, Curve::P256),
            &["00224100068001EC840100", &format!("00460000CF{P256}8702000100"), "00C0000017"],
        )
    };
    let key = generate(&["9000", &format!("{head}6117"), &format!("{tail}9000")]).unwrap();
    assert_eq!((key.curve, hex::encode_upper(key.point)), (Curve::P256, point));
    let other = head.replace("5AC635", "5AC636");
    assert_eq!(generate(&["9000", &format!("{other}6117"), &format!("{tail}9000")]), Err(Error::Malformed));
}

#[test]
fn long_domain_parameters_are_chained() {
    let mut card = card(&["9000", "9000", "9000", "6A81"]);
    let error = card.verify(&pin()).unwrap().generate_ec(KeySlot::FIRST, Curve::P384).unwrap_err();
    assert_eq!(error.status().unwrap().0, 0x6A81);
    let sent = sent(&mut card);
    assert!(sent[2].starts_with("10460000FF8130FFFF") && sent[2].len() == 2 * 260);
    assert!(sent[3].starts_with("0046000030") && sent[3].ends_with("8702000100"));
}

#[test]
fn signatures() {
    let mse = |algorithm: &str| format!("002241B60A8001{algorithm}81025015840105");
    let slot = KeySlot::new(5).unwrap();
    let signature = format!("{}9000", "77".repeat(256));
    let (hash, hex_hash) = ([0xD1; 32], "D1".repeat(32));
    check_verified(
        &["9000", &signature],
        |card| card.sign_pkcs1(slot, &Digest::Sha256(hash)).unwrap(),
        &[&mse("11"), &format!("002A9E9A333031300D060960864801650304020105000420{hex_hash}00")],
    );
    check_verified(
        &["9000", &signature],
        |card| card.sign_pss(slot, &Digest::Sha256(hash)).unwrap(),
        &[&mse("12"), &format!("002A9E9A20{hex_hash}00")],
    );
    let long = ["9000", &format!("{}6100", "77".repeat(256)), &signature];
    let bytes = check_verified(
        &long,
        |card| card.sign_pkcs1_bare(slot, &[1, 2]).unwrap(),
        &[&mse("11"), "002A9E9A02010200", "00C0000000"],
    );
    assert_eq!(bytes.len(), 512);
    check_verified(
        &["9000", "30060201050201069000"],
        |card| card.sign_ecdsa(slot, Curve::P256, &Digest::Sha384([0xD2; 48])).unwrap(),
        &[&mse("21"), &format!("002A9E9A20{}00", "D2".repeat(32))],
    );
    let short = check_verified(
        &["9000", "77779000"],
        |card| card.sign_pss(slot, &Digest::Sha1([0; 20])).unwrap_err(),
        &[&mse("12"), &format!("002A9E9A14{}00", "00".repeat(20))],
    );
    assert_eq!(short, Error::Malformed);
}

#[test]
fn version_0_signs_messages_and_nothing_else() {
    let mut card = card(&["9000", "6D00", "0006069000", "9000", "9000", "9000", "30060201050201069000"]);
    card.select_application().unwrap();
    let mut verified = card.verify(&pin()).unwrap();
    let refused = verified.sign_ecdsa(KeySlot::FIRST, Curve::P256, &Digest::Sha256([0; 32])).unwrap_err();
    assert_eq!(refused.status().unwrap().0, 0x6A81);
    verified.sign_ecdsa_sha1(KeySlot::FIRST, &[0xEE; 300]).unwrap();
    let sent = sent(&mut card);
    assert_eq!(sent[4], "002241B60A80012181025015840100");
    assert_eq!(sent[5], format!("102A9E9AFF{}", "EE".repeat(255)));
    assert_eq!(sent[6], format!("002A9E9A2D{}00", "EE".repeat(45)));
}

#[test]
fn cryptograms_are_chained() {
    let plain = check_verified(
        &["9000", "9000", "68690A9000"],
        |card| card.decipher(KeySlot::FIRST, &[0xC3; 256]).unwrap(),
        &[
            "002241B80A80011181025015840100",
            &format!("102A8086FF00{}", "C3".repeat(254)),
            &format!("002A808602{}00", "C3".repeat(2)),
        ],
    );
    assert_eq!(**plain, *b"hi\n");
}

#[test]
fn rsa_keys_are_imported() {
    let part = |byte| vec![byte; 128];
    let (p, q, qinv, dp, dq) = (part(1), part(2), part(3), part(4), part(5));
    let parts = RsaParts { p: &p, q: &q, qinv: &qinv, dp: &dp, dq: &dq };
    let mut card = card(&[]);
    card.verify(&pin()).unwrap().import_rsa(KeySlot::FIRST, &parts).unwrap();
    let sent = sent(&mut card);
    assert_eq!(sent[1], "00224100068001F3840100");
    assert!(sent[2].starts_with("10DB3FFFFF7F4882028F92818001"));
    assert!(sent[4].starts_with("00DB3FFF96") && sent[4].ends_with("0505"));
    let whole: String = sent[2..].iter().map(|command| &command[10..]).collect();
    assert_eq!(whole.len() / 2, 660);
    assert_eq!(whole.matches("8180").count(), 5);
}

#[test]
fn ec_keys_are_imported() {
    let key = format!("E081F1{P256}870200018820{}", "42".repeat(32));
    let refused = check_verified(
        &["9000", "6900"],
        |card| card.import_ec(KeySlot::FIRST, Curve::P256, &[0x42; 32]).unwrap_err(),
        &["00224100068001EC840100", &format!("00DB3FFFF4{key}")],
    );
    assert_eq!(refused.status().unwrap().0, 0x6900);
    let long = check_verified(&[], |card| card.import_ec(KeySlot::FIRST, Curve::P256, &[1; 33]).unwrap_err(), &[]);
    assert_eq!(long, Error::TooLong { len: 33, max: 32 });
}

#[test]
fn random_numbers_come_in_pieces() {
    let first = format!("{}9000", "0F".repeat(256));
    let random = check(
        &[&first, "01029000", "03049000"],
        |card| card.random(260).unwrap(),
        &["0084000000", "0084000004", "0084000002"],
    );
    assert_eq!(random[256..], [1, 2, 3, 4]);
    assert_eq!(check(&["01029000"], |card| card.random(1), &["0084000001"]), Err(Error::Malformed));
}

#[test]
fn log_out_selects_the_application_again() {
    check_verified(&[], |_| (), &[]);
    let mut card = card(&["9000", "9000", "01002E9000"]);
    card.verify(&pin()).unwrap().log_out().unwrap();
    assert_eq!(sent(&mut card)[1..], [SELECT_V1, VERSION]);
}

#[test]
fn a_missing_card_is_a_transport_error() {
    let mut card = card(&[]);
    card.transport().answers.push_back(Err(TransportError::CardGone));
    assert!(card.verify(&pin()).unwrap_err().is_transport());
}
