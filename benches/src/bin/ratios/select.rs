//! SELECT by path with FCI in the process: time and heap allocations.

use crate::report::{Report, Row};
use benches::cards::{Measured, full, personalised};
use benches::commands::{ANSWER, READ_256, VERIFY, must};
use benches::stats::Samples;
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use counting_alloc::allocations_during;
use std::hint::black_box;

/// Commands per sample: enough to hide the clock, few enough for a percentile.
const BATCH: u32 = 8;
const SAMPLES: usize = 50_000;

pub(crate) fn measure(report: &mut Report) {
    card(report, personalised(&Preset::isoapplet(), SoftRsa), "four certificates", 250.0);
    card(report, full(SoftRsa), "1,024 files", 1000.0);
}

fn card(report: &mut Report, mut measured: Measured<SoftRsa>, name: &str, target: f64) {
    let selects = scattered(&measured.selects());
    let summary = time(&mut measured, &selects).summary();
    let what = format!("SELECT by path with FCI, {name}");
    report.push(Row::new(what, summary.median_ns, "ns").with_p95(summary.p95_ns).at_most(target));
    let allocations = selects.iter().map(|select| allocations(&mut measured, select)).max().unwrap_or(0);
    report.push(Row::new(format!("SELECT, {name}: heap"), f64::from(allocations), "allocations").at_most(0.0));

    let certificate = vec![measured.certificate()];
    let summary = time(&mut measured, &certificate).summary();
    report.push(Row::new(format!("the same file always, {name}"), summary.median_ns, "ns").with_p95(summary.p95_ns));
    for (what, command) in [("READ BINARY of 256 bytes", READ_256), ("VERIFY", VERIFY)] {
        let summary = time(&mut measured, &[command.to_vec()]).summary();
        report.push(Row::new(format!("{what}, {name}"), summary.median_ns, "ns").with_p95(summary.p95_ns));
    }
}

/// The commands in an order that no cache likes, repeated to whole batches.
fn scattered(commands: &[Vec<u8>]) -> Vec<Vec<u8>> {
    const STRIDE: usize = 389;
    (0..commands.len() * 8).map(|at| commands[at * STRIDE % commands.len()].clone()).collect()
}

pub(crate) fn time(measured: &mut Measured<SoftRsa>, commands: &[Vec<u8>]) -> Samples {
    // Once with a look at the status: a card that refuses must not be measured.
    commands.iter().for_each(|command| drop(must(&mut measured.card, command)));
    let mut samples = Samples::default();
    let mut answer = [0; ANSWER];
    let mut commands = commands.iter().cycle();
    for _ in 0..SAMPLES {
        let batch: [&Vec<u8>; BATCH as usize] = std::array::from_fn(|_| commands.next().expect("there are some"));
        let start = std::time::Instant::now();
        for command in batch {
            black_box(measured.card.transmit(black_box(command), &mut answer));
        }
        samples.push_shared(start.elapsed(), BATCH);
    }
    samples
}

pub(crate) fn allocations(measured: &mut Measured<SoftRsa>, command: &[u8]) -> u32 {
    let mut answer = [0; ANSWER];
    let count = allocations_during(|| {
        black_box(measured.card.transmit(black_box(command), &mut answer));
    });
    u32::try_from(count).unwrap_or(u32::MAX)
}
