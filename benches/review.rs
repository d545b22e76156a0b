//! The pure path, from the bytes of a recorded review to the bytes of its answer, beside the same work
//! through kube's typed `AdmissionReview<Pod>`.
//!
//! kube's side is given an advantage: its labels are fixed, it evaluates no rules and records no reason.

#![expect(
    clippy::expect_used,
    reason = "a benchmark ends at the first failure, and prints"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation};
use k8s_openapi::api::core::v1::Pod;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use meshmode::config::{Configuration, DEFAULT, read};
use meshmode::placement::facts::source::{
    Connection, Namespace, Requirement, Siblings, Waypoint, Workload,
};
use meshmode::placement::facts::{Missing, NoCluster, Source};
use meshmode::placement::labels::Labels;
use meshmode::placement::outcome::Istio;
use meshmode::placement::selector;
use meshmode::placement::workload::{RevisionRef, WorkloadRef};
use meshmode::webhook::mutate;
use meshmode::webhook::stance::Stance;

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

/// The usual review with the same rules, without facts and with all of them.
fn facts(criterion: &mut Criterion) {
    let configuration = read(DEFAULT).expect("the default has no mistakes");
    let known = Known::new();
    let sources: [(&str, &dyn Source); 2] = [("without", &NoCluster), ("full", &known)];
    let mut group = criterion.benchmark_group("facts");
    for (name, source) in sources {
        group.bench_function(name, |bencher| {
            bencher.iter(|| meshmode_way(black_box(REVIEWS[1].1), &configuration, source));
        });
    }
    group.finish();
}

/// A cluster that knows all, of which no rule holds, so that each is asked.
#[derive(Debug)]
struct Known {
    namespace: Arc<Namespace>,
    workload: Arc<Workload>,
}

impl Known {
    fn new() -> Self {
        let labels: BTreeMap<String, String> = (0..8)
            .map(|n| (format!("example.com/label-{n}"), "value".to_owned()))
            .collect();
        let labels = Labels::all(Some(&labels));
        Self {
            namespace: Arc::new(Namespace {
                labels: labels.clone(),
                annotations: labels.clone(),
            }),
            workload: Arc::new(Workload {
                replicas: Some(3),
                max_replicas: Some(3),
                labels: labels.clone(),
                annotations: labels,
            }),
        }
    }
}

impl Source for Known {
    fn connection(&self) -> Connection {
        Connection::Cluster
    }

    fn namespace(&self, _: &str) -> Result<Arc<Namespace>, Missing> {
        Ok(Arc::clone(&self.namespace))
    }

    fn workload(&self, _: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        Ok(Arc::clone(&self.workload))
    }

    fn requires(&self, _: &str, _: &dyn selector::Labels) -> Result<Vec<Requirement>, Missing> {
        Ok(Vec::new())
    }

    fn waypoint(&self, _: &str, _: &dyn selector::Labels) -> Result<Option<Waypoint>, Missing> {
        Ok(None)
    }

    fn siblings(&self, _: &RevisionRef<'_>) -> Option<Siblings> {
        None
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        Ok(Arc::default())
    }
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
