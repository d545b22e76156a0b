//! That the Istio of the tests is what others rely on: it makes a waypoint Programmed, says what ztunnel would
//! receive, writes its judgement into the status of a policy, and installs what unit tests have recorded.

use std::time::Duration;

use meshmode::cluster::convert::{cni, injectors};
use serde_json::{Value, json};

use super::mesh::Mesh;
use crate::support::kwok::Kwok;
use crate::support::report::Shown;
use crate::support::request::{policies, policy};
use crate::support::wait_for;

const DEADLINE: Duration = Duration::from_secs(20);

/// A waypoint with a running Pod, and a policy that ztunnel would receive.
pub(crate) async fn works(mesh: &Mesh) -> Shown {
    let Mesh { cluster, istio, .. } = mesh;
    is_as_recorded(mesh).await;
    let kwok = Kwok::start(cluster).await;
    let namespace = "harness";
    cluster.namespace(namespace, &json!({})).await;
    let gateways = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/gateways");
    cluster.post(&gateways, &waypoint()).await.created();
    wait_for("the Pod of the waypoint", DEADLINE, async || {
        let names = kwok.run_all(cluster, namespace).await;
        (!names.is_empty()).then_some(())
    })
    .await;
    wait_for("the waypoint being Programmed", DEADLINE, async || {
        let gateway = cluster.get(&format!("{gateways}/waypoint")).await.body;
        let conditions = gateway["status"]["conditions"].clone();
        is_true(&conditions, "Programmed").ok_or(conditions)
    })
    .await;

    let spec = json!({"action": "DENY", "rules": [{"to": [{"operation": {"ports": ["8080"]}}]}]});
    let path = policies(namespace);
    cluster
        .post(&path, &policy("deny-port", &json!({}), &spec))
        .await
        .created();
    wait_for("the policy in ambientz", DEADLINE, async || {
        let policies = istio.ambientz().await["policies"].clone();
        let sent = policies.to_string().contains("deny-port");
        sent.then_some(()).ok_or(policies)
    })
    .await;
    wait_for("its status", DEADLINE, async || {
        let policy = cluster.get(&format!("{path}/deny-port")).await.body;
        let conditions = policy["status"]["conditions"].clone();
        is_true(&conditions, "ZtunnelAccepted").ok_or(conditions)
    })
    .await;
    Shown::Cases(5)
}

/// The objects that unit tests are made with say what this Istio's say.
async fn is_as_recorded(mesh: &Mesh) {
    let webhooks = include_str!("../data/istio/istio-sidecar-injector.json");
    let cni = include_str!("../data/istio/istio-cni-config.json");
    let facts = mesh.facts().await;
    let recorded = injectors::configuration(webhooks).unwrap().unwrap();
    let installed = facts.injectors.configurations();
    assert!(installed.contains(&recorded), "{installed:#?}");
    assert_eq!(cni::capture(cni).unwrap(), facts.capture);
}

fn waypoint() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "waypoint", "labels": {"istio.io/waypoint-for": "service"}},
        "spec": {
            "gatewayClassName": "istio-waypoint",
            "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}],
        },
    })
}

fn is_true(conditions: &Value, kind: &str) -> Option<()> {
    conditions
        .as_array()?
        .iter()
        .any(|condition| condition["type"] == kind && condition["status"] == "True")
        .then_some(())
}
