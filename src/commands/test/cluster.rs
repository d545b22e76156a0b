//! The part of a case that says what is known of its cluster.

use std::sync::Arc;

use super::case::{map, mode, text};
use super::given::Given;
use crate::cluster::convert::template::Template;
use crate::config::Problems;
use crate::config::check::join;
use crate::config::tree::Node;
use crate::placement::facts::source::{
    Connection, Decided, Missing, Namespace, Reason, Requirement, Scope, Siblings, Waypoint,
    Workload,
};
use crate::placement::facts::{Field, Resource};
use crate::placement::labels::Labels;
use crate::placement::rules::DEFAULT;
use crate::placement::workload::WorkloadRef;

/// The sections that take a cluster.
const OF_CLUSTER: [&str; 5] = ["namespace", "workload", "mesh", "missing", "revision"];
/// The fields of sections that the Pod tells itself.
const OF_POD: [&str; 2] = ["kind", "name"];
/// The kinds that meshmode knows something of.
const KNOWN: [&str; 6] = [
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
];
const COUNTED: [&str; 2] = ["Deployment", "StatefulSet"];

/// Reads what the case `node` says about the cluster; adds what cannot be so.
pub(super) fn read(
    node: &Node,
    template: &Template,
    workload: &WorkloadRef<'_>,
    namespace: &str,
    path: &str,
    problems: &mut Problems,
) -> Option<Given> {
    let sections = || OF_CLUSTER.into_iter().filter_map(|key| node.get(key));
    let said = node.get("cluster").and_then(Node::bool);
    if !said.unwrap_or_else(|| sections().next().is_some()) {
        without_cluster(node, path, problems);
        return Some(Given::nothing());
    }
    let missing = |field: Field| {
        let missing = node.get("missing").map(Node::elements).unwrap_or_default();
        let missing = missing.iter().filter_map(Node::text);
        missing.into_iter().any(|name| name == field.as_str())
    };
    let mesh = node.get("mesh");
    let known = |fields: &[Field], resource| {
        let any = fields.iter().any(|field| missing(*field));
        if any {
            Err(Missing::NotReadYet(resource))
        } else {
            Ok(())
        }
    };
    let of_namespace = known(
        &[Field::NamespaceLabels, Field::NamespaceAnnotations],
        Resource::Namespaces,
    );
    let of_workload = known(&OF_WORKLOAD, resource(workload));
    let facts = facts(node, template, workload, path, problems)?;
    Some(Given {
        connection: Connection::Cluster,
        namespace: of_namespace.map(|()| Arc::new(namespace_of(node.get("namespace")))),
        workload: of_workload.and(facts),
        requires: known(&[Field::Requires], Resource::EnvoyFilters)
            .map(|()| requires(mesh, namespace)),
        waypoint: known(&[Field::Waypoint], Resource::Gateways).map(|()| waypoint(mesh, namespace)),
        siblings: siblings(node, workload, path, problems)?,
    })
}

const OF_WORKLOAD: [Field; 4] = [
    Field::Replicas,
    Field::MaxReplicas,
    Field::WorkloadLabels,
    Field::WorkloadAnnotations,
];

/// What only a cluster says is a mistake of a case without one.
fn without_cluster(node: &Node, path: &str, problems: &mut Problems) {
    for key in OF_CLUSTER {
        let Some(section) = node.get(key) else {
            continue;
        };
        let of_cluster = section.entries().find(|(name, _)| !OF_POD.contains(name));
        let whole = ["mesh", "missing", "revision"].contains(&key);
        if let Some(at) = of_cluster
            .map(|(_, node)| node)
            .or(whole.then_some(section))
        {
            let message = "is a fact of a cluster, and the case says cluster: false; leave one";
            problems.add(at, &join(path, key), message.to_owned());
        }
    }
}

fn resource(workload: &WorkloadRef<'_>) -> Resource {
    match &*workload.kind {
        "StatefulSet" => Resource::StatefulSets,
        _ => Resource::Deployments,
    }
}

fn namespace_of(node: Option<&Node>) -> Namespace {
    Namespace {
        labels: labels(node, "labels").unwrap_or_default(),
        annotations: labels(node, "annotations").unwrap_or_default(),
    }
}

/// What the object says about its workload, and in its place what the case says.
fn facts(
    node: &Node,
    template: &Template,
    workload: &WorkloadRef<'_>,
    path: &str,
    problems: &mut Problems,
) -> Option<Result<Arc<Workload>, Missing>> {
    let section = node.get("workload");
    let kind = &*workload.kind;
    if let Some(at) = wrong_field(section, kind) {
        let known = if KNOWN.contains(&kind) {
            "has no such number"
        } else {
            "is a kind that meshmode knows nothing of"
        };
        let (name, node) = at;
        let message = format!("cannot be known: {kind} {known}; leave it out");
        problems.add(node, &join(&join(path, "workload"), name), message);
        return None;
    }
    if !KNOWN.contains(&kind) {
        return Some(Err(Missing::OtherKind(kind.into())));
    }
    // Of a Pod that says whose it is, the object says nothing about that workload.
    let said = if template.workload.kind == workload.kind {
        template.facts.clone()
    } else {
        Workload::default()
    };
    let number = |key| section.and_then(|node| node.get(key)?.number());
    let one = COUNTED.contains(&kind).then_some(1);
    let replicas = number("replicas").or(said.replicas).or(one);
    Some(Ok(Arc::new(Workload {
        replicas,
        max_replicas: number("maxReplicas").or(replicas),
        labels: labels(section, "labels").unwrap_or(said.labels),
        annotations: labels(section, "annotations").unwrap_or(said.annotations),
    })))
}

/// The first field that a workload of this kind cannot have.
fn wrong_field<'n>(section: Option<&'n Node>, kind: &str) -> Option<(&'n str, &'n Node)> {
    let counts = ["replicas", "maxReplicas"];
    let mut entries = section?.entries();
    entries.find(|(name, _)| {
        if KNOWN.contains(&kind) {
            counts.contains(name) && !COUNTED.contains(&kind)
        } else {
            !OF_POD.contains(name)
        }
    })
}

fn labels(section: Option<&Node>, key: &str) -> Option<Labels> {
    let node = section?.get(key)?;
    Some(Labels::all(Some(&map(Some(node)))))
}

fn requires(mesh: Option<&Node>, namespace: &str) -> Vec<Requirement> {
    let elements = mesh.and_then(|mesh| mesh.get("requires"));
    let elements = elements.map(Node::elements).unwrap_or_default();
    let mut requires: Vec<Requirement> = elements
        .iter()
        .filter_map(|node| requirement(node, namespace))
        .collect();
    requires.sort();
    requires
}

fn requirement(node: &Node, namespace: &str) -> Option<Requirement> {
    let (reason, scope) = (text(node, "reason")?, text(node, "scope")?);
    Some(Requirement {
        reason: Reason::ALL.into_iter().find(|one| one.as_str() == reason)?,
        namespace: text(node, "namespace").unwrap_or(namespace).into(),
        name: text(node, "name")?.into(),
        scope: Scope::ALL.into_iter().find(|one| one.as_str() == scope)?,
    })
}

fn waypoint(mesh: Option<&Node>, namespace: &str) -> Option<Waypoint> {
    let node = mesh?.get("waypoint")?;
    Some(Waypoint {
        namespace: text(node, "namespace").unwrap_or(namespace).into(),
        name: text(node, "name")?.into(),
        traffic: text(node, "for").map(Into::into),
    })
}

/// Nothing where it cannot be so; then the problem has been added.
fn siblings(
    node: &Node,
    workload: &WorkloadRef<'_>,
    path: &str,
    problems: &mut Problems,
) -> Option<Option<Siblings>> {
    let Some(section) = node.get("revision") else {
        return Some(None);
    };
    let path = join(path, "revision");
    if workload.kind == "Pod" {
        let message = "is of no workload: a Pod by itself has no revision; say workload.kind";
        problems.add(section, &path, message.to_owned());
        return None;
    }
    let Some(mode) = mode(section, "mode") else {
        if let Some((key, node)) = section.entries().next() {
            let message = "is of a placement without a mode; add revision.mode, or leave it out";
            problems.add(node, &join(&path, key), message.to_owned());
            return None;
        }
        return Some(Some(Siblings::Unplaced));
    };
    let decided = Decided {
        mode,
        rule: text(section, "rule").unwrap_or(DEFAULT).into(),
        reason: text(section, "reason").unwrap_or_default().into(),
    };
    Some(Some(Siblings::Placed(Arc::new(decided))))
}
