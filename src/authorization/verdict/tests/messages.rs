//! Whole messages, as an author reads them.

use super::*;

fn denial(json: &str, settings: &Settings) -> String {
    let verdict = judge(&parse(json), None, settings);
    verdict.denial().expect("it is refused")
}

fn warned(json: &str) -> Vec<String> {
    let verdict = judge(&parse(json), None, &Settings::default());
    assert_eq!(verdict.answer(), Answer::Warn, "{verdict:?}");
    verdict.warnings()
}

const DENY: &str = r#"{"selector": {"matchLabels": {"app": "api"}}, "action": "DENY", "rules": [
    {"to": [{"operation": {"methods": ["DELETE"]}}]},
    {"to": [{"operation": {"ports": ["8080"], "paths": ["/admin"]}}]}
]}"#;

#[test]
fn an_unattached_deny() {
    let text = denial(&policy(None, DENY), &Settings::default());
    assert_eq!(
        text,
        r#"AuthorizationPolicy payments/p needs a waypoint, and nothing attaches it to one
In ambient mode only a waypoint enforces spec.rules[0].to[0].operation.methods, spec.rules[1].to[0].operation.paths
ztunnel receives the rules of this DENY without their HTTP parts
Nothing is left of a clause: ztunnel never matches that rule
Gets through, though the policy refuses it: DELETE to 8081
Is refused, though the policy allows it: GET / to 8080
Taken for a policy of ambient workloads: meshmode has no connection to a cluster
Attach it to a waypoint, with this:
  spec:
    targetRefs:
    - group: gateway.networking.k8s.io
      kind: Gateway
      name: <your waypoint>   # istioctl waypoint list -n payments
That covers all that is behind the waypoint; for one Service of it: group: "", kind: Service.
If the policy is for ambient workloads only: write this into it, in place of its selector if it has one.
If it is for sidecars or gateways too: keep it for them, and write a second policy with this beside it, as sidecars ignore
a policy with targetRefs; whoever runs meshmode can admit the one that you keep (authorizationPolicies)."#
    );
}

#[test]
fn the_same_deny_updated_without_a_change() {
    let json = policy(None, DENY);
    let verdict = judge(&parse(&json), Some(&parse(&json)), &Settings::default());
    let texts = verdict.warnings();
    assert_eq!(
        texts,
        [
            "AuthorizationPolicy payments/p needs a waypoint, and nothing attaches it to one",
            "In ambient mode only a waypoint enforces spec.rules[0].to[0].operation.methods, spec.rules[1].to[0].operation.paths",
            "ztunnel receives the rules of this DENY without their HTTP parts",
            "Nothing is left of a clause: ztunnel never matches that rule",
            "Gets through, though the policy refuses it: DELETE to 8081",
            "Is refused, though the policy allows it: GET / to 8080",
            "Taken for a policy of ambient workloads: meshmode has no connection to a cluster",
            "Attach it (as a second policy if sidecars are selected too): targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: <your waypoint>}]   # istioctl waypoint list -n payments",
        ]
    );
}

#[test]
fn a_deny_of_which_alternatives_vanish() {
    #[rustfmt::skip]
    let rows = [
        (
            "one alternative is left as it is",
            r#"{"to": [{"operation": {"ports": ["9090"]}}, {"operation": {"methods": ["DELETE"]}}]}"#,
            vec!["Gets through, though the policy refuses it: DELETE to 8080"],
        ),
        (
            "one alternative is left with less",
            r#"{"to": [{"operation": {"ports": ["8080"], "methods": ["DELETE"]}}, {"operation": {"paths": ["/admin*"]}}]}"#,
            vec![
                "Gets through, though the policy refuses it: /admin to 8081",
                "Is refused, though the policy allows it: GET / to 8080",
            ],
        ),
    ];
    for (name, rule, shown) in rows {
        let spec = format!(r#"{{"action": "DENY", "rules": [{rule}]}}"#);
        let text = denial(&policy(None, &spec), &Settings::default());
        let found: Vec<_> = text.lines().skip(3).take(1 + shown.len()).collect();
        let vanished =
            "Nothing is left of an alternative: ztunnel skips it, and matches the others only";
        assert_eq!(found, [vec![vanished], shown].concat(), "{name}");
    }
}

#[test]
fn an_allow_with_many_needs_and_the_annotation_none() {
    let spec = r#"{"rules": [{}, {
        "from": [{"source": {"requestPrincipals": ["*"]}}],
        "to": [{"operation": {"methods": ["GET"], "paths": ["/"]}}],
        "when": [{"key": "request.headers[x-token]", "values": ["1"]}]
    }]}"#;
    let text = denial(&policy(Some("none"), spec), &Settings::default());
    let message: Vec<_> = text.lines().take(3).collect();
    assert_eq!(
        message,
        [
            "AuthorizationPolicy payments/p needs a waypoint, and nothing attaches it to one (istio.io/waypoint-for says none)",
            "In ambient mode only a waypoint enforces spec.rules[1].from[0].source.requestPrincipals, spec.rules[1].to[0].operation.methods, spec.rules[1].to[0].operation.paths and 1 more",
            "ztunnel does not receive the rules of this ALLOW that have HTTP parts",
        ]
    );
}

#[test]
fn a_custom_action_without_a_namespace() {
    let json =
        r#"{"metadata": {"generateName": "ask-"}, "spec": {"action": "CUSTOM", "rules": [{}]}}"#;
    let text = denial(json, &Settings::default());
    let message: Vec<_> = text.lines().take(3).collect();
    assert_eq!(
        message,
        [
            "AuthorizationPolicy ask-* needs a waypoint, and nothing attaches it to one",
            "In ambient mode only a waypoint enforces spec.action CUSTOM",
            "ztunnel does not carry out the action, and receives nothing of the policy",
        ]
    );
    assert!(
        text.contains("istioctl waypoint list -n <its namespace>"),
        "{text}"
    );
}

/// What people write: it names the waypoint in all the ways that Istio does not read.
#[test]
fn the_annotation_and_a_selector_on_the_waypoint() {
    let spec = r#"{"selector": {"matchLabels": {"istio.io/gateway-name": "payment-waypoint"}},
        "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}"#;
    assert_eq!(
        warned(&policy(Some("gateway:payments/payment-waypoint"), spec)),
        [
            "AuthorizationPolicy payments/p: Istio ignores the annotation istio.io/waypoint-for, so no waypoint enforces this policy",
            "In ambient mode only a waypoint enforces spec.rules[0].to[0].operation.methods",
            "Its selector picks by istio.io/gateway-name, which Istio sets no more since 1.24, and waypoints ignore selectors: nothing enforces it",
            "Attach it in place of the selector: targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: payment-waypoint}]",
        ]
    );
}

#[test]
fn the_annotation_names_things_elsewhere() {
    let value = "gateway:infra/shared, service:shop/cart, serviceaccount:payments/api";
    assert_eq!(
        warned(&policy(Some(value), HTTP))[6..],
        [
            "gateway:infra/shared is in another namespace, where targetRefs do not reach: name a Service that uses it.",
            "service:shop/cart is in another namespace, where targetRefs do not reach: put the policy there.",
            "serviceaccount:payments/api: targetRefs name Gateways and Services, no service accounts.",
            "Attach it (as a second policy if sidecars are selected too): targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: <your waypoint>}]   # istioctl waypoint list -n payments",
        ]
    );
}

#[test]
fn an_annotation_on_what_needs_none_where_it_is_refused() {
    let refuse = settings(RequireAttachment::WhenNeeded, OnAnnotation::Refuse);
    assert_eq!(
        denial(&policy(Some("service:payments/api"), L4), &refuse),
        r#"AuthorizationPolicy payments/p: Istio ignores the annotation istio.io/waypoint-for, so no waypoint enforces this policy
Nothing in it needs a waypoint; without the annotation it does the same
Attach it to a waypoint, with this:
  spec:
    targetRefs:
    - group: ""
      kind: Service
      name: api
If the policy is for ambient workloads only: write this into it, in place of its selector if it has one.
If it is for sidecars or gateways too: keep it for them, and write a second policy with this beside it, as sidecars ignore
a policy with targetRefs; whoever runs meshmode can admit the one that you keep (authorizationPolicies)."#
    );
}

#[test]
fn a_selector_on_a_gateway_that_may_be_a_waypoint() {
    let spec = r#"{"selector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "edge"}},
        "rules": [{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}]}"#;
    assert_eq!(
        denial(&policy(None, spec), &Settings::default()),
        "AuthorizationPolicy payments/p selects the Pods of a gateway, and no targetRefs name it
Its selector picks a Gateway: if that is a waypoint, it ignores selectors, and nothing enforces the policy
Attach it, with this in place of its selector:
  spec:
    targetRefs:
    - group: gateway.networking.k8s.io
      kind: Gateway
      name: edge
An ordinary Gateway of the Gateway API reads such targetRefs too, so nothing is lost if it is no waypoint."
    );
}

#[test]
fn every_policy_must_be_attached() {
    let always = settings(RequireAttachment::Always, OnAnnotation::Warn);
    let text = denial(&policy(None, L4), &always);
    assert_eq!(
        text.lines().next(),
        Some(
            "AuthorizationPolicy payments/p is not attached to a waypoint, and authorizationPolicies.attachment is always"
        )
    );
}

#[test]
fn a_malformed_annotation() {
    assert_eq!(
        denial(&policy(Some("gateway:Prod/api"), HTTP), &Settings::default()),
        "AuthorizationPolicy payments/p: the annotation istio.io/waypoint-for cannot be read
At column 9 of \"gateway:Prod/api\": 'P' may not stand here in a namespace; allowed: lower-case letters, digits, and '-' inside
Correct or remove the annotation: Istio itself reads spec.targetRefs only."
    );
    assert_eq!(
        denial(&policy(Some("my-waypoint"), HTTP), &Settings::default())
            .lines()
            .nth(1),
        Some(
            "At column 1 of \"my-waypoint\": \"my-waypoint\" is not known; allowed: service, workload, all, none, or a \
             comma-separated list of serviceaccount:NAMESPACE/NAME, service:NAMESPACE/NAME, gateway:NAMESPACE/NAME"
        )
    );
}

#[test]
fn small_warnings() {
    assert_eq!(
        warned(&policy(Some("service"), ATTACHED)),
        [
            "Istio ignores the annotation istio.io/waypoint-for: spec.targetRefs decide, it can be removed"
        ]
    );
    let spec = r#"{"action": "Deny", "layer": 4, "rules": [{"from": [{"source": {"trustDomains": ["a"]}}]}]}"#;
    assert_eq!(
        warned(&policy(None, spec)),
        [
            "spec.action \"Deny\" is not known; allowed: ALLOW, DENY, AUDIT, CUSTOM",
            "meshmode does not know spec.layer and judged the policy without",
        ]
    );
}

#[test]
fn long_names_of_somebody_else_are_cut() {
    let json = policy(None, HTTP).replace("\"p\"", &format!("\"{}\"", "p".repeat(253)));
    let text = denial(&json, &Settings::default());
    let expected = format!(
        "AuthorizationPolicy payments/{}… needs a waypoint, and nothing attaches it to one",
        "p".repeat(79)
    );
    assert_eq!(text.lines().next(), Some(expected.as_str()));
}
