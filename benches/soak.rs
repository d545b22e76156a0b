//! `make soak`: an hour of reviews at a fixed rate over TLS, while the certificate is renewed and the configuration
//! changes again and again. Memory, descriptors, threads and tasks of the process must stay flat, and no review may
//! fail; the exit code says whether they did.
//!
//! `MESHMODE_SOAK_SECONDS` shortens it: the slope of a few minutes says little.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "it ends at the first failure, and prints"
)]

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use meshmode::config::DEFAULT;
use meshmode::tls::{Issued, Overwrite, Subjects, Validity, issue, renew, write, write_leaf};
use rustls::ClientConfig;

use served::{Server, Stream, client, connect, get, send};

#[path = "support/served.rs"]
#[allow(
    dead_code,
    clippy::panic,
    reason = "shared with the benchmark of the server; it ends at the first failure"
)]
mod served;

/// Reviews a second.
const RATE: u32 = 300;
/// Connections that are kept, as the API server keeps up to 25.
const CONNECTIONS: u32 = 10;
/// How many reviews a connection has before a new one takes its place: every 20 s.
const REVIEWS_OF_A_CONNECTION: u32 = 600;
/// How often the certificate is renewed, or the configuration changed, in turns.
const CHANGE: Duration = Duration::from_secs(5);
const HOUR: u64 = 3600;
/// What memory may grow by in an hour, in KiB.
const MAX_SLOPE: f64 = 1024.0;
/// What the mean of a count may grow by from the first to the last quarter after warm-up.
const MAX_DRIFT: f64 = 2.0;

/// Recorded reviews, and where they go.
const REVIEWS: [(&str, &[u8]); 5] = [
    (
        "/mutate/pods",
        include_bytes!("../tests/data/reviews/pod-small.json"),
    ),
    (
        "/mutate/pods",
        include_bytes!("../tests/data/reviews/pod-usual.json"),
    ),
    (
        "/mutate/pods",
        include_bytes!("../tests/data/reviews/pod-large.json"),
    ),
    (
        "/validate/authorizationpolicies",
        include_bytes!("../tests/data/reviews/policy-l7-deny.json"),
    ),
    (
        "/observe/pods",
        include_bytes!("../tests/data/reviews/pod-explicit-choice.json"),
    ),
];

/// What the process had at one moment.
struct Sample {
    at: Duration,
    resident_kib: u64,
    descriptors: u64,
    threads: u64,
    tasks: u64,
}

/// What happened in all.
#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    failed: AtomicU64,
    changes: AtomicU64,
}

fn main() -> ExitCode {
    // The manifest lists this with harness = false: cargo also calls it as a test.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let seconds = option("MESHMODE_SOAK_SECONDS").unwrap_or(HOUR);
    let whole = Duration::from_secs(seconds);
    let warm_up = (whole / 4).min(Duration::from_secs(600));
    let folder = tempfile::tempdir().expect("a folder");
    let subjects = Subjects::parse(["127.0.0.1"]).expect("a subject");
    let issued = issue(&subjects, Validity::default(), jiff::Timestamp::now());
    let issued = issued.expect("certificates");
    write(folder.path(), &issued, Overwrite::Refuse).expect("files");
    let configuration = folder.path().join("config.yaml");
    std::fs::write(&configuration, DEFAULT).expect("a file");
    let configuration = configuration.to_str().expect("a path");
    let flags = [
        "--cluster=off",
        "--reload-interval=1s",
        "--config",
        configuration,
    ];
    let server = Server::start(folder.path(), &flags);
    println!(
        "{RATE} reviews a second for {seconds} s, of which {} s are warm-up",
        warm_up.as_secs()
    );
    let (counts, over) = (Counts::default(), AtomicBool::new(false));
    let tls = client(&issued.authority.cert_pem);
    let samples = thread::scope(|scope| {
        for lane in 0..CONNECTIONS {
            let (server, tls, counts, over) = (&server, &tls, &counts, &over);
            scope.spawn(move || reviews(server, tls, lane, counts, over));
        }
        scope.spawn(|| changes(folder.path(), &issued, &subjects, &counts, &over));
        let samples = watched(&server, whole, &counts);
        over.store(true, Ordering::Relaxed);
        samples
    });
    judged(&samples, warm_up, &counts)
}

/// One connection's share of the reviews, each at its time: an open loop.
fn reviews(
    server: &Server,
    tls: &Arc<ClientConfig>,
    lane: u32,
    counts: &Counts,
    over: &AtomicBool,
) {
    let every = Duration::from_secs(1) * CONNECTIONS / RATE;
    let start = Instant::now() + every * lane / CONNECTIONS;
    let mut stream: Option<Stream> = None;
    for turn in 0.. {
        thread::sleep((start + every * turn).saturating_duration_since(Instant::now()));
        if over.load(Ordering::Relaxed) {
            return;
        }
        if turn % REVIEWS_OF_A_CONNECTION == lane * REVIEWS_OF_A_CONNECTION / CONNECTIONS {
            stream = None;
        }
        let (path, review) = REVIEWS[(turn + lane) as usize % REVIEWS.len()];
        let sent = one(&mut stream, server, tls, path, review);
        if let Err(error) = sent {
            println!("a review failed: {error}");
            counts.failed.fetch_add(1, Ordering::Relaxed);
            stream = None;
        } else {
            counts.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn one(
    kept: &mut Option<Stream>,
    server: &Server,
    tls: &Arc<ClientConfig>,
    path: &str,
    review: &[u8],
) -> io::Result<()> {
    let stream = match kept {
        Some(stream) => stream,
        None => kept.insert(connect(server.webhook, tls)?),
    };
    send(stream, path, review)
}

/// Renews the certificate and changes the configuration, in turns.
fn changes(
    folder: &Path,
    issued: &Issued,
    subjects: &Subjects,
    counts: &Counts,
    over: &AtomicBool,
) {
    let year = Validity::default().leaf;
    let file = folder.join("config.yaml");
    let start = Instant::now();
    for turn in 1.. {
        while Instant::now() < start + CHANGE * turn {
            if over.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        if turn % 2 == 0 {
            let leaf = renew(&issued.authority, subjects, year, jiff::Timestamp::now());
            write_leaf(folder, &leaf.expect("a leaf"), Overwrite::Force).expect("files");
        } else {
            // A new file in the place of the old one, never half of it.
            let new = folder.join("config.new");
            std::fs::write(&new, format!("{DEFAULT}\n# {turn}\n")).expect("a file");
            std::fs::rename(&new, &file).expect("a file");
        }
        counts.changes.fetch_add(1, Ordering::Relaxed);
    }
}

/// Looks at the process, about 700 times in all, and prints twenty of them.
fn watched(server: &Server, whole: Duration, counts: &Counts) -> Vec<Sample> {
    let start = Instant::now();
    let every = (whole / 720).max(Duration::from_millis(250));
    let mut samples: Vec<Sample> = Vec::new();
    while start.elapsed() < whole {
        thread::sleep(every);
        let sample = Sample::of(server, start.elapsed());
        if samples.len().is_multiple_of(36) {
            println!(
                "{sample}, {} answered",
                counts.answered.load(Ordering::Relaxed)
            );
        }
        samples.push(sample);
    }
    samples
}

impl Sample {
    fn of(server: &Server, at: Duration) -> Self {
        let descriptors = std::fs::read_dir(server.proc("fd")).expect("Linux");
        let metrics = get(server.status, "/metrics").expect("metrics");
        let tasks = metrics
            .lines()
            .find_map(|line| line.strip_prefix("meshmode_tasks "));
        Self {
            at,
            resident_kib: server.status_of("VmRSS"),
            descriptors: descriptors.count() as u64,
            threads: server.status_of("Threads"),
            tasks: tasks.and_then(|tasks| tasks.parse().ok()).expect("tasks"),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>5} s: {} KiB, {} descriptors, {} threads, {} tasks",
            self.at.as_secs(),
            self.resident_kib,
            self.descriptors,
            self.threads,
            self.tasks
        )
    }
}

/// Prints the figures, and whether they are within their bounds.
fn judged(samples: &[Sample], warm_up: Duration, counts: &Counts) -> ExitCode {
    let after: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.at >= warm_up)
        .collect();
    let slope = slope(&after);
    let drift = |name: &str, value: &dyn Fn(&Sample) -> u64| {
        let drift = drift(&after, value);
        println!("{name}: {drift:+.2} from the first to the last quarter (at most {MAX_DRIFT})");
        drift <= MAX_DRIFT
    };
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (answered, failed) = (load(&counts.answered), load(&counts.failed));
    println!(
        "reviews: {answered} answered, {failed} failed; {} changes",
        load(&counts.changes)
    );
    println!("memory: {slope:+.0} KiB an hour (at most {MAX_SLOPE})");
    let flat = [
        slope <= MAX_SLOPE,
        drift("descriptors", &|sample| sample.descriptors),
        drift("threads", &|sample| sample.threads),
        drift("tasks", &|sample| sample.tasks),
    ];
    if flat.contains(&false) || failed > 0 || answered == 0 {
        println!("FAILED");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// KiB an hour, by least squares.
#[expect(clippy::cast_precision_loss, reason = "some thousand KiB")]
fn slope(samples: &[&Sample]) -> f64 {
    let count = samples.len().max(1) as f64;
    let hours = |sample: &Sample| sample.at.as_secs_f64() / HOUR as f64;
    let mean_at = samples.iter().map(|sample| hours(sample)).sum::<f64>() / count;
    let mean = samples
        .iter()
        .map(|sample| sample.resident_kib as f64)
        .sum::<f64>()
        / count;
    let (mut above, mut below) = (0.0, f64::MIN_POSITIVE);
    for sample in samples {
        let off = hours(sample) - mean_at;
        above += off * (sample.resident_kib as f64 - mean);
        below += off * off;
    }
    above / below
}

/// By how much the mean of the last quarter is above that of the first.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn drift(samples: &[&Sample], value: &dyn Fn(&Sample) -> u64) -> f64 {
    let quarter = (samples.len() / 4).max(1);
    let mean = |part: &[&Sample]| {
        part.iter().map(|sample| value(sample)).sum::<u64>() as f64 / part.len().max(1) as f64
    };
    let last = &samples[samples.len().saturating_sub(quarter)..];
    mean(last) - mean(&samples[..quarter.min(samples.len())])
}

/// A number in the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark has no flags: cargo has them"
)]
fn option(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}
