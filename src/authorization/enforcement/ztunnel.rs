//! Which rules ztunnel gets of a policy, and whether it gets the policy at all.
//!
//! The same work as istiod's `pilot/pkg/serviceregistry/ambient/authorization.go`
//! (`convertAuthorizationPolicy`, `handleRule`); an end-to-end test holds the two against each other.

use std::ops::Deref;

use serde::Serialize;

use super::received::{
    Action as Does, Authorization, Clause, Group, Match, Network, Scope, ServiceAccountMatch,
    StringMatch,
};
use crate::authorization::mesh::Mesh;
use crate::authorization::policy::{
    Action, AuthorizationPolicy, Condition, Field, Fields, Layer, OperationField, Rule,
    SourceField, Text,
};

/// What ztunnel gets of a policy.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Receives {
    /// Nothing.
    NotSent(NotSent),
    /// These rules; boxed because they are large beside a reason.
    Rules(Box<Authorization>),
}

/// Why ztunnel gets nothing of a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NotSent {
    /// Another control plane reads it.
    OtherRevision,
    /// It is only to be tried, and istiod is not told to send such policies.
    DryRun,
    /// It is for the waypoints or gateways that it names.
    TargetRefs,
    /// The action AUDIT.
    Audit,
    /// The action CUSTOM.
    Custom,
    /// An action that we do not know.
    UnknownAction,
    /// istiod ends when it converts an alternative without `source` or `operation`.
    CrashesIstiod,
}

/// The annotation for a policy that is only to be tried.
pub const DRY_RUN: &str = "istio.io/dry-run";
/// The label that says which control plane reads an object.
pub const REVISION: &str = "istio.io/rev";
/// Where a policy without a namespace goes.
const DEFAULT_NAMESPACE: &str = "default";

/// What ztunnel gets of `policy` in `mesh`, whatever the policy selects.
pub fn receives(policy: &AuthorizationPolicy<'_>, mesh: &Mesh) -> Receives {
    match sent_as(policy, mesh) {
        Ok(action) => Receives::Rules(Box::new(rules(policy, mesh, action))),
        Err(reason) => Receives::NotSent(reason),
    }
}

/// The namespace that a policy is in, or would be put into.
pub(super) fn namespace_of<'p>(policy: &'p AuthorizationPolicy<'_>) -> &'p str {
    policy.namespace().unwrap_or(DEFAULT_NAMESPACE)
}

/// The values that Go's `strconv.ParseBool` reads as true. Istio takes all others for false.
pub(super) fn is_dry_run(policy: &AuthorizationPolicy<'_>) -> bool {
    let value = policy.annotation(DRY_RUN);
    value.is_some_and(|value| ["1", "t", "T", "TRUE", "true", "True"].contains(&value))
}

/// Whether no workload refers to it: `buildWorkloadPolicies` of istiod's `workloads.go` passes over
/// a policy without labels, and the scope says that workloads have to refer to it.
pub(super) fn is_referred_to(policy: &AuthorizationPolicy<'_>) -> bool {
    let selector = policy.spec.selector.as_ref();
    selector.is_none_or(|selector| selector.match_labels.is_some())
}

/// Whether ztunnel can test all of a rule, as far as istiod tells: `trustDomains` it drops silently.
pub(super) fn has_http(rule: &Rule<'_>) -> bool {
    let has = |condition: &Condition<'_>| condition.layer() == Layer::Http;
    rule.sources().any(|(_, source)| tests_http(source))
        || rule
            .operations()
            .any(|(_, operation)| tests_http(operation))
        || rule.conditions().iter().any(has)
}

fn tests_http<F: Field>(fields: &Fields<'_, F>) -> bool {
    fields.of_layer(Layer::Http).next().is_some()
}

fn sent_as(policy: &AuthorizationPolicy<'_>, mesh: &Mesh) -> Result<Does, NotSent> {
    let labels = policy.metadata.labels.as_ref();
    let revision = labels.and_then(|labels| labels.get(REVISION));
    if !mesh.reads(revision.map(Deref::deref)) {
        return Err(NotSent::OtherRevision);
    }
    if is_dry_run(policy) && !mesh.dry_run_at_ztunnel {
        return Err(NotSent::DryRun);
    }
    if !policy.spec.targets().is_empty() {
        return Err(NotSent::TargetRefs);
    }
    let action = match policy.spec.action {
        Action::Allow => Does::Allow,
        Action::Deny => Does::Deny,
        Action::Audit => return Err(NotSent::Audit),
        Action::Custom => return Err(NotSent::Custom),
        Action::Unknown(_) => return Err(NotSent::UnknownAction),
    };
    let mut rules = policy.spec.rules.as_slice().iter();
    if rules.any(has_hollow_alternative) {
        return Err(NotSent::CrashesIstiod);
    }
    Ok(action)
}

/// `from: [{}]` or `to: [{}]`: `httpSources` and `httpOperations` follow the nil pointer. istiod's own
/// validation refuses such a policy, where it is asked; the schema of the CRD does not.
fn has_hollow_alternative(rule: &Rule<'_>) -> bool {
    let mut from = rule.from.iter().flatten();
    let mut to = rule.to.iter().flatten();
    from.any(|from| from.source.is_none()) || to.any(|to| to.operation.is_none())
}

fn rules(policy: &AuthorizationPolicy<'_>, mesh: &Mesh, action: Does) -> Authorization {
    let namespace = namespace_of(policy);
    let metadata = &policy.metadata;
    let name = metadata.name.as_ref().or(metadata.generate_name.as_ref());
    let scope = match &policy.spec.selector {
        Some(_) => Scope::WorkloadSelector,
        None if namespace == mesh.root_namespace => Scope::Global,
        None => Scope::Namespace,
    };
    let rules = policy.spec.rules.as_slice().iter();
    let kept = rules.filter(|rule| action == Does::Deny || !has_http(rule));
    Authorization {
        name: name.map(|name| name.to_string()).unwrap_or_default(),
        namespace: namespace.to_owned(),
        scope,
        action,
        groups: kept.map(|rule| group(rule, namespace)).collect(),
        dry_run: is_dry_run(policy),
    }
}

fn group(rule: &Rule<'_>, namespace: &str) -> Group {
    let to = rule.to.as_deref().unwrap_or_default();
    let to = to.iter().map(|to| to.operation.as_ref().map(operation));
    let from = rule.from.as_deref().unwrap_or_default();
    let from = from.iter().map(|from| {
        let fields = from.source.as_ref();
        fields.map(|fields| source(fields, namespace))
    });
    let clause = |matches: Vec<Match>| (!matches.is_empty()).then_some(Clause { matches });
    let when = rule.conditions().iter().map(condition).map(|only| Clause {
        matches: vec![only],
    });
    let to = clause(to.map(Option::unwrap_or_default).collect());
    let from = clause(from.map(Option::unwrap_or_default).collect());
    let rules = to.into_iter().chain(from).chain(when).collect();
    Group { rules }
}

fn operation(fields: &Fields<'_, OperationField>) -> Match {
    Match {
        destination_ports: ports(fields.values(OperationField::Ports)),
        not_destination_ports: ports(fields.values(OperationField::NotPorts)),
        ..Match::default()
    }
}

fn source(fields: &Fields<'_, SourceField>, namespace: &str) -> Match {
    let values = |field| fields.values(field);
    let accounts = |field| {
        let accounts = values(field).iter();
        accounts
            .map(|value| ServiceAccountMatch::of(value, namespace))
            .collect()
    };
    Match {
        namespaces: strings(values(SourceField::Namespaces)),
        not_namespaces: strings(values(SourceField::NotNamespaces)),
        service_accounts: accounts(SourceField::ServiceAccounts),
        not_service_accounts: accounts(SourceField::NotServiceAccounts),
        principals: strings(values(SourceField::Principals)),
        not_principals: strings(values(SourceField::NotPrincipals)),
        source_ips: networks(values(SourceField::IpBlocks)),
        not_source_ips: networks(values(SourceField::NotIpBlocks)),
        ..Match::default()
    }
}

/// Empty for a key that ztunnel does not know.
fn condition(condition: &Condition<'_>) -> Match {
    let values = condition.values.as_deref().unwrap_or_default();
    let not_values = condition.not_values.as_deref().unwrap_or_default();
    let mut tests = Match::default();
    match &*condition.key {
        "source.namespace" => {
            tests.namespaces = strings(values);
            tests.not_namespaces = strings(not_values);
        }
        "source.principal" => {
            tests.principals = strings(values);
            tests.not_principals = strings(not_values);
        }
        "source.ip" => {
            tests.source_ips = networks(values);
            tests.not_source_ips = networks(not_values);
        }
        "destination.ip" => {
            tests.destination_ips = networks(values);
            tests.not_destination_ips = networks(not_values);
        }
        "destination.port" => {
            tests.destination_ports = ports(values);
            tests.not_destination_ports = ports(not_values);
        }
        _ => {}
    }
    tests
}

fn strings(values: &[Text<'_>]) -> Vec<StringMatch> {
    values.iter().map(|value| StringMatch::of(value)).collect()
}

/// What is no address is left out, as istiod does.
fn networks(values: &[Text<'_>]) -> Vec<Network> {
    values
        .iter()
        .filter_map(|value| Network::of(value))
        .collect()
}

fn ports(values: &[Text<'_>]) -> Vec<u16> {
    values.iter().filter_map(|value| port(value)).collect()
}

/// A port as Go's `strconv.ParseUint` reads it: digits only.
pub(super) fn port(value: &str) -> Option<u16> {
    let is_plain = value.bytes().all(|digit| digit.is_ascii_digit());
    value.parse().ok().filter(|_| is_plain)
}
