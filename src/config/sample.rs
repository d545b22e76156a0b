//! Two Pods on which the rules of a new configuration are tried before any real one meets them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cluster::convert::Opened;
use crate::placement::facts::source::{
    Believed, Connection, Namespace, Reason, Requirement, Scope, Siblings, Waypoint, Workload,
};
use crate::placement::facts::{Missing, Owner, Source};
use crate::placement::json::{Depth, Object};
use crate::placement::labels::Labels;
use crate::placement::outcome::Istio;
use crate::placement::rules::{Failure, Rules};
use crate::placement::selector;
use crate::placement::workload::{RevisionRef, WorkloadRef};
use crate::placement::{Facts, Pod};

/// A Pod, and a cluster in which everything is there that rules can read.
#[derive(Debug)]
struct Sample {
    pod: &'static str,
    request: &'static str,
    namespace: &'static str,
    /// Of each label and annotation.
    value: &'static str,
    replicas: i64,
    max_replicas: i64,
}

const USUAL: Sample = Sample {
    pod: r#"{
  "apiVersion": "v1", "kind": "Pod",
  "metadata": {
    "generateName": "sample-5d8f9c7b6d-", "namespace": "sample",
    "labels": {"app": "sample", "pod-template-hash": "5d8f9c7b6d"},
    "annotations": {"example.com/sample": "yes"},
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "sample-5d8f9c7b6d",
      "uid": "00000000-0000-0000-0000-000000000000", "controller": true}]
  },
  "spec": {
    "containers": [{"name": "app", "image": "example.com/app:1", "ports": [{"containerPort": 8080}],
      "env": [{"name": "MODE", "value": "sample"}], "resources": {"requests": {"cpu": "100m"}}}],
    "serviceAccountName": "sample", "priority": 0, "restartPolicy": "Always"
  }
}"#,
    request: r#"{
  "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "name": "",
  "namespace": "sample", "subResource": "", "dryRun": false,
  "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": []}
}"#,
    namespace: "sample",
    value: "yes",
    replicas: 7,
    max_replicas: 23,
};

/// The same fields with other values: other numbers and sizes, and texts that are longer, and numbers.
const OTHER: Sample = Sample {
    pod: r#"{
  "apiVersion": "v1", "kind": "Pod",
  "metadata": {
    "generateName": "202611302026113020-6c8d4f7b9-", "namespace": "202611302026113020",
    "labels": {"app": "202611302026113020", "pod-template-hash": "6c8d4f7b9"},
    "annotations": {"example.com/sample": "202611302026113020"},
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "202611302026113020-6c8d4f7b9",
      "uid": "11111111-1111-1111-1111-111111111111", "controller": true}]
  },
  "spec": {
    "containers": [
      {"name": "app", "image": "example.com/other/app:2", "ports": [{"containerPort": 80}, {"containerPort": 443}],
        "env": [{"name": "MODE", "value": "3"}, {"name": "LEVEL", "value": "5"}], "resources": {"requests": {"cpu": "2"}}},
      {"name": "two", "image": "example.com/other/two:2", "ports": [{"containerPort": 81}],
        "env": [{"name": "MODE", "value": "3"}], "resources": {"requests": {"cpu": "3"}}},
      {"name": "three", "image": "example.com/other/three:2", "ports": [{"containerPort": 82}],
        "env": [{"name": "MODE", "value": "3"}], "resources": {"requests": {"cpu": "4"}}}
    ],
    "serviceAccountName": "202611302026113020", "priority": 1000, "restartPolicy": "Never"
  }
}"#,
    request: r#"{
  "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "name": "",
  "namespace": "202611302026113020", "subResource": "", "dryRun": false,
  "userInfo": {"username": "202611302026113020", "groups": ["system:authenticated"]}
}"#,
    namespace: "202611302026113020",
    value: "202611302026113020",
    replicas: 31,
    max_replicas: 97,
};

/// What of `rules` cannot be evaluated, whatever the values are: what can on one of two Pods depends on them, such as a
/// number that is 0, or a text that is too short.
pub(super) fn failures(rules: &Rules) -> Vec<Failure<'_>> {
    let others = OTHER.failures(rules);
    let mut failures = USUAL.failures(rules);
    failures.retain(|failure| {
        let is_same =
            |other: &Failure<'_>| (other.rule, other.part) == (failure.rule, failure.part);
        others.iter().any(is_same)
    });
    failures
}

// === impl Sample ===

impl Sample {
    fn failures<'r>(&self, rules: &'r Rules) -> Vec<Failure<'r>> {
        let (Some(pod), Some(request)) = (self.pod(), self.request()) else {
            return Vec::new();
        };
        rules.failures(&Facts {
            pod: &pod,
            request: &request,
            namespace: self.namespace,
            owner: Owner::OfPod,
            cluster: self,
        })
    }

    fn pod(&self) -> Option<Pod<'static>> {
        serde_json::from_str::<Opened<'static>>(self.pod)
            .ok()?
            .into_pod()
            .ok()
    }

    fn request(&self) -> Option<Object<'static>> {
        Depth::SHALLOW.parse(self.request).ok()?.into_object()
    }

    fn labels(&self) -> Labels {
        let entry = ("example.com/sample".to_owned(), self.value.to_owned());
        Labels::all(Some(&BTreeMap::from([entry])))
    }
}

impl Source for Sample {
    fn connection(&self) -> Connection {
        Connection::Cluster
    }

    fn namespace(&self, _: &str) -> Result<Arc<Namespace>, Missing> {
        Ok(Arc::new(Namespace {
            labels: self.labels(),
            annotations: self.labels(),
        }))
    }

    fn workload(&self, _: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        Ok(Arc::new(Workload {
            replicas: Some(self.replicas),
            max_replicas: Some(self.max_replicas),
            labels: self.labels(),
            annotations: self.labels(),
        }))
    }

    fn requires(&self, _: &str, _: &dyn selector::Labels) -> Result<Vec<Requirement>, Missing> {
        let requirement = |reason| Requirement {
            reason,
            namespace: self.namespace.into(),
            name: self.value.into(),
            scope: Scope::Workload,
        };
        Ok(Reason::ALL.into_iter().map(requirement).collect())
    }

    fn waypoint(&self, _: &str, _: &dyn selector::Labels) -> Result<Option<Waypoint>, Missing> {
        Ok(Some(Waypoint {
            namespace: self.namespace.into(),
            name: "waypoint".into(),
            traffic: Some("service".into()),
        }))
    }

    fn siblings(&self, _: &RevisionRef<'_>, _: Believed<'_>) -> Result<Option<Siblings>, Missing> {
        Ok(None)
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        Err(Missing::NoCluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read;

    const HEAD: &str = "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\n";

    #[test]
    fn the_samples_are_there() {
        for sample in [USUAL, OTHER] {
            let there = (sample.pod().is_some(), sample.request().is_some());
            assert_eq!(there, (true, true), "otherwise nothing would be tried");
        }
    }

    /// What errs on one Pod and not on another is left to `onUnknown`; what errs on every Pod is said.
    #[test]
    fn what_cannot_be_evaluated_on_any_pod() {
        let rows = [
            ("1 / 0 == 1", "Division by zero"),
            ("1 % 0 == 1", "Remainder by zero"),
            ("size(object.spec.containers) / 0 == 1", "Division by zero"),
            ("workload.replicas / (7 - 7) > 1", "Division by zero"),
            ("9223372036854775807 + workload.replicas > 0", "Overflow"),
            ("'a'.substring(2) == ''", "index out of range"),
            ("int('three') == 3", "invalid digit"),
            ("object.metadata.namespace > 1", "no matching overload"),
            ("workload.replicas > '3'", "no matching overload"),
            ("100 / (size(object.spec.containers) - 1) > 1", ""),
            ("100 / object.spec.priority > 1", ""),
            ("100 / (workload.replicas - 7) > 1", ""),
            ("100 / (workload.replicas - 31) > 1", ""),
            (
                "100 / (workload.maxReplicas - workload.replicas - 16) > 1",
                "",
            ),
            ("object.metadata.namespace.substring(9) == ''", ""),
            ("int(object.metadata.namespace) > 1", ""),
        ];
        let mut failures = Vec::new();
        for (when, expected) in rows {
            let text = format!(
                "{HEAD}placement:\n  default: {{mode: none}}\n  rules: [{{name: a, when: \"{when}\", mode: none}}]\n"
            );
            let found: Vec<String> = match read(&text) {
                Ok(_) => Vec::new(),
                Err(problems) => problems.iter().map(ToString::to_string).collect(),
            };
            let fits = match (expected, found.as_slice()) {
                ("", []) => true,
                (expected, [found]) => !expected.is_empty() && found.contains(expected),
                (_, _) => false,
            };
            if !fits {
                failures.push(format!("{when}: {found:?}"));
            }
        }
        assert!(failures.is_empty(), "{failures:#?}");
    }
}
