//! Every message of a verdict, each with its code. The first line of a refusal names the policy and what
//! is wrong, each further line is one thing to know, and each is short enough to be a warning by itself.

use super::enforcers::Meets;
pub(crate) use super::sentences::of;
pub(super) use super::sentences::remedy_of;
use super::{ADMIT, Finding, Remedy, Severity};
use crate::authorization::attachment::{
    MalformedAnnotation, Unattached, WAYPOINT_FOR, WaypointFor,
};
use crate::authorization::code::Code;
use crate::authorization::enforcement::waypoint::TargetStanding;
use crate::authorization::enforcement::{Bound, Enforcement, Witnesses};
use crate::authorization::facts::ObjectName;
use crate::authorization::needs::{Cause, Need, Picked};
use crate::authorization::policy::AuthorizationPolicy;

/// Characters of somebody else's text in a message.
const EXCERPT: usize = 80;
/// Fields that a message names before it only counts them.
const NAMED: usize = 3;
/// Reasons that a message gives; `meshmode explain` gives all.
const REASONS: usize = 3;

/// Needs a waypoint, and nothing attaches it.
pub(super) fn needs_attachment(
    policy: &AuthorizationPolicy<'_>,
    needs: &[Need<'_>],
    lost: Vec<String>,
    why: Unattached,
) -> Finding {
    let enforced = enforced_by_waypoints(needs);
    let wrong = match enforced {
        Some(_) => "needs a waypoint, and nothing attaches it to one",
        None => "selects the Pods of a gateway, and no targetRefs name it",
    };
    let headline = format!("{} {wrong}{}", identity(policy), because(why));
    let lines = [headline].into_iter().chain(enforced).chain(lost);
    Finding::new(Code::NEEDS_ATTACHMENT, Severity::Error, lines).with(Remedy::attach(
        policy,
        needs,
        &[],
    ))
}

/// Nothing attaches it, and the configuration asks for it all the same.
pub(super) fn attachment_required(policy: &AuthorizationPolicy<'_>, why: Unattached) -> Finding {
    let headline = format!(
        "{} is not attached to a waypoint{}, and authorizationPolicies.attachment is always",
        identity(policy),
        because(why)
    );
    Finding::new(Code::ATTACHMENT_REQUIRED, Severity::Error, [headline]).with(Remedy::attach(
        policy,
        &[],
        &[],
    ))
}

/// Attached by the annotation, which Istio ignores.
pub(super) fn annotation_only(
    policy: &AuthorizationPolicy<'_>,
    needs: &[Need<'_>],
    lost: Vec<String>,
    waypoint_for: &WaypointFor<'_>,
    severity: Severity,
) -> Finding {
    let headline = format!(
        "{}: Istio ignores the annotation {WAYPOINT_FOR}, so no waypoint enforces this policy",
        identity(policy)
    );
    let unneeded = needs.is_empty().then(|| {
        "Nothing in it needs a waypoint; without the annotation it does the same".to_owned()
    });
    let lines = [headline]
        .into_iter()
        .chain(enforced_by_waypoints(needs))
        .chain(lost)
        .chain(unneeded);
    Finding::new(Code::ANNOTATION_ONLY, severity, lines).with(Remedy::attach(
        policy,
        needs,
        waypoint_for.named(),
    ))
}

/// The annotation cannot be read.
pub(super) fn malformed_annotation(
    policy: &AuthorizationPolicy<'_>,
    malformed: &MalformedAnnotation,
) -> Finding {
    let headline = format!(
        "{}: the annotation {WAYPOINT_FOR} cannot be read",
        identity(policy)
    );
    let value = excerpt(policy.annotation(WAYPOINT_FOR).unwrap_or_default());
    let MalformedAnnotation { column, problem } = malformed;
    let place = format!("At column {column} of {value:?}: {problem}");
    Finding::new(
        Code::MALFORMED_ANNOTATION,
        Severity::Error,
        [headline, place],
    )
    .with(Remedy::CorrectAnnotation)
}

/// The annotation beside targets.
pub(super) fn annotation_ignored() -> Finding {
    let text = format!(
        "Istio ignores the annotation {WAYPOINT_FOR}: spec.targetRefs decide, it can be removed"
    );
    Finding::new(Code::ANNOTATION_IGNORED, Severity::Warning, [text])
}

/// None of the targets can attach it.
pub(super) fn not_attached(
    policy: &AuthorizationPolicy<'_>,
    targets: &[TargetStanding],
    severity: Severity,
) -> Finding {
    let headline = format!(
        "{}: none of its targets attaches it to anything, so nothing enforces it",
        identity(policy)
    );
    let targets = targets
        .iter()
        .take(NAMED)
        .map(|target| format!("{}: {}", excerpt(&target.target), target.standing));
    let lines = [headline].into_iter().chain(targets);
    Finding::new(Code::NOT_ATTACHED, severity, lines).with(Remedy::Say(
        "Name a waypoint of the policy's own namespace: group: gateway.networking.k8s.io, kind: Gateway; or a Service that uses one",
    ))
}

/// ztunnel does something else than the policy says.
pub(super) fn fails(
    policy: &AuthorizationPolicy<'_>,
    code: Code,
    severity: Severity,
    lost: Vec<String>,
    reasons: &[Code],
) -> Finding {
    let does = if code == Code::FAILS_OPEN {
        "lets through what it refuses"
    } else {
        "refuses what it allows"
    };
    let headline = format!("{} on ambient workloads {does}", identity(policy));
    let finding = Finding::new(code, severity, [headline].into_iter().chain(lost));
    // What is only written so that ztunnel cannot read it needs no waypoint.
    let is_written_so = |code: &Code| {
        [
            Code::NO_WORKLOAD_REFERS,
            Code::TRUST_DOMAIN_NOT_REWRITTEN,
            Code::WILDCARD_IN_NAMESPACE,
            Code::VALUE_DROPPED,
        ]
        .contains(code)
    };
    if reasons.iter().any(is_written_so) {
        finding.with(Remedy::Say(
            "Write it so that ztunnel can enforce it; or attach it to a waypoint with targetRefs",
        ))
    } else {
        finding.with(Remedy::attach(policy, &[], &[]))
    }
}

/// ztunnel tests the waypoint in place of the client.
pub(super) fn sees_the_waypoint(
    policy: &AuthorizationPolicy<'_>,
    waypoint: &ObjectName,
    witnesses: &Witnesses,
) -> Finding {
    let headline = format!(
        "{} tests who calls, and behind waypoint {waypoint} ztunnel sees the waypoint in place of the client",
        identity(policy)
    );
    let lines = [headline].into_iter().chain(shown(witnesses));
    Finding::new(Code::SEES_THE_WAYPOINT, Severity::Warning, lines).with(Remedy::Say(
        "Test the client at the waypoint: a second policy with targetRefs; here name the waypoint's own identity",
    ))
}

/// An action that is none.
pub(super) fn unknown_action(name: &str) -> Finding {
    let name = excerpt(name);
    let text = format!("spec.action {name:?} is not known; allowed: ALLOW, DENY, AUDIT, CUSTOM");
    Finding::new(Code::UNKNOWN_ACTION, Severity::Warning, [text])
}

/// Fields that were not judged.
pub(super) fn unknown_fields(fields: &[String]) -> Finding {
    let fields = listed(fields);
    let text = format!("meshmode does not know {fields} and judged the policy without");
    Finding::new(Code::UNKNOWN_FIELD, Severity::Warning, [text])
}

/// The author's reason for admitting it.
pub(super) fn admitted(reason: &str) -> Finding {
    let reason = excerpt(reason);
    let text = format!("Admitted although it would be refused, as {ADMIT} says: {reason}");
    Finding::new(Code::ADMITTED_BY_INTENT, Severity::Warning, [text])
}

/// The annotation without a reason.
pub(super) fn admitted_without_reason() -> Finding {
    let text = format!("The annotation {ADMIT} admits nothing without a reason: write why");
    Finding::new(Code::NOT_ADMITTED_BY_INTENT, Severity::Warning, [text])
}

/// The annotation where the operator does not allow it.
pub(super) fn admitting_is_off() -> Finding {
    let text = format!(
        "The annotation {ADMIT} is ignored: authorizationPolicies.breakGlass is false; ask whoever runs meshmode"
    );
    Finding::new(Code::NOT_ADMITTED_BY_INTENT, Severity::Warning, [text])
}

/// It ends the control plane of the mesh.
pub(super) fn crashes_istiod(policy: &AuthorizationPolicy<'_>) -> Finding {
    let headline = format!("{} ends istiod", identity(policy));
    let lines = [headline, of(Code::CRASHES_ISTIOD).to_owned()];
    Finding::new(Code::CRASHES_ISTIOD, Severity::Error, lines).with(Remedy::Say(
        "Leave the empty alternative out, or give it a source or an operation; empty ones ({}) match anything",
    ))
}

/// What is so at every enforcer.
pub(super) fn note(code: Code) -> Finding {
    let severity = if code == Code::SPIFFE_PRINCIPAL {
        Severity::Warning
    } else {
        Severity::Info
    };
    Finding::new(code, severity, [of(code).to_owned()])
}

/// What becomes of the policy where ztunnel has it: why, and a request that shows it; and what was assumed.
pub(super) fn loss(needs: &[Need<'_>], ztunnel: &Enforcement, meets: Meets<'_>) -> Vec<String> {
    let picked = needs.iter().find_map(|need| match need.cause {
        Cause::Selector(picked) => Some(of_selector(picked)),
        Cause::HttpField | Cause::HttpKey(_) | Cause::Action(_) => None,
    });
    if let Some(picked) = picked {
        return vec![picked.to_owned()];
    }
    let only = match meets {
        Meets::Others(_) => return Vec::new(),
        Meets::Ambient(_) => None,
        Meets::Nothing => {
            Some("It selects no workload of the mesh yet: taken for ambient ones".to_owned())
        }
        Meets::Unknown(why) => Some(format!("Taken for a policy of ambient workloads: {why}")),
    };
    let reasons = ztunnel.reasons.iter().take(REASONS);
    let reasons = reasons.map(|code| of(*code).to_owned());
    let lines = reasons
        .chain(shown(&ztunnel.witnesses))
        .chain(bound(ztunnel));
    let lines: Vec<_> = lines.collect();
    let only = only.filter(|_| !lines.is_empty());
    lines.into_iter().chain(only).collect()
}

fn shown(witnesses: &Witnesses) -> impl Iterator<Item = String> {
    let open = witnesses.open.as_ref();
    let open = open.map(|request| format!("Gets through, though the policy refuses it: {request}"));
    let closed = witnesses.closed.as_ref();
    let closed =
        closed.map(|request| format!("Is refused, though the policy allows it: {request}"));
    open.into_iter().chain(closed)
}

fn bound(enforcement: &Enforcement) -> Option<String> {
    match enforcement.bound {
        Bound::Exhausted => None,
        Bound::Reached(steps) => Some(format!(
            "It is too large to compare whole: {steps} steps were made, there may be more"
        )),
    }
}

fn of_selector(picked: Picked<'_>) -> &'static str {
    match picked {
        Picked::Waypoints(_) => {
            "Its selector picks waypoints, which ignore selectors: nothing enforces it"
        }
        Picked::BeforeIstio124(_) => {
            "Its selector picks by istio.io/gateway-name, which Istio sets no more since 1.24, and \
             waypoints ignore selectors: nothing enforces it"
        }
        Picked::GatewayOrWaypoint(_) => {
            "Its selector picks a Gateway: if that is a waypoint, it ignores selectors, and nothing \
             enforces the policy"
        }
    }
}

/// What somebody else wrote may have any characters and any length: this has none that break a
/// line, and at most so many.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= limit {
        return text.chars().map(printable).collect();
    }
    let kept = text.chars().map(printable).take(limit.saturating_sub(1));
    kept.chain(['…']).collect()
}

fn excerpt(text: &str) -> String {
    one_line(text, EXCERPT)
}

/// `AuthorizationPolicy payments/deny-delete`; a name still to be generated ends in `*`.
fn identity(policy: &AuthorizationPolicy<'_>) -> String {
    let metadata = &policy.metadata;
    let name = match (metadata.name.as_deref(), metadata.generate_name.as_deref()) {
        (Some(name), _) if !name.is_empty() => excerpt(name),
        (_, Some(prefix)) => format!("{}*", excerpt(prefix)),
        (_, None) => "without a name".to_owned(),
    };
    match policy.namespace() {
        Some(namespace) => format!("AuthorizationPolicy {}/{name}", excerpt(namespace)),
        None => format!("AuthorizationPolicy {name}"),
    }
}

fn because(why: Unattached) -> &'static str {
    match why {
        Unattached::Absent => "",
        Unattached::AnnotationSaysNone => " (istio.io/waypoint-for says none)",
    }
}

fn enforced_by_waypoints(needs: &[Need<'_>]) -> Option<String> {
    let fields: Vec<_> = needs
        .iter()
        .filter(|need| !matches!(need.cause, Cause::Selector(_)))
        .map(Need::to_string)
        .collect();
    let listed = listed(&fields);
    (!fields.is_empty()).then(|| format!("In ambient mode only a waypoint enforces {listed}"))
}

/// `a, b, c and 2 more`.
fn listed(items: &[String]) -> String {
    let named: Vec<_> = items.iter().take(NAMED).map(|item| excerpt(item)).collect();
    let named = named.join(", ");
    match items.len().checked_sub(NAMED) {
        None | Some(0) => named,
        Some(more) => format!("{named} and {more} more"),
    }
}
