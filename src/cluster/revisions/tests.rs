//! Pods that come, change and go, and lists that begin anew.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::*;

fn metadata(owner: &str, pod: &str, version: &str) -> ObjectMeta {
    let json = json!({
        "name": pod, "namespace": "shop", "uid": pod, "labels": {"version": version},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": owner, "uid": owner, "controller": true}],
    });
    serde_json::from_value(json).unwrap()
}

fn apply(revisions: &mut Revisions, changes: &[Change<'_, ObjectMeta>]) {
    for change in changes {
        revisions.apply(*change, Pod::of);
    }
}

/// Names and versions, with the number of Pods beside.
fn known(revisions: &Revisions) -> (Vec<String>, usize) {
    let mut names: Vec<_> = revisions
        .iter()
        .map(|revision| {
            let version = revision.labels.get("version").unwrap();
            format!("{} {version}", revision.workload.name)
        })
        .collect();
    names.sort();
    (names, revisions.pods())
}

#[test]
fn a_revision_is_there_as_long_as_one_of_its_pods() {
    let [one, two, other] = [
        metadata("web", "p1", "1"),
        metadata("web", "p2", "1"),
        metadata("web", "p3", "2"),
    ];
    let mut revisions = Revisions::default();
    let put = [&one, &two, &one, &other].map(Change::Put);
    apply(&mut revisions, &put);
    assert_eq!(known(&revisions), (vec!["web 1".into(), "web 2".into()], 3));
    apply(
        &mut revisions,
        &[Change::Remove(&one), Change::Remove(&one)],
    );
    assert_eq!(known(&revisions), (vec!["web 1".into(), "web 2".into()], 2));
    apply(&mut revisions, &[Change::Remove(&two)]);
    assert_eq!(known(&revisions), (vec!["web 2".into()], 1));
}

#[test]
fn a_pod_that_is_relabelled_changes_its_revision() {
    let (before, after) = (metadata("web", "p1", "1"), metadata("web", "p1", "2"));
    let mut revisions = Revisions::default();
    apply(&mut revisions, &[Change::Put(&before), Change::Put(&after)]);
    assert_eq!(known(&revisions), (vec!["web 2".into()], 1));
    apply(&mut revisions, &[Change::Remove(&before)]);
    assert_eq!(known(&revisions), (Vec::new(), 0), "it is known by its uid");
}

#[test]
fn what_was_there_stays_until_a_list_is_whole() {
    let [stays, goes, comes] = [
        metadata("web", "p1", "1"),
        metadata("old", "p2", "1"),
        metadata("new", "p3", "1"),
    ];
    let mut revisions = Revisions::default();
    apply(
        &mut revisions,
        &[
            Change::Begin,
            Change::Put(&stays),
            Change::Put(&goes),
            Change::End,
        ],
    );
    apply(
        &mut revisions,
        &[Change::Begin, Change::Put(&stays), Change::Put(&comes)],
    );
    assert_eq!(known(&revisions).0, ["new 1", "old 1", "web 1"]);
    // The list failed half way, and begins again.
    apply(
        &mut revisions,
        &[
            Change::Begin,
            Change::Put(&comes),
            Change::Put(&stays),
            Change::End,
        ],
    );
    assert_eq!(known(&revisions), (vec!["new 1".into(), "web 1".into()], 2));
}
