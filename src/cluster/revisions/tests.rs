//! Pods that come, change and go, and lists that begin anew.

use serde_json::json;

use super::*;
use crate::cluster::convert::object::Watched;
use crate::cluster::convert::pod::Kept;
use crate::placement::Mode;
use crate::placement::workload::RevisionRef;

fn metadata(owner: &str, pod: &str, version: &str) -> Watched<Kept> {
    let json = json!({
        "name": pod, "namespace": "shop", "uid": pod, "labels": {"version": version},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": owner, "uid": owner, "controller": true}],
    });
    serde_json::from_value(json!({"metadata": json})).unwrap()
}

fn apply(revisions: &mut Revisions, changes: &[Change<'_, Watched<Kept>>]) {
    for change in changes {
        revisions.apply(*change, |pod| pod.spec.pod.clone());
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

/// A Pod of a revision of `web`, placed by `mode` unless that is empty.
fn placed(pod: usize, hash: &str, mode: &str) -> Watched<Kept> {
    let annotations = if mode.is_empty() {
        json!({})
    } else {
        json!({"meshmode.io/placement": mode, "meshmode.io/rule": "r", "meshmode.io/reason": "why"})
    };
    let owner = format!("web-{hash}");
    let json = json!({
        "name": format!("web-{pod}"), "namespace": "shop", "uid": format!("pod-{pod}"),
        "labels": {"app": "web", "pod-template-hash": hash}, "annotations": annotations,
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "controller": true}],
    });
    serde_json::from_value(json!({"metadata": json})).unwrap()
}

fn template(hash: &str) -> TemplateKey {
    TemplateKey::of(&RevisionRef {
        owner: format!("web-{hash}").into(),
        hash: hash.into(),
    })
}

fn said(siblings: Option<Siblings>) -> String {
    match siblings {
        None => "no Pods".to_owned(),
        Some(Siblings::Unplaced) => "unplaced".to_owned(),
        Some(Siblings::Placed(decided)) => {
            assert_eq!((&*decided.rule, &*decided.reason), ("r", "why"));
            decided.mode.to_string()
        }
    }
}

#[test]
fn what_the_pods_of_a_revision_have() {
    #[rustfmt::skip]
    let rows = [
        ("none", &[][..], "no Pods"),
        ("of another revision", &[("b", "ambient")], "no Pods"),
        ("one", &[("a", "ambient")], "ambient"),
        ("unplaced ones", &[("a", ""), ("a", "")], "unplaced"),
        ("one of many", &[("a", ""), ("a", ""), ("a", "sidecar")], "sidecar"),
        ("most", &[("a", "ambient"), ("a", "sidecar"), ("a", "sidecar")], "sidecar"),
        ("as many: by name", &[("a", "sidecar"), ("a", "ambient")], "ambient"),
    ];
    for (what, pods, expected) in rows {
        let mut revisions = Revisions::default();
        for (index, (hash, mode)) in pods.iter().enumerate() {
            apply(&mut revisions, &[Change::Put(&placed(index, hash, mode))]);
        }
        assert_eq!(
            said(revisions.siblings(template("a"), &|_, _| true)),
            expected,
            "{what}"
        );
    }
}

/// A record that somebody wrote into the template while meshmode was away.
#[test]
fn a_record_that_is_not_believed_is_none() {
    let mut revisions = Revisions::default();
    for pod in 0..2 {
        apply(&mut revisions, &[Change::Put(&placed(pod, "a", "sidecar"))]);
    }
    #[rustfmt::skip]
    let rows: [(&str, Believed<'_>, &str); 3] = [
        ("all", &|_, _| true, "sidecar"),
        ("none", &|_, _| false, "unplaced"),
        ("by its labels", &|mode, labels| mode == Mode::Sidecar && labels.get("app") == Some("web"), "sidecar"),
    ];
    for (what, believed, expected) in rows {
        assert_eq!(
            said(revisions.siblings(template("a"), believed)),
            expected,
            "{what}"
        );
    }
}

#[test]
fn what_a_workload_runs_with() {
    let mut revisions = Revisions::default();
    for (index, (hash, mode)) in [("a", "sidecar"), ("b", "ambient"), ("b", "ambient")]
        .into_iter()
        .enumerate()
    {
        apply(&mut revisions, &[Change::Put(&placed(index, hash, mode))]);
    }
    let running = |kind: &'static str, namespace: &'static str, name: &'static str| {
        let [kind, namespace, name] = [kind, namespace, name].map(Into::into);
        said(revisions.running(&WorkloadRef {
            kind,
            namespace,
            name,
        }))
    };
    assert_eq!(running("Deployment", "shop", "web"), "ambient");
    assert_eq!(running("StatefulSet", "shop", "web"), "no Pods");
    assert_eq!(running("Deployment", "other", "web"), "no Pods");
    assert_eq!(running("Deployment", "shop", "we"), "no Pods");
}

mod properties {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Put(usize, &'static str, &'static str),
        Remove(usize),
        List(Vec<(usize, &'static str, &'static str)>),
    }

    const POD: std::ops::Range<usize> = 0..8;

    fn put() -> impl Strategy<Value = (usize, &'static str, &'static str)> {
        let hashes = prop::sample::select(vec!["a", "b"]);
        let modes = prop::sample::select(vec!["", "ambient", "sidecar"]);
        (POD, hashes, modes)
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => put().prop_map(|(pod, hash, mode)| Step::Put(pod, hash, mode)),
            2 => POD.prop_map(Step::Remove),
            1 => prop::collection::vec(put(), 0..8).prop_map(Step::List),
        ]
    }

    /// What is known of Pods by their number, without any index.
    type Model = BTreeMap<usize, (&'static str, &'static str)>;

    fn of_model(model: &Model, hash: &str) -> String {
        let pods: Vec<_> = model.values().filter(|(of, _)| *of == hash).collect();
        let with = |mode: &str| pods.iter().filter(|(_, of)| *of == mode).count();
        let expected = match (with("ambient"), with("sidecar")) {
            _ if pods.is_empty() => "no Pods",
            (0, 0) => "unplaced",
            (ambient, sidecar) if ambient >= sidecar => "ambient",
            (_, _) => "sidecar",
        };
        expected.to_owned()
    }

    proptest! {
        /// Whatever comes, goes and is listed anew, the indexes say what the Pods say; and nothing stays behind.
        #[test]
        fn indexes_follow_the_pods(steps in prop::collection::vec(step(), 0..40)) {
            let mut revisions = Revisions::default();
            let mut model = Model::new();
            for step in steps {
                match step {
                    Step::Put(pod, hash, mode) => {
                        apply(&mut revisions, &[Change::Put(&placed(pod, hash, mode))]);
                        model.insert(pod, (hash, mode));
                    }
                    Step::Remove(pod) => {
                        apply(&mut revisions, &[Change::Remove(&placed(pod, "a", ""))]);
                        model.remove(&pod);
                    }
                    Step::List(pods) => {
                        apply(&mut revisions, &[Change::Begin]);
                        model.clear();
                        for (pod, hash, mode) in pods {
                            apply(&mut revisions, &[Change::Put(&placed(pod, hash, mode))]);
                            model.insert(pod, (hash, mode));
                        }
                        apply(&mut revisions, &[Change::End]);
                    }
                }
                for hash in ["a", "b"] {
                    prop_assert_eq!(said(revisions.siblings(template(hash), &|_, _| true)), of_model(&model, hash));
                }
                let unplaced = model.values().filter(|(_, mode)| mode.is_empty()).count();
                let all = model.len();
                let expected = (all > 0).then_some(("shop", Pods { all, injected: 0, unplaced }));
                prop_assert_eq!(revisions.namespaces().next(), expected);
                prop_assert_eq!(revisions.pods(), all);
            }
            for pod in POD {
                apply(&mut revisions, &[Change::Remove(&placed(pod, "a", ""))]);
            }
            prop_assert!(revisions.keys.is_empty() && revisions.templates.is_empty());
            prop_assert!(revisions.placements.is_empty() && revisions.namespaces.is_empty());
            prop_assert_eq!(revisions.iter().count(), 0);
        }
    }
}
