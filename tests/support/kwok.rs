//! A simulated kubelet: Pods bound to its node become Running and Ready, with an address, though nothing runs.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::istio::tools;
use super::process::{Guard, Process};
use super::request::{is_ready, pods};
use super::{ControlPlane, wait_for};

/// kwok, and its node. Dropping it stops it; drop it before the control plane.
pub(crate) struct Kwok {
    _process: Process,
    _guard: Guard,
    _folder: TempDir,
}

/// The node that Pods are bound to.
const NODE: &str = "kwok";
const RUNNING: Duration = Duration::from_secs(20);

// === impl Kwok ===

impl Kwok {
    /// Starts it; when this returns its node is ready. The first start builds it, with Istio.
    pub(crate) async fn start(cluster: &ControlPlane) -> Self {
        let tools = tools().await;
        let prefix = "meshmode-kwok-";
        let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
        let guard = Guard::start(folder.path());
        let mut process = start_process(cluster, &tools, folder.path(), &guard);
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}});
        // An earlier one may have left it.
        let path = format!("/api/v1/nodes/{NODE}");
        cluster.server_side_apply(&path, &node).await.created();
        process
            .until_ready(async || {
                let node = cluster.get(&format!("/api/v1/nodes/{NODE}")).await.body;
                let is_ready = is_ready(&node).then_some(());
                is_ready.ok_or_else(|| node["status"].to_string())
            })
            .await;
        Self {
            _process: process,
            _guard: guard,
            _folder: folder,
        }
    }

    /// Binds a Pod to the node, as a scheduler does, and gives it as soon as it is Ready.
    pub(crate) async fn run(&self, cluster: &ControlPlane, namespace: &str, name: &str) -> Value {
        bind(cluster, namespace, name).await;
        let path = format!("{}/{name}", pods(namespace));
        let what = format!("Pod {namespace}/{name} being Ready");
        wait_for(&what, RUNNING, async || {
            let pod = cluster.get(&path).await.body;
            if is_ready(&pod) {
                return Ok(pod);
            }
            Err(pod["status"].to_string())
        })
        .await
    }

    /// [`Self::run`] for each Pod of `namespace` that has no node yet; gives their names.
    pub(crate) async fn run_all(&self, cluster: &ControlPlane, namespace: &str) -> Vec<String> {
        let list = cluster.get(&pods(namespace)).await;
        let pods = list.created()["items"].as_array().unwrap();
        let unbound = pods.iter().filter(|pod| pod["spec"]["nodeName"].is_null());
        let names = unbound.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned());
        let names: Vec<_> = names.collect();
        for name in &names {
            self.run(cluster, namespace, name).await;
        }
        names
    }
}

fn start_process(cluster: &ControlPlane, tools: &Path, folder: &Path, guard: &Guard) -> Process {
    let mut command = Command::new(tools.join("kwok"));
    command
        .env("HOME", folder)
        .arg(format!("--kubeconfig={}", cluster.kubeconfig().display()))
        .args(["--manage-all-nodes=true", "--cidr=10.1.0.0/16"])
        .arg("--config")
        .arg(tools.join("kwok-stages.yaml"));
    Process::start("kwok", &mut command, folder, guard)
}

async fn bind(cluster: &ControlPlane, namespace: &str, name: &str) {
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
        "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
    });
    let path = format!("{}/{name}/binding", pods(namespace));
    cluster.post(&path, &binding).await.created();
}
