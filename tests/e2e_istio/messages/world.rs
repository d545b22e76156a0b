//! Namespaces, Pods, Services and waypoints that policies of the cases meet.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::mesh::Mesh;
use crate::support::ControlPlane;
use crate::support::kwok::Kwok;
use crate::support::request::{pod, pods};
use crate::support::wait_for;

/// Ambient workloads, Services, and one workload with a sidecar.
pub(super) const SHOP: &str = "msg-shop";
/// Workloads with sidecars, and nothing else.
pub(super) const SIDECARS: &str = "msg-sidecars";
/// Where the waypoints are.
pub(super) const INFRA: &str = "msg-waypoints";
/// Ambient workloads, where istiod's own validation is not asked: as where it is away, which fails open.
pub(super) const UNVALIDATED: &str = "msg-unvalidated";
/// Not in the scope of meshmode.
pub(super) const UNASKED: &str = "msg-unasked";

const DEADLINE: Duration = Duration::from_secs(60);
const GATEWAY_API: &str = "/apis/gateway.networking.k8s.io/v1";

/// Name, class, `istio.io/waypoint-for`, `allowedRoutes` of the listener, and whether its Pod runs.
const WAYPOINTS: [(&str, &str, &str, &str, Pods); 6] = [
    ("ready", "istio-waypoint", "service", "All", Pods::Run),
    ("own", "istio-waypoint", "service", "Same", Pods::Run),
    ("workloads", "istio-waypoint", "workload", "All", Pods::Run),
    ("unused", "istio-waypoint", "service", "All", Pods::Run),
    ("unready", "istio-waypoint", "service", "All", Pods::Pending),
    ("foreign", "somebodys", "service", "All", Pods::None),
];

/// What becomes of the Pods of a Gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pods {
    Run,
    Pending,
    None,
}

/// Name, the waypoint that it asks for, and the Pods that it selects.
const SERVICES: [(&str, Option<&str>, &str); 8] = [
    ("plain", None, "none"),
    ("opted-out", Some("none"), "none"),
    ("to-missing", Some("missing"), "none"),
    ("to-unready", Some("unready"), "none"),
    ("to-own", Some("own"), "none"),
    ("to-workloads", Some("workloads"), "none"),
    ("to-ready", Some("ready"), "behind"),
    ("mixed", Some("ready"), "legacy"),
];

/// Creates all of it; the waypoints are ready when this returns, but for the one that never is.
pub(super) async fn create(mesh: &Mesh) -> Kwok {
    let cluster = &mesh.cluster;
    let kwok = Kwok::start(cluster).await;
    for name in [SHOP, SIDECARS, INFRA, UNVALIDATED] {
        mesh.namespace(name, &json!({})).await;
    }
    cluster.namespace(UNASKED, &json!({})).await;
    without_validation(cluster).await;
    workloads(cluster).await;
    services(cluster).await;
    waypoints(cluster, &kwok).await;
    kwok
}

/// Leaves one namespace out of istiod's validation.
async fn without_validation(cluster: &ControlPlane) {
    const PATH: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    for name in ["istio-validator-istio-system", "istiod-default-validator"] {
        let path = format!("{PATH}/{name}");
        let mut webhooks = cluster.get(&path).await.created()["webhooks"].clone();
        for webhook in webhooks.as_array_mut().unwrap() {
            webhook["namespaceSelector"] = json!({"matchExpressions": [{
                "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [UNVALIDATED],
            }]});
        }
        let change = json!({"webhooks": webhooks});
        cluster.patch(&path, &change).await.created();
    }
}

async fn workloads(cluster: &ControlPlane) {
    let sidecar = json!({"sidecar.istio.io/status": "{}"});
    let gateway = json!({"sidecar.istio.io/status": "{}", "inject.istio.io/templates": "gateway"});
    for (namespace, app, annotations) in [
        (SHOP, "web", json!({})),
        (SHOP, "behind", json!({})),
        (SHOP, "legacy", sidecar.clone()),
        (SIDECARS, "web", sidecar),
        (UNVALIDATED, "web", json!({})),
        (INFRA, "ingress", gateway),
    ] {
        let metadata = json!({"labels": {"app": app}, "annotations": annotations});
        let pod = pod(app, &metadata);
        cluster.post(&pods(namespace), &pod).await.created();
    }
}

async fn services(cluster: &ControlPlane) {
    for (name, waypoint, app) in SERVICES {
        let labels = match waypoint {
            None => json!({}),
            Some("none") => json!({"istio.io/use-waypoint": "none"}),
            Some(name) => {
                json!({"istio.io/use-waypoint": name, "istio.io/use-waypoint-namespace": INFRA})
            }
        };
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": labels},
            "spec": {"selector": {"app": app}, "ports": [{"name": "http", "port": 80}]},
        });
        let path = format!("/api/v1/namespaces/{SHOP}/services");
        cluster.post(&path, &service).await.created();
    }
}

async fn waypoints(cluster: &ControlPlane, kwok: &Kwok) {
    let class = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": {"name": "somebodys"}, "spec": {"controllerName": "example.com/somebody"},
    });
    let classes = format!("{GATEWAY_API}/gatewayclasses");
    cluster.post(&classes, &class).await.created();
    let gateways = format!("{GATEWAY_API}/namespaces/{INFRA}/gateways");
    for (name, class, traffic, from, _) in WAYPOINTS {
        let gateway = gateway(name, class, traffic, from);
        cluster.post(&gateways, &gateway).await.created();
    }
    let running = WAYPOINTS
        .into_iter()
        .filter(|(.., pods)| *pods == Pods::Run);
    for (name, ..) in running {
        let label = format!("labelSelector=gateway.networking.k8s.io/gateway-name={name}");
        let path = format!("{}?{label}", pods(INFRA));
        let pod = wait_for(&format!("the Pod of {name}"), DEADLINE, async || {
            let list = cluster.get(&path).await.body;
            let pod = list["items"][0]["metadata"]["name"].as_str();
            pod.map(str::to_owned)
        })
        .await;
        kwok.run(cluster, INFRA, &pod).await;
        wait_for(&format!("the address of {name}"), DEADLINE, async || {
            let status = cluster.get(&format!("{gateways}/{name}")).await.body["status"].clone();
            let addresses = status["addresses"].as_array().map_or(0, Vec::len);
            (addresses > 0).then_some(()).ok_or(status)
        })
        .await;
    }
}

/// A Gateway, which is a waypoint by its class.
pub(super) fn gateway(name: &str, class: &str, traffic: &str, from: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": name, "labels": {"istio.io/waypoint-for": traffic}},
        "spec": {"gatewayClassName": class, "listeners": [{
            "name": "mesh", "port": 15008, "protocol": "HBONE",
            "allowedRoutes": {"namespaces": {"from": from}},
        }]},
    })
}
