//! A prepared key is shared by clones and used from many threads at once.

use super::{key_2048, oracle};
use card_os::crypto::rsa::Rsa;
use rsa_host::HostRsa;
use std::thread;

#[test]
fn eight_threads_sign_with_clones_of_one_key() {
    let key = key_2048();
    let prepared = HostRsa.prepare(key).unwrap();
    let threads: Vec<_> = (0..8u8)
        .map(|seed| {
            let prepared = prepared.clone();
            thread::spawn(move || {
                let mut output = [0; 256];
                for round in 0..25u8 {
                    HostRsa.private(&prepared, &input(seed, round), &mut output).unwrap();
                }
                output
            })
        })
        .collect();
    drop(prepared);
    for (seed, thread) in (0..8u8).zip(threads) {
        assert_eq!(thread.join().unwrap()[..], oracle(key, &input(seed, 24)), "thread {seed}");
    }
}

#[test]
fn a_key_outlives_the_thread_that_prepared_it() {
    let prepared = thread::spawn(|| HostRsa.prepare(key_2048()).unwrap()).join().unwrap();
    let mut output = [0; 256];
    HostRsa.private(&prepared, &input(1, 1), &mut output).unwrap();
    assert_eq!(output[..], oracle(key_2048(), &input(1, 1)));
}

fn input(seed: u8, round: u8) -> [u8; 256] {
    let mut input = [seed; 256];
    input[0] = 0;
    input[255] = round;
    input
}
