//! How often a review allocates, and how much the facts about a cluster's Pods hold: counts, and so tests, unlike
//! the time it takes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meshmode::cluster::caches::Caches;
use meshmode::cluster::convert::object::{Nothing, Spec, Watched};
use meshmode::cluster::convert::pod::Pod;
use meshmode::cluster::revisions::Revisions;
use meshmode::cluster::table::Change;
use meshmode::cluster::watch::changes;
use meshmode::config::{DEFAULT, read};
use meshmode::placement::facts::{Field, Fields, NoCluster, Resource};
use meshmode::webhook::mutate;
use meshmode::webhook::stance::Stance;
use serde_json::{Value, json};

/// The most allocations from the bytes of a review to those of its answer.
const MOST: u64 = 60;

#[test]
fn a_review_allocates_little() {
    let configuration = read(DEFAULT).expect("the default has no mistakes");
    let rows: [(&str, &[u8]); 3] = [
        ("small", include_bytes!("data/reviews/pod-small.json")),
        ("usual", include_bytes!("data/reviews/pod-usual.json")),
        ("large", include_bytes!("data/reviews/pod-large.json")),
    ];
    for (name, body) in rows {
        let answer = || {
            let placed =
                mutate::answer(body, &configuration.placement, &NoCluster, Stance::Enforce);
            placed.expect("a recorded review").answer.to_json()
        };
        // The first one fills what is made once.
        let json = answer();
        assert!(
            json.windows(9).any(|part| part == b"\"patch\":\""),
            "{name} is patched"
        );
        let counted = allocation_counter::measure(|| drop(answer()));
        assert!(
            counted.count_total < MOST,
            "{name}: {} allocations, {} bytes at most",
            counted.count_total,
            counted.bytes_max
        );
    }
}

/// The most bytes for a revision of a workload with 12 labels, and for a Pod of it.
const REVISION: i64 = 850;
const POD: i64 = 110;

#[test]
fn pods_are_kept_small() {
    let held = |revisions: u64, pods: u64| {
        let metadata = |revision: u64, pod: u64| {
            let mut labels: serde_json::Map<_, _> = (0..10)
                .map(|n| {
                    (
                        format!("app.kubernetes.io/label-{n}"),
                        json!("a usual value"),
                    )
                })
                .collect();
            labels.insert("app".to_owned(), json!(format!("web-{revision}")));
            labels.insert("pod-template-hash".to_owned(), json!("5d4f8c7b9"));
            let json = json!({
                "name": format!("web-{revision}-5d4f8c7b9-{pod}"), "namespace": "shop",
                "uid": format!("{revision:08x}-0000-4000-8000-{pod:012x}"), "labels": labels,
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x".repeat(4000)},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": true,
                    "name": format!("web-{revision}-5d4f8c7b9"), "uid": format!("{revision:032x}")}],
            });
            serde_json::from_value::<ObjectMeta>(json).expect("metadata")
        };
        let mut kept = Revisions::default();
        let counted = allocation_counter::measure(|| {
            for revision in 0..revisions {
                for pod in 0..pods {
                    let metadata = metadata(revision, pod);
                    kept.apply(Change::Put(&metadata), Pod::of);
                }
            }
        });
        assert_eq!(kept.iter().count() as u64, revisions);
        counted.bytes_current
    };
    let few = held(2000, 1);
    let many = held(2000, 5);
    assert!(
        few < 2000 * (REVISION + POD),
        "{few} bytes for 2000 revisions"
    );
    let more = many - few;
    assert!(more < 8000 * POD, "{more} bytes for 8000 more Pods");
}

/// The most bytes for the facts of a cluster with 100,000 Pods: resident it may be twice that, with the program.
const LARGE: i64 = 32 << 20;

/// 20,000 Deployments with 5 Pods each in 5,000 namespaces, 5,000 Services and autoscalers, 2,000 policies and
/// filters, each taken in by the code of its watch.
#[test]
fn a_large_cluster_is_kept_small() {
    let mut caches = Caches {
        keep: Field::ALL.into_iter().collect::<Fields>(),
        ..Caches::default()
    };
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
    let all: i64 = held.iter().map(|(_, bytes)| bytes).sum();
    assert!(all < LARGE, "{all} bytes: {held:?}");
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
    for (key, value) in metadata.as_object().unwrap() {
        object["metadata"][key] = value.clone();
    }
    object
}

fn put<S: Spec>(
    caches: &mut Caches,
    apply: fn(&mut Caches, Change<'_, Watched<S>>),
    object: Value,
) {
    let object: Watched<S> = serde_json::from_value(object).unwrap();
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
        let mut pod: Watched<Nothing> = serde_json::from_value(first).unwrap();
        for number in 0..PODS {
            pod.metadata.uid = Some(format!("{index:08x}-0000-4000-8000-{number:012x}"));
            changes::pods(caches, Change::Put(&pod));
        }
    }
}
