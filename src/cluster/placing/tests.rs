//! Siblings of a Pod that is decided about, and Pods that nobody placed.

use serde_json::{Value, json};

use super::*;
use crate::cluster::caches::Caches;
use crate::cluster::convert::object::{Spec, Watched};
use crate::cluster::table::Change;
use crate::cluster::watch::changes;
use crate::placement::Mode;

/// What an object does to the caches.
type Apply<S> = fn(&mut Caches, Change<'_, Watched<S>>);

fn put<S: Spec>(cluster: &Cluster, apply: Apply<S>, object: &Value) {
    let object = serde_json::from_value(object.clone()).unwrap();
    cluster.caches(|caches| apply(caches, Change::Put(&object)));
}

fn pod(cluster: &Cluster, place: &str, labels: &Value, annotations: &Value) {
    let (namespace, name) = place.split_once('/').unwrap();
    let mut all = json!({"pod-template-hash": "7b"});
    let labels = labels.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(labels);
    let json = json!({"metadata": {"namespace": namespace, "name": name, "uid": place,
        "labels": all, "annotations": annotations,
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7b", "uid": "rs", "controller": true}]}});
    put(cluster, changes::pods, &json);
}

fn revision() -> RevisionRef<'static> {
    RevisionRef {
        owner: "rs".into(),
        hash: "7b".into(),
    }
}

fn decided(mode: Mode) -> Decided {
    let [rule, reason] = ["r", "why"].map(Into::into);
    Decided { mode, rule, reason }
}

#[test]
fn what_was_decided_counts_until_a_placed_pod_is_seen() {
    let cluster = Cluster::default();
    let siblings = || cluster.siblings(&revision(), &|_, _| true);
    let placed = |mode| Ok(Some(Siblings::Placed(Arc::new(decided(mode)))));
    assert_eq!(siblings(), Err(Missing::NotWatched(Resource::Pods)));
    cluster.set(Resource::Pods, State::Following);
    assert_eq!(siblings(), Ok(None));
    cluster.remember(&revision(), decided(Mode::Ambient));
    assert_eq!(siblings(), placed(Mode::Ambient));
    pod(&cluster, "shop/none", &json!({}), &json!({}));
    assert_eq!(siblings(), placed(Mode::Ambient), "its event is on the way");
    let record = json!({"meshmode.io/placement": "sidecar", "meshmode.io/rule": "r", "meshmode.io/reason": "why"});
    pod(&cluster, "shop/placed", &json!({}), &record);
    assert_eq!(siblings(), placed(Mode::Sidecar), "what is there");

    let others = Cluster::default();
    others.set(Resource::Pods, State::Following);
    pod(&others, "shop/none", &json!({}), &json!({}));
    let siblings = others.siblings(&revision(), &|_, _| true);
    assert_eq!(siblings, Ok(Some(Siblings::Unplaced)));
    let workload = WorkloadRef {
        kind: "Deployment".into(),
        namespace: "shop".into(),
        name: "web".into(),
    };
    assert_eq!(others.running(&workload), Some(Siblings::Unplaced));
}

#[test]
fn pods_that_nobody_placed_by_what_their_namespace_asks_for() {
    let cluster = Cluster::default();
    for (name, asks) in [
        ("in", json!("enabled")),
        ("seen", json!("observe")),
        ("out", Value::Null),
    ] {
        let json = json!({"metadata": {"name": name, "labels": {"meshmode.io/webhook": asks}}});
        let mut json = json;
        if asks.is_null() {
            json["metadata"]["labels"] = json!({});
        }
        put(&cluster, changes::namespaces, &json);
        let at = |pod: &str| format!("{name}/{pod}");
        let chosen = json!({"istio.io/dataplane-mode": "none"});
        let record = json!({"meshmode.io/placement": "ambient"});
        pod(&cluster, &at("plain"), &json!({}), &json!({}));
        pod(&cluster, &at("chosen"), &chosen, &json!({}));
        pod(&cluster, &at("placed"), &json!({}), &record);
        pod(
            &cluster,
            &at("injected"),
            &json!({}),
            &json!({"sidecar.istio.io/status": "{}"}),
        );
    }
    pod(&cluster, "unseen/plain", &json!({}), &json!({}));
    assert_eq!(cluster.unplaced(), None, "Pods were not read yet");
    cluster.set(Resource::Pods, State::Following);
    let expected = Unplaced {
        enabled: 2,
        observed: 1,
        other: 2,
    };
    assert_eq!(cluster.unplaced(), Some(expected));
}
