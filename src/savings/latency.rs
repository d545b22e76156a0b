//! What is known of latency: figures that others published, and what was measured here. It is never money.

use super::account::{Latency, LatencyKind};
use super::measured::MeasuredLatency;

/// A published figure: what a path adds over none, at the 90th percentile, which is the one that all sources have.
struct Published {
    path: &'static str,
    /// In milliseconds.
    p90: f64,
    source: &'static str,
}

/// Istio's own figures are those of its page "Performance and Scalability" (docs/ops/deployment), as text: HTTP/1.1, 1 kB,
/// 1,000 requests a second, mutual TLS, two workers. Later versions of the page have charts without numbers.
const PUBLISHED: [Published; 5] = [
    Published {
        path: "two sidecars",
        p90: 0.228,
        source: "estimate: Istio 1.20, istio.io, Performance and Scalability",
    },
    Published {
        path: "two ztunnels, without waypoint",
        p90: 0.17,
        source: "estimate: Istio 1.22, istio.io, Performance and Scalability",
    },
    Published {
        path: "two sidecars",
        p90: 1.7,
        source: "estimate, old: Istio 1.12.3, Red Hat's OpenShift Service Mesh documents, Load test results",
    },
    Published {
        path: "two sidecars",
        p90: 0.63,
        source: "estimate, secondary: a blog that reads the charts of Istio 1.24's page",
    },
    Published {
        path: "two ztunnels, without waypoint",
        p90: 0.16,
        source: "estimate, secondary: a blog that reads the charts of Istio 1.24's page",
    },
];

/// What was measured, then what was published.
pub(super) fn latency(measured: &[MeasuredLatency]) -> Vec<Latency> {
    let published = PUBLISHED.iter().map(|published| Latency {
        path: published.path.to_owned(),
        kind: LatencyKind::Published,
        p50: None,
        high: Some(published.p90),
        high_percentile: Some(90.0),
        source: published.source.to_owned(),
    });
    measured.iter().map(seen).chain(published).collect()
}

/// A quantile of too few requests is no number.
fn seen(measured: &MeasuredLatency) -> Latency {
    let known = |quantile: f64| Some(quantile).filter(|quantile| quantile.is_finite());
    Latency {
        path: measured.seen_by.clone(),
        kind: LatencyKind::Measured,
        p50: known(measured.p50),
        high: known(measured.p99),
        high_percentile: Some(99.0),
        source: format!(
            "istio_request_duration_milliseconds over the window, {:.1} requests a second",
            measured.requests_per_second
        ),
    }
}
