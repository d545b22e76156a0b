//! What ztunnel does with the rules it gets (ztunnel `src/rbac.rs`, `Authorization::matches`): empty
//! alternatives are skipped, clauses ANDed, rules ORed.

use std::borrow::Cow;

use super::attribute::{Attribute, Identity, Value};
use super::predicate::{How, Pattern, Predicate};
use super::received::{
    Authorization, Clause as Got, Match, Network, ServiceAccountMatch, StringMatch,
};
use super::terms::{Alternative, Clause, Rule, Rules, Space};

/// What ztunnel sees of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sees<'a> {
    /// The client.
    Client,
    /// A waypoint with this identity, which connects in place of the client.
    Waypoint(Option<&'a Identity>),
}

/// The rules of what ztunnel got, over the attributes of `space`.
pub(super) fn rules<'a>(got: &'a Authorization, sees: Sees<'_>, space: &mut Space<'a>) -> Rules {
    let groups = got.groups.iter();
    groups
        .map(|group| {
            let clauses = group.rules.iter();
            clauses
                .map(|clause| alternatives(clause, sees, space))
                .collect::<Rule>()
        })
        .collect()
}

fn alternatives<'a>(clause: &'a Got, sees: Sees<'_>, space: &mut Space<'a>) -> Clause {
    let matches = clause.matches.iter().filter(|one| !one.is_empty());
    matches
        .filter_map(|one| alternative(one, sees, space))
        .collect()
}

/// None where what ztunnel sees in place of the client meets it never.
fn alternative<'a>(one: &'a Match, sees: Sees<'_>, space: &mut Space<'a>) -> Option<Alternative> {
    let mut tests = Alternative::new();
    for (predicates, negated) in identities(one) {
        match sees {
            Sees::Client => tests.extend(space.test(&Attribute::Identity, negated, predicates)),
            Sees::Waypoint(waypoint) if !meets(waypoint, &predicates, negated) => return None,
            Sees::Waypoint(_) => {}
        }
    }
    let source = match sees {
        Sees::Client => Attribute::SourceIp,
        Sees::Waypoint(_) => Attribute::WaypointIp,
    };
    let networks = [
        (&source, false, &one.source_ips),
        (&source, true, &one.not_source_ips),
        (&Attribute::DestinationIp, false, &one.destination_ips),
        (&Attribute::DestinationIp, true, &one.not_destination_ips),
    ];
    for (attribute, negated, networks) in networks {
        let networks: &'a Vec<Network> = networks;
        let predicates = networks.iter().copied().map(Predicate::Network);
        tests.extend(space.test(attribute, negated, predicates));
    }
    let ports = [
        (false, &one.destination_ports),
        (true, &one.not_destination_ports),
    ];
    for (negated, ports) in ports {
        let predicates = ports.iter().copied().map(Predicate::Port);
        tests.extend(space.test(&Attribute::DestinationPort, negated, predicates));
    }
    Some(tests)
}

/// The tests of the identity, in any order: all have to hold.
fn identities(one: &Match) -> [(Vec<Predicate<'_>>, bool); 6] {
    [
        (principals(&one.principals), false),
        (principals(&one.not_principals), true),
        (namespaces(&one.namespaces), false),
        (namespaces(&one.not_namespaces), true),
        (accounts(&one.service_accounts), false),
        (accounts(&one.not_service_accounts), true),
    ]
}

fn principals(all: &[StringMatch]) -> Vec<Predicate<'_>> {
    all.iter().map(pattern).map(Predicate::Principal).collect()
}

fn namespaces(all: &[StringMatch]) -> Vec<Predicate<'_>> {
    all.iter().map(pattern).map(Predicate::Namespace).collect()
}

fn accounts(all: &[ServiceAccountMatch]) -> Vec<Predicate<'_>> {
    let accounts = all.iter();
    accounts
        .map(|one| {
            let namespace = Cow::Borrowed(one.namespace.as_str());
            Predicate::ServiceAccount(namespace, Cow::Borrowed(one.service_account.as_str()))
        })
        .collect()
}

fn pattern(text: &StringMatch) -> Pattern<'_> {
    match text {
        StringMatch::Exact(text) => Pattern::exact(text),
        StringMatch::Prefix(text) => Pattern::new(How::Prefix, text),
        StringMatch::Suffix(text) => Pattern::new(How::Suffix, text),
        StringMatch::Presence {} => Pattern::new(How::Present, ""),
    }
}

fn meets(waypoint: Option<&Identity>, predicates: &[Predicate<'_>], negated: bool) -> bool {
    let value = waypoint.map_or(Value::Absent, |waypoint| Value::Identity(waypoint.clone()));
    let meets_one = predicates.iter().any(|predicate| predicate.matches(&value));
    predicates.is_empty() || meets_one != negated
}
