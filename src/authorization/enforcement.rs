//! Enforcement: what really happens to a policy at one kind of enforcer.

pub mod bypass;
pub mod proxy;
pub mod waypoint;

#[cfg(test)]
mod testing;

use serde::Serialize;

/// Who carries out a policy.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Enforcer {
    /// The proxy of the node, for ambient workloads.
    Ztunnel,
    /// The HTTP proxy that ambient traffic is sent through.
    Waypoint,
    /// The proxy in the Pod.
    Sidecar,
    /// An ingress or egress gateway.
    Gateway,
}

/// What a policy does at an enforcer, beside what it says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// What it says.
    Exact,
    /// It lets through what the policy refuses, also when the enforcer never receives it.
    Open,
    /// It refuses what the policy allows.
    Closed,
    /// Both.
    Both,
    /// It selects nothing there.
    NotApplicable,
}

// === impl Enforcer ===

impl Enforcer {
    /// As findings and metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ztunnel => "ztunnel",
            Self::Waypoint => "waypoint",
            Self::Sidecar => "sidecar",
            Self::Gateway => "gateway",
        }
    }
}

// === impl Effect ===

impl Effect {
    /// As findings and metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Both => "both",
            Self::NotApplicable => "notApplicable",
        }
    }
}
