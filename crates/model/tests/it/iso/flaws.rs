//! One function for each flaw: records first, then contents, rules and PINs, then channels and the link.

use super::broken::{Broken, Flaw, OK, data, is, with, word};

/// Every flaw by its name.
pub(crate) const FLAWS: &[Flaw] = &[
    ("records of cyclic EFs are numbered from the oldest on", cyclic_reversed),
    ("next without a pointer is the last record", next_is_last),
    ("the record pointer outlives its EF", pointer_stays),
    ("reading by number moves the pointer", number_moves),
    ("a record that is too long is cut", record_cut),
    ("a record that is too short is filled", record_filled),
    ("all from the last on come in the order of all to the last", modes_alike),
    ("the identifier of a record is not looked at", identifier_ignored),
    ("previous is last", previous_is_last),
    ("a backward search tells in forward order", search_forward),
    ("a search does not move the pointer", search_leaves),
    ("UPDATE RECORD is answered and lost", record_lost),
    ("WRITE BINARY is UPDATE BINARY", write_updates),
    ("ERASE erases one byte more", erase_more),
    ("READ says 9000 where 6282 is due", never_short),
    ("a short identifier is not looked at", short_ignored),
    ("a short identifier does not select", short_forgets),
    ("PUT DATA is answered and lost", object_lost),
    ("objects are looked for in the MF too", object_of_mf),
    ("the change counter stands still", counter_stands),
    ("the change counter counts refused commands", counter_counts_all),
    ("each channel has its own change counter", counter_of_channel),
    ("one of them is all of them", or_is_and),
    ("all of them is one of them", and_is_or),
    ("never is always", never_is_always),
    ("a PIN does for an administration key", pin_for_key),
    ("a wrong PIN costs no try", try_free),
    ("a wrong PUK costs no try", puk_free),
    ("a blocked PIN says 63C0", blocked_is_wrong),
    ("DISABLE is answered and forgotten", disable_lost),
    ("logging out is answered and forgotten", logout_lost),
    ("a verified PIN is verified on every channel", verified_everywhere),
    ("a challenge can be answered twice", challenge_twice),
    ("a challenge of eight bytes will do", challenge_short),
    ("RESTORE of an environment is answered and lost", restore_lost),
    ("a hash can be signed twice", hash_stays),
    ("INTERNAL AUTHENTICATE takes the template for signatures", authenticates_as_signature),
    ("the first byte of a cryptogram is not looked at", any_first_byte),
    ("deactivated files can be read", deactivated_readable),
    ("a deactivated file says 9000 when selected", deactivated_silent),
    ("DELETE is answered and lost", delete_lost),
    ("selecting is the same on all channels", selection_shared),
    ("the next DF of a name is the first", next_name_first),
    ("data without Le", data_without_le),
    ("GET RESPONSE fetches what another channel left", response_of_other),
    ("a refused SELECT still leaves no EF", refused_select_forgets),
    ("a PIN of a DF stands in for that of the MF", nearest_pin),
    ("a reference to the MF in A4 is to the DF", reference_below),
    ("a channel whose DF was deleted is in the MF", lost_df_is_mf),
    ("life-cycle commands mean another file than the EF that was deleted", lost_ef_is_df),
    ("a command is executed as soon as its envelopes can be read as one", prefix_executed),
    ("a short envelope is followed by more", short_piece),
    ("GENERATE takes the template for signatures", generates_as_signature),
    ("a padded CHANGE is refused", padded_refused),
];

pub(crate) fn honest(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    broken.send(command)
}

/// READ RECORD with this mode, of the low three bits of P2.
fn reads(command: &[u8], mode: u8) -> bool {
    is(command, 0xB2) && command[3] & 7 == mode
}

/// The command with another P1 and P2.
fn turned(command: &[u8], p1: u8, p2: u8) -> Vec<u8> {
    let mut command = command.to_vec();
    (command[2], command[3]) = (p1, p2);
    command
}

/// Whether there is a current record on the command's channel.
fn has_pointer(broken: &Broken, command: &[u8]) -> bool {
    word(&broken.ask(&[&[command[0], 0xB2, 0, 4, 0]])) >> 8 == 0x90
}

fn cyclic_reversed(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if matches!(command, [0, 0xE0 | 0xA4, ..]) {
        let shown = broken.ask(&[&[&turned(command, command[2], 4)[..], &[0]].concat()]);
        let info = if is(command, 0xE0) { data(command) } else { &shown };
        let found = info.windows(3).find(|bytes| bytes[0] == 0x82);
        broken.number = u8::from(found.is_some_and(|bytes| matches!(bytes[2], 6 | 7)));
    }
    if broken.number == 1 && reads(command, 4) && command[3] == 4 && command[2] != 0 {
        let there = |number: u8| word(&broken.ask(&[&[0, 0xB2, number, 4, 0]])) == 0x9000;
        let count = (1..=254u8).take_while(|number| there(*number)).count();
        if let Some(other) = (u8::try_from(count).unwrap() + 1).checked_sub(command[2]).filter(|other| *other > 0) {
            return broken.send(&turned(command, other, 4));
        }
    }
    broken.send(command)
}

fn next_is_last(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if reads(command, 2) && !has_pointer(broken, command) {
        return broken.send(&turned(command, command[2], command[3] - 1));
    }
    broken.send(command)
}

fn pointer_stays(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if reads(command, 2) && command[2..4] == [0, 2] && broken.number > 0 && !has_pointer(broken, command) {
        return broken.send(&turned(command, broken.number + 1, 4));
    }
    let answer = broken.send(command);
    if is(command, 0xB2) && command[2] == 0 && matches!(word(&answer), 0x9000 | 0x6282) {
        broken.number = match command[3] {
            0 => 1,
            2 if broken.number > 0 => broken.number + 1,
            4 => broken.number,
            _ => 0,
        };
    }
    answer
}

fn number_moves(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if reads(command, 4) && command[2] != 0 && matches!(word(&answer), 0x9000 | 0x6282) {
        broken.send(&[command[0], 0xB2, 0, 0, 0]);
        for _ in 1..command[2] {
            broken.send(&[command[0], 0xB2, 0, 2, 0]);
        }
    }
    answer
}

fn record_cut(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if (is(command, 0xDC) || is(command, 0xE2)) && word(&answer) == 0x6700 && data(command).len() > 1 {
        let cut = with(command, &data(command)[..data(command).len() - 1]);
        let again = broken.send(&cut);
        return if again == OK { again } else { answer };
    }
    answer
}

fn record_filled(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if (is(command, 0xDC) || is(command, 0xE2)) && word(&answer) == 0x6700 && !data(command).is_empty() {
        let again = broken.send(&with(command, &[data(command), &[0]].concat()));
        return if again == OK { again } else { answer };
    }
    answer
}

fn modes_alike(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if reads(command, 6) { broken.send(&turned(command, command[2], command[3] - 1)) } else { broken.send(command) }
}

fn identifier_ignored(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let by_identifier = (is(command, 0xB2) || is(command, 0xDC)) && command[3] & 7 < 4;
    if by_identifier { broken.send(&turned(command, 0, command[3])) } else { broken.send(command) }
}

fn previous_is_last(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if reads(command, 3) { broken.send(&turned(command, command[2], command[3] - 2)) } else { broken.send(command) }
}

fn search_forward(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut answer = broken.send(command);
    if is(command, 0xA2) && command[3] & 7 == 5 && word(&answer) == 0x9000 {
        let len = answer.len() - 2;
        answer[..len].reverse();
    }
    answer
}

fn search_leaves(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0xA2) && command[3] & 0xF8 == 0 && word(&answer) == 0x9000 {
        broken.restore(before);
    }
    answer
}

/// What this instruction did is taken back.
fn lost(broken: &mut Broken, command: &[u8], ins: u8) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, ins) && answer == OK {
        broken.restore(before);
    }
    answer
}

fn record_lost(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    lost(broken, command, 0xDC)
}

fn object_lost(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    lost(broken, command, 0xDA)
}

fn delete_lost(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    lost(broken, command, 0xE4)
}

fn disable_lost(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    lost(broken, command, 0x26)
}

fn logout_lost(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if is(command, 0x20) && command[2] == 0xFF { lost(broken, command, 0x20) } else { broken.send(command) }
}

fn write_updates(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0xD0) && answer == OK {
        broken.card = before;
        let mut update = command.to_vec();
        update[1] = 0xD6;
        return broken.send(&update);
    }
    answer
}

fn erase_more(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if let (true, [high, low @ 0..=0xFE]) = (is(command, 0x0E), data(command)) {
        let more = with(command, &[*high, *low + 1]);
        if broken.ask(&[&more]) == OK && broken.ask(&[command]) == OK {
            return broken.send(&more);
        }
    }
    broken.send(command)
}

fn never_short(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut answer = broken.send(command);
    if word(&answer) == 0x6282 && answer.len() > 2 {
        let len = answer.len();
        answer[len - 2..].copy_from_slice(&OK);
    }
    answer
}

fn short_ignored(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if is(command, 0xB0) && matches!(command[2], 0x81..=0x9E) {
        return broken.send(&turned(command, 0, command[3]));
    }
    broken.send(command)
}

fn short_forgets(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0xB0) && command[2] & 0x80 != 0 && word(&answer) == 0x9000 {
        broken.restore(before);
    }
    answer
}

fn object_of_mf(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0xCA) && word(&answer) == 0x6A88 {
        return broken.ask(&[&[command[0], 0xA4, 0, 0x0C], command]);
    }
    answer
}

fn is_counter(command: &[u8], answer: &[u8]) -> bool {
    is(command, 0xCA) && command[2..4] == [0xDF, 0x20] && answer.len() == 6
}

fn counter_stands(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is_counter(command, &answer) {
        if broken.kept.is_empty() {
            broken.kept.clone_from(&answer);
        }
        return broken.kept.clone();
    }
    answer
}

fn counter_counts_all(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut answer = broken.send(command);
    broken.number = broken.number.wrapping_add(u8::from(word(&answer) == 0x6982));
    if is_counter(command, &answer) {
        answer[2] = answer[2].wrapping_add(broken.number);
    }
    answer
}

fn counter_of_channel(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if command.first().is_some_and(|class| *class != 0) && is_counter(command, &answer) {
        return vec![0, 0, 0, 1, 0x90, 0];
    }
    answer
}

fn or_is_and(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    broken.other_rules(command, |byte| if byte & 0xB0 == 0x30 { byte | 0x80 } else { byte })
}

fn and_is_or(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    broken.other_rules(command, |byte| if byte & 0xB0 == 0xB0 && byte != 0xFF { byte & 0x7F } else { byte })
}

fn never_is_always(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    broken.other_rules(command, |byte| if byte == 0xFF { 0 } else { byte })
}

fn pin_for_key(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    broken.other_rules(command, |byte| if byte & 0x30 == 0x20 { byte ^ 0x30 } else { byte })
}

/// What a wrong try did to counters is taken back, where that is all it did.
fn free(broken: &mut Broken, command: &[u8], ins: u8) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, ins) && word(&answer) & 0xFFF0 == 0x63C0 && !data(command).is_empty() {
        broken.restore(before);
    }
    answer
}

fn try_free(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    free(broken, command, 0x20)
}

fn puk_free(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    free(broken, command, 0x2C)
}

fn blocked_is_wrong(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if word(&answer) == 0x6983 { vec![0x63, 0xC0] } else { answer }
}

fn on_every_channel(broken: &mut Broken, command: &[u8]) {
    for channel in (0..4).filter(|channel| *channel != command[0]) {
        let mut other = command.to_vec();
        other[0] = channel;
        broken.send(&other);
    }
}

fn verified_everywhere(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0x20) && command[3] & 0x80 == 0 && answer == OK && !data(command).is_empty() {
        on_every_channel(broken, command);
    }
    answer
}

fn challenge_twice(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0x82) && !data(command).is_empty() {
        match (word(&answer), &mut broken.past) {
            (0x6985, Some(past)) => {
                return crate::cards::Played::play(&mut **past, &crate::cards::Event::Command(command.to_vec()));
            }
            (0x9000 | 0x63C0..=0x63CF, _) => broken.past = Some(Box::new(before)),
            _ => (),
        }
    } else if is(command, 0x84) || is(command, 0xA4) || is(command, 0x70) {
        broken.past = None;
    }
    answer
}

fn challenge_short(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0x84) && answer.len() == 10 {
        broken.send(&[command[0], 0x84, 0, 0, 16]);
    }
    answer
}

fn restore_lost(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let restores = is(command, 0x22) && command[2] == 0xF3;
    if restores { lost(broken, command, 0x22) } else { broken.send(command) }
}

fn hash_stays(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    if is(command, 0x2A) && data(command).is_empty() && word(&answer) == 0x9000 {
        broken.restore(before);
    }
    answer
}

fn authenticates_as_signature(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if is(command, 0x88) && command[2..4] == [0, 0] && !data(command).is_empty() {
        let mut signs = command.to_vec();
        signs[1..4].copy_from_slice(&[0x2A, 0x9E, 0x9A]);
        return broken.send(&signs);
    }
    broken.send(command)
}

fn any_first_byte(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut command = command.to_vec();
    if let [_, 0x2A, 0x80, 0x86, 0, _, _, first, ..] = &mut command[..] {
        *first = 0;
    }
    broken.send(&command)
}

fn deactivated_readable(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if (is(command, 0xB0) || is(command, 0xB2)) && word(&answer) == 0x6985 {
        return broken.ask(&[&[command[0], 0x44, 0, 0], command]);
    }
    answer
}

fn deactivated_silent(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut answer = broken.send(command);
    if word(&answer) == 0x6283 {
        let len = answer.len();
        answer[len - 2..].copy_from_slice(&OK);
    }
    answer
}

fn selection_shared(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0xA4) && word(&answer) == 0x9000 {
        on_every_channel(broken, command);
    }
    answer
}

fn next_name_first(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let next = is(command, 0xA4) && command[2] == 4 && command[3] & 3 == 2;
    if next { broken.send(&turned(command, 4, command[3] & 0xFC)) } else { broken.send(command) }
}

fn data_without_le(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let without = is(command, 0xA4) && !data(command).is_empty() && command.len() == 5 + data(command).len();
    if without { broken.send(&[command, &[0]].concat()) } else { broken.send(command) }
}

fn response_of_other(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut changed = command.to_vec();
    if is(command, 0xC0) {
        changed[0] = broken.number;
    }
    let answer = broken.send(&changed);
    if let Some(class @ 0..=3) = command.first() {
        broken.number = *class;
    }
    answer
}

fn refused_select_forgets(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let answer = broken.send(command);
    if is(command, 0xA4) && word(&answer) == 0x6A82 {
        // The DF is selected anew, if that can be told.
        broken.send(&[command[0], 0xA4, 0, 0x0C]);
    }
    answer
}

/// What PIN 1 of the MF protects, PIN 1 of the current DF opens.
fn nearest_pin(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let [class @ 0..=3, ins, ..] = *command else { return broken.send(command) };
    let verify = with(&[class, 0x20, 0, 1], b"1234");
    let fits = !matches!(ins, 0x20 | 0xC0 | 0xC2)
        && word(&broken.ask(&[command])) == 0x6982
        && broken.ask(&[&[class, 0x20, 0, 0x81]]) == OK
        && broken.ask(&[&[class, 0x20, 0, 1]]) != OK
        && broken.ask(&[&verify]) == OK
        && word(&broken.ask(&[&verify, command])) == 0x9000;
    if !fits {
        return broken.send(command);
    }
    broken.send(&verify);
    let answer = broken.send(command);
    broken.send(&[class, 0x20, 0xFF, 1]);
    answer
}

fn reference_below(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    broken.other_reference(command, |byte| byte | 0x80)
}

fn lost_df_is_mf(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if let [class @ 0..=3, ins, ..] = *command
        && !matches!(ins, 0xA4 | 0x70 | 0xC0)
        && word(&broken.ask(&[&[class, 0xCA, 0xDF, 0x20, 4]])) == 0x6985
    {
        broken.send(&[class, 0xA4, 0, 0x0C]);
    }
    broken.send(command)
}

fn lost_ef_is_df(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if let [class @ 0..=3, 0x04 | 0x44 | 0xE4 | 0xE6 | 0xE8, 0, 0] = *command
        && word(&broken.ask(&[command])) == 0x6986
    {
        broken.send(&[class, 0xA4, 0, 0x0C]);
    }
    broken.send(command)
}

fn prefix_executed(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let piece = data(command);
    if is(command, 0xC2) && piece.len() == 255 {
        let whole = [&command[..4], &[0, 0, 255], piece].concat();
        if word(&broken.ask(&[&whole])) == 0x9000 {
            return broken.send(&whole);
        }
    }
    broken.send(command)
}

fn short_piece(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let mut answer = broken.send(command);
    if is(command, 0xC2) && (1..255).contains(&data(command).len()) && answer == [0x67, 0] {
        answer = OK.to_vec();
    }
    answer
}

fn generates_as_signature(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    if is(command, 0x46) && command[0] == 0 && !broken.kept.is_empty() {
        let kept = broken.kept.clone();
        broken.send(&kept);
    }
    let answer = broken.send(command);
    if matches!(command, [0, 0x22, 0xF3, ..]) {
        broken.kept.clear();
    } else if matches!(command, [0, 0x22, _, 0xB6, ..]) && answer == OK {
        broken.kept = command.to_vec();
    }
    answer
}

fn padded_refused(broken: &mut Broken, command: &[u8]) -> Vec<u8> {
    let (answer, before) = broken.send_and_remember(command);
    let padded = is(command, 0x24) && command[2] == 0 && data(command).len() == 16 && data(command)[7] == 0;
    if padded && matches!(word(&answer), 0x9000 | 0x63C0..=0x63CF) {
        broken.restore(before);
        return vec![0x67, 0];
    }
    answer
}
