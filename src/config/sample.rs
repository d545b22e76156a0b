//! A Pod on which the rules of a new configuration are tried before any real one meets them.

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

const POD: &str = r#"{
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
}"#;

const REQUEST: &str = r#"{
  "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "name": "",
  "namespace": "sample", "subResource": "", "dryRun": false,
  "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": []}
}"#;

/// A cluster in which everything is there that rules can read.
#[derive(Debug)]
struct Sample;

/// What of `rules` cannot be evaluated.
pub(super) fn failures(rules: &Rules) -> Vec<Failure<'_>> {
    let (Some(pod), Some(request)) = (pod(), request()) else {
        return Vec::new();
    };
    rules.failures(&Facts {
        pod: &pod,
        request: &request,
        namespace: "sample",
        owner: Owner::OfPod,
        cluster: &Sample,
    })
}

fn pod() -> Option<Pod<'static>> {
    serde_json::from_str::<Opened<'static>>(POD)
        .ok()?
        .into_pod()
        .ok()
}

fn request() -> Option<Object<'static>> {
    Depth::SHALLOW.parse(REQUEST).ok()?.into_object()
}

fn labels() -> Labels {
    let entry = ("example.com/sample".to_owned(), "yes".to_owned());
    Labels::all(Some(&BTreeMap::from([entry])))
}

impl Source for Sample {
    fn connection(&self) -> Connection {
        Connection::Cluster
    }

    fn namespace(&self, _: &str) -> Result<Arc<Namespace>, Missing> {
        Ok(Arc::new(Namespace {
            labels: labels(),
            annotations: labels(),
        }))
    }

    fn workload(&self, _: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        Ok(Arc::new(Workload {
            // Numbers that nobody subtracts before a division.
            replicas: Some(7),
            max_replicas: Some(23),
            labels: labels(),
            annotations: labels(),
        }))
    }

    fn requires(&self, _: &str, _: &dyn selector::Labels) -> Result<Vec<Requirement>, Missing> {
        let requirement = |reason| Requirement {
            reason,
            namespace: "sample".into(),
            name: "sample".into(),
            scope: Scope::Workload,
        };
        Ok(Reason::ALL.into_iter().map(requirement).collect())
    }

    fn waypoint(&self, _: &str, _: &dyn selector::Labels) -> Result<Option<Waypoint>, Missing> {
        Ok(Some(Waypoint {
            namespace: "sample".into(),
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
    #[test]
    fn the_sample_is_there() {
        assert!(super::pod().is_some(), "otherwise nothing would be tried");
        assert!(
            super::request().is_some(),
            "otherwise nothing would be tried"
        );
    }
}
