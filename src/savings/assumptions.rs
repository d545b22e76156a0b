//! What an account rests on that nobody measured: prices, hours, what could be ambient, and what would come instead.

use jiff::Timestamp;

use super::candidates::Candidates;
use super::prices::Pricing;
use super::resources::{Basis, Resources};

/// Hours that a month has: 365 × 24 / 12. OpenCost's documents use the same.
pub const HOURS_PER_MONTH: f64 = 730.0;
/// What a sidecar requests unless somebody says otherwise (Istio's chart istiod, `global.proxy.resources`).
pub const SIDECAR_REQUEST: Resources = Resources {
    vcpu: 0.1,
    gib: 0.125,
};
/// What ztunnel requests unless somebody says otherwise (Istio's chart ztunnel, `resources`): 200m and 512Mi.
pub const ZTUNNEL_REQUEST: Resources = Resources {
    vcpu: 0.2,
    gib: 0.5,
};
/// What a waypoint requests unless somebody says otherwise (Istio's chart istiod, `global.waypoint.resources`).
pub const WAYPOINT_REQUEST: Resources = Resources {
    vcpu: 0.1,
    gib: 0.125,
};
/// Replicas of a waypoint that is to come. Istio makes one; one alone is an outage whenever its node goes.
pub const WAYPOINT_REPLICAS: f64 = 2.0;

/// What is not measured.
#[derive(Clone, Debug)]
pub struct Assumptions {
    /// The version of meshmode, for the report.
    pub version: String,
    /// When the account is made, for the report.
    pub generated_at: Timestamp,
    /// Which mesh it is of, for the report.
    pub cluster: Option<String>,
    /// What the report is counted by.
    pub basis: Basis,
    /// What things cost.
    pub pricing: Pricing,
    /// Hours that a month has: [`HOURS_PER_MONTH`].
    pub hours_per_month: f64,
    /// Which workloads could be ambient.
    pub candidates: Candidates,
    /// The waypoints that it takes. Where a namespace has one already, that one stays, and none comes.
    pub waypoints: Vec<NeededWaypoint>,
    /// What a sidecar would request where none was measured: [`SIDECAR_REQUEST`].
    pub sidecar: Resources,
    /// What ztunnel would request where none was measured: [`ZTUNNEL_REQUEST`].
    pub ztunnel: Resources,
    /// Where ztunnel is already.
    pub ztunnel_now: ZtunnelNow,
    /// How many nodes there are, where nothing measured says it.
    pub nodes: Option<f64>,
}

/// A waypoint that what is possible takes.
#[derive(Clone, Debug, PartialEq)]
pub struct NeededWaypoint {
    /// Where.
    pub namespace: String,
    /// What for.
    pub reason: String,
    /// How many Pods: [`WAYPOINT_REPLICAS`].
    pub replicas: f64,
    /// What each requests: [`WAYPOINT_REQUEST`].
    pub request: Resources,
}

/// Where ztunnel is already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZtunnelNow {
    /// As measured: it would come to as many nodes as there are more than ztunnels.
    #[default]
    AsMeasured,
    /// Wherever it will ever be: the DaemonSet has all the Pods that it wants. Other nodes keep it away.
    Everywhere,
}

// === impl Assumptions ===

impl Assumptions {
    /// The defaults: by requests, OpenCost's prices, Istio's own requests.
    #[must_use]
    pub fn new(version: &str, generated_at: Timestamp, candidates: Candidates) -> Self {
        Self {
            version: version.to_owned(),
            generated_at,
            cluster: None,
            basis: Basis::default(),
            pricing: Pricing::open_cost(),
            hours_per_month: HOURS_PER_MONTH,
            candidates,
            waypoints: Vec::new(),
            sidecar: SIDECAR_REQUEST,
            ztunnel: ZTUNNEL_REQUEST,
            ztunnel_now: ZtunnelNow::default(),
            nodes: None,
        }
    }
}

// === impl NeededWaypoint ===

impl NeededWaypoint {
    /// One of the usual size.
    #[must_use]
    pub fn usual(namespace: &str, reason: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            reason: reason.to_owned(),
            replicas: WAYPOINT_REPLICAS,
            request: WAYPOINT_REQUEST,
        }
    }
}
