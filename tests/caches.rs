//! How much the facts about a large cluster hold, fed through the code of the watches.

#![allow(clippy::expect_used, reason = "a helper fails the test by panicking")]

use meshmode::cluster::caches::Caches;
use meshmode::cluster::convert::object::{Nothing, Spec, Watched};
use meshmode::cluster::table::Change;
use meshmode::cluster::watch::changes;
use meshmode::placement::facts::{Field, Fields, Resource};
use serde_json::{Value, json};

/// The most bytes for the facts of a cluster with 100,000 Pods.
const LARGE: i64 = 32 << 20;
/// The most that is resident for them, with what the allocator cannot give back. The program itself has 11 MiB.
const RESIDENT: i64 = 48 << 20;

/// 20,000 Deployments with 5 Pods each in 5,000 namespaces, 5,000 Services and autoscalers, 2,000 policies and
/// filters, each taken in by the code of its watch.
#[test]
fn a_large_cluster_is_kept_small() {
    let mut caches = Caches {
        keep: Field::ALL.into_iter().collect::<Fields>(),
        ..Caches::default()
    };
    let before = resident();
    let mut held = Vec::new();
    let mut measure = |what: &'static str, feed: &mut dyn FnMut()| {
        let counted = allocation_counter::measure(feed);
        held.push((what, counted.bytes_current));
    };
    measure("namespaces", &mut || namespaces(&mut caches));
    measure("deployments", &mut || deployments(&mut caches));
    measure("services", &mut || services(&mut caches));
    measure("policies", &mut || policies(&mut caches));
    measure("Pods", &mut || pods(&mut caches));
    let counts = [
        (Resource::Namespaces, NAMESPACES),
        (Resource::Deployments, DEPLOYMENTS),
        (Resource::Autoscalers, NAMESPACES),
        (Resource::AuthorizationPolicies, 1000),
        (Resource::EnvoyFilters, 1000),
        (Resource::Pods, DEPLOYMENTS * PODS),
    ];
    for (resource, expected) in counts {
        assert_eq!(caches.count(resource), expected, "{resource}");
    }
    let more = resident() - before;
    assert!(more < RESIDENT, "{more} bytes more resident: {held:?}");
    let all: i64 = held.iter().map(|(_, bytes)| bytes).sum();
    assert!(all < LARGE, "{all} bytes: {held:?}");
}

/// Bytes of this process, which has one test; 0 where no Linux tells.
fn resident() -> i64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0;
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: i64 = kib.and_then(|kib| kib.trim().parse().ok()).expect("kB");
    kib << 10
}

const NAMESPACES: usize = 5000;
const DEPLOYMENTS: usize = 20_000;
const PODS: usize = 5;

/// An object as the API server sends it, with what half of it is.
fn object(namespace: usize, name: &str, metadata: &Value, spec: &Value) -> Value {
    let mut object = json!({
        "metadata": {"name": name, "namespace": format!("team-{namespace}"), "uid": name, "resourceVersion": "123456789",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x".repeat(2000)},
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
        "spec": spec,
    });
    for (key, value) in metadata.as_object().expect("metadata") {
        object["metadata"][key] = value.clone();
    }
    object
}

fn put<S: Spec>(
    caches: &mut Caches,
    apply: fn(&mut Caches, Change<'_, Watched<S>>),
    object: Value,
) {
    let object: Watched<S> = serde_json::from_value(object).expect("an object");
    apply(caches, Change::Put(&object));
}

fn namespaces(caches: &mut Caches) {
    for index in 0..NAMESPACES {
        let name = format!("team-{index}");
        let labels = json!({"kubernetes.io/metadata.name": name, "meshmode.io/webhook": "enabled", "team": name});
        let metadata = json!({"labels": labels, "annotations": {"owner": "somebody@example.com"}});
        let object = object(index, &name, &metadata, &json!({}));
        put(caches, changes::namespaces, object);
    }
}

fn deployments(caches: &mut Caches) {
    for index in 0..DEPLOYMENTS {
        let name = format!("web-{index}");
        let labels = json!({"app": name, "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "web-1.2.3", "version": "1"});
        let metadata =
            json!({"labels": labels, "annotations": {"deployment.kubernetes.io/revision": "7"}});
        let spec =
            json!({"replicas": PODS, "template": {"spec": {"containers": [{"name": "app"}]}}});
        let object = object(index % NAMESPACES, &name, &metadata, &spec);
        put(caches, changes::deployments, object);
    }
    for index in 0..NAMESPACES {
        let name = format!("web-{index}");
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
        let spec = json!({"scaleTargetRef": target, "maxReplicas": 20});
        put(
            caches,
            changes::autoscalers,
            object(index, &name, &json!({}), &spec),
        );
    }
}

fn services(caches: &mut Caches) {
    for index in 0..NAMESPACES {
        let name = format!("web-{index}");
        let spec = json!({"selector": {"app": name}});
        let object = object(index, &name, &json!({}), &spec);
        put(caches, changes::services, object);
    }
}

fn policies(caches: &mut Caches) {
    for index in 0..1000 {
        let name = format!("web-{index}");
        let labels = json!({"app": name});
        let rules =
            json!([{"to": [{"operation": {"methods": ["GET"], "paths": ["/a/*", "/b/*"]}}]}]);
        let spec = json!({"selector": {"matchLabels": labels}, "rules": rules});
        let policy = object(index, &name, &json!({}), &spec);
        put(caches, changes::authorization_policies, policy);
        let spec = json!({"workloadSelector": {"labels": labels}, "configPatches": [{"applyTo": "CLUSTER", "patch": {}}]});
        let filter = object(index, &name, &json!({}), &spec);
        put(caches, changes::envoy_filters, filter);
    }
}

fn pods(caches: &mut Caches) {
    for index in 0..DEPLOYMENTS {
        let owner = format!("web-{index}-5d4f8c7b9");
        let labels = json!({"app": format!("web-{index}"), "pod-template-hash": "5d4f8c7b9", "version": "1",
            "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "web-1.2.3", "team": "a",
            "istio.io/dataplane-mode": "ambient", "sidecar.istio.io/inject": "false"});
        let record = json!({"meshmode.io/placement": "ambient", "meshmode.io/rule": "default",
            "meshmode.io/reason": "cheapest mode that gives mTLS and L4 policy"});
        let owners = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": true, "name": owner,
            "uid": format!("{index:032x}")}]);
        let metadata = json!({"labels": labels, "annotations": record, "ownerReferences": owners});
        let first = object(index % NAMESPACES, &owner, &metadata, &Value::Null);
        let mut pod: Watched<Nothing> = serde_json::from_value(first).expect("a Pod");
        for number in 0..PODS {
            pod.metadata.uid = Some(format!("{index:08x}-0000-4000-8000-{number:012x}"));
            changes::pods(caches, Change::Put(&pod));
        }
    }
}
