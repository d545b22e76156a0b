//! Policies without targets, and with what nobody can read: a row for each.

use meshmode::authorization::code::Code;
use serde_json::{Value, json};

use super::world::{SHOP, SIDECARS, UNVALIDATED};
use super::{Case, Outcome};

use Outcome::{Refused, RefusedBefore, Silent, Warned};

/// Nothing attaches them: what ztunnel makes of them, by their structure.
pub(super) fn unattached() -> Vec<Case> {
    let none = json!({});
    let needs = (
        Code::NEEDS_ATTACHMENT,
        "needs a waypoint, and nothing attaches it to one",
    );
    let http = (
        Code::HTTP_DROPPED,
        "ztunnel receives the rules of this DENY without their HTTP parts",
    );
    #[rustfmt::skip]
    let rows = [
        ("deny-methods", none.clone(), deny(json!([{"to": [{"operation": {"methods": ["DELETE"]}}]}])), vec![http,
            (Code::NEVER_FIRES, "Nothing is left of a clause: ztunnel never matches that rule")]),
        ("deny-ports-or-methods", none.clone(),
            deny(json!([{"to": [{"operation": {"ports": ["9090"]}}, {"operation": {"methods": ["DELETE"]}}]}])), vec![http,
            (Code::ALTERNATIVE_VANISHED, "Nothing is left of an alternative: ztunnel skips it, and matches the others only")]),
        ("allow-methods", none.clone(), allow(json!([{"to": [{"operation": {"methods": ["GET"]}}]}])), vec![
            (Code::RULE_DROPPED, "ztunnel does not receive the rules of this ALLOW that have HTTP parts"),
            (Code::ALLOWS_NOTHING, "ztunnel receives none of its rules: what no other policy allows is refused")]),
        ("audit", none, with("AUDIT", json!([{"to": [{"operation": {"ports": ["9090"]}}]}])), vec![
            (Code::ACTION_NOT_SUPPORTED, "ztunnel does not carry out the action, and receives nothing of the policy")]),
        ("dry-run", json!({"annotations": {"istio.io/dry-run": "true"}}),
            deny(json!([{"to": [{"operation": {"methods": ["DELETE"]}}]}])), vec![
            (Code::DRY_RUN, "ztunnel does no dry runs, and receives nothing of the policy")]),
        ("other-revision", json!({"labels": {"istio.io/rev": "other"}}),
            deny(json!([{"to": [{"operation": {"methods": ["DELETE"]}}]}])), vec![
            (Code::OTHER_REVISION, "Its label istio.io/rev names another control plane: this one ignores the policy")]),
    ];
    let rows = rows.into_iter().map(|(name, metadata, spec, mut says)| {
        says.push(needs);
        case(name, metadata, spec, Refused, says)
    });
    rows.collect()
}

/// Nothing in them needs a waypoint, and ztunnel reads them otherwise all the same.
pub(super) fn values() -> Vec<Case> {
    let sources = |source: Value| json!([{"from": [{"source": source}]}]);
    let ports = json!([{"to": [{"operation": {"ports": ["8080"]}}]}]);
    let open = (
        Code::FAILS_OPEN,
        "on ambient workloads lets through what it refuses",
    );
    let closed = (
        Code::FAILS_CLOSED,
        "on ambient workloads refuses what it allows",
    );
    let domains = (
        Code::TRUST_DOMAINS_DROPPED,
        "ztunnel drops trustDomains and notTrustDomains, without a word in the status",
    );
    #[rustfmt::skip]
    let rows = [
        ("empty-selector", json!({"action": "DENY", "selector": {}, "rules": ports}), Refused, vec![open,
            (Code::NO_WORKLOAD_REFERS, "An empty selector ({}) is enforced by no ztunnel: leave it out to select all")]),
        ("trust-domain", allow(sources(json!({"namespaces": ["a"], "trustDomains": ["td1"]}))), Refused, vec![open, domains]),
        ("only-trust-domain", allow(sources(json!({"trustDomains": ["td1"]}))), Warned, vec![closed, domains]),
        ("glob-in-namespace", deny(sources(json!({"namespaces": ["team-*-dev"]}))), Refused, vec![open,
            (Code::WILDCARD_IN_NAMESPACE, "ztunnel reads * in a namespace only at its beginning or end: list the namespaces")]),
        ("spiffe", deny(sources(json!({"principals": ["spiffe://cluster.local/ns/a/sa/b"]}))), Warned, vec![
            (Code::SPIFFE_PRINCIPAL, "A principal that begins with spiffe:// never matches, at no enforcer: leave spiffe:// out")]),
    ];
    let mut cases: Vec<_> = rows
        .map(|(name, spec, outcome, says)| case(name, json!({}), spec, outcome, says))
        .into();
    let ports = case("ports", json!({}), deny(ports), Silent, Vec::new());
    cases.push(Case {
        hides: vec![(Code::PORTS_OF_THE_POD, "Ports are those of the Pod")],
        ..ports
    });
    let behind = json!({"action": "DENY", "selector": {"matchLabels": {"app": "behind"}},
        "rules": sources(json!({"principals": ["cluster.local/ns/a/sa/b"]}))});
    let sees = "ztunnel sees the waypoint in place of the client";
    cases.push(case(
        "behind-waypoint",
        json!({}),
        behind,
        Warned,
        vec![(Code::SEES_THE_WAYPOINT, sees)],
    ));
    cases
}

/// The annotation, what cannot be read, and what is right.
pub(super) fn others() -> Vec<Case> {
    let annotated = |value: &str| json!({"annotations": {"istio.io/waypoint-for": value}});
    let http = || deny(json!([{"to": [{"operation": {"methods": ["DELETE"]}}]}]));
    let target = json!({"group": "", "kind": "Service", "name": "to-ready"});
    let mut unknown = http();
    unknown["rules"][0]["from"] = json!([{"source": {"countries": ["DE"]}}]);
    let right = Case {
        namespace: SIDECARS,
        ..case("of-sidecars", json!({}), http(), Silent, Vec::new())
    };
    #[rustfmt::skip]
    let cases = vec![
        case("annotation-only", annotated("service"), http(), Warned, vec![
            (Code::ANNOTATION_ONLY, "Istio ignores the annotation istio.io/waypoint-for, so no waypoint enforces this policy")]),
        case("annotation-malformed", annotated("sometimes"), http(), Refused, vec![
            (Code::MALFORMED_ANNOTATION, "the annotation istio.io/waypoint-for cannot be read")]),
        case("annotation-beside", annotated("service"), attached(&target), Warned, vec![
            (Code::ANNOTATION_IGNORED, "spec.targetRefs decide, it can be removed")]),
        case("unknown-action", json!({}), with("LOG", json!([{}])), RefusedBefore, vec![
            (Code::UNKNOWN_ACTION, "spec.action: Unsupported value: \"LOG\"")]),
        case("unknown-field", json!({}), unknown, RefusedBefore, vec![
            (Code::UNKNOWN_FIELD, "unknown field \"spec.rules[0].from[0].source.countries\"")]),
        right,
    ];
    cases
}

/// What istiod's own validation refuses where it is asked.
pub(super) fn unvalidated() -> Vec<Case> {
    let open = (
        Code::FAILS_OPEN,
        "on ambient workloads lets through what it refuses",
    );
    let not = (Code::NOT_ATTACHED, "none of its targets attaches it");
    let networks = json!(["10.0.0.0/8", "10.0.0.0/33"]);
    let target = json!({"group": "apps", "kind": "Deployment", "name": "web"});
    #[rustfmt::skip]
    let rows = [
        ("no-address", allow(json!([{"from": [{"source": {"ipBlocks": networks}}]}])), vec![open,
            (Code::VALUE_DROPPED, "An address or port cannot be read: ztunnel receives the list without it")]),
        ("no-source", deny(json!([{"from": [{}], "to": [{"operation": {"ports": ["9090"]}}]}])), vec![
            (Code::CRASHES_ISTIOD, "An alternative of from or to is empty: istiod ends when it reads that")]),
        ("kind", attached(&target), vec![not,
            (Code::TARGET_KIND, "Istio attaches policies to Gateway and GatewayClass (gateway.networking.k8s.io)")]),
    ];
    let cases = rows.map(|(name, spec, says)| Case {
        namespace: UNVALIDATED,
        ..case(name, json!({}), spec, Refused, says)
    });
    cases.into()
}

pub(super) fn case(
    name: &'static str,
    metadata: Value,
    spec: Value,
    outcome: Outcome,
    says: Vec<(Code, &'static str)>,
) -> Case {
    Case {
        name,
        namespace: SHOP,
        metadata,
        spec,
        outcome,
        says,
        hides: Vec::new(),
    }
}

fn deny(rules: Value) -> Value {
    with("DENY", rules)
}

fn allow(rules: Value) -> Value {
    with("ALLOW", rules)
}

#[allow(clippy::needless_pass_by_value, reason = "rows are written with json!")]
fn with(action: &str, rules: Value) -> Value {
    json!({"action": action, "selector": {"matchLabels": {"app": "web"}}, "rules": rules})
}

pub(super) fn attached(target: &Value) -> Value {
    json!({
        "action": "DENY",
        "targetRefs": [target],
        "rules": [{"to": [{"operation": {"methods": ["DELETE"]}}]}],
    })
}
