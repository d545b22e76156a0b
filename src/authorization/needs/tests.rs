//! What makes a policy need a waypoint.

use super::super::policy::{OperationField, SourceField};
use super::*;

/// The needs of a policy with this spec, as messages show them.
fn shown(spec: &str) -> Vec<String> {
    let json = format!(r#"{{"spec": {spec}}}"#);
    let policy = AuthorizationPolicy::parse(&json).unwrap();
    needs(&policy).iter().map(Need::to_string).collect()
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn each_http_field_of_a_source() {
    let http = [
        "requestPrincipals",
        "notRequestPrincipals",
        "remoteIpBlocks",
        "notRemoteIpBlocks",
    ];
    for field in SourceField::ALL.iter().map(|field| field.name()) {
        let spec =
            format!(r#"{{"rules": [{{}}, {{"from": [{{"source": {{"{field}": ["x"]}}}}]}}]}}"#);
        let expected = match http.contains(&field) {
            true => vec![format!("spec.rules[1].from[0].source.{field}")],
            false => none(),
        };
        assert_eq!(shown(&spec), expected, "{field}");
    }
}

#[test]
fn each_http_field_of_an_operation() {
    let http = [
        "hosts",
        "notHosts",
        "methods",
        "notMethods",
        "paths",
        "notPaths",
    ];
    for field in OperationField::ALL.iter().map(|field| field.name()) {
        let spec = format!(
            r#"{{"action": "DENY", "rules": [{{"to": [{{}}, {{"operation": {{"{field}": ["x"]}}}}]}}]}}"#
        );
        let expected = match http.contains(&field) {
            true => vec![format!("spec.rules[0].to[1].operation.{field}")],
            false => none(),
        };
        assert_eq!(shown(&spec), expected, "{field}");
    }
}

#[test]
fn each_key_of_when() {
    let l4 = [
        "source.ip",
        "source.namespace",
        "source.principal",
        "destination.ip",
        "destination.port",
    ];
    for key in l4 {
        let spec = format!(r#"{{"rules": [{{"when": [{{"key": "{key}", "values": ["x"]}}]}}]}}"#);
        assert_eq!(shown(&spec), none(), "{key}");
    }
    let others = [
        "request.headers[x-token]",
        "request.headersfoo[x]",
        "request.auth.principal",
        "request.auth.audiences",
        "request.auth.presenter",
        "request.auth.claims[iss]",
        "remote.ip",
        "source.serviceAccount",
        "source.trustDomain",
        "connection.sni",
        "destination.labels[app]",
        "experimental.envoy.filters.network.mysql_proxy[db.t]",
        "Source.IP",
        "",
    ];
    for key in others {
        let spec = format!(
            r#"{{"rules": [{{"when": [{{"key": "source.ip"}}, {{"key": "{key}", "notValues": ["x"]}}]}}]}}"#
        );
        assert_eq!(shown(&spec), [format!("spec.rules[0].when[1] ({key})")]);
    }
}

#[test]
fn what_tests_nothing_needs_nothing() {
    let rows = [
        ("no rules", r#"{}"#),
        ("empty rules", r#"{"rules": []}"#),
        ("an empty rule", r#"{"rules": [{}]}"#),
        (
            "empty clauses",
            r#"{"rules": [{"from": [], "to": [], "when": []}]}"#,
        ),
        (
            "empty alternatives",
            r#"{"rules": [{"from": [{}], "to": [{}]}]}"#,
        ),
        (
            "an empty list",
            r#"{"rules": [{"to": [{"operation": {"methods": []}}]}]}"#,
        ),
        (
            "a null list",
            r#"{"rules": [{"from": [{"source": {"remoteIpBlocks": null}}]}]}"#,
        ),
        (
            "an unknown field",
            r#"{"rules": [{"to": [{"operation": {"verbs": ["x"]}}]}]}"#,
        ),
        ("an unknown action", r#"{"action": "LOG"}"#),
        ("DENY", r#"{"action": "DENY", "rules": [{}]}"#),
    ];
    for (name, spec) in rows {
        assert_eq!(shown(spec), none(), "{name}");
    }
}

#[test]
fn actions_that_ztunnel_does_not_carry_out() {
    for action in ["AUDIT", "CUSTOM"] {
        let spec = format!(r#"{{"action": "{action}", "rules": [{{}}]}}"#);
        assert_eq!(shown(&spec), [format!("spec.action {action}")]);
    }
}

#[test]
fn all_of_them_in_the_order_of_the_fields() {
    let spec = r#"{
        "rules": [
            {"when": [{"key": "remote.ip"}], "to": [{"operation": {"paths": ["/"], "hosts": ["h"]}}],
             "from": [{"source": {"requestPrincipals": ["*"]}}]},
            {"to": [{"operation": {"ports": ["80"]}}, {"operation": {"notMethods": ["GET"]}}]}
        ],
        "action": "CUSTOM",
        "selector": {"matchLabels": {"istio.io/gateway-name": "w"}}
    }"#;
    assert_eq!(
        shown(spec),
        [
            "spec.selector.matchLabels[istio.io/gateway-name]",
            "spec.action CUSTOM",
            "spec.rules[0].from[0].source.requestPrincipals",
            "spec.rules[0].to[0].operation.paths",
            "spec.rules[0].to[0].operation.hosts",
            "spec.rules[0].when[0] (remote.ip)",
            "spec.rules[1].to[1].operation.notMethods",
        ]
    );
}

#[test]
fn selectors_on_the_pods_of_gateways() {
    let name = r#""gateway.networking.k8s.io/gateway-name": "w""#;
    let old_name = r#""istio.io/gateway-name": "old""#;
    let class =
        |class: &str| format!(r#""gateway.networking.k8s.io/gateway-class-name": "{class}""#);
    let managed = |by: &str| format!(r#""gateway.istio.io/managed": "istio.io-{by}-controller""#);
    #[rustfmt::skip]
    let rows = [
        ("no labels", String::new(), None),
        ("an app", r#""app": "x""#.to_owned(), None),
        ("an ingress gateway", r#""istio": "ingressgateway""#.to_owned(), None),
        ("class of waypoints", class("istio-waypoint"), Some(Picked::Waypoints(None))),
        ("class of gateways", class("istio"), None),
        ("waypoint controller", managed("mesh"), Some(Picked::Waypoints(None))),
        ("gateway controller", managed("gateway"), None),
        ("a name", name.to_owned(), Some(Picked::GatewayOrWaypoint("w"))),
        ("a name and an app", format!(r#"{name}, "app": "x""#), Some(Picked::GatewayOrWaypoint("w"))),
        ("an old name", old_name.to_owned(), Some(Picked::BeforeIstio124("old"))),
        ("both names", format!("{name}, {old_name}"), Some(Picked::BeforeIstio124("old"))),
        ("a waypoint's name", format!("{name}, {}", class("istio-waypoint")), Some(Picked::Waypoints(Some("w")))),
        ("a managed waypoint's old name", format!("{old_name}, {}", managed("mesh")), Some(Picked::Waypoints(Some("old")))),
        ("an ordinary gateway's name", format!("{name}, {}", class("istio")), None),
        ("a managed gateway's name", format!("{name}, {}", managed("gateway")), None),
        ("labels that no Pod has together", format!("{}, {}", class("istio-waypoint"), managed("gateway")), None),
    ];
    for (row, labels, expected) in rows {
        let json = format!(r#"{{"spec": {{"selector": {{"matchLabels": {{{labels}}}}}}}}}"#);
        let policy = AuthorizationPolicy::parse(&json).unwrap();
        let found = needs(&policy).into_iter().next().map(|need| need.cause);
        assert_eq!(found, expected.map(Cause::Selector), "{row}");
    }
}

#[test]
fn a_selector_without_labels_picks_no_gateway() {
    assert_eq!(shown(r#"{"selector": {}}"#), none());
    assert_eq!(shown(r#"{"selector": {"matchLabels": null}}"#), none());
}

#[test]
fn trust_domains_are_told_apart() {
    let json = r#"{"spec": {"rules": [
        {"from": [{"source": {"trustDomains": ["a"], "principals": ["p"]}}]},
        {"from": [{"source": {"notTrustDomains": ["b"]}}, {"source": {"trustDomains": []}}]}
    ]}}"#;
    let policy = AuthorizationPolicy::parse(json).unwrap();
    assert_eq!(
        trust_domains(&policy),
        [
            "spec.rules[0].from[0].source.trustDomains",
            "spec.rules[1].from[0].source.notTrustDomains",
        ]
    );
    assert!(needs(&policy).is_empty());
}
