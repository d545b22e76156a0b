//! Every Pod of the matrix in every namespace of it, created for real: what `placement::outcome` says of the
//! Pod as it leaves meshmode, and what came back from istiod and says istio-cni.

mod cases;
mod document;
mod observed;

use std::collections::BTreeMap;

use json_patch::Patch;
use meshmode::cluster::convert::{Opened, cni};
use meshmode::config;
use meshmode::placement::facts::{NoCluster, Owner};
use meshmode::placement::json::Object;
use meshmode::placement::outcome::{Namespace, Outcome, Seen};
use meshmode::placement::{Facts, Mode, Rules, decide, patch};
use serde_json::{Value, json};

use self::cases::{NAMESPACES, PodCase, pods};
use self::document::{Row, Section};
use self::observed::{Observed, STATUS, captures, compare, observe};
use super::mesh::{Mesh, seen_in};
use crate::support::report::Shown;
use crate::support::request::{self, Reply};

/// A Pod in a namespace, and what became of it.
pub(crate) struct Case {
    namespace: String,
    namespace_labels: BTreeMap<String, String>,
    what: &'static str,
    name: &'static str,
    placed: Mode,
    /// As it left meshmode.
    left: Value,
    reply: Reply,
}

/// Selectors that an operator might have, with each operator there is.
const SELECTORS: [&str; 3] = [
    "[{podSelector: {}}]",
    "[{podSelector: {matchExpressions: [{key: sidecar.istio.io/inject, operator: DoesNotExist}]}}]",
    "[{podSelector: {matchExpressions: [{key: istio.io/rev, operator: Exists}, {key: istio.io/rev, operator: In, \
     values: [other, tag]}]}}, {namespaceSelector: {matchLabels: {istio-injection: enabled}, matchExpressions: \
     [{key: istio.io/rev, operator: NotIn, values: [other]}]}}]",
];

/// Creates the matrix, for [`agrees`] and [`other_selectors`].
pub(crate) async fn created(mesh: &Mesh) -> Vec<Case> {
    let rules = config::read(config::DEFAULT).unwrap().placement;
    let mut created = Vec::new();
    for namespace in &NAMESPACES {
        let labels: BTreeMap<_, _> = namespace.labels.iter().copied().collect();
        mesh.namespace(namespace.name, &json!(labels)).await;
        let labels = mesh.labels(namespace.name).await;
        for case in pods() {
            created.push(create(mesh, &rules, namespace.name, &labels, case).await);
        }
    }
    created
}

/// What is predicted and what is seen, and the document about it.
pub(crate) async fn agrees(mesh: &Mesh, created: &[Case]) -> Shown {
    let facts = mesh.facts().await;
    let observed = observe(mesh, created).await;
    let mut disagreements = Vec::new();
    let mut rows = Vec::new();
    for (case, observed) in created.iter().zip(&observed) {
        seen(case, &case.left, |pod, namespace| {
            let outcome = &Outcome::of(&facts, pod, namespace);
            let wrong = compare(case, outcome, observed);
            disagreements.extend(wrong.map(|why| case.disagreement(outcome, observed, &why)));
            rows.push(Row::new(case.what, case.placed, outcome));
        });
    }
    document::print(&sections(&rows));
    let count = disagreements.len();
    assert!(
        disagreements.is_empty(),
        "{count} disagree:\n{}",
        disagreements.join("\n")
    );
    document::keep(&sections(&rows));
    Shown::Cases(created.len())
}

/// Creates a Pod through meshmode and istiod, and works out how it left meshmode.
async fn create(
    mesh: &Mesh,
    rules: &Rules,
    namespace: &str,
    labels: &BTreeMap<String, String>,
    case: PodCase,
) -> Case {
    let (placed, left) = placed(rules, &case.pod);
    let path = request::pods(namespace);
    Case {
        namespace: namespace.to_owned(),
        namespace_labels: labels.clone(),
        what: case.what,
        name: case.name,
        placed,
        left,
        reply: mesh.cluster.post(&path, &case.pod).await,
    }
}

/// The mode that the default rules give, and the Pod with the patch applied.
fn placed(rules: &Rules, pod: &Value) -> (Mode, Value) {
    let text = pod.to_string();
    let opened: Opened<'_> = serde_json::from_str(&text).unwrap();
    let read = opened.into_pod().unwrap();
    let request = Object::default();
    let facts = Facts {
        pod: &read,
        request: &request,
        namespace: "matrix",
        owner: Owner::OfPod,
        cluster: &NoCluster,
    };
    let placement = decide(rules, &facts);
    let mut left = pod.clone();
    if let Some(patch) = patch(&read, &placement) {
        let patch: Patch = serde_json::from_slice(&patch).unwrap();
        json_patch::patch(&mut left, &patch).unwrap();
    }
    (placement.mode, left)
}

/// The same Pods before other selectors than the usual ones.
pub(crate) fn other_selectors(mesh: &Mesh, created: &[Case]) -> Shown {
    for selectors in SELECTORS {
        let data = json!({"AMBIENT_ENABLED": "true", "AMBIENT_ENABLEMENT_SELECTOR": selectors});
        let config_map = json!({"metadata": {"name": "istio-cni-config"}, "data": data});
        let capture = cni::capture(&config_map.to_string()).unwrap();
        let captured = captures(mesh, Some(selectors), created, |case| case.end().clone());
        for (case, captured) in created.iter().zip(captured) {
            seen(case, case.end(), |pod, namespace| {
                let claim = capture.claim(pod, namespace);
                let Case {
                    namespace, name, ..
                } = case;
                let what = format!("{namespace}/{name} before {selectors}");
                assert_eq!(claim.is_ok(), captured, "{what}: {claim:?}");
            });
        }
    }
    Shown::Cases(created.len() * SELECTORS.len())
}

/// Hands `pod`, as Istio sees it in the namespace of `case`, to `then`.
fn seen(case: &Case, pod: &Value, then: impl FnOnce(&Seen<'_>, Namespace<'_>)) {
    seen_in(pod, &case.namespace, &case.namespace_labels, then);
}

/// The rows of each namespace.
fn sections(rows: &[Row]) -> Vec<Section<'_>> {
    let length = rows.len() / NAMESPACES.len();
    NAMESPACES
        .iter()
        .zip(rows.chunks(length))
        .map(|(namespace, rows)| Section { namespace, rows })
        .collect()
}

// === impl Case ===

impl Case {
    /// The Pod in the end: as it left meshmode where it was not created.
    fn end(&self) -> &Value {
        match self.reply.code {
            200 | 201 => &self.reply.body,
            _ => &self.left,
        }
    }

    /// A label or annotation with which the Pod left meshmode, and that it did not have in the end: then the
    /// prediction was made for another Pod.
    fn lost(&self) -> Option<String> {
        let metadata = |map: &str| {
            let there = &self.reply.body["metadata"][map];
            let left = self.left["metadata"][map].as_object();
            let mut left = left.into_iter().flatten();
            let lost =
                left.find(|(key, value)| *key != STATUS && there[key.as_str()] != **value)?;
            Some(format!(
                "left meshmode with {lost:?}, came back with {there}"
            ))
        };
        metadata("labels").or_else(|| metadata("annotations"))
    }

    fn disagreement(&self, outcome: &Outcome<'_>, observed: &Observed, why: &str) -> String {
        let Self {
            namespace, name, ..
        } = self;
        format!("{namespace}/{name}: {why}\n  predicted: {outcome}\n  observed: {observed:?}")
    }
}
