//! Objects of Istio as people write them, and what is kept of each.

use super::*;

fn read<S: Spec>(spec: &Value) -> Watched<S> {
    let json = json!({"metadata": {"name": "x", "namespace": "shop"}, "spec": spec});
    serde_json::from_value(json).unwrap()
}

fn labelled(value: &str) -> Asked {
    let labels = BTreeMap::from([("app".to_owned(), value.to_owned())]);
    Asked::Labelled(Labels::all(Some(&labels)))
}

fn services(names: &[&str]) -> Asked {
    Asked::Services(names.iter().map(|name| (*name).into()).collect())
}

#[test]
fn envoy_filters() {
    let patch = |context: Value| json!({"applyTo": "HTTP_FILTER", "match": context, "patch": {"operation": "ADD"}});
    let any = || patch(json!({"context": "SIDECAR_INBOUND"}));
    let gateway = || patch(json!({"context": "GATEWAY"}));
    let web = json!({"labels": {"app": "web"}});
    #[rustfmt::skip]
    let rows = [
        ("of a workload", json!({"workloadSelector": web, "configPatches": [any()]}), Some(labelled("web"))),
        ("of its namespace", json!({"configPatches": [any()]}), Some(Asked::All)),
        ("an empty selector", json!({"workloadSelector": {}, "configPatches": [any()]}), Some(Asked::All)),
        ("no labels", json!({"workloadSelector": {"labels": {}}, "configPatches": [any()]}), Some(Asked::All)),
        ("no context is any", json!({"configPatches": [{"applyTo": "CLUSTER"}]}), Some(Asked::All)),
        ("gateways only", json!({"configPatches": [gateway(), gateway()]}), None),
        ("waypoints only", json!({"configPatches": [patch(json!({"context": "WAYPOINT"}))]}), None),
        ("gateways, too", json!({"configPatches": [gateway(), any()]}), Some(Asked::All)),
        ("no patch at all", json!({}), None),
        ("attached", json!({"targetRefs": [{"kind": "Gateway", "name": "w"}], "configPatches": [any()]}), None),
        ("attached to nothing", json!({"targetRefs": [], "configPatches": [any()]}), Some(Asked::All)),
    ];
    for (what, spec, expected) in rows {
        let reason = Reason::EnvoyFilter;
        let expected = expected.map(|of| Ask { reason, of });
        assert_eq!(envoy_filter(&read(&spec)), expected, "{what}");
    }
}

#[test]
fn sidecars() {
    for (spec, expected) in [
        (json!({"egress": [{"hosts": ["./*"]}]}), Asked::All),
        (
            json!({"workloadSelector": {"labels": {"app": "web"}}}),
            labelled("web"),
        ),
    ] {
        let reason = Reason::Sidecar;
        let of = expected;
        assert_eq!(sidecar(&read(&spec)), Some(Ask { reason, of }), "{spec}");
    }
}

#[test]
fn what_may_be_attached() {
    let service = |name: &str| json!({"group": "", "kind": "Service", "name": name});
    let gateway = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "w"});
    let class = json!({"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "istio-waypoint"});
    let web = json!({"matchLabels": {"app": "web"}});
    #[rustfmt::skip]
    let rows = [
        ("all", json!({}), Some(Asked::All)),
        ("an empty selector", json!({"selector": {}}), Some(Asked::All)),
        ("labels", json!({"selector": web}), Some(labelled("web"))),
        ("a Service", json!({"targetRefs": [service("web")]}), Some(services(&["web"]))),
        ("the older field", json!({"targetRef": service("web")}), Some(services(&["web"]))),
        ("no group", json!({"targetRef": {"kind": "Service", "name": "web"}}), Some(services(&["web"]))),
        ("two", json!({"targetRefs": [service("a"), gateway, service("b")]}), Some(services(&["a", "b"]))),
        ("a Gateway", json!({"targetRefs": [gateway]}), None),
        ("a class", json!({"targetRefs": [class]}), None),
        ("targets count before the selector", json!({"selector": web, "targetRef": gateway}), None),
        ("a ServiceEntry", json!({"targetRef": {"group": "networking.istio.io", "kind": "ServiceEntry", "name": "e"}}), None),
    ];
    for (what, spec, expected) in rows {
        let of = |read: Option<Ask>, reason| {
            assert!(
                read.as_ref().is_none_or(|read| read.reason == reason),
                "{what}"
            );
            read.map(|read| read.of)
        };
        let wasm = of(wasm_plugin(&read(&spec)), Reason::WasmPlugin);
        assert_eq!(wasm, expected, "{what}");
        let authentication = request_authentication(&read(&spec));
        assert_eq!(
            of(authentication, Reason::RequestAuthentication),
            expected,
            "{what}"
        );
    }
}

#[test]
fn authorization_policies() {
    let l7 = Some(Reason::L7AuthorizationPolicy);
    let custom = Some(Reason::CustomAuthorization);
    let get = json!([{"to": [{"operation": {"methods": ["GET"]}}]}]);
    let port = json!([{"to": [{"operation": {"ports": ["80"]}}]}]);
    let key = json!([{"when": [{"key": "request.headers[x]", "values": ["y"]}]}]);
    #[rustfmt::skip]
    let rows = [
        ("a method", json!({"rules": get}), l7),
        ("a header", json!({"rules": key}), l7),
        ("a port", json!({"rules": port}), None),
        ("nothing", json!({}), None),
        ("audit", json!({"action": "AUDIT", "rules": port}), l7),
        ("custom", json!({"action": "CUSTOM", "provider": {"name": "p"}, "rules": port}), custom),
        ("custom with a method", json!({"action": "CUSTOM", "provider": {"name": "p"}, "rules": get}), custom),
        ("of a waypoint's Pods", json!({"selector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "w"}}, "rules": port}), None),
        ("attached to a Gateway", json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "w"}], "rules": get}), None),
        ("not readable", json!({"rules": 7}), None),
    ];
    for (what, spec, expected) in rows {
        let read = authorization_policy(&read(&spec));
        assert_eq!(read.map(|read| read.reason), expected, "{what}");
    }
    let attached = json!({"targetRefs": [{"kind": "Service", "name": "web"}], "rules": get});
    let read = authorization_policy(&read(&attached)).unwrap();
    assert_eq!(read.of, services(&["web"]));
}
