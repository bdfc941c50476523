//! The card in the process: parsing, SELECT, READ BINARY, VERIFY, signatures and key generation.
//!
//! `cargo bench -p benches --bench in_process`

use benches::cards::{Measured, RECORD_FILES, full, personalised, records};
use benches::commands::{ANSWER, CHOOSE_GENERATION, GENERATE, READ_256, SIGN, VERIFY, select_path};
use card_os::crypto::rsa::{Rsa, SoftRsa};
use card_os::preset::Preset;
use card_wire::Command;
use criterion::{Criterion, criterion_group, criterion_main};
use rsa_host::HostRsa;
use std::hint::black_box;
use std::time::Duration;

fn parse(criterion: &mut Criterion) {
    let extended = Command::new(card_wire::Ins::UPDATE_BINARY, 0, 0).with_data(&[0x5A; 1000]).encode();
    let extended = extended.expect("1,000 bytes fit an APDU");
    let select = personalised(&Preset::isoapplet(), SoftRsa).certificate();
    let mut group = criterion.benchmark_group("parse");
    for (name, bytes) in [("SELECT by path", &select), ("UPDATE BINARY of 1,000 bytes", &extended)] {
        group.bench_function(name, |bencher| bencher.iter(|| Command::parse(black_box(bytes)).map(|parsed| parsed.ne)));
    }
}

fn send<R: Rsa + Send>(measured: &mut Measured<R>, command: &[u8]) -> usize {
    let mut answer = [0; ANSWER];
    let answer = measured.card.transmit(black_box(command), &mut answer);
    assert!(answer.ends_with(&[0x90, 0x00]), "a card that refuses must not be measured");
    answer.len()
}

fn files(criterion: &mut Criterion) {
    let cards = [("four certificates", personalised(&Preset::isoapplet(), SoftRsa)), ("1,024 files", full(SoftRsa))];
    let mut group = criterion.benchmark_group("files");
    for (name, mut measured) in cards {
        let selects = measured.selects();
        let mut next = selects.iter().cycle();
        group.bench_function(format!("SELECT by path with FCI, {name}"), |bencher| {
            bencher.iter(|| next.next().map(|select| send(&mut measured, select)));
        });
        let certificate = measured.certificate();
        send(&mut measured, &certificate);
        for (what, command) in [("READ BINARY of 256 bytes", READ_256), ("VERIFY", VERIFY)] {
            group.bench_function(format!("{what}, {name}"), |bencher| bencher.iter(|| send(&mut measured, command)));
        }
    }
}

fn record_files(criterion: &mut Criterion) {
    let mut measured = records(SoftRsa);
    let mut group = criterion.benchmark_group("records");
    for (id, name) in RECORD_FILES {
        send(&mut measured, &select_path(&[id]));
        let read = [0x00, 0xB2, 100, 0x04, 0x00];
        group.bench_function(format!("READ RECORD, {name}"), |bencher| bencher.iter(|| send(&mut measured, &read)));
    }
    let mut select = select_path(&[RECORD_FILES[0].0]);
    send(&mut measured, &select);
    select[0] |= 1;
    send(&mut measured, &select);
    let turns = [[0x00, 0xB2, 100, 0x04, 0x00], [0x01, 0xB2, 100, 0x04, 0x00]];
    let mut next = turns.iter().cycle();
    group.bench_function("READ RECORD, two channels in turn", |bencher| {
        bencher.iter(|| next.next().map(|read| send(&mut measured, read)));
    });
}

fn signature<R: Rsa + Send>(criterion: &mut Criterion, name: &str, rsa: R) {
    let mut measured = personalised(&Preset::isoapplet(), rsa);
    measured.generate_key();
    criterion.bench_function(&format!("PSO RSA-2048, {name}"), |bencher| {
        bencher.iter(|| send(&mut measured, SIGN));
    });
}

fn signatures(criterion: &mut Criterion) {
    signature(criterion, "aws-lc", HostRsa);
    signature(criterion, "rsa crate", SoftRsa);
}

fn generation(criterion: &mut Criterion) {
    let mut measured = personalised(&Preset::isoapplet(), HostRsa);
    send(&mut measured, CHOOSE_GENERATION);
    let mut group = criterion.benchmark_group("generation");
    group.sample_size(20).measurement_time(Duration::from_secs(15));
    group.bench_function("RSA-2048 on the card", |bencher| bencher.iter(|| send(&mut measured, GENERATE)));
}

criterion_group!(benches, parse, files, record_files, signatures, generation);
criterion_main!(benches);
