//! What a user applies: accepted by the API server, and sending each object to where its README says.

use std::time::Duration;

use serde_json::{Value, json};

use super::policies::l7;
use super::steps::{Cluster, LOCAL_ONLY, Program, SCOPE, Shown};
use super::workloads::{MODE, deployment, deployments};
use crate::support::manifests::{Webhooks, list, render};
use crate::support::meshmode::run;
use crate::support::request::{merge, pod, pods, policies, policy};
use crate::support::wait_for;

/// Objects of others, whose CRDs are not installed here.
const FOREIGN: [&str; 3] = ["Certificate", "Issuer", "Gateway"];

/// All folders are accepted, without a warning; the examples are judged as their comments say.
pub(crate) async fn accepted(cluster: &Cluster) -> Shown {
    let folders = [
        "base",
        "overlays/kind",
        "overlays/cluster-wide",
        "overlays/cert-manager",
        "examples/waypoint-policy",
    ];
    // A dry run of what is in a namespace needs the namespace, as it is in the manifests.
    for namespace in ["meshmode-system", "payments"] {
        let folder = if namespace == "payments" {
            "examples/waypoint-policy"
        } else {
            "base"
        };
        let objects = render(&cluster.control_plane, folder).await;
        let object = objects.iter().find(|object| {
            object["kind"] == "Namespace" && object["metadata"]["name"] == namespace
        });
        let path = format!("/api/v1/namespaces/{namespace}");
        cluster
            .control_plane
            .server_side_apply(&path, object.unwrap())
            .await
            .created();
        cluster.control_plane.wait_for_namespace(namespace).await;
    }
    let dry_run = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--warnings-as-errors",
        "-f",
        "-",
    ];
    let mut accepted = 0;
    for folder in folders {
        let mut objects = render(&cluster.control_plane, folder).await;
        objects.retain(|object| !FOREIGN.iter().any(|kind| object["kind"] == *kind));
        let output = cluster
            .control_plane
            .kubectl_with_input(&dry_run, &list(&objects))
            .await;
        assert!(
            output.status.success(),
            "{folder}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        accepted += objects.len();
    }
    examples(cluster).await;
    Shown::Partly(
        accepted + 2,
        "Certificate, Issuer and Gateway need CRDs of others",
    )
}

async fn examples(cluster: &Cluster) {
    cluster
        .until_refused("payments", &policy("probe", &json!({}), &l7()))
        .await;
    let read = |file: &str| {
        let path = format!(
            "{}/manifests/examples/waypoint-policy/{file}",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).unwrap();
        serde_saphyr::from_str::<Value>(&text).unwrap()
    };
    let path = policies("payments");
    for right in ["right.yaml", "right-no-way-around.yaml"] {
        let reply = cluster.control_plane.post(&path, &read(right)).await;
        reply.created();
        assert!(reply.warnings.is_empty(), "{right}: {reply:#?}");
    }
    let reply = cluster.control_plane.post(&path, &read("wrong.yaml")).await;
    reply.created();
    assert!(reply.warns_of("Istio ignores the annotation"), "{reply:#?}");
}

/// The configuration in the manifests is the one that is compiled in.
pub(crate) async fn configuration(cluster: &Cluster) -> Shown {
    let default = run(&["config", "default"]);
    assert!(default.status.success(), "{default:?}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/base/config.yaml");
    assert!(
        default.stdout == std::fs::read(path).unwrap(),
        "manifests/base/config.yaml is not `meshmode config default`"
    );
    let objects = render(&cluster.control_plane, "base").await;
    let map = objects
        .iter()
        .find(|object| object["kind"] == "ConfigMap")
        .unwrap();
    assert_eq!(
        map["data"]["config.yaml"].as_str().map(str::as_bytes),
        Some(&*default.stdout)
    );
    Shown::Cases(2)
}

/// Namespaces by label and by name, with and without the overlay that covers the cluster.
pub(crate) async fn routing(cluster: &Cluster) -> Shown {
    let Program::Ours(program) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    let labelled = [
        ("route-none", None),
        ("route-enabled", Some("enabled")),
        ("route-observe", Some("observe")),
        ("route-disabled", Some("disabled")),
        ("route-typo", Some("true")),
        ("kube-route", None),
        ("openshift-route", None),
        ("gke-route", None),
        ("kuberoute", None),
        ("local-path-storage", None),
        ("istio-system", None),
        ("kube-public", Some("enabled")),
        ("kube-node-lease", Some("enabled")),
        ("kube-system", Some("enabled")),
        ("openshift-enabled", Some("enabled")),
    ];
    for (namespace, scope) in labelled {
        cluster.namespace(namespace, scope).await;
    }
    let mut shown = 0;
    for (folder, reach) in [
        ("base", Reach::Asked),
        ("overlays/cluster-wide", Reach::Cluster),
    ] {
        let webhooks = Webhooks::of(&render(&cluster.control_plane, folder).await);
        webhooks
            .reaching(&program.endpoint())
            .register(&cluster.control_plane, "in-force")
            .await;
        for (namespace, scope) in labelled {
            let run = Run {
                cluster,
                folder,
                namespace,
                shown: &mut shown,
            };
            run.check(scope, reach).await;
        }
    }
    root_namespace(cluster, &mut shown).await;
    cluster.register_base().await;
    Shown::Cases(shown)
}

/// The mesh's root namespace with each label: its policies go where the label says, its Pods nowhere.
async fn root_namespace(cluster: &Cluster, shown: &mut usize) {
    for scope in ["enabled", "observe", "disabled"] {
        cluster.namespace("istio-system", Some(scope)).await;
        let folder = "overlays/cluster-wide";
        let relabelled = policy("relabelled", &json!({}), &l7());
        wait_for(
            "the label of istio-system",
            Duration::from_secs(10),
            async || {
                let path = format!("{}?dryRun=All", policies("istio-system"));
                let reply = cluster.control_plane.post(&path, &relabelled).await;
                let refused = reply.code == 403;
                (refused == (scope == "enabled") && reply.warnings.is_empty()).then_some(())
            },
        )
        .await;
        let run = Run {
            cluster,
            folder,
            namespace: "istio-system",
            shown,
        };
        run.check(Some(scope), Reach::Cluster).await;
    }
    cluster.namespace("istio-system", None).await;
}

/// Which namespaces the manifests cover.
#[derive(Clone, Copy)]
enum Reach {
    Asked,
    Cluster,
}

struct Run<'a> {
    cluster: &'a Cluster,
    folder: &'a str,
    namespace: &'static str,
    shown: &'a mut usize,
}

// === impl Run ===

impl Run<'_> {
    async fn check(self, scope: Option<&str>, reach: Reach) {
        let name = format!(
            "{}-{}",
            self.folder.replace('/', "-"),
            scope.unwrap_or("none")
        );
        for (kind, path, object) in [
            ("pods", pods(self.namespace), pod(&name, &json!({}))),
            (
                "authorizationpolicies",
                policies(self.namespace),
                policy(&name, &json!({}), &l7()),
            ),
            (
                "workloads",
                deployments(self.namespace),
                deployment(&name, &json!({"annotations": {MODE: "sidecars"}})),
            ),
        ] {
            let entry = entry(kind, self.namespace, scope, reach);
            self.sent(
                &path,
                &object,
                entry.map(|entry| format!("{kind}.{entry}.meshmode.io")),
            )
            .await;
            let mut exempt = object;
            merge(
                &mut exempt["metadata"],
                &json!({"name": format!("{name}-exempt"), "labels": {SCOPE: "disabled"}}),
            );
            self.sent(&path, &exempt, None).await;
            *self.shown += 2;
        }
    }

    /// The object went to this webhook alone, which answered as its route does.
    async fn sent(&self, path: &str, object: &Value, webhook: Option<String>) {
        let name = object["metadata"]["name"].as_str().unwrap();
        let what = format!(
            "{} {}/{name} with {}",
            object["kind"], self.namespace, self.folder
        );
        let reply = self
            .cluster
            .control_plane
            .post(&format!("{path}?dryRun=All"), object)
            .await;
        let annotations = self
            .cluster
            .audited("create", self.namespace, name)
            .await
            .unwrap();
        let answered: Vec<_> = annotations
            .as_object()
            .unwrap()
            .keys()
            .filter_map(|key| key.split_once('/'))
            .filter(|(name, key)| {
                name.ends_with(".meshmode.io") && matches!(*key, "placement" | "verdict")
            })
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(answered, Vec::from_iter(webhook), "{what}: {annotations}");
        let stance = answered.first().and_then(|name| name.split('.').nth(1));
        if object["kind"] == "Pod" {
            let placed = reply.labels()["istio.io/dataplane-mode"].is_string();
            assert_eq!(placed, stance == Some("enabled"), "{what}: {reply:#?}");
        } else if object["kind"] == "Deployment" {
            reply.created();
            let warned = reply.warns_of("\"sidecars\" is not a mode");
            assert_eq!(warned, stance == Some("enabled"), "{what}: {reply:#?}");
        } else {
            assert_eq!(
                reply.code == 403,
                stance == Some("enabled"),
                "{what}: {reply:#?}"
            );
            let warned = !reply.warnings.is_empty();
            assert_eq!(
                warned,
                stance == Some("rootnamespace"),
                "{what}: {reply:#?}"
            );
        }
    }
}

/// The entry that manifests/README.md names, in its table and below it.
fn entry(kind: &str, namespace: &str, scope: Option<&str>, reach: Reach) -> Option<&'static str> {
    let never = match kind {
        "pods" | "workloads" => &[
            "kube-system",
            "kube-public",
            "kube-node-lease",
            "meshmode-system",
            "istio-system",
        ][..],
        _ => &[
            "kube-system",
            "kube-public",
            "kube-node-lease",
            "meshmode-system",
        ],
    };
    if never.contains(&namespace) {
        return None;
    }
    let platform = ["kube-", "openshift-", "gke-"]
        .iter()
        .any(|prefix| namespace.starts_with(prefix));
    match (scope, reach) {
        (Some("enabled"), _) => Some("enabled"),
        (Some("observe"), _) => (kind != "workloads").then_some("observe"),
        (Some("disabled"), _) => None,
        (_, _) if namespace == "istio-system" => Some("rootnamespace"),
        (_, Reach::Cluster) if !platform && namespace != "local-path-storage" => Some("cluster"),
        (_, _) => None,
    }
}
