//! Modes that follow facts of the cluster, and never split a revision: with two replicas of the program, of
//! which the API server asks now one and now the other.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::facts::Reader;
use super::steps::{Cluster, LOCAL_ONLY, Program, SCOPE, Shown};
use crate::support::meshmode::Meshmode;
use crate::support::request::{pod, pods};
use crate::support::wait_for;

const NAMESPACE: &str = "revisions";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/revisions/deployments";
const FILTERS: &str = "/apis/networking.istio.io/v1alpha3/namespaces/revisions/envoyfilters";
const PLUGINS: &str = "/apis/extensions.istio.io/v1alpha1/namespaces/revisions/wasmplugins";
const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/revisions/gateways";
const INJECTORS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const PATIENCE: Duration = Duration::from_secs(30);

/// What a Pod's record says: mode, rule and reason.
type Recorded = [String; 3];

/// A Deployment that is scaled, filtered and given a waypoint, revision by revision.
pub(crate) async fn follow(cluster: &Cluster) -> Shown {
    let Program::Ours(alone) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    let mut story = Story::start(cluster).await;
    story.create(3).await;
    let first = story.all_are(3, ["ambient", "default"]).await;

    story.scale(12).await;
    story.decides(["ambient", "many-replicas"]).await;
    story.keeps(12, &first, "a scale-up").await;
    story.ask(1).await;
    story.evict().await;
    story
        .keeps(12, &first, "an eviction, the other replica asked")
        .await;
    story.roll().await;
    let second = story.all_are(12, ["ambient", "many-replicas"]).await;

    story.post(INJECTORS, &injector()).await;
    story.post(FILTERS, &filter()).await;
    story.decides(["sidecar", "sidecar-only"]).await;
    story.restart().await;
    story.evict().await;
    story
        .keeps(12, &second, "an EnvoyFilter, an eviction and a restart")
        .await;
    story.ask(0).await;
    story.roll().await;
    let third = story.all_are(12, ["sidecar", "sidecar-only"]).await;
    let [_, _, reason] = &third;
    assert!(
        reason.contains("EnvoyFilter revisions/web"),
        "it names the object: {reason}"
    );

    story.delete(&format!("{FILTERS}/web")).await;
    story.post(PLUGINS, &plugin()).await;
    story.decides(["sidecar", "l7-without-waypoint"]).await;
    story.keeps(12, &third, "an EnvoyFilter that is gone").await;
    story.bind().await;
    story.decides(["ambient", "l7-with-waypoint"]).await;
    story.evict().await;
    story.keeps(12, &third, "a waypoint").await;
    story.roll().await;
    let fourth = story.all_are(12, ["ambient", "l7-with-waypoint"]).await;
    let [_, _, reason] = &fourth;
    assert!(
        reason.contains("WasmPlugin revisions/web"),
        "it names the object: {reason}"
    );
    story
        .delete(&format!("{INJECTORS}/istio-sidecar-injector"))
        .await;
    story.stop().await;
    cluster
        .base
        .reaching(&alone.endpoint())
        .register(&cluster.control_plane, "in-force")
        .await;
    Shown::Cases(9)
}

struct Story<'c> {
    cluster: &'c Cluster,
    replicas: [Meshmode; 2],
    /// Of their kubeconfig.
    _folder: TempDir,
    rolled: usize,
}

impl<'c> Story<'c> {
    async fn start(cluster: &'c Cluster) -> Self {
        cluster.namespace(NAMESPACE, Some("enabled")).await;
        let reader = Reader::new(cluster, "revisions-reader", |_| true).await;
        let folder = tempfile::tempdir().unwrap();
        let flags = reader.flags(folder.path());
        let replicas = [
            Meshmode::start_with(&flags).await,
            Meshmode::start_with(&flags).await,
        ];
        let story = Self {
            cluster,
            replicas,
            _folder: folder,
            rolled: 0,
        };
        story.ask(0).await;
        story
    }

    /// From now on the API server asks this replica.
    async fn ask(&self, replica: usize) {
        let webhooks = self
            .cluster
            .base
            .reaching(&self.replicas[replica].endpoint());
        webhooks
            .register(&self.cluster.control_plane, "in-force")
            .await;
    }

    /// The replica that is asked ends, and comes back with nothing remembered.
    async fn restart(&mut self) {
        for replica in &mut self.replicas {
            replica.stop().await;
            replica.start_again().await;
        }
    }

    async fn stop(mut self) {
        for replica in &mut self.replicas {
            replica.stop().await;
        }
    }

    async fn post(&self, path: &str, object: &Value) {
        self.cluster
            .control_plane
            .post(path, object)
            .await
            .created();
    }

    async fn delete(&self, path: &str) {
        self.cluster.control_plane.delete(path).await.created();
    }

    async fn create(&self, replicas: usize) {
        let spec = pod("", &json!({}))["spec"].take();
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                // No kubelet runs: a new revision must not wait for Pods that are ready.
                "strategy": {"type": "Recreate"},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec},
            },
        });
        self.post(DEPLOYMENTS, &deployment).await;
    }

    async fn patch(&self, patch: &Value) {
        let path = format!("{DEPLOYMENTS}/web");
        self.cluster
            .control_plane
            .patch(&path, patch)
            .await
            .created();
    }

    async fn scale(&self, replicas: usize) {
        self.patch(&json!({"spec": {"replicas": replicas}})).await;
    }

    /// Another template: a new revision.
    async fn roll(&mut self) {
        self.rolled += 1;
        let annotations = json!({"revision": self.rolled.to_string()});
        self.patch(&json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}))
            .await;
    }

    /// A waypoint for the namespace.
    async fn bind(&self) {
        let gateway = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": "waypoint", "labels": {"istio.io/waypoint-for": "all"}},
            "spec": {"gatewayClassName": "istio-waypoint", "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]},
        });
        self.post(GATEWAYS, &gateway).await;
        let labels = json!({SCOPE: "enabled", "istio.io/use-waypoint": "waypoint"});
        self.cluster
            .control_plane
            .namespace(NAMESPACE, &labels)
            .await;
    }

    /// One of the Pods goes, and the ReplicaSet makes another.
    async fn evict(&self) {
        let [pod, ..] = &self.pods().await[..] else {
            panic!("there are Pods");
        };
        let (name, uid) = (
            pod["metadata"]["name"].clone(),
            pod["metadata"]["uid"].clone(),
        );
        let path = format!("{}/{}", pods(NAMESPACE), name.as_str().unwrap());
        self.delete(&format!("{path}?gracePeriodSeconds=0")).await;
        wait_for("the Pod's end", PATIENCE, async || {
            let pods = self.pods().await;
            let gone = pods.iter().all(|pod| pod["metadata"]["uid"] != uid);
            gone.then_some(())
        })
        .await;
    }

    /// Waits until both replicas would decide so about a Pod of a new revision.
    async fn decides(&self, [mode, rule]: [&str; 2]) {
        for replica in [1, 0] {
            self.ask(replica).await;
            let what = format!("replica {replica} deciding {mode} by {rule}");
            wait_for(&what, PATIENCE, async || {
                let path = format!("{}?dryRun=All", pods(NAMESPACE));
                let reply = self.cluster.control_plane.post(&path, &newcomer()).await;
                let recorded = recorded(reply.created());
                let is_so = recorded
                    .as_ref()
                    .is_some_and(|[m, r, _]| m == mode && r == rule);
                is_so.then_some(()).ok_or_else(|| format!("{recorded:?}"))
            })
            .await;
        }
    }

    /// Waits until there are so many Pods, all with one record, of this mode and rule.
    async fn all_are(&self, count: usize, [mode, rule]: [&str; 2]) -> Recorded {
        let what = format!("{count} Pods, {mode} by {rule}");
        wait_for(&what, PATIENCE, async || {
            let pods = self.pods().await;
            let records: BTreeSet<_> = pods.iter().map(recorded).collect();
            match (pods.len(), records.first()) {
                (found, Some(Some(record))) if found == count && records.len() == 1 => {
                    let is_so = record[0] == mode && record[1] == rule;
                    is_so.then(|| record.clone()).ok_or(format!("{record:?}"))
                }
                (found, _) => Err(format!("{found}: {records:?}")),
            }
        })
        .await
    }

    /// Waits until there are so many Pods, and sees that all have this very record.
    async fn keeps(&self, count: usize, record: &Recorded, after: &str) {
        let found = wait_for(
            &format!("{count} Pods after {after}"),
            PATIENCE,
            async || {
                let pods = self.pods().await;
                let found = pods.len();
                (found == count).then_some(pods).ok_or(found)
            },
        )
        .await;
        for pod in &found {
            assert_eq!(recorded(pod).as_ref(), Some(record), "after {after}");
        }
    }

    /// Those that are not about to go.
    async fn pods(&self) -> Vec<Value> {
        let path = format!("{}?labelSelector=app%3Dweb", pods(NAMESPACE));
        let reply = self.cluster.control_plane.get(&path).await;
        let pods = reply.created()["items"].as_array().unwrap().clone();
        let stays = |pod: &Value| pod["metadata"]["deletionTimestamp"].is_null();
        pods.into_iter().filter(stays).collect()
    }
}

fn recorded(pod: &Value) -> Option<Recorded> {
    let annotation = |key: &str| {
        let annotation = pod["metadata"]["annotations"][format!("meshmode.io/{key}")].as_str();
        annotation.map(str::to_owned)
    };
    Some([
        annotation("placement")?,
        annotation("rule")?,
        annotation("reason")?,
    ])
}

/// A Pod of the Deployment, of a revision that has no other.
fn newcomer() -> Value {
    let owner = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-77777", "controller": true,
        "uid": "77777777-0000-0000-0000-000000000000",
    });
    pod(
        "newcomer",
        &json!({"labels": {"app": "web", "pod-template-hash": "77777"}, "ownerReferences": [owner]}),
    )
}

/// Without an injector nothing could become a sidecar, and so nothing would be made one. This one is never reached.
fn injector() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "istio-sidecar-injector"},
        "webhooks": [{
            "name": "object.sidecar-injector.istio.io", "failurePolicy": "Ignore", "timeoutSeconds": 1,
            "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://127.0.0.1:1/inject"},
            "objectSelector": {"matchLabels": {"sidecar.istio.io/inject": "true"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        }],
    })
}

fn filter() -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": {"name": "web"},
        "spec": {
            "workloadSelector": {"labels": {"app": "web"}},
            "configPatches": [{"applyTo": "HTTP_FILTER", "match": {"context": "SIDECAR_INBOUND"}, "patch": {"operation": "INSERT_FIRST"}}],
        },
    })
}

fn plugin() -> Value {
    json!({
        "apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin", "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "url": "oci://registry.example.com/plugin:1"},
    })
}
