//! A process for the harness's own tests to lose or to look at: `hold FILE` starts a private pcscd, writes the place
//! of its configuration to the file and waits; `skip` skips.
#![forbid(unsafe_code)]

use std::time::Duration;

use testkit::{PrivatePcscd, Unavailable, require_or_skip};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hold", file] => {
            let pcscd = PrivatePcscd::start().expect("the test has started one itself");
            let conf = pcscd.home().with_file_name("conf");
            std::fs::write(file, conf.as_os_str().as_encoded_bytes()).expect("the test can be told");
            std::thread::sleep(Duration::from_secs(30));
        }
        ["skip"] => assert!(require_or_skip::<()>(Err(Unavailable::new("no\nreader"))).is_none()),
        _ => panic!("hold FILE or skip"),
    }
}
