//! What a user applies, rendered by kubectl's kustomize, and made to reach a server of this machine.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ControlPlane, wait_for};

/// Where the webhooks are served, and by which CAs (PEM) that is believed.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) port: u16,
    pub(crate) ca: String,
}

/// The two webhook configurations of some manifests.
#[derive(Debug, Clone)]
pub(crate) struct Webhooks(Vec<Value>);

/// The objects of `folder`, which is below `manifests/`.
pub(crate) async fn render(cluster: &ControlPlane, folder: &str) -> Vec<Value> {
    let path = format!("{}/manifests/{folder}", env!("CARGO_MANIFEST_DIR"));
    let output = cluster.kubectl(&["kustomize", &path]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kustomize {folder}: {problem}");
    assert!(problem.is_empty(), "kustomize {folder} warns: {problem}");
    serde_saphyr::from_multiple(&text).unwrap()
}

/// Objects as one that kubectl takes.
pub(crate) fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

// === impl Webhooks ===

impl Webhooks {
    /// Those among `objects`.
    pub(crate) fn of(objects: &[Value]) -> Self {
        let kind = |object: &&Value| {
            object["kind"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("WebhookConfiguration"))
        };
        let found: Vec<_> = objects.iter().filter(kind).cloned().collect();
        assert_eq!(found.len(), 2, "one configuration of each kind");
        Self(found)
    }

    /// Each Service made the URL of `endpoint` with the same path; all else is as it was.
    pub(crate) fn reaching(&self, endpoint: &Endpoint) -> Self {
        self.with_each(|webhook| {
            let client = &mut webhook["clientConfig"];
            let path = client["service"]["path"]
                .as_str()
                .expect("a Service with a path");
            *client = json!({
                "url": format!("https://127.0.0.1:{}{path}", endpoint.port),
                "caBundle": STANDARD.encode(&endpoint.ca),
            });
        })
    }

    /// The name of the configuration of this kind.
    pub(crate) fn name(&self, kind: &str) -> &str {
        let found = self.0.iter().find(|object| object["kind"] == kind);
        found
            .and_then(|object| object["metadata"]["name"].as_str())
            .unwrap()
    }

    /// With another name for the configuration of this kind.
    pub(crate) fn named(&self, kind: &str, name: &str) -> Self {
        let mut renamed = self.clone();
        let found = renamed.0.iter_mut().find(|object| object["kind"] == kind);
        found.unwrap()["metadata"]["name"] = json!(name);
        renamed
    }

    /// With a change to each entry.
    pub(crate) fn with_each(&self, change: impl Fn(&mut Value)) -> Self {
        let mut changed = self.clone();
        for configuration in &mut changed.0 {
            let entries = configuration["webhooks"].as_array_mut().unwrap();
            entries.iter_mut().for_each(&change);
        }
        changed
    }

    /// Registers them in place of those that are there, and returns when the API server goes by them:
    /// until then a Pod of a name that no user chooses would still be sent.
    pub(crate) async fn register(&self, cluster: &ControlPlane, namespace: &str) {
        let marker = format!("in-force-{}", super::free_port());
        let marked = self.with_each(|webhook| {
            // A Pod of a controller has no name yet, and a condition that errs would skip the webhook.
            let condition = json!({
                "name": "the-test-waits-for-this",
                "expression": format!("!has(request.name) || request.name != '{marker}'"),
            });
            match webhook.get_mut("matchConditions") {
                Some(Value::Array(conditions)) => conditions.push(condition),
                _ => webhook["matchConditions"] = json!([condition]),
            }
        });
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--warnings-as-errors",
            "-f",
            "-",
        ];
        let output = cluster.kubectl_with_input(&apply, &list(&marked.0)).await;
        assert!(output.status.success(), "{output:?}");
        let deadline = Duration::from_secs(20);
        wait_for("the registered webhooks", deadline, async || {
            let placed = async |name: &str| {
                let pod = super::request::pod(name, &json!({}));
                let path = super::request::pods(namespace);
                let reply = cluster.post(&format!("{path}?dryRun=All"), &pod).await;
                let labels = &reply.body["metadata"]["labels"];
                labels["istio.io/dataplane-mode"].is_string()
            };
            match (placed("placed").await, placed(&marker).await) {
                (true, false) => Ok(()),
                seen => Err(format!("a Pod and the marker placed: {seen:?}")),
            }
        })
        .await;
    }
}
