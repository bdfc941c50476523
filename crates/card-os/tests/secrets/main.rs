//! What the card leaves behind in RAM: no block that it gives back still holds a PIN, a PUK, a private key or a
//! message that was deciphered. (The simulated memory is the card's medium, and lives as long as the card.)
//!
//! A test binary of its own, because its allocator looks into every block that is freed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod timing;

use card_os::Preset;
use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey, SoftRsa, generate};
use card_os::sim::{SimCard, seeded_rng};
use counting_alloc::{CountingAlloc, SECRET_LEN, left_behind};
use rand_core::CryptoRng;
use sha2::Digest as _;

#[global_allocator]
static ALLOCATOR: CountingAlloc = CountingAlloc;

const PIN: &[u8; 16] = b"Q7!kk2v9#Lm4\x81\x82\x83\x84";
const NEW_PIN: &[u8; 16] = b"z0\xF1\xF2wq?3J8vd\x91\x92\x93\x94";
const PUK: &[u8; 16] = b"0#aB\xC1\xC2\xC3\xC4defghijk";
const WRONG: &[u8; 16] = b"\xD1\xD2\xD3\xD4wrongwrong99";

/// RSA whose private operation gives its input back, so that the padding of a cryptogram is what the test wants it to be.
#[derive(Clone)]
struct Mirror;

impl Rsa for Mirror {
    type Prepared = ();

    /// Numbers of the right lengths: nothing computes with them.
    fn generate(&mut self, _: usize, _: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        let [long, short] = [vec![0xC5; 256], vec![0xC5; 128]];
        let [n, d] = [long.clone(), long];
        let [p, q, dp, dq, qinv] = [(); 5].map(|()| short.clone());
        Ok(RsaPrivateKey { n, e: vec![1, 0, 1], d, p, q, dp, dq, qinv })
    }

    fn prepare(&mut self, _: &RsaPrivateKey) -> Result<(), CryptoError> {
        Ok(())
    }

    fn private(&mut self, (): &(), input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        output.copy_from_slice(input);
        Ok(())
    }
}

fn command(header: &str, data: &[u8]) -> Vec<u8> {
    let header = hex::decode(header.replace(' ', "")).unwrap();
    let len = u16::try_from(data.len()).unwrap();
    let lc = match u8::try_from(len) {
        Ok(short) => vec![short],
        Err(_) => [&[0][..], &len.to_be_bytes()].concat(),
    };
    [&header[..], &lc, data].concat()
}

/// Sends a command whose bytes are the caller's, so that only what the card itself freed can be found.
fn send<R: Rsa>(card: &mut SimCard<R>, command: &[u8], expected: &str) {
    let mut buffer = vec![0; 4096];
    let status = {
        let answer = card.transmit(command, &mut buffer);
        hex::encode_upper(&answer[answer.len() - 2..])
    };
    buffer.fill(0);
    assert_eq!(status, expected, "{:02X?}", &command[..4]);
}

fn select<R: Rsa>(card: &mut SimCard<R>) {
    send(card, &command("00A4040C", &hex::decode("F276A288BCFBA69D34F31001").unwrap()), "9000");
}

/// All the ways that a PIN takes through the card.
fn pins(card: &mut SimCard, commands: &[(Vec<u8>, &str)]) {
    for (command, status) in commands {
        send(card, command, status);
    }
    card.reset();
    select(card);
}

fn pin_commands() -> Vec<(Vec<u8>, &'static str)> {
    let verify = |pin: &[u8]| command("00200001", pin);
    let chained = |class: &str, part: &[u8]| command(&format!("{class}240001"), part);
    let both = [NEW_PIN, PIN].map(|pin| &pin[..]).concat();
    let (first, second) = both.split_at(20);
    vec![
        (command("00240102", PUK), "9000"),
        (command("00240101", PIN), "9000"),
        (verify(PIN), "9000"),
        (verify(WRONG), "63C2"),
        (command("00240001", &[&PIN[..], NEW_PIN].concat()), "9000"),
        // In two pieces: what waits for the second one is wiped as well.
        (chained("10", first), "9000"),
        (chained("00", second), "9000"),
        // A chain that is never finished.
        (chained("10", first), "9000"),
        (verify(WRONG), "6883"),
        (verify(WRONG), "63C2"),
        (verify(WRONG), "63C1"),
        (verify(WRONG), "63C0"),
        (command("002C0001", &[&PUK[..], NEW_PIN].concat()), "9000"),
        (command("002C0001", &[&WRONG[..], NEW_PIN].concat()), "63C4"),
        (verify(NEW_PIN), "9000"),
    ]
}

fn part(secret: &[u8], from: usize) -> [u8; SECRET_LEN] {
    secret[from..from + SECRET_LEN].try_into().unwrap()
}

#[test]
fn no_pin_stays_in_a_freed_block() {
    for (name, secret) in [("PIN", PIN), ("new PIN", NEW_PIN), ("PUK", PUK), ("wrong PIN", WRONG)] {
        for from in [0, 8] {
            let mut card = SimCard::from_seed(&Preset::isoapplet(), 1, SoftRsa).unwrap();
            select(&mut card);
            let commands = pin_commands();
            let left = left_behind(&part(secret, from), || pins(&mut card, &commands));
            assert_eq!(left, 0, "{name}, from byte {from}");
        }
    }
}

const PREPARE: [(&str, &[u8]); 3] = [("00240102", PUK), ("00240101", PIN), ("00200001", PIN)];

fn verified<R: Rsa>(rsa: R) -> SimCard<R> {
    let mut card = SimCard::from_seed(&Preset::isoapplet(), 1, rsa).unwrap();
    select(&mut card);
    for (header, data) in PREPARE {
        send(&mut card, &command(header, data), "9000");
    }
    card
}

fn object(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
    [tag, &[0x82, high, low], value].concat()
}

#[test]
fn no_key_stays_in_a_freed_block() {
    let key = generate(2048, &mut seeded_rng(3, 0)).unwrap();
    let parts = [(0x92, &key.p), (0x93, &key.q), (0x94, &key.qinv), (0x95, &key.dp), (0x96, &key.dq)];
    let inner = parts.map(|(tag, value)| object(&[tag], value)).concat();
    let import = command("00DB3FFF", &object(&[0x7F, 0x48], &inner));
    let environment = command("00224100", &[0x80, 1, 0xF3, 0x84, 1, 5]);
    let sign = [command("002241B6", &[0x80, 1, 0x11, 0x84, 1, 5]), command("002A9E9A", &[7; 32])];
    for (name, secret) in
        [("p", &key.p), ("q", &key.q), ("d", &key.d), ("dp", &key.dp), ("dq", &key.dq), ("qinv", &key.qinv)]
    {
        for from in [0, 40] {
            let mut card = verified(Mirror);
            let left = left_behind(&part(secret, from), || {
                send(&mut card, &environment, "9000");
                send(&mut card, &import, "9000");
                sign.iter().for_each(|command| send(&mut card, command, "9000"));
                card.reset();
            });
            assert_eq!(left, 0, "{name}, from byte {from}");
        }
    }
}

#[test]
fn no_deciphered_message_stays_in_a_freed_block() {
    const MESSAGE: &[u8; 16] = b"\xA9\x8A\x8Bmessage\x8C\x8D\x8E\x8F\x90\x91";
    let mut card = verified(Mirror);
    let block = [&[0, 2][..], &[0xEE; 200], &[0], &[0x55; 37], MESSAGE].concat();
    let (prepare, environment) =
        (command("00224100", &[0x80, 1, 0xF3, 0x84, 1, 5]), command("002241B8", &[0x80, 1, 0x11, 0x84, 1, 5]));
    send(&mut card, &prepare, "9000");
    send(&mut card, &hex::decode("0046420000").unwrap(), "610E");
    send(&mut card, &environment, "9000");
    // One that the answer holds at once, one that leaves a rest for GET RESPONSE, and a block that is refused.
    let whole = [command("002A8086", &[&[0][..], &block].concat()), vec![0, 0]].concat();
    let cut = [command("002A8086", &[&[0][..], &block].concat()), vec![0, 20]].concat();
    let bad = [command("002A8086", &[&[0, 0, 3][..], &block[2..]].concat()), vec![0, 0]].concat();
    let left = left_behind(&part(MESSAGE, 0), || {
        send(&mut card, &whole, "9000");
        send(&mut card, &cut, "6121");
        send(&mut card, &hex::decode("00C0000021").unwrap(), "9000");
        send(&mut card, &cut, "6121");
        send(&mut card, &bad, "6A80");
        card.reset();
    });
    assert_eq!(left, 0);
}

/// A card without an applet.
fn iso<R: Rsa>(rsa: R) -> SimCard<R> {
    SimCard::from_seed(&Preset::iso(), 1, rsa).unwrap()
}

/// CREATE FILE for an internal EF with this identifier and proprietary information.
fn internal(id: u8, proprietary: &[u8]) -> Vec<u8> {
    let len = u8::try_from(proprietary.len()).unwrap();
    let body = [&[0x82, 1, 8, 0x83, 2, 0xA0, id, 0xA5, len][..], proprietary].concat();
    command("00E00000", &[&[0x62, len + 9][..], &body].concat())
}

/// All the ways that a PIN takes through the `iso` card.
fn iso_pin_commands() -> Vec<(Vec<u8>, &'static str)> {
    // Not in blocks of their own: what the test gives back would be found where the card has its blocks from.
    let both = |first: &[u8; 16], second: &[u8; 16]| -> [u8; 32] {
        core::array::from_fn(|at| if at < 16 { first[at] } else { second[at - 16] })
    };
    let verify = |pin: &[u8]| command("00200001", pin);
    vec![
        (internal(2, &[0x80, 1, 1, 0x81, 1, 2, 0x82, 3, 4, 16, 5]), "9000"),
        (internal(1, &[0x80, 1, 1, 0x81, 1, 1, 0x82, 3, 4, 16, 3, 0x83, 1, 2, 0x84, 1, 1]), "9000"),
        (command("00240102", PUK), "9000"),
        (command("00240101", PIN), "9000"),
        (verify(PIN), "9000"),
        (verify(WRONG), "63C2"),
        (command("00260001", PIN), "9000"),
        (command("00280001", PIN), "9000"),
        (command("00240001", &both(PIN, NEW_PIN)), "9000"),
        (command("00240001", &both(NEW_PIN, PIN)), "9000"),
        (verify(WRONG), "63C2"),
        (command("002C0101", WRONG), "63C4"),
        (command("002C0101", PUK), "9000"),
        (command("002C0001", &both(PUK, NEW_PIN)), "9000"),
        (verify(NEW_PIN), "9000"),
        (vec![0, 0xE4, 0, 0, 2, 0xA0, 1], "9000"),
    ]
}

#[test]
fn no_pin_of_the_iso_card_stays_in_a_freed_block() {
    let commands = iso_pin_commands();
    for (name, secret) in [("PIN", PIN), ("new PIN", NEW_PIN), ("PUK", PUK), ("wrong PIN", WRONG)] {
        for from in [0, 8] {
            let mut card = iso(SoftRsa);
            let left = left_behind(&part(secret, from), || {
                commands.iter().for_each(|(command, status)| send(&mut card, command, status));
                card.reset();
            });
            assert_eq!(left, 0, "{name}, from byte {from}");
        }
    }
}

#[test]
fn no_administration_key_stays_in_a_freed_block() {
    const KEY: &[u8; 32] = b"\xE0\xE1an AES key\xE2\xE3\xE4 for this test on";
    for from in [0, 16] {
        let mut card = iso(SoftRsa);
        // Its *update* is free.
        let policy = [0x80, 1, 2, 0x81, 1, 3, 0x82, 2, 32, 2];
        let body = [&[0x62, 23, 0x82, 1, 8, 0x83, 2, 0xA0, 3, 0x8C, 2, 2, 0, 0xA5, 10][..], &policy].concat();
        send(&mut card, &command("00E00000", &body), "9000");
        let (set, answer) = (command("00D60000", KEY), command("00820003", &[0; 16]));
        let left = left_behind(&part(KEY, from), || {
            send(&mut card, &set, "9000");
            send(&mut card, &set, "9000");
            send(&mut card, &[0, 0x84, 0, 0, 16], "9000");
            send(&mut card, &answer, "63C1");
            card.reset();
        });
        assert_eq!(left, 0, "from byte {from}");
    }
}

/// What an OAEP block (RFC 8017) with SHA-256 hides: hash of the label, zeros, 01, message.
fn oaep_data(message: &[u8]) -> Vec<u8> {
    let mut data = sha2::Sha256::digest([]).to_vec();
    data.resize(256 - 34 - message.len(), 0);
    data.push(1);
    data.extend_from_slice(message);
    data
}

/// The block that hides it.
fn oaep(mut data: Vec<u8>) -> Vec<u8> {
    let xor = |bytes: &mut [u8], seed: &[u8]| {
        for (counter, part) in (0u32..).zip(bytes.chunks_mut(32)) {
            let mask = sha2::Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
            part.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
    };
    let mut seed = vec![0x5E; 32];
    xor(&mut data, &seed);
    xor(&mut seed, &data);
    [vec![0], seed, data].concat()
}

/// A card whose environment deciphers OAEP with the mirror's key.
fn with_oaep_key() -> SimCard<Mirror> {
    let mut card = iso(Mirror);
    send(&mut card, &internal(4, &[0x80, 1, 3, 0x81, 1, 5, 0x82, 1, 0xF3]), "9000");
    send(&mut card, &command("002241B8", &[0x80, 1, 0x14, 0x84, 1, 5]), "9000");
    send(&mut card, &hex::decode("0046000000").unwrap(), "610E");
    card
}

#[test]
fn no_message_under_oaep_stays_in_a_freed_block() {
    const MESSAGE: &[u8; 16] = b"\xA9\x8A\x8Bmessage\x8C\x8D\x8E\x8F\x90\x92";
    let mut card = with_oaep_key();
    let block = oaep(oaep_data(MESSAGE));
    let whole = [command("002A8086", &[&[0][..], &block].concat()), vec![0, 0]].concat();
    let cut = [command("002A8086", &[&[0][..], &block].concat()), vec![0, 10]].concat();
    let bad = [command("002A8086", &[&[0, 1][..], &block[1..]].concat()), vec![0, 0]].concat();
    let left = left_behind(&part(MESSAGE, 0), || {
        send(&mut card, &whole, "9000");
        send(&mut card, &cut, "6106");
        send(&mut card, &bad, "6A80");
        card.reset();
    });
    assert_eq!(left, 0);
}
