//! Quantiles, beside what Prometheus would say.

use serde_json::json;

use super::*;
use crate::prometheus::testing;

fn answer(rows: &[(&str, &str, f64)]) -> Answer {
    let rows: Vec<_> = rows
        .iter()
        .map(|(reporter, le, rate)| (json!({"reporter": reporter, "le": le}), *rate))
        .collect();
    testing::answer(&testing::vector(&rows))
}

#[test]
fn quantiles_as_prometheus_has_them() {
    // histogram_quantile(0.5, …) of these is 7.5, and 0.99 is in the last bucket: its bound.
    let buckets = vec![
        (1.0, 10.0),
        (5.0, 25.0),
        (10.0, 75.0),
        (f64::INFINITY, 100.0),
    ];
    assert_eq!(quantile(0.5, &buckets), Some(7.5));
    assert_eq!(quantile(0.99, &buckets), Some(10.0));
    assert_eq!(quantile(0.05, &buckets), Some(0.5));
    let without_end = vec![(1.0, 10.0), (5.0, 25.0)];
    assert_eq!(quantile(0.5, &without_end), None);
    let no_requests = vec![(1.0, 0.0), (f64::INFINITY, 0.0)];
    assert_eq!(quantile(0.5, &no_requests), None);
}

#[test]
fn one_mode_alone_compares_nothing() {
    let of = |reporter| {
        [
            (reporter, "+Inf", 10.0),
            (reporter, "5", 10.0),
            (reporter, "1", 0.0),
        ]
    };
    let rows = [
        ("nothing", vec![], 0),
        ("sidecars", [of("source"), of("destination")].concat(), 0),
        ("waypoints", of("waypoint").to_vec(), 0),
        ("both", [of("source"), of("waypoint")].concat(), 2),
    ];
    for (name, rows, expected) in rows {
        let found = latency(&answer(&rows)).unwrap();
        assert_eq!(found.len(), expected, "{name}");
        assert!(
            found
                .iter()
                .all(|one| one.p50 == 3.0 && one.requests_per_second == 10.0),
            "{name}"
        );
    }
}
