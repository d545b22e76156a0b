//! The findings on a policy without `targetRefs`: whether it needs them, and what ztunnel makes of it.

use super::enforcers::Meets;
use super::{Finding, Severity, wording};
use crate::authorization::attachment::{Unattached, WaypointFor};
use crate::authorization::code::Code;
use crate::authorization::enforcement::{
    Effect, Enforcement, Identity, Witnesses, at_ztunnel_behind_waypoint,
};
use crate::authorization::facts::{Facts, ObjectName, Population};
use crate::authorization::needs::{Cause, Need, Picked, needs};
use crate::authorization::policy::{AuthorizationPolicy, SourceField};
use crate::authorization::settings::{OnAnnotation, OnFailOpen, RequireAttachment, Settings};

/// Of a policy that nothing attaches; `ztunnel` is what becomes of it there.
pub(super) fn findings(
    policy: &AuthorizationPolicy<'_>,
    why: Unattached,
    settings: &Settings,
    facts: &Facts,
    ztunnel: &Enforcement,
) -> Vec<Finding> {
    let meets = Meets::of(facts);
    let needs = needs_here(policy, meets);
    let asked = match settings.attachment {
        RequireAttachment::Off => None,
        RequireAttachment::Always if needs.is_empty() => {
            Some(wording::attachment_required(policy, why))
        }
        RequireAttachment::WhenNeeded | RequireAttachment::Always => {
            let lost = wording::loss(&needs, ztunnel, meets);
            (!needs.is_empty()).then(|| wording::needs_attachment(policy, &needs, lost, why))
        }
    };
    let says_effect = asked
        .as_ref()
        .is_some_and(|finding| finding.code == Code::NEEDS_ATTACHMENT);
    let effect = if says_effect {
        None
    } else {
        effect(policy, settings, meets, ztunnel)
    };
    let behind = behind_waypoint(policy, facts, ztunnel);
    asked.into_iter().chain(effect).chain(behind).collect()
}

/// Of a policy that only the annotation attaches.
pub(super) fn annotated(
    policy: &AuthorizationPolicy<'_>,
    waypoint_for: &WaypointFor<'_>,
    settings: &Settings,
    facts: &Facts,
    ztunnel: &Enforcement,
) -> Vec<Finding> {
    let severity = match settings.annotation {
        OnAnnotation::Warn => Severity::Warning,
        OnAnnotation::Refuse => Severity::Error,
    };
    let meets = Meets::of(facts);
    let needs = needs_here(policy, meets);
    let lost = wording::loss(&needs, ztunnel, meets);
    vec![wording::annotation_only(
        policy,
        &needs,
        lost,
        waypoint_for,
        severity,
    )]
}

/// The needs of a policy, without those of ambient workloads where it selects none.
fn needs_here<'p>(policy: &'p AuthorizationPolicy<'_>, meets: Meets<'_>) -> Vec<Need<'p>> {
    let needs = needs(policy);
    let Meets::Others(selected) = meets else {
        return needs;
    };
    let is_left = |need: &Need<'_>| match need.cause {
        Cause::HttpField | Cause::HttpKey(_) | Cause::Action(_) => false,
        Cause::Selector(Picked::GatewayOrWaypoint(_)) => !selected.waypoint.is_empty(),
        Cause::Selector(Picked::Waypoints(_) | Picked::BeforeIstio124(_)) => true,
    };
    needs.into_iter().filter(is_left).collect()
}

/// What ztunnel does otherwise than the policy says.
fn effect(
    policy: &AuthorizationPolicy<'_>,
    settings: &Settings,
    meets: Meets<'_>,
    ztunnel: &Enforcement,
) -> Option<Finding> {
    if ztunnel.reasons.contains(&Code::CRASHES_ISTIOD) {
        return None;
    }
    let code = match ztunnel.effect {
        Effect::Exact | Effect::NotApplicable => return None,
        Effect::Open | Effect::Both => Code::FAILS_OPEN,
        Effect::Closed => Code::FAILS_CLOSED,
    };
    let severity = match (settings.fail_open, meets) {
        (OnFailOpen::Refuse, Meets::Ambient(_)) if ztunnel.effect.is_open() => Severity::Error,
        (
            OnFailOpen::Refuse | OnFailOpen::Warn,
            Meets::Ambient(_) | Meets::Others(_) | Meets::Nothing | Meets::Unknown(_),
        ) => Severity::Warning,
    };
    let lost = wording::loss(&[], ztunnel, meets);
    Some(wording::fails(
        policy,
        code,
        severity,
        lost,
        &ztunnel.reasons,
    ))
}

/// What comes through a waypoint has the waypoint's identity: only told where that changes the effect.
/// A policy that names the waypoint has been written for that.
fn behind_waypoint(
    policy: &AuthorizationPolicy<'_>,
    facts: &Facts,
    ztunnel: &Enforcement,
) -> Option<Finding> {
    let Meets::Ambient(Population { behind, .. }) = Meets::of(facts) else {
        return None;
    };
    let (waypoint, _) = behind.first()?;
    let mesh = facts.mesh();
    let ObjectName { namespace, name } = waypoint;
    let identity = Identity::new(&mesh.trust_domain, namespace, name);
    if names(policy, &identity.to_string()) {
        return None;
    }
    let seen = at_ztunnel_behind_waypoint(policy, &mesh, Some(&identity));
    let Witnesses { open, closed } = seen.witnesses;
    let new = Witnesses {
        open: open.filter(|_| ztunnel.witnesses.open.is_none()),
        closed: closed.filter(|_| ztunnel.witnesses.closed.is_none()),
    };
    let changes = new != Witnesses::default() && seen.reasons.contains(&Code::SEES_THE_WAYPOINT);
    changes.then(|| wording::sees_the_waypoint(policy, waypoint, &new))
}

fn names(policy: &AuthorizationPolicy<'_>, principal: &str) -> bool {
    let rules = policy.spec.rules.as_slice().iter();
    let mut values = rules
        .flat_map(|rule| rule.sources())
        .flat_map(|(_, source)| {
            [SourceField::Principals, SourceField::NotPrincipals]
                .into_iter()
                .flat_map(|field| source.values(field))
        });
    values.any(|value| **value == *principal)
}
