//! What every step has: a cluster with Istio, and meshmode in front of it.

use std::collections::BTreeMap;

use meshmode::cluster::convert::{Opened, cni, injectors};
use meshmode::placement::outcome;
use serde_json::{Value, json};

use crate::support::istio::{Istio, apply, manifest};
use crate::support::manifests::{Webhooks, render};
use crate::support::meshmode::Meshmode;
use crate::support::{AuditEvents, ControlPlane};

/// The processes; they are stopped in the order of these fields.
pub(crate) struct Mesh {
    pub(crate) istio: Istio,
    _meshmode: Meshmode,
    pub(crate) cluster: ControlPlane,
    /// `manifests/base`, reaching `meshmode`.
    pub(crate) webhooks: Webhooks,
}

/// A webhook that the API server asked about an object, as its audit log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) configuration: String,
    pub(crate) webhook: String,
    pub(crate) did: Did,
}

/// What a webhook did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Did {
    Change,
    Nothing,
}

/// The label that asks for meshmode, as in the base manifests.
pub(crate) const SCOPE: &str = "meshmode.io/webhook";
/// A namespace where Pods are placed.
pub(crate) const IN_FORCE: &str = "in-force";
/// The path of the MutatingWebhookConfigurations.
pub(crate) const WEBHOOKS: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

// === impl Mesh ===

impl Mesh {
    /// The cluster, Istio with the further revision `other` and the tag `tag` (of revision `default`), and
    /// meshmode registered as its base manifests do.
    pub(crate) async fn start() -> Self {
        let cluster = ControlPlane::start().await;
        let istio = Istio::start(&cluster).await;
        install_revision(&cluster, &istio).await;
        install_tag(&cluster, &istio).await;
        let meshmode = Meshmode::start().await;
        let webhooks = Webhooks::of(&render(&cluster, "base").await);
        let mesh = Self {
            webhooks: webhooks.reaching(&meshmode.endpoint()),
            istio,
            _meshmode: meshmode,
            cluster,
        };
        mesh.namespace(IN_FORCE, &json!({})).await;
        mesh.webhooks.register(&mesh.cluster, IN_FORCE).await;
        mesh
    }

    /// Makes a namespace where meshmode places Pods, with `labels` beside.
    pub(crate) async fn namespace(&self, name: &str, labels: &Value) {
        let mut all = labels.clone();
        all[SCOPE] = json!("enabled");
        self.cluster.namespace(name, &all).await;
    }

    /// The labels that a namespace has, in the end.
    pub(crate) async fn labels(&self, namespace: &str) -> BTreeMap<String, String> {
        let path = format!("/api/v1/namespaces/{namespace}");
        let labels = self.cluster.get(&path).await.labels().clone();
        serde_json::from_value(labels).unwrap()
    }

    /// What there is to know of Istio, from its objects in the cluster.
    pub(crate) async fn facts(&self) -> outcome::Istio {
        let list = self.cluster.get(WEBHOOKS).await;
        let objects = list.created()["items"].as_array().unwrap();
        let configurations = objects
            .iter()
            .filter_map(|object| injectors::configuration(&object.to_string()).unwrap());
        let configurations: Vec<_> = configurations.collect();
        let mut policies = BTreeMap::new();
        for name in ["istio-sidecar-injector", "istio-sidecar-injector-other"] {
            let (revision, policy) = injectors::policy(&self.config_map(name).await).unwrap();
            policies.insert(revision, policy);
        }
        outcome::Istio {
            injectors: outcome::Injectors::new(configurations, policies),
            capture: cni::capture(&self.config_map("istio-cni-config").await).unwrap(),
        }
    }

    async fn config_map(&self, name: &str) -> String {
        let path = format!("/api/v1/namespaces/istio-system/configmaps/{name}");
        self.cluster.get(&path).await.created().to_string()
    }

    /// The mutating webhooks that were asked when Pods were created, by namespace and name of the Pod.
    pub(crate) fn called(&self) -> BTreeMap<(String, String), Vec<Called>> {
        let AuditEvents::Recorded(events) = self.cluster.audit_events() else {
            panic!("the cluster is ours")
        };
        let created = |event: &&Value| {
            event["verb"] == "create"
                && event["objectRef"]["resource"] == "pods"
                && event["objectRef"]["subresource"].is_null()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events
            .iter()
            .filter(created)
            .map(|event| {
                let object = &event["objectRef"];
                let pod = (text(&object["namespace"]), text(&object["name"]));
                (pod, calls(&event["annotations"]))
            })
            .collect()
    }
}

/// Hands `pod`, as Istio sees it in a namespace, to `then`.
pub(crate) fn seen_in(
    pod: &Value,
    namespace: &str,
    labels: &BTreeMap<String, String>,
    then: impl FnOnce(&outcome::Seen<'_>, outcome::Namespace<'_>),
) {
    let text = pod.to_string();
    let opened: Opened<'_> = serde_json::from_str(&text).unwrap();
    let pod = opened.into_pod().unwrap();
    let namespace = outcome::Namespace {
        name: namespace,
        labels,
    };
    then(&outcome::Seen::of(&pod), namespace);
}

/// The calls among the annotations of an audit event, in their order (Kubernetes,
/// `mutating/dispatcher.go`).
fn calls(annotations: &Value) -> Vec<Called> {
    const PREFIX: &str = "mutation.webhook.admission.k8s.io/round_";
    let mut calls: Vec<((u32, u32), Called)> = annotations
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let (round, index) = key.strip_prefix(PREFIX)?.split_once("_index_")?;
            let call: Value = serde_json::from_str(value.as_str()?).unwrap();
            let text = |field: &str| call[field].as_str().unwrap().to_owned();
            let did = if call["mutated"] == true {
                Did::Change
            } else {
                Did::Nothing
            };
            let called = Called {
                configuration: text("configuration"),
                webhook: text("webhook"),
                did,
            };
            Some(((round.parse().unwrap(), index.parse().unwrap()), called))
        })
        .collect();
    calls.sort_by_key(|(order, _)| *order);
    calls.into_iter().map(|(_, called)| called).collect()
}

/// The webhooks and the ConfigMap of a second revision, served by the same istiod.
async fn install_revision(cluster: &ControlPlane, istio: &Istio) {
    for object in manifest(&istio.tools().join("istio-other.yaml")) {
        let name = &object["metadata"]["name"];
        if name != "istio-sidecar-injector-other" {
            continue;
        }
        if object["kind"] == "MutatingWebhookConfiguration" {
            istio.register(cluster, object).await;
        } else if object["kind"] == "ConfigMap" {
            apply(cluster, &[object]).await;
        }
    }
    let revision = json!({"labels": {"istio.io/rev": "other"}});
    istio.until_injecting(cluster, &revision).await;
}

async fn install_tag(cluster: &ControlPlane, istio: &Istio) {
    let output = istio
        .istioctl(cluster, &["tag", "generate", "tag", "--revision=default"])
        .await;
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let is_webhook = |object: &Value| object["kind"] == "MutatingWebhookConfiguration";
    let webhook = objects.into_iter().find(is_webhook).unwrap();
    assert_eq!(webhook["metadata"]["labels"]["istio.io/tag"], "tag");
    istio.register(cluster, webhook).await;
    let tag = json!({"labels": {"istio.io/rev": "tag"}});
    istio.until_injecting(cluster, &tag).await;
}
