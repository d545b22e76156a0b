//! The pure path, from the bytes of a recorded review to the bytes of its answer, beside the same work
//! through kube's typed `AdmissionReview<Pod>`.
//!
//! kube's side is given an advantage: its labels are fixed, it evaluates no rules and records no reason.

#![expect(
    clippy::expect_used,
    reason = "a benchmark ends at the first failure, and prints"
)]

#[path = "../tests/support/large_cluster.rs"]
mod large_cluster;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation};
use k8s_openapi::api::core::v1::Pod;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use meshmode::cluster::Cluster;
use meshmode::cluster::caches::Caches;
use meshmode::cluster::watch::changes;
use meshmode::config::{Configuration, DEFAULT, read};
use meshmode::placement::facts::{Field, Fields, NoCluster, Source};
use meshmode::webhook::mutate;
use meshmode::webhook::stance::Stance;
use serde_json::json;

use self::large_cluster::{deployments, namespaces, pods, policies, put, services};

const REVIEWS: [(&str, &[u8]); 3] = [
    (
        "small",
        include_bytes!("../tests/data/reviews/pod-small.json"),
    ),
    (
        "usual",
        include_bytes!("../tests/data/reviews/pod-usual.json"),
    ),
    (
        "large",
        include_bytes!("../tests/data/reviews/pod-large.json"),
    ),
];

const LABELS: [(&str, &str); 2] = [
    ("istio.io/dataplane-mode", "ambient"),
    ("sidecar.istio.io/inject", "false"),
];
const ANNOTATIONS: [(&str, &str); 3] = [
    ("meshmode.io/placement", "ambient"),
    ("meshmode.io/rule", "default"),
    (
        "meshmode.io/reason",
        "cheapest mode that gives mTLS and L4 policy",
    ),
];

fn reviews(criterion: &mut Criterion) {
    let configuration = read(DEFAULT).expect("the default has no mistakes");
    let mut group = criterion.benchmark_group("review");
    for (name, body) in REVIEWS {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_with_input(BenchmarkId::new("meshmode", name), body, |bencher, body| {
            bencher.iter(|| meshmode_way(black_box(body), &configuration, &NoCluster));
        });
        group.bench_with_input(BenchmarkId::new("kube", name), body, |bencher, body| {
            bencher.iter(|| kube_way(black_box(body)));
        });
    }
    group.finish();
}

/// The usual review with the same rules, without facts and with those of a large cluster.
fn facts(criterion: &mut Criterion) {
    let configuration = read(DEFAULT).expect("the default has no mistakes");
    let large = large();
    let sources: [(&str, &dyn Source); 2] = [("without", &NoCluster), ("full", &large)];
    let mut group = criterion.benchmark_group("facts");
    for (name, source) in sources {
        group.bench_function(name, |bencher| {
            bencher.iter(|| meshmode_way(black_box(REVIEWS[1].1), &configuration, source));
        });
    }
    group.finish();
}

/// A large cluster, of which all is known, and with it the Pod's namespace and Deployment. No rule holds, so that each
/// is asked.
fn large() -> Cluster {
    let mut caches = Caches {
        keep: Field::ALL.into_iter().collect::<Fields>(),
        ..Caches::default()
    };
    for feed in [namespaces, deployments, services, policies, pods] {
        feed(&mut caches);
    }
    let name = json!({"metadata": {"name": "shop", "labels": {"kubernetes.io/metadata.name": "shop"}, "annotations": {"owner": "shop@example.com"}}});
    put(&mut caches, changes::namespaces, name);
    let metadata = json!({"namespace": "shop", "name": "checkout", "labels": {"app": "checkout"}});
    let deployment = json!({"metadata": metadata, "spec": {"replicas": 3}});
    put(&mut caches, changes::deployments, deployment);
    Cluster::of(caches)
}

fn meshmode_way(body: &[u8], configuration: &Configuration, cluster: &dyn Source) -> Vec<u8> {
    let placed = mutate::answer(body, &configuration.placement, cluster, Stance::Enforce);
    placed.expect("a recorded review").answer.to_json()
}

fn kube_way(body: &[u8]) -> Vec<u8> {
    let review: AdmissionReview<Pod> = serde_json::from_slice(body).expect("a recorded review");
    let request: AdmissionRequest<Pod> = review.try_into().expect("a request");
    let pod = request.object.as_ref().expect("a Pod");
    let mut operations = Vec::new();
    add(
        "labels",
        pod.metadata.labels.is_some(),
        &LABELS,
        &mut operations,
    );
    add(
        "annotations",
        pod.metadata.annotations.is_some(),
        &ANNOTATIONS,
        &mut operations,
    );
    let response = AdmissionResponse::from(&request);
    let response = response.with_patch(Patch(operations)).expect("a patch");
    serde_json::to_vec(&response.into_review()).expect("a response")
}

fn add(map: &str, present: bool, entries: &[(&str, &str)], operations: &mut Vec<PatchOperation>) {
    if present {
        operations.extend(entries.iter().map(|(key, value)| {
            let path = PointerBuf::from_tokens(["metadata", map, key]);
            PatchOperation::Add(AddOperation {
                path,
                value: (*value).into(),
            })
        }));
    } else {
        let value = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).into()))
            .collect();
        let path = PointerBuf::from_tokens(["metadata", map]);
        operations.push(PatchOperation::Add(AddOperation {
            path,
            value: serde_json::Value::Object(value),
        }));
    }
}

criterion_group!(benches, reviews, facts);
criterion_main!(benches);
