//! Memory: power cuts, refused writes, damage. The exhaustive campaign is larger; this sample is its shape.

use card_os::platform::{NoEvents, Parts};
use card_os::sim::{SimCard, SimNvm, SoftRsa, seeded_rng};
use card_os::{Card, OpenError, Preset};
use card_wire::Protocol;

use crate::support::{Host, SELECT_AID, SET_PIN, SET_PUK, VERIFY, VERIFY_WRONG};

const CREATE: &str = "00E00000 17 6F158102 0200 820101 83021234 8608FF00000000000000";

/// What a host can see of a card: everything but randomness.
fn visible(card: &SimCard) -> Vec<String> {
    let mut host = Host { card: card.fork() };
    host.card.power_on(Protocol::T1);
    ["00A404000CF276A288BCFBA69D34F31001", "0020000100", "00A4000002123400", "00B0000000 0200", "00A4000002567800"]
        .iter()
        .map(|command| host.send(command))
        .collect()
}

fn reopened(nvm: SimNvm) -> SimCard {
    let parts = Parts { nvm, rng: seeded_rng(1, 1), rsa: SoftRsa, events: NoEvents };
    Card::open(parts).unwrap()
}

/// Runs `command` after `before`, cutting the power after every single byte it writes.
fn cut_everywhere(before: &[&str], command: &str) -> u64 {
    let mut host = Host::new(&Preset::isoapplet());
    for command in before {
        host.send(command);
    }
    let old = visible(&host.card);
    let mut uncut = Host { card: host.card.fork() };
    uncut.expect(command, "9000");
    let new = visible(&uncut.card);
    assert_ne!(old, new, "{command} must change something that can be seen");
    for bytes in 0.. {
        let mut cut = Host { card: host.card.fork() };
        cut.card.nvm_mut().cut_power_after(bytes);
        if !cut.send(command).is_empty() {
            return bytes;
        }
        assert_eq!(cut.send("00A4040000"), "", "the card is mute until it gets power");
        let mut nvm = cut.card.nvm().clone();
        nvm.restore_power();
        let state = visible(&reopened(nvm));
        assert!(state == old || state == new, "{command} cut after {bytes} bytes: {state:?}");
    }
    unreachable!("the command ends");
}

#[test]
fn every_command_is_whole_or_not_at_all_at_every_byte() {
    let set_up = [SELECT_AID, CREATE, "00D6000004AABBCCDD"];
    assert!(cut_everywhere(&[SELECT_AID], CREATE) > 500);
    assert!(cut_everywhere(&set_up, "00D6003C 08 0102030405060708") > 500);
    assert!(cut_everywhere(&set_up, "00E40000021234") > 500);
    assert!(cut_everywhere(&[SELECT_AID, SET_PUK], SET_PIN) > 500);
}

#[test]
fn a_cut_never_gives_a_try_back() {
    let mut host = Host::blank();
    host.expect(SET_PUK, "9000");
    host.expect(SET_PIN, "9000");
    for bytes in 0..2000 {
        let mut cut = Host { card: host.card.fork() };
        cut.card.nvm_mut().cut_power_after(bytes);
        let answered = cut.send(VERIFY_WRONG);
        cut.card.nvm_mut().restore_power();
        cut.card.power_on(Protocol::T1);
        cut.send(SELECT_AID);
        let left = cut.send("0020000100");
        assert!(left == "63C3" && answered.is_empty() || left == "63C2", "{left} after {bytes} bytes");
    }
    host.expect(VERIFY, "9000");
}

#[test]
fn a_full_card_refuses_and_keeps_working() {
    let mut host = Host::new(&Preset::certificate());
    host.send(SELECT_AID);
    let mut created = 0u16;
    let status = loop {
        let [high, low] = (0x4000 + created).to_be_bytes();
        let status = host.send(&format!("00E00000176F1581028000820101 8302{high:02X}{low:02X}8608FF00000000000000"));
        if status != "9000" {
            break status;
        }
        created += 1;
    };
    assert_eq!((status.as_str(), created), ("6A84", 4));
    host.expect("00A4000002400000", "6F15810280008201018302400086 08FF000000000000009000");
    // A file that was promised its bytes gets them, in one update as long as itself.
    let data = "5A".repeat(0x8000);
    for _ in 0..2 {
        host.expect(&format!("00D60000008000{data}"), "9000");
    }
    host.expect("00E40000024003", "9000");
    host.expect("00E00000176F1581028000820101830240038608FF00000000000000", "9000");
}

#[test]
fn damage_is_found_and_left_alone() {
    let mut host = Host::blank();
    host.expect(CREATE, "9000");
    host.expect("00D60000 04 01020304", "9000");
    let image = host.card.nvm().image();
    let open = |image: &[u8]| {
        let parts = Parts { nvm: SimNvm::from_image(image), rng: seeded_rng(1, 1), rsa: SoftRsa, events: NoEvents };
        SimCard::open(parts).map(|card| visible(&card))
    };
    let good = open(&image).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for at in (0..image.len()).step_by(499).chain((512..2600).step_by(5)) {
        let mut spoiled = image.clone();
        spoiled[at] ^= 0x10;
        match open(&spoiled) {
            Ok(state) => {
                assert_eq!(state, good, "byte {at} changes what the card says");
                harmless += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && harmless > 100, "{refused} refused, {harmless} harmless");
    assert_eq!(open(&[]).unwrap_err(), OpenError::NotACard);
    assert_eq!(open(&[0; 4096]).unwrap_err(), OpenError::NotACard);
    assert!(matches!(open(&image[..image.len() - 128]), Err(OpenError::Damaged(_))));
}

/// Every released format loads for ever. How the image was made stands in `fixtures/README.md`.
#[test]
fn the_image_of_format_1_opens() {
    let image = include_bytes!("../../../../fixtures/nvm/v1/isoapplet.img");
    let mut host = Host { card: reopened(SimNvm::from_image(image)) };
    host.card.power_on(Protocol::T1);
    host.expect(SELECT_AID, "0006069000");
    host.expect("0020000100", "63C2");
    host.expect("00A4000C023101", "9000");
    host.expect("00B0000005", "1122334455 9000");
    host.expect(VERIFY, "9000");
    host.expect("002241B606800111840103", "9000");
    let (signature, status) = host.send_all("002A9E9A040102030400");
    assert_eq!((signature.len(), status.as_str()), (256, "9000"));
}

#[test]
fn the_image_of_format_2_opens() {
    let image = include_bytes!("../../../../fixtures/nvm/v2/iso.img");
    let mut host = Host { card: reopened(SimNvm::from_image(image)) };
    host.card.power_on(Protocol::T1);
    host.expect("00200001", "63C2");
    // The EF in the DF wants PIN 1 for reading; the DF was left deactivated in its third EF.
    host.expect("00A4040C04A0000000", "9000");
    host.expect("00B11001 03 540101 00", "6982");
    host.expect("00200001 04 31323334", "9000");
    host.expect("00B11001 03 540101 06", "5304 22334455 9000");
    host.expect("00B2011500", "0A0B0C03 0A0B0C02 0A0B0C01 9000");
    host.expect("00A40200021003", "6283");
    host.expect("00CA008102", "0102 9000");
    host.expect("002C0001 0C 3132333435363738 31323334", "9000");
    host.expect("0022F301", "9000");
    let key = "7F4943864104436BB0EEA5F68F74A86F3DDB62EAA4F6F084BA6D7558B736A4514EC28E30152755D65D053D3D4380DE10EAB524BB634D77E3C2E34033BFE2C41BEB9318B84D6E";
    host.expect("0046810000", &[key, "9000"].concat());
}

#[test]
fn a_header_that_contradicts_its_preset_is_refused() {
    let image = Host::blank().card.nvm().image();
    for (at, bytes) in [(14, [0xFF, 0xFF]), (14, [0, 1])] {
        let mut crafted = image.clone();
        crafted[at..at + 2].copy_from_slice(&bytes);
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        let mut digest = crc.digest_with_initial(0);
        digest.update(&crafted[..508]);
        crafted[508..512].copy_from_slice(&digest.finalize().to_le_bytes());
        let parts = Parts { nvm: SimNvm::from_image(&crafted), rng: seeded_rng(1, 1), rsa: SoftRsa, events: NoEvents };
        assert_eq!(SimCard::open(parts).unwrap_err(), OpenError::Damaged("the header contradicts its preset"));
    }
}
