//! The reviews that a real API server sends, as files for the fast tests and the benchmarks.
//!
//! A server of the test's own answers `allowed` and keeps every body as it came. `MESHMODE_RECORD`
//! names the folder that gets the files; without it they are looked at and thrown away.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::future::pending;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use meshmode::tls::{ReloadingPair, server_config};
use meshmode::webhook::server::worker::Workers;
use meshmode::webhook::server::{HEAD, IDLE, Limits, Patience, Served, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};
use crate::support::manifests::list;
use crate::support::request::{merge, pod, pods, policies, policy};
use crate::support::wait_for;

type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// The namespace in the recorded reviews; no webhook of ours covers it.
const NAMESPACE: &str = "shop";

struct Recorder {
    bodies: Bodies,
    folder: PathBuf,
    written: BTreeSet<String>,
}

/// Records them all.
pub(crate) async fn reviews(cluster: &mut Cluster) -> Shown {
    let Program::Ours(program) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    cluster.namespace(NAMESPACE, None).await;
    let certificates = program.certificates();
    let bodies = Bodies::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(answer_all(
        listener,
        certificates.clone(),
        Arc::clone(&bodies),
    ));
    let temporary = tempfile::tempdir().unwrap();
    let folder = env::var_os("MESHMODE_RECORD");
    let mut recorder = Recorder {
        bodies,
        folder: folder.map_or_else(|| temporary.path().into(), PathBuf::from),
        written: BTreeSet::new(),
    };
    fs::create_dir_all(&recorder.folder).unwrap();
    let ca = fs::read(certificates.join("ca.crt")).unwrap();
    recorder.register(cluster, &url, &ca).await;
    recorder.pods(cluster).await;
    recorder.subresources(cluster).await;
    recorder.policies(cluster).await;
    unregister(cluster).await;
    assert_eq!(
        recorder.written,
        committed(),
        "the files in tests/data/reviews are those that are recorded; MESHMODE_RECORD=tests/data/reviews records them"
    );
    Shown::Cases(recorder.written.len())
}

async fn answer_all(listener: TcpListener, certificates: PathBuf, bodies: Bodies) {
    let pair = ReloadingPair::load(certificates.join("tls.crt"), certificates.join("tls.key"));
    let tls = server_config(Arc::new(pair.unwrap()), None).unwrap();
    let app = Router::new().route("/", post(answer)).with_state(bodies);
    let patience = Patience {
        idle: IDLE,
        head: HEAD,
        handshake: Duration::from_secs(10),
        delay: Duration::ZERO,
        shutdown: Duration::ZERO,
    };
    let limits = Limits {
        connections: 100,
        handshakes: 8,
    };
    let served = Served {
        tls: Arc::new(tls),
        app,
        metrics: Arc::default(),
        workers: Workers::start(NonZero::<usize>::MIN).unwrap(),
    };
    serve(listener, served, patience, limits, pending()).await;
}

async fn answer(
    State(bodies): State<Bodies>,
    body: Bytes,
) -> ([(http::HeaderName, &'static str); 1], String) {
    let review: Value = serde_json::from_slice(&body).unwrap();
    bodies.lock().unwrap().push(body);
    let answer = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], "allowed": true},
    });
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}

/// The names of the files in the repository.
fn committed() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/reviews");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect()
}

async fn unregister(cluster: &Cluster) {
    let api = "/apis/admissionregistration.k8s.io/v1";
    for kind in [
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
    ] {
        let reply = cluster
            .control_plane
            .delete(&format!("{api}/{kind}/recorder"))
            .await;
        assert_eq!(reply.code, 200, "{reply:?}");
    }
}

// === impl Recorder ===

impl Recorder {
    async fn register(&self, cluster: &Cluster, url: &str, ca: &[u8]) {
        let configuration = |kind: &str, group: &str, resources: &[&str]| {
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": "recorder"},
                "webhooks": [{
                    "name": "recorder.meshmode.io",
                    "clientConfig": {"url": format!("{url}/"), "caBundle": STANDARD.encode(ca)},
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
                    "rules": [{
                        "apiGroups": [group], "apiVersions": ["*"], "operations": ["*"],
                        "resources": resources, "scope": "Namespaced",
                    }],
                    "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                }],
            })
        };
        let pods = ["pods", "pods/eviction", "pods/ephemeralcontainers"];
        let configurations = list(&[
            configuration("MutatingWebhookConfiguration", "", &pods),
            configuration(
                "ValidatingWebhookConfiguration",
                "security.istio.io",
                &["authorizationpolicies"],
            ),
        ]);
        let output = cluster
            .control_plane
            .kubectl_with_input(&["apply", "--server-side", "-f", "-"], &configurations)
            .await;
        assert!(output.status.success(), "{output:?}");
        let deadline = Duration::from_secs(20);
        let probe = policy("probe", &json!({}), &json!({}));
        wait_for("the recorder to be asked", deadline, async || {
            let control_plane = &cluster.control_plane;
            let dry_run = |path: String| format!("{path}?dryRun=All");
            control_plane
                .post(&dry_run(pods_path()), &pod("probe", &json!({})))
                .await
                .created();
            control_plane
                .post(&dry_run(policies(NAMESPACE)), &probe)
                .await
                .created();
            let asked = |kind| self.find(|r| r["kind"]["kind"] == kind && r["name"] == "probe");
            asked("Pod").and(asked("AuthorizationPolicy")).map(drop)
        })
        .await;
    }

    /// The last body whose request is the one looked for.
    fn find(&self, is_it: impl Fn(&Value) -> bool) -> Option<Bytes> {
        let bodies = self.bodies.lock().unwrap();
        let found = bodies.iter().rev().find(|body| {
            let review: Value = serde_json::from_slice(body).unwrap();
            is_it(&review["request"])
        });
        found.cloned()
    }

    /// Writes it as it came.
    async fn write(&mut self, file: &str, is_it: impl Fn(&Value) -> bool) -> usize {
        let deadline = Duration::from_secs(10);
        let body = wait_for(file, deadline, async || self.find(&is_it)).await;
        let text = std::str::from_utf8(&body).unwrap();
        for place in ["/tmp/", "/home/", env!("CARGO_MANIFEST_DIR")] {
            assert!(!text.contains(place), "{file} names {place}");
        }
        fs::write(self.folder.join(file), &body).unwrap();
        self.written.insert(file.to_owned());
        body.len()
    }

    /// Creates an object and writes its review.
    async fn create(&mut self, cluster: &Cluster, file: &str, path: &str, object: &Value) -> usize {
        cluster.control_plane.post(path, object).await.created();
        let name = object["metadata"]["name"].clone();
        let dry_run = path.contains("dryRun");
        self.write(file, |request| {
            request["name"] == name
                && request["operation"] == "CREATE"
                && request["dryRun"] == dry_run
                && request["subResource"].is_null()
        })
        .await
    }

    async fn pods(&mut self, cluster: &Cluster) {
        let path = pods_path();
        let small = self
            .create(
                cluster,
                "pod-small.json",
                &path,
                &pod("catalog", &json!({"labels": {"app": "catalog"}})),
            )
            .await;
        assert!(
            (2_000..4_000).contains(&small),
            "pod-small.json has {small} bytes"
        );
        self.create(
            cluster,
            "pod-no-labels.json",
            &path,
            &pod("plain", &json!({})),
        )
        .await;
        let dry_run = format!("{path}?dryRun=All");
        self.create(
            cluster,
            "pod-dry-run.json",
            &dry_run,
            &pod("tried", &json!({"labels": {"app": "tried"}})),
        )
        .await;
        let chosen = json!({"labels": {"app": "ledger", "sidecar.istio.io/inject": "true"}});
        self.create(
            cluster,
            "pod-explicit-choice.json",
            &path,
            &pod("ledger", &chosen),
        )
        .await;
        let mut host = pod("node-agent", &json!({"labels": {"app": "node-agent"}}));
        host["spec"]["hostNetwork"] = json!(true);
        self.create(cluster, "pod-host-network.json", &path, &host)
            .await;

        let deployment = usual_deployment();
        let deployments = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");
        cluster
            .control_plane
            .post(&deployments, &deployment)
            .await
            .created();
        let usual = self
            .write("pod-usual.json", |request| {
                request["object"]["metadata"]["generateName"]
                    .as_str()
                    .is_some_and(|name| name.starts_with("checkout-"))
            })
            .await;
        assert!(
            (6_000..9_000).contains(&usual),
            "pod-usual.json has {usual} bytes"
        );

        let large = large_pod();
        let reply = cluster
            .control_plane
            .server_side_apply(&format!("{path}/orders"), &large)
            .await;
        reply.created();
        let large = self
            .write("pod-large.json", |request| request["name"] == "orders")
            .await;
        assert!(
            (12_000..17_000).contains(&large),
            "pod-large.json has {large} bytes"
        );
    }

    async fn subresources(&mut self, cluster: &Cluster) {
        let path = format!("{}/catalog", pods_path());
        let debugger =
            json!({"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}});
        cluster
            .control_plane
            .patch(&format!("{path}/ephemeralcontainers"), &debugger)
            .await
            .created();
        self.write("pod-ephemeralcontainers.json", |r| {
            r["subResource"] == "ephemeralcontainers"
        })
        .await;
        let labelled = json!({"metadata": {"labels": {"tier": "front"}}});
        cluster
            .control_plane
            .patch(&path, &labelled)
            .await
            .created();
        self.write("pod-update.json", |r| {
            r["operation"] == "UPDATE" && r["subResource"].is_null() && r["name"] == "catalog"
        })
        .await;
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "catalog", "namespace": NAMESPACE}});
        cluster
            .control_plane
            .post(&format!("{path}/eviction"), &eviction)
            .await
            .created();
        self.write("pod-eviction.json", |r| r["subResource"] == "eviction")
            .await;
    }

    async fn policies(&mut self, cluster: &Cluster) {
        let path = policies(NAMESPACE);
        let none = json!({});
        let l7 = l7_deny();
        let l4 = json!({"selector": {"matchLabels": {"app": "checkout"}}, "action": "ALLOW",
            "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/web"]}}], "to": [{"operation": {"ports": ["8080"]}}]}]});
        let mut attached = l7.clone();
        attached.as_object_mut().unwrap().remove("selector");
        merge(
            &mut attached,
            &json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}]}),
        );
        let annotated = json!({"annotations": {"istio.io/waypoint-for": "service"}});
        let malformed = json!({"annotations": {"istio.io/waypoint-for": "gateway:shop/waypoint,service=shop/checkout"}});
        for (file, policy) in [
            ("policy-l7-deny.json", policy("deny-delete", &none, &l7)),
            ("policy-l4-allow.json", policy("allow-web", &none, &l4)),
            (
                "policy-targetrefs.json",
                policy("at-the-waypoint", &none, &attached),
            ),
            (
                "policy-annotation-only.json",
                policy("annotated", &annotated, &l7),
            ),
            (
                "policy-malformed-annotation.json",
                policy("malformed", &malformed, &l7),
            ),
        ] {
            self.create(cluster, file, &path, &policy).await;
        }
        self.create(
            cluster,
            "policy-dry-run.json",
            &format!("{path}?dryRun=All"),
            &policy("tried", &none, &l7),
        )
        .await;
        let mut old = policy("old-version", &none, &l7);
        old["apiVersion"] = json!("security.istio.io/v1beta1");
        self.create(
            cluster,
            "policy-v1beta1.json",
            &path.replace("/v1/", "/v1beta1/"),
            &old,
        )
        .await;
        self.policy_changes(cluster, &format!("{path}/deny-delete"))
            .await;
    }

    async fn policy_changes(&mut self, cluster: &Cluster, path: &str) {
        let control_plane = &cluster.control_plane;
        let labelled = json!({"metadata": {"labels": {"team": "payments"}}});
        control_plane.patch(path, &labelled).await.created();
        let update =
            |request: &Value| request["operation"] == "UPDATE" && request["name"] == "deny-delete";
        self.write("policy-update-label.json", update).await;
        let spec =
            json!({"spec": {"rules": [{"to": [{"operation": {"methods": ["DELETE", "PUT"]}}]}]}});
        control_plane.patch(path, &spec).await.created();
        let wider = |request: &Value| {
            update(request)
                && request["object"]["spec"]["rules"][0]["to"][0]["operation"]["methods"][1]
                    == "PUT"
        };
        self.write("policy-update-spec.json", wider).await;
        assert_eq!(control_plane.delete(path).await.code, 200);
        self.write("policy-delete.json", |r| r["operation"] == "DELETE")
            .await;
    }
}

fn pods_path() -> String {
    pods(NAMESPACE)
}

fn l7_deny() -> Value {
    json!({
        "selector": {"matchLabels": {"app": "checkout"}},
        "action": "DENY",
        "rules": [{"to": [{"operation": {"methods": ["DELETE"], "paths": ["/orders/*"]}}]}],
    })
}

/// A container as people run them.
fn usual_container(name: &str) -> Value {
    json!({
        "name": name,
        "image": format!("registry.example.com/shop/{name}:2.14.3"),
        "args": ["--listen=:8080", "--metrics=:9090", "--log-format=json"],
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
        "env": [
            {"name": "DATABASE_HOST", "value": "orders-db.shop.svc"},
            {"name": "DATABASE_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "orders-db", "key": "password"}}},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "LOG_LEVEL", "value": "info"},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "http"}, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 5},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/shop"}, {"name": "scratch", "mountPath": "/scratch"}],
        "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
    })
}

fn usual_template(name: &str) -> Value {
    json!({
        "metadata": {
            "labels": {
                "app": name, "version": "v2", "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop",
            },
            "annotations": {
                "prometheus.io/scrape": "true", "prometheus.io/port": "9090",
                "checksum/config": "8f3c1c1f7d0b5a4b0ac0b1a4fb2a6bb7c2c8a1e6c6c1d49a1d2fb3ad4f1b0e77",
                "deployment.company.com/replicas": "3",
            },
        },
        "spec": {
            "serviceAccountName": "default",
            "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [usual_container(name)],
            "volumes": [{"name": "config", "configMap": {"name": name}}, {"name": "scratch", "emptyDir": {}}],
            "topologySpreadConstraints": [{
                "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": name}},
            }],
        },
    })
}

fn usual_deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "checkout", "labels": {"app": "checkout"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "checkout"}},
            "template": usual_template("checkout"),
        },
    })
}

/// Several containers, applied server-side: the fields are all listed once more, in `managedFields`.
fn large_pod() -> Value {
    let mut pod = usual_template("orders");
    merge(
        &mut pod,
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "orders"}}),
    );
    let more = ["order-exporter", "order-cache", "order-archive"].map(usual_container);
    pod["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .extend(more);
    pod
}
