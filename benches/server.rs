//! The life of the serving process: start to ready, the first review after that, memory at rest, and load on
//! a real TLS socket (client and server share the machine's cores).
//!
//! It starts the released binary again and again, and prints the median and the worst. Not a criterion
//! benchmark: what is measured happens once a process.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first failure, and prints"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use meshmode::tls::{Overwrite, Subjects, Validity, issue, write};
use rustls::ClientConfig;

use served::{Server, Stream, client, connect};

#[path = "support/served.rs"]
#[allow(
    dead_code,
    clippy::panic,
    reason = "shared with the soak test; a benchmark ends at the first failure"
)]
mod served;

const RUNS: usize = 20;
/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(3);
const REVIEW: &[u8] = include_bytes!("../tests/data/reviews/pod-usual.json");

struct Run {
    ready: Duration,
    first_review: Duration,
    second_review: Duration,
    resident_kib: u64,
}

fn main() {
    // The manifest lists this with harness = false: cargo also calls it as a test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let now = jiff::Timestamp::now();
    let subjects = Subjects::parse(["127.0.0.1"]).expect("a subject");
    let issued = issue(&subjects, Validity::default(), now).expect("certificates");
    write(folder.path(), &issued, Overwrite::Refuse).expect("files");
    let tls = client(&issued.authority.cert_pem);
    let runs: Vec<Run> = (0..RUNS).map(|_| run(folder.path(), &tls)).collect();
    let print = |name: &str, unit: &str, value: &dyn Fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        println!(
            "{name:<22} median {:>7.2} {unit}, worst {:>7.2} {unit}",
            values[RUNS / 2],
            values[RUNS - 1]
        );
    };
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    print("start to ready", "ms", &|run| ms(run.ready));
    print("first review", "ms", &|run| ms(run.first_review));
    print("second review", "ms", &|run| ms(run.second_review));
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    print("resident memory", "MiB", &|run| {
        run.resident_kib as f64 / 1024.0
    });
    under_load(folder.path(), &tls);
}

fn under_load(certs: &Path, tls: &Arc<ClientConfig>) {
    let server = Server::start(certs, &[]);
    for connections in [1, 8, 64] {
        let mut latencies = load(server.webhook, tls, connections);
        latencies.sort();
        let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
        println!(
            "{connections:>2} connections: {:>6} reviews a second, p50 {:?}, p99 {:?}, resident {} KiB",
            latencies.len() as u64 / LOAD.as_secs(),
            at(50),
            at(99),
            server.status_of("VmRSS"),
        );
    }
}

fn run(certs: &Path, tls: &Arc<ClientConfig>) -> Run {
    let server = Server::start(certs, &[]);
    let resident_kib = server.status_of("VmRSS");
    let first_review = review(server.webhook, tls);
    let second_review = review(server.webhook, tls);
    Run {
        ready: server.ready,
        first_review,
        second_review,
        resident_kib,
    }
}

/// A review on a connection of its own, handshake included.
fn review(address: SocketAddr, tls: &Arc<ClientConfig>) -> Duration {
    let start = Instant::now();
    send(&mut connect(address, tls).expect("the server"));
    start.elapsed()
}

/// A review on a connection that is kept.
fn send(stream: &mut Stream) {
    served::send(stream, "/mutate/pods", REVIEW).expect("an answer");
}

/// Reviews on so many kept connections at once, for [`LOAD`].
fn load(address: SocketAddr, tls: &Arc<ClientConfig>, connections: usize) -> Vec<Duration> {
    let end = Instant::now() + LOAD;
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = connect(address, tls).expect("the server");
                    let mut latencies = Vec::new();
                    while Instant::now() < end {
                        let start = Instant::now();
                        send(&mut stream);
                        latencies.push(start.elapsed());
                    }
                    latencies
                })
            })
            .collect();
        let latencies = senders
            .into_iter()
            .map(|sender| sender.join().expect("a sender"));
        latencies.flatten().collect()
    })
}
