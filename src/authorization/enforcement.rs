//! Enforcement: what really happens to a policy at one kind of enforcer.
//!
//! The effect is computed: the policy as it is written and the rules as the enforcer has them are compared
//! over representative values of all attributes that they test, and a difference is kept as a request that
//! shows it.
//!
//! | file | what is in it |
//! |---|---|
//! | [`ztunnel`], [`received`] | which rules ztunnel gets, in the form istiod prints them |
//! | `written`, `key`, `trust_domain` | the policy as Envoy enforces it: what it says |
//! | `arrived` | the rules as ztunnel matches them |
//! | `terms`, [`attribute`], `predicate`, `template` | what both become: tests of attributes |
//! | `values`, `boxes`, `compare`, [`request`] | the comparison, and the request that shows a difference |
//! | `reasons` | why, as codes |
//! | [`waypoint`], [`proxy`] | what waypoints, sidecars and gateways receive, by facts about the cluster |
//! | [`bypass`] | what goes past a waypoint, and the policy that closes that |

mod arrived;
pub mod attribute;
mod boxes;
pub mod bypass;
mod compare;
mod key;
mod predicate;
pub mod proxy;
mod reasons;
pub mod received;
pub mod request;
mod template;
mod terms;
mod trust_domain;
mod values;
pub mod waypoint;
mod written;
pub mod ztunnel;

#[cfg(test)]
pub(super) mod testing;

use serde::Serialize;

use super::code::Code;
use super::mesh::Mesh;
use super::policy::{Action, AuthorizationPolicy};
use arrived::Sees;
use terms::{Rule, Rules, Space};

pub use attribute::Identity;
pub use request::Request;
pub use ztunnel::{NotSent, Receives, receives};

/// What becomes of one policy at one enforcer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Enforcement {
    /// Who.
    pub enforcer: Enforcer,
    /// What it gets, where that may be less than the policy: at ztunnel.
    pub receives: Option<Receives>,
    /// What it does, beside what the policy says.
    pub effect: Effect,
    /// Requests that show it.
    pub witnesses: Witnesses,
    /// How far was looked.
    pub bound: Bound,
    /// What the enforcer does otherwise than the policy is written. With effect *exact* the rules cover for
    /// each other, or what is lost refuses nothing: a dry run, an AUDIT.
    pub reasons: Vec<Code>,
    /// What is so at every enforcer, and surprises all the same.
    pub notes: Vec<Code>,
}

/// Requests that show an effect.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Witnesses {
    /// The policy refuses it, and it gets through. For action CUSTOM: nobody asks the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Request>,
    /// The policy allows it, and it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<Request>,
}

/// How far the two sides were compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Bound {
    /// Over all representative values: without a witness there is no difference.
    Exhausted,
    /// The policy is too large for that: it has more values or alternatives than are looked at, or more than
    /// so many steps would be needed in one direction (some 60 ms). A difference may be there without a
    /// witness: with this bound *exact* is no proof.
    Reached(usize),
}

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

/// What becomes of a policy at the ztunnel of a workload that it selects.
///
/// Which workloads it selects is for others to know. A policy with `targetRefs` selects none here: the effect
/// is then [`Effect::NotApplicable`], as it is for an action that we do not know.
pub fn at_ztunnel(policy: &AuthorizationPolicy<'_>, mesh: &Mesh) -> Enforcement {
    judge(policy, mesh, Sees::Client)
}

/// The same for connections that come through a waypoint with this identity, none if it has no certificate:
/// ztunnel tests the waypoint's identity and address in place of the client's (ztunnel
/// `src/proxy/inbound.rs`).
pub fn at_ztunnel_behind_waypoint(
    policy: &AuthorizationPolicy<'_>,
    mesh: &Mesh,
    waypoint: Option<&Identity>,
) -> Enforcement {
    judge(policy, mesh, Sees::Waypoint(waypoint))
}

/// What becomes of a policy where no enforcer has it: everything gets through.
pub fn without_enforcer(policy: &AuthorizationPolicy<'_>, mesh: &Mesh) -> (Witnesses, Bound) {
    let mut space = Space::default();
    let written = written::rules(policy, mesh, &mut space);
    witnesses(policy, &written, None, &space, mesh)
}

fn judge(policy: &AuthorizationPolicy<'_>, mesh: &Mesh, sees: Sees<'_>) -> Enforcement {
    let receives = receives(policy, mesh);
    let mut space = Space::default();
    let written = written::rules(policy, mesh, &mut space);
    let arrived = match &receives {
        Receives::Rules(got) if ztunnel::is_referred_to(policy) => {
            Some(arrived::rules(got, sees, &mut space))
        }
        Receives::Rules(_) | Receives::NotSent(_) => None,
    };
    let is_selected = !matches!(
        receives,
        Receives::NotSent(NotSent::TargetRefs | NotSent::UnknownAction)
    );
    let (witnesses, bound) = if is_selected {
        witnesses(policy, &written, arrived, &space, mesh)
    } else {
        (Witnesses::default(), Bound::Exhausted)
    };
    Enforcement {
        enforcer: Enforcer::Ztunnel,
        effect: Effect::shown_by(&witnesses, is_selected),
        reasons: reasons::reasons(policy, mesh, &receives, sees),
        notes: reasons::notes(policy),
        receives: Some(receives),
        witnesses,
        bound,
    }
}

/// Without `arrived` nothing is enforced.
fn witnesses(
    policy: &AuthorizationPolicy<'_>,
    written: &Rules,
    arrived: Option<Rules>,
    space: &Space<'_>,
    mesh: &Mesh,
) -> (Witnesses, Bound) {
    let nothing_refused = (Witnesses::default(), Bound::Exhausted);
    let is_allow = match policy.spec.action {
        Action::Allow => true,
        // Of what CUSTOM matches the provider may refuse anything.
        Action::Deny | Action::Custom => false,
        Action::Audit | Action::Unknown(_) => return nothing_refused,
    };
    if ztunnel::is_dry_run(policy) {
        return nothing_refused;
    }
    let lets_all_through = || {
        if is_allow {
            vec![Rule::new()]
        } else {
            Rules::new()
        }
    };
    let arrived = arrived.unwrap_or_else(lets_all_through);
    let found = compare::difference(written, &arrived, space, mesh);
    let (open, closed) = if is_allow {
        (found.only_second, found.only_first)
    } else {
        (found.only_first, found.only_second)
    };
    let bound = if found.is_cut {
        Bound::Reached(compare::STEPS)
    } else {
        Bound::Exhausted
    };
    (Witnesses { open, closed }, bound)
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
    fn shown_by(witnesses: &Witnesses, is_selected: bool) -> Self {
        if is_selected {
            Self::of(witnesses)
        } else {
            Self::NotApplicable
        }
    }

    /// The one that these requests show.
    pub const fn of(witnesses: &Witnesses) -> Self {
        match (&witnesses.open, &witnesses.closed) {
            (None, None) => Self::Exact,
            (Some(_), None) => Self::Open,
            (None, Some(_)) => Self::Closed,
            (Some(_), Some(_)) => Self::Both,
        }
    }

    /// Whether it lets something through that the policy refuses.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Open | Self::Both => true,
            Self::Exact | Self::Closed | Self::NotApplicable => false,
        }
    }

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

#[cfg(test)]
mod tests;
