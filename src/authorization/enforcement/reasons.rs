//! Why a policy does something else at ztunnel than it says, and what else its author should know.

use std::collections::BTreeSet;

use super::arrived::Sees;
use super::received::{Authorization, Match, Network};
use super::trust_domain::without_cluster_local;
use super::ztunnel::{NotSent, Receives, has_http, is_referred_to, port};
use crate::authorization::code::Code;
use crate::authorization::mesh::Mesh;
use crate::authorization::policy::{
    Action, AuthorizationPolicy, Fields, Layer, OperationField, Rule, SourceField, Text,
};

/// All that ztunnel does with a policy otherwise than it is written, each once, in the order of the codes.
///
/// They explain an effect, and none alone decides it: rules cover for each other.
pub(super) fn reasons(
    policy: &AuthorizationPolicy<'_>,
    mesh: &Mesh,
    receives: &Receives,
    sees: Sees<'_>,
) -> Vec<Code> {
    let got = match receives {
        Receives::NotSent(reason) => return vec![code_of(*reason)],
        Receives::Rules(got) => got,
    };
    let mut codes = BTreeSet::new();
    if !is_referred_to(policy) {
        codes.insert(Code::NO_WORKLOAD_REFERS);
    }
    of_rules(policy, got, &mut codes);
    for rule in sent(policy) {
        of_values(rule, mesh, &mut codes);
    }
    if matches!(sees, Sees::Waypoint(_)) {
        codes.extend(of_waypoint(got));
    }
    codes.into_iter().collect()
}

/// What is the same at every enforcer, and surprises all the same.
pub(super) fn notes(policy: &AuthorizationPolicy<'_>) -> Vec<Code> {
    let rules = policy.spec.rules.as_slice();
    let dead = rules.iter().flat_map(principals);
    let mut codes = Vec::new();
    if dead.into_iter().any(|value| value.starts_with("spiffe://")) {
        codes.push(Code::SPIFFE_PRINCIPAL);
    }
    if rules.iter().any(tests_ports) {
        codes.push(Code::PORTS_OF_THE_POD);
    }
    codes
}

fn code_of(reason: NotSent) -> Code {
    match reason {
        NotSent::OtherRevision => Code::OTHER_REVISION,
        NotSent::DryRun => Code::DRY_RUN,
        NotSent::TargetRefs => Code::TARGET_REFS_NOT_SENT,
        NotSent::CrashesIstiod => Code::CRASHES_ISTIOD,
        NotSent::Audit | NotSent::Custom | NotSent::UnknownAction => Code::ACTION_NOT_SUPPORTED,
    }
}

/// The rules that are sent, all or in part.
fn sent<'p, 'a>(policy: &'p AuthorizationPolicy<'a>) -> impl Iterator<Item = &'p Rule<'a>> {
    let is_allow = policy.spec.action == Action::Allow;
    let rules = policy.spec.rules.as_slice().iter();
    rules.filter(move |rule| !is_allow || !has_http(rule))
}

fn of_rules(policy: &AuthorizationPolicy<'_>, got: &Authorization, codes: &mut BTreeSet<Code>) {
    let all = policy.spec.rules.as_slice();
    let with_http = all.iter().any(has_http);
    if with_http && policy.spec.action == Action::Allow {
        codes.insert(Code::RULE_DROPPED);
        if got.groups.is_empty() {
            codes.insert(Code::ALLOWS_NOTHING);
        }
    } else if with_http {
        codes.insert(Code::HTTP_DROPPED);
    }
    for clause in got.groups.iter().flat_map(|group| &group.rules) {
        let empty = clause.matches.iter().filter(|one| one.is_empty()).count();
        if empty == clause.matches.len() {
            codes.insert(Code::NEVER_FIRES);
        } else if empty > 0 {
            codes.insert(Code::ALTERNATIVE_VANISHED);
        }
    }
}

fn of_values(rule: &Rule<'_>, mesh: &Mesh, codes: &mut BTreeSet<Code>) {
    let has_trust_domains =
        |fields: &Fields<'_, SourceField>| fields.of_layer(Layer::TrustDomain).next().is_some();
    if rule.sources().any(|(_, source)| has_trust_domains(source)) {
        codes.insert(Code::TRUST_DOMAINS_DROPPED);
    }
    if principals(rule).any(|value| *without_cluster_local(value, mesh) != [value]) {
        codes.insert(Code::TRUST_DOMAIN_NOT_REWRITTEN);
    }
    if namespaces(rule).any(is_another_glob) {
        codes.insert(Code::WILDCARD_IN_NAMESPACE);
    }
    let is_no_network = |value: &str| Network::of(value).is_none();
    if networks(rule).any(is_no_network) || ports(rule).any(|value| port(value).is_none()) {
        codes.insert(Code::VALUE_DROPPED);
    }
}

fn of_waypoint(got: &Authorization) -> Option<Code> {
    let clauses = got.groups.iter().flat_map(|group| &group.rules);
    let mut matches = clauses.flat_map(|clause| &clause.matches);
    let tests_client = |one: &Match| {
        let of_destination = Match {
            destination_ips: one.destination_ips.clone(),
            not_destination_ips: one.not_destination_ips.clone(),
            destination_ports: one.destination_ports.clone(),
            not_destination_ports: one.not_destination_ports.clone(),
            ..Match::default()
        };
        *one != of_destination
    };
    matches.any(tests_client).then_some(Code::SEES_THE_WAYPOINT)
}

/// Whether Envoy's glob is more than ztunnel's beginning or end: a `*` inside, or one whose text may
/// also end with the name of the next part, `sa`.
fn is_another_glob(value: &str) -> bool {
    let inner = value.strip_prefix('*').or_else(|| value.strip_suffix('*'));
    let ends_as_account = |end: &str| "/sa".ends_with(end) || end.ends_with("/sa");
    inner.is_some_and(|inner| {
        inner.contains('*') || !inner.is_empty() && value.starts_with('*') && ends_as_account(inner)
    }) || inner.is_none() && value.contains('*')
}

fn values<'r>(
    rule: &'r Rule<'_>,
    fields: [SourceField; 2],
    keys: &'static [&'static str],
) -> impl Iterator<Item = &'r str> {
    let of_sources = rule
        .sources()
        .flat_map(move |(_, source)| fields.into_iter().flat_map(|field| source.values(field)));
    of_sources.map(|value| &**value).chain(of_keys(rule, keys))
}

fn of_keys<'r>(rule: &'r Rule<'_>, keys: &'static [&'static str]) -> impl Iterator<Item = &'r str> {
    let conditions = rule.conditions().iter();
    let with_key = conditions.filter(|condition| keys.contains(&&*condition.key));
    with_key.flat_map(|condition| {
        let values = condition.values.iter().chain(&condition.not_values);
        values.flatten().map(|value: &Text<'_>| &**value)
    })
}

fn principals<'r>(rule: &'r Rule<'_>) -> impl Iterator<Item = &'r str> {
    let fields = [SourceField::Principals, SourceField::NotPrincipals];
    values(rule, fields, &["source.principal"])
}

fn namespaces<'r>(rule: &'r Rule<'_>) -> impl Iterator<Item = &'r str> {
    let fields = [SourceField::Namespaces, SourceField::NotNamespaces];
    values(rule, fields, &["source.namespace"])
}

fn networks<'r>(rule: &'r Rule<'_>) -> impl Iterator<Item = &'r str> {
    let fields = [SourceField::IpBlocks, SourceField::NotIpBlocks];
    values(rule, fields, &["source.ip", "destination.ip"])
}

fn ports<'r>(rule: &'r Rule<'_>) -> impl Iterator<Item = &'r str> {
    let fields = [OperationField::Ports, OperationField::NotPorts];
    let of_operations = rule.operations().flat_map(move |(_, operation)| {
        fields.into_iter().flat_map(|field| operation.values(field))
    });
    let of_keys = of_keys(rule, &["destination.port"]);
    of_operations.map(|value| &**value).chain(of_keys)
}

fn tests_ports(rule: &Rule<'_>) -> bool {
    ports(rule).next().is_some()
}
