//! Pods as istio-cni and the injector leave them, by their metadata.

use serde_json::{Value, json};

use super::*;

const RS: &str = "2c1d1f0e-6b7e-4f0a-9b39-5b0f4f6f0001";

/// A Pod of the ReplicaSet `web-5d4f8c7b9`, with `more` labels and annotations.
fn of_replica_set(number: u8, labels: &Value, annotations: &Value) -> Watched<Kept> {
    let mut all = json!({"app": "web", "pod-template-hash": "5d4f8c7b9"});
    all.as_object_mut()
        .unwrap()
        .extend(labels.as_object().unwrap().clone());
    let json = json!({
        "name": format!("web-5d4f8c7b9-x{number}"),
        "namespace": "shop",
        "uid": format!("7e0c93b2-3d0b-4c58-8f0e-0000000000{number:02x}"),
        "labels": all,
        "annotations": annotations,
        "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4f8c7b9", "uid": RS,
            "controller": true, "blockOwnerDeletion": true,
        }],
    });
    watched(&json)
}

fn watched(metadata: &Value) -> Watched<Kept> {
    let json = json!({"metadata": metadata}).to_string();
    serde_json::from_str(&json).unwrap()
}

fn pod(object: &Watched<Kept>) -> Pod {
    object.spec.pod.clone().unwrap()
}

#[test]
fn pods_of_one_revision_are_one() {
    let none = json!({});
    let one = pod(&of_replica_set(1, &none, &none));
    let other = pod(&of_replica_set(
        2,
        &none,
        &json!({"prometheus.io/scrape": "true"}),
    ));
    assert_ne!(one.uid, other.uid);
    assert_eq!(
        one.key, other.key,
        "an annotation of others is no difference"
    );
    assert_eq!(one.revision, other.revision);
    assert_eq!(one.revision.name().to_string(), "Deployment shop/web");

    for (what, labels, annotations) in [
        (
            "another template",
            json!({"pod-template-hash": "b"}),
            json!({}),
        ),
        ("labelled by hand", json!({"version": "canary"}), json!({})),
        (
            "injected",
            json!({}),
            json!({"sidecar.istio.io/status": "{}"}),
        ),
        (
            "captured",
            json!({}),
            json!({"ambient.istio.io/redirection": "enabled"}),
        ),
    ] {
        let different = pod(&of_replica_set(3, &labels, &annotations));
        assert_ne!(one.key, different.key, "{what}");
    }
}

#[test]
fn what_istio_did_to_a_pod() {
    #[rustfmt::skip]
    let rows = [
        (json!({}), Injected::Nothing, Redirection::NotSaid),
        (json!({"sidecar.istio.io/inject": "true"}), Injected::Nothing, Redirection::NotSaid),
        (json!({"sidecar.istio.io/status": "{\"initContainers\":[\"istio-validation\",\"istio-proxy\"]}"}), Injected::Sidecar, Redirection::NotSaid),
        (json!({"sidecar.istio.io/status": ""}), Injected::Sidecar, Redirection::NotSaid),
        (json!({"sidecar.istio.io/status": "{}", "inject.istio.io/templates": "gateway"}), Injected::Gateway, Redirection::NotSaid),
        (json!({"sidecar.istio.io/status": "{}", "inject.istio.io/templates": "sidecar, custom"}), Injected::Sidecar, Redirection::NotSaid),
        (json!({"inject.istio.io/templates": "gateway"}), Injected::Nothing, Redirection::NotSaid),
        (json!({"ambient.istio.io/redirection": "enabled"}), Injected::Nothing, Redirection::Enabled),
        (json!({"ambient.istio.io/redirection": "pending"}), Injected::Nothing, Redirection::NotSaid),
    ];
    for (annotations, injected, redirection) in rows {
        let revision = pod(&of_replica_set(1, &json!({}), &annotations)).revision;
        assert_eq!(
            (revision.injected, revision.redirection),
            (injected, redirection),
            "{annotations}"
        );
    }
}

#[test]
fn pods_of_a_stateful_set_are_one_although_each_has_a_name() {
    let of = |index: u8| {
        let json = json!({
            "name": format!("db-{index}"), "namespace": "shop",
            "uid": format!("7e0c93b2-3d0b-4c58-8f0e-0000000000{index:02x}"),
            "labels": {
                "app": "db", "controller-revision-hash": "db-6f7",
                "statefulset.kubernetes.io/pod-name": format!("db-{index}"),
                "apps.kubernetes.io/pod-index": index.to_string(),
            },
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": RS, "controller": true}],
        });
        pod(&watched(&json))
    };
    let (first, second) = (of(0), of(1));
    assert_eq!(first.key, second.key);
    assert_eq!(first.revision.name().to_string(), "StatefulSet shop/db");
    let has = |key, value| first.revision.has_all([("app", "db"), (key, value)]);
    assert!(has("controller-revision-hash", "db-6f7"));
    assert!(!has("controller-revision-hash", "db-6f8"));
    assert!(
        has("statefulset.kubernetes.io/pod-name", "db-7"),
        "one of them may have it"
    );
    let plain = pod(&of_replica_set(1, &json!({}), &json!({}))).revision;
    assert!(!plain.has_all([("statefulset.kubernetes.io/pod-name", "db-7")]));
    assert!(plain.has_all([]), "an empty selector selects all");
}

#[test]
fn names_of_workloads() {
    let of = |kind: &str, name: &str, labels: Value| {
        let json = json!({
            "name": "p", "namespace": "shop", "uid": "u", "labels": labels,
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Other", "name": "o", "uid": "x"},
                {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": RS, "controller": true},
            ],
        });
        pod(&watched(&json)).revision.name().to_string()
    };
    #[rustfmt::skip]
    let rows = [
        ("ReplicaSet", "web-7b", json!({"pod-template-hash": "7b"}), "Deployment shop/web"),
        ("ReplicaSet", "web-7b", json!({"rollouts-pod-template-hash": "7b"}), "Rollout shop/web"),
        ("ReplicaSet", "web", json!({"pod-template-hash": "7b"}), "ReplicaSet shop/web"),
        ("Job", "nightly-123", json!({"pod-template-hash": "123"}), "Job shop/nightly-123"),
        ("DaemonSet", "agent", json!({}), "DaemonSet shop/agent"),
    ];
    for (kind, name, labels, expected) in rows {
        assert_eq!(of(kind, name, labels), expected);
    }
    let bare = json!({"name": "debug", "namespace": "shop", "uid": "not-a-uuid"});
    let bare = pod(&watched(&bare));
    assert_eq!(bare.revision.name().to_string(), "Pod shop/debug");
}

#[test]
fn what_is_no_stored_pod_is_left_out() {
    for json in [json!({}), json!({"uid": "u"}), json!({"namespace": "n"})] {
        assert!(watched(&json).spec.pod.is_none());
    }
}
