//! The metrics, for Prometheus. Label sets are closed (rules are bounded by the configuration): no label
//! holds what a Pod's author can choose.

mod certificate;
mod cluster;
mod configuration;
mod labels;
mod runtime;
mod traffic;
mod words;

use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::runtime::Handle;

use self::certificate::Certificate;
use self::cluster::Cluster;
use self::configuration::Configuration;
use self::labels::{Labels, Value, fixed};
use self::runtime::Runtime;

pub use self::cluster::Unplaced;
pub use self::traffic::Traffic;
pub use self::words::{Ended, Handshake, Outcome, Overload, Reload, Reloaded};

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reviews: Family<Labels<3>, Counter>,
    duration: Family<Labels<1>, Histogram, fn() -> Histogram>,
    placements: Family<Labels<3>, Counter>,
    verdicts: Family<Labels<3>, Counter>,
    panics: Counter,
    reloads: Family<Labels<2>, Counter>,
    configuration: Configuration,
    owner_waits: Family<Labels<1>, Histogram, fn() -> Histogram>,
    handshake_failures: Family<Labels<1>, Counter>,
    certificate: Certificate,
    traffic: Traffic,
    watches: Family<Labels<2>, Gauge>,
    objects: Family<Labels<1>, Gauge>,
    cluster: Cluster,
    runtime: Runtime,
}

/// The route of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// What it decides.
    pub task: &'static str,
    /// How far that is carried.
    pub stance: &'static str,
}

/// Seconds; the pure path takes microseconds, a busy node milliseconds.
const BUCKETS: [f64; 10] = [
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.001, 0.005, 0.025, 0.1, 1.0,
];

/// Seconds that a placement waited for an object, at most [`ownerWait`], which is at most one.
///
/// [`ownerWait`]: crate::config
const WAITS: [f64; 8] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0];

// === impl Metrics ===

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("meshmode"),
            reviews: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            placements: Family::default(),
            verdicts: Family::default(),
            panics: Counter::default(),
            reloads: Family::default(),
            configuration: Configuration::default(),
            owner_waits: Family::new_with_constructor(|| Histogram::new(WAITS)),
            handshake_failures: Family::default(),
            certificate: Certificate::default(),
            traffic: Traffic::default(),
            watches: Family::default(),
            objects: Family::default(),
            cluster: Cluster::default(),
            runtime: Runtime::default(),
        };
        metrics.register();
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// Requests to this route are to come: their counts begin at zero.
    pub fn serves(&self, served: Served) {
        for outcome in Outcome::ALL {
            drop(self.reviews.get_or_create(&review_labels(served, outcome)));
        }
    }

    /// A request ended after `duration`.
    pub fn served(&self, served: Served, outcome: Outcome, duration: Duration) {
        self.reviews
            .get_or_create(&review_labels(served, outcome))
            .inc();
        match outcome {
            Outcome::Panicked => drop(self.panics.inc()),
            Outcome::Answered | Outcome::Rejected => {}
            Outcome::Aborted | Outcome::Late | Outcome::Overloaded => return,
        }
        self.duration
            .get_or_create(&Labels([fixed("task", served.task)]))
            .observe(duration.as_secs_f64());
    }

    /// A Pod was decided about: a rule of the configuration, or a name of ours.
    pub fn placed(&self, stance: &'static str, mode: &'static str, rule: &str) {
        let rule = ("rule", Value::Rule(rule.to_owned()));
        self.placements
            .get_or_create(&Labels([
                fixed("stance", stance),
                fixed("mode", mode),
                rule,
            ]))
            .inc();
    }

    /// A Pod was left alone, and something that rules read of the cluster was not known.
    pub fn left_for_missing_facts(&self) {
        self.cluster.left_for_missing_facts();
    }

    /// A policy was decided about.
    pub fn judged(&self, stance: &'static str, verdict: &'static str, reason: &'static str) {
        let labels = [
            fixed("stance", stance),
            fixed("verdict", verdict),
            fixed("reason", reason),
        ];
        self.verdicts.get_or_create(&Labels(labels)).inc();
    }

    /// A file was read again.
    pub fn reloaded(&self, file: Reloaded, reload: Reload) {
        self.reloads
            .get_or_create(&reload_labels(file, reload))
            .inc();
    }

    /// The configuration of this hash is in service; it was read then.
    pub fn configuration_in_service(&self, hash: &str, source: &'static str, read: Timestamp) {
        self.configuration.in_service(hash, source, read);
    }

    /// A placement waited for an object that was not seen yet.
    pub fn waited_for_owner(&self, end: &'static str, duration: Duration) {
        self.owner_waits
            .get_or_create(&Labels([fixed("outcome", end)]))
            .observe(duration.as_secs_f64());
    }

    /// A handshake did not end well.
    pub fn handshake_failed(&self, how: Handshake) {
        self.handshake_failures
            .get_or_create(&Labels([fixed("cause", how.as_str())]))
            .inc();
    }

    /// Of connections and bodies.
    pub const fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// The certificate in service is valid from then to then.
    pub fn certificate_in_service(&self, not_before: Timestamp, not_after: Timestamp) {
        self.certificate.in_service(not_before, not_after);
    }

    /// One of `reasons` came of a check of the server by itself.
    pub fn checked(
        &self,
        check: &'static str,
        reason: &'static str,
        reasons: impl IntoIterator<Item = &'static str>,
    ) {
        self.certificate.checked(check, reason, reasons);
    }

    /// So many registered webhooks of this server have a `caBundle` that does not believe its certificate.
    pub fn ca_bundle_mismatches(&self, webhooks: usize) {
        self.certificate.mismatches(webhooks);
    }

    /// Client certificates are asked for, and can be refused for one of `reasons`.
    pub fn clients_can_be_refused(&self, reasons: impl IntoIterator<Item = &'static str>) {
        self.certificate.begin_at_zero(reasons);
    }

    /// A client was not let in for the certificate it showed.
    pub fn client_refused(&self, reason: &'static str) {
        self.certificate.refused(reason);
    }

    /// The watch of a kind of objects went over to one of `states`.
    pub fn watch_went_over(
        &self,
        resource: &'static str,
        state: &'static str,
        states: impl IntoIterator<Item = &'static str>,
    ) {
        for known in states {
            let labels = Labels([fixed("resource", resource), fixed("state", known)]);
            let gauge = self.watches.get_or_create(&labels);
            gauge.set(i64::from(known == state));
        }
    }

    /// So many objects of a kind are known.
    pub fn objects(&self, resource: &'static str, objects: usize) {
        let gauge = self
            .objects
            .get_or_create(&Labels([fixed("resource", resource)]));
        gauge.set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// A kind of objects is not followed since then, or since before.
    pub fn behind_since(&self, resource: &'static str, now: Timestamp) {
        self.cluster.behind_since(resource, now);
    }

    /// A kind of objects is followed, or is not meant to be.
    pub fn not_behind(&self, resource: &'static str) {
        self.cluster.not_behind(resource);
    }

    /// From now on Pods without a placement are counted by this, when somebody asks.
    pub fn count_unplaced_by(&self, count: impl Fn() -> Unplaced + Send + Sync + 'static) {
        self.cluster.count_by(count);
    }

    /// From now on the tasks of these runtimes are counted, when somebody asks.
    pub fn runtimes_are(&self, handles: Vec<Handle>) {
        self.runtime.are(handles);
    }

    /// All metrics in the OpenMetrics text format.
    pub fn to_text(&self) -> String {
        self.cluster.count();
        self.runtime.count();
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }

    /// What alerts look at is there before it first happens: `increase()` does not see a first sample.
    fn begin_at_zero(&self) {
        for file in [
            Reloaded::Configuration,
            Reloaded::Certificate,
            Reloaded::ClientCa,
        ] {
            for reload in [Reload::Done, Reload::KeptLastGood] {
                drop(self.reloads.get_or_create(&reload_labels(file, reload)));
            }
        }
        for how in [Handshake::Failed, Handshake::TimedOut] {
            let labels = Labels([fixed("cause", how.as_str())]);
            drop(self.handshake_failures.get_or_create(&labels));
        }
        self.traffic.begin_at_zero();
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of meshmode", build);
        registry.register("reviews", "Requests to the webhook", self.reviews.clone());
        registry.register(
            "review_duration_seconds",
            "From the whole body read to the answer written, in seconds",
            self.duration.clone(),
        );
        registry.register(
            "placements",
            "Decisions about Pods; those of the stance observe were not carried out",
            self.placements.clone(),
        );
        registry.register(
            "verdicts",
            "Decisions about AuthorizationPolicies; only those of the stance enforce refuse",
            self.verdicts.clone(),
        );
        registry.register(
            "panics",
            "Reviews that got no answer as meshmode panicked",
            self.panics.clone(),
        );
        registry.register(
            "reloads",
            "Files read again after a change",
            self.reloads.clone(),
        );
        self.configuration.register(registry);
        registry.register(
            "owner_wait_seconds",
            "Waits of placements for an object that was not seen yet",
            self.owner_waits.clone(),
        );
        registry.register(
            "tls_handshake_failures",
            "TLS handshakes that did not end well",
            self.handshake_failures.clone(),
        );
        self.certificate.register(registry);
        self.traffic.register(registry);
        registry.register(
            "cluster_watch",
            "1 for the state that the watch of a kind of objects is in; none without a cluster",
            self.watches.clone(),
        );
        registry.register(
            "cluster_objects",
            "Objects of a kind that facts are made of",
            self.objects.clone(),
        );
        self.cluster.register(registry);
        self.runtime.register(registry);
    }
}

fn review_labels(served: Served, outcome: Outcome) -> Labels<3> {
    Labels([
        fixed("task", served.task),
        fixed("stance", served.stance),
        fixed("outcome", outcome.as_str()),
    ])
}

fn reload_labels(file: Reloaded, reload: Reload) -> Labels<2> {
    Labels([
        fixed("file", file.as_str()),
        fixed("outcome", reload.as_str()),
    ])
}
