//! Since when a kind of objects is not followed, Pods that nobody placed, and those left as facts were missing.

use std::fmt;
use std::sync::OnceLock;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Labels, fixed};

/// Pods by the class of their namespace; nothing where it is not known which Pods there are.
pub type Unplaced = Option<[(&'static str, usize); 3]>;

/// What is told of the cluster, beside the states of its watches.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    behind: Family<Labels<1>, Gauge>,
    unplaced: Family<Labels<1>, Gauge>,
    left: Counter,
    counting: Counting,
}

/// Counts when somebody asks for the metrics.
#[derive(Default)]
struct Counting(OnceLock<Box<Count>>);

type Count = dyn Fn() -> Unplaced + Send + Sync;

// === impl Cluster ===

impl Cluster {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "cluster_behind_since_timestamp_seconds",
            "Since when a kind of objects is not followed although it should be, in Unix time; 0 while it is",
            self.behind.clone(),
        );
        registry.register(
            "pods_without_placement",
            "Pods whose metadata shows neither a placement nor why they have none, by what their namespace asks for",
            self.unplaced.clone(),
        );
        registry.register(
            "left_for_missing_facts",
            "Pods left alone while something that rules read of the cluster was not known",
            self.left.clone(),
        );
    }

    pub(super) fn behind_since(&self, resource: &'static str, now: Timestamp) {
        let gauge = self.behind_of(resource);
        if gauge.get() == 0 {
            gauge.set(now.as_second());
        }
    }

    pub(super) fn not_behind(&self, resource: &'static str) {
        self.behind_of(resource).set(0);
    }

    pub(super) fn left_for_missing_facts(&self) {
        self.left.inc();
    }

    pub(super) fn count_by(&self, count: impl Fn() -> Unplaced + Send + Sync + 'static) {
        drop(self.counting.0.set(Box::new(count)));
    }

    /// Before the metrics are read.
    pub(super) fn count(&self) {
        let Some(counted) = self.counting.0.get().and_then(|count| count()) else {
            self.unplaced.clear();
            return;
        };
        for (class, pods) in counted {
            let labels = Labels([fixed("namespace_class", class)]);
            let gauge = self.unplaced.get_or_create(&labels);
            gauge.set(i64::try_from(pods).unwrap_or(i64::MAX));
        }
    }

    fn behind_of(&self, resource: &'static str) -> Gauge {
        let labels = Labels([fixed("resource", resource)]);
        self.behind.get_or_create_owned(&labels)
    }
}

// === impl Counting ===

impl fmt::Debug for Counting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Counting")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::Metrics;
    use super::*;

    const BEHIND: &str = "meshmode_cluster_behind_since_timestamp_seconds{resource=\"pods\"} ";

    #[test]
    fn the_first_moment_counts_until_it_is_followed_again() {
        let metrics = Metrics::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        metrics.behind_since("pods", at(100));
        metrics.behind_since("pods", at(200));
        assert!(metrics.to_text().contains(&format!("{BEHIND}100\n")));
        metrics.not_behind("pods");
        assert!(metrics.to_text().contains(&format!("{BEHIND}0\n")));
        metrics.behind_since("pods", at(300));
        assert!(metrics.to_text().contains(&format!("{BEHIND}300\n")));
    }

    #[test]
    fn pods_are_counted_when_somebody_asks() {
        let metrics = Metrics::default();
        let series = "pods_without_placement{";
        assert!(!metrics.to_text().contains(series), "without a cluster");
        let asked = AtomicUsize::new(0);
        metrics.count_unplaced_by(move || match asked.fetch_add(1, Ordering::Relaxed) {
            1 => None,
            pods => Some([("enabled", pods), ("observe", 7), ("other", 0)]),
        });
        let enabled = "meshmode_pods_without_placement{namespace_class=\"enabled\"} ";
        assert!(metrics.to_text().contains(&format!("{enabled}0\n")));
        assert!(
            !metrics.to_text().contains(series),
            "it is not known for a while"
        );
        assert!(metrics.to_text().contains(&format!("{enabled}2\n")));
    }
}
