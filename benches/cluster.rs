//! What a create of a Pod costs at a real API server: `make bench-cluster`. Without a webhook, with meshmode, with a
//! MutatingAdmissionPolicy of the same rules, with the webhook in Go, with meshmode's server and a constant answer; and, with
//! a real istiod, of one that is injected and of one that meshmode keeps from it.
//!
//! Blocks of each in rounds whose order is shuffled; medians, and ratios within a round. Of the webhooks only the one that is
//! measured runs. `MESHMODE_BENCH_ROUNDS` says how many rounds.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark ends at the first failure, and prints"
)]

#[path = "compare/constant.rs"]
mod constant;
#[path = "cluster/load.rs"]
mod load;
#[path = "compare/samples.rs"]
mod samples;
#[path = "support/served.rs"]
#[allow(
    dead_code,
    reason = "shared with the other benchmarks of the serving process"
)]
mod served;
#[path = "support/shuffled.rs"]
mod shuffled;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "cluster/way.rs"]
mod way;

use std::time::Instant;

use self::samples::{Row, Samples, Spread};
use self::shuffled::shuffled;
use self::support::ControlPlane;
use self::support::istio::Istio;
use self::way::{Site, Way};

const ROUNDS: usize = 5;
/// Rounds with istiod.
const WITH_ISTIO: usize = 3;
/// Creates before what is measured: connections are opened, and what is registered is seen.
const WARM_UP: usize = 40;
const AT_RATE: usize = 200;
const SATURATED: usize = 200;

// What is measured.
const MEDIAN: &str = "median at 50/s, ms";
const P99: &str = "p99 at 50/s, ms";
const CREATES: &str = "creates a second, 8 at a time";
const CPU: &str = "CPU of the webhook a create, ms";
const RESIDENT: &str = "resident memory of the webhook, MiB";
const ROWS: [(&str, usize); 5] = [(MEDIAN, 2), (P99, 1), (CREATES, 0), (CPU, 3), (RESIDENT, 1)];

/// One figure beside another, and the most that it should be of it.
struct Goal(&'static str, Way, &'static str, Way, f64);

const GOALS: [Goal; 4] = [
    Goal("alone", Way::Meshmode, MEDIAN, Way::None, 1.45),
    Goal("alone", Way::Meshmode, MEDIAN, Way::Policy, 1.15),
    Goal("alone", Way::Meshmode, CPU, Way::Go, 1.0 / 7.0),
    Goal("istio", Way::Kept, MEDIAN, Way::Injected, 0.6),
];
/// The most CPU of ours a create, in milliseconds.
const MOST_CPU: f64 = 0.3;

fn main() {
    // The manifest lists this with harness = false: cargo also calls it as a test.
    if constant::ran() || std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let rounds = match std::env::var_os("MESHMODE_BENCH_ROUNDS") {
        Some(text) => text.to_string_lossy().parse().expect("a number"),
        None => ROUNDS,
    };
    let folder = tempfile::tempdir().expect("a folder");
    let site = Site::new(folder.path());
    let cluster = ControlPlane::start().await;
    site.register(&cluster).await;
    let mut samples = Samples::new();
    let start = Instant::now();
    for round in 0..rounds {
        for way in shuffled(Way::ALONE, round) {
            block(&cluster, &site, "alone", way, round, &mut samples).await;
        }
    }
    println!("{rounds} rounds took {} s.", start.elapsed().as_secs());
    table(&samples, "alone", &Way::ALONE);
    let istio = Istio::start(&cluster).await;
    for round in 0..rounds.min(WITH_ISTIO) {
        for way in shuffled(Way::WITH_ISTIO, round) {
            block(&cluster, &site, "istio", way, round, &mut samples).await;
        }
    }
    table(&samples, "istio", &Way::WITH_ISTIO);
    goals(&samples);
    drop(istio);
}

async fn block(
    cluster: &ControlPlane,
    site: &Site,
    of: &'static str,
    way: Way,
    round: usize,
    samples: &mut Samples<Way>,
) {
    let webhook = way.start(site, cluster).await;
    load::until_in_force(cluster, way).await;
    let client = cluster.client_that_tries_once();
    load::at_rate(&client, way, WARM_UP).await;
    let before = webhook.as_ref().map(way::Webhook::cpu);
    let took = load::at_rate(&client, way, AT_RATE).await;
    let mut add = |what, figure| samples.add(round, Row { of, what }, way, figure);
    if let Some((webhook, before)) = webhook.as_ref().zip(before) {
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let creates = AT_RATE as f64;
        add(CPU, (webhook.cpu() - before).as_secs_f64() * 1e3 / creates);
    }
    add(MEDIAN, took[took.len() / 2]);
    add(P99, took[took.len() * 99 / 100]);
    add(CREATES, load::saturated(&client, way, SATURATED).await);
    if let Some(webhook) = &webhook {
        add(RESIDENT, webhook.resident());
    }
    drop(webhook);
    load::clear(cluster, way).await;
}

fn table(samples: &Samples<Way>, of: &'static str, ways: &[Way]) {
    let names: Vec<_> = ways.iter().map(|way| way.as_str()).collect();
    println!(
        "\n| | {} |\n|---{}|",
        names.join(" | "),
        "|---".repeat(ways.len())
    );
    for (what, decimals) in ROWS {
        let row = Row { of, what };
        let cells = ways.iter().map(|way| {
            let spread = samples.of(row, *way);
            spread.map_or(
                "–".to_owned(),
                |Spread {
                     median,
                     least,
                     most,
                 }| {
                    format!("{median:.decimals$} ({least:.decimals$} to {most:.decimals$})")
                },
            )
        });
        let cells: Vec<_> = cells.collect();
        println!("| {what} | {} |", cells.join(" | "));
    }
}

fn goals(samples: &Samples<Way>) {
    println!("\n| | goal | result (all rounds) | |\n|---|---|---|---|");
    for Goal(of, one, what, other, most) in GOALS {
        let ratio = samples.ratio(Row { of, what }, one, other);
        let text = format!("{}, {what}, times that of {}", one.as_str(), other.as_str());
        result(&text, ratio, most);
    }
    let row = Row {
        of: "alone",
        what: CPU,
    };
    result(
        "meshmode, CPU a create, ms",
        samples.of(row, Way::Meshmode),
        MOST_CPU,
    );
}

fn result(text: &str, spread: Option<Spread>, most: f64) {
    let Some(Spread {
        median,
        least,
        most: worst,
    }) = spread
    else {
        return println!("| {text} | at most {most:.2} | not measured | |");
    };
    let met = if median <= most { "met" } else { "**missed**" };
    println!("| {text} | at most {most:.2} | {median:.2} ({least:.2} to {worst:.2}) | {met} |");
}
