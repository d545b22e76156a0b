//! A Pod on which the rules of a new configuration are tried before any real one meets them.

use crate::cluster::convert::Opened;
use crate::placement::facts::{NoCluster, Owner};
use crate::placement::json::{Depth, Object};
use crate::placement::rules::{Failure, Rules};
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
        cluster: &NoCluster,
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
