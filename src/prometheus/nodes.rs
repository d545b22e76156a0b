//! Nodes and the Pods on them, at the end of the window.

use std::collections::{BTreeMap, HashMap};

use super::answer::{Answer, Labels, Unread};
use super::fold::{GIB, Owners};
use super::queries::names::{INSTANCE_TYPE, REGION, SPOT};
use crate::savings::Resources;
use crate::savings::measured::{Lease, Node, Placed, Proxies, WorkloadName};
use crate::savings::role::Role;

/// The answers about nodes.
#[derive(Debug)]
pub(super) struct NodeAnswers {
    pub(super) allocatable: Answer,
    pub(super) labels: Answer,
    pub(super) info: Answer,
}

/// The answers about Pods on nodes.
#[derive(Debug)]
pub(super) struct PodAnswers {
    pub(super) placed: Answer,
    pub(super) proxies: Answer,
    pub(super) owners: Answer,
}

/// Nodes by the cluster's and their own name.
type ByName = BTreeMap<(String, String), Node>;
/// What tells Pods apart: cluster, namespace, name, uid.
type Identity = String;

/// The nodes, and where each is in the list by cluster and name.
pub(super) struct Nodes {
    pub(super) all: Vec<Node>,
    places: HashMap<(String, String), usize>,
}

#[derive(Debug, Default)]
struct OnNode {
    namespace: String,
    name: String,
    node: (String, String),
    requests: Resources,
    proxy: Option<Resources>,
    owner: Option<(String, String)>,
}

/// Makes nodes of the answers.
///
/// # Errors
/// One cannot be read.
pub(super) fn nodes(answers: &NodeAnswers, cluster: Option<&str>) -> Result<Nodes, Unread> {
    let mut all = ByName::new();
    answers.allocatable.samples(|labels, _, value| {
        let node = all.entry(key(labels, cluster)).or_insert_with(|| Node {
            name: labels.value("node").to_owned(),
            instance_type: None,
            region: None,
            lease: Lease::OnDemand,
            allocatable: Resources::NONE,
        });
        node.allocatable += resources(labels.value("resource"), value);
    })?;
    answers.labels.samples(|labels, _, _| {
        if let Some(node) = all.get_mut(&key(labels, cluster)) {
            node.instance_type = labels.first(&INSTANCE_TYPE).map(str::to_owned);
            node.region = labels.first(&REGION).map(str::to_owned);
            node.lease = lease(labels);
        }
    })?;
    answers.info.samples(|labels, _, _| {
        if let Some(node) = all.get_mut(&key(labels, cluster))
            && node.region.is_none()
        {
            node.region = region_of(labels.value("provider_id")).map(str::to_owned);
        }
    })?;
    let places = all.keys().cloned().zip(0..).collect();
    let all = all.into_values().collect();
    Ok(Nodes { all, places })
}

/// Makes Pods on nodes of the answers. Their proxies have the roles that were found for their workloads.
///
/// # Errors
/// One cannot be read.
pub(super) fn placed(
    answers: &PodAnswers,
    nodes: &Nodes,
    proxies: &[Proxies],
    owners: Owners<'_>,
    cluster: Option<&str>,
) -> Result<Vec<Placed>, Unread> {
    let mut pods: BTreeMap<Identity, OnNode> = BTreeMap::new();
    answers.placed.samples(|labels, _, value| {
        let pod = pods
            .entry(identity(labels, cluster))
            .or_insert_with(|| OnNode {
                namespace: labels.value("namespace").to_owned(),
                name: labels.value("pod").to_owned(),
                node: key(labels, cluster),
                ..OnNode::default()
            });
        pod.requests += resources(labels.value("resource"), value);
    })?;
    answers.proxies.samples(|labels, _, value| {
        if let Some(pod) = pods.get_mut(&identity(labels, cluster)) {
            let sum = pod.proxy.get_or_insert_default();
            *sum += resources(labels.value("resource"), value);
        }
    })?;
    answers.owners.samples(|labels, _, _| {
        if let Some(pod) = pods.get_mut(&identity(labels, cluster)) {
            let (kind, name) = (labels.value("owner_kind"), labels.value("owner_name"));
            pod.owner = Some((kind.to_owned(), name.to_owned()));
        }
    })?;
    let roles: HashMap<&WorkloadName, Role> = proxies
        .iter()
        .map(|these| (&these.workload, these.role))
        .collect();
    let pods = pods.into_values();
    Ok(pods
        .filter_map(|pod| pod.placed(nodes, &roles, owners))
        .collect())
}

// === impl OnNode ===

impl OnNode {
    fn placed(
        self,
        nodes: &Nodes,
        roles: &HashMap<&WorkloadName, Role>,
        owners: Owners<'_>,
    ) -> Option<Placed> {
        let node = *nodes.places.get(&self.node)?;
        let (kind, name) = self.owner.unwrap_or_default();
        let workload = owners.workload(&self.namespace, &self.name, &kind, &name);
        let role = roles.get(&workload).copied();
        Some(Placed {
            proxy: role.zip(self.proxy),
            workload,
            node,
            requests: self.requests,
        })
    }
}

fn key(labels: &Labels<'_>, cluster: Option<&str>) -> (String, String) {
    let cluster = cluster.map_or("", |label| labels.value(label));
    (cluster.to_owned(), labels.value("node").to_owned())
}

fn identity(labels: &Labels<'_>, cluster: Option<&str>) -> Identity {
    let cluster = cluster.map_or("", |label| labels.value(label));
    let [namespace, pod, uid] = ["namespace", "pod", "uid"].map(|name| labels.value(name));
    format!("{cluster}\0{namespace}\0{pod}\0{uid}")
}

/// Cores and bytes, as kube-state-metrics has them.
fn resources(resource: &str, value: f64) -> Resources {
    match resource {
        "cpu" => Resources {
            vcpu: value,
            gib: 0.0,
        },
        "memory" => Resources {
            vcpu: 0.0,
            gib: value / GIB,
        },
        _ => Resources::NONE,
    }
}

fn lease(labels: &Labels<'_>) -> Lease {
    let mut of_clouds = SPOT.iter();
    let is_spot = of_clouds.any(|(label, spot)| labels.value(label).eq_ignore_ascii_case(spot));
    if is_spot {
        Lease::Spot
    } else {
        Lease::OnDemand
    }
}

/// The region in the names that clouds have for nodes: `aws:///eu-west-1a/i-0abc`, `gce://project/us-central1-a/name`.
fn region_of(provider_id: &str) -> Option<&str> {
    let (cloud, rest) = provider_id.split_once("://")?;
    let zone = rest.split('/').nth(1)?;
    match cloud {
        "aws" => Some(zone.trim_end_matches(|c: char| c.is_ascii_lowercase())),
        "gce" => zone.rsplit_once('-').map(|(region, _)| region),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
