//! The head of a script: the command lines that find it again and that play it.

use card_fuzz::foreign::{Options, Script};

use super::Args;

/// Two lines of comment, and no step.
pub(super) fn head(args: &Args, options: &Options) -> Script {
    let limit = args.answer_timeout.as_secs_f64();
    let (fuzzed, played) = match (&args.target_cmd, args.target) {
        (Some(command), _) => {
            let target = format!("--target-cmd {}", quoted(command));
            (target.clone(), target)
        }
        (None, Some(port)) => (format!("--target {port}"), format!("--target vpcd --listen {}", port.address())),
        (None, None) => (String::new(), String::new()),
    };
    let mut words = vec![fuzzed, format!("--seed {}", options.seed)];
    words.extend(options.commands.map(|commands| format!("--commands {commands}")));
    words.extend(options.time.map(|time| format!("--seconds {}", time.as_secs_f64())));
    words.push(format!("--restart-every {} --answer-timeout {limit}", options.restart_every));
    words.extend(options.keep_pin.then(|| "--keep-pin".to_owned()));
    words.extend(args.pin_env.as_ref().map(|name| format!("--pin-env {}", quoted(name))));
    let mut script = Script::default();
    script.head.push(format!("A card broke a promise. Found by: cardlab fuzz {}", words.join(" ")));
    script
        .head
        .push(format!("Play this file again with: cardlab apdu --script FILE {played} --answer-timeout {limit}"));
    script
}

/// One word for a shell, on one line.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,+@%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else if text.chars().any(char::is_control) {
        // The only quotes that can say a line end in one line.
        let said: String = text
            .chars()
            .map(|letter| match letter {
                '\'' => "\\'".to_owned(),
                '\\' => "\\\\".to_owned(),
                letter if letter.is_control() => {
                    let mut bytes = [0; 4];
                    letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\{byte:03o}")).collect()
                }
                letter => letter.to_string(),
            })
            .collect();
        format!("$'{said}'")
    } else if text.contains('\'') && !text.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word_on_one_line() {
        for (text, word) in [
            ("./card", "./card"),
            ("", "''"),
            ("java -jar card.jar", "'java -jar card.jar'"),
            ("'./my card' -x", "\"'./my card' -x\""),
            ("it's $x", "'it'\\''s $x'"),
            ("a\nb'\\", "$'a\\012b\\'\\\\'"),
        ] {
            assert_eq!(quoted(text), word, "{text:?}");
        }
    }
}
