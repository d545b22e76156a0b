//! Which Pod a series is of.

use serde_json::{Value, json};

use super::*;
use crate::prometheus::testing;

/// Gives the labels of a series to a function.
fn with<T>(labels: Value, f: impl FnOnce(&Labels<'_>) -> T) -> T {
    let answer = testing::answer(&testing::vector(&[(labels, 1.0)]));
    let (mut f, mut result) = (Some(f), None);
    answer
        .samples(|labels, _, _| result = f.take().map(|f| f(labels)))
        .unwrap();
    result.unwrap()
}

#[test]
fn uids_in_cgroups() {
    let uid = "2f1c0d3e-0000-4000-8000-00000000000a";
    let rows = [
        (
            "cgroupfs",
            format!("/kubepods/burstable/pod{uid}/0123456789ab"),
            Some(uid),
        ),
        (
            "guaranteed",
            format!("/kubepods/pod{uid}/0123456789ab"),
            Some(uid),
        ),
        (
            "systemd",
            format!(
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/cri-containerd-0123.scope",
                uid.replace('-', "_")
            ),
            Some(uid),
        ),
        (
            "systemd, guaranteed",
            format!(
                "/kubepods.slice/kubepods-pod{}.slice/crio-0123.scope",
                uid.replace('-', "_")
            ),
            Some(uid),
        ),
        (
            "inside of a kind node",
            format!(
                "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod{}.slice/x.scope",
                uid.replace('-', "_")
            ),
            Some(uid),
        ),
        ("another", "/system.slice/kubelet.service".to_owned(), None),
        ("none", String::new(), None),
    ];
    for (name, id, expected) in rows {
        let found = with(json!({"id": id}), uid_of);
        assert_eq!(found.as_deref(), expected, "{name}");
    }
    assert_eq!(
        with(json!({"uid": "u", "id": "/kubepods/podx/y"}), uid_of).as_deref(),
        Some("u")
    );
}

#[test]
fn pods_of_one_name_are_two() {
    let mut pods = Pods::new(None);
    let of = |pods: &mut Pods, uid: &str| {
        with(
            json!({"namespace": "shop", "pod": "db-0", "uid": uid}),
            |labels| pods.of(labels).unwrap(),
        )
    };
    let (one, other) = (of(&mut pods, "a-1"), of(&mut pods, "b-2"));
    assert_ne!(one, other);
    assert_eq!(of(&mut pods, "a-1"), one);
    let container = |id: &str| json!({"namespace": "shop", "pod": "db-0", "id": id});
    let by_uid = with(container("/kubepods/podb-2/x"), |labels| {
        pods.of_container(labels)
    });
    assert_eq!(by_uid, [other]);
    let unknown = with(container("/kubepods/podc-3/x"), |labels| {
        pods.of_container(labels)
    });
    assert_eq!(unknown, [one, other]);
    let alone = with(
        json!({"namespace": "shop", "pod": "new", "id": ""}),
        |labels| pods.of_container(labels),
    );
    assert_eq!(alone.len(), 1);
    assert!(with(json!({"id": "/"}), |labels| pods.of_container(labels)).is_empty());
}

#[test]
fn clusters_that_are_counted_together_are_told_apart() {
    let mut pods = Pods::new(Some("dc"));
    let of = |pods: &mut Pods, dc: &str| {
        let labels = json!({"namespace": "shop", "pod": "web", "dc": dc});
        with(labels, |labels| pods.of(labels).unwrap())
    };
    assert_ne!(of(&mut pods, "eu"), of(&mut pods, "us"));
}
