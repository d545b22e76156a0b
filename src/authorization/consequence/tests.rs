//! What each enforcer makes of a policy that is not attached.

use super::super::needs::needs;
use super::*;

fn lost(spec: &str) -> Option<Consequence> {
    let json = format!(r#"{{"spec": {spec}}}"#);
    let policy = AuthorizationPolicy::parse(&json).unwrap();
    consequence(&policy, &needs(&policy))
}

#[test]
fn what_is_lost_by_action() {
    let rows = [
        (
            "nothing, all is L4",
            r#"{"action": "DENY", "rules": [{}]}"#,
            None,
        ),
        (
            "AUDIT",
            r#"{"action": "AUDIT", "rules": [{"to": [{"operation": {"paths": ["/"]}}]}]}"#,
            Some(Consequence::NoEffect(Why::Action("AUDIT"))),
        ),
        (
            "CUSTOM",
            r#"{"action": "CUSTOM", "rules": [{}]}"#,
            Some(Consequence::NoEffect(Why::Action("CUSTOM"))),
        ),
        (
            "every rule of an ALLOW",
            r#"{"rules": [{"to": [{"operation": {"paths": ["/"]}}]}]}"#,
            Some(Consequence::AllowsNothing),
        ),
        (
            "some rules of an ALLOW",
            r#"{"rules": [{}, {"when": [{"key": "remote.ip"}]}, {"from": [{"source": {"requestPrincipals": ["*"], "principals": ["p"]}}]}]}"#,
            Some(Consequence::AllowsLess(vec![1, 2])),
        ),
        (
            "nobody can tell",
            r#"{"action": "LOG", "rules": [{"to": [{"operation": {"paths": ["/"]}}]}]}"#,
            None,
        ),
    ];
    for (name, spec, expected) in rows {
        assert_eq!(lost(spec), expected, "{name}");
    }
}

fn denies(never: &[usize], partly: &[usize], others: &[usize]) -> Option<Consequence> {
    Some(Consequence::DeniesOtherwise {
        never: never.to_vec(),
        partly: partly.to_vec(),
        others: others.to_vec(),
    })
}

fn assert_lost_of_a_deny(rows: &[(&str, &str, Option<Consequence>)]) {
    for (name, rule, expected) in rows {
        let spec = format!(r#"{{"action": "DENY", "rules": [{rule}]}}"#);
        assert_eq!(lost(&spec), *expected, "{name}");
    }
}

#[test]
fn what_is_lost_of_a_deny() {
    let rows = [
        (
            "a clause of HTTP only",
            r#"{"to": [{"operation": {"methods": ["DELETE"]}}]}"#,
            denies(&[0], &[], &[]),
        ),
        (
            "beside a clause that stays",
            r#"{"from": [{"source": {"principals": ["x"]}}], "to": [{"operation": {"paths": ["/admin"]}}]}"#,
            denies(&[0], &[], &[]),
        ),
        (
            "a source of HTTP only",
            r#"{"from": [{"source": {"requestPrincipals": ["x"]}}], "to": [{"operation": {"ports": ["80"]}}]}"#,
            denies(&[0], &[], &[]),
        ),
        (
            "a key",
            r#"{"from": [{"source": {"principals": ["x"]}}], "when": [{"key": "request.headers[a]", "values": ["b"]}]}"#,
            denies(&[0], &[], &[]),
        ),
        (
            "each clause keeps something",
            r#"{"to": [{"operation": {"ports": ["8080"], "methods": ["DELETE"]}}], "when": [{"key": "source.ip", "values": ["1"]}]}"#,
            denies(&[], &[], &[0]),
        ),
        (
            "an empty clause means any",
            r#"{"from": [], "to": [{"operation": {"ports": ["80"], "paths": ["/"]}}]}"#,
            denies(&[], &[], &[0]),
        ),
    ];
    assert_lost_of_a_deny(&rows);
}

#[test]
fn alternatives_of_a_deny_that_vanish() {
    let rows = [
        (
            "one of two alternatives vanishes",
            r#"{"to": [{"operation": {"ports": ["9090"]}}, {"operation": {"methods": ["DELETE"]}}]}"#,
            denies(&[], &[0], &[]),
        ),
        (
            "one vanishes, the other matches more",
            r#"{"to": [{"operation": {"ports": ["8080"], "methods": ["DELETE"]}}, {"operation": {"paths": ["/admin*"]}}]}"#,
            denies(&[], &[0], &[]),
        ),
        (
            "one of two sources vanishes",
            r#"{"from": [{"source": {"principals": ["x"]}}, {"source": {"requestPrincipals": ["y"]}}], "to": [{"operation": {"ports": ["80"]}}]}"#,
            denies(&[], &[0], &[]),
        ),
        (
            "one of two sources vanishes, that of a trust domain",
            r#"{"from": [{"source": {"principals": ["x"]}}, {"source": {"trustDomains": ["td"]}}], "to": [{"operation": {"ports": ["80"], "paths": ["/"]}}]}"#,
            denies(&[], &[0], &[]),
        ),
        (
            "one source vanishes, and all of another clause",
            r#"{"from": [{"source": {"principals": ["x"]}}, {"source": {"requestPrincipals": ["y"]}}], "to": [{"operation": {"paths": ["/"]}}]}"#,
            denies(&[0], &[], &[]),
        ),
        (
            "one operation vanishes, and a key",
            r#"{"to": [{"operation": {"ports": ["80"]}}, {"operation": {"paths": ["/"]}}], "when": [{"key": "remote.ip", "values": ["1"]}]}"#,
            denies(&[0], &[], &[]),
        ),
        (
            "both alternatives keep something",
            r#"{"to": [{"operation": {"ports": ["80"], "paths": ["/"]}}, {"operation": {"ports": ["81"]}}]}"#,
            denies(&[], &[], &[0]),
        ),
    ];
    assert_lost_of_a_deny(&rows);
}

#[test]
fn rules_of_a_deny_are_told_apart() {
    let spec = r#"{"action": "DENY", "rules": [
        {"to": [{"operation": {"ports": ["80"]}}]},
        {"to": [{"operation": {"ports": ["80"], "paths": ["/"]}}]},
        {"to": [{"operation": {"paths": ["/"]}}]},
        {"to": [{"operation": {"ports": ["80"]}}, {"operation": {"paths": ["/"]}}]}
    ]}"#;
    let expected = Consequence::DeniesOtherwise {
        never: vec![2],
        partly: vec![3],
        others: vec![1],
    };
    assert_eq!(lost(spec), Some(expected));
}

#[test]
fn a_selector_on_a_gateway_decides_before_the_rules_do() {
    let rows = [
        ("istio.io/gateway-name", Consequence::NotEnforcedOldLabel),
        (
            "gateway.networking.k8s.io/gateway-name",
            Consequence::NotEnforcedIfWaypoint,
        ),
    ];
    for (label, expected) in rows {
        let spec = format!(
            r#"{{"selector": {{"matchLabels": {{"{label}": "w"}}}}, "rules": [{{"to": [{{"operation": {{"paths": ["/"]}}}}]}}]}}"#
        );
        assert_eq!(lost(&spec), Some(expected), "{label}");
    }
    let class = r#"{"selector": {"matchLabels": {"gateway.networking.k8s.io/gateway-class-name": "istio-waypoint"}}}"#;
    assert_eq!(lost(class), Some(Consequence::NotEnforced));
}

#[test]
fn ztunnel_never_enforces_an_empty_selector() {
    let rules = r#""rules": [{"to": [{"operation": {"paths": ["/"]}}]}]"#;
    let no_effect = Consequence::NoEffect(Why::EmptySelector);
    let rows = [
        (r#""selector": {}"#, no_effect.clone()),
        (r#""selector": {"matchLabels": null}"#, no_effect),
        (
            r#""selector": {"matchLabels": {}}"#,
            Consequence::AllowsNothing,
        ),
        (r#""selector": null"#, Consequence::AllowsNothing),
    ];
    for (selector, expected) in rows {
        assert_eq!(
            lost(&format!("{{{selector}, {rules}}}")),
            Some(expected),
            "{selector}"
        );
    }
}

#[test]
fn ztunnel_does_no_dry_runs() {
    let rows = [
        ("true", Consequence::NoEffect(Why::DryRun)),
        ("1", Consequence::NoEffect(Why::DryRun)),
        ("false", Consequence::AllowsNothing),
        ("yes", Consequence::AllowsNothing),
    ];
    for (value, expected) in rows {
        let json = format!(
            r#"{{"metadata": {{"annotations": {{"istio.io/dry-run": "{value}"}}}},
                "spec": {{"rules": [{{"to": [{{"operation": {{"paths": ["/"]}}}}]}}]}}}}"#
        );
        let policy = AuthorizationPolicy::parse(&json).unwrap();
        let lost = consequence(&policy, &needs(&policy));
        assert_eq!(lost, Some(expected), "{value}");
    }
}
