//! What every step has: the cluster with its node, and meshmode deployed as a user does it.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::manifests::{Webhooks, list, render};
use crate::support::meshmode::{binary, certs, sample};
use crate::support::node::{self, Image, Node};
use crate::support::report::say;
use crate::support::request::{is_ready, pods};
use crate::support::{AuditEvents, ControlPlane, http, wait_for};

use super::load::Tally;

/// The cluster, and what is known of the deployed program.
pub(crate) struct Site {
    _node: Node,
    pub(crate) cluster: ControlPlane,
    certificates: TempDir,
    webhooks: Webhooks,
}

/// What the API server does where the webhook fails.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FailurePolicy {
    /// The Pod is refused.
    Fail,
    /// The Pod is created without a placement; this is what the manifests say.
    Ignore,
}

/// A Pod of meshmode.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) name: String,
    address: IpAddr,
}

/// The namespace of the manifests.
pub(crate) const SYSTEM: &str = "meshmode-system";
/// The Pods of this one are placed.
pub(crate) const LOAD: &str = "load";
/// The Deployment of meshmode.
pub(crate) const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/meshmode-system/deployments/meshmode";
/// How long two new Pods and two old ones may take.
pub(crate) const ROLLED_OUT: Duration = Duration::from_secs(90);
/// So many of those that failed are told one by one.
const SHOWN: usize = 10;
/// The program in its image.
pub(crate) const PROGRAM: &str = "/meshmode";

// === impl Site ===

impl Site {
    /// Starts the node, deploys `manifests/overlays/kind` on it, and waits until Pods are placed.
    pub(crate) async fn start() -> Self {
        let cluster = ControlPlane::start_for_node(node::address()).await;
        let image = Image {
            // As the overlay names it.
            name: "docker.io/library/meshmode:dev",
            command: &[PROGRAM],
            files: node::program(&binary(), PROGRAM),
        };
        let node = Node::start(&cluster, &[image]).await;
        cluster.install_crds().await;
        apply(&cluster, include_str!("../support/facts-crds.yaml")).await;
        let objects = render(&cluster, "overlays/kind").await;
        let webhooks = Webhooks::of(&objects);
        let is_webhook = |object: &Value| object["kind"].to_string().contains("WebhookConfig");
        let objects: Vec<_> = objects.into_iter().filter(|o| !is_webhook(o)).collect();
        apply(&cluster, &list(&objects)).await;
        let certificates = tempfile::tempdir().unwrap();
        certs(certificates.path(), &[]);
        let site = Self {
            _node: node,
            cluster,
            certificates,
            webhooks,
        };
        apply(&site.cluster, &site.secret().to_string()).await;
        for namespace in [LOAD, "shop"] {
            let labels = json!({"meshmode.io/webhook": "enabled"});
            site.cluster.namespace(namespace, &labels).await;
        }
        site.until_rolled_out().await;
        site.register(FailurePolicy::Ignore).await;
        site
    }

    fn certificate(&self, file: &str) -> String {
        fs::read_to_string(self.certificates.path().join(file)).unwrap()
    }

    /// The CA that the deployed certificate is believed by (PEM).
    pub(crate) fn ca(&self) -> String {
        self.certificate("ca.crt")
    }

    /// Makes another certificate by the same CA.
    pub(crate) fn renew(&self) {
        certs(self.certificates.path(), &["--renew"]);
    }

    /// Makes another CA, and a certificate by it.
    pub(crate) fn replace_authority(&mut self) {
        self.certificates = tempfile::tempdir().unwrap();
        certs(self.certificates.path(), &[]);
    }

    /// Writes the certificate into the Secret, and waits until both Pods have taken it.
    pub(crate) async fn deliver(&self) {
        let before = self.taken().await.unwrap();
        apply(&self.cluster, &self.secret().to_string()).await;
        wait_for("a certificate that is served", ROLLED_OUT, async || {
            let now = self.taken().await?;
            let is_taken = now.iter().zip(&before).all(|(now, before)| now > before);
            is_taken
                .then_some(())
                .ok_or(format!("{before:?}, then {now:?}"))
        })
        .await;
    }

    /// How many certificates each Pod has taken since its start.
    async fn taken(&self) -> Result<Vec<f64>, String> {
        let series = "meshmode_reloads_total{file=\"certificate\",outcome=\"done\"}";
        let mut counts = Vec::new();
        for replica in self.replicas().await {
            counts.push(sample(&replica.metrics().await?, series));
        }
        Ok(counts)
    }

    fn secret(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": "meshmode-tls", "namespace": SYSTEM},
            "stringData": {"tls.crt": self.certificate("tls.crt"), "tls.key": self.certificate("tls.key")},
        })
    }

    /// Registers the webhooks of the manifests, with this failure policy.
    pub(crate) async fn register(&self, policy: FailurePolicy) {
        self.register_believing(policy, &self.ca()).await;
    }

    /// The same with other CAs (PEM) than the deployed certificate's.
    pub(crate) async fn register_believing(&self, policy: FailurePolicy, authorities: &str) {
        let bundle = STANDARD.encode(authorities);
        let webhooks = self.webhooks.with_each(|webhook| {
            webhook["clientConfig"]["caBundle"] = json!(bundle);
            match policy {
                FailurePolicy::Fail => webhook["failurePolicy"] = json!("Fail"),
                FailurePolicy::Ignore => assert_eq!(webhook["failurePolicy"], "Ignore"),
            }
        });
        webhooks.register(&self.cluster, LOAD).await;
    }

    /// The Pods of meshmode, those that end among them.
    async fn pods(&self) -> Vec<Value> {
        let path = format!(
            "{}?labelSelector=app.kubernetes.io/name=meshmode",
            pods(SYSTEM)
        );
        let mut list = self.cluster.get(&path).await;
        let Value::Array(pods) = list.body["items"].take() else {
            panic!("{list:?}");
        };
        pods
    }

    /// The Pods of meshmode; all must be there.
    pub(crate) async fn replicas(&self) -> Vec<Replica> {
        let replica = |pod: &Value| Replica {
            name: pod["metadata"]["name"].as_str().unwrap().to_owned(),
            address: pod["status"]["podIP"].as_str().unwrap().parse().unwrap(),
        };
        self.pods().await.iter().map(replica).collect()
    }

    /// Waits until all Pods that are asked for are available, and no other is left.
    pub(crate) async fn until_rolled_out(&self) {
        wait_for("two replicas, and no other Pod", ROLLED_OUT, async || {
            let deployment = self.cluster.get(DEPLOYMENT).await.body;
            let status = &deployment["status"];
            let is_seen = status["observedGeneration"] == deployment["metadata"]["generation"];
            let counts = ["replicas", "updatedReplicas", "availableReplicas"];
            let is_done = counts.iter().all(|count| status[count] == 2);
            let pods = self.pods().await;
            let are_ready = pods.len() == 2 && pods.iter().all(is_ready);
            let states: Vec<_> = pods.iter().map(|pod| &pod["status"]).collect();
            let seen = || format!("{status}; {}", json!(states));
            (is_seen && is_done && are_ready)
                .then_some(())
                .ok_or_else(seen)
        })
        .await;
    }

    /// How often containers of these Pods were started again.
    pub(crate) async fn restarts(&self) -> u64 {
        let count = |pod: &Value| {
            let containers = pod["status"]["containerStatuses"].as_array();
            let counts = containers.into_iter().flatten();
            counts
                .map(|c| c["restartCount"].as_u64().unwrap())
                .sum::<u64>()
        };
        self.pods().await.iter().map(count).sum()
    }

    /// Prints what became of a load, and why: what the API server answered, and what it logged where it failed open.
    pub(crate) fn say(&self, what: &str, tally: &Tally) {
        say(&format!("  {what}: {tally}\n"));
        let logged = self.cluster.logged("failing open");
        let last = logged.iter().rev().take(tally.unplaced.len());
        for why in tally.failures.iter().chain(last).take(SHOWN) {
            say(&format!("    {why}\n"));
        }
        let AuditEvents::Recorded(events) = self.cluster.audit_events() else {
            panic!("the cluster is ours");
        };
        for name in tally.unplaced.iter().take(SHOWN) {
            let is_it = |event: &&Value| event["objectRef"]["name"] == name.as_str();
            let event = events.iter().rev().find(is_it);
            let annotations = event.map(|event| &event["annotations"]);
            say(&format!("    {name}: {}\n", json!(annotations)));
        }
    }

    /// Deletes the Pods that a step has created.
    pub(crate) async fn clear(&self) {
        let reply = self.cluster.delete(&pods(LOAD)).await;
        assert_eq!(reply.code, 200, "{reply:?}");
    }
}

/// Applies objects, as a user does.
pub(crate) async fn apply(cluster: &ControlPlane, objects: &str) {
    let arguments = ["apply", "--server-side", "-f", "-"];
    let output = cluster.kubectl_with_input(&arguments, objects).await;
    assert!(output.status.success(), "{output:?}");
}

// === impl Replica ===

impl Replica {
    /// All its metrics.
    pub(crate) async fn metrics(&self) -> Result<String, String> {
        let address = SocketAddr::new(self.address, 8080);
        match http::get_at(address, "/metrics").await? {
            (200, text) => Ok(text),
            (code, text) => Err(format!("{code} {text}")),
        }
    }
}
