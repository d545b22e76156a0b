//! A large cluster, made with the real API server: what the program holds resident, and when it is ready.
//!
//! `MESHMODE_E2E_LARGE` says how many Deployments there are to be; each has five Pods, and there is a namespace for
//! four of them and a policy or filter for ten. Making them takes minutes.

use std::env;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::facts::{Reader, install_crds};
use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};
use crate::support::manifests::list;
use crate::support::meshmode::{Meshmode, sample};
use crate::support::report::say;
use crate::support::request::{Requests, merge, pod, pods};

const PODS: usize = 5;
const WRITERS: usize = 16;
const RESIDENT: u64 = 64 << 20;
const READY: Duration = Duration::from_secs(5);
/// Starts, whose median is compared with that: an API server does other things too.
const STARTS: usize = 5;
/// How many Deployments the bounds are for.
const WHOLE: usize = 20_000;

pub(crate) async fn resident(cluster: &Cluster) -> Shown {
    let Some(size) = env::var_os("MESHMODE_E2E_LARGE") else {
        return Shown::Skipped("takes minutes: MESHMODE_E2E_LARGE=20000 asks for it");
    };
    let Program::Ours(_) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    let deployments: usize = size.to_str().unwrap().parse().unwrap();
    install_crds(cluster).await;
    let namespaces = deployments.div_ceil(4);
    in_parallel(cluster, namespaces, |index| {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name(index), "labels": {"team": "a"}}});
        // Kubernetes makes it too, for twenty namespaces a second.
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        let accounts = format!("/api/v1/namespaces/{}/serviceaccounts", name(index));
        vec![
            ("/api/v1/namespaces".to_owned(), namespace),
            (accounts, account),
        ]
    })
    .await;
    in_parallel(cluster, deployments, move |index| {
        let namespace = name(index % namespaces);
        let mut objects = workload(&namespace, index);
        if index.is_multiple_of(10) {
            objects.push(policy(&namespace, index));
        }
        objects
    })
    .await;

    let reader = Reader::new(cluster, "facts-large", |_| true).await;
    let folder = tempfile::tempdir().unwrap();
    let flags = reader.flags(folder.path());
    let (mut readies, mut residents) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (ready, resident) = started(&flags, deployments).await;
        readies.push(ready);
        residents.push(resident);
    }
    readies.sort();
    let (ready, resident) = (readies[STARTS / 2], residents.into_iter().max().unwrap());
    let kib = resident >> 10;
    say(&format!(
        "{deployments} Deployments, {namespaces} namespaces, {} Pods: ready after {readies:?}, {kib} KiB resident at most\n",
        deployments * PODS
    ));
    if deployments >= WHOLE {
        assert!(resident < RESIDENT, "{resident} bytes resident");
        assert!(ready < READY, "ready after {ready:?} in the median");
    }
    Shown::Cases(deployments)
}

/// Starts the program, which finds so many Deployments, and stops it when it is ready: how long that took, and what it
/// held.
async fn started(flags: &[String], deployments: usize) -> (Duration, u64) {
    let start = Instant::now();
    let mut program = Meshmode::start_with(flags).await;
    let started = (start.elapsed(), program.resident());
    let metrics = program.metrics().await;
    let objects = sample(
        &metrics,
        "meshmode_cluster_objects{resource=\"deployments\"}",
    );
    assert!(
        objects >= f64::from(u32::try_from(deployments).unwrap()),
        "{objects} Deployments"
    );
    program.stop().await;
    started
}

fn name(index: usize) -> String {
    format!("large-{index}")
}

/// Creates the objects that `of` makes of each number below `count`.
async fn in_parallel(
    cluster: &Cluster,
    count: usize,
    of: impl Fn(usize) -> Vec<(String, Value)> + Copy + Send + 'static,
) {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let requests = cluster.control_plane.another_client();
        writers.spawn(async move {
            for index in (writer..count).step_by(WRITERS) {
                create(&requests, of(index)).await;
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
}

/// Creates them in this order; Pods are those of the Deployment before them.
async fn create(requests: &Requests, objects: Vec<(String, Value)>) {
    let mut owner = None;
    for (path, mut object) in objects {
        if let (Some(owner), "Pod") = (&owner, object["kind"].as_str().unwrap()) {
            object["metadata"]["ownerReferences"] = json!([owner]);
        }
        let reply = requests.post(&path, &object).await;
        assert!(matches!(reply.code, 201 | 409), "{path}: {reply:?}");
        if object["kind"] == "Deployment" {
            let metadata = &reply.body["metadata"];
            owner = Some(json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "controller": true,
                "name": metadata["name"], "uid": metadata["uid"],
            }));
        }
    }
}

/// A Deployment that no controller looks at, as it is paused, and its Pods.
fn workload(namespace: &str, index: usize) -> Vec<(String, Value)> {
    let name = format!("web-{index}");
    let labels =
        json!({"app": name, "version": "1", "app.kubernetes.io/managed-by": "Helm", "team": "a"});
    let template = pod("", &json!({"labels": labels}));
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": PODS, "paused": true, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"]}},
    });
    let applied = list(std::slice::from_ref(&deployment));
    let mut deployment = deployment;
    let remembered =
        json!({"annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}});
    merge(&mut deployment["metadata"], &remembered);
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    let mut objects = vec![(path, deployment)];
    for number in 0..PODS {
        let metadata = json!({
            "labels": {"app": name, "version": "1", "app.kubernetes.io/managed-by": "Helm", "team": "a",
                "pod-template-hash": "5d4f8c7b9", "istio.io/dataplane-mode": "ambient"},
            "annotations": {"meshmode.io/placement": "ambient", "meshmode.io/rule": "default",
                "meshmode.io/reason": "cheapest mode that gives mTLS and L4 policy"},
        });
        let one = pod(&format!("{name}-5d4f8c7b9-{number}"), &metadata);
        objects.push((pods(namespace), one));
    }
    objects
}

fn policy(namespace: &str, index: usize) -> (String, Value) {
    let selected = json!({"app": format!("web-{index}")});
    let name = format!("web-{index}");
    if index.is_multiple_of(20) {
        let rules = json!([{"to": [{"operation": {"methods": ["GET"]}}]}]);
        let policy = json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": selected}, "rules": rules}});
        let path =
            format!("/apis/security.istio.io/v1/namespaces/{namespace}/authorizationpolicies");
        return (path, policy);
    }
    let filter = json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": {"name": name},
        "spec": {"workloadSelector": {"labels": selected}, "configPatches": [{"applyTo": "CLUSTER"}]}});
    let path = format!("/apis/networking.istio.io/v1alpha3/namespaces/{namespace}/envoyfilters");
    (path, filter)
}
