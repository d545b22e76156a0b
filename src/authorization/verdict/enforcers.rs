//! What becomes of a policy at each of the four kinds of enforcer, by the facts there are.

use crate::authorization::code::Code;
use crate::authorization::enforcement::proxy::{
    GatewayStanding, SidecarStanding, at_gateway, at_sidecar,
};
use crate::authorization::enforcement::waypoint::{
    Carries, Standing, WaypointStanding, at_waypoint,
};
use crate::authorization::enforcement::{
    Bound, Effect, Enforcement, Enforcer, Witnesses, at_ztunnel, without_enforcer,
};
use crate::authorization::facts::{Fact, Facts, Population, WhyUnknown};
use crate::authorization::needs::{Cause, Picked, needs};
use crate::authorization::policy::AuthorizationPolicy;

/// Whether a policy meets ambient workloads, as far as its selector tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meets<'f> {
    /// It does.
    Ambient(&'f Population),
    /// It does not: only these, which are not ambient.
    Others(&'f Population),
    /// It selects nothing yet, or nothing in the mesh.
    Nothing,
    /// Nobody can tell.
    Unknown(WhyUnknown),
}

/// At ztunnel, waypoints, sidecars and gateways, in this order.
pub fn of(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> [Enforcement; 4] {
    [
        ztunnel(policy, facts),
        waypoint(policy, facts),
        sidecar(policy, facts),
        gateway(policy, facts),
    ]
}

fn ztunnel(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> Enforcement {
    let enforcement = at_ztunnel(policy, &facts.mesh());
    match Meets::of(facts) {
        Meets::Others(_) => Enforcement {
            effect: Effect::NotApplicable,
            witnesses: Witnesses::default(),
            ..enforcement
        },
        Meets::Ambient(_) | Meets::Nothing | Meets::Unknown(_) => enforcement,
    }
}

fn waypoint(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> Enforcement {
    let targets = match at_waypoint(policy, facts) {
        WaypointStanding::Targets(targets) => targets,
        WaypointStanding::NoTargets => {
            let needs = needs(policy);
            let picked = needs.iter().any(|need| match need.cause {
                Cause::Selector(Picked::Waypoints(_) | Picked::BeforeIstio124(_)) => true,
                Cause::Selector(Picked::GatewayOrWaypoint(_))
                | Cause::HttpField
                | Cause::HttpKey(_)
                | Cause::Action(_) => false,
            });
            let meant = match Meets::of(facts) {
                Meets::Ambient(population) => !population.behind_waypoint.is_empty(),
                Meets::Others(population) => !population.waypoint.is_empty(),
                Meets::Nothing | Meets::Unknown(_) => picked,
            };
            return if meant && !needs.is_empty() {
                not_enforced(Enforcer::Waypoint, policy, facts, Vec::new())
            } else {
                plain(Enforcer::Waypoint, Effect::NotApplicable, Vec::new())
            };
        }
    };
    let mut reasons: Vec<Code> = targets
        .iter()
        .filter_map(|target| target.standing.code())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    let standings = || targets.iter().map(|target| &target.standing);
    let is_lost = |standing: &Standing| matches!(standing, Standing::NotAttached(_));
    let is_used = |standing: &Standing| match standing {
        Standing::Attached { carries, .. } => !matches!(carries, Carries::Nothing(_)),
        Standing::Unknown(_) => true,
        Standing::AtGateway(_) | Standing::NotAttached(_) => false,
    };
    if standings().any(is_lost) {
        not_enforced(Enforcer::Waypoint, policy, facts, reasons)
    } else if standings().any(is_used) {
        plain(Enforcer::Waypoint, Effect::Exact, reasons)
    } else {
        plain(Enforcer::Waypoint, Effect::NotApplicable, reasons)
    }
}

fn sidecar(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> Enforcement {
    let standing = at_sidecar(policy, facts);
    let reasons = standing.code().into_iter().collect();
    match standing {
        SidecarStanding::Receives(_) | SidecarStanding::Unknown(_) => {
            plain(Enforcer::Sidecar, Effect::Exact, reasons)
        }
        SidecarStanding::IgnoresTargets(Fact::Known(behind)) if !behind.is_empty() => {
            not_enforced(Enforcer::Sidecar, policy, facts, reasons)
        }
        SidecarStanding::IgnoresTargets(_) | SidecarStanding::SelectsNone => {
            plain(Enforcer::Sidecar, Effect::NotApplicable, reasons)
        }
    }
}

fn gateway(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> Enforcement {
    let effect = match at_gateway(policy, facts) {
        GatewayStanding::Selected(_) | GatewayStanding::Named(_) => Effect::Exact,
        GatewayStanding::Unknown(_) if policy.spec.targets().is_empty() => Effect::Exact,
        GatewayStanding::Unknown(_) | GatewayStanding::None => Effect::NotApplicable,
    };
    plain(Enforcer::Gateway, effect, Vec::new())
}

/// Nobody has it: everything gets through.
fn not_enforced(
    enforcer: Enforcer,
    policy: &AuthorizationPolicy<'_>,
    facts: &Facts,
    reasons: Vec<Code>,
) -> Enforcement {
    let (witnesses, bound) = without_enforcer(policy, &facts.mesh());
    Enforcement {
        effect: Effect::of(&witnesses),
        witnesses,
        bound,
        ..plain(enforcer, Effect::Exact, reasons)
    }
}

fn plain(enforcer: Enforcer, effect: Effect, reasons: Vec<Code>) -> Enforcement {
    Enforcement {
        enforcer,
        receives: None,
        effect,
        witnesses: Witnesses::default(),
        bound: Bound::Exhausted,
        reasons,
        notes: Vec::new(),
    }
}

// === impl Meets ===

impl<'f> Meets<'f> {
    /// By the workloads that the policy selects.
    pub fn of(facts: &'f Facts) -> Self {
        match &facts.selected {
            Fact::Unknown(why) => Self::Unknown(*why),
            Fact::Known(selected) if selected.ambient_revisions() > 0 => Self::Ambient(selected),
            Fact::Known(selected) if selected.in_mesh() > 0 => Self::Others(selected),
            Fact::Known(_) => Self::Nothing,
        }
    }
}
