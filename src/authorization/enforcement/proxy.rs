//! What the Envoy proxies that are no waypoints receive of a policy: sidecars and gateways.
//!
//! They enforce what they receive as it is written. After `ShouldAttachPolicy` in
//! `pilot/pkg/model/policyattachment.go` of Istio.

use std::fmt;

use crate::authorization::code::Code;
use crate::authorization::facts::{
    Controller, Fact, Facts, Gateway, ObjectName, Population, Tally, Target, WhyUnknown,
};
use crate::authorization::policy::AuthorizationPolicy;

/// What sidecars receive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SidecarStanding {
    /// These receive it, at least one.
    Receives(Tally),
    /// None is selected.
    SelectsNone,
    /// It has targets, and sidecars ignore such policies. Those behind the targets, if any: each
    /// would have received it by a selector.
    IgnoresTargets(Fact<Tally>),
    /// Nobody can tell.
    Unknown(WhyUnknown),
}

/// What gateways receive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GatewayStanding {
    /// These receive it by their labels, at least one. With `ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY=false`
    /// those of the Gateway API do not.
    Selected(Tally),
    /// These receive it, as targets name them; at least one.
    Named(Vec<ObjectName>),
    /// None receives it.
    None,
    /// Nobody can tell.
    Unknown(WhyUnknown),
}

/// What sidecars receive of `policy`.
pub fn at_sidecar(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> SidecarStanding {
    if !policy.spec.targets().is_empty() {
        return SidecarStanding::IgnoresTargets(behind_targets(policy, facts));
    }
    match &facts.selected {
        Fact::Unknown(why) => SidecarStanding::Unknown(*why),
        Fact::Known(selected) if selected.sidecar.is_empty() => SidecarStanding::SelectsNone,
        Fact::Known(selected) => SidecarStanding::Receives(selected.sidecar.clone()),
    }
}

/// What gateways receive of `policy`.
pub fn at_gateway(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> GatewayStanding {
    let targets = policy.spec.targets();
    if targets.is_empty() {
        return match &facts.selected {
            Fact::Unknown(why) => GatewayStanding::Unknown(*why),
            Fact::Known(selected) if selected.gateway.is_empty() => GatewayStanding::None,
            Fact::Known(selected) => GatewayStanding::Selected(selected.gateway.clone()),
        };
    }
    let mut named = Vec::new();
    let mut unknown = None;
    for index in 0..targets.len() {
        match facts.target(index) {
            Fact::Known(Target::Gateway(gateway)) => named.extend(istios(gateway)),
            Fact::Known(
                Target::Missing | Target::NotSought | Target::GatewayClass(_) | Target::Service(_),
            ) => {}
            Fact::Unknown(why) => unknown = Some(why),
        }
    }
    match (named.is_empty(), unknown) {
        (false, _) => GatewayStanding::Named(named),
        (true, None) => GatewayStanding::None,
        (true, Some(why)) => GatewayStanding::Unknown(why),
    }
}

fn istios(gateway: &Gateway) -> Option<ObjectName> {
    match gateway.controller {
        Controller::Gateway => Some(gateway.name.clone()),
        Controller::Waypoint | Controller::Other(_) => None,
    }
}

/// The sidecars among the workloads of the Services that the targets name, or whose waypoint they do.
fn behind_targets(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> Fact<Tally> {
    let mut behind = Tally::default();
    for index in 0..policy.spec.targets().len() {
        let services = match facts.target(index) {
            Fact::Unknown(why) => return Fact::Unknown(why),
            Fact::Known(Target::Service(service)) => std::slice::from_ref(&**service),
            Fact::Known(Target::Gateway(gateway)) => match &gateway.services {
                Fact::Known(services) => services,
                Fact::Unknown(why) => return Fact::Unknown(*why),
            },
            Fact::Known(Target::Missing | Target::NotSought | Target::GatewayClass(_)) => continue,
        };
        for service in services {
            match &service.workloads {
                Fact::Known(Population { sidecar, .. }) => behind = larger(behind, sidecar),
                Fact::Unknown(why) => return Fact::Unknown(*why),
            }
        }
    }
    Fact::Known(behind)
}

/// Services may share workloads, so the larger tally is what is certain.
fn larger(one: Tally, other: &Tally) -> Tally {
    if other.revisions > one.revisions {
        other.clone()
    } else {
        one
    }
}

// === impl SidecarStanding ===

impl SidecarStanding {
    /// The code of what is wrong, if anything is.
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::IgnoresTargets(Fact::Known(behind)) if !behind.is_empty() => {
                Some(Code::SIDECARS_IGNORE_TARGETS)
            }
            Self::IgnoresTargets(_) | Self::Receives(_) | Self::SelectsNone | Self::Unknown(_) => {
                None
            }
        }
    }
}

impl fmt::Display for SidecarStanding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receives(tally) => {
                write!(formatter, "sidecars enforce it as it is written: {tally}")
            }
            Self::SelectsNone => formatter.write_str("it selects no sidecars"),
            Self::IgnoresTargets(Fact::Known(behind)) if !behind.is_empty() => write!(
                formatter,
                "sidecars ignore a policy with targetRefs, also those behind its targets: {behind}"
            ),
            Self::IgnoresTargets(_) => {
                formatter.write_str("sidecars ignore a policy with targetRefs")
            }
            Self::Unknown(why) => {
                write!(formatter, "which sidecars it selects is not known: {why}")
            }
        }
    }
}

// === impl GatewayStanding ===

impl fmt::Display for GatewayStanding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selected(tally) => {
                write!(formatter, "gateways enforce it as it is written: {tally}")
            }
            Self::Named(gateways) => {
                formatter.write_str("gateways enforce it as it is written:")?;
                gateways
                    .iter()
                    .try_for_each(|gateway| write!(formatter, " {gateway}"))
            }
            Self::None => formatter.write_str("no gateway receives it"),
            Self::Unknown(why) => {
                write!(formatter, "which gateways receive it is not known: {why}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
