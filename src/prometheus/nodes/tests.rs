//! Nodes and Pods on them.

use serde_json::{Value, json};

use super::*;
use crate::prometheus::fold::ReplicaSets;
use crate::prometheus::testing;
use crate::savings::measured::Slot;

fn answer(rows: &[(Value, f64)]) -> Answer {
    testing::answer(&testing::vector(rows))
}

#[test]
fn regions_in_providers_ids() {
    let rows = [
        ("aws:///eu-west-1a/i-0abc", Some("eu-west-1")),
        ("gce://project/us-central1-a/node", Some("us-central1")),
        ("azure:///subscriptions/x/y", None),
        ("kind://docker/kind/worker", None),
        ("", None),
    ];
    for (id, expected) in rows {
        assert_eq!(region_of(id), expected, "{id}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the answers about one cluster")]
fn nodes_and_pods_on_them() {
    let both = |of: Value, cpu: f64, memory: f64| {
        ["cpu", "memory"].map(|resource| {
            let mut labels = of.clone();
            labels["resource"] = json!(resource);
            (labels, if resource == "cpu" { cpu } else { memory * GIB })
        })
    };
    let of_nodes = NodeAnswers {
        allocatable: answer(
            &[
                both(json!({"node": "b"}), 4.0, 16.0),
                both(json!({"node": "a"}), 2.0, 8.0),
            ]
            .concat(),
        ),
        labels: answer(&[(
            json!({"node": "a", "label_beta_kubernetes_io_instance_type": "m5.large", "label_karpenter_sh_capacity_type": "spot"}),
            1.0,
        )]),
        info: answer(&[(
            json!({"node": "b", "provider_id": "gce://p/us-central1-a/b"}),
            1.0,
        )]),
    };
    let found = nodes(&of_nodes, None).unwrap();
    let [a, b] = found.all.as_slice() else {
        panic!("{:?}", found.all);
    };
    assert_eq!(
        (a.name.as_str(), a.instance_type.as_deref(), a.lease),
        ("a", Some("m5.large"), Lease::Spot)
    );
    assert_eq!(
        (b.region.as_deref(), b.lease, b.allocatable.gib),
        (Some("us-central1"), Lease::OnDemand, 16.0)
    );

    let pod = |name: &str, node: &str| json!({"namespace": "shop", "pod": name, "uid": name, "node": node});
    let owner = |name: &str, kind: &str, of: &str| {
        (
            json!({"namespace": "shop", "pod": name, "uid": name, "owner_kind": kind, "owner_name": of}),
            1.0,
        )
    };
    let of_pods = PodAnswers {
        placed: answer(
            &[
                both(pod("web-1", "b"), 0.6, 1.0),
                both(pod("job", "b"), 1.0, 2.0),
                both(pod("lost", "gone"), 1.0, 1.0),
            ]
            .concat(),
        ),
        proxies: answer(&both(pod("web-1", ""), 0.1, 0.125)),
        owners: answer(&[owner("web-1", "ReplicaSet", "web-5d4f8c7b9d")]),
    };
    let proxies = [Proxies {
        workload: WorkloadName {
            namespace: "shop".to_owned(),
            kind: "Deployment".to_owned(),
            name: "web".to_owned(),
        },
        role: Role::NativeSidecar,
        slots: vec![Slot::default()],
    }];
    let owners = Owners {
        known: None,
        replica_sets: &ReplicaSets::new(),
    };
    let pods = placed(&of_pods, &found, &proxies, owners, None).unwrap();
    let shown: Vec<_> = pods
        .iter()
        .map(|pod| {
            (
                pod.workload.kind.as_str(),
                pod.node,
                pod.requests.vcpu,
                pod.proxy.map(|(role, of)| (role, of.gib)),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("Pod", 1, 1.0, None),
            ("Deployment", 1, 0.6, Some((Role::NativeSidecar, 0.125))),
        ]
    );
}
