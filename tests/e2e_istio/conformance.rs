//! Random AuthorizationPolicies in a real Istio: what we say ztunnel receives is compared, field by field,
//! with what istiod would send; our words with istiod's conditions; and the effect with what requests meet
//! on the rules that istiod sends.
//!
//! `MESHMODE_CONFORMANCE` is how many policies (500 without it); with it nothing else is tested.

mod conditions;
mod counts;

use std::collections::BTreeMap;
use std::time::Duration;

use meshmode::authorization::enforcement::Receives;
use meshmode::authorization::{AuthorizationPolicy, Enforcement, Mesh as Settings, at_ztunnel};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::mesh::Mesh;
use crate::support::effect;
use crate::support::policies::{self, NAMESPACES, ROOT};
use crate::support::report::{Shown, say};
use crate::support::request::{Requests, policies as path};
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
    let sent = until_sent(mesh, &cases).await;
    for case in &cases {
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
        "spec": {"rules": [{}]},
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
    let reply = cluster.post(&path(namespace), &policy).await;
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
async fn until_sent(mesh: &Mesh, cases: &[Case]) -> BTreeMap<Key, Value> {
    wait_for("the policies in ambientz", DEADLINE, async || {
        let ambientz = mesh.istio.ambientz().await;
        let sent = ambientz["policies"].as_array().unwrap().iter();
        let sent: BTreeMap<Key, Value> = sent.map(|policy| (key(policy), policy.clone())).collect();
        let has = |key: &Key| sent.contains_key(key);
        let last = (NAMESPACES[0].to_owned(), LAST.to_owned());
        let mut expected = cases.iter().filter(|case| case.rules().is_some());
        let missing = expected.find(|case| !has(&case.key()));
        match missing {
            Some(case) => Err(format!("{:?} is missing", case.key())),
            None if !has(&last) => Err("the last one is missing".to_owned()),
            None => Ok(sent),
        }
    })
    .await
}

async fn delete(mesh: &Mesh) {
    for namespace in NAMESPACES.into_iter().chain([ROOT]) {
        let all = format!("{}?labelSelector={LABEL}", path(namespace));
        mesh.cluster.delete(&all).await.created();
    }
    wait_for("no policies in ambientz", DEADLINE, async || {
        let ambientz = mesh.istio.ambientz().await;
        let left = ambientz["policies"].as_array().map_or(0, Vec::len);
        (left == 0).then_some(()).ok_or(format!("{left} are left"))
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

    /// What we say ztunnel receives.
    fn rules(&self) -> Option<Value> {
        match &self.enforcement.receives {
            Some(Receives::Rules(rules)) => Some(serde_json::to_value(rules).unwrap()),
            Some(Receives::NotSent(_)) | None => None,
        }
    }
}
