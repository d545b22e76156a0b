//! The findings on a policy with `targetRefs`.

use super::{Finding, Remedy, Severity, wording};
use crate::authorization::enforcement::bypass::{Bypass, Way, bypasses};
use crate::authorization::enforcement::proxy::at_sidecar;
use crate::authorization::enforcement::waypoint::{
    Fault, Standing, TargetStanding, WaypointStanding, at_waypoint,
};
use crate::authorization::facts::{Fact, Facts};
use crate::authorization::policy::AuthorizationPolicy;
use crate::authorization::settings::{OnFailOpen, Settings};

/// All of them.
pub(super) fn findings(
    policy: &AuthorizationPolicy<'_>,
    settings: &Settings,
    facts: &Facts,
) -> Vec<Finding> {
    let targets = match at_waypoint(policy, facts) {
        WaypointStanding::Targets(targets) => targets,
        WaypointStanding::NoTargets => Vec::new(),
    };
    let mut findings = match wrong_as_written(policy, &targets, settings) {
        Some(finding) => vec![finding],
        None => targets.iter().filter_map(of_target).collect(),
    };
    let sidecars = at_sidecar(policy, facts);
    findings.extend(sidecars.code().map(|code| {
        Finding::new(code, Severity::Warning, [sidecars.to_string()]).with(Remedy::Say(
            "For them write a second policy beside it, with a selector in place of targetRefs",
        ))
    }));
    findings.extend(gone_around(policy, facts));
    findings
}

fn of_target(target: &TargetStanding) -> Option<Finding> {
    let code = target.standing.code()?;
    let text = format!("{}: {}", target.target, target.standing);
    let finding = Finding::new(code, Severity::Warning, [text]);
    Some(match wording::remedy_of(code) {
        Some(remedy) => finding.with(Remedy::Say(remedy)),
        None => finding,
    })
}

/// No target attaches it, whatever else is in the cluster: then nothing enforces it.
fn wrong_as_written(
    policy: &AuthorizationPolicy<'_>,
    targets: &[TargetStanding],
    settings: &Settings,
) -> Option<Finding> {
    let is_wrong = |target: &TargetStanding| match &target.standing {
        Standing::NotAttached(why) => why.fault() == Fault::InPolicy,
        Standing::Attached { .. } | Standing::AtGateway(_) | Standing::Unknown(_) => false,
    };
    let severity = match settings.fail_open {
        OnFailOpen::Refuse => Severity::Error,
        OnFailOpen::Warn => Severity::Warning,
    };
    targets
        .iter()
        .all(is_wrong)
        .then(|| wording::not_attached(policy, targets, severity))
}

fn gone_around(policy: &AuthorizationPolicy<'_>, facts: &Facts) -> Vec<Finding> {
    let found = bypasses(policy, facts);
    let ways = found.ways.iter().map(|bypass| {
        let finding = Finding::new(bypass.code(), severity_of(bypass), [bypass.to_string()]);
        match found.guards.first() {
            None => finding,
            Some(guard) => finding.with(Remedy::Guard(Box::new(guard.clone()))),
        }
    });
    ways.collect()
}

/// An author is warned of clients that there are, not of those that there may be.
fn severity_of(bypass: &Bypass) -> Severity {
    match (bypass.way, &bypass.who) {
        (Way::Sidecars | Way::Ingress, Fact::Known(_)) => Severity::Warning,
        (Way::Sidecars | Way::Ingress, Fact::Unknown(_)) | (Way::Direct | Way::Outside, _) => {
            Severity::Info
        }
    }
}
