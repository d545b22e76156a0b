//! What comes out: the account of a mesh, in the form of the JSON report (docs/roi.schema.json). Whoever reads an older
//! one (`--compare`) reads it by the same types.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::resources::Basis;

/// The account. Money is in [`Account::currency`] a month, unless a field says otherwise; a saving below zero is a loss.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The version of meshmode that made it.
    pub version: String,
    /// When it was made.
    pub generated_at: Timestamp,
    /// Which mesh: what `--matcher` picked, or the context; for people.
    pub cluster: Option<String>,
    /// Such as `USD`.
    pub currency: String,
    /// Hours that a month has here.
    pub hours_per_month: f64,
    /// The time that was looked at.
    pub window: Window,
    /// What `monthly`, `saving`, `roles`, `namespaces` and `trend` are counted by.
    pub basis: Basis,
    /// What things cost.
    pub prices: Prices,
    /// What the proxies of the mesh cost a month, gateways aside, on the basis.
    pub monthly: Monthly,
    /// Of `monthly.now` less `monthly.possible`.
    pub saving: Range,
    /// The same on every basis that could be measured.
    pub bases: BTreeMap<Basis, OnBasis>,
    /// As `breakEven.cost`.
    pub break_even_sidecars_per_node: Option<f64>,
    /// How many sidecars on a node cost what ztunnel does.
    pub break_even: BreakEven,
    /// By role, as it is now.
    pub roles: Roles,
    /// How many Pods are in which mode now; `null` where it is not known.
    pub modes: Modes,
    /// By namespace, the largest saving first.
    pub namespaces: Vec<Namespace>,
    /// The nodes that could go, or why that is not known.
    pub nodes: Nodes,
    /// Over the window, one point a slot that has data.
    pub trend: Vec<Point>,
    /// What is known of latency: never a saving.
    pub latency: Vec<Latency>,
    /// What was assumed, one sentence each.
    pub assumptions: Vec<String>,
    /// What is in no figure, one sentence each.
    pub left_out: Vec<String>,
    /// What should make somebody doubt, one sentence each.
    pub warnings: Vec<String>,
}

/// The time that was looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Its begin.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Its length, in seconds.
    pub seconds: f64,
    /// Between two samples, in seconds.
    pub step_seconds: f64,
    /// Which part of it has data, 0 to 1.
    pub coverage: f64,
}

/// What things cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prices {
    /// A vCPU for an hour.
    pub vcpu_hour: f64,
    /// A GiB for an hour.
    pub gib_hour: f64,
    /// Where they are from.
    pub source: String,
}

/// What the mesh costs a month, by scenario. `null` where it is not known; an assumption or warning says why.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Monthly {
    /// As it is.
    pub now: f64,
    /// If each Pod of the mesh had a sidecar, without ztunnel and waypoints.
    pub all_sidecar: Option<f64>,
    /// If each workload were ambient that can be.
    pub possible: f64,
    /// If each were, also those that cannot.
    pub all_ambient: f64,
}

/// A figure and its spread over the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The 10th percentile of the slots.
    pub low: f64,
    /// The mean.
    pub central: f64,
    /// The 90th percentile of the slots.
    pub high: f64,
}

/// The figures on one basis.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct OnBasis {
    /// By scenario.
    pub monthly: Monthly,
    /// Now less possible.
    pub saving: Range,
}

/// How many sidecars on a node cost what ztunnel costs there; more of them, and ambient is cheaper. Waypoints aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakEven {
    /// By money; `null` where a sidecar costs nothing.
    pub cost: Option<f64>,
    /// By cores alone.
    pub vcpu: Option<f64>,
    /// By memory alone.
    pub gib: Option<f64>,
    /// What is there now: sidecars on a node, as a mean; `null` where the number of nodes is not known.
    pub sidecars_per_node: Option<f64>,
    /// Nodes that ztunnel would run on.
    pub nodes: Option<f64>,
    /// Money a month: what one sidecar costs, as a mean.
    pub sidecar: f64,
    /// Money a month: what one ztunnel costs.
    pub ztunnel: f64,
}

/// By role.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Roles {
    /// Sidecars, native ones too.
    pub sidecar: OfRole,
    /// Those of `sidecar` that are native: init containers that go on running.
    pub native_sidecar: OfRole,
    /// Waypoints.
    pub waypoint: OfRole,
    /// Gateways, which are in no saving.
    pub gateway: OfRole,
    /// ztunnel.
    pub ztunnel: OfRole,
}

/// The proxies of one role, as a mean over the window, on the basis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfRole {
    /// Cores.
    pub vcpu: f64,
    /// Memory in GiB.
    pub gib: f64,
    /// Money a month.
    pub cost: f64,
    /// How many.
    pub count: f64,
}

/// How many Pods are in which mode, as a mean over the window.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Modes {
    /// With a sidecar.
    pub sidecar: f64,
    /// Captured by ztunnel.
    pub ambient: Option<f64>,
}

/// A namespace: its sidecars and waypoints. ztunnel is of the whole mesh.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Namespace {
    /// Its name.
    pub namespace: String,
    /// Sidecars, as a mean.
    pub sidecars: f64,
    /// Those of them that could be gone.
    pub could_be_ambient: f64,
    /// What its sidecars and waypoints cost now.
    pub now: f64,
    /// What they would cost.
    pub possible: f64,
    /// The difference, without a share of ztunnel.
    pub saving: f64,
    /// Workloads that keep their sidecars, and why.
    pub kept: Vec<Kept>,
}

/// A workload that keeps its sidecars.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Such as `Deployment/web`.
    pub workload: String,
    /// Its sidecars, as a mean.
    pub sidecars: f64,
    /// Why.
    pub reason: String,
}

/// What becomes of nodes: a reservation that is freed is money once a node is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nodes {
    /// How many there are; `null` where that is not known.
    pub count: Option<usize>,
    /// Freed a month by what is possible, in vCPU (requests).
    pub freed_vcpu: f64,
    /// Freed, in GiB (requests).
    pub freed_gib: f64,
    /// Nodes that could be emptied as it is, by packing Pods more closely.
    pub removable_now: Option<usize>,
    /// Nodes that could be emptied if what is possible were done.
    pub removable_possible: Option<usize>,
    /// Those that could go for the difference, by instance type.
    pub removable: Vec<Removable>,
    /// What these cost a month: what is realised once they are gone. Below zero: nodes that would be needed more.
    pub realised: Option<f64>,
    /// Why it is not known, or what it does not look at.
    pub note: String,
}

/// Nodes of one type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removable {
    /// Such as `m6i.xlarge`; `unknown` where nothing says it.
    pub instance_type: String,
    /// How many.
    pub count: usize,
    /// What one costs a month.
    pub monthly: f64,
}

/// A slot of the window.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// When it began.
    pub start: Timestamp,
    /// As it was, a month at that rate.
    pub now: f64,
    /// As it could have been.
    pub possible: f64,
    /// Sidecars, as a mean.
    pub sidecars: f64,
}

/// What is known of the latency of a mode: an estimate, or what was measured; never a saving.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Of what, such as `two sidecars`.
    pub path: String,
    /// Whether it was measured here.
    pub kind: LatencyKind,
    /// The 50th percentile in milliseconds.
    pub p50: Option<f64>,
    /// A high percentile in milliseconds, and which: as the source has it.
    pub high: Option<f64>,
    /// Which percentile `high` is.
    pub high_percentile: Option<f64>,
    /// Where it is from: a page and the version of Istio, or the query.
    pub source: String,
}

/// Where a latency is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LatencyKind {
    /// Published by somebody, for another mesh: an estimate.
    Published,
    /// Measured in this mesh.
    Measured,
}
