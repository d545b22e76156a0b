//! Workloads as people apply them with kubectl: told what is off with their Pods, and always stored.

use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{Cluster, SCOPE, Shown};
use crate::support::request::merge;
use crate::support::wait_for;

/// The annotation that names a mode.
pub(crate) const MODE: &str = "meshmode.io/mode";

const NAMESPACE: &str = "told";
const WEBHOOK: &str = "workloads.enabled.meshmode.io";

/// The path of the Deployments of a namespace.
pub(crate) fn deployments(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments")
}

/// A Deployment whose template has this metadata.
pub(crate) fn deployment(name: &str, metadata: &Value) -> Value {
    let mut template = template(name);
    merge(&mut template["metadata"], metadata);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
    })
}

fn template(name: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": "example.com/app"}]},
    })
}

/// `kubectl apply` shows the warning, and the workload is there.
pub(crate) async fn told(cluster: &Cluster) -> Shown {
    cluster.namespace(NAMESPACE, Some("enabled")).await;
    until_told(cluster).await;
    let wrong = deployment("wrong", &json!({"annotations": {MODE: "sidecars"}}));
    let stderr = applied(cluster, &wrong).await;
    let said = "rule mode-annotation: \"sidecars\" is not a mode";
    assert!(
        stderr.starts_with("Warning: ") && stderr.contains(said),
        "{stderr}"
    );
    if let Some(annotations) = cluster.audited("create", NAMESPACE, "wrong").await {
        for key in ["placement", "rule", "reason", "configuration"] {
            let value = &annotations[format!("{WEBHOOK}/{key}")];
            assert!(value.is_string(), "{key}: {annotations}");
        }
    }
    let well = deployment("well", &json!({"annotations": {MODE: "ambient"}}));
    assert_eq!(applied(cluster, &well).await, "", "nothing is off");
    let choices = json!({
        "labels": {"istio.io/dataplane-mode": "ambient", "sidecar.istio.io/inject": "true"},
    });
    let stderr = applied(cluster, &deployment("contradicting", &choices)).await;
    assert!(stderr.contains("istio.io/dataplane-mode"), "{stderr}");
    let kinds = each_kind(cluster).await;
    cluster.with_records(3 + kinds)
}

/// Every kind that is asked about, and what is not.
async fn each_kind(cluster: &Cluster) -> usize {
    let wrong = json!({"annotations": {MODE: "sidecars"}});
    let owned = json!({"ownerReferences": [{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "uid": "u-1", "controller": true,
    }]});
    let exempt = json!({"labels": {SCOPE: "disabled"}});
    let none = json!({});
    let rows = [
        ("apps/v1", "Deployment", &none, true),
        ("apps/v1", "StatefulSet", &none, true),
        ("apps/v1", "DaemonSet", &none, true),
        ("batch/v1", "Job", &none, true),
        ("batch/v1", "CronJob", &none, true),
        ("apps/v1", "ReplicaSet", &none, false),
        ("batch/v1", "Job", &owned, false),
        ("apps/v1", "Deployment", &exempt, false),
    ];
    let shown = rows.len();
    for (row, (version, kind, metadata, told)) in rows.into_iter().enumerate() {
        let name = format!("{}-{row}", kind.to_lowercase());
        let mut object = json!({
            "apiVersion": version, "kind": kind, "metadata": {"name": name},
            "spec": spec(kind, &name, &wrong),
        });
        merge(&mut object["metadata"], metadata);
        let stderr = applied(cluster, &object).await;
        let warned = stderr.contains("\"sidecars\" is not a mode");
        assert_eq!(warned, told, "{object}: {stderr}");
    }
    shown
}

fn spec(kind: &str, name: &str, metadata: &Value) -> Value {
    let mut spec = deployment(name, metadata)["spec"].take();
    match kind {
        "Job" | "CronJob" => {
            let mut template = spec["template"].take();
            template["spec"]["restartPolicy"] = json!("Never");
            let job = json!({"suspend": true, "template": template});
            if kind == "Job" {
                return job;
            }
            json!({"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": job}})
        }
        "DaemonSet" => {
            spec.as_object_mut().unwrap().remove("replicas");
            spec
        }
        "StatefulSet" => {
            spec["serviceName"] = json!(name);
            spec
        }
        _ => spec,
    }
}

/// What kubectl says beside its output; the object is stored in any case.
async fn applied(cluster: &Cluster, object: &Value) -> String {
    let arguments = ["-n", NAMESPACE, "apply", "-f", "-"];
    let output = cluster
        .control_plane
        .kubectl_with_input(&arguments, &object.to_string())
        .await;
    assert!(output.status.success(), "{object}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Until the API server has seen the label of the namespace.
async fn until_told(cluster: &Cluster) {
    let probe = deployment("probe", &json!({"annotations": {MODE: "sidecars"}}));
    let path = format!("{}?dryRun=All", deployments(NAMESPACE));
    wait_for("warnings", Duration::from_secs(10), async || {
        let reply = cluster.control_plane.post(&path, &probe).await;
        reply.created();
        (!reply.warnings.is_empty()).then_some(())
    })
    .await;
}
