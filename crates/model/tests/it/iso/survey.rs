use super::cards::ready;
use super::machine::one;
use crate::generator::Dice;
use crate::machine::setting;
use std::collections::BTreeMap;

#[test]
fn temporary_survey() {
    let Ok(count) = std::env::var("SURVEY") else { return };
    let mut groups: BTreeMap<String, (usize, usize, String)> = BTreeMap::new();
    let mut runs = (0, 0);
    for number in 0..count.parse::<u64>().unwrap() {
        let equipped = number % 2 == 0;
        let (mut card, mut model) = ready(equipped);
        let mut dice = Dice(setting("CARD_MODEL_SEED", 1) << 32 | number);
        let mut shown: Vec<String> = vec![format!("equipped {equipped}")];
        runs.0 += 1;
        for _ in 0..60 {
            let outcome = one(&mut card, &mut model, dice.roll(), |event, answer| {
                runs.1 += 1;
                let answer = hex::encode_upper(answer);
                let event = format!("{event:?}");
                shown.push(format!("{} -> {}", &event[..event.len().min(160)], &answer[..answer.len().min(100)]));
            });
            if let Err(mismatch) = outcome {
                let key = format!("{} {}", &mismatch[8..12], mismatch.split_once(": ").unwrap().1);
                let key: String = key.split(" with ").next().unwrap().to_owned();
                let text = format!("{}\n   {mismatch}", shown.join("\n   "));
                let entry = groups.entry(key).or_insert((0, usize::MAX, String::new()));
                entry.0 += 1;
                if shown.len() < entry.1 {
                    (entry.1, entry.2) = (shown.len(), text);
                }
                break;
            }
        }
    }
    for (key, (count, _, text)) in &groups {
        println!("=== {count} x {key}\n   {text}");
    }
    println!("{runs:?} runs, steps; {} groups", groups.len());
}
