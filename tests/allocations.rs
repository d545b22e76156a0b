//! How often a review allocates, and how much the facts about a cluster's Pods hold: counts, and so tests, unlike
//! the time it takes.

use meshmode::cluster::convert::object::Watched;
use meshmode::cluster::convert::pod::Kept;
use meshmode::cluster::revisions::Revisions;
use meshmode::cluster::table::Change;
use meshmode::config::{DEFAULT, read};
use meshmode::placement::facts::NoCluster;
use meshmode::webhook::mutate;
use meshmode::webhook::stance::Stance;
use serde_json::json;

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
        let pod_of = |revision: u64, pod: u64| {
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
            serde_json::from_value::<Watched<Kept>>(json!({"metadata": json})).expect("metadata")
        };
        let mut kept = Revisions::default();
        let counted = allocation_counter::measure(|| {
            for revision in 0..revisions {
                for pod in 0..pods {
                    let pod = pod_of(revision, pod);
                    kept.apply(Change::Put(&pod), |pod| pod.spec.pod.clone());
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
