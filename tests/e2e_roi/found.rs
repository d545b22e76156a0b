//! A Prometheus that nobody names: it is found by its Service in a real API server, and asked through that.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::cluster::{apply, as_account};
use super::clusters::{AT, WINDOW};
use super::command::roi_of_window;
use crate::support::manifests::list;
use crate::support::meshmode::binary;
use crate::support::prometheus::{Blocks, Prometheus};
use crate::support::ran::Ran;
use crate::support::report::Shown;
use crate::support::{ControlPlane, wait_for};

const NAMESPACE: &str = "monitoring";
const NAME: &str = "prometheus-server";
const SHOWN: &str = "monitoring/prometheus-server:80";
const FAILED: i32 = 3;
const PATIENCE: Duration = Duration::from_secs(20);

/// It is found, told, asked, and gives what it gives when it is named; and every way to miss it is said.
pub(crate) async fn through_the_api_server(blocks: &Blocks) -> Shown {
    let host = std::env::var("MESHMODE_NETNS_ADDRESS").expect(
        "MESHMODE_NETNS_ADDRESS is not set: run make e2e-roi, or the test by tests/netns.sh",
    );
    let cluster = ControlPlane::start().await;
    let folder = TempDir::new().unwrap();
    let admin = cluster.kubeconfig().to_str().unwrap().to_owned();
    roi(&admin, &[]).fails(&[
        "none of the",
        "looks like a Prometheus",
        "give --prometheus-url",
    ]);

    cluster.namespace(NAMESPACE, &json!({})).await;
    let prometheus = Prometheus::start_at(&host, blocks, "60s", &[], "").await;
    apply(&cluster, &list(&[service(), slice(&host, prometheus.port)])).await;
    let named = roi_of_window(&prometheus.url(), &["-o", "json"]);
    assert_eq!(named.code, Some(0), "{}", named.err);
    // The API server hears of the endpoints a moment later.
    let found = wait_for("the endpoints", PATIENCE, async || {
        let ran = roi(&admin, &["-o", "json"]);
        (ran.code == Some(0))
            .then_some(ran)
            .ok_or_else(|| "no report".to_owned())
    })
    .await;
    found.says(&["asking the Prometheus", NAMESPACE, NAME, "of the cluster"]);
    for figures in ["monthly", "saving", "bases", "roles"] {
        assert_eq!(found.json()[figures], named.json()[figures], "{figures}");
    }

    let with_thanos = {
        let mut thanos = service();
        thanos["metadata"]["name"] = json!("thanos-query");
        apply(&cluster, &list(&[thanos])).await;
        roi(&admin, &["-o", "json"])
    };
    assert_eq!(with_thanos.code, Some(0), "{}", with_thanos.err);
    with_thanos.says(&["not asked, though they look like one", "thanos-query"]);

    apply(&cluster, &list(&reader())).await;
    let reader = as_account(&cluster, NAMESPACE, "reader", folder.path()).await;
    roi(&reader, &[]).fails(&["does not let this user reach", "services/proxy"]);
    let stranger = as_account(&cluster, NAMESPACE, "default", folder.path()).await;
    roi(&stranger, &[]).fails(&["cannot look for a Prometheus", "the right to list services"]);

    drop(prometheus);
    roi(&admin, &[]).fails(&["the API server does not reach", SHOWN, "look at its Pods"]);
    Shown::Cases(6)
}

/// As a person runs it who names a cluster and no Prometheus.
fn roi(kubeconfig: &str, flags: &[&str]) -> Ran {
    let mut command = Command::new(binary());
    command
        .args(["roi", "--window", WINDOW, "--step", "5m", "--at", AT])
        .args(flags)
        .env_clear()
        .env("KUBECONFIG", kubeconfig);
    tokio::task::block_in_place(|| Ran::of(&mut command, b""))
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"ports": [{"name": "http", "port": 80}]},
    })
}

/// Where the Service leads: there is no controller that would make it.
fn slice(host: &str, port: u16) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": NAME, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": NAME},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [host], "conditions": {"ready": true}}],
    })
}

/// Somebody who may list Services, and not reach them.
fn reader() -> [Value; 3] {
    let name = json!({"name": "reader"});
    let group = "rbac.authorization.k8s.io";
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": NAMESPACE}}),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": name,
            "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": name,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": NAMESPACE}],
        }),
    ]
}

// === impl Ran ===

impl Ran {
    /// Nothing was reported, and this was said.
    #[track_caller]
    fn fails(&self, texts: &[&str]) {
        assert_eq!(
            (self.code, self.out.as_str()),
            (Some(FAILED), ""),
            "{}",
            self.err
        );
        self.says(texts);
    }
}
