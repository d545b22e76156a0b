//! What becomes of a policy on ambient workloads when no waypoint enforces it, as far as its
//! structure tells. Sidecars and gateways that its selector meets enforce it as it is written.

use super::needs::{Cause, Need, Picked};
use super::policy::{Action, AuthorizationPolicy, Condition, Field, Fields, Layer, Rule};

/// What is lost.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Consequence {
    /// Only waypoints are selected, and they ignore selectors; ztunnel does not capture their Pods.
    NotEnforced,
    /// The same, by a label that no new Pod has any more.
    NotEnforcedOldLabel,
    /// The same, if the Gateway that is selected is a waypoint.
    NotEnforcedIfWaypoint,
    /// ztunnel enforces none of it.
    NoEffect(Why),
    /// All rules of an ALLOW are dropped, and an ALLOW without rules refuses everything.
    AllowsNothing,
    /// These rules of an ALLOW are dropped, others remain.
    AllowsLess(Vec<usize>),
    /// Rules of a DENY arrive without their HTTP parts.
    DeniesOtherwise {
        /// These have a clause of which nothing is left: they match no request.
        never: Vec<usize>,
        /// These have an alternative of which nothing is left, beside others: what only that one
        /// matches gets through. The others may match more than they say.
        partly: Vec<usize>,
        /// These match other requests than they say, mostly more.
        others: Vec<usize>,
    },
}

/// Why ztunnel enforces nothing of a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// It does not carry out this action.
    Action(&'static str),
    /// It does not do dry runs, unless istiod is told to send them.
    DryRun,
    /// `selector: {}`, to which no workload refers.
    EmptySelector,
}

/// The annotation for a policy that is only to be tried.
const DRY_RUN: &str = "istio.io/dry-run";

/// Nothing is lost without a need; of an unknown action nobody can tell.
pub fn consequence(policy: &AuthorizationPolicy<'_>, needs: &[Need<'_>]) -> Option<Consequence> {
    if needs.is_empty() {
        return None;
    }
    let of_selector = needs.iter().find_map(|need| match need.cause {
        Cause::Selector(Picked::Waypoints(_)) => Some(Consequence::NotEnforced),
        Cause::Selector(Picked::BeforeIstio124(_)) => Some(Consequence::NotEnforcedOldLabel),
        Cause::Selector(Picked::GatewayOrWaypoint(_)) => Some(Consequence::NotEnforcedIfWaypoint),
        Cause::HttpField | Cause::HttpKey(_) | Cause::Action(_) => None,
    });
    of_selector.or_else(|| at_ztunnel(policy))
}

fn at_ztunnel(policy: &AuthorizationPolicy<'_>) -> Option<Consequence> {
    if is_dry_run(policy) {
        return Some(Consequence::NoEffect(Why::DryRun));
    }
    let rules = policy.spec.rules.as_slice();
    let which = |test: fn(&Rule<'_>) -> bool| -> Vec<usize> {
        let rules = rules.iter().enumerate();
        rules
            .filter_map(|(index, rule)| test(rule).then_some(index))
            .collect()
    };
    let with_http = which(has_http);
    match policy.spec.action {
        Action::Audit => Some(Consequence::NoEffect(Why::Action("AUDIT"))),
        Action::Custom => Some(Consequence::NoEffect(Why::Action("CUSTOM"))),
        Action::Unknown(_) => None,
        Action::Allow | Action::Deny if has_empty_selector(policy) => {
            Some(Consequence::NoEffect(Why::EmptySelector))
        }
        Action::Allow if with_http.len() == rules.len() => Some(Consequence::AllowsNothing),
        Action::Allow => Some(Consequence::AllowsLess(with_http)),
        Action::Deny => Some(Consequence::DeniesOtherwise {
            never: which(|rule| left(rule) == Some(Left::Nothing)),
            partly: which(|rule| left(rule) == Some(Left::SomeAlternatives)),
            others: which(|rule| left(rule) == Some(Left::AllAlternatives)),
        }),
    }
}

/// The values that Go reads as true, as istiod does.
fn is_dry_run(policy: &AuthorizationPolicy<'_>) -> bool {
    let values = ["1", "t", "T", "TRUE", "true", "True"];
    policy
        .annotation(DRY_RUN)
        .is_some_and(|value| values.contains(&value))
}

fn has_empty_selector(policy: &AuthorizationPolicy<'_>) -> bool {
    let selector = policy.spec.selector.as_ref();
    selector.is_some_and(|selector| selector.match_labels.is_none())
}

fn has_http(rule: &Rule<'_>) -> bool {
    let keys = rule.conditions().iter();
    rule.sources().any(|(_, source)| has(source, Layer::Http))
        || rule.operations().any(|(_, op)| has(op, Layer::Http))
        || keys.map(Condition::layer).any(|layer| layer == Layer::Http)
}

/// What ztunnel has left to match of a rule with HTTP parts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Left {
    /// A clause without any alternative: the rule matches no request.
    Nothing,
    /// In each clause some alternative, and in one not all.
    SomeAlternatives,
    /// Each of the alternatives, some with fewer tests.
    AllAlternatives,
}

/// ztunnel skips an alternative without any L4 test, and a clause without alternatives fails.
fn left(rule: &Rule<'_>) -> Option<Left> {
    let sources = rule.sources().filter(|(_, source)| has(source, Layer::L4));
    let operations = rule.operations().filter(|(_, op)| has(op, Layer::L4));
    let from = Left::of(rule.from.as_ref().map_or(0, Vec::len), sources.count());
    let to = Left::of(rule.to.as_ref().map_or(0, Vec::len), operations.count());
    let conditions = rule.conditions().iter().map(Condition::layer);
    let when = conditions.map(|layer| Left::of(1, usize::from(layer == Layer::L4)));
    has_http(rule).then(|| when.fold(from.min(to), Left::min))
}

fn has<F: Field>(fields: &Fields<'_, F>, layer: Layer) -> bool {
    fields.of_layer(layer).next().is_some()
}

// === impl Left ===

impl Left {
    /// Of a clause with so many alternatives, of which these are left. Without any it means any.
    fn of(alternatives: usize, left: usize) -> Self {
        match left {
            all if all == alternatives => Self::AllAlternatives,
            0 => Self::Nothing,
            _ => Self::SomeAlternatives,
        }
    }
}

#[cfg(test)]
mod tests;
