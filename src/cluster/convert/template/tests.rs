//! Objects as people write them, and the Pods that they make.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::cluster::convert::Opened;
use crate::placement::facts::source::{
    Believed, Connection, Missing, Namespace, Requirement, Siblings, Source, Waypoint,
};
use crate::placement::facts::{NoCluster, Resource, StringMap};
use crate::placement::outcome::Istio;
use crate::placement::selector;
use crate::placement::workload::RevisionRef;

/// An object of a kind with its template at `pointer`.
fn object(version: &str, kind: &str, pointer: &str, template: &Value) -> Value {
    let mut spec = template.clone();
    for key in pointer.split('/').skip(1).collect::<Vec<_>>().iter().rev() {
        spec = json!({*key: spec});
    }
    let mut object = json!({
        "apiVersion": version, "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "labels": {"team": "x"}},
    });
    object["spec"] = spec["spec"].take();
    object
}

fn pod_template() -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}, "name": "ignored"},
        "spec": {"containers": [{"name": "app"}]},
    })
}

fn deployment() -> Value {
    object("apps/v1", "Deployment", TEMPLATE, &pod_template())
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[key] = value;
    object
}

fn made(object: &Value) -> Template {
    template(object).unwrap().expect("a kind with a template")
}

#[test]
fn each_kind_makes_its_pod() {
    let cron = "/spec/jobTemplate/spec/template";
    for (version, kind, pointer, replicas) in [
        ("apps/v1", "Deployment", TEMPLATE, Some(1)),
        ("apps/v1", "StatefulSet", TEMPLATE, Some(1)),
        ("apps/v1", "ReplicaSet", TEMPLATE, Some(1)),
        ("apps/v1", "DaemonSet", TEMPLATE, None),
        ("batch/v1", "Job", TEMPLATE, None),
        ("batch/v1", "CronJob", cron, None),
        ("v1", "ReplicationController", TEMPLATE, Some(1)),
        ("argoproj.io/v1alpha1", "Rollout", TEMPLATE, Some(1)),
    ] {
        let made = made(&object(version, kind, pointer, &pod_template()));
        let expected = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"generateName": "web-", "namespace": "shop",
                "labels": {"app": "web"}, "annotations": {"a": "b"}},
            "spec": {"containers": [{"name": "app"}]},
        });
        let pod: Value = serde_json::from_str(&made.pod).unwrap();
        assert_eq!(pod, expected, "{kind}");
        let workload = (&*made.workload.kind, &*made.workload.namespace);
        assert_eq!(workload, (kind, "shop"), "{kind}");
        assert_eq!(made.workload.name, "web", "{kind}");
        assert_eq!(made.facts.replicas, replicas, "{kind}");
        assert_eq!(made.facts.max_replicas, replicas, "{kind}");
        assert_eq!(made.facts.labels.get("team"), Some("x"), "{kind}");
        let opened: Opened<'_> = serde_json::from_str(&made.pod).unwrap();
        let pod = opened.into_pod().unwrap();
        assert_eq!(pod.labels().get("app"), Some("web"), "{kind}");
        assert!(pod.has_container("app") && pod.name() == "web-", "{kind}");
    }
}

#[test]
fn other_kinds_make_none() {
    for (version, kind) in [
        ("v1", "Service"),
        ("apps/v1", "ControllerRevision"),
        ("batch.volcano.sh/v1alpha1", "Job"),
        ("apps.kruise.io/v1alpha1", "StatefulSet"),
        ("v1", "Deployment"),
        ("example.org/v1", "Pod"),
    ] {
        let object = object(version, kind, TEMPLATE, &pod_template());
        assert_eq!(template(&object), Ok(None), "{version} {kind}");
    }
    let rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
        "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    });
    assert_eq!(template(&rollout), Ok(None), "the template is elsewhere");
}

#[test]
fn a_pod_is_its_own_template() {
    let alone = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "once-", "labels": {"app": "a"}}, "spec": {},
    });
    let made_of = made(&alone);
    assert_eq!(made_of.pod, alone.to_string());
    let workload = (&*made_of.workload.kind, &*made_of.workload.name);
    assert_eq!(workload, ("Pod", "once-"));
    assert_eq!(made_of.workload.namespace, "");
    let owned = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "web-5d8f9-x", "labels": {"pod-template-hash": "5d8f9"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d8f9", "uid": "u", "controller": true}],
        },
        "spec": {},
    });
    let workload = made(&owned).workload;
    assert_eq!((&*workload.kind, &*workload.name), ("Deployment", "web"));
}

#[test]
fn what_another_controls_is_of_that_workload() {
    let owner = json!([{"kind": "CronJob", "name": "load", "uid": "u", "controller": true}]);
    let job = object("batch/v1", "Job", TEMPLATE, &pod_template());
    let workload = made(&with(job, "/metadata/ownerReferences", owner)).workload;
    assert_eq!((&*workload.kind, &*workload.name), ("CronJob", "load"));
}

#[test]
fn what_is_left_out_or_null_is_not_there() {
    for (name, change) in [
        ("null", ("/spec/template/metadata/labels", Value::Null)),
        ("no metadata", ("/spec/template/metadata", Value::Null)),
    ] {
        let made = made(&with(deployment(), change.0, change.1));
        let opened: Opened<'_> = serde_json::from_str(&made.pod).unwrap();
        let pod = opened.into_pod().unwrap();
        assert!(matches!(pod.labels(), StringMap::Missing), "{name}");
    }
    let nowhere = with(deployment(), "/metadata/namespace", Value::Null);
    let nowhere = made(&nowhere);
    assert_eq!(nowhere.workload.namespace, "");
    assert!(!nowhere.pod.contains("namespace"), "{}", nowhere.pod);
    let counted = made(&with(deployment(), "/spec/replicas", json!(12))).facts;
    assert_eq!(
        (counted.replicas, counted.max_replicas),
        (Some(12), Some(12))
    );
}

#[test]
fn what_kubectl_keeps_for_itself_is_no_fact() {
    let annotations = json!({LAST_APPLIED: "{}", "owner": "team-x"});
    let facts = made(&with(deployment(), "/metadata/annotations", annotations)).facts;
    let kept: Vec<_> = facts.annotations.iter().collect();
    assert_eq!(kept, [("owner", "team-x")]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_field_that_is_something_else_is_named() {
    let rows = [
        (json!(1), "apiVersion must be a text, and is not there"),
        (
            json!({"apiVersion": "apps/v1", "kind": 1}),
            "kind must be a text, and is a number",
        ),
        (
            json!({"apiVersion": "apps/v1", "kind": "Deployment"}),
            "metadata must be an object, and is not there",
        ),
        (
            with(deployment(), "/spec", Value::Null),
            "spec.template must be an object, and is not there",
        ),
        (
            with(deployment(), "/spec/template", json!([])),
            "spec.template must be an object, and is a list",
        ),
        (
            with(deployment(), "/spec/template/spec", Value::Null),
            "spec.template.spec must be an object, and is null",
        ),
        (
            with(deployment(), "/spec/template/metadata/labels", json!("a")),
            "spec.template.metadata.labels must be an object, and is a text",
        ),
        (
            with(deployment(), "/spec/replicas", json!(-1)),
            "spec.replicas must be a whole number of at least 0, and is another number, or one with a fraction",
        ),
        (
            with(deployment(), "/metadata/labels", json!({"a": 1})),
            "metadata.labels['a'] must be a text (put it in quotes), and is a number",
        ),
        (
            with(
                deployment(),
                "/metadata/annotations",
                json!({"a": "b", "c/d": true}),
            ),
            "metadata.annotations['c/d'] must be a text (put it in quotes), and is a boolean",
        ),
        (
            with(
                deployment(),
                "/spec/template/metadata/labels",
                json!({"a": 1}),
            ),
            "spec.template.metadata.labels['a'] must be a text (put it in quotes), and is a number",
        ),
        (
            with(
                deployment(),
                "/spec/template/metadata/annotations",
                json!({"a": null}),
            ),
            "spec.template.metadata.annotations['a'] must be a text (put it in quotes), and is null",
        ),
        (
            with(deployment(), "/metadata/labels", json!(["a"])),
            "metadata.labels must be an object, and is a list",
        ),
        (
            object("batch/v1", "CronJob", TEMPLATE, &pod_template()),
            "spec.jobTemplate.spec.template must be an object, and is not there",
        ),
    ];
    for (object, expected) in rows {
        let error = template(&object).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn the_object_tells_about_its_workload_and_the_cluster_about_the_rest() {
    let template = made(&deployment());
    let source = WithWorkload {
        template: &template,
        cluster: &NoCluster,
    };
    let known = source.workload(&template.workload).unwrap();
    assert_eq!(*known, template.facts);
    let mut other = template.workload.clone();
    other.name = Cow::Borrowed("other");
    assert_eq!(source.workload(&other), Err(Missing::NoCluster));
    assert_eq!(source.namespace("shop"), Err(Missing::NoCluster));
    assert_eq!(source.connection(), Connection::None);
}

/// A cluster that has scaled one workload.
#[derive(Debug)]
struct Scaled {
    replicas: i64,
    max: i64,
}

impl Source for Scaled {
    fn connection(&self) -> Connection {
        Connection::Cluster
    }

    fn namespace(&self, _: &str) -> Result<Arc<Namespace>, Missing> {
        Ok(Arc::default())
    }

    fn workload(&self, _: &WorkloadRef<'_>) -> Result<Arc<source::Workload>, Missing> {
        Ok(Arc::new(source::Workload {
            replicas: Some(self.replicas),
            max_replicas: Some(self.max),
            ..source::Workload::default()
        }))
    }

    fn requires(&self, _: &str, _: &dyn selector::Labels) -> Result<Vec<Requirement>, Missing> {
        Ok(Vec::new())
    }

    fn waypoint(&self, _: &str, _: &dyn selector::Labels) -> Result<Option<Waypoint>, Missing> {
        Ok(None)
    }

    fn siblings(&self, _: &RevisionRef<'_>, _: Believed<'_>) -> Result<Option<Siblings>, Missing> {
        Ok(Some(Siblings::Unplaced))
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        Err(Missing::NotReadYet(Resource::Injectors))
    }
}

#[test]
fn an_autoscaler_of_the_cluster_says_how_many_there_may_be() {
    let template = made(&with(deployment(), "/spec/replicas", json!(3)));
    for (name, cluster, expected) in [
        (
            "scaled",
            Scaled {
                replicas: 2,
                max: 20,
            },
            20,
        ),
        (
            "no autoscaler: the object is newer",
            Scaled {
                replicas: 2,
                max: 2,
            },
            3,
        ),
    ] {
        let source = WithWorkload {
            template: &template,
            cluster: &cluster,
        };
        let known = source.workload(&template.workload).unwrap();
        let seen = (known.replicas, known.max_replicas);
        assert_eq!(seen, (Some(3), Some(expected)), "{name}");
    }
}
