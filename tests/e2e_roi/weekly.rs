//! The job of every week (`manifests/components/roi`), as its own account of a real API server: it keeps the last
//! reports, it uses the rights that it has, and has no others.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::cluster::{apply, as_account};
use super::clusters::{AT, WINDOW};
use crate::support::manifests::{list, render};
use crate::support::meshmode::binary;
use crate::support::prometheus::{Blocks, Prometheus};
use crate::support::ran::Ran;
use crate::support::report::Shown;
use crate::support::rights::{Right, given, used};
use crate::support::{ControlPlane, wait_for};

const NAMESPACE: &str = "meshmode-system";
const ACCOUNT: &str = "meshmode-roi";
const USER: &str = "system:serviceaccount:meshmode-system:meshmode-roi";
const FAILED: i32 = 3;
const PATIENCE: Duration = Duration::from_secs(10);

/// Three weeks, of which two are kept.
pub(crate) async fn keeps_the_last(blocks: &Blocks) -> Shown {
    let cluster = ControlPlane::start().await;
    let prometheus = Prometheus::start(blocks, "60s", &[], "").await;
    cluster.install_crds().await;
    apply(&cluster, include_str!("../support/facts-crds.yaml")).await;
    cluster.namespace(NAMESPACE, &json!({})).await;
    let objects = render(&cluster, "components/roi").await;
    apply(&cluster, &list(&objects)).await;
    let folder = TempDir::new().unwrap();
    let job = Job {
        kubeconfig: as_account(&cluster, NAMESPACE, ACCOUNT, folder.path()).await,
        arguments: arguments(&objects),
        url: prometheus.url(),
    };

    let mut weeks: Vec<String> = Vec::new();
    for _ in 0..3 {
        // The name of a report has seconds: until there is another one.
        let report = wait_for("another name", PATIENCE, async || {
            let ran = job.run(&["--store-last=2"]);
            assert_eq!(ran.code, Some(0), "{}", ran.err);
            let reports = reports(&cluster).await;
            let (name, report) = reports.last_key_value().unwrap();
            let is_new = weeks.last() != Some(name);
            is_new
                .then(|| (name.clone(), report.clone()))
                .ok_or_else(|| name.clone())
        })
        .await;
        let account: Value = serde_json::from_str(&report.1).unwrap();
        assert!(
            account["monthly"]["now"].as_f64().unwrap() > 0.0,
            "{account}"
        );
        weeks.push(report.0);
    }
    let kept: Vec<String> = reports(&cluster).await.into_keys().collect();
    assert_eq!(kept, weeks[1..], "the last two");

    let elsewhere = job.run(&["--store-in=meshmode-system/another"]);
    assert_eq!(elsewhere.code, Some(FAILED), "{}", elsewhere.err);
    elsewhere.says(&["cannot read ConfigMap meshmode-system/another", "forbidden"]);
    rights(&cluster, &objects).await;
    Shown::Cases(5)
}

/// All that is used is given, and all that is given is used, but for what was asked for in vain.
async fn rights(cluster: &ControlPlane, objects: &[Value]) {
    let given = given(objects);
    let used = wait_for("the use of all rights", PATIENCE, async || {
        let used = used(cluster, USER);
        // What has been listed may be known before it is watched: the job has what it wants then, and ends.
        let listed = |right: &Right| {
            (
                "list".to_owned(),
                right.1.clone(),
                right.2.clone(),
                right.3.clone(),
            )
        };
        let unused = given.difference(&used);
        let unused: Vec<_> = unused
            .filter(|right| right.0 != "watch" || !used.contains(&listed(right)))
            .collect();
        let unused = format!("given and not used: {unused:?}");
        unused.ends_with(": []").then_some(used).ok_or(unused)
    })
    .await;
    let in_vain = |right: &&Right| right.3.as_deref() == Some("another");
    let beyond: Vec<_> = used
        .difference(&given)
        .filter(|right| !in_vain(right))
        .collect();
    assert_eq!(beyond, [] as [&Right; 0], "used and not given");
}

/// The job's container, run on this machine.
struct Job {
    kubeconfig: String,
    arguments: Vec<String>,
    url: String,
}

impl Job {
    /// Flags that are given twice count as they are given last.
    fn run(&self, flags: &[&str]) -> Ran {
        let given = |name: &str| flags.iter().any(|flag| flag.starts_with(name));
        let own = self.arguments.iter().filter(|argument| {
            let name = argument.split('=').next().unwrap();
            !given(name)
        });
        let mut command = Command::new(binary());
        command
            .args(own)
            .args(flags)
            .arg(format!("--kubeconfig={}", self.kubeconfig))
            .args(["--prometheus-url", &self.url, "--at", AT, "--step", "5m"])
            .env_clear();
        tokio::task::block_in_place(|| Ran::of(&mut command, b""))
    }
}

/// The arguments of the CronJob, with the window of these data, and without the file of a volume.
fn arguments(objects: &[Value]) -> Vec<String> {
    let job = objects.iter().find(|object| object["kind"] == "CronJob");
    let container = job
        .unwrap()
        .pointer("/spec/jobTemplate/spec/template/spec/containers/0");
    let arguments = container.unwrap()["args"].as_array().unwrap().iter();
    let arguments = arguments.map(|argument| argument.as_str().unwrap());
    let arguments = arguments.filter(|argument| !argument.starts_with("--config="));
    arguments
        .map(|argument| match argument.strip_prefix("--window=") {
            Some(_) => format!("--window={WINDOW}"),
            None => argument.to_owned(),
        })
        .collect()
}

async fn reports(cluster: &ControlPlane) -> BTreeMap<String, String> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/meshmode-roi");
    let found = cluster.get(&path).await.body;
    serde_json::from_value(found["data"].clone()).unwrap_or_default()
}
