//! Every message of a verdict. The first line of a refusal names the policy and what is wrong, each
//! further line is one thing to know, and each is short enough to be a warning by itself.

use super::{Reason, Remedy, Verdict, Warning};
use crate::authorization::attachment::{
    MalformedAnnotation, Unattached, WAYPOINT_FOR, WaypointFor,
};
use crate::authorization::consequence::{Consequence, Why};
use crate::authorization::needs::{Cause, Need};
use crate::authorization::policy::AuthorizationPolicy;

/// Characters of somebody else's text in a message.
const EXCERPT: usize = 80;

/// Fields that a message names before it only counts them.
const NAMED: usize = 3;

/// Needs a waypoint, and nothing attaches it.
pub(super) fn needs_attachment(
    policy: &AuthorizationPolicy<'_>,
    needs: &[Need<'_>],
    lost: Option<&Consequence>,
    why: Unattached,
) -> Verdict {
    let enforced = enforced_by_waypoints(needs);
    let wrong = match enforced {
        Some(_) => "needs a waypoint, and nothing attaches it to one",
        None => "selects the Pods of a gateway, and no targetRefs name it",
    };
    let headline = format!("{} {wrong}{}", identity(policy), because(why));
    Verdict::Refuse {
        reason: Reason::NeedsAttachment,
        message: lines([Some(headline), enforced, lost.map(loss)]),
        remedy: Remedy::attach(policy, needs, &[]),
        warnings: Vec::new(),
    }
}

/// Nothing attaches it, and the configuration asks for it all the same.
pub(super) fn attachment_required(policy: &AuthorizationPolicy<'_>, why: Unattached) -> Verdict {
    let headline = format!(
        "{} is not attached to a waypoint{}, and authorizationPolicies.attachment is always",
        identity(policy),
        because(why)
    );
    Verdict::Refuse {
        reason: Reason::AttachmentRequired,
        message: headline,
        remedy: Remedy::attach(policy, &[], &[]),
        warnings: Vec::new(),
    }
}

/// Attached by the annotation, which Istio ignores.
pub(super) fn annotation_only(
    policy: &AuthorizationPolicy<'_>,
    needs: &[Need<'_>],
    lost: Option<&Consequence>,
    waypoint_for: &WaypointFor<'_>,
) -> Verdict {
    let headline = format!(
        "{}: Istio ignores the annotation {WAYPOINT_FOR}, so no waypoint enforces this policy",
        identity(policy)
    );
    let unneeded = needs.is_empty().then(|| {
        "Nothing in it needs a waypoint; without the annotation it does the same".to_owned()
    });
    Verdict::Refuse {
        reason: Reason::AnnotationOnly,
        message: lines([
            Some(headline),
            enforced_by_waypoints(needs),
            lost.map(loss),
            unneeded,
        ]),
        remedy: Remedy::attach(policy, needs, waypoint_for.named()),
        warnings: Vec::new(),
    }
}

/// The annotation cannot be read.
pub(super) fn malformed_annotation(
    policy: &AuthorizationPolicy<'_>,
    malformed: &MalformedAnnotation,
) -> Verdict {
    let headline = format!(
        "{}: the annotation {WAYPOINT_FOR} cannot be read",
        identity(policy)
    );
    let value = excerpt(policy.annotation(WAYPOINT_FOR).unwrap_or_default());
    let MalformedAnnotation { column, problem } = malformed;
    let place = format!("At column {column} of {value:?}: {problem}");
    Verdict::Refuse {
        reason: Reason::MalformedAnnotation,
        message: lines([Some(headline), Some(place)]),
        remedy: Remedy::CorrectAnnotation,
        warnings: Vec::new(),
    }
}

/// The annotation beside targets.
pub(super) fn annotation_ignored() -> Warning {
    let text = format!(
        "Istio ignores the annotation {WAYPOINT_FOR}: spec.targetRefs decide, it can be removed"
    );
    Warning::new(Reason::AnnotationIgnored, &text)
}

/// Tests of a trust domain at ztunnel.
pub(super) fn trust_domain_dropped(fields: &[String]) -> Warning {
    let fields = listed(fields);
    let text = format!("On ambient workloads ztunnel drops {fields}, without a word in the status");
    Warning::new(Reason::TrustDomainDropped, &text)
}

/// An action that is none.
pub(super) fn unknown_action(name: &str) -> Warning {
    let name = excerpt(name);
    let text = format!("spec.action {name:?} is not known; allowed: ALLOW, DENY, AUDIT, CUSTOM");
    Warning::new(Reason::UnknownAction, &text)
}

/// Fields that were not judged.
pub(super) fn unknown_fields(fields: &[String]) -> Warning {
    let fields = listed(fields);
    let text = format!("meshmode does not know {fields} and judged the policy without");
    Warning::new(Reason::UnknownField, &text)
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

/// Joins what there is, each on a line of its own.
fn lines<const N: usize>(lines: [Option<String>; N]) -> String {
    let lines: Vec<_> = lines.into_iter().flatten().collect();
    lines.join("\n")
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

fn rules(indices: &[usize]) -> String {
    let paths: Vec<_> = indices
        .iter()
        .map(|index| format!("spec.rules[{index}]"))
        .collect();
    listed(&paths)
}

/// What becomes of the policy on ambient workloads.
fn loss(lost: &Consequence) -> String {
    match lost {
        Consequence::NotEnforced => {
            "Its selector picks waypoints, which ignore selectors: nothing enforces it".to_owned()
        }
        Consequence::NotEnforcedOldLabel => {
            "Its selector picks by istio.io/gateway-name, which Istio sets no more since 1.24, and \
             waypoints ignore selectors: nothing enforces it"
                .to_owned()
        }
        Consequence::NotEnforcedIfWaypoint => {
            "Its selector picks a Gateway: if that is a waypoint, it ignores selectors, and nothing \
             enforces the policy"
                .to_owned()
        }
        Consequence::NoEffect(why) => {
            let why = match why {
                Why::Action(action) => format!("does not carry out {action}"),
                Why::DryRun => "does not do dry runs".to_owned(),
                Why::EmptySelector => "enforces no policy with an empty selector".to_owned(),
            };
            format!("On ambient workloads it has no effect: ztunnel {why}")
        }
        Consequence::AllowsNothing => {
            "On ambient workloads it allows nothing: ztunnel drops all its rules, and what no other \
             policy allows is refused"
                .to_owned()
        }
        Consequence::AllowsLess(dropped) => {
            let dropped = rules(dropped);
            format!("On ambient workloads ztunnel drops {dropped}: what only that allows is refused")
        }
        Consequence::DeniesOtherwise {
            never,
            partly,
            others,
        } => {
            let never = (!never.is_empty()).then(|| {
                let rules = rules(never);
                format!("On ambient workloads {rules} denies nothing: ztunnel drops its HTTP parts, and what is left never matches")
            });
            let partly = (!partly.is_empty()).then(|| {
                let rules = rules(partly);
                format!("On ambient workloads {rules} lets through part of what it says it denies, and may deny other requests: ztunnel drops its HTTP parts, and with them whole alternatives")
            });
            let others = (!others.is_empty()).then(|| {
                let rules = rules(others);
                format!("On ambient workloads {rules} may deny other requests than it says: ztunnel drops its HTTP parts")
            });
            lines([never, partly, others])
        }
    }
}
