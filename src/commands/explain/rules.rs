//! The rules that ztunnel receives, each as a sentence.

use crate::authorization::enforcement::received::{
    Action, Authorization, Clause, Group, Match, Network, Scope, ServiceAccountMatch, StringMatch,
};

/// What it does and for whom: `DENY, for the workloads that its selector picks`.
pub(super) fn headline(got: &Authorization) -> String {
    let action = match got.action {
        Action::Allow => "ALLOW",
        Action::Deny => "DENY",
    };
    let scope = match got.scope {
        Scope::Global => "for all workloads of the mesh",
        Scope::Namespace => "for all workloads of its namespace",
        Scope::WorkloadSelector => "for the workloads that its selector picks",
    };
    let dry_run = if got.dry_run { ", as a dry run" } else { "" };
    let rules = match (got.groups.is_empty(), got.action) {
        (false, _) => "",
        (true, Action::Allow) => ", without a rule: it allows nothing",
        (true, Action::Deny) => ", without a rule: it denies nothing",
    };
    format!("{action} {scope}{dry_run}{rules}")
}

/// Each rule that arrives.
pub(super) fn each(got: &Authorization) -> Vec<String> {
    got.groups.iter().map(rule).collect()
}

fn rule(group: &Group) -> String {
    let clauses: Vec<_> = group.rules.iter().map(clause).collect();
    if clauses.is_empty() {
        "everything".to_owned()
    } else {
        clauses.join("; and ")
    }
}

/// ztunnel skips alternatives that test nothing; where nothing else is left, nothing matches.
fn clause(clause: &Clause) -> String {
    let alternatives = clause.matches.iter().filter(|one| !one.is_empty());
    let alternatives: Vec<_> = alternatives.map(alternative).collect();
    if alternatives.is_empty() {
        "nothing (no test is left of it)".to_owned()
    } else {
        alternatives.join(", or ")
    }
}

fn alternative(one: &Match) -> String {
    let tests = [
        test("namespace", false, &one.namespaces, text),
        test("namespace", true, &one.not_namespaces, text),
        test("service account", false, &one.service_accounts, account),
        test("service account", true, &one.not_service_accounts, account),
        test("principal", false, &one.principals, text),
        test("principal", true, &one.not_principals, text),
        test("source", false, &one.source_ips, network),
        test("source", true, &one.not_source_ips, network),
        test("destination", false, &one.destination_ips, network),
        test("destination", true, &one.not_destination_ips, network),
        test("port", false, &one.destination_ports, u16::to_string),
        test("port", true, &one.not_destination_ports, u16::to_string),
    ];
    let tests: Vec<_> = tests.into_iter().flatten().collect();
    tests.join(" and ")
}

/// `namespace a or b`, `namespace not a or b`.
fn test<T>(what: &str, negated: bool, values: &[T], show: fn(&T) -> String) -> Option<String> {
    let not = if negated { "not " } else { "" };
    let shown: Vec<_> = values.iter().map(show).collect();
    (!shown.is_empty()).then(|| format!("{what} {not}{}", shown.join(" or ")))
}

fn text(text: &StringMatch) -> String {
    match text {
        StringMatch::Exact(text) => text.clone(),
        StringMatch::Prefix(text) => format!("{text}*"),
        StringMatch::Suffix(text) => format!("*{text}"),
        StringMatch::Presence {} => "*".to_owned(),
    }
}

fn account(account: &ServiceAccountMatch) -> String {
    format!("{}/{}", account.namespace, account.service_account)
}

fn network(network: &Network) -> String {
    if network.length == Network::bits(network.address) {
        network.address.to_string()
    } else {
        format!("{}/{}", network.address, network.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::enforcement::{Receives, receives};
    use crate::authorization::{AuthorizationPolicy, Mesh};

    fn shown(spec: &str) -> (String, Vec<String>) {
        let json = format!(r#"{{"metadata": {{"name": "p", "namespace": "a"}}, "spec": {spec}}}"#);
        let policy = AuthorizationPolicy::parse(&json).unwrap();
        match receives(&policy, &Mesh::default()) {
            Receives::Rules(got) => (headline(&got), each(&got)),
            Receives::NotSent(why) => panic!("{why:?}"),
        }
    }

    #[test]
    fn each_rule_is_a_sentence() {
        let rows = [
            (r#"{"rules": [{}]}"#, "everything"),
            (
                r#"{"rules": [{"from": [{"source": {"namespaces": ["a", "b-*"], "notPrincipals": ["*"]}}]}]}"#,
                "namespace a or b-* and principal not *",
            ),
            (
                r#"{"rules": [{"from": [{"source": {"serviceAccounts": ["web", "b/api"]}}, {"source": {"ipBlocks": ["10.0.0.0/8", "::1"]}}],
                    "to": [{"operation": {"notPorts": ["80"]}}]}]}"#,
                "port not 80; and service account a/web or b/api, or source 10.0.0.0/8 or ::1",
            ),
            (
                r#"{"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}"#,
                "nothing (no test is left of it)",
            ),
        ];
        for (spec, expected) in rows {
            assert_eq!(shown(spec).1, [expected], "{spec}");
        }
    }

    #[test]
    fn a_headline_says_what_and_for_whom() {
        let rows = [
            (
                "{}",
                "ALLOW for all workloads of its namespace, without a rule: it allows nothing",
            ),
            (
                r#"{"action": "DENY", "selector": {"matchLabels": {"a": "b"}}, "rules": [{}]}"#,
                "DENY for the workloads that its selector picks",
            ),
        ];
        for (spec, expected) in rows {
            assert_eq!(shown(spec).0, expected, "{spec}");
        }
    }
}
