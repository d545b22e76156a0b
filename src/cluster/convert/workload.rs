//! Deployments, StatefulSets, and the HorizontalPodAutoscalers that scale them.

use serde::Deserialize;

use super::object::{Spec, Watched};
use crate::placement::facts::source::Workload;
use crate::placement::facts::{Field, Fields};
use crate::placement::labels::Labels;

/// What of the spec of a Deployment or StatefulSet is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Scaled {
    pub(super) replicas: Option<i64>,
}

/// What of the spec of a HorizontalPodAutoscaler is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scaler {
    scale_target_ref: TargetRef,
    max_replicas: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TargetRef {
    api_version: String,
    kind: String,
    name: String,
}

/// What of a HorizontalPodAutoscaler matters. Its target is in its own namespace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Autoscaler {
    /// What it scales.
    pub kind: ScaledKind,
    /// Its name.
    pub name: Box<str>,
    /// To how many Pods at most.
    pub max_replicas: i64,
}

/// The kinds of workloads with replicas that are watched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ScaledKind {
    /// `Deployment`
    Deployment,
    /// `StatefulSet`
    StatefulSet,
}

/// The Deployment or StatefulSet, with its labels and annotations where `keep` has them. Its largest number of
/// replicas is that of its spec: an autoscaler may know better.
pub fn workload(object: &Watched<Scaled>, keep: Fields) -> Workload {
    // The API server sets it; a file may leave it out, which means 1.
    let replicas = Some(object.spec.replicas.unwrap_or(1));
    let kept = |field, map| {
        if keep.contains(field) {
            Labels::all(map)
        } else {
            Labels::default()
        }
    };
    let metadata = &object.metadata;
    Workload {
        replicas,
        max_replicas: replicas,
        labels: kept(Field::WorkloadLabels, metadata.labels.as_ref()),
        annotations: kept(Field::WorkloadAnnotations, metadata.annotations.as_ref()),
    }
}

// === impl Autoscaler ===

impl Autoscaler {
    /// The autoscaler; nothing where it scales something else.
    pub fn of(object: &Watched<Scaler>) -> Option<Self> {
        let Scaler {
            scale_target_ref: target,
            max_replicas,
        } = &object.spec;
        // Of a kind of the same name in another group nothing is known.
        let group = target
            .api_version
            .split_once('/')
            .map_or("", |(group, _)| group);
        if group != "apps" {
            return None;
        }
        Some(Self {
            kind: ScaledKind::named(&target.kind)?,
            name: target.name.as_str().into(),
            max_replicas: *max_replicas,
        })
    }
}

// === impl ScaledKind ===

impl ScaledKind {
    /// By its name in Kubernetes.
    pub fn named(kind: &str) -> Option<Self> {
        match kind {
            "Deployment" => Some(Self::Deployment),
            "StatefulSet" => Some(Self::StatefulSet),
            _ => None,
        }
    }
}

// === impl Spec ===

impl Spec for Scaled {}

impl Spec for Scaler {}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<S: Spec>(json: &Value) -> Watched<S> {
        serde_json::from_value(json.clone()).unwrap()
    }

    #[test]
    fn labels_and_annotations_are_kept_where_a_rule_reads_them() {
        let object = read(&json!({
            "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "1"}, "annotations": {"b": "2"}},
            "spec": {"replicas": 12},
        }));
        for (keep, labels, annotations) in [
            (Fields::NONE, None, None),
            (Fields::NONE.with(Field::Replicas), None, None),
            (Fields::NONE.with(Field::WorkloadLabels), Some("1"), None),
            (
                Fields::NONE.with(Field::WorkloadAnnotations),
                None,
                Some("2"),
            ),
        ] {
            let workload = workload(&object, keep);
            assert_eq!(workload.replicas, Some(12));
            assert_eq!(workload.max_replicas, Some(12));
            assert_eq!(workload.labels.get("a"), labels, "{keep:?}");
            assert_eq!(workload.annotations.get("b"), annotations, "{keep:?}");
        }
        let unsaid = workload(&read(&json!({"spec": {}})), Fields::NONE);
        assert_eq!(unsaid.replicas, Some(1));
        let none = workload(&read(&json!({"spec": {"replicas": 0}})), Fields::NONE);
        assert_eq!(none.replicas, Some(0));
    }

    #[test]
    fn autoscalers_of_what_is_watched() {
        #[rustfmt::skip]
        let rows = [
            ("apps/v1", "Deployment", Some(ScaledKind::Deployment)),
            ("apps/v1", "StatefulSet", Some(ScaledKind::StatefulSet)),
            ("apps/v1", "ReplicaSet", None),
            ("argoproj.io/v1alpha1", "Rollout", None),
            ("example.com/v1", "Deployment", None),
            ("v1", "ReplicationController", None),
        ];
        for (version, kind, expected) in rows {
            let target = json!({"apiVersion": version, "kind": kind, "name": "web"});
            let object = read(
                &json!({"spec": {"scaleTargetRef": target, "maxReplicas": 40, "minReplicas": 2}}),
            );
            let read = Autoscaler::of(&object);
            let seen = read
                .as_ref()
                .map(|read| (read.kind, &*read.name, read.max_replicas));
            assert_eq!(
                seen,
                expected.map(|kind| (kind, "web", 40)),
                "{version} {kind}"
            );
        }
    }
}
