//! The page in a browser: on the screen and on paper.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use card_conformance::report::html;

use super::{kept, sample};

const LIMIT: Duration = Duration::from_secs(120);

fn chromium() -> Option<PathBuf> {
    let missing = |_| testkit::Unavailable::new("chromium is not installed: apt-get install chromium");
    let found = testkit::find_program("chromium").or_else(|_| testkit::find_program("chromium-browser"));
    testkit::require_or_skip(found.map_err(missing))
}

/// Runs the browser without a network and without anything of an earlier run.
fn browse(program: &Path, words: &[String], page: &Path) -> String {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--force-device-scale-factor=1"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .env("HOME", profile.path())
        .args(words)
        .arg(format!("file://{}", page.canonicalize().unwrap().display()));
    let output = testkit::run_bounded(&mut command, LIMIT);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn page(name: &str, large: bool) -> PathBuf {
    let record = if large { sample::large(false) } else { sample::record() };
    let file = kept(name);
    std::fs::write(&file, html::write(&record).unwrap()).unwrap();
    file
}

/// Width and height in the header of a PNG.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "no PNG");
    let number = |at: usize| u32::from_be_bytes(*bytes[at..].first_chunk().unwrap());
    (number(16), number(20))
}

#[test]
fn the_page_is_drawn() {
    let Some(chromium) = chromium() else { return };
    let shot = kept("screen.png");
    let _ = std::fs::remove_file(&shot);
    let words = ["--window-size=1200,3600".to_owned(), format!("--screenshot={}", shot.display())];
    browse(&chromium, &words, &page("screen.html", false));
    let bytes = std::fs::read(&shot).unwrap();
    assert_eq!(png_size(&bytes), (1200, 3600));
    // An empty page of this size is compressed to some twenty kilobytes.
    assert!(bytes.len() > 150_000, "the picture is nearly empty: {} bytes", bytes.len());
}

#[test]
fn the_browser_finds_what_is_written() {
    let Some(chromium) = chromium() else { return };
    let dom = browse(&chromium, &["--dump-dom".to_owned()], &page("dom.html", false));
    for part in [
        "<p class=\"word\">Failed</p>",
        "Subscriber card, batch 7",
        "&lt;script&gt;alert(\"1\")&lt;/script&gt; &amp; 'quotes' ]]&gt; 証明書",
        "id=\"case-select-after-generate\"",
        "public key template",
        "wrong PIN, 3 tries left",
        "Signature",
    ] {
        assert!(dom.contains(part), "{part}");
    }
    // The page's own script ran, and no other.
    assert!(dom.contains("<p id=\"filter\">"), "the filter is still hidden");
    assert_eq!(dom.matches("<script>").count(), 1);
}

#[test]
fn a_large_page_is_printed() {
    let Some(chromium) = chromium() else { return };
    let paper = kept("paper.pdf");
    let _ = std::fs::remove_file(&paper);
    let words = [format!("--print-to-pdf={}", paper.display()), "--no-pdf-header-footer".to_owned()];
    browse(&chromium, &words, &page("paper.html", true));
    let bytes = std::fs::read(&paper).unwrap();
    assert!(bytes.starts_with(b"%PDF-") && bytes.len() > 50_000, "{}", bytes.len());
    let pages = bytes.windows(11).filter(|part| part == b"/Type /Page").count();
    assert!(pages > 5, "{pages}");
}
