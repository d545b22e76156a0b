//! One case of a file: the Pod, what is known of its cluster, and what is to be decided.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cluster;
use super::given::Given;
use crate::cluster::convert::template::{Template, template};
use crate::config::Problems;
use crate::config::check::join;
use crate::config::tree::{Node, Place};
use crate::placement::Mode;
use crate::placement::workload::WorkloadRef;

/// A case, read.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) place: Place,
    /// JSON of the Pod.
    pub(super) pod: String,
    pub(super) namespace: String,
    pub(super) whose: Whose,
    pub(super) given: Given,
    /// JSON of the attributes of the request.
    pub(super) request: String,
    pub(super) expect: Expect,
}

/// How it is known whose Pod it is.
#[derive(Debug)]
pub(super) enum Whose {
    /// By the Pod itself.
    OfPod,
    /// It is a Pod to come of this workload.
    Template(WorkloadRef<'static>),
}

/// What is to be decided.
#[derive(Debug)]
pub(super) struct Expect {
    pub(super) mode: String,
    pub(super) rule: String,
    /// A text in it.
    pub(super) reason: Option<String>,
    pub(super) warnings: Warnings,
    pub(super) labels: BTreeMap<String, String>,
}

/// Which warnings are to be given.
#[derive(Debug)]
pub(super) enum Warnings {
    /// Whatever they are.
    Any,
    /// One has this text in it.
    With(String),
    /// As many as these, each with one of these texts in it.
    Each(Vec<String>),
}

/// The part of a ReplicaSet's name, and the value of its label, by which its Pods are of one revision.
const HASH: &str = "5d8f9c7b6d";
/// When a Job of a CronJob was due.
const MINUTES: &str = "29388420";
/// Of Pods whose file says none.
const DEFAULT_NAMESPACE: &str = "default";

/// Reads the case `node`, whose form has been checked; adds what is wrong with its meaning, which stands at `path`.
pub(super) fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Case> {
    let template = object(node.get("object")?, &join(path, "object"), problems)?;
    let named = node.get("namespace").and_then(|node| text(node, "name"));
    let of_object = Some(&*template.workload.namespace).filter(|name| !name.is_empty());
    let namespace = named.or(of_object).unwrap_or(DEFAULT_NAMESPACE).to_owned();
    let workload = workload(node, &template, &namespace, path, problems)?;
    let given = cluster::read(node, &template, &workload, &namespace, path, problems)?;
    let is_alone = workload.kind == "Pod";
    let (pod, whose) = if given.siblings.is_some() {
        (controlled(&template.pod, &workload), Whose::OfPod)
    } else if is_alone {
        (template.pod, Whose::OfPod)
    } else {
        (template.pod, Whose::Template(workload))
    };
    Some(Case {
        name: text(node, "name")?.to_owned(),
        place: node.place,
        pod,
        request: request(&namespace, node.get("request")),
        namespace,
        whose,
        given,
        expect: expect(node.get("expect")?)?,
    })
}

/// What `object` makes; a Pod may leave out what all Pods have.
fn object(node: &Node, path: &str, problems: &mut Problems) -> Option<Template> {
    let mut object = node.to_json();
    if let Value::Object(fields) = &mut object {
        let kind = fields.entry("kind").or_insert_with(|| json!("Pod"));
        if kind == "Pod" {
            fields.entry("apiVersion").or_insert_with(|| json!("v1"));
            for field in ["metadata", "spec"] {
                fields.entry(field).or_insert_with(|| json!({}));
            }
        }
    }
    match template(&object) {
        Ok(Some(template)) => Some(template),
        Ok(None) => {
            let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
            let kind = format!("{} of {}", text("kind"), text("apiVersion"));
            let message = format!("is a {kind}, which makes no Pods; {ALLOWED}");
            problems.add(node.nearest(["kind"]), path, message);
            None
        }
        Err(error) => {
            let field = error.field.to_string();
            let (key, allowed, found) = (&error.key, error.allowed, error.found);
            let message = format!("must be {allowed}, and is {found}");
            let place = node.nearest(field.split('.')).nearest([key.0.as_str()]);
            problems.add(place, &format!("{}{key}", join(path, &field)), message);
            None
        }
    }
}

const ALLOWED: &str = "allowed: Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, \
                       ReplicationController, Rollout with a template of its own";

/// Whose Pod it is: what the case says where the object leaves it open.
fn workload(
    node: &Node,
    template: &Template,
    namespace: &str,
    path: &str,
    problems: &mut Problems,
) -> Option<WorkloadRef<'static>> {
    let mut workload = template.workload.clone();
    workload.namespace = namespace.to_owned().into();
    let Some(section) = node.get("workload") else {
        return Some(workload);
    };
    let is_open = workload.kind == "Pod";
    for (key, field) in [("kind", &mut workload.kind), ("name", &mut workload.name)] {
        let Some((said, at)) = text(section, key).zip(section.get(key)) else {
            continue;
        };
        if !is_open && said != field {
            let message = format!("is {said:?}, and by the object it is {field:?}; leave it out");
            problems.add(at, &join(&join(path, "workload"), key), message);
            return None;
        }
        *field = said.to_owned().into();
    }
    Some(workload)
}

/// The Pod as the controller of a revision creates it.
fn controlled(pod: &str, workload: &WorkloadRef<'_>) -> String {
    let mut pod: Value = serde_json::from_str(pod).unwrap_or_default();
    let name = &workload.name;
    let (kind, name, label) = match &*workload.kind {
        "Deployment" => ("ReplicaSet", format!("{name}-{HASH}"), "pod-template-hash"),
        "Rollout" => (
            "ReplicaSet",
            format!("{name}-{HASH}"),
            "rollouts-pod-template-hash",
        ),
        "CronJob" => ("Job", format!("{name}-{MINUTES}"), "controller-uid"),
        "Job" => ("Job", name.to_string(), "controller-uid"),
        other => (other, name.to_string(), "controller-revision-hash"),
    };
    if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
        let owner = json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": HASH, "controller": true});
        metadata
            .entry("ownerReferences")
            .or_insert_with(|| json!([owner]));
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        if let Some(labels) = labels.as_object_mut() {
            labels.entry(label).or_insert_with(|| json!(HASH));
        }
    }
    pod.to_string()
}

/// As a controller's would be, with what the case says in its place.
fn request(namespace: &str, node: Option<&Node>) -> String {
    let mut request = json!({
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE", "name": "", "namespace": namespace, "subResource": "", "dryRun": false,
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": []},
    });
    let said = node.map(Node::to_json);
    if let (Value::Object(fields), Some(Value::Object(said))) = (&mut request, said) {
        fields.extend(said);
    }
    request.to_string()
}

fn expect(node: &Node) -> Option<Expect> {
    let texts = |node: &Node| {
        let texts = node.elements().iter().filter_map(Node::text);
        texts.map(str::to_owned).collect()
    };
    let warnings = node.get("warnings").map(|node| {
        let text = node.text().map(str::to_owned);
        text.map_or_else(|| Warnings::Each(texts(node)), Warnings::With)
    });
    Some(Expect {
        mode: text(node, "mode")?.to_owned(),
        rule: text(node, "rule")?.to_owned(),
        reason: text(node, "reason").map(str::to_owned),
        warnings: warnings.unwrap_or(Warnings::Any),
        labels: map(node.get("labels")),
    })
}

/// The mode at `key`.
pub(super) fn mode(node: &Node, key: &str) -> Option<Mode> {
    text(node, key)?.parse().ok()
}

/// The text at `key`.
pub(super) fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key).and_then(Node::text)
}

/// Keys and texts.
pub(super) fn map(node: Option<&Node>) -> BTreeMap<String, String> {
    let entries = node.into_iter().flat_map(Node::entries);
    let texts = entries.filter_map(|(key, value)| Some((key, value.text()?)));
    texts
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}
