//! A Prometheus that nobody names: it is found by its Service in a real API server, and asked through that.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::cluster::{apply, as_account};
use super::clusters::{AT, WINDOW};
use crate::support::manifests::list;
use crate::support::meshmode::binary;
use crate::support::prometheus::{Blocks, Prometheus};
use crate::support::ran::Ran;
use crate::support::report::Shown;
use crate::support::{ControlPlane, wait_for};

const NAMESPACE: &str = "monitoring";
const NAME: &str = "prometheus-server";
const SHOWN: &str = "Service monitoring/prometheus-server port 80";
const FIGURES: [&str; 5] = [
    "/monthly/now",
    "/monthly/allSidecar",
    "/saving/high",
    "/roles/waypoint/cost",
    "/bases/usage/monthly/now",
];
/// What rules and the report read.
const RESOURCES: [&str; 19] = [
    "namespaces",
    "pods",
    "services",
    "serviceaccounts",
    "configmaps",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "horizontalpodautoscalers",
    "gateways",
    "gatewayclasses",
    "authorizationpolicies",
    "requestauthentications",
    "envoyfilters",
    "wasmplugins",
    "sidecars",
];
const FAILED: i32 = 3;
const PATIENCE: Duration = Duration::from_secs(20);

/// It is found, told, asked, and gives what it gives when it is named; and every way to miss it is said.
pub(crate) async fn through_the_api_server(blocks: &Blocks) -> Shown {
    let host = std::env::var_os("MESHMODE_NETNS_ADDRESS").expect(
        "MESHMODE_NETNS_ADDRESS is not set: run make e2e-roi, or the test by tests/netns.sh",
    );
    let host = host.into_string().unwrap();
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
    apply(&cluster, &list(&[service()])).await;
    roi(&admin, &[]).fails(&[
        "the API server does not reach",
        SHOWN,
        "no endpoints available",
    ]);
    lead(&cluster, &host, prometheus.port).await;
    let url = prometheus.url();
    let named = roi(
        &admin,
        &["--prometheus-url", &url, "--cluster", "-o", "json"],
    );
    assert_eq!(named.code, Some(0), "{}", named.err);
    // The API server hears of the endpoints a moment later.
    let found = wait_for("the endpoints", PATIENCE, async || {
        let ran = roi(&admin, &["-o", "json"]);
        let failed = ran.err.clone();
        (ran.code == Some(0)).then_some(ran).ok_or(failed)
    })
    .await;
    found.says(&["asking the Prometheus", SHOWN, "of the cluster"]);
    for figure in FIGURES {
        let [through, named] =
            [&found, &named].map(|ran| ran.json().pointer(figure).unwrap().as_f64().unwrap());
        // A Prometheus that is asked again adds up in another order.
        assert!(
            (through - named).abs() <= named.abs() * 1e-9,
            "{figure}: {through}, not {named}"
        );
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
    roi(&stranger, &[]).fails(&["without --prometheus-url the cluster is asked", "forbidden"]);

    drop(prometheus);
    roi(&admin, &[]).fails(&["the API server does not reach", SHOWN, "look at its Pods"]);
    Shown::Cases(7)
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

/// Where the Service leads: an API server's proxy goes to Pods alone, by the address in their status. Neither a
/// controller nor a kubelet would write that here.
async fn lead(cluster: &ControlPlane, host: &str, port: u16) {
    let metadata = json!({
        "name": NAME, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": NAME},
    });
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [{"name": "prometheus", "image": "prometheus"}]},
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [{
            "addresses": [host],
            "conditions": {"ready": true},
            "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": NAME},
        }],
    });
    apply(cluster, &list(&[pod, slice])).await;
    let status = json!({"status": {"podIP": host, "podIPs": [{"ip": host}]}}).to_string();
    let patch = [
        "patch",
        "pod",
        NAME,
        "-n",
        NAMESPACE,
        "--subresource=status",
        "--type=merge",
        "-p",
        &status,
    ];
    let output = cluster.kubectl(&patch).await;
    assert!(output.status.success(), "{output:?}");
}

/// Somebody who may read all that is read, Services too, and not reach them.
fn reader() -> [Value; 3] {
    let name = json!({"name": "reader"});
    let group = "rbac.authorization.k8s.io";
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": NAMESPACE}}),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": name,
            "rules": [{"apiGroups": ["*"], "resources": RESOURCES, "verbs": ["get", "list", "watch"]}],
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
