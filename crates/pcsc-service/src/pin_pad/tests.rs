//! Structures as programs send them, and what becomes of them.

use proptest::prelude::*;

use super::order::Order;
use super::{Pin, Refusal, Wanted};

fn pin(digits: &str) -> Pin {
    Pin::new(digits.as_bytes()).unwrap()
}

/// PIN_VERIFY_STRUCTURE for 4 to 16 digits with these formats in front of this command.
fn verify(formats: [u8; 3], command: &str) -> Vec<u8> {
    let command = bytes(command);
    let [format, block, length] = formats;
    let head = [30, 30, format, block, length, 16, 4, 2, 0, 0, 0, 0, 0, 0, 0];
    [&head[..], &u32::try_from(command.len()).unwrap().to_le_bytes(), &command].concat()
}

/// PIN_MODIFY_STRUCTURE for 4 to 16 digits that asks for all there is.
fn modify(formats: [u8; 3], [old, new]: [u8; 2], command: &str) -> Vec<u8> {
    let command = bytes(command);
    let [format, block, length] = formats;
    let head = [30, 30, format, block, length, old, new, 16, 4, 3, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0];
    [&head[..], &u32::try_from(command.len()).unwrap().to_le_bytes(), &command].concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// What the card gets of this PIN, or what the reader says.
fn verified(formats: [u8; 3], command: &str, digits: &str) -> Result<Vec<u8>, Refusal> {
    let structure = verify(formats, command);
    let command = Order::verify(&structure)?.command(&[(Wanted::Pin, pin(digits))])?;
    Ok(command.to_vec())
}

fn modified(formats: [u8; 3], offsets: [u8; 2], command: &str, pins: [&str; 2]) -> Result<Vec<u8>, Refusal> {
    let structure = modify(formats, offsets, command);
    let [current, new] = pins;
    let typed = [(Wanted::Current, pin(current)), (Wanted::New, pin(new)), (Wanted::NewAgain, pin(new))];
    Ok(Order::modify(&structure)?.command(&typed)?.to_vec())
}

#[track_caller]
fn is(command: Result<Vec<u8>, Refusal>, hex: &str) {
    assert_eq!(command.map(|command| format!("{command:02X?}")), Ok(format!("{:02X?}", bytes(hex))));
}

#[test]
fn digits_are_written_in_three_ways() {
    let blank = "00 20 00 01 08 FF FF FF FF FF FF FF FF";
    is(verified([0x82, 8, 0], blank, "12345"), "00 20 00 01 08 31 32 33 34 35 FF FF FF");
    is(verified([0x81, 8, 0], blank, "12345"), "00 20 00 01 08 12 34 5F FF FF FF FF FF");
    is(verified([0x80, 8, 0], blank, "12345"), "00 20 00 01 08 01 02 03 04 05 FF FF FF");
    is(verified([0x86, 8, 0], blank, "12345"), "00 20 00 01 08 FF FF FF 31 32 33 34 35");
    is(verified([0x85, 8, 0], blank, "12345"), "00 20 00 01 08 FF FF FF FF FF F1 23 45");
    // Le stays, too.
    is(verified([0x82, 8, 0], &format!("{blank} 00"), "123456"), "00 20 00 01 08 31 32 33 34 35 36 FF FF 00");
}

#[test]
fn a_position_and_a_length_are_in_bits_or_bytes() {
    // Control byte, number of digits in its low half, then the digits: OpenSC's block has all of it.
    let blank = "00 20 00 01 08 20 FF FF FF FF FF FF FF";
    is(verified([0x41, 0x48, 0x04], blank, "12345"), "00 20 00 01 08 25 12 34 5F FF FF FF FF");
    // Others' block is the digits' field.
    is(verified([0x89, 0x47, 0x04], blank, "12345"), "00 20 00 01 08 25 12 34 5F FF FF FF FF");
    is(verified([0x8D, 4, 0], "00 20 00 01 05 01 00 00 00 00", "13579"), "00 20 00 01 05 01 00 01 35 79");
    is(
        verified([0x92, 0x86, 0x11], "00 20 00 01 08 AA BB FF FF FF FF FF FF", "1234"),
        "00 20 00 01 08 AA 04 31 32 33 34 FF FF",
    );
    // Across bytes, as a maker of pads shows in a manual (ACR83, bits, left and right).
    let blank = "00 20 00 01 08 57 A5 30 30 30 30 30 30";
    is(verified([0x59, 0x48, 0x06], blank, "12345"), "00 20 00 01 08 55 62 46 8A 30 30 30 30");
    is(verified([0x5D, 0x48, 0x06], blank, "12345"), "00 20 00 01 08 55 65 30 30 30 31 23 45");
}

#[test]
fn without_a_block_the_data_has_what_it_needs() {
    // scdaemon and OpenSC for cards that want no padding: Lc is the pad's.
    is(verified([0x82, 0, 0], "00 20 00 81 00", "123456"), "00 20 00 81 06 31 32 33 34 35 36");
    is(verified([0x82, 0, 0], "00 20 00 81", "123456"), "00 20 00 81 06 31 32 33 34 35 36");
    is(verified([0x81, 0, 0], "00 20 00 81", "12345"), "00 20 00 81 03 12 34 5F");
    // What the program has padded stays padded. A block of 16 bytes looks like none with a number of one bit.
    let padded = format!("00 20 00 01 10 {}", "00 ".repeat(16));
    is(verified([0x02, 0x10, 0], &padded, "123456"), &format!("00 20 00 01 10 31 32 33 34 35 36 {}", "00 ".repeat(10)));
}

/// What OpenSC 0.23 sent, as its log shows it, for an isoApplet card with PINs of 4 to 16 digits, padded to 16 bytes with zeros:
/// pkcs15-tool with --verify-pin, --change-pin and --unblock-pin.
#[test]
fn what_opensc_sends_is_understood() {
    let blank = "00 ".repeat(16);
    let head = "1E 1E 82 00 00 10 04 02 00 00 00 00 00 00 00 15 00 00 00";
    let structure = bytes(&format!("{head} 00 20 00 01 10 {blank}"));
    let order = Order::verify(&structure).unwrap();
    assert_eq!((order.timeout.as_secs(), order.min, order.max), (30, 4, 16));
    assert_eq!(order.steps, [(Wanted::Pin, None)]);
    let full =
        |pin: &str| order.command(&[(Wanted::Pin, super::Pin::new(pin.as_bytes()).unwrap())]).map(|c| c.to_vec());
    let rest = "00 ".repeat(10);
    is(full("123456"), &format!("00 20 00 01 10 31 32 33 34 35 36 {rest}"));
    is(full("1234567890123456"), "00 20 00 01 10 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36");

    for ins in ["24", "2C"] {
        let head = "1E 1E 02 00 00 00 10 10 04 03 02 00 00 00 00 01 02 00 00 00 25 00 00 00";
        let structure = bytes(&format!("{head} 00 {ins} 00 01 20 {blank} {blank}"));
        let order = Order::modify(&structure).unwrap();
        let wanted = [Wanted::Current, Wanted::New, Wanted::NewAgain];
        assert!(order.steps.iter().map(|(step, _)| *step).eq(wanted));
        let pins = [(Wanted::Current, pin("123456")), (Wanted::New, pin("654321")), (Wanted::NewAgain, pin("654321"))];
        let command = order.command(&pins).map(|command| command.to_vec());
        is(command, &format!("00 {ins} 00 01 20 31 32 33 34 35 36 {rest} 36 35 34 33 32 31 {rest}"));
    }
}

#[test]
fn two_pins_have_their_places_or_follow_each_other() {
    let blank = format!("00 24 00 01 10 {}", "FF ".repeat(16));
    is(
        modified([0x82, 8, 0], [0, 8], &blank, ["1234", "567890"]),
        "00 24 00 01 10 31 32 33 34 FF FF FF FF 35 36 37 38 39 30 FF FF",
    );
    is(
        modified([0x82, 8, 0], [8, 0], &blank, ["1234", "567890"]),
        "00 24 00 01 10 35 36 37 38 39 30 FF FF 31 32 33 34 FF FF FF FF",
    );
    is(
        modified([0x82, 0, 0], [0, 0], "00 24 00 83 00", ["1234", "567890"]),
        "00 24 00 83 0A 31 32 33 34 35 36 37 38 39 30",
    );
    // A manual's again: each block has a mark, a number of digits and seven bytes for them.
    let blank = "00 24 00 01 12 08 00 30 30 30 30 30 30 30 09 00 30 30 30 30 30 30 30";
    is(
        modified([0x91, 0x87, 0x11], [0, 9], blank, ["123456", "1234567890"]),
        "00 24 00 01 12 08 06 12 34 56 30 30 30 30 09 0A 12 34 56 78 90 30 30",
    );
    // A PIN never reaches into the other one's block.
    let blank = format!("00 24 00 01 10 {}", "FF ".repeat(16));
    for block in [0, 8, 15] {
        let long = modified([0x82, block, 0], [0, 8], &blank, ["123456789", "1234"]);
        assert_eq!(long, Err(Refusal::LENGTH), "{block}");
    }
}

#[test]
fn a_pin_that_does_not_fit_is_too_long() {
    let blank = "00 20 00 01 08 FF FF FF FF FF FF FF FF";
    assert!(verified([0x82, 8, 0], blank, "12345678").is_ok());
    for formats in [[0x82, 8, 0], [0x82, 7, 0], [0x8A, 8, 0]] {
        assert_eq!(verified(formats, blank, "123456789"), Err(Refusal::LENGTH));
    }
    // Three bits hold seven.
    assert!(verified([0x89, 0x37, 0], blank, "1234567").is_ok());
    assert_eq!(verified([0x89, 0x37, 0], blank, "12345678"), Err(Refusal::LENGTH));
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_types() {
    let good = verify([0x82, 8, 0], "00 20 00 01 08 FF FF FF FF FF FF FF FF");
    assert!(Order::verify(&good).is_ok());
    let with = |at: usize, value: u8| {
        let mut bad = good.clone();
        bad[at] = value;
        bad
    };
    let bad = [
        ("no coding", with(2, 0x83)),
        ("a bit that has no meaning", with(4, 0x20)),
        ("more at least than at most", with(6, 17)),
        ("at most none", with(5, 0)),
        ("not the command's length", with(15, 12)),
        ("a length that is no length", with(18, 0x80)),
        ("a field that the shortest does not fit into", with(3, 3)),
        ("Lc too long", with(23, 9)),
        ("Lc too short", with(23, 6)),
        ("a command that would not hide it", with(20, 0xD6)),
        ("no room for a block", verify([0x82, 8, 0], "00 20 00 01")),
        ("no whole header", verify([0x82, 0, 0], "00 20 00")),
    ];
    for (what, structure) in bad {
        assert_eq!(Order::verify(&structure), Err(Refusal::STRUCTURE), "{what}");
    }
    let bad = modify([0x82, 8, 0], [0, 0], "00 24 00 01 08 FF FF FF FF FF FF FF FF");
    assert_eq!(Order::modify(&bad), Err(Refusal::STRUCTURE));
    let mut bad = modify([0x82, 0, 0], [0, 0], "00 24 00 01");
    assert!(Order::modify(&bad).is_ok());
    bad[9] = 4;
    assert_eq!(Order::modify(&bad), Err(Refusal::STRUCTURE));
}

#[test]
fn what_is_asked_for_is_asked_in_order() {
    use Wanted::{Current, New, NewAgain};
    let mut structure = modify([0x82, 0, 0], [0, 0], "00 24 00 01");
    structure[0] = 0;
    structure[14..17].copy_from_slice(&[7, 8, 9]);
    let steps = |confirm: u8, messages: u8, structure: &mut Vec<u8>| {
        (structure[9], structure[11]) = (confirm, messages);
        Order::modify(structure).unwrap().steps
    };
    let some = |wanted, message| (wanted, Some(message));
    assert_eq!(steps(3, 3, &mut structure), [some(Current, 7), some(New, 8), some(NewAgain, 9)]);
    assert_eq!(steps(2, 1, &mut structure), [some(Current, 7), (New, None)]);
    assert_eq!(steps(1, 2, &mut structure), [some(New, 7), some(NewAgain, 8)]);
    assert_eq!(steps(0, 0xFF, &mut structure), [(New, None)]);
    let order = Order::modify(&structure).unwrap();
    assert_eq!((order.timeout.as_secs(), order.min, order.max), (30, 4, 16));
    // Only the key ends an entry where the program has no say, or says what means nothing.
    for (condition, ends) in [(0, [false, true, false]), (8, [false, true, false]), (5, [true, false, true])] {
        structure[10] = condition;
        let found = Order::modify(&structure).unwrap().ends;
        assert_eq!([found.at_max, found.with_key, found.with_time], ends, "{condition}");
    }
}

#[test]
fn a_pin_has_digits_only_and_does_not_show_them() {
    assert!(Pin::new(b"12a4").is_none() && Pin::new(&[b'1'; 256]).is_none() && Pin::new(b"").is_some());
    assert_eq!(format!("{:?}", pin("1234")), "Pin(…)");
}

proptest! {
    /// Any bytes are an order or refused; any order with any PINs is a command in proper form or refused.
    #[test]
    fn any_bytes_are_worked_off(
        head in prop::collection::vec(any::<u8>(), 0..30),
        ins in prop::sample::select(vec![0x20u8, 0x24, 0x2C, 0xD6]),
        data in prop::collection::vec(any::<u8>(), 0..=255),
        le in any::<bool>(),
        digits in [0usize..=255, 0usize..=255],
        tidy in any::<bool>(),
    ) {
        let command = [&[0, ins, 0, 1, u8::try_from(data.len()).unwrap()][..], &data, if le { &[0][..] } else { &[] }].concat();
        let mut structures = vec![[&head[..], &command].concat()];
        // Most of random bytes is refused for its length, so this one has the right one.
        for size in [19, 24] {
            let mut structure = head.clone();
            structure.resize(size, 0);
            if tidy {
                structure[4] &= 0x1F;
                structure[size - 15] &= 3;
            }
            structure[size - 4..].copy_from_slice(&u32::try_from(command.len()).unwrap().to_le_bytes());
            structures.push([&structure[..], &command].concat());
        }
        let pins = |[a, b]: [usize; 2]| {
            let pin = |len: usize| Pin::new(&vec![b'7'; len]).unwrap();
            [(Wanted::Current, pin(a)), (Wanted::New, pin(b)), (Wanted::NewAgain, pin(b))]
        };
        for structure in structures {
            for order in [Order::verify(&structure), Order::modify(&structure)].into_iter().flatten() {
                prop_assert!(ins != 0xD6);
                let Ok(built) = order.command(&pins(digits)) else { continue };
                prop_assert_eq!(&built[..4], &command[..4]);
                prop_assert!(built.len() >= 4 && built.len() <= 261);
                if let Some(lc) = built.get(4).filter(|_| built.len() > 5) {
                    prop_assert_eq!(built.len(), 5 + usize::from(*lc) + usize::from(le));
                }
                prop_assert!(built.len() >= command.len().saturating_sub(1));
            }
        }
    }
}
