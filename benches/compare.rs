//! meshmode beside what it could be at best, a constant answer of the same server, and beside the users' alternative, a
//! webhook in Go as the kubebuilder book teaches it: `make bench`.
//!
//! Each on the same core, and who asks on another: as many reviews as it answers, and how long answers take at a fixed
//! rate. Rounds in which the order is shuffled; medians, and ratios within a round. `MESHMODE_BENCH_ROUNDS` says how
//! many; with 0 it only sees that the two webhooks do the same.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark ends at the first failure, and prints"
)]

#[path = "compare/constant.rs"]
mod constant;
#[path = "compare/h2load.rs"]
mod h2load;
#[path = "compare/in_turn.rs"]
mod in_turn;
#[path = "compare/open_loop.rs"]
mod open_loop;
#[path = "compare/same.rs"]
mod same;
#[path = "compare/samples.rs"]
mod samples;
#[path = "support/served.rs"]
#[allow(
    dead_code,
    reason = "shared with the benchmark of the server and the soak test"
)]
mod served;
#[path = "support/shuffled.rs"]
mod shuffled;
#[path = "compare/size.rs"]
mod size;
#[path = "compare/subject.rs"]
mod subject;
#[path = "compare/table.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use meshmode::tls::{Overwrite, Subjects, Validity, issue, write};

use self::open_loop::Client;
use self::samples::{Row, Samples};
use self::shuffled::shuffled;
use self::subject::{Running, Site, Subject};

/// A recorded review.
#[derive(Clone, Copy)]
struct Review {
    name: &'static str,
    file: &'static str,
    bytes: &'static [u8],
}

macro_rules! review {
    ($name:literal) => {
        Review {
            name: $name,
            file: concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/data/reviews/pod-",
                $name,
                ".json"
            ),
            bytes: include_bytes!(concat!("../tests/data/reviews/pod-", $name, ".json")),
        }
    };
}

const REVIEWS: [Review; 2] = [review!("small"), review!("large")];

/// A second: of the API server of a large cluster at its busiest, and what the Go webhook answers of the large review.
const RATES: [u32; 2] = [2000, 500];

// What is measured.
const PROCESS: &str = "";
/// What a core would do that does nothing else. By the clock it is the load generator's core that bounds meshmode.
const PER_CORE: &str = "reviews a second of CPU";
const SATURATED: &str = "reviews a second by the clock";
const BUSY: &str = "share of its core, waking h2load";
const BUSY_ALONE: &str = "share of its core";
const CPU: &str = "CPU per 1,000 reviews, ms";
const CPU_WAKING: &str = "CPU per 1,000 reviews, waking h2load, ms";
const CPU_AT_RATE: &str = "CPU per 1,000 reviews at 2,000/s, ms";
const AT_RATE: [[&str; 3]; 2] = [
    [
        "p50 at 2,000/s, ms",
        "p99 at 2,000/s, ms",
        "p99.9 at 2,000/s, ms",
    ],
    ["p50 at 500/s, ms", "p99 at 500/s, ms", "p99.9 at 500/s, ms"],
];
/// Answers of 1000 that take longer than those.
const BEYOND: [usize; 3] = [500, 10, 1];
const RESIDENT: &str = "resident memory after that, MiB";
const FIRST_ANSWER: &str = "start to first answer, ms";

const ROUNDS: usize = 7;
/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(2);
/// Reviews before what is measured.
const WARM_UP: u64 = 2000;

fn main() {
    // The manifest lists this with harness = false: cargo also calls it as a test.
    if constant::ran() || std::env::args().any(|argument| argument == "--test") {
        return;
    }
    h2load::is_there();
    subject::on_the_client_core();
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(folder.path());
    println!(
        "The two webhooks do the same to {} Pods.",
        same::agree(&site)
    );
    let rounds = match std::env::var_os("MESHMODE_BENCH_ROUNDS") {
        Some(text) => text.to_string_lossy().parse().expect("a number"),
        None => ROUNDS,
    };
    if rounds == 0 {
        return;
    }
    let start = Instant::now();
    let mut samples = Samples::new();
    for number in 0..rounds {
        for subject in shuffled(Subject::ALL, number) {
            round(&site, number, subject, &mut samples);
        }
        in_turn::round(&site, number, &mut samples);
    }
    let sizes = [Subject::Meshmode, Subject::Go]
        .map(|one| (one, size::of(&one.binary(&site), folder.path())));
    println!("{rounds} rounds took {} s.", start.elapsed().as_secs());
    table::print(&samples, &sizes);
}

fn site(folder: &Path) -> Site {
    let subjects = Subjects::parse(["127.0.0.1"]).expect("a subject");
    let issued =
        issue(&subjects, Validity::default(), jiff::Timestamp::now()).expect("certificates");
    write(folder, &issued, Overwrite::Refuse).expect("files");
    let peers =
        std::env::var_os("MESHMODE_PEERS_BIN").expect("MESHMODE_PEERS_BIN: run `make bench`");
    Site {
        folder: folder.to_owned(),
        tls: served::client(&issued.authority.cert_pem),
        peers: PathBuf::from(peers).join("peers"),
    }
}

/// All that is measured of one of them in a round: a process of its own.
fn round(site: &Site, number: usize, subject: Subject, samples: &mut Samples<Subject>) {
    let server = subject.start(site, REVIEWS[0].bytes);
    let mut add =
        |review, what, figure| samples.add(number, Row { of: review, what }, subject, figure);
    add(PROCESS, FIRST_ANSWER, milliseconds(server.first_answer));
    for review in shuffled(REVIEWS, number) {
        let rate = saturated(&server, site, review, &mut add);
        for (wanted, rows) in RATES.into_iter().zip(AT_RATE) {
            // With some room: what is nearly saturated has no latency of its own.
            if f64::from(wanted) * 1.1 < rate {
                at_rate(&server, site, review, wanted, rows, &mut add);
            }
        }
    }
    add(PROCESS, RESIDENT, server.resident());
}

/// Gives how many it answers a second.
fn saturated(
    server: &Running,
    site: &Site,
    review: Review,
    add: &mut impl FnMut(&'static str, &'static str, f64),
) -> f64 {
    let (url, file) = (server.url(), Path::new(review.file));
    let warm = h2load::run(&url, file, WARM_UP);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate"
    )]
    let count = ((warm * LOAD.as_secs_f64()) as u64).max(WARM_UP);
    let (before, start) = (server.cpu(), Instant::now());
    let rate = h2load::run(&url, file, count);
    let (cpu, took) = (server.cpu() - before, start.elapsed());
    add(review.name, SATURATED, rate);
    add(review.name, BUSY, cpu.as_secs_f64() / took.as_secs_f64());
    let waking = per_thousand(cpu, count);
    add(review.name, PER_CORE, 1e6 / waking);
    add(review.name, CPU_WAKING, waking);
    let request = served::request(&server.path(), review.bytes);
    let (before, start) = (server.cpu(), Instant::now());
    let mut client = Client::of(server, &site.tls).expect("handshakes");
    client.saturated(&request, count).expect("answers");
    let (cpu, took) = (server.cpu() - before, start.elapsed());
    add(review.name, CPU, per_thousand(cpu, count));
    add(
        review.name,
        BUSY_ALONE,
        cpu.as_secs_f64() / took.as_secs_f64(),
    );
    rate
}

fn at_rate(
    server: &Running,
    site: &Site,
    review: Review,
    rate: u32,
    rows: [&'static str; 3],
    add: &mut impl FnMut(&'static str, &'static str, f64),
) {
    let request = served::request(&server.path(), review.bytes);
    let before = server.cpu();
    let mut client = Client::of(server, &site.tls).expect("handshakes");
    let latencies = client.run(&request, rate, LOAD).expect("answers");
    let cpu = server.cpu() - before;
    if rate == RATES[0] {
        let count = u64::try_from(latencies.count()).expect("a count");
        add(review.name, CPU_AT_RATE, per_thousand(cpu, count));
    }
    for (row, beyond) in rows.into_iter().zip(BEYOND) {
        add(review.name, row, latencies.beyond(beyond));
    }
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn per_thousand(cpu: Duration, count: u64) -> f64 {
    milliseconds(cpu) * 1e3 / count as f64
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

// === impl Review ===

impl Review {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    fn kilobytes(self) -> f64 {
        self.bytes.len() as f64 / 1e3
    }
}
