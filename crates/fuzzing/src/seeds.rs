//! Seeds for the targets: the conformance cases, played and written down as sequences, and the project's fixtures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use card_conformance::transcript::Event;
use card_conformance::{FreshError, InProcessTarget, Suite, embedded, run_case};
use card_os::preset::Preset;
use card_wire::Icc;

use crate::canary;
use crate::cards::{self, REOPEN};
use crate::device::blank;
use crate::sequence::{Control, OwnedStep, Sequence, Torn};

/// The project's fixtures, from this crate.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
/// The longest seed. Longer ones slow the fuzzer down more than they help.
const MAX_SEED: usize = 8 * 1024;

/// Why seeds cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The embedded cases do not load.
    #[error("the conformance cases do not load: {0}")]
    Suite(#[from] card_conformance::ScriptError),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// One seed and the target that it is for.
pub type Seed = (&'static str, Vec<u8>);

/// Writes all seeds below `directory`, one file each in a directory for its target. Returns their number.
///
/// # Errors
/// [`SeedError`].
pub fn write(directory: &Path) -> Result<usize, SeedError> {
    let seeds = all()?;
    for (target, bytes) in &seeds {
        let place = directory.join(target);
        let file = |path: &Path, source| SeedError::File { path: path.to_owned(), source };
        fs::create_dir_all(&place).map_err(|source| file(&place, source))?;
        let path = place.join(name(bytes));
        fs::write(&path, bytes).map_err(|source| file(&path, source))?;
    }
    Ok(seeds.len())
}

/// A file name for these bytes: 16 hexadecimal digits of FNV-1a and their length.
#[must_use]
pub fn name(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3));
    format!("{hash:016x}-{}", bytes.len())
}

/// All seeds.
///
/// # Errors
/// [`SeedError::Suite`]; fixtures that cannot be read are left out.
pub fn all() -> Result<Vec<Seed>, SeedError> {
    let mut seeds = Vec::new();
    for sequence in sequences()? {
        for command in sequence.commands() {
            seeds.push(("apdu", command.to_vec()));
            seeds.extend(command.get(5..).map(|data| ("tlv", data.to_vec())));
        }
        seeds.push(("power", torn(&sequence).encode()));
        seeds.push(("sequence", sequence.encode()));
    }
    seeds.extend(images());
    seeds.extend(readers());
    seeds.extend(hosts());
    seeds.extend(scripts());
    seeds.extend(objects());
    seeds.push(("trace", crate::targets::trace::SAMPLE.as_bytes().to_vec()));
    seeds.retain(|(_, bytes)| bytes.len() <= MAX_SEED);
    seeds.sort();
    seeds.dedup();
    Ok(seeds)
}

/// Every conformance case as a sequence from a blank card, and its own steps on rich cards.
///
/// # Errors
/// [`SeedError::Suite`].
pub fn sequences() -> Result<Vec<Sequence>, SeedError> {
    let suite = Suite::embedded()?;
    let mut target = InProcessTarget::new(|name: &str| {
        let preset = Preset::named(name).ok_or_else(|| FreshError::failed("no such preset"))?;
        let card = blank(&preset).map_err(FreshError::failed)?;
        Ok(Box::new(card) as Box<dyn Icc>)
    });
    let mut sequences = Vec::new();
    for case in &suite.cases {
        // A case fails here where it needs real RSA; what it sent until then is a sequence all the same.
        let outcome = run_case(&suite, case, &mut target);
        let steps: Vec<OwnedStep> = outcome.transcript.events().iter().filter_map(step).collect();
        let own = steps.get(case.setup_commands()..).unwrap_or_default().to_vec();
        let choice = match case.preset.as_str() {
            "certificate" => 1,
            "iso" => 8,
            "tight" => 9,
            _ => 0,
        };
        let elsewhere = [(2, own.clone()), (4, logged_in(own.clone())), (5, own)];
        // A plain ISO card answers what no other card does.
        let elsewhere = elsewhere.into_iter().filter(|_| choice != 8);
        for (choice, steps) in elsewhere.chain([(choice | REOPEN, steps)]) {
            if !steps.is_empty() {
                sequences.push(Sequence { choice, steps });
            }
        }
    }
    sequences.extend(by_hand());
    Ok(sequences)
}

fn step(event: &Event) -> Option<OwnedStep> {
    match event {
        Event::Fresh(_) => None,
        Event::Reset(_) => Some(OwnedStep::Control(Control::Reset)),
        Event::Exchange { command, .. } => Some(OwnedStep::Command(command.clone())),
    }
}

/// With SELECT and VERIFY in front.
fn logged_in(steps: Vec<OwnedStep>) -> Vec<OwnedStep> {
    let mut all: Vec<OwnedStep> = log_in(b"123456").map(OwnedStep::Command).into();
    all.extend(steps);
    all
}

fn log_in(pin: &[u8]) -> [Vec<u8>; 2] {
    let mut padded = pin.to_vec();
    padded.resize(16, 0);
    [cards::command([0, 0xA4, 4, 0x0C], &cards::AID), cards::command([0, 0x20, 0, 1], &padded)]
}

/// What no case does: PINs of the rich cards, deciphering what was never encrypted, a memory that gets full.
fn by_hand() -> Vec<Sequence> {
    let both = |one: &[u8], other: &[u8]| [one, other].concat();
    let (pin, puk, wrong) = (canary::pin(), canary::puk(), [0x39; 16]);
    let verify = |pin: &[u8]| cards::command([0, 0x20, 0, 1], pin);
    let unblock = |puk: &[u8], pin: &[u8]| cards::command([0, 0x2C, 0, 1], &both(puk, pin));
    let change = |old: &[u8], new: &[u8]| cards::command([0, 0x24, 0, 1], &both(old, new));
    let mse = |p2, algorithm, slot| cards::command([0, 0x22, 0x41, p2], &[0x80, 1, algorithm, 0x84, 1, slot]);
    let mut block = vec![0, 0, 2];
    block.extend([0xAB; 100]);
    block.push(0);
    block.resize(257, 0x4D);
    let decipher = [&cards::command([0, 0x2A, 0x80, 0x86], &block)[..], &[0, 0]].concat();
    let create = |fid: u8| {
        let head =
            [0x6F, 0x15, 0x81, 2, 0x03, 0x00, 0x82, 1, 1, 0x83, 2, 0x60, fid, 0x86, 8, 0xFF, 0, 0, 0, 0, 0, 0, 0];
        cards::command([0, 0xE0, 0, 0], &head)
    };
    let write = |at: u8| cards::command([0, 0xD6, at, 0], &[at; 200]);
    vec![
        Sequence::of(2, [verify(&wrong), verify(&wrong), verify(&pin), change(&pin, &wrong), verify(&wrong)]),
        Sequence::of(
            3,
            [verify(&wrong), verify(&wrong), verify(&wrong), verify(&wrong), unblock(&puk, &wrong), verify(&wrong)],
        ),
        Sequence::of(6, [unblock(&wrong, &pin), unblock(&wrong, &pin), unblock(&puk, &pin), verify(&pin)]),
        Sequence::of(
            2,
            [mse(0xB8, 0x11, 0), decipher.clone(), mse(0xB6, 0x12, 0), cards::command([0, 0x2A, 0x9E, 0x9A], &[7; 32])],
        ),
        Sequence::of(2, [mse(0xB6, 0x21, 1), [&cards::command([0, 0x2A, 0x9E, 0x9A], &[7; 32])[..], &[0]].concat()]),
        Sequence::of(7, (0..12).flat_map(|fid| [create(fid), write(0), write(1), write(2)])),
        Sequence::of(7, [vec![0, 0xE4, 0, 0, 2, 0x50, 0x15], create(1), write(2), vec![0, 0xB0, 0, 0, 0]]),
        Sequence::of(4, log_in(b"123456").into_iter().chain([create(3), write(1), vec![0, 0xB0, 1, 0, 0, 1, 0]])),
    ]
}

/// The sequence with cuts spread over it, and power cycles.
fn torn(sequence: &Sequence) -> Sequence {
    let mut steps = Vec::new();
    let torn = [Torn::Old, Torn::New, Torn::Garbage];
    for (count, step) in (0_u16..).zip(&sequence.steps) {
        if count % 4 == 1 {
            let after = count.wrapping_mul(97) % 700;
            steps.push(OwnedStep::Control(Control::Cut { after, torn: torn[usize::from(count / 4) % 3] }));
        }
        steps.push(step.clone());
        if count % 16 == 9 {
            steps.push(OwnedStep::Control(Control::PowerCycle));
        }
    }
    Sequence { choice: sequence.choice, steps }
}

/// Patches of good memories: every kind of page, the header, the journal.
fn images() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for kind in 1..6_u8 {
        for at in [0_u16, 8, 16, 20, 512, 520, 528, 1024, 1536, 1664, 1700, 1792, 1920, 2048, 2176, 2304, 4096, 8000] {
            let [high, low] = at.to_be_bytes();
            for bytes in [&[0xFF][..], &[0, 0, 0, 1]] {
                let len = u8::try_from(bytes.len()).unwrap_or(0);
                seeds.push(("image", [&[kind, 0, high, low, len][..], bytes].concat()));
            }
        }
        seeds.push(("image", vec![kind, 0, 0, 0, 0, 0, 5, 0, 0xB0, 0, 0, 0]));
    }
    seeds.push(("image", [&[0][..], b"CARDLAB\0\0\x01", &[0; 502]].concat()));
    seeds
}

/// What a reader says to a card.
fn readers() -> Vec<Seed> {
    let frame = |body: &[u8]| [&u16::try_from(body.len()).unwrap_or(0).to_be_bytes()[..], body].concat();
    let control: Vec<Vec<u8>> = [0, 1, 2, 4].iter().map(|byte| frame(&[*byte])).collect();
    let [off, on, reset, atr] = [0, 1, 2, 3].map(|at| control[at].clone());
    let select = frame(&cards::command([0, 0xA4, 4, 0], &cards::AID));
    let long = frame(&[7; 300]);
    let talks = [
        [&on, &off, &on, &atr, &select].map(|part| part.clone()).concat(),
        [&reset, &atr, &long, &select].map(|part| part.clone()).concat(),
        [&on[..], &frame(&[]), &frame(&[3]), &frame(&[0xFE, 0])].concat(),
        [&atr[..], &on, &[0xFF, 0xFF, 1]].concat(),
    ];
    talks.into_iter().map(|talk| ("vpcd", talk)).collect()
}

/// Lying cards.
fn hosts() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let answers: [&[u8]; 12] = [
        b"\x90\x00",
        b"\x01\x00\x2F\x90\x00",
        b"\x6F\x09\x81\x02\x01\x00\x82\x01\x01\x83\x01\x90\x00",
        b"\x61\x10",
        b"\x6C\x04",
        b"\x63\xC2",
        b"\x6A\x82",
        b"\x30\x05\x04\x03abc\x90\x00",
        b"abc\x61\x03",
        b"\x7F\x49\x06\x81\x01\x07\x82\x01\x03\x90\x00",
        b"\x30\x06\x02\x01\x01\x02\x01\x01\x90\x00",
        b"",
    ];
    for choice in 0..16 {
        let all = Sequence::of(choice, answers.iter().map(|answer| answer.to_vec()));
        seeds.push(("host", all.encode()));
        for (place, answer) in (0_u8..).zip(&answers) {
            let lie = |kind: u8| [&[place * 3, kind][..], *answer].concat();
            seeds.push(("host", Sequence::of(choice, [lie(0)]).encode()));
            seeds.push((
                "host",
                Sequence::of(choice, [vec![place * 5, 1, 1, 0xFF], lie(3), vec![place, 2, place]]).encode(),
            ));
        }
    }
    seeds
}

/// The files of conformance cases, whole and by paragraph.
fn scripts() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for script in embedded::SCRIPTS {
        seeds.push(("suite", script.text.as_bytes().to_vec()));
        let paragraphs = script.text.split("\n\n").filter(|paragraph| paragraph.starts_with('['));
        seeds.extend(paragraphs.map(|paragraph| ("suite", paragraph.as_bytes().to_vec())));
    }
    seeds.push(("suite", embedded::CLAUSES.text.as_bytes().to_vec()));
    seeds
}

/// PKCS#15 files that OpenSC wrote, keys, and texts.
fn objects() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for set in ["opensc-0.23-keys", "opensc-0.23-onepin"] {
        for (choice, file) in
            [(0, "odf"), (1, "aodf"), (2, "prkdf"), (3, "pukdf"), (4, "cdf"), (5, "dodf"), (6, "dir"), (7, "tokeninfo")]
        {
            let text = fs::read_to_string(format!("{FIXTURES}/pkcs15/{set}/{file}.hex")).unwrap_or_default();
            let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
            let digits: String = digits.split_whitespace().collect();
            seeds.extend(hex::decode(digits).into_iter().map(|bytes| ("pkcs15", [&[choice], &bytes[..]].concat())));
        }
    }
    let journal = host_driver::pkcs15::Journal::IDLE.to_bytes();
    seeds.push(("pkcs15", [&[8], &journal[..]].concat()));
    for key in ["rsa2048", "rsa1024", "p256"] {
        let der = fs::read(format!("{FIXTURES}/keys/{key}.der")).unwrap_or_default();
        seeds.push(("pkcs15", [&[14], &der[..]].concat()));
    }
    for text in
        ["20260101000000Z", "2026-01-01T00:00:00Z", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"]
    {
        seeds.extend([9, 13, 15, 16].map(|choice| ("pkcs15", [&[choice], text.as_bytes()].concat())));
    }
    seeds
}
