//! Images: that the file is asked for exactly what the card does, what a crash of the machine leaves of it with sectors
//! of 512 and 4,096 bytes, and that an image which cannot be used is refused with its reason.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use card_os::nvm::{Nvm, NvmError};
use card_os::platform::{NoEvents, Parts};
use card_os::preset::Limits;
use card_os::sim::{SimCard, SimNvm, SimPlatform, seeded_rng};
use card_os::{Card, Preset};
use card_wire::Protocol;
use cardlab::image::{FileNvm, ImageOptions, Medium, open};
use rsa_host::HostRsa;

const SELECT: &str = "00A404000CF276A288BCFBA69D34F31001";
const COMMANDS: [&str; 9] = [
    SELECT,
    "00240102 10 30313233343536373839616263646566",
    "00E00000 17 6F158102 0200 820101 83021234 8608FF00000000000000",
    "00D60000 05 0102030405",
    "00E00000 17 6F158102 0030 820101 83025678 8608FF00000000000000",
    "00240101 06 313233343536",
    "00200001 06 393939393939",
    "00200001 06 313233343536",
    "00E40000 02 5678",
];

fn small() -> Preset {
    let limits = Limits { files: 64, depth: 4, df_children: 30, file_len: 2048, ..Preset::isoapplet().limits };
    Preset { name: "small".to_owned(), nvm_len: 1536 + 160 * 128, limits, ..Preset::isoapplet() }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).unwrap()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Op {
    Write(usize, Vec<u8>),
    Sync,
}

type Log = Rc<RefCell<Vec<Op>>>;

/// What the card asks its memory for.
struct Asked {
    memory: SimNvm,
    log: Log,
}

impl Nvm for Asked {
    fn len(&self) -> usize {
        self.memory.len()
    }

    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        self.memory.read(at, out)
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        self.log.borrow_mut().push(Op::Write(at, data.to_vec()));
        self.memory.write(at, data)
    }

    fn sync(&mut self) -> Result<(), NvmError> {
        self.log.borrow_mut().push(Op::Sync);
        Ok(())
    }
}

/// What the memory asks its file for.
struct Watched {
    file: std::fs::File,
    log: Log,
}

impl Medium for Watched {
    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()> {
        self.log.borrow_mut().push(Op::Write(usize::try_from(at).unwrap(), data.to_vec()));
        Medium::write_at(&mut self.file, at, data)
    }

    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<()> {
        Medium::read_at(&mut self.file, at, out)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log.borrow_mut().push(Op::Sync);
        Medium::sync(&mut self.file)
    }
}

/// Runs all commands on a card in this memory. Returns how long the log was after each answer.
fn run<N: Nvm>(nvm: N, log: &Log) -> Vec<usize> {
    let parts = Parts { nvm, rng: seeded_rng(3, 0), rsa: HostRsa, events: NoEvents };
    let mut card: Card<SimPlatform<HostRsa, NoEvents, N>> = Card::open(parts).unwrap();
    card.power_on(Protocol::T1);
    let mut answered = Vec::new();
    for command in COMMANDS {
        let mut buffer = [0; 300];
        assert!(!card.transmit(&bytes(command), &mut buffer).is_empty());
        answered.push(log.borrow().len());
    }
    answered
}

fn blank() -> Vec<u8> {
    SimCard::from_seed(&small(), 3, HostRsa).unwrap().nvm().image()
}

fn in_file(path: &Path, durable: bool) -> Vec<Op> {
    let log = Log::default();
    std::fs::write(path, blank()).unwrap();
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    run(FileNvm::on(Watched { file, log: log.clone() }, blank(), durable), &log);
    log.take()
}

fn in_memory() -> (Vec<Op>, Vec<usize>, Vec<u8>) {
    let log = Log::default();
    let memory = SimNvm::from_image(&blank());
    let answered = run(Asked { memory, log: log.clone() }, &log);
    let log = log.take();
    let mut end = blank();
    log.iter().for_each(|op| apply(&mut end, op));
    (log, answered, end)
}

fn apply(image: &mut [u8], op: &Op) {
    if let Op::Write(at, data) = op {
        image[*at..at + data.len()].copy_from_slice(data);
    }
}

#[test]
fn the_file_is_asked_for_what_the_card_does_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("card.img");
    let (asked, _, end) = in_memory();
    assert!(asked.iter().filter(|op| **op == Op::Sync).count() > 20);
    assert_eq!(in_file(&path, true), asked);
    assert!(std::fs::read(&path).unwrap() == end);
    let without: Vec<Op> = asked.into_iter().filter(|op| *op != Op::Sync).collect();
    assert_eq!(in_file(&path, false), without, "only what is durable waits for the disk");
    assert!(std::fs::read(&path).unwrap() == end);
}

/// Opens an image as the program does, and reads what a host sees: tries, and both files.
fn visible(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let options = ImageOptions { path: path.to_owned(), preset: None, seed: Some(1), durable: false };
    let mut opened = open(&options);
    // A process that another test starts holds this one's locks too, for the moment until it runs its program.
    for _ in 0..200 {
        match &opened {
            Err(error) if error.to_string().contains("in use") => {
                std::thread::sleep(Duration::from_millis(10));
                opened = open(&options);
            }
            _ => break,
        }
    }
    let (mut card, new) = opened.map_err(|error| format!("{error:#}"))?;
    assert!(!new);
    card.power_on(Protocol::T1);
    let seen =
        [SELECT, "00200001", "00A4000002123400", "00B0000000 0200", "00A4000002567800", "00200001 06 313233343536"]
            .iter()
            .map(|command| {
                let mut buffer = [0; 1024];
                card.transmit(&bytes(command), &mut buffer).to_vec()
            });
    Ok(seen.collect())
}

/// What a crash leaves: the medium with any of the pending writes' sectors, each old, new or torn.
fn crash(medium: &[u8], pending: &[Op], sector: usize, rng: &mut impl rand_core::Rng) -> Vec<u8> {
    let mut newest = medium.to_vec();
    pending.iter().for_each(|op| apply(&mut newest, op));
    let mut image = medium.to_vec();
    for start in (0..image.len()).step_by(sector) {
        let end = image.len().min(start + sector);
        let reached = match rng.next_u32() % 3 {
            0 => start,
            1 => end,
            _ => start + rng.next_u32() as usize % (end - start),
        };
        image[start..reached].copy_from_slice(&newest[start..reached]);
    }
    image
}

/// Crashes at every barrier and after every answer. `log` is what the medium is asked for.
fn crashes(path: &Path, log: &[Op], answered: &[usize], sector: usize) -> Result<usize, String> {
    let mut rng = seeded_rng(0x5EC7, sector as u64);
    let see = |image: &[u8]| {
        std::fs::write(path, image).unwrap();
        visible(path)
    };
    let (mut now, mut states) = (blank(), vec![]);
    states.push(see(&now)?);
    for (number, op) in log.iter().enumerate() {
        apply(&mut now, op);
        if answered.contains(&(number + 1)) {
            states.push(see(&now)?);
        }
    }
    let (mut medium, mut pending, mut command, mut images) = (blank(), Vec::new(), 0, 0);
    for (number, op) in log.iter().enumerate() {
        // The commands that change nothing have no place in the log.
        let done = (command + 1).min(states.len() - 1);
        let is_answer = answered.contains(&(number + 1));
        if *op == Op::Sync || is_answer {
            pending.extend((*op != Op::Sync).then(|| op.clone()));
            for _ in 0..6 {
                let seen = see(&crash(&medium, &pending, sector, &mut rng))?;
                images += 1;
                let (before, after) = (&states[done - 1], &states[done]);
                // A try that is spent first is a state of its own, of commands that leave the files alone.
                let of_pin = before[2..5] == after[2..5] && before[2..5] == seen[2..5];
                let spent = of_pin && seen[1] == [0x63, before[1][1].wrapping_sub(1)];
                if seen != *after && (is_answer || seen != *before && !spent) {
                    return Err(format!("{seen:02X?}"));
                }
            }
        }
        match op {
            Op::Sync => pending.drain(..).for_each(|op| apply(&mut medium, &op)),
            _ if !is_answer => pending.push(op.clone()),
            Op::Write(..) => (),
        }
        command += usize::from(is_answer);
    }
    Ok(images)
}

#[test]
fn a_crash_of_the_machine_leaves_the_state_before_or_after() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("card.img");
    let (log, answered, _) = in_memory();
    for sector in [512, 4096] {
        let images = crashes(&path, &log, &answered, sector).unwrap_or_else(|seen| panic!("{sector}: {seen}"));
        assert!(images > 100);
    }
    // Without its barriers an answer that left can be lost.
    let late: Vec<Op> = log.iter().filter(|op| **op != Op::Sync).cloned().collect();
    let answered: Vec<usize> =
        answered.iter().map(|end| log[..*end].iter().filter(|op| **op != Op::Sync).count()).collect();
    assert!(crashes(&path, &late, &answered, 512).is_err(), "a file that never waits is not found out");
}

/// The header's checksum: CRC-32 that begins with zero.
fn sealed(mut image: Vec<u8>) -> Vec<u8> {
    let sum = image[..508].iter().fold(0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0xEDB8_8320 })
    });
    image[508..512].copy_from_slice(&(!sum).to_le_bytes());
    image
}

/// A way to make an image unusable, and the words of the refusal.
type Spoilt = (Vec<u8>, &'static str);

fn spoilt() -> Vec<Spoilt> {
    let with = |at: usize, bytes: &[u8]| {
        let mut image = blank();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        image
    };
    let mut tiny = blank();
    tiny.truncate(1536);
    tiny[10..14].copy_from_slice(&1536u32.to_be_bytes());
    vec![
        (with(0, b"X"), "this is not a card image"),
        (sealed(with(8, &[0, 3])), "the image has format version 3, which is not known here"),
        (with(20, b"X"), "the image is damaged: the header's checksum does not match"),
        (blank()[..20_000].to_vec(), "the image is damaged: the memory is not as long as its header says"),
        (sealed(with(16, &[0xFF, 0xFF])), "the image is damaged: the header's lengths contradict each other"),
        (sealed(with(18, &[0])), "the image is damaged: the preset in the header is malformed"),
        (sealed(with(14, &[0, 1])), "the image is damaged: the header contradicts its preset"),
        (with(1536, &[0xFF]), "the image is damaged: a checksum or pointer in its pages is wrong"),
        (with(512, &[0xFF; 1024]), "the image is damaged: a checksum or pointer in its pages is wrong"),
        (sealed(tiny), "the memory has the wrong size for this card"),
    ]
}

#[test]
fn an_unusable_image_is_refused_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("card.img");
    for (image, reason) in spoilt() {
        std::fs::write(&path, &image).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
        command.args(["sim", "--image"]).arg(&path);
        let output = testkit::run_bounded(&mut command, Duration::from_secs(120));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{reason}: {error}");
        assert!(error.contains(reason) && error.contains("it was left as it was"), "{error} lacks {reason}");
        assert!(std::fs::read(&path).unwrap() == image, "{reason}: the file was changed");
    }
}
