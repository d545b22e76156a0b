//! What a workload is, and which a policy selects.

use super::*;

fn class_of(namespace: &str, labels: &Value, annotations: &Value) -> &'static str {
    let mut world = World::new();
    world.namespace(
        "kube-system",
        &json!({"istio.io/dataplane-mode": "ambient"}),
    );
    world.gateway("plain", "in", "istio", "service", "Same", 1);
    world.gateway("plain", "theirs", "nginx", "service", "Same", 1);
    world.waypoint("plain", "w", "service");
    world.pod(namespace, "it", labels, annotations);
    let all = world.selected(namespace, &json!({}));
    assert_eq!(all.revisions(), 1, "{all:?}");
    let classes = [
        ("ambient", all.ambient),
        ("sidecar", all.sidecar),
        ("gateway", all.gateway),
        ("waypoint", all.waypoint),
        ("outside", all.outside),
    ];
    let found = classes.iter().find(|(_, tally)| !tally.is_empty());
    found.unwrap().0
}

#[test]
fn each_workload_has_one_class() {
    let none = json!({});
    let status = json!({"sidecar.istio.io/status": "{}"});
    let mode = |mode: &str| json!({"istio.io/dataplane-mode": mode});
    let of_gateway = |name: &str| json!({"gateway.networking.k8s.io/gateway-name": name});
    let managed = |by: &str| json!({"gateway.networking.k8s.io/gateway-name": "x", "gateway.istio.io/managed": by, "istio.io/dataplane-mode": "none"});
    let gateway = json!({"sidecar.istio.io/status": "{}", "inject.istio.io/templates": "gateway"});
    let captured = json!({"ambient.istio.io/redirection": "enabled"});
    #[rustfmt::skip]
    let rows = [
        ("plain", &none, &none, "outside"),
        ("plain", &mode("ambient"), &none, "ambient"),
        ("plain", &none, &captured, "ambient"),
        ("plain", &none, &status, "sidecar"),
        ("plain", &mode("ambient"), &status, "sidecar"),
        ("plain", &mode("sidecar"), &none, "outside"),
        ("ambient", &none, &none, "ambient"),
        ("ambient", &mode("none"), &none, "outside"),
        ("ambient", &mode("none"), &status, "sidecar"),
        ("ambient", &mode("sidecar"), &none, "ambient"),
        ("ambient", &mode("None"), &none, "ambient"),
        ("ambient", &none, &status, "sidecar"),
        ("ambient", &none, &gateway, "gateway"),
        ("plain", &json!({"istio": "ingressgateway"}), &none, "gateway"),
        ("plain", &json!({"istio": "pilot"}), &none, "outside"),
        ("plain", &managed("istio.io-mesh-controller"), &none, "waypoint"),
        ("ambient", &managed("istio.io-gateway-controller"), &none, "gateway"),
        ("plain", &of_gateway("w"), &none, "waypoint"),
        ("plain", &of_gateway("in"), &status, "gateway"),
        ("plain", &of_gateway("theirs"), &status, "sidecar"),
        ("ambient", &of_gateway("gone"), &none, "ambient"),
        ("kube-system", &none, &none, "outside"),
        ("kube-system", &none, &captured, "ambient"),
    ];
    for (namespace, labels, annotations, expected) in rows {
        assert_eq!(
            class_of(namespace, labels, annotations),
            expected,
            "in {namespace} {labels} {annotations}"
        );
    }
}

#[test]
fn who_is_selected() {
    let mut world = World::new();
    let (web, none) = (json!({"app": "web", "tier": "front"}), json!({}));
    world.pod("ambient", "web", &web, &none);
    world.pod("ambient", "db", &json!({"app": "db"}), &none);
    world.pod(
        "plain",
        "web",
        &web,
        &json!({"sidecar.istio.io/status": "{}"}),
    );
    let selects = |namespace: &str, spec: Value| {
        let all = world.selected(namespace, &spec);
        (all.ambient.revisions, all.sidecar.revisions)
    };
    let labels = |labels: Value| json!({"selector": {"matchLabels": labels}});
    #[rustfmt::skip]
    let rows = [
        ("ambient", json!({}), (2, 0)),
        ("ambient", labels(json!({"app": "web"})), (1, 0)),
        ("ambient", labels(json!({"app": "web", "tier": "back"})), (0, 0)),
        ("ambient", labels(json!({})), (2, 0)),
        ("ambient", json!({"selector": {}}), (2, 0)),
        ("plain", labels(json!({"app": "web"})), (0, 1)),
        ("istio-system", labels(json!({"app": "web"})), (1, 1)),
        ("istio-system", json!({}), (2, 1)),
        ("ambient", json!({"targetRefs": [{"group": "", "kind": "Service", "name": "web"}]}), (0, 0)),
    ];
    for (namespace, spec, expected) in rows {
        assert_eq!(
            selects(namespace, spec.clone()),
            expected,
            "{namespace} {spec}"
        );
    }
}

#[test]
fn clients_are_counted_where_somebody_may_go_past() {
    let mut world = World::new();
    let none = json!({});
    world.pod(
        "plain",
        "old",
        &none,
        &json!({"sidecar.istio.io/status": "{}"}),
    );
    world.pod("plain", "legacy", &none, &none);
    world.pod("ambient", "new", &none, &none);
    let to_service = json!({"targetRefs": [{"group": "", "kind": "Service", "name": "web"}]});
    let clients = world.facts("ambient", &to_service).clients.known().unwrap();
    assert_eq!(
        (
            clients.ambient.revisions,
            clients.sidecar.revisions,
            clients.outside.revisions
        ),
        (1, 1, 1)
    );
    assert_eq!(clients.sidecar.to_string(), "Pod plain/old");
    let clients = world.facts("ambient", &none).clients.known().unwrap();
    assert_eq!(
        clients.revisions(),
        0,
        "who calls a workload does not matter to a selector"
    );
}
