//! RSA-2048 in the process: signatures against `openssl speed`, and what the card adds around its provider.

use crate::report::{Report, Row};
use benches::cards::personalised;
use benches::commands::{CHOOSE_GENERATION, GENERATE, SIGN, must};
use benches::stats::{Samples, interleave};
use benches::timed::Timed;
use card_os::crypto::rsa::{Rsa, SoftRsa};
use card_os::preset::Preset;
use card_os::sim::SimCard;
use rsa_host::HostRsa;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const KEYS: usize = 15;
const SIGNATURES: usize = 500;

pub(crate) fn measure(report: &mut Report, rounds: usize) {
    overhead(report);
    against_openssl(report, "aws-lc", HostRsa, rounds, Some(1.15));
    against_openssl(report, "rsa crate", SoftRsa, rounds, None);
}

/// What the card adds to generation and signature, whatever the provider takes.
fn overhead(report: &mut Report) {
    let timed = Timed::<HostRsa>::default();
    let spent = timed.spent.clone();
    let mut measured = personalised(&Preset::isoapplet(), timed);
    let around = |card: &mut SimCard<Timed<HostRsa>>, command: &[u8], total: &mut Samples| {
        spent.reset();
        let start = Instant::now();
        must(card, command);
        let taken = start.elapsed();
        total.push_shared(taken, 1);
        taken.saturating_sub(spent.take())
    };
    let [mut generation, mut generation_total] = [Samples::default(), Samples::default()];
    for _ in 0..KEYS {
        must(&mut measured.card, CHOOSE_GENERATION);
        generation.push_shared(around(&mut measured.card, GENERATE, &mut generation_total), 1);
    }
    measured.generate_key();
    let [mut signing, mut signing_total] = [Samples::default(), Samples::default()];
    for _ in 0..SIGNATURES {
        signing.push_shared(around(&mut measured.card, SIGN, &mut signing_total), 1);
    }
    let row = |what, samples: &Samples, unit, scale| {
        let summary = samples.summary();
        Row::new(what, summary.median_ns / scale, unit).with_p95(summary.p95_ns / scale)
    };
    report.push(row("RSA-2048 generation on the card", &generation_total, "ms", 1e6));
    report.push(row("generation, around the provider", &generation, "ms", 1e6).at_most(1.0));
    report.push(row("PSO RSA-2048, timed provider", &signing_total, "us", 1e3));
    report.push(row("PSO, around the provider", &signing, "us", 1e3).at_most(50.0));
}

fn against_openssl<R: Rsa + Send>(report: &mut Report, name: &str, rsa: R, rounds: usize, times: Option<f64>) {
    let what = format!("PSO RSA-2048, {name}, against openssl speed");
    let mut measured = personalised(&Preset::isoapplet(), rsa);
    measured.generate_key();
    let mut failure = None;
    let sign = |samples: &mut Samples| {
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            samples.time(|| must(&mut measured.card, SIGN));
        }
    };
    let openssl = |samples: &mut Samples| match openssl_signature_ns() {
        Ok(nanoseconds) => samples.push(nanoseconds),
        Err(reason) => failure = Some(reason),
    };
    let [ours, theirs] = interleave(rounds, sign, openssl);
    let row = Row::new(what, ours.median_ns / 1e3, "us").with_p95(ours.p95_ns / 1e3);
    match (failure, times) {
        (Some(reason), _) => {
            report.push(row);
            report.skip("openssl speed rsa2048", reason);
        }
        (None, Some(times)) => report.push(row.within(times, theirs.median_ns / 1e3)),
        (None, None) => report.push(row.against(theirs.median_ns / 1e3)),
    }
}

/// Time of one signature of `openssl speed`, by the wall clock like ours.
fn openssl_signature_ns() -> Result<f64, String> {
    let output = Command::new("openssl")
        .args(["speed", "-elapsed", "-mr", "-seconds", "1", "rsa2048"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_openssl(&text).ok_or_else(|| String::from("its output has no line +F2 for 2048 bits"))
}

/// The line `+F2:NUMBER:2048:SIGNATURES PER SECOND:…`.
fn parse_openssl(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with("+F2:") && line.split(':').nth(2) == Some("2048"))?;
    let rate: f64 = line.split(':').nth(3)?.parse().ok()?;
    (rate > 0.0).then_some(1e9 / rate)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_line_of_openssl_is_understood() {
        let text = "+DTP:2048:private:rsa:1\n+R1:1250:2048:1.00\n+F2:2:2048:1250.000000:48302.000000\n";
        assert_eq!(super::parse_openssl(text), Some(800_000.0));
        assert_eq!(super::parse_openssl("Doing 2048 bits"), None);
        assert_eq!(super::parse_openssl("+F2:2:2048:0.000000:0.000000"), None);
    }
}
