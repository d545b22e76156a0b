//! Whose a container of cAdvisor is.

use serde_json::{Value, json};

use super::*;
use crate::prometheus::testing::{answer, vector};

fn gathered(answers: &[(Question, &[(Value, f64)])]) -> Gathered {
    let mut gathered = Gathered::new(1, None);
    for (question, rows) in answers {
        gathered.take(*question, 0, &answer(&vector(rows))).unwrap();
    }
    gathered
}

/// What each Pod used, in cores and bytes a step, by its uid.
fn used(gathered: &Gathered) -> Vec<(String, f64, f64)> {
    let [slot] = gathered.slots.as_slice() else {
        panic!("{:?}", gathered.slots);
    };
    let pods: Vec<&crate::prometheus::pods::Pod> = gathered.pods.iter().collect();
    let mut used: Vec<(String, f64, f64)> = slot
        .pods
        .iter()
        .map(|(id, sums)| {
            let uid = String::from(&*pods[id.position()].uid);
            (uid, sums.cpu.unwrap(), sums.memory / sums.memory_steps)
        })
        .collect();
    used.sort_by(|one, other| one.0.cmp(&other.0));
    used
}

/// Two Pods of one name, each there for so many steps, and two containers that used 6 and 2 cores, 60 and 20 bytes a step.
fn two(present: [f64; 2], ids: [&str; 2]) -> Vec<(String, f64, f64)> {
    let pod = |uid: &str| json!({"namespace": "shop", "pod": "db-0", "uid": uid});
    let container = |id: &str| json!({"namespace": "shop", "pod": "db-0", "id": id});
    let [one, other] = ids.map(container);
    let values = |[a, b]: [f64; 2]| [(one.clone(), a), (other.clone(), b)];
    used(&gathered(&[
        (
            Question::Present(Kind::Ordinary),
            &[(pod("a-1"), present[0]), (pod("b-2"), present[1])],
        ),
        (Question::Cpu, &values([6.0, 2.0])),
        (Question::MemorySum, &values([600.0, 200.0])),
        (Question::MemoryCount, &values([10.0, 10.0])),
    ]))
}

#[test]
fn what_containers_used_is_their_pods() {
    let own = ["/kubepods/poda-1/x", "/kubepods/podb-2/y"];
    let is = |a: (f64, f64), b: (f64, f64)| {
        vec![("a-1".to_owned(), a.0, a.1), ("b-2".to_owned(), b.0, b.1)]
    };
    assert_eq!(
        two([10.0, 10.0], own),
        is((6.0, 60.0), (2.0, 20.0)),
        "by the uid in the cgroup"
    );
    assert_eq!(
        two([10.0, 10.0], ["x", "y"]),
        is((4.0, 40.0), (4.0, 40.0)),
        "without: in equal parts"
    );
    assert_eq!(
        two([30.0, 10.0], ["x", "y"]),
        is((6.0, 40.0), (2.0, 40.0)),
        "by the time that each was there"
    );
}

#[test]
fn a_container_that_restarted_is_one() {
    let pod = json!({"namespace": "shop", "pod": "web", "uid": "a-1"});
    let container = |id: &str| json!({"namespace": "shop", "pod": "web", "id": format!("/kubepods/poda-1/{id}")});
    let rows = |[a, b]: [f64; 2]| [(container("x"), a), (container("y"), b)];
    let used = used(&gathered(&[
        (Question::Present(Kind::Init), &[(pod, 10.0)]),
        (Question::Cpu, &rows([1.0, 3.0])),
        (Question::MemorySum, &rows([5.0 * 100.0, 6.0 * 100.0])),
        (Question::MemoryCount, &rows([5.0, 6.0])),
    ]));
    assert_eq!(used, [("a-1".to_owned(), 4.0, 100.0)]);
}

#[test]
fn pods_without_a_proxy_are_not_remembered() {
    let owned = json!({"namespace": "shop", "pod": "other", "uid": "c", "owner_kind": "Job", "owner_name": "x"});
    let gathered = gathered(&[
        (Question::Owners, &[(owned.clone(), 1.0)]),
        (Question::Alone, &[(owned, 1.0)]),
    ]);
    assert!(gathered.pods.is_empty());
}

#[test]
fn labels_of_gateways_tell_of_others_too() {
    let pod = |more: Value| {
        let mut labels = json!({"namespace": "shop", "pod": "w", "uid": "a"});
        labels
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        labels
    };
    let rows = [
        ("none", json!({}), false),
        (
            "the app alone is exported by many",
            json!({"label_app": "ztunnel"}),
            false,
        ),
        (
            "a gateway's",
            json!({"label_gateway_istio_io_managed": "istio.io-mesh-controller"}),
            true,
        ),
    ];
    for (name, more, expected) in rows {
        let gathered = gathered(&[
            (Question::Present(Kind::Ordinary), &[(pod(json!({})), 1.0)]),
            (Question::Labelled, &[(pod(more), 1.0)]),
        ]);
        assert_eq!(gathered.no_labels().is_some(), expected, "{name}");
    }
}
