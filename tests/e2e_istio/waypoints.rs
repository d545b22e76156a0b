//! Waypoints: what we say of Services, workloads and policies is what istiod says in their conditions and in
//! what ztunnel would receive.

mod attached;
mod services;
mod workloads;

use std::time::Duration;

use meshmode::authorization::facts::Resource;
use meshmode::cluster::caches::State;
use serde_json::{Value, json};

use super::mesh::Mesh;
use crate::support::ControlPlane;
use crate::support::kwok::Kwok;
use crate::support::report::Shown;
use crate::support::request::{merge, pods, policies, policy};
use crate::support::wait_for;
use crate::support::watching::Watching;

/// Where the waypoints are.
const INFRA: &str = "wp-infra";
const GATEWAY_API: &str = "gateway.networking.k8s.io";
const DEADLINE: Duration = Duration::from_secs(60);

/// The waypoints: name, `istio.io/waypoint-for`, and `allowedRoutes` of the listener.
const WAYPOINTS: [(&str, &str, &str); 7] = [
    ("services", "service", "All"),
    ("workloads", "workload", "All"),
    ("both", "all", "All"),
    ("nothing", "none", "All"),
    ("own", "service", "Same"),
    ("team", "service", "Selector"),
    (UNREADY, "service", "All"),
];
/// Its Pod never runs.
const UNREADY: &str = "unready";

/// The namespaces of Services and workloads, with their labels.
fn namespaces() -> Vec<(&'static str, Value)> {
    let asks = |waypoint: &str| json!({"istio.io/use-waypoint": waypoint, "istio.io/use-waypoint-namespace": INFRA});
    let mut team = asks("team");
    merge(&mut team, &json!({"team": "a"}));
    vec![
        (INFRA, json!({})),
        ("wp-plain", json!({})),
        ("wp-services", asks("services")),
        ("wp-workloads", asks("workloads")),
        ("wp-both", asks("both")),
        ("wp-nothing", asks("nothing")),
        ("wp-team", team),
        ("wp-not-team", asks("team")),
        ("wp-missing", json!({"istio.io/use-waypoint": "missing"})),
        ("wp-none", json!({"istio.io/use-waypoint": "none"})),
    ]
}

/// What a Service or a Pod asks for itself, by the name that it gets.
fn wishes() -> Vec<(String, Value)> {
    let mut wishes = vec![
        ("plain".to_owned(), json!({})),
        (
            "opted-out".to_owned(),
            json!({"istio.io/use-waypoint": "none"}),
        ),
        (
            "same-namespace".to_owned(),
            json!({"istio.io/use-waypoint": "services"}),
        ),
        (
            "not-there".to_owned(),
            json!({"istio.io/use-waypoint": "gone", "istio.io/use-waypoint-namespace": INFRA}),
        ),
    ];
    wishes.extend(WAYPOINTS.map(|(name, _, _)| {
        let labels =
            json!({"istio.io/use-waypoint": name, "istio.io/use-waypoint-namespace": INFRA});
        (format!("to-{name}"), labels)
    }));
    wishes
}

/// Everything, compared.
pub(crate) async fn agrees(mesh: &Mesh) -> Shown {
    let Mesh { cluster, .. } = mesh;
    let kwok = Kwok::start(cluster).await;
    for (name, labels) in namespaces() {
        cluster.namespace(name, &labels).await;
    }
    waypoints(cluster, &kwok).await;
    let watching = Watching::start(&cluster.client()).await;
    let following = watching.cluster.states().those(State::Following).count();
    assert_eq!(following, Resource::ALL.len(), "with all of Istio's CRDs");
    create(cluster).await;
    let services = services::agree(cluster, &watching).await;
    let policies = attached::agree(cluster, &watching).await;
    let workloads = workloads::agree(mesh, &kwok, &watching).await;
    Shown::Cases(services + policies + workloads)
}

/// The Gateways, whose Pods run but for those of one.
async fn waypoints(cluster: &ControlPlane, kwok: &Kwok) {
    let gateways = format!("/apis/{GATEWAY_API}/v1/namespaces/{INFRA}/gateways");
    for (name, traffic, from) in WAYPOINTS {
        let selector = json!({"matchLabels": {"team": "a"}});
        let mut namespaces = json!({"from": from});
        if from == "Selector" {
            namespaces["selector"] = selector;
        }
        let gateway = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": name, "labels": {"istio.io/waypoint-for": traffic}},
            "spec": {"gatewayClassName": "istio-waypoint", "listeners": [
                {"name": "mesh", "port": 15008, "protocol": "HBONE", "allowedRoutes": {"namespaces": namespaces}}]},
        });
        cluster.post(&gateways, &gateway).await.created();
    }
    wait_for("the Pods of the waypoints", DEADLINE, async || {
        let list = cluster.get(&pods(INFRA)).await.body;
        let found = list["items"].as_array().unwrap().clone();
        if found.len() < WAYPOINTS.len() {
            return Err(format!("{} Pods", found.len()));
        }
        for pod in found {
            let name = pod["metadata"]["name"].as_str().unwrap();
            if pod["spec"]["nodeName"].is_null() && !name.starts_with(UNREADY) {
                kwok.run(cluster, INFRA, name).await;
            }
        }
        Ok(())
    })
    .await;
    for (name, _, _) in WAYPOINTS
        .into_iter()
        .filter(|(name, _, _)| *name != UNREADY)
    {
        wait_for(&format!("the address of {name}"), DEADLINE, async || {
            let status = cluster.get(&format!("{gateways}/{name}")).await.body["status"].clone();
            let addresses = status["addresses"].as_array().map_or(0, Vec::len);
            (addresses > 0).then_some(()).ok_or(status)
        })
        .await;
    }
}

/// A Service and a ServiceEntry of each wish in each namespace, and a policy for each.
async fn create(cluster: &ControlPlane) {
    for (namespace, _) in namespaces() {
        for (index, (name, labels)) in wishes().into_iter().enumerate() {
            let metadata = json!({"name": name, "labels": labels});
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata,
                "spec": {"selector": {"only-by-service": "x"}, "ports": [{"name": "http", "port": 80}]}});
            let path = format!("/api/v1/namespaces/{namespace}/services");
            cluster.post(&path, &service).await.created();
            let entry = json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": metadata,
                "spec": {"hosts": [format!("h{index}.{namespace}.example")], "location": "MESH_EXTERNAL",
                    "resolution": "DNS", "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]}});
            let path =
                format!("/apis/networking.istio.io/v1/namespaces/{namespace}/serviceentries");
            cluster.post(&path, &entry).await.created();
            for (group, kind) in SERVICES {
                let reference = json!({"group": group, "kind": kind, "name": name});
                attach(cluster, namespace, &policy_of(kind, &name), &[reference]).await;
            }
        }
    }
}

const SERVICES: [(&str, &str); 2] = [("", "Service"), ("networking.istio.io", "ServiceEntry")];

fn policy_of(kind: &str, name: &str) -> String {
    format!("{}-{name}", kind.to_lowercase())
}

async fn attach(cluster: &ControlPlane, namespace: &str, name: &str, refs: &[Value]) {
    let spec =
        json!({"targetRefs": refs, "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]});
    let policy = policy(name, &json!({}), &spec);
    cluster.post(&policies(namespace), &policy).await.created();
}

fn of_condition(object: &Value, kind: &str) -> Option<(String, String)> {
    let conditions = object["status"]["conditions"].as_array()?;
    let found = conditions
        .iter()
        .find(|condition| condition["type"] == kind)?;
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    Some((text("status"), text("reason")))
}
