//! What ztunnel does with a policy, with the requests that show it: over random policies from the generator of
//! the tests, from the policy's JSON to the effect.
//!
//! Beside criterion's mean over many policies it prints the median and the 99.9th percentile of single ones.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first failure, and prints"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use meshmode::authorization::enforcement::Bound;
use meshmode::authorization::{AuthorizationPolicy, Enforcement, Mesh, at_ztunnel};

#[path = "../tests/support/large.rs"]
mod large;
#[path = "../tests/support/policies.rs"]
mod policies;

const POLICIES: usize = 10_000;
/// How many of them criterion takes at a time.
const SAMPLE: usize = 200;

fn verdicts(criterion: &mut Criterion) {
    let policies = policies::sample(11, POLICIES);
    let texts: Vec<String> = policies.iter().map(ToString::to_string).collect();
    percentiles(&texts);
    bound();
    let mut group = criterion.benchmark_group("verdict");
    group.throughput(Throughput::Elements(SAMPLE as u64));
    group.bench_function("ztunnel", |bencher| {
        bencher.iter(|| {
            for text in texts.iter().take(SAMPLE) {
                black_box(verdict(black_box(text)));
            }
        });
    });
    group.finish();
}

fn percentiles(texts: &[String]) {
    let mut reached = 0;
    let mut times: Vec<Duration> = texts
        .iter()
        .map(|text| {
            let start = Instant::now();
            let enforcement = black_box(verdict(black_box(text)));
            let time = start.elapsed();
            reached += usize::from(enforcement.bound != Bound::Exhausted);
            time
        })
        .collect();
    times.sort();
    let at = |thousandth: usize| times[(times.len() - 1) * thousandth / 1000];
    println!(
        "verdict over {} random policies: median {:.1?}, 99th percentile {:.1?}, 99.9th {:.1?}, longest {:.1?}; \
         the bound was reached by {reached}",
        times.len(),
        at(500),
        at(990),
        at(999),
        at(1000),
    );
}

/// The policies that take longest, so that the stated bound has a time.
fn bound() {
    let policies = [
        ("500 principals", large::many_principals()),
        ("200 rules", large::many_rules()),
        ("300 rules of negations", large::many_negations()),
        ("40,000 alternatives", large::many_alternatives()),
    ];
    for (name, spec) in policies {
        let text = format!(r#"{{"metadata": {{"name": "large"}}, "spec": {spec}}}"#);
        let start = Instant::now();
        let enforcement = black_box(verdict(black_box(&text)));
        let time = start.elapsed();
        println!(
            "verdict on {name}: {time:.1?}, {:?}, {:?}",
            enforcement.effect, enforcement.bound
        );
    }
}

fn verdict(text: &str) -> Enforcement {
    let policy = AuthorizationPolicy::parse(text).expect("a policy");
    at_ztunnel(&policy, &Mesh::default())
}

criterion_group!(benches, verdicts);
criterion_main!(benches);
