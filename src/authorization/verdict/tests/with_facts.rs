//! Verdicts in a cluster that is known, each message once.

use std::collections::BTreeSet;

use super::*;
use crate::authorization::enforcement::testing::{
    GATEWAY_GROUP, bound, facts, gateway, policy as in_shop, policy_in, population, service,
    target_ref, targets, waypoint,
};
use crate::authorization::facts::{
    Binding, Class, Controller, Fact, Front, GatewayClass, ObjectName, Readiness, Target as Found,
    Traffic, Via, WaypointState,
};

const L7_DENY: &str = r#"{"selector": {"matchLabels": {"app": "x"}}, "action": "DENY", "rules": [{"to": [{"operation": {"methods": ["DELETE"]}}]}]}"#;
const L4_DENY: &str = r#"{"selector": {"matchLabels": {"app": "x"}}, "action": "DENY", "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]}]}"#;

fn selecting(classes: &[Class]) -> Facts {
    Facts {
        selected: Fact::Known(population(classes)),
        ..facts(Vec::new())
    }
}

fn behind_w() -> Class {
    Class::Ambient(vec![Front {
        waypoint: ObjectName::new("shop", "w"),
        via: Via::Workload,
        state: WaypointState::Ready,
    }])
}

fn ambient() -> Class {
    Class::Ambient(Vec::new())
}

fn deny(rule: &str) -> String {
    in_shop(&format!(r#"{{"action": "DENY", "rules": [{rule}]}}"#))
}

fn allow(rule: &str) -> String {
    in_shop(&format!(r#"{{"rules": [{rule}]}}"#))
}

fn to(kind: &str, name: &str) -> String {
    let group = match kind {
        "Gateway" | "GatewayClass" => GATEWAY_GROUP,
        _ => "",
    };
    in_shop(&targets(&[target_ref(group, kind, name)]))
}

fn found(target: Found) -> Facts {
    facts(vec![target])
}

fn bound_to(state: WaypointState) -> Facts {
    found(Found::Service(Box::new(service(bound(state)))))
}

fn known_clients(classes: &[Class]) -> Facts {
    Facts {
        clients: Fact::Known(population(classes)),
        ..bound_to(WaypointState::Ready)
    }
}

fn answered(json: &str, facts: &Facts) -> Verdict {
    super::super::judge(&parse(json), None, &Settings::default(), facts)
}

/// Whom a selector meets decides whether the policy needs a waypoint.
#[test]
fn whom_it_selects_decides() {
    #[rustfmt::skip]
    let rows = [
        ("L7 at ambient", L7_DENY, vec![ambient()], "refuse NeedsAttachment"),
        ("L7 at sidecars only", L7_DENY, vec![Class::Sidecar], "allow"),
        ("L7 at gateways only", L7_DENY, vec![Class::Gateway], "allow"),
        ("L7 at both", L7_DENY, vec![Class::Sidecar, ambient()], "refuse NeedsAttachment"),
        ("L7 at nothing yet", L7_DENY, vec![], "refuse NeedsAttachment"),
        ("L7 out of the mesh", L7_DENY, vec![Class::Outside], "refuse NeedsAttachment"),
        ("L4 at ambient", L4_DENY, vec![ambient()], "allow"),
        ("L4 behind a waypoint", L4_DENY, vec![behind_w()], "warn SeesTheWaypoint"),
        ("L4 at sidecars", L4_DENY, vec![Class::Sidecar], "allow"),
    ];
    for (name, spec, classes, expected) in rows {
        let verdict = answered(&in_shop(spec), &selecting(&classes));
        assert_eq!(short(&verdict), expected, "{name}");
    }
}

#[test]
fn what_fails_open_is_refused_only_at_workloads_that_are_known() {
    let dropped = in_shop(
        r#"{"action": "ALLOW", "rules": [{"from": [{"source": {"namespaces": ["a"], "trustDomains": ["td"]}}]}]}"#,
    );
    let warn = Settings {
        fail_open: OnFailOpen::Warn,
        ..Settings::default()
    };
    #[rustfmt::skip]
    let rows = [
        ("ambient", Settings::default(), selecting(&[ambient()]), "refuse FailsOpen"),
        ("ambient, failOpen: warn", warn, selecting(&[ambient()]), "warn FailsOpen"),
        ("sidecars", Settings::default(), selecting(&[Class::Sidecar]), "allow"),
        ("not known", Settings::default(), Facts::unknown(WhyUnknown::NoCluster), "warn FailsOpen"),
        ("nothing yet", Settings::default(), selecting(&[]), "warn FailsOpen"),
    ];
    for (name, settings, facts, expected) in rows {
        let verdict = super::super::judge(&parse(&dropped), None, &settings, &facts);
        assert_eq!(short(&verdict), expected, "{name}: {verdict:#?}");
    }
}

#[test]
fn a_guard_that_names_the_waypoint_is_right() {
    let guard = in_shop(
        r#"{"selector": {"matchLabels": {"app": "x"}}, "action": "DENY",
            "rules": [{"from": [{"source": {"notPrincipals": ["cluster.local/ns/shop/sa/w"]}}]}]}"#,
    );
    assert_eq!(short(&answered(&guard, &selecting(&[behind_w()]))), "allow");
}

#[test]
fn an_author_admits_with_a_reason() {
    let annotated = |reason: &str| {
        format!(
            r#"{{"metadata": {{"name": "p", "namespace": "shop", "annotations": {{"meshmode.io/admit": "{reason}"}}}}, "spec": {L7_DENY}}}"#
        )
    };
    let off = Settings {
        break_glass: BreakGlass::Off,
        ..Settings::default()
    };
    let facts = selecting(&[ambient()]);
    #[rustfmt::skip]
    let rows = [
        ("a reason", annotated("migration, INC-7"), Settings::default(), "warn AdmittedByIntent", Some("migration, INC-7")),
        ("no reason", annotated(" "), Settings::default(), "refuse NeedsAttachment", None),
        ("switched off", annotated("migration"), off, "refuse NeedsAttachment", None),
    ];
    for (name, json, settings, expected, admitted) in rows {
        let verdict = super::super::judge(&parse(&json), None, &settings, &facts);
        assert_eq!(short(&verdict), expected, "{name}");
        assert_eq!(verdict.admitted.as_deref(), admitted, "{name}");
    }
}

/// A situation for each code, but for those of the tables of `messages`.
fn situations() -> Vec<(&'static str, String, Facts)> {
    let ambient = || selecting(&[ambient()]);
    let class = |controller| found(Found::GatewayClass(GatewayClass { controller }));
    let gateway_is = |controller, readiness| {
        found(Found::Gateway(Box::new(gateway(
            controller,
            readiness,
            Traffic::Service,
        ))))
    };
    let service_is = |binding| found(Found::Service(Box::new(service(binding))));
    let sidecars_behind = || {
        let mut service = service(bound(WaypointState::Ready));
        service.workloads = Fact::Known(population(&[Class::Sidecar]));
        found(Found::Service(Box::new(service)))
    };
    let dry_run = L7_DENY.replacen('{', "", 1);
    #[rustfmt::skip]
    let rows = vec![
        ("an ALLOW of which a rule is dropped", allow(r#"{}, {"to": [{"operation": {"paths": ["/"]}}]}"#), ambient()),
        ("an ALLOW of which all is", allow(r#"{"to": [{"operation": {"paths": ["/"]}}]}"#), ambient()),
        ("a DENY that never fires", deny(r#"{"to": [{"operation": {"methods": ["DELETE"]}}]}"#), ambient()),
        ("an alternative that vanishes", deny(r#"{"to": [{"operation": {"ports": ["9090"]}}, {"operation": {"methods": ["DELETE"]}}]}"#), ambient()),
        ("AUDIT", in_shop(r#"{"action": "AUDIT", "rules": [{}]}"#), ambient()),
        ("a dry run", format!(r#"{{"metadata": {{"name": "p", "namespace": "shop", "annotations": {{"istio.io/dry-run": "true"}}}}, "spec": {{{dry_run}}}"#), ambient()),
        ("another revision", format!(r#"{{"metadata": {{"name": "p", "namespace": "shop", "labels": {{"istio.io/rev": "canary"}}}}, "spec": {L7_DENY}}}"#), ambient()),
        ("an empty selector", in_shop(r#"{"selector": {}, "action": "DENY", "rules": [{}]}"#), ambient()),
        ("trust domains", allow(r#"{"from": [{"source": {"namespaces": ["a"], "trustDomains": ["td"]}}]}"#), ambient()),
        ("another trust domain", deny(r#"{"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]}"#), Facts {
            mesh: Fact::Known(crate::authorization::Mesh { trust_domain: "corp".to_owned(), ..Default::default() }), ..ambient() }),
        ("a glob of namespaces", deny(r#"{"from": [{"source": {"namespaces": ["team-*-dev"]}}]}"#), ambient()),
        ("a port that is none", deny(r#"{"to": [{"operation": {"ports": ["http", "80"]}}]}"#), ambient()),
        ("spiffe", deny(r#"{"from": [{"source": {"principals": ["spiffe://cluster.local/ns/a/sa/b"]}}]}"#), ambient()),
        ("fails closed",
            allow(r#"{"from": [{"source": {"trustDomains": ["td"]}}]}"#),
            ambient(),
        ),
        ("an empty alternative", deny(r#"{"from": [{}]}"#), ambient()),
        ("behind a waypoint", in_shop(L4_DENY), selecting(&[behind_w()])),
        ("no such target", to("Gateway", "w"), found(Found::Missing)),
        ("no such kind", to("Pod", "w"), found(Found::NotSought)),
        ("elsewhere", in_shop(r#"{"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "w", "namespace": "infra"}]}"#), found(Found::NotSought)),
        ("a class outside the root namespace", to("GatewayClass", "istio-waypoint"), class(Controller::Waypoint)),
        ("a class that is no waypoint's", policy_in("istio-system", &targets(&[target_ref(GATEWAY_GROUP, "GatewayClass", "istio")])), class(Controller::Gateway)),
        ("somebody else's Gateway", to("Gateway", "w"), gateway_is(Controller::Other("envoyproxy.io".to_owned()), Readiness::Ready)),
        ("a Service without a waypoint", to("Service", "payment"), service_is(Binding::None)),
        ("a Service that opted out", to("Service", "payment"), service_is(Binding::OptedOut)),
        ("the Service of a waypoint", to("Service", "payment"), service_is(Binding::OfWaypoint)),
        ("no such waypoint", to("Service", "payment"), bound_to(WaypointState::Missing)),
        ("a waypoint that is not ready", to("Service", "payment"), bound_to(WaypointState::NotReady)),
        ("a waypoint that does not allow", to("Service", "payment"), bound_to(WaypointState::NotAllowed)),
        ("a waypoint for Pods", to("Service", "payment"), bound_to(WaypointState::OtherTraffic(Traffic::Workload))),
        ("a waypoint for nothing", to("Gateway", "w"), found(Found::Gateway(Box::new(waypoint(Traffic::None))))),
        ("sidecars behind a target", to("Service", "payment"), sidecars_behind()),
        ("who goes past", to("Service", "payment"), known_clients(&[Class::Sidecar, Class::Gateway, Class::Outside])),
    ];
    rows
}

/// Everything that there is to say, as its author reads it.
#[test]
fn every_message_once() {
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    for (name, json, facts) in situations() {
        let verdict = answered(&json, &facts);
        text.push_str(&format!("## {name}: {}\n", short(&verdict)));
        for finding in &verdict.findings {
            seen.insert(finding.code);
            text.push_str(&format!("{} {:?}\n", finding.code.id, finding.severity));
            for line in finding.in_lines() {
                text.push_str(&format!("  {line}\n"));
            }
        }
        let reasons = verdict.enforcers.iter().flat_map(|one| &one.reasons);
        seen.extend(reasons.copied());
        text.push('\n');
    }
    let of_other_tables = [
        Code::ATTACHMENT_REQUIRED,
        Code::ANNOTATION_ONLY,
        Code::MALFORMED_ANNOTATION,
        Code::ANNOTATION_IGNORED,
        Code::UNKNOWN_ACTION,
        Code::UNKNOWN_FIELD,
        Code::ADMITTED_BY_INTENT,
        Code::NOT_ADMITTED_BY_INTENT,
    ];
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !seen.contains(code) && !of_other_tables.contains(code))
        .collect();
    assert!(missing.is_empty(), "not said: {missing:?}\n{text}");
    insta::assert_snapshot!(text);
}

/// Each entry of `explain -o json` says the same as its verdict.
#[test]
fn an_entry_says_what_the_verdict_says() {
    for (name, json, facts) in situations() {
        let policy = parse(&json);
        let verdict = answered(&json, &facts);
        let entry = serde_json::to_value(entry::Entry::of(&policy, &verdict)).unwrap();
        assert_eq!(entry["verdict"], verdict.answer().as_str(), "{name}");
        let effects: Vec<_> = entry["enforcers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["effect"].clone())
            .collect();
        let expected: Vec<_> = verdict
            .enforcers
            .iter()
            .map(|one| one.effect.as_str())
            .collect();
        assert_eq!(effects, expected, "{name}");
        assert_eq!(
            entry["findings"].as_array().unwrap().len(),
            verdict.findings.len(),
            "{name}"
        );
    }
}
