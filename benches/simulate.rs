//! 10,000 Pods by two configurations: reading the objects, and deciding.

#![expect(
    clippy::expect_used,
    reason = "a benchmark ends at the first failure, and prints"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use meshmode::commands::simulate::compare::compare;
use meshmode::commands::simulate::subjects::subjects;
use meshmode::config::{Configuration, DEFAULT, read};
use meshmode::placement::facts::NoCluster;
use serde_json::{Value, json};

const PODS: usize = 10_000;

fn simulation(criterion: &mut Criterion) {
    let now = read(DEFAULT).expect("the default has no mistakes");
    let new = configuration();
    let objects: Vec<Value> = (0..PODS).map(pod).collect();
    let made = |objects: Vec<Value>| subjects(objects, "default", &now.placement).expect("Pods");
    let ready = made(objects.clone());
    let mut group = criterion.benchmark_group("simulate");
    group.sample_size(10);
    group.throughput(Throughput::Elements(PODS as u64));
    group.bench_function("read", |bencher| {
        bencher.iter_batched(|| objects.clone(), made, BatchSize::LargeInput);
    });
    group.bench_function("decide", |bencher| {
        bencher.iter(|| {
            let subjects = black_box(&ready);
            compare(subjects, &now.placement, &new.placement, &NoCluster).expect("Pods")
        });
    });
    group.finish();
}

fn configuration() -> Configuration {
    read(include_str!("../tests/data/simulate/new.yaml")).expect("a configuration")
}

fn pod(number: usize) -> Value {
    let containers: Vec<Value> = (0..2).map(container).collect();
    let tier = ["front", "data", "middle"][number % 3];
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("web-{number}"), "namespace": format!("team-{}", number % 100),
            "labels": {"app": format!("web-{number}"), "tier": tier},
            "annotations": {"example.com/owner": "shop"},
        },
        "spec": {"serviceAccountName": "web", "containers": containers, "volumes": [{"name": "tmp", "emptyDir": {}}]},
    })
}

fn container(number: usize) -> Value {
    let environment: Vec<Value> = (0..10)
        .map(|number| json!({"name": format!("SETTING_{number}"), "value": "a value of some length"}))
        .collect();
    json!({
        "name": format!("container-{number}"), "image": "example.com/web:1.2.3", "env": environment,
        "ports": [{"containerPort": 8080}], "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
    })
}

criterion_group!(benches, simulation);
criterion_main!(benches);
