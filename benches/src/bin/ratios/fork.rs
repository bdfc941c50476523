//! A fork of a personalised card that then reads: time and heap.

use crate::report::{Report, Row};
use benches::cards::{Measured, personalised};
use benches::commands::{ANSWER, READ_256, SIGN, VERIFY, must};
use benches::stats::Samples;
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use counting_alloc::bytes_during;
use std::hint::black_box;

const SAMPLES: usize = 20_000;

pub(crate) fn measure(report: &mut Report) {
    let mut measured = personalised(&Preset::isoapplet(), SoftRsa);
    // With a key that was used: the card keeps it prepared, and forks share it.
    measured.generate_key();
    must(&mut measured.card, SIGN);
    let select = measured.certificate();
    let rows: [(&str, &[&[u8]]); 3] = [
        ("fork", &[]),
        ("fork, SELECT and READ BINARY of 256 bytes", &[&select, READ_256]),
        ("fork and VERIFY", &[VERIFY]),
    ];
    for (what, commands) in rows {
        let mut samples = Samples::default();
        for _ in 0..SAMPLES {
            let start = std::time::Instant::now();
            black_box(run(&measured, commands));
            samples.push_shared(start.elapsed(), 1);
        }
        let summary = samples.summary();
        let row = Row::new(format!("{what}, dropped again"), summary.median_ns, "ns").with_p95(summary.p95_ns);
        report.push(if commands.len() == 1 { row } else { row.at_most(10_000.0) });
        let bytes = bytes_during(|| run(&measured, commands));
        let row = Row::new(format!("{what}: heap"), f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)), "bytes");
        report.push(if commands.len() == 1 { row } else { row.at_most(4096.0) });
    }
    // The card that was forked is as it was.
    must(&mut measured.card, &select);
}

fn run(measured: &Measured<SoftRsa>, commands: &[&[u8]]) -> usize {
    let mut card = measured.card.fork();
    let mut answer = [0; ANSWER];
    commands.iter().map(|command| card.transmit(command, &mut answer).len()).sum()
}
