//! What Envoys measured of latency: quantiles out of the buckets of `istio_request_duration_milliseconds`.

use std::collections::BTreeMap;

use super::answer::{Answer, Unread};
use crate::savings::measured::MeasuredLatency;

/// Requests a second up to each bound (`le`), in order.
type Buckets = Vec<(f64, f64)>;

/// Latency by who saw it; none unless there are waypoints and sidecars that did, because one alone compares nothing.
///
/// # Errors
/// The answer cannot be read.
pub(super) fn latency(answer: &Answer) -> Result<Vec<MeasuredLatency>, Unread> {
    let mut seen: BTreeMap<String, Buckets> = BTreeMap::new();
    answer.samples(|labels, _, rate| {
        if let Ok(bound) = labels.value("le").parse() {
            let buckets = seen.entry(labels.value("reporter").to_owned());
            buckets.or_default().push((bound, rate));
        }
    })?;
    let measured: Vec<MeasuredLatency> = seen
        .into_iter()
        .filter_map(|(reporter, buckets)| of(&reporter, buckets))
        .collect();
    let by_waypoint = |one: &&MeasuredLatency| one.seen_by.contains("waypoint");
    let waypoints = measured.iter().filter(by_waypoint).count();
    if waypoints == 0 || waypoints == measured.len() {
        return Ok(Vec::new());
    }
    Ok(measured)
}

fn of(reporter: &str, mut buckets: Buckets) -> Option<MeasuredLatency> {
    buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    Some(MeasuredLatency {
        seen_by: format!("reporter=\"{reporter}\""),
        requests_per_second: buckets.last()?.1,
        p50: quantile(0.5, &buckets)?,
        p99: quantile(0.99, &buckets)?,
    })
}

/// As `histogram_quantile` has it: linear inside of a bucket, and no more than the last bound.
fn quantile(of: f64, buckets: &Buckets) -> Option<f64> {
    let (last, all) = *buckets.last()?;
    if all <= 0.0 || last.is_finite() || buckets.len() < 2 {
        return None;
    }
    let rank = of * all;
    let at = buckets.iter().position(|(_, count)| *count >= rank)?;
    let (bound, count) = *buckets.get(at)?;
    let (from, before) = match at.checked_sub(1) {
        None => (0.0, 0.0),
        Some(before) => *buckets.get(before)?,
    };
    if !bound.is_finite() || count <= before {
        return Some(from);
    }
    Some(from + (bound - from) * (rank - before) / (count - before))
}

#[cfg(test)]
mod tests;
