//! What asks for a proxy for a Pod.

use super::*;
use crate::placement::facts::source::{Reason, Scope};

fn required(world: &World, namespace: &str, of: &Value) -> Vec<String> {
    let found = world.view().requires(namespace, &labels(of)).unwrap();
    let text = |one: &Requirement| {
        let [reason, scope] = [one.reason.as_str(), one.scope.as_str()];
        format!("{reason} {}/{} {scope}", one.namespace, one.name)
    };
    found.iter().map(text).collect()
}

fn filter(labels: &Value) -> Value {
    json!({"workloadSelector": {"labels": labels}, "configPatches": [{"applyTo": "CLUSTER"}]})
}

#[test]
fn each_kind_says_its_reason_and_how_it_selects() {
    let mut world = World::new();
    let web = json!({"app": "web"});
    let selector = json!({"selector": {"matchLabels": web}});
    let l7 = json!({"selector": {"matchLabels": web}, "rules": [{"to": [{"operation": {"paths": ["/x"]}}]}]});
    let l4 = json!({"selector": {"matchLabels": web}, "rules": [{"to": [{"operation": {"ports": ["80"]}}]}]});
    let custom = json!({"action": "CUSTOM", "provider": {"name": "p"}, "rules": [{}]});
    world.put_spec(changes::envoy_filters, "shop/f", &filter(&web));
    world.put_spec(
        changes::sidecars,
        "shop/s",
        &json!({"workloadSelector": {"labels": web}}),
    );
    world.put_spec(changes::sidecars, "shop/default", &json!({}));
    world.put_spec(changes::wasm_plugins, "shop/w", &selector);
    world.put_spec(changes::request_authentications, "shop/r", &selector);
    world.put_spec(changes::authorization_policies, "shop/l7", &l7);
    world.put_spec(changes::authorization_policies, "shop/l4", &l4);
    world.put_spec(changes::authorization_policies, "shop/c", &custom);
    let all = [
        "EnvoyFilter shop/f workload",
        "Sidecar shop/default namespace",
        "Sidecar shop/s workload",
        "WasmPlugin shop/w workload",
        "L7AuthorizationPolicy shop/l7 workload",
        "RequestAuthentication shop/r workload",
        "CustomAuthorization shop/c namespace",
    ];
    assert_eq!(required(&world, "shop", &web), all);
    let others = [
        "Sidecar shop/default namespace",
        "CustomAuthorization shop/c namespace",
    ];
    assert_eq!(required(&world, "shop", &json!({"app": "db"})), others);
    assert!(required(&world, "other", &web).is_empty());
    assert_eq!(world.caches.count(Resource::AuthorizationPolicies), 2);

    // A policy that no longer asks for L7 asks for nothing.
    world.put_spec(changes::authorization_policies, "shop/l7", &l4);
    assert_eq!(required(&world, "shop", &web).len(), all.len() - 1);
}

#[test]
fn the_root_namespace_reaches_all() {
    let mut world = World::new();
    let web = json!({"app": "web"});
    let all = json!({"configPatches": [{"applyTo": "CLUSTER"}]});
    world.put_spec(changes::envoy_filters, "istio-system/all", &all);
    world.put_spec(changes::envoy_filters, "istio-system/web", &filter(&web));
    world.put_spec(changes::sidecars, "istio-system/default", &json!({}));
    let selected = json!({"workloadSelector": {"labels": web}});
    world.put_spec(changes::sidecars, "istio-system/web", &selected);
    world.put_spec(changes::envoy_filters, "mesh/all", &all);
    let seen = required(&world, "shop", &web);
    let expected = [
        "EnvoyFilter istio-system/all mesh",
        "EnvoyFilter istio-system/web workload",
        "Sidecar istio-system/default mesh",
    ];
    assert_eq!(
        seen, expected,
        "a Sidecar's selector is for its own namespace"
    );
    let own = required(&world, "istio-system", &web);
    assert_eq!(own.last().unwrap(), "Sidecar istio-system/web workload");
    assert_eq!(own.len(), 4, "each is there once: {own:?}");

    let map = json!({"metadata": {"name": "istio", "namespace": "istio-system"}, "data": {"mesh": "rootNamespace: mesh"}});
    world.put(changes::mesh_config, &map);
    assert_eq!(
        required(&world, "shop", &web),
        ["EnvoyFilter mesh/all mesh"]
    );
    let seen = required(&world, "istio-system", &json!({}));
    assert!(
        seen.contains(&"EnvoyFilter istio-system/all namespace".to_owned()),
        "it is a usual namespace now: {seen:?}"
    );
}

#[test]
fn what_is_attached_to_a_service_is_about_its_pods() {
    let mut world = World::new();
    for place in ["shop/web", "istio-system/web"] {
        world.put_spec(
            changes::services,
            place,
            &json!({"selector": {"app": "web"}}),
        );
    }
    world.put_spec(changes::services, "shop/external", &json!({}));
    let to = |name: &str| json!({"targetRefs": [{"kind": "Service", "name": name}]});
    world.put_spec(changes::wasm_plugins, "shop/w", &to("web"));
    world.put_spec(changes::wasm_plugins, "shop/missing", &to("new"));
    world.put_spec(changes::wasm_plugins, "shop/external", &to("external"));
    world.put_spec(changes::wasm_plugins, "istio-system/root", &to("web"));
    let web = json!({"app": "web", "version": "1"});
    assert_eq!(
        required(&world, "shop", &web),
        ["WasmPlugin shop/w service"]
    );
    assert!(required(&world, "shop", &json!({"app": "db"})).is_empty());
}

#[test]
fn the_order_is_that_of_reasons_and_names() {
    let mut world = World::new();
    for name in ["b", "a", "c"] {
        let place = format!("shop/{name}");
        world.put_spec(changes::wasm_plugins, &place, &json!({}));
        world.put_spec(changes::envoy_filters, &place, &filter(&json!({})));
    }
    let found = world.view().requires("shop", &labels(&json!({}))).unwrap();
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(found, sorted);
    let first = found.first().unwrap();
    assert_eq!(
        (first.reason, first.scope),
        (Reason::EnvoyFilter, Scope::Namespace)
    );
    assert_eq!(found.len(), 6);
}
