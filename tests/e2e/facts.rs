//! Facts out of watches of a real API server, with the rights that the manifests give and no more.

use std::collections::BTreeMap;
use std::path::Path;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use meshmode::authorization::Facts;
use meshmode::authorization::facts::{
    Binding, Fact, Readiness, Resource, Service, Target, WaypointState, WhyUnknown,
};
use meshmode::cluster::caches::State;
use meshmode::placement::facts::Source;
use meshmode::placement::facts::source::{Missing, Requirement};
use serde_json::{Value, json};

use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};
use crate::support::manifests::{list, render};
use crate::support::meshmode::{Meshmode, sample};
use crate::support::request::{Requests, merge, pod, pods};
use crate::support::wait_for;
use crate::support::watching::{PATIENCE, Watching};

const SERVICES: &str = "/api/v1/namespaces/facts/services";
const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/facts/gateways";
const ENTRIES: &str = "/apis/networking.istio.io/v1/namespaces/facts/serviceentries";

/// Namespaces, Pods, Services and Gateways as they come, change and go; CRDs that come later.
pub(crate) async fn seen(cluster: &Cluster) -> Shown {
    let reader = Reader::new(cluster, "facts-reader", |_| true).await;
    let watching = Watching::start(&reader.client().await).await;
    let states = watching.cluster.states();
    let forbidden: Vec<_> = states.those(State::Forbidden).collect();
    assert_eq!(forbidden, [], "with the rights of manifests/base");
    let with_crds = states.of(Resource::Gateways) == State::Following;
    workloads(cluster, &watching).await;
    mesh(cluster, &watching).await;
    if with_crds {
        return Shown::Partly(6, "the cluster has the CRDs of the Gateway API already");
    }
    let target = watching.target("facts", &to_gateway());
    assert_eq!(target, Fact::Known(Target::Missing), "no CRD, no Gateway");
    let nothing: Vec<String> = Vec::new();
    assert_eq!(
        required(&watching.cluster),
        Ok(nothing),
        "no CRD, no filter"
    );
    install_crds(cluster).await;
    for resource in Resource::ALL {
        watching.until_state(resource, State::Following).await;
    }
    waypoints(&cluster.control_plane, &watching).await;
    let filter = json!({
        "apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": {"name": "late"},
        "spec": {"workloadSelector": {"labels": {"app": "web"}}, "configPatches": [{"applyTo": "CLUSTER"}]},
    });
    let path = "/apis/networking.istio.io/v1alpha3/namespaces/facts/envoyfilters";
    cluster.control_plane.post(path, &filter).await.created();
    let expected = Ok(vec!["EnvoyFilter facts/late workload".to_owned()]);
    watching
        .until_said("an EnvoyFilter of a late CRD", expected, required)
        .await;
    Shown::Cases(14)
}

/// What asks for a proxy for the Pods `app: web`.
fn required(cluster: &meshmode::cluster::Cluster) -> Result<Vec<String>, Missing> {
    let found = cluster.requires("facts", &BTreeMap::from([("app", "web")]))?;
    let text = |one: &Requirement| {
        let [reason, scope] = [one.reason.as_str(), one.scope.as_str()];
        format!("{reason} {}/{} {scope}", one.namespace, one.name)
    };
    Ok(found.iter().map(text).collect())
}

/// The kinds of Istio and of the Gateway API, served.
pub(crate) async fn install_crds(cluster: &Cluster) {
    let crds = include_str!("../support/facts-crds.yaml");
    let apply = ["apply", "--server-side", "-f", "-"];
    let output = cluster.control_plane.kubectl_with_input(&apply, crds).await;
    assert!(output.status.success(), "{output:?}");
    wait_for("the kinds of Istio", PATIENCE, async || {
        let path = "/apis/networking.istio.io/v1alpha3/envoyfilters";
        let reply = cluster.control_plane.get(path).await;
        (reply.code == 200).then_some(()).ok_or(reply.body)
    })
    .await;
}

async fn workloads(cluster: &Cluster, watching: &Watching) {
    let mode = |mode: &str| json!({"istio.io/dataplane-mode": mode});
    cluster
        .control_plane
        .namespace("facts", &mode("ambient"))
        .await;
    let web = json!({"labels": {"app": "web"}});
    create_pod(cluster, "web-1", &web).await;
    let mut injected = web.clone();
    merge(
        &mut injected,
        &json!({"annotations": {"sidecar.istio.io/status": "{}"}}),
    );
    create_pod(cluster, "web-2", &injected).await;
    create_pod(cluster, "db-1", &json!({"labels": {"app": "db"}})).await;
    let until = async |what: &str, ambient: usize, sidecar: usize, outside: usize| {
        let spec = json!({"selector": {"matchLabels": {"app": "web"}}});
        let is_so = |facts: &Facts| {
            let selected = facts.selected.as_ref().known()?;
            let seen = [&selected.ambient, &selected.sidecar, &selected.outside];
            let seen = seen.map(|tally| tally.revisions);
            (seen == [ambient, sidecar, outside]).then_some(())
        };
        watching.until(what, "facts", &spec, is_so).await;
    };
    until("an ambient Pod and a sidecar", 1, 1, 0).await;
    cluster
        .control_plane
        .namespace("facts", &mode("none"))
        .await;
    until("a namespace that left the mesh", 0, 1, 1).await;
    let path = format!("{}/web-1", pods("facts"));
    let labelled = json!({"metadata": {"labels": mode("ambient")}});
    cluster
        .control_plane
        .patch(&path, &labelled)
        .await
        .created();
    until("a Pod's own label", 1, 1, 0).await;
    let now = format!("{path}?gracePeriodSeconds=0");
    cluster.control_plane.delete(&now).await.created();
    until("a deleted Pod", 0, 1, 0).await;
    cluster
        .control_plane
        .namespace("facts", &mode("ambient"))
        .await;
}

async fn mesh(cluster: &Cluster, watching: &Watching) {
    cluster.namespace("istio-system", None).await;
    let domain = |facts: &Facts| {
        let mesh = facts.mesh.as_ref().known()?;
        Some(mesh.trust_domain.clone())
    };
    let facts = watching.facts("facts", &json!({}));
    let missing = WhyUnknown::NotThere(Resource::MeshConfig);
    assert_eq!(facts.mesh, Fact::Unknown(missing));
    let map = |name: &str, mesh: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"mesh": mesh}});
    let path = "/api/v1/namespaces/istio-system/configmaps";
    let requests = &cluster.control_plane;
    requests
        .post(path, &map("other", "trustDomain: wrong.example"))
        .await
        .created();
    requests
        .post(path, &map("istio", "trustDomain: one.example"))
        .await
        .created();
    let is =
        |expected: &'static str| move |facts: &Facts| (domain(facts)? == expected).then_some(());
    watching
        .until("the mesh", "facts", &json!({}), is("one.example"))
        .await;
    let changed = json!({"data": {"mesh": "trustDomain: two.example"}});
    requests
        .patch(&format!("{path}/istio"), &changed)
        .await
        .created();
    watching
        .until("a changed mesh", "facts", &json!({}), is("two.example"))
        .await;
    requests.delete(&format!("{path}/istio")).await.created();
    requests.delete(&format!("{path}/other")).await.created();
}

/// A Service that asks for a waypoint which comes, becomes ready, and goes.
async fn waypoints(requests: &Requests, watching: &Watching) {
    let class = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
        "metadata": {"name": "istio-waypoint"}, "spec": {"controllerName": "istio.io/mesh-controller"},
    });
    let classes = "/apis/gateway.networking.k8s.io/v1/gatewayclasses";
    requests.post(classes, &class).await.created();
    let asks = json!({"name": "web", "labels": {"istio.io/use-waypoint": "waypoint"}});
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": asks,
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    requests.post(SERVICES, &service).await.created();
    let entry = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": asks,
        "spec": {"hosts": ["web.example"]},
    });
    requests.post(ENTRIES, &entry).await.created();
    until_bound(watching, WaypointState::Missing).await;
    requests.post(GATEWAYS, &gateway()).await.created();
    until_bound(watching, WaypointState::NotReady).await;
    let status = json!({"status": {"addresses": [{"type": "IPAddress", "value": "10.0.0.7"}]}});
    let path = format!("{GATEWAYS}/waypoint");
    requests
        .patch(&format!("{path}/status"), &status)
        .await
        .created();
    until_bound(watching, WaypointState::Ready).await;
    let Fact::Known(Target::Gateway(found)) = watching.target("facts", &to_gateway()) else {
        panic!("it is a Gateway");
    };
    assert_eq!(found.readiness, Readiness::Ready);
    let services = found.services.known().unwrap();
    assert_eq!(services.len(), 2, "the Service and the ServiceEntry");
    requests.delete(&path).await.created();
    until_bound(watching, WaypointState::Missing).await;
    requests.post(GATEWAYS, &gateway()).await.created();
}

/// The Service and the ServiceEntry `facts/web`.
async fn until_bound(watching: &Watching, expected: WaypointState) {
    for (group, kind) in [("", "Service"), ("networking.istio.io", "ServiceEntry")] {
        let spec = json!({"targetRefs": [{"group": group, "kind": kind, "name": "web"}]});
        let what = format!("{kind} web and its waypoint {expected:?}");
        let is_so = |facts: &Facts| {
            let Fact::Known(Target::Service(service)) = facts.target(0) else {
                return None;
            };
            (state(service)? == expected).then_some(())
        };
        watching.until(&what, "facts", &spec, is_so).await;
    }
}

fn state(service: &Service) -> Option<WaypointState> {
    match &service.binding {
        Binding::Bound { state, .. } => Some(state.clone()),
        Binding::None | Binding::OptedOut | Binding::OfWaypoint => None,
    }
}

/// The API server goes away, and things change while nobody looks.
pub(crate) async fn recovered(cluster: &mut Cluster) -> Shown {
    if !cluster.control_plane.is_local() {
        return Shown::Skipped(LOCAL_ONLY);
    }
    let reader = Reader::new(cluster, "facts-reader", |_| true).await;
    let watching = Watching::start(&reader.client().await).await;
    let selected = || watching.selected("facts", &json!({"app": "db"})).known();
    let before = selected().unwrap();
    assert_eq!(before.ambient.revisions, 1);
    cluster.control_plane.stop_apiserver().await;
    watching.until_state(Resource::Pods, State::Behind).await;
    assert_eq!(selected().unwrap(), before, "what was last known is used");
    let facts = watching.facts("facts", &json!({}));
    assert!(
        facts.behind.contains(&Resource::Pods),
        "and said: {:?}",
        facts.behind
    );
    cluster.control_plane.start_apiserver().await;
    create_pod(
        cluster,
        "db-2",
        &json!({"labels": {"app": "db", "second": "yes"}}),
    )
    .await;
    let spec = json!({"selector": {"matchLabels": {"app": "db"}}});
    let both =
        |facts: &Facts| (facts.selected.as_ref().known()?.ambient.revisions == 2).then_some(());
    watching
        .until("the Pod that came meanwhile", "facts", &spec, both)
        .await;
    for resource in Resource::ALL {
        watching.until_state(resource, State::Following).await;
    }
    Shown::Cases(4)
}

/// A kind that may not be read leaves the others alone, and is read as soon as it may be.
pub(crate) async fn without_a_right(cluster: &Cluster) -> Shown {
    let may_not = |resource: &str| resource != "pods";
    let reader = Reader::new(cluster, "facts-half", may_not).await;
    let watching = Watching::start(&reader.client().await).await;
    let states = watching.cluster.states();
    assert_eq!(
        states.those(State::Forbidden).collect::<Vec<_>>(),
        [Resource::Pods]
    );
    assert_eq!(
        states.those(State::Following).count(),
        Resource::ALL.len() - 1
    );
    let why = WhyUnknown::Forbidden(Resource::Pods);
    let selected = watching.selected("facts", &json!({"app": "db"}));
    assert_eq!(selected, Fact::Unknown(why));
    let target = watching.target("facts", &to_gateway());
    assert!(
        matches!(target, Fact::Known(Target::Gateway(_))),
        "{target:?}"
    );
    Reader::new(cluster, "facts-half", |_| true).await;
    watching.until_state(Resource::Pods, State::Following).await;
    let selected = watching.selected("facts", &json!({"app": "db"}));
    assert!(matches!(selected, Fact::Known(_)), "{selected:?}");
    Shown::Cases(4)
}

/// The program itself: ready once it knows, and its metrics say what.
pub(crate) async fn program(cluster: &Cluster) -> Shown {
    let Program::Ours(_) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    let reader = Reader::new(cluster, "facts-half", |resource| resource != "pods").await;
    let folder = tempfile::tempdir().unwrap();
    let mut program = Meshmode::start_with(&reader.flags(folder.path())).await;
    let metrics = program.metrics().await;
    let watch = |resource: &str, state: &str| {
        let series = format!("meshmode_cluster_watch{{resource=\"{resource}\",state=\"{state}\"}}");
        sample(&metrics, &series)
    };
    for (resource, state) in [
        ("pods", "forbidden"),
        ("namespaces", "following"),
        ("services", "following"),
    ] {
        assert!(
            (watch(resource, state) - 1.0).abs() < 0.5,
            "{resource}: {metrics}"
        );
    }
    let namespaces = sample(
        &metrics,
        "meshmode_cluster_objects{resource=\"namespaces\"}",
    );
    assert!(namespaces >= 4.0, "{metrics}");
    program.stop().await;
    Shown::Cases(5)
}

/// Who reads: a ServiceAccount with the rights that `manifests/base` gives, as far as `may` lets.
pub(crate) struct Reader(pub(crate) Kubeconfig);

impl Reader {
    pub(crate) async fn new(cluster: &Cluster, name: &str, may: impl Fn(&str) -> bool) -> Self {
        let control_plane = &cluster.control_plane;
        let objects = render(control_plane, "base").await;
        let mut role = objects
            .iter()
            .find(|o| o["kind"] == "ClusterRole")
            .unwrap()
            .clone();
        role["metadata"]["name"] = json!(name);
        for rule in role["rules"].as_array_mut().unwrap() {
            let resources = rule["resources"].as_array_mut().unwrap();
            resources.retain(|resource| may(resource.as_str().unwrap()));
        }
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}});
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}],
        });
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        let objects = list(&[role, account, binding]);
        let output = control_plane.kubectl_with_input(&apply, &objects).await;
        assert!(output.status.success(), "{output:?}");
        let request =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let path = format!("/api/v1/namespaces/default/serviceaccounts/{name}/token");
        let token = control_plane.post(&path, &request).await;
        let token = token.created()["status"]["token"]
            .as_str()
            .unwrap()
            .to_owned();

        let mut kubeconfig = Kubeconfig::read_from(control_plane.kubeconfig()).unwrap();
        for user in &mut kubeconfig.auth_infos {
            user.auth_info = Some(serde_json::from_value(json!({"token": token})).unwrap());
        }
        Self(kubeconfig)
    }

    /// How the program is told to read with these rights; the file is written into `folder`.
    pub(crate) fn flags(&self, folder: &Path) -> [String; 2] {
        let file = folder.join("kubeconfig");
        std::fs::write(&file, serde_json::to_string(&self.0).unwrap()).unwrap();
        [
            "--cluster=required".to_owned(),
            format!("--kubeconfig={}", file.display()),
        ]
    }

    /// A client, once the API server knows of the rights.
    pub(crate) async fn client(&self) -> Client {
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(self.0.clone(), &options).await;
        let client = Client::try_from(config.unwrap()).unwrap();
        let requests = Requests(client.clone());
        wait_for("rights", PATIENCE, async || {
            let reply = requests.get("/api/v1/namespaces").await;
            (reply.code == 200).then_some(()).ok_or(reply.body)
        })
        .await;
        client
    }
}

async fn create_pod(cluster: &Cluster, name: &str, metadata: &Value) {
    let pod = pod(name, metadata);
    cluster
        .control_plane
        .post(&pods("facts"), &pod)
        .await
        .created();
}

fn to_gateway() -> Value {
    json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"})
}

fn gateway() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "waypoint", "namespace": "facts"},
        "spec": {
            "gatewayClassName": "istio-waypoint",
            "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}],
        },
    })
}
