//! The objects of a large cluster, each taken in by the code of its watch.

#![allow(clippy::expect_used, reason = "a helper fails the test by panicking")]

use meshmode::cluster::caches::Caches;
use meshmode::cluster::convert::object::{Spec, Watched};
use meshmode::cluster::convert::pod::Kept;
use meshmode::cluster::table::Change;
use meshmode::cluster::watch::changes;
use serde_json::{Value, json};

pub(crate) const NAMESPACES: usize = 5000;
pub(crate) const DEPLOYMENTS: usize = 20_000;
pub(crate) const PODS: usize = 5;

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

pub(crate) fn put<S: Spec>(
    caches: &mut Caches,
    apply: fn(&mut Caches, Change<'_, Watched<S>>),
    object: Value,
) {
    let object: Watched<S> = serde_json::from_value(object).expect("an object");
    apply(caches, Change::Put(&object));
}

pub(crate) fn namespaces(caches: &mut Caches) {
    for index in 0..NAMESPACES {
        let name = format!("team-{index}");
        let labels = json!({"kubernetes.io/metadata.name": name, "meshmode.io/webhook": "enabled", "team": name});
        let metadata = json!({"labels": labels, "annotations": {"owner": "somebody@example.com"}});
        let object = object(index, &name, &metadata, &json!({}));
        put(caches, changes::namespaces, object);
    }
}

pub(crate) fn deployments(caches: &mut Caches) {
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

pub(crate) fn services(caches: &mut Caches) {
    for index in 0..NAMESPACES {
        let name = format!("web-{index}");
        let spec = json!({"selector": {"app": name}});
        let object = object(index, &name, &json!({}), &spec);
        put(caches, changes::services, object);
    }
}

pub(crate) fn policies(caches: &mut Caches) {
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

pub(crate) fn pods(caches: &mut Caches) {
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
        let mut first = object(index % NAMESPACES, &owner, &metadata, &Value::Null);
        for number in 0..PODS {
            first["metadata"]["uid"] = json!(format!("{index:08x}-0000-4000-8000-{number:012x}"));
            let pod: Watched<Kept> = serde_json::from_str(&first.to_string()).expect("a Pod");
            changes::pods(caches, Change::Put(&pod));
        }
    }
}
