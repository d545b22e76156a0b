//! As many reviews as a server answers: `h2load --h1`, which is cheaper than what it asks, on 25 kept connections.

use std::path::Path;
use std::process::Command;

use crate::open_loop::CONNECTIONS;

/// Ends with the name of what is missing.
pub(crate) fn is_there() {
    let found = Command::new("h2load").arg("--version").output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "h2load is not on the PATH: install it (Debian: nghttp2-client)"
    );
}

/// Sends the review in a file so often; gives how many were answered a second.
pub(crate) fn run(url: &str, review: &Path, count: u64) -> f64 {
    let output = Command::new("h2load")
        .args(["--h1", "--threads=1"])
        .arg(format!("--clients={CONNECTIONS}"))
        .arg(format!("--requests={count}"))
        // What an API server and a server agree on.
        .arg("--tls13-ciphers=TLS_AES_128_GCM_SHA256")
        .arg("--header=content-type: application/json")
        .arg(format!("--data={}", review.display()))
        .arg(url)
        .output()
        .expect("h2load");
    let text = String::from_utf8_lossy(&output.stdout);
    let all = format!("status codes: {count} 2xx");
    assert!(text.contains(&all), "not all were answered: {text}");
    let rate = text.lines().find_map(|line| {
        let (_, rest) = line.strip_prefix("finished in ")?.split_once(", ")?;
        rest.split_once(" req/s")?.0.parse().ok()
    });
    rate.unwrap_or_else(|| panic!("no rate in {text}"))
}
