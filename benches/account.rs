//! The account of 20,000 Pods on 1,000 nodes over 30 days by the hour: the sums, and the packing of nodes.

#![expect(
    clippy::expect_used,
    reason = "a benchmark ends at the first failure, and prints"
)]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use meshmode::savings::assumptions::{Assumptions, SIDECAR_REQUEST};
use meshmode::savings::candidates::Candidates;
use meshmode::savings::measured::{
    Ambient, Lease, Node, Placed, Proxies, Slot, Window, WorkloadName,
};
use meshmode::savings::resources::{Amount, Basis};
use meshmode::savings::{Measured, Resources, Role, account};

const PODS: usize = 20_000;
const NODES: usize = 1000;
const WORKLOADS: usize = 2000;
const SLOTS: usize = 30 * 24;

fn accounts(criterion: &mut Criterion) {
    let measured = measured();
    let candidates = Candidates::AllBut(Vec::new());
    let assumptions = Assumptions::new("0.0.0", measured.window.end, candidates);
    let mut group = criterion.benchmark_group("account");
    group.sample_size(10);
    group.throughput(Throughput::Elements(PODS as u64));
    group.bench_function("account", |bencher| {
        bencher.iter(|| account(black_box(&measured), &assumptions).expect("figures that can be"));
    });
    group.finish();
}

fn measured() -> Measured {
    let start = Timestamp::UNIX_EPOCH;
    Measured {
        bases: &Basis::ALL,
        window: Window {
            start,
            end: start + SignedDuration::from_hours(SLOTS as i64),
            step: 60.0,
            coverage: vec![1.0; SLOTS],
        },
        proxies: (0..WORKLOADS).map(proxies).collect(),
        nodes: (0..NODES).map(node).collect(),
        node_counts: Vec::new(),
        pods: (0..PODS).map(pod).collect(),
        ambient: Ambient::Unknown("nobody counted".to_owned()),
        latency: Vec::new(),
        evidence: BTreeMap::new(),
        warnings: Vec::new(),
    }
}

fn workload(number: usize) -> WorkloadName {
    WorkloadName {
        namespace: format!("team-{}", number % 100),
        kind: "Deployment".to_owned(),
        name: format!("web-{number}"),
    }
}

fn proxies(number: usize) -> Proxies {
    let each = Amount::of(SIDECAR_REQUEST, SIDECAR_REQUEST * 0.5);
    let slot = |slot: usize| {
        let count = (5 + (number + slot) % 10) as f64;
        Slot {
            amount: each * count,
            count,
        }
    };
    Proxies {
        workload: workload(number),
        role: Role::Sidecar,
        slots: (0..SLOTS).map(slot).collect(),
    }
}

fn node(number: usize) -> Node {
    Node {
        name: format!("node-{number}"),
        instance_type: Some(format!("type-{}", number % 5)),
        region: None,
        lease: Lease::OnDemand,
        allocatable: Resources {
            vcpu: 4.0,
            gib: 16.0,
        },
    }
}

fn pod(number: usize) -> Placed {
    let own = Resources {
        vcpu: 0.05 + 0.01 * (number * 7 % 20) as f64,
        gib: 0.1 + 0.1 * (number * 13 % 9) as f64,
    };
    Placed {
        workload: workload(number % WORKLOADS),
        node: number % NODES,
        requests: own + SIDECAR_REQUEST,
        proxy: Some((Role::Sidecar, SIDECAR_REQUEST)),
    }
}

criterion_group!(benches, accounts);
criterion_main!(benches);
