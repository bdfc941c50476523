//! One function for each flaw: PINs and sessions first, then files, then keys, then the link.

use crate::cards::{Event, Played as _, RealCard};
use crate::mutation::{Broken, Flaw, OK, data, is, is_wrong_try, word};

/// Every flaw by its name, with what it does after a reset.
pub(crate) const FLAWS: &[Flaw] = &[
    ("a wrong PIN costs no try", pin_try_not_spent, nothing),
    ("a wrong PUK costs no try", puk_try_not_spent, nothing),
    ("a reset gives the tries back", honest, tries_return),
    ("the last byte of the PIN is not compared", last_byte_ignored, nothing),
    ("only the first four bytes of the PIN are compared", prefix_suffices, nothing),
    ("padding is not compared", padding_ignored, nothing),
    ("a blocked PIN can still be right", blocked_accepts, nothing),
    ("the last try says blocked too early", early_block, nothing),
    ("unblocking leaves the old counter", unblock_keeps_counter, nothing),
    ("a refused new PIN costs a try", short_new_pin_costs, nothing),
    ("the PIN can be set a second time", set_again, nothing),
    ("verified survives a reset", verified_after_reset, keep_verified),
    ("verified survives SELECT of the application", verified_after_select, forget_verified),
    ("verified survives CHANGE", verified_after_change, nothing),
    ("an empty VERIFY always says 9000", status_always_good, nothing),
    ("protected files can be read without the PIN", read_without_pin, nothing),
    ("protected files can be written without the PIN", update_without_pin, nothing),
    ("UPDATE writes one byte too many", update_one_more, nothing),
    ("UPDATE leaves the last byte out", update_one_less, nothing),
    ("UPDATE over the end writes what fits", update_partly, nothing),
    ("UPDATE is lost when the power goes", update_in_ram, forget_update),
    ("READ at the end answers 9000", read_at_end, nothing),
    ("READ leaves out the last byte", read_one_less, nothing),
    ("a short identifier does not select", short_id_forgets, nothing),
    ("DELETE leaves the file", delete_nothing, nothing),
    ("CREATE overwrites", create_overwrites, nothing),
    ("CREATE does not clear the content", create_leaves_bytes, nothing),
    ("SELECT answers other control information", wrong_info, nothing),
    ("SELECT by path takes the last identifier", path_is_last, nothing),
    ("keys can be used without the PIN", key_without_pin, nothing),
    ("the environment survives SELECT of the application", environment_survives, no_kept),
    ("the key of another slot signs", other_slot, nothing),
    ("generation answers a key and keeps another", generates_twice, nothing),
    ("import keeps the old key", import_keeps_old, nothing),
    ("the first byte of a cryptogram is not looked at", any_first_byte, nothing),
    ("GET DATA does not change the version", version_sticks, nothing),
    ("the same challenge twice", same_challenge, nothing),
    ("a foreign command in a chain is executed", chain_executes_foreign, nothing),
    ("a foreign command does not end a chain", chain_survives, nothing),
    ("GET RESPONSE repeats", response_repeats, nothing),
    ("61xx is one too few", more_is_less, nothing),
    ("an answer waits behind other commands", answer_waits, no_kept),
    ("any channel is the basic one", any_channel, nothing),
];

fn nothing(_: &mut Broken) {}

pub(crate) fn honest(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    broken.send(command)
}

fn no_kept(broken: &mut Broken) {
    broken.kept = None;
    broken.past = None;
}

fn pin_try_not_spent(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let verified = broken.is_verified();
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0x20) && is_wrong_try(&answer) && !verified {
        broken.restore(before);
    }
    answer
}

/// Only once the application was selected again: what a session from before the PIN was set forgets is another matter.
/// Only once the application was selected again: what a session from before the PIN was set forgets is another matter.
fn puk_try_not_spent(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let verified = broken.is_verified();
    let (answer, before) = broken.send_and_remember(command);
    if command.starts_with(&[0, 0xA4, 4]) && word(&answer) == 0x9000 {
        broken.kept = (!broken.is_verified()).then(|| command.to_vec());
    }
    if is(command, 0x2C) && is_wrong_try(&answer) && !verified && broken.kept.is_some() {
        broken.restore(before);
    }
    answer
}

/// Puts the counter up if there is a try to do it with.
fn tries_return(broken: &mut Broken) {
    broken.card.play(&Event::Command(crate::cards::SELECT.to_vec()));
    broken.verify();
    broken.card.play(&Event::Reset);
}

/// VERIFY with the right PIN instead of one that `close` takes for it.
fn accept(broken: &mut Broken, command: &[u8], close: impl Fn(&[u8; 16], &[u8; 16]) -> bool) -> Vec<u8> {
    let given = data(command);
    let mut candidate = [0; 16];
    if is(command, 0x20) && (4..=16).contains(&given.len()) {
        candidate[..given.len()].copy_from_slice(given);
        if close(&candidate, &broken.pin) {
            return broken.send(&[&[0, 0x20, 0, 1, 16][..], &broken.pin.clone()].concat());
        }
    }
    broken.send(command)
}

fn last_byte_ignored(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    accept(broken, command, |given, pin| {
        let last = pin.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        given[..last] == pin[..last]
    })
}

fn prefix_suffices(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    accept(broken, command, |given, pin| given[..4] == pin[..4])
}

fn padding_ignored(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    accept(broken, command, |given, pin| given.iter().zip(pin).all(|(given, pin)| *pin == 0 || given == pin))
}

fn blocked_accepts(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0x20) && matches!(word(&answer), 0x63C0 | 0x6983) && data(command) == broken.pin {
        broken.send(&[&[0, 0x2C, 0, 1, 32][..], &broken.puk, &broken.pin].concat());
        return broken.send(command);
    }
    answer
}

fn early_block(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0x20) && word(&answer) == 0x63C0 { vec![0x69, 0x83] } else { answer }
}

fn unblock_keeps_counter(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0x2C) && answer == OK {
        broken.card.play(&Event::Command(vec![0, 0x20, 0, 1, 6, 0xF7, 1, 2, 3, 4, 5]));
    }
    answer
}

fn short_new_pin_costs(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0x24) && data(command).len() == 32 && word(&answer) == 0x6700 {
        broken.card.play(&Event::Command(vec![0, 0x20, 0, 1, 6, 0xF7, 1, 2, 3, 4, 5]));
    }
    answer
}

fn set_again(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    let again = command.starts_with(&[0, 0x24, 1, 1]) && word(&answer) == 0x6A86;
    if again && (4..=16).contains(&data(command).len()) { OK.to_vec() } else { answer }
}

fn keep_verified(broken: &mut Broken) {
    broken.past = None;
}

fn verified_after_reset(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let again = broken.past.is_none() && broken.verified;
    let answer = broken.send(command);
    if command.starts_with(&[0, 0xA4, 4]) && word(&answer) == 0x9000 {
        if again {
            broken.verify();
        }
        broken.past = Some(Box::new(broken.card.fork()));
    }
    answer
}

fn forget_verified(broken: &mut Broken) {
    broken.verified = false;
}

fn verified_after_select(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if command.starts_with(&[0, 0xA4, 4]) && word(&answer) == 0x9000 && broken.verified {
        broken.verify();
    }
    answer
}

fn verified_after_change(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if command.starts_with(&[0, 0x24, 0, 1]) && answer == OK {
        broken.verify();
    }
    answer
}

fn status_always_good(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if command == [0, 0x20, 0, 1] && is_wrong_try(&answer) { OK.to_vec() } else { answer }
}

/// The answer of a card that is logged in, to what this one refuses for lack of a PIN.
fn as_if_verified(broken: &mut Broken, command: &[u8], keep: bool) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if word(&answer) != 0x6982 {
        return answer;
    }
    broken.card = before.fork();
    broken.verify();
    let open = broken.send(command);
    if !keep || open != OK {
        broken.restore(before);
    }
    if word(&open) == 0x9000 { open } else { answer }
}

fn read_without_pin(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if is(command, 0xB0) { as_if_verified(broken, command, false) } else { broken.send(command) }
}

fn update_without_pin(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if is(command, 0xD6) { as_if_verified(broken, command, true) } else { broken.send(command) }
}

fn key_without_pin(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if is(command, 0x2A) || is(command, 0x22) { as_if_verified(broken, command, true) } else { broken.send(command) }
}

fn update_one_more(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let len = data(command).len();
    if is(command, 0xD6) && (1..255).contains(&len) && command.len() == 5 + len {
        let mut longer = command.to_vec();
        longer[4] += 1;
        longer.push(0xEE);
        let (answer, before) = broken.send_and_remember(&longer);
        if answer == OK {
            return answer;
        }
        broken.restore(before);
    }
    broken.send(command)
}

fn update_one_less(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let len = data(command).len();
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0xD6) && answer == OK && len > 1 && command.len() == 5 + len {
        broken.restore(before);
        let mut shorter = command.to_vec();
        shorter[4] -= 1;
        shorter.pop();
        broken.send(&shorter);
    }
    answer
}

fn update_partly(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0xD6) && word(&answer) == 0x6B00 {
        let mut part = command[..4].to_vec();
        part.extend([1, data(command).first().copied().unwrap_or(0)]);
        broken.send(&part);
    }
    answer
}

fn update_in_ram(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    match (is(command, 0xD6), word(&answer)) {
        (true, 0x9000) => broken.past = Some(Box::new(before)),
        // Anything else that is written takes the page along.
        _ if matches!(command, [_, 0x20 | 0x24 | 0x2C | 0xE0 | 0xE4 | 0x46 | 0xDB, ..]) => broken.past = None,
        _ => (),
    }
    answer
}

fn forget_update(broken: &mut Broken) {
    if let Some(past) = broken.past.take() {
        broken.card = *past;
        broken.card.play(&Event::PowerCycle);
    }
}

fn read_at_end(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0xB0) && word(&answer) == 0x6B00 { OK.to_vec() } else { answer }
}

fn read_one_less(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut answer = broken.send(command);
    if is(command, 0xB0) && answer.len() > 3 {
        answer.remove(answer.len() - 3);
    }
    answer
}

fn short_id_forgets(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0xB0) && command[2] & 0x80 != 0 {
        broken.restore(before);
    }
    answer
}

fn delete_nothing(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0xE4) {
        broken.restore(before);
    }
    answer
}

/// Identifier in the data of CREATE FILE as hosts write it.
fn id_of(command: &[u8]) -> Option<[u8; 2]> {
    let at = command.windows(2).position(|pair| pair == [0x83, 0x02])?;
    command.get(at + 2..at + 4)?.try_into().ok()
}

fn create_overwrites(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if let (true, 0x6984, Some([high, low])) = (is(command, 0xE0), word(&answer), id_of(command)) {
        broken.send(&[0, 0xE4, 0, 0, 2, high, low]);
        let created = broken.send(command);
        if created == OK {
            return created;
        }
        broken.restore(before);
    }
    answer
}

fn create_leaves_bytes(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0xE0) && answer == OK && broken.card.fork().play(&Event::Command(vec![0, 0xB0, 0, 0, 1])).len() == 3
    {
        broken.send(&[0, 0xD6, 0, 0, 1, 0xEE]);
    }
    answer
}

fn wrong_info(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut answer = broken.send(command);
    if is(command, 0xA4) && answer.len() > 20 {
        answer[19] ^= 1;
    }
    answer
}

fn path_is_last(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if let ([0, 0xA4, 8, p2, ..], [.., high, low]) = (command, data(command)) {
        return broken.send(&[0, 0xA4, 0, *p2, 2, *high, *low, 0]);
    }
    broken.send(command)
}

fn environment_survives(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0x22) && answer == OK {
        broken.kept = Some(command.to_vec());
    }
    if let (true, 0x6985, Some(kept)) = (command.get(1) == Some(&0x2A), word(&answer), broken.kept.clone()) {
        broken.restore(before);
        broken.send(&kept);
        return broken.send(command);
    }
    answer
}

fn other_slot(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if command.starts_with(&[0, 0x22, 0x41, 0xB6]) {
        let (answer, honest) = (broken.send(command), broken.card.fork());
        let mut other = command.to_vec();
        *other.last_mut().unwrap() ^= 3;
        if answer == OK && broken.send(&other) != OK {
            broken.card = honest;
        }
        return answer;
    }
    broken.send(command)
}

fn generates_twice(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0x46) && matches!(word(&answer) >> 8, 0x61 | 0x90) {
        let shown = broken.card.fork();
        broken.send(command);
        broken.past = Some(Box::new(shown));
    }
    if is(command, 0xC0) {
        // The rest comes from the key that was shown.
        return broken.past.as_mut().map_or(answer, |shown| shown.play(&Event::Command(command.to_vec())));
    }
    answer
}

fn import_keeps_old(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if command.get(1) == Some(&0xDB) && answer == OK {
        broken.restore(before);
    }
    answer
}

fn any_first_byte(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if let [0, 0x2A, 0x80, 0x86, 0, _, _, 1, ..] = command {
        let mut good = command.to_vec();
        good[7] = 0;
        good[8] = 0xFF;
        return [&broken.send(&good)[..], &[]].concat();
    }
    broken.send(command)
}

fn version_sticks(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0xCA) {
        broken.restore(before);
    }
    answer
}

fn same_challenge(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before): (Vec<u8>, RealCard) = broken.send_and_remember(command);
    if is(command, 0x84) && word(&answer) == 0x9000 {
        broken.restore(before);
    }
    answer
}

fn chain_executes_foreign(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if word(&answer) == 0x6883 { broken.send(command) } else { answer }
}

fn chain_survives(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if word(&answer) == 0x6883 {
        broken.card = before;
    }
    answer
}

fn response_repeats(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0xC0) && matches!(word(&answer) >> 8, 0x61 | 0x90) {
        broken.card = before;
    }
    answer
}

fn more_is_less(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut answer = broken.send(command);
    if matches!(word(&answer), 0x6102..=0x61FF) {
        *answer.last_mut().unwrap() -= 1;
    }
    answer
}

fn answer_waits(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if word(&answer) >> 8 == 0x61 {
        broken.past = Some(Box::new(broken.card.fork()));
    } else if let (true, 0x6985, Some(past)) = (is(command, 0xC0), word(&answer), &mut broken.past) {
        return past.play(&Event::Command(command.to_vec()));
    }
    answer
}

fn any_channel(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut command = command.to_vec();
    if let Some(class @ 0x01..=0x03) = command.first_mut() {
        *class = 0;
    }
    broken.send(&command)
}
