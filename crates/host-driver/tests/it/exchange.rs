//! 61xx, 6Cxx, chaining and extended length.

use card_wire::{Command, Ins};
use host_driver::{Error, Exchange, TransportError};

use crate::fake::Fake;

fn exchange(answers: &[&str]) -> Exchange<Fake> {
    let answers = answers.iter().map(|answer| Ok(hex::decode(answer).unwrap())).collect();
    Exchange::new(Fake { answers, ..Fake::default() })
}

const ASK: Command<'_> = Command::new(Ins::GET_DATA, 1, 2).with_ne(256);

#[test]
fn waiting_data_is_fetched_and_joined() {
    let mut exchange = exchange(&["01026103", "036102", "04059000"]);
    let answer = exchange.send(&ASK).unwrap();
    assert_eq!((answer.data, answer.status.0), (vec![1, 2, 3, 4, 5], 0x9000));
    assert_eq!(exchange.transport.sent, ["00CA010200", "00C0000003", "00C0000002"]);
}

#[test]
fn get_response_stays_on_the_channel_of_its_command() {
    let mut exchange = exchange(&["6101", "019000"]);
    exchange.send(&Command { cla: card_wire::Class(0x02), ..ASK }).unwrap();
    assert_eq!(exchange.transport.sent, ["02CA010200", "02C0000001"]);
}

#[test]
fn a_wrong_le_is_corrected_once() {
    let mut once = exchange(&["6C02", "01029000"]);
    assert_eq!(once.send(&ASK).unwrap().data, [1, 2]);
    assert_eq!(once.transport.sent, ["00CA010200", "00CA010202"]);
    let mut twice = exchange(&["6C02", "6C03"]);
    assert_eq!(twice.send(&ASK).unwrap().status.0, 0x6C03);
    assert_eq!(twice.transport.sent.len(), 2);
    // A command that asks for nothing cannot ask for the right amount.
    let mut none = exchange(&["6C02"]);
    assert_eq!(none.send(&ASK.with_ne(0)).unwrap().status.0, 0x6C02);
    assert_eq!(none.transport.sent.len(), 1);
}

#[test]
fn get_response_is_corrected_too() {
    let mut exchange = exchange(&["6110", "6C02", "01029000"]);
    assert_eq!(exchange.send(&ASK).unwrap().data, [1, 2]);
    assert_eq!(exchange.transport.sent[1..], ["00C0000010", "00C0000002"]);
}

#[test]
fn chaining_or_extended_length_as_the_limits_say() {
    let data = [7; 256];
    let command = ASK.with_data(&data);
    let mut chained = exchange(&[]);
    chained.send(&command).unwrap();
    let first = format!("10CA0102FF{}", "07".repeat(255));
    assert_eq!(chained.transport.sent, [first.as_str(), "00CA0102010700"]);

    let mut extended = exchange(&[]);
    extended.limits.extended = true;
    extended.send(&command.with_ne(65_536)).unwrap();
    assert_eq!(extended.transport.sent, [format!("00CA0102000100{}0000", "07".repeat(256))]);

    let mut neither = exchange(&[]);
    neither.limits.chaining = false;
    assert_eq!(neither.send(&command), Err(Error::TooLong { len: 256, max: 255 }));
    assert!(neither.transport.sent.is_empty());
    // 255 bytes fit every card.
    neither.send(&ASK.with_data(&data[1..])).unwrap();
}

#[test]
fn a_chain_ends_where_the_card_refuses_it() {
    let mut refused = exchange(&["6884"]);
    assert_eq!(refused.send(&ASK.with_data(&[0; 600])).unwrap().status.0, 0x6884);
    assert_eq!(refused.transport.sent.len(), 1);
    let mut talkative = exchange(&["019000"]);
    assert_eq!(talkative.send(&ASK.with_data(&[0; 600])), Err(Error::Malformed));
}

#[test]
fn endless_answers_end() {
    // No progress at all.
    let mut stuck = exchange(&["6101", "6101"]);
    assert_eq!(stuck.send(&ASK), Err(Error::Malformed));
    // Progress of one byte for ever, and of 256 bytes for ever.
    for (part, bound) in [("AA6101".to_owned(), 600), (format!("{}6100", "AA".repeat(256)), 300)] {
        let answers = vec![part.as_str(); 2000];
        let mut endless = exchange(&answers);
        assert_eq!(endless.send(&ASK), Err(Error::Malformed));
        assert!(endless.transport.sent.len() < bound, "{}", endless.transport.sent.len());
    }
}

#[test]
fn answers_without_a_status_word_did_not_arrive() {
    for len in [0, 1] {
        let mut short = exchange(&[]);
        short.transport.answers.push_back(Ok(vec![0x90; len]));
        assert_eq!(short.send(&ASK), Err(Error::Transport(TransportError::ShortAnswer { len })));
    }
}

#[test]
fn answers_are_printed_by_length_only() {
    let answer = exchange(&["7365637265749000"]).send(&ASK).unwrap();
    assert_eq!(format!("{answer:?}"), "Answer(6 bytes, 9000 (success))");
}
