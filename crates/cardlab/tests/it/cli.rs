//! What the program prints and how it exits, for good and bad arguments.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

fn cardlab(args: &[&str]) -> Output {
    testkit::run_bounded(Command::new(env!("CARGO_BIN_EXE_cardlab")).args(args), Duration::from_secs(120))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Fails with code 2 and one line on standard error that contains each of the words.
#[track_caller]
fn refuses(args: &[&str], words: &[&str]) {
    let output = cardlab(args);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
    assert_eq!(error.trim_end().lines().count(), 1, "{args:?}: {error}");
    assert!(error.starts_with("cardlab: "), "{error}");
    for word in words {
        assert!(error.contains(word), "{args:?}: {error} lacks {word}");
    }
}

fn path(dir: &tempfile::TempDir, name: &str) -> String {
    dir.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_card_in_a_file_is_made_where_a_preset_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let image = path(&dir, "new.img");
    let made = cardlab(&["apdu", "--image", &image, "--preset", "iso", "00DA0081020102"]);
    assert!(made.status.success(), "{made:?}");
    let kept = cardlab(&["apdu", "--image", &image, "00CA008100"]);
    assert!(String::from_utf8_lossy(&kept.stdout).contains("< 0102"), "{kept:?}");
}

#[test]
fn apdus_are_explained() {
    let output = cardlab(&["apdu", "00A404000CF276A288BCFBA69D34F31001", "00B0000000", "0020000106313233343536"]);
    let out = text(&output.stdout);
    assert!(output.status.success());
    assert!(out.contains("< 000606\n  9000 (success)"), "{out}");
    assert!(out.contains("> 00B0000000\n  6981 (command incompatible"), "{out}");
    assert!(out.contains("6 bytes of data not shown") && !out.contains("313233343536"), "{out}");
    let output = cardlab(&["apdu", "--json", "00A40400"]);
    assert!(text(&output.stdout).contains("\"status\": \"6A82\""));
}

#[test]
fn a_seed_repeats_a_run_and_none_does_not() {
    let challenge = |args: &[&str]| {
        let all = [args, &["00A404000CF276A288BCFBA69D34F31001", "0084000010"]].concat();
        text(&cardlab(&all).stdout)
    };
    assert_eq!(challenge(&["apdu", "--seed", "5"]), challenge(&["apdu", "--seed", "5"]));
    assert_ne!(challenge(&["apdu", "--seed", "5"]), challenge(&["apdu", "--seed", "6"]));
    assert_ne!(challenge(&["apdu"]), challenge(&["apdu"]));
}

#[test]
fn a_seed_is_the_same_in_ram_and_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let image = path(&dir, "card.img");
    let options = cardlab::image::ImageOptions { path: image.into(), preset: None, seed: Some(7), durable: false };
    let draw = |card: &mut dyn card_wire::Icc| {
        card.power_on(card_wire::Protocol::T1);
        let mut buffer = [0; 300];
        card.transmit(&hex::decode("00A404000CF276A288BCFBA69D34F31001").unwrap(), &mut buffer);
        card.transmit(&hex::decode("0084000020").unwrap(), &mut buffer).to_vec()
    };
    let (mut card, _) = cardlab::image::open(&options).unwrap();
    let in_file = draw(&mut card);
    let preset = card_os::Preset::isoapplet();
    let mut card = card_os::sim::SimCard::from_seed(&preset, 7, rsa_host::HostRsa).unwrap();
    assert_eq!(draw(&mut card), in_file);
}

#[test]
fn the_suite_passes_on_the_built_in_card_and_counts() {
    let output = cardlab(&["conform", "--case", "select"]);
    let out = text(&output.stdout);
    let last = out.trim_end().lines().last().unwrap();
    assert!(output.status.success(), "{out}");
    assert!(last.ends_with(" passed, 0 failed, 0 skipped") && !last.starts_with("0 "), "{last}");
    let json = text(&cardlab(&["conform", "--json", "--case", "select"]).stdout);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["failed"], 0);
}

#[test]
fn mistakes_are_one_line_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    refuses(&["apdu", "00A4"], &["at least 4 bytes"]);
    refuses(&["apdu", "zz"], &["not hexadecimal"]);
    refuses(&["apdu", "--reader", "x", "00A40400"], &["--target pcsc"]);
    refuses(&["conform", "--case", "no-such-case"], &["no case fits"]);
    refuses(&["conform", "--preset", "nonsense"], &["isoapplet", "certificate"]);
    refuses(&["apdu", "--image", &path(&dir, "missing.img"), "00A40400"], &["there is no image", "cardlab sim"]);
    refuses(&["sim", "--atr", "3B80800102"], &["--atr"]);
    refuses(&["sim", "--image", &path(&dir, "no/such/dir.img")], &["cannot create"]);
}

#[test]
fn a_damaged_or_foreign_image_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let image = path(&dir, "card.img");
    let blank = || {
        let _ = std::fs::remove_file(&image);
        let options =
            cardlab::image::ImageOptions { path: image.clone().into(), preset: None, seed: Some(1), durable: false };
        drop(cardlab::image::open(&options).unwrap());
    };
    let refused = |image: &str, bytes: &[u8], word: &str| {
        std::fs::write(image, bytes).unwrap();
        refuses(&["apdu", "--image", image, "00A40400"], &[word]);
        refuses(&["sim", "--image", image], &[word]);
        assert_eq!(std::fs::read(image).unwrap(), bytes, "the file was changed");
    };
    blank();
    let good = std::fs::read(&image).unwrap();
    let mut spoiled = good.clone();
    spoiled[40] ^= 1;
    refused(&image, &spoiled, "damaged");
    let mut spoiled = good.clone();
    spoiled[1536 + 130] ^= 1;
    refused(&image, &spoiled, "damaged");
    refused(&image, &good[..good.len() / 2], "damaged");
    refused(&image, b"a letter to a friend", "not a card image");
    refused(&image, b"", "not a card image");
    #[cfg(unix)]
    refuses(&["apdu", "--image", "/dev/zero", "00A40400"], &["is not a file"]);
    std::fs::write(&image, &good).unwrap();
    refuses(&["sim", "--image", &image, "--preset", "certificate"], &["isoapplet", "certificate"]);
    assert_eq!(std::fs::read(&image).unwrap(), good);
}

#[cfg(unix)]
#[test]
fn an_image_belongs_to_its_owner_and_to_one_process() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let image = path(&dir, "card.img");
    let options = cardlab::image::ImageOptions { path: image.clone().into(), preset: None, seed: None, durable: true };
    let held = cardlab::image::open(&options).unwrap();
    assert_eq!(std::fs::metadata(&image).unwrap().permissions().mode() & 0o777, 0o600);
    refuses(&["apdu", "--image", &image, "00A40400"], &["in use by another cardlab"]);
    drop(held);
    assert!(cardlab(&["apdu", "--image", &image, "00A40400"]).status.success());
}

#[test]
fn an_image_keeps_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let image = path(&dir, "card.img");
    let options =
        cardlab::image::ImageOptions { path: image.clone().into(), preset: None, seed: Some(1), durable: false };
    drop(cardlab::image::open(&options).unwrap());
    let select = "00A404000CF276A288BCFBA69D34F31001";
    let set_pin = "0024010106313233343536";
    assert!(
        text(&cardlab(&["apdu", "--image", &image, select, set_pin]).stdout).contains("9000 (success)\n> 00240101")
    );
    let out = text(&cardlab(&["apdu", "--image", &image, select, "00200001 06 393939393939"]).stdout);
    assert!(out.contains("63C2 (wrong PIN, 2 tries left)"), "{out}");
    let out = text(&cardlab(&["apdu", "--image", &image, select, "0020000100"]).stdout);
    assert!(out.contains("63C2 (wrong PIN, 2 tries left)"), "{out}");
    assert!(Path::new(&image).exists());
}

#[test]
fn a_run_leaves_its_report_in_files() {
    let dir = tempfile::tempdir().unwrap();
    let [html, junit, json] = ["run.html", "run.xml", "run.json"].map(|name| path(&dir, name));
    let args = ["conform", "--case", "verify-*", "--html", &html, "--junit", &junit, "--json-report", &json];
    let ran = cardlab(&[&args[..], &["--operator", "Ada"]].concat());
    assert!(ran.status.success(), "{ran:?}");
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    assert!(read(&html).contains("Ada") && read(&html).contains("verify-"));
    assert!(read(&junit).starts_with("<?xml") && read(&junit).contains("<testsuite"));
    // The PIN of every case here, as characters and as digits.
    for text in [read(&html), read(&junit), read(&json)] {
        assert!(!text.contains("313233343536") && !text.contains("123456"), "a PIN in a report");
    }
    assert!(cardlab(&["conform", "verify-report", &json]).status.success());
    std::fs::write(&json, read(&json).replacen("Ada", "Eve", 1)).unwrap();
    assert_eq!(cardlab(&["conform", "verify-report", &json]).status.code(), Some(1));
    let nowhere = cardlab(&["conform", "--case", "verify-*", "--html", "/nowhere/run.html"]);
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("cannot write"), "{nowhere:?}");
}
