//! The commands that look at a cluster, against one: `explain` and `simulate`, with a wrong input for each.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::steps::{Cluster, LOCAL_ONLY, Program, Shown};
use super::workloads::{deployment, deployments};
use crate::support::meshmode::run;
use crate::support::request::pods;
use crate::support::wait_for;
use crate::support::watching::PATIENCE;

const NAMESPACE: &str = "explained";

/// The exit codes of `README.md`.
const FOUND: i32 = 1;
const INVALID: i32 = 2;

/// A Deployment and its Pod are explained as the Pod was placed, and a simulation finds what a change would do.
pub(crate) async fn of_the_cluster(cluster: &Cluster) -> Shown {
    let Program::Ours(_) = &cluster.program else {
        return Shown::Skipped(LOCAL_ONLY);
    };
    cluster.namespace(NAMESPACE, Some("enabled")).await;
    let requests = &cluster.control_plane;
    requests.wait_for_namespace(NAMESPACE).await;
    let web = deployment("web", &json!({"annotations": {"meshmode.io/mode": "none"}}));
    requests.post(&deployments(NAMESPACE), &web).await.created();
    let pod = wait_for("its Pod", PATIENCE, async || {
        let list = requests.get(&pods(NAMESPACE)).await.body;
        list["items"][0]["metadata"]
            .as_object()
            .cloned()
            .ok_or(list)
    })
    .await;
    let kubeconfig = requests.kubeconfig();
    let at = |arguments: &[&str]| on(kubeconfig, arguments);

    let name = pod["name"].as_str().unwrap();
    for (subject, kind) in [("deployment/web", "Deployment"), (name, "Pod")] {
        let explained = at(&["explain", subject, "-n", NAMESPACE, "-o", "json"]);
        let entry = &json_of(&explained)[0];
        assert_eq!(entry["kind"], kind, "{entry}");
        assert_eq!(
            entry["mode"], pod["annotations"]["meshmode.io/placement"],
            "{entry}"
        );
        assert_eq!(
            entry["rule"], pod["annotations"]["meshmode.io/rule"],
            "{entry}"
        );
    }
    let gone = at(&["explain", "deployment/gone", "-n", NAMESPACE]);
    fails(&gone, INVALID, "gone");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.yaml");
    std::fs::write(&file, NEW).unwrap();
    let new = format!("--config={}", file.display());
    let changed = at(&[
        "simulate",
        &new,
        "-n",
        NAMESPACE,
        "--fail-on-change",
        "-o",
        "json",
    ]);
    assert_eq!(changed.status.code(), Some(FOUND), "{changed:?}");
    assert_eq!(json_of(&changed)["changed"], 1, "{changed:?}");
    let nothing = at(&["simulate", &new, "-n", "not-there"]);
    fails(
        &nothing,
        0,
        "no workload in namespace not-there; -n names another, -A looks at all",
    );
    Shown::Cases(5)
}

/// Everything gets a sidecar.
const NEW: &str = "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement: {default: {mode: sidecar, reason: a trial}}\n";

fn on(kubeconfig: &Path, arguments: &[&str]) -> Output {
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    run(&[arguments, &[&kubeconfig]].concat())
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[track_caller]
fn fails(output: &Output, code: i32, says: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
}
