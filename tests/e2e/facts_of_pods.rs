//! What placements ask of a cluster, answered out of watches of a real API server.

use std::collections::BTreeMap;
use std::env;
use std::time::{Duration, Instant};

use kube::Client;
use kube::config::Config;
use meshmode::cluster::Cluster as Known;
use meshmode::cluster::caches::State;
use meshmode::placement::facts::source::{Missing, Siblings};
use meshmode::placement::facts::{Field, Fields, Resource, Source};
use meshmode::placement::workload::{RevisionRef, WorkloadRef};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::facts::Reader;
use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};
use crate::support::meshmode::{Meshmode, sample};
use crate::support::request::{Requests, pods};
use crate::support::wait_for;
use crate::support::watching::{PATIENCE, Watching};

const NAMESPACE: &str = "workloads";
/// For which the API server is stopped while reviews go on.
const AWAY: Duration = Duration::from_secs(60);

/// Namespaces, workloads, autoscalers and waypoints as they come and change, each as soon as a rule reads it.
pub(crate) async fn answers(cluster: &Cluster) -> Shown {
    let reader = Reader::new(cluster, "facts-reader", |_| true).await;
    let requests = &cluster.control_plane;
    cluster.namespace(NAMESPACE, None).await;
    let watching = Watching::start_for(&reader.client().await, Fields::NONE).await;
    let states = watching.cluster.states();
    assert_eq!(states.of(Resource::Deployments), State::NotWatched);
    let missing = replicas(&watching.cluster, "Deployment", "web").unwrap_err();
    assert_eq!(missing, Missing::NotWatched(Resource::Deployments));

    namespace(requests, &watching).await;
    replicas_change(requests, &watching).await;
    // What no rule reads any more is given up, all else stays.
    watching.fields.send_replace(Fields::NONE);
    watching
        .until_state(Resource::Deployments, State::NotWatched)
        .await;
    let states = watching.cluster.states();
    assert_eq!(states.of(Resource::Namespaces), State::Following);
    waypoint(requests, &watching).await;
    Shown::Cases(14)
}

/// Annotations are there as soon as a rule reads them, labels always.
async fn namespace(requests: &Requests, watching: &Watching) {
    let path = format!("/api/v1/namespaces/{NAMESPACE}");
    let annotated = |mode: &str| json!({"metadata": {"annotations": {"meshmode.io/mode": mode}, "labels": {"team": mode}}});
    requests.patch(&path, &annotated("sidecar")).await.created();
    let said = |known: &Known| {
        let namespace = known.namespace(NAMESPACE).ok()?;
        let text = |text: Option<&str>| text.map(str::to_owned);
        let annotation = namespace.annotations.get("meshmode.io/mode");
        Some((text(namespace.labels.get("team")), text(annotation)))
    };
    let sidecar = Some("sidecar".to_owned());
    let expected = Some((sidecar.clone(), None));
    watching.until_said("its label", expected, said).await;
    let read = Fields::NONE.with(Field::NamespaceAnnotations);
    watching.fields.send_replace(read);
    let expected = Some((sidecar.clone(), sidecar));
    watching.until_said("its annotation", expected, said).await;
    requests.patch(&path, &annotated("none")).await.created();
    let none = Some("none".to_owned());
    let expected = Some((none.clone(), none));
    watching.until_said("another", expected, said).await;
}

async fn replicas_change(requests: &Requests, watching: &Watching) {
    let read = [Field::MaxReplicas, Field::WorkloadLabels];
    watching.fields.send_replace(read.into_iter().collect());
    for resource in Field::MaxReplicas.resources().iter() {
        watching.until_state(resource, State::Following).await;
    }
    let of = |name: &'static str| move |known: &Known| replicas(known, "Deployment", name);
    let new = replicas(&watching.cluster, "Deployment", "web").unwrap_err();
    assert!(matches!(new, Missing::NotSeen { .. }), "{new:?}");
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");
    requests.post(&path, &deployment("web", 1)).await.created();
    let said = |replicas, most| Ok((Some(replicas), Some(most)));
    watching.until_said("created", said(1, 1), of("web")).await;
    let scale = json!({"spec": {"replicas": 11}});
    let scaled = format!("{path}/web/scale");
    requests.patch(&scaled, &scale).await.created();
    watching.until_said("scaled", said(11, 11), of("web")).await;
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {"minReplicas": 1, "maxReplicas": 30, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    });
    let scalers = format!("/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers");
    requests.post(&scalers, &scaler).await.created();
    watching
        .until_said("an autoscaler", said(11, 30), of("web"))
        .await;
    requests.delete(&format!("{scalers}/web")).await.created();
    watching
        .until_said("no autoscaler", said(11, 11), of("web"))
        .await;
    let labels = watching.cluster.workload(&named("Deployment", "web"));
    assert_eq!(labels.unwrap().labels.get("team"), Some("a"));
    requests.delete(&format!("{path}/web")).await.created();
    wait_for("a Deployment that is gone", PATIENCE, async || {
        let said = replicas(&watching.cluster, "Deployment", "web");
        match said {
            Err(Missing::NotSeen { .. }) => Ok(()),
            Ok(_) | Err(_) => Err(format!("{said:?}")),
        }
    })
    .await;
}

async fn waypoint(requests: &Requests, watching: &Watching) {
    let said = |known: &Known| {
        let found = known.waypoint(NAMESPACE, &BTreeMap::from([("app", "web")]));
        let found = found.unwrap()?;
        Some((found.name.into_string(), found.traffic.map(String::from)))
    };
    watching.until_said("no waypoint", None, said).await;
    let path = format!("/api/v1/namespaces/{NAMESPACE}");
    let asks = json!({"metadata": {"labels": {"istio.io/use-waypoint": "w"}}});
    requests.patch(&path, &asks).await.created();
    let expected = Some(("w".to_owned(), None));
    watching.until_said("one to come", expected, said).await;
    let gateway = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "w", "labels": {"istio.io/waypoint-for": "all"}},
        "spec": {"gatewayClassName": "istio-waypoint", "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]},
    });
    let gateways = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/gateways");
    requests.post(&gateways, &gateway).await.created();
    let expected = Some(("w".to_owned(), Some("all".to_owned())));
    watching.until_said("one for all", expected, said).await;
}

/// Pods of a Deployment that the program placed, and Pods that nobody was asked about.
pub(crate) async fn siblings(cluster: &Cluster) -> Shown {
    let reader = Reader::new(cluster, "facts-reader", |_| true).await;
    let watching = Watching::start_for(&reader.client().await, Fields::NONE).await;
    let requests = &cluster.control_plane;
    for (namespace, scope, expected) in [
        ("siblings", Some("enabled"), "ambient"),
        ("siblings-unasked", None, "unplaced"),
    ] {
        cluster.namespace(namespace, scope).await;
        requests.wait_for_namespace(namespace).await;
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
        requests.post(&path, &deployment("web", 2)).await.created();
        let pod = wait_for("its Pods", PATIENCE, async || {
            let list = requests.get(&pods(namespace)).await.body;
            let items = list["items"].as_array().unwrap();
            (items.len() == 2).then(|| items[0].clone()).ok_or(list)
        })
        .await;
        let owner = pod["metadata"]["ownerReferences"][0]["uid"]
            .as_str()
            .unwrap()
            .to_owned();
        let hash = &pod["metadata"]["labels"]["pod-template-hash"];
        let hash = hash.as_str().unwrap().to_owned();
        let said = |known: &Known| {
            let revision = RevisionRef {
                owner: owner.as_str().into(),
                hash: hash.as_str().into(),
            };
            known
                .siblings(&revision, &|_, _| true)
                .map_or_else(|missing| missing.to_string(), words)
        };
        watching
            .until_said(namespace, expected.to_owned(), said)
            .await;
        let workload = WorkloadRef {
            namespace: namespace.into(),
            ..named("Deployment", "web")
        };
        assert_eq!(words(watching.cluster.running(&workload)), expected);
        requests.delete(&format!("{path}/web")).await.created();
    }
    let unplaced = watching.cluster.unplaced().unwrap();
    assert!(unplaced.other >= 2, "{unplaced:?}");
    Shown::Cases(5)
}

fn words(siblings: Option<Siblings>) -> String {
    match siblings {
        None => "none".to_owned(),
        Some(Siblings::Unplaced) => "unplaced".to_owned(),
        Some(Siblings::Placed(decided)) => decided.mode.to_string(),
    }
}

/// The API server is stopped for a minute while reviews come without pause: each is answered, the metrics say since
/// when what is known is old, and it is followed again without anybody's help.
pub(crate) async fn a_minute_away(cluster: &mut Cluster) -> Shown {
    if env::var_os("MESHMODE_E2E_LONG").is_none() {
        return Shown::Skipped(
            "takes a minute and a half: MESHMODE_E2E_LONG=1 asks for it, as CI does",
        );
    }
    let Program::Ours(_) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    let reader = Reader::new(cluster, "facts-reader", |_| true).await;
    // What the reviews' namespace says is the fact that decides about them.
    cluster.namespace("shop", None).await;
    let annotated = json!({"metadata": {"annotations": {"meshmode.io/mode": "none"}}});
    let path = "/api/v1/namespaces/shop";
    cluster
        .control_plane
        .patch(path, &annotated)
        .await
        .created();
    let folder = tempfile::tempdir().unwrap();
    let mut program = Meshmode::start_with(&reader.flags(folder.path())).await;
    let reviewer = reviewer(&program);
    let before = program.metrics().await;
    assert!(behind(&before, "pods") < 0.5, "{before}");
    let objects =
        |metrics: &str| sample(metrics, "meshmode_cluster_objects{resource=\"namespaces\"}");
    cluster.control_plane.stop_apiserver().await;
    let start = Instant::now();
    let mut reviews = 0;
    while start.elapsed() < AWAY {
        reviewed(&reviewer).await;
        reviews += 1;
    }
    let away = program.metrics().await;
    assert!(behind(&away, "pods") > 1e9, "{away}");
    assert!((objects(&away) - objects(&before)).abs() < 0.5, "{away}");
    cluster.control_plane.start_apiserver().await;
    wait_for("what is followed again", PATIENCE, async || {
        reviewed(&reviewer).await;
        let metrics = program.metrics().await;
        let old = Resource::ALL.map(|resource| behind(&metrics, resource.as_str()));
        let all = old.into_iter().all(|since| since < 0.5);
        all.then_some(()).ok_or(format!("{old:?}"))
    })
    .await;
    program.stop().await;
    Shown::Cases(reviews)
}

fn behind(metrics: &str, resource: &str) -> f64 {
    let series =
        format!("meshmode_cluster_behind_since_timestamp_seconds{{resource=\"{resource}\"}}");
    sample(metrics, &series)
}

/// Asks the program itself, as the API server does.
fn reviewer(program: &Meshmode) -> Client {
    let endpoint = program.endpoint();
    let address = format!("https://127.0.0.1:{}", endpoint.port);
    let mut config = Config::new(address.parse().unwrap());
    let ca = CertificateDer::from_pem_slice(endpoint.ca.as_bytes()).unwrap();
    config.root_cert = Some(vec![ca.to_vec()]);
    config.proxy_url = None;
    Client::try_from(config).unwrap()
}

async fn reviewed(reviewer: &Client) {
    let body = include_bytes!("../data/reviews/pod-usual.json").to_vec();
    let request = http::Request::post("/mutate/pods")
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    let answer: Value = reviewer.request(request).await.unwrap();
    let response = &answer["response"];
    assert_eq!(response["allowed"], true, "{answer}");
    assert!(response["patch"].is_string(), "{answer}");
    let audit = &response["auditAnnotations"];
    assert_eq!(audit["rule"], "namespace-mode", "{answer}");
    assert_eq!(audit["placement"], "none", "{answer}");
}

fn deployment(name: &str, replicas: i64) -> Value {
    let labels = json!({"app": name, "team": "a"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "registry.example/app"}]},
            },
        },
    })
}

fn named<'n>(kind: &'n str, name: &'n str) -> WorkloadRef<'n> {
    WorkloadRef {
        kind: kind.into(),
        namespace: NAMESPACE.into(),
        name: name.into(),
    }
}

/// The replicas of a workload, and the most of them.
fn replicas(known: &Known, kind: &str, name: &str) -> Result<(Option<i64>, Option<i64>), Missing> {
    let found = known.workload(&named(kind, name))?;
    Ok((found.replicas, found.max_replicas))
}
