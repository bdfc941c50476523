//! Records and logical channels in the process: time and heap allocations.

use crate::report::{Report, Row};
use crate::select::{allocations, time};
use benches::cards::{RECORD_FILES, records};
use benches::commands::{must, select_path};
use card_os::crypto::rsa::SoftRsa;

/// READ RECORD number 100 of the current EF.
const READ_RECORD: &[u8] = &[0x00, 0xB2, 100, 0x04, 0x00];

pub(crate) fn measure(report: &mut Report) {
    let mut measured = records(SoftRsa);
    for (id, name) in RECORD_FILES {
        must(&mut measured.card, &select_path(&[id]));
        let summary = time(&mut measured, &[READ_RECORD.to_vec()]).summary();
        let what = format!("READ RECORD of 32 bytes, 200 records, {name}");
        report.push(Row::new(what, summary.median_ns, "ns").with_p95(summary.p95_ns));
    }
    let (fixed, _) = RECORD_FILES[0];
    must(&mut measured.card, &select_path(&[fixed]));
    let here = time(&mut measured, &[READ_RECORD.to_vec()]).summary();
    let there = channel_1(&select_path(&[fixed]));
    must(&mut measured.card, &there);
    let turns = [READ_RECORD.to_vec(), channel_1(READ_RECORD)];
    let both = time(&mut measured, &turns).summary();
    report.push(
        Row::new("READ RECORD on two channels in turn", both.median_ns, "ns")
            .with_p95(both.p95_ns)
            .against(here.median_ns),
    );
    let heap = turns.iter().map(|command| allocations(&mut measured, command)).max().unwrap_or(0);
    report.push(Row::new("the same: heap", f64::from(heap), "allocations"));
    let open_and_close = [vec![0x00, 0x70, 0x00, 0x02], vec![0x00, 0x70, 0x80, 0x02]];
    let summary = time(&mut measured, &open_and_close).summary();
    report.push(Row::new("MANAGE CHANNEL, open and close in turn", summary.median_ns, "ns").with_p95(summary.p95_ns));
}

/// The same command on channel 1.
fn channel_1(command: &[u8]) -> Vec<u8> {
    let mut command = command.to_vec();
    command[0] |= 1;
    command
}
