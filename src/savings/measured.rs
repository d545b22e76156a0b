//! What goes into an account: what was measured of a mesh over a window, whoever measured it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{AddAssign, Mul};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::resources::{Amount, Basis, Resources};
use super::role::{Evidence, Role};

/// What was measured of one mesh.
#[derive(Clone, Debug)]
pub struct Measured {
    /// When.
    pub window: Window,
    /// What can be counted by: requests alone, where nothing is known of use.
    pub bases: &'static [Basis],
    /// The proxies, those of one role in one workload together.
    pub proxies: Vec<Proxies>,
    /// The nodes at the end of the window; none where their metrics are not there.
    pub nodes: Vec<Node>,
    /// How many nodes there were, as a mean for each slot of the window: a cluster grows and shrinks. Empty where that is
    /// not known; those at the end of the window then count for all of it.
    pub node_counts: Vec<f64>,
    /// All Pods at the end of the window that reserve something on a node, for packing.
    pub pods: Vec<Placed>,
    /// The Pods that ztunnel captures.
    pub ambient: Ambient,
    /// What was measured of latency by mode, where there is traffic in both.
    pub latency: Vec<MeasuredLatency>,
    /// How many Pods' roles were told how.
    pub evidence: BTreeMap<Evidence, usize>,
    /// What somebody must know who believes the figures: gaps, partial answers, guesses.
    pub warnings: Vec<String>,
}

/// The time that was looked at: `slots` parts of the same length, from `start` to `end`.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its begin.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Between two samples, in seconds.
    pub step: f64,
    /// For each slot, in order, which part of it has data: 0 to 1. What is measured is a mean over the time that has
    /// data; a slot that has none counts in no figure.
    pub coverage: Vec<f64>,
}

/// Who makes Pods, as kube-state-metrics or the API server names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkloadName {
    /// Its namespace.
    pub namespace: String,
    /// Such as `Deployment`; of a Pod that nobody controls `Pod`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// The proxies of one role in one workload.
#[derive(Clone, Debug)]
pub struct Proxies {
    /// Whose they are. Of ztunnel the DaemonSet, of a waypoint or gateway its Deployment.
    pub workload: WorkloadName,
    /// What they are.
    pub role: Role,
    /// For each slot of the window. The same length as [`Window::coverage`].
    pub slots: Vec<Slot>,
}

/// Means over one slot of the window; a Pod that was there half of the time counts half.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slot {
    /// What all proxies together had.
    pub amount: Amount,
    /// How many there were.
    pub count: f64,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `node.kubernetes.io/instance-type`, where it is known.
    pub instance_type: Option<String>,
    /// `topology.kubernetes.io/region`, where it is known.
    pub region: Option<String>,
    /// Whether its capacity may be taken away, where a label says so.
    pub lease: Lease,
    /// What Pods can have of it (`kube_node_status_allocatable`).
    pub allocatable: Resources,
}

/// How a node is bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lease {
    /// By the hour.
    #[default]
    OnDemand,
    /// For less, until somebody else wants it.
    Spot,
}

/// A Pod on a node, at the end of the window.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Who made it.
    pub workload: WorkloadName,
    /// The node, by its place in [`Measured::nodes`].
    pub node: usize,
    /// What it reserves in all.
    pub requests: Resources,
    /// What of that its container `istio-proxy` reserves.
    pub proxy: Option<(Role, Resources)>,
}

/// Which Pods ztunnel captures.
#[derive(Clone, Debug)]
pub enum Ambient {
    /// So many a namespace, as a mean over the window or as of now.
    ByNamespace(BTreeMap<String, f64>),
    /// So many in all (`workload_manager_active_proxy_count`).
    InAll(f64),
    /// Not known, and why.
    Unknown(String),
}

/// A latency that was measured (`istio_request_duration_milliseconds`).
#[derive(Clone, Debug)]
pub struct MeasuredLatency {
    /// Where it was measured, such as `reporter="waypoint"`.
    pub seen_by: String,
    /// Requests a second that it rests on.
    pub requests_per_second: f64,
    /// The 50th percentile, in milliseconds.
    pub p50: f64,
    /// The 99th percentile, in milliseconds.
    pub p99: f64,
}

// === impl Window ===

impl Window {
    /// How many slots there are.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.coverage.len()
    }
}

// === impl WorkloadName ===

/// As `shop/Deployment/web`.
impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.kind, self.name)
    }
}

// === impl Slot ===

impl AddAssign for Slot {
    fn add_assign(&mut self, other: Self) {
        self.amount += other.amount;
        self.count += other.count;
    }
}

impl Mul<f64> for Slot {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            amount: self.amount * times,
            count: self.count * times,
        }
    }
}
