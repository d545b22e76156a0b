//! Random AuthorizationPolicies in a real Istio: what we say ztunnel receives is compared, field by field,
//! with what istiod would send; our words with istiod's conditions; and the effect with what requests meet
//! on the rules that istiod sends.
//!
//! `MESHMODE_CONFORMANCE` is how many policies (500 without it); with it nothing else is tested.

mod conditions;
mod counts;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshmode::authorization::enforcement::Receives;
use meshmode::authorization::{AuthorizationPolicy, Enforcement, Mesh as Settings, at_ztunnel};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::mesh::Mesh;
use crate::support::effect;
use crate::support::kwok::Kwok;
use crate::support::policies::{self, NAMESPACES, ROOT};
use crate::support::report::{Shown, say};
use crate::support::request::{Requests, pod, pods, policies as path};
use crate::support::wait_for;
use counts::Counts;

/// A policy in the cluster, and what is said of it.
struct Case {
    policy: Value,
    enforcement: Enforcement,
    seed: u64,
}

type Key = (String, String);

const USUAL: usize = 500;
/// How many policies are in the cluster at a time.
const BATCH: usize = 250;
/// How many of them are created at a time.
const AT_ONCE: usize = 20;
const DEADLINE: Duration = Duration::from_secs(60);
/// Created last: when istiod has converted it, it has converted the others.
const LAST: &str = "last";
/// istiod's validation: by revision, and of what has none.
const VALIDATORS: [&str; 2] = ["istio-validator-istio-system", "istiod-default-validator"];
/// The Pod that policies select.
const WORKLOAD: &str = "web";
/// The label of all policies of this test.
const LABEL: &str = "conformance";

/// How many policies somebody asked for.
pub(crate) fn asked_for() -> Option<usize> {
    let count = std::env::var_os("MESHMODE_CONFORMANCE")?;
    Some(
        count
            .to_str()
            .unwrap()
            .parse()
            .expect("MESHMODE_CONFORMANCE"),
    )
}

/// All policies, batch by batch; ends with the counts, or at the first batch that disagrees.
pub(crate) async fn agrees(mesh: &Mesh) -> Shown {
    for namespace in NAMESPACES {
        mesh.cluster.namespace(namespace, &json!({})).await;
    }
    without_validation(mesh).await;
    let _kwok = run_workload(mesh).await;
    let count = asked_for().unwrap_or(USUAL);
    let mut candidates = policies::sample(7, count).into_iter().zip(0..);
    let mut counts = Counts::default();
    while counts.policies < count {
        let next = candidates.by_ref().take(BATCH).collect();
        batch(mesh, next, &mut counts).await;
        assert!(counts.disagreements.is_empty(), "{counts}");
    }
    say(&format!("\n{counts}\n"));
    Shown::Cases(counts.policies)
}

/// Where nobody asks istiod, it converts also what its validation would refuse: a source without fields.
async fn without_validation(mesh: &Mesh) {
    const PATH: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    for name in VALIDATORS {
        mesh.cluster
            .delete(&format!("{PATH}/{name}"))
            .await
            .created();
    }
    let invalid = json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "invalid"},
        "spec": {"action": "DENY"},
    });
    let dry_run = format!("{}?dryRun=All", path(NAMESPACES[0]));
    wait_for("no validation", DEADLINE, async || {
        let reply = mesh.cluster.post(&dry_run, &invalid).await;
        (reply.code == 201).then_some(()).ok_or(reply.body)
    })
    .await;
}

async fn batch(mesh: &Mesh, candidates: Vec<(Value, u64)>, counts: &mut Counts) {
    let cases = create(mesh, candidates).await;
    counts.policies += cases.len();
    let (sent, referred) = until_sent(mesh, &cases).await;
    for case in &cases {
        let refers = referred.contains(&format!("{}/{}", case.key().0, case.key().1));
        counts.compare(
            "references",
            &case.name(),
            refers == case.is_referred_to(),
            || format!("the workload refers to it: {refers}"),
        );
        let (own, theirs) = (case.rules(), sent.get(&case.key()));
        counts.compare("rules", &case.name(), own.as_ref() == theirs, || {
            format!("we say {own:?}, istiod says {theirs:?}")
        });
        let enforced = theirs.filter(|_| case.policy["spec"]["selector"] != json!({}));
        let held = effect::holds(&case.policy, enforced, &case.enforcement, case.seed);
        counts.effect(&case.name(), &case.enforcement, held);
    }
    let judged = conditions::until_written(mesh, &cases).await;
    for case in &cases {
        conditions::compare(case, &judged[&case.key()], counts);
    }
    delete(mesh).await;
}

async fn create(mesh: &Mesh, candidates: Vec<(Value, u64)>) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut candidates = candidates.into_iter();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < AT_ONCE
            && let Some((policy, seed)) = candidates.next()
        {
            tasks.spawn(create_one(mesh.cluster.clone(), policy, seed));
        }
        match tasks.join_next().await {
            Some(case) => cases.push(case.unwrap()),
            None => break,
        }
    }
    let last = json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": LAST, "labels": {LABEL: "yes"}},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "rules": [{}]},
    });
    mesh.cluster
        .post(&path(NAMESPACES[0]), &last)
        .await
        .created();
    cases
}

async fn create_one(cluster: Requests, mut policy: Value, seed: u64) -> Case {
    policy["metadata"]["labels"][LABEL] = json!("yes");
    let namespace = policy["metadata"]["namespace"].as_str().unwrap();
    let version = policy["apiVersion"].as_str().unwrap();
    let path = path(namespace).replace("security.istio.io/v1", version);
    let reply = cluster.post(&path, &policy).await;
    let policy = reply.created().clone();
    let text = policy.to_string();
    let parsed = AuthorizationPolicy::parse(&text).unwrap();
    let enforcement = at_ztunnel(&parsed, &Settings::default());
    Case {
        policy,
        enforcement,
        seed,
    }
}

/// What istiod would send to ztunnel, once it has all that we say it has.
///
/// And the policies that the workload refers to.
async fn until_sent(mesh: &Mesh, cases: &[Case]) -> (BTreeMap<Key, Value>, BTreeSet<String>) {
    wait_for("the policies in ambientz", DEADLINE, async || {
        let ambientz = mesh.istio.ambientz().await;
        let referred = referred(&ambientz);
        let sent = ambientz["policies"].as_array().unwrap().iter();
        let sent: BTreeMap<Key, Value> = sent.map(|policy| (key(policy), policy.clone())).collect();
        let has = |key: &Key| sent.contains_key(key);
        let last = (NAMESPACES[0].to_owned(), LAST.to_owned());
        let mut expected = cases.iter().filter(|case| case.rules().is_some());
        let missing = expected.find(|case| !has(&case.key()));
        match missing {
            Some(case) => Err(format!("{:?} is missing", case.key())),
            None if !has(&last) => Err("the last one is missing".to_owned()),
            None if !referred.contains(&format!("{}/{LAST}", NAMESPACES[0])) => {
                Err("the workload does not refer to the last one".to_owned())
            }
            None => Ok((sent, referred)),
        }
    })
    .await
}

/// A Pod that runs, with the labels that policies select.
async fn run_workload(mesh: &Mesh) -> Kwok {
    let kwok = Kwok::start(&mesh.cluster).await;
    let labels = json!({"labels": {"app": "web"}});
    let created = mesh
        .cluster
        .post(&pods(NAMESPACES[0]), &pod(WORKLOAD, &labels))
        .await;
    created.created();
    wait_for("the workload in ambientz", DEADLINE, async || {
        kwok.run_all(&mesh.cluster, NAMESPACES[0]).await;
        let ambientz = mesh.istio.ambientz().await;
        workload(&ambientz).map(drop)
    })
    .await;
    kwok
}

fn workload(ambientz: &Value) -> Option<&Value> {
    let mut workloads = ambientz["workloads"].as_array()?.iter();
    workloads.find(|workload| workload["name"] == WORKLOAD)
}

fn referred(ambientz: &Value) -> BTreeSet<String> {
    let policies = workload(ambientz).map(|workload| &workload["authorizationPolicies"]);
    let policies = policies.and_then(Value::as_array).into_iter().flatten();
    policies
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

async fn delete(mesh: &Mesh) {
    for namespace in NAMESPACES.into_iter().chain([ROOT]) {
        let all = format!("{}?labelSelector={LABEL}", path(namespace));
        mesh.cluster.delete(&all).await.created();
    }
    wait_for("none of the policies in ambientz", DEADLINE, async || {
        let ambientz = mesh.istio.ambientz().await;
        let policies = ambientz["policies"].as_array().into_iter().flatten();
        let left = policies
            .map(key)
            .find(|(namespace, _)| NAMESPACES.contains(&namespace.as_str()) || namespace == ROOT);
        left.map_or(Ok(()), |left| Err(format!("{left:?} is left")))
    })
    .await;
}

fn key(policy: &Value) -> Key {
    let text = |field: &str| policy[field].as_str().unwrap().to_owned();
    (text("namespace"), text("name"))
}

// === impl Case ===

impl Case {
    fn key(&self) -> Key {
        key(&self.policy["metadata"])
    }

    fn name(&self) -> String {
        format!("{:?} {}", self.key(), self.policy["spec"])
    }

    /// Whether a workload of the first namespace refers to it. To one without a selector none does: its
    /// scope says whom it holds for.
    fn is_referred_to(&self) -> bool {
        let is_received = matches!(self.enforcement.receives, Some(Receives::Rules(_)));
        let is_near = [NAMESPACES[0], ROOT].contains(&&*self.key().0);
        let has_labels = !self.policy["spec"]["selector"]["matchLabels"].is_null();
        is_received && is_near && has_labels
    }

    /// What we say ztunnel receives.
    fn rules(&self) -> Option<Value> {
        match &self.enforcement.receives {
            Some(Receives::Rules(rules)) => Some(serde_json::to_value(rules).unwrap()),
            Some(Receives::NotSent(_)) | None => None,
        }
    }
}
