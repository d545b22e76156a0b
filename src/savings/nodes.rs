//! Which nodes could go: a reservation that is freed is money once a node is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Nodes, Removable};
use super::assumptions::ZtunnelNow;
use super::candidates::Becomes;
use super::measured::{Node, Placed};
use super::mesh::Mesh;
use super::packing::{Bin, Item, Packed, more_bins, pack};
use super::prices::Resolved;
use super::resources::Resources;
use super::role::Role;

/// What packing does not look at.
const LIMITS: &str = "A node is emptied if its Pods fit elsewhere by requested CPU and memory, largest first; Pods of DaemonSets go with their node. Nodes with Pods that nobody would make anew, and with static Pods unless every node has them, stay. Not looked at: affinity, taints, zones, disruption budgets, volumes, other resources, how many Pods a node may have, and what an autoscaler keeps free.";

/// What of a Pod's node becomes of it when that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    /// It moves.
    Moves,
    /// It goes with the node.
    Goes,
    /// The node stays for it.
    Holds,
}

/// Nodes and Pods, as they are or could be.
struct Packable {
    bins: Vec<Bin>,
    items: Vec<Item>,
}

/// What becomes of nodes. `freed` is what is possible frees, in requests.
pub(super) fn nodes(mesh: &Mesh<'_>, freed: Resources, prices: &Resolved) -> Nodes {
    let measured = mesh.measured;
    let count = measured.nodes.len();
    let unknown = |note: &str| Nodes {
        count: (count > 0).then_some(count),
        freed_vcpu: freed.vcpu,
        freed_gib: freed.gib,
        removable_now: None,
        removable_possible: None,
        removable: Vec::new(),
        realised: None,
        note: note.to_owned(),
    };
    if count == 0 {
        return unknown("The nodes are not known (kube_node_status_allocatable).");
    }
    if measured.pods.is_empty() {
        return unknown("What reserves the nodes is not known: no Pod at the end of the window.");
    }
    let (now, possible) = (as_it_is(mesh), as_it_could_be(mesh));
    let crowded = crowded(&now, &possible);
    let emptied_now = pack(&now.bins, &now.items, &[], &[]).emptied;
    let packed = pack(&possible.bins, &possible.items, &crowded, &emptied_now);
    let more = More::of(mesh, &possible, &packed);
    let month = |node: usize| prices.node_hour[node] * mesh.assumptions.hours_per_month;
    let cost = |nodes: &[usize]| nodes.iter().map(|node| month(*node)).sum::<f64>();
    let needed = more.nodes as f64 * month(more.like);
    Nodes {
        removable_now: Some(emptied_now.len()),
        removable_possible: Some(packed.emptied.len().saturating_sub(more.nodes)),
        removable: removable(&measured.nodes, &packed.emptied, &emptied_now, month),
        realised: Some(cost(&packed.emptied) - cost(&emptied_now) - needed),
        note: more.said(&measured.nodes) + &lost(&packed.emptied, &emptied_now) + LIMITS,
        ..unknown("")
    }
}

/// As it is at the end of the window.
fn as_it_is(mesh: &Mesh<'_>) -> Packable {
    packable(mesh, |pod| pod.requests, |_| Resources::NONE)
}

/// If what is possible were done.
fn as_it_could_be(mesh: &Mesh<'_>) -> Packable {
    let measured = mesh.measured;
    let placed = |role: Role| {
        let pods = measured.pods.iter();
        pods.filter(move |pod| pod.proxy.is_some_and(|(its, _)| its == role))
    };
    let with_ztunnel: BTreeSet<usize> = placed(Role::Ztunnel).map(|pod| pod.node).collect();
    let with_waypoint: BTreeSet<&str> = placed(Role::Waypoint)
        .map(|pod| pod.workload.namespace.as_str())
        .collect();
    let comes = match mesh.assumptions.ztunnel_now {
        ZtunnelNow::Everywhere => with_ztunnel.is_empty(),
        ZtunnelNow::AsMeasured => true,
    };
    let ztunnel = |node: usize| {
        if mesh.something_goes && comes && !with_ztunnel.contains(&node) {
            mesh.one_ztunnel().requests
        } else {
            Resources::NONE
        }
    };
    let mut possible = packable(mesh, |pod| without_sidecar(mesh, pod), ztunnel);
    for needed in &mesh.assumptions.waypoints {
        if !with_waypoint.contains(needed.namespace.as_str()) {
            let item = Item {
                bin: None,
                requests: needed.request,
            };
            let replicas = needed.replicas.ceil() as usize;
            possible.items.extend(std::iter::repeat_n(item, replicas));
        }
    }
    possible
}

/// What a Pod reserves without the sidecar that it need not have.
fn without_sidecar(mesh: &Mesh<'_>, pod: &Placed) -> Resources {
    let becomes = || mesh.assumptions.candidates.becomes(&pod.workload);
    match pod.proxy {
        Some((role, proxy)) if role.is_sidecar() && becomes() == Becomes::Ambient => {
            (pod.requests - proxy).max(Resources::NONE)
        }
        Some(_) | None => pod.requests,
    }
}

fn packable(
    mesh: &Mesh<'_>,
    requests: impl Fn(&Placed) -> Resources,
    comes: impl Fn(usize) -> Resources,
) -> Packable {
    let measured = mesh.measured;
    let mut bins: Vec<Bin> = measured
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| Bin {
            room: node.allocatable - comes(index),
            stays: false,
        })
        .collect();
    let static_everywhere = static_everywhere(measured.nodes.len(), &measured.pods);
    let mut items = Vec::with_capacity(measured.pods.len());
    for pod in &measured.pods {
        let requests = requests(pod);
        let bin = &mut bins[pod.node];
        match tie(pod, static_everywhere) {
            Tie::Moves => items.push(Item {
                bin: Some(pod.node),
                requests,
            }),
            Tie::Goes => bin.room = bin.room - requests,
            Tie::Holds => {
                bin.room = bin.room - requests;
                bin.stays = true;
            }
        }
    }
    Packable { bins, items }
}

/// A static Pod's owner is its node. Where each node has one (as GKE's kube-proxy) they are no reason to stay; where some
/// have, these are the control plane.
fn tie(pod: &Placed, static_everywhere: bool) -> Tie {
    match pod.workload.kind.as_str() {
        "DaemonSet" => Tie::Goes,
        "Node" if static_everywhere => Tie::Goes,
        "Node" | "Pod" => Tie::Holds,
        _ => Tie::Moves,
    }
}

fn static_everywhere(nodes: usize, pods: &[Placed]) -> bool {
    let of_nodes = pods.iter().filter(|pod| pod.workload.kind == "Node");
    let with: BTreeSet<usize> = of_nodes.map(|pod| pod.node).collect();
    with.len() == nodes
}

/// The nodes on which what comes takes more than what goes leaves.
fn crowded(now: &Packable, possible: &Packable) -> Vec<usize> {
    let (before, after) = (now.free(), possible.free());
    let less = |node: &usize| {
        let (before, after) = (before[*node], after[*node]);
        after.vcpu < before.vcpu || after.gib < before.gib
    };
    (0..after.len()).filter(less).collect()
}

/// By type, those that could go then and cannot today.
fn removable(
    nodes: &[Node],
    possible: &[usize],
    now: &[usize],
    month: impl Fn(usize) -> f64,
) -> Vec<Removable> {
    let mut types: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for node in possible.iter().filter(|node| !now.contains(node)) {
        let (count, cost) = types.entry(instance_type(&nodes[*node])).or_default();
        *count += 1;
        *cost += month(*node);
    }
    let types = types.into_iter();
    types
        .map(|(instance_type, (count, cost))| Removable {
            instance_type: instance_type.to_owned(),
            count,
            monthly: cost / count as f64,
        })
        .collect()
}

/// What is worse then.
fn lost(possible: &[usize], now: &[usize]) -> String {
    match now.iter().filter(|node| !possible.contains(node)).count() {
        0 => String::new(),
        lost => format!("{lost} of the nodes that could be emptied today could not be then. "),
    }
}

fn instance_type(node: &Node) -> &str {
    node.instance_type.as_deref().unwrap_or("unknown")
}

/// Nodes that would have to come.
struct More {
    nodes: usize,
    /// Pods that fit on none of them.
    too_large: usize,
    /// Nodes on which what comes does not fit beside a Pod that fits nowhere else.
    too_full: usize,
    /// A node of the commonest type, by its place: they would be like that.
    like: usize,
}

// === impl More ===

impl More {
    fn of(mesh: &Mesh<'_>, possible: &Packable, packed: &Packed) -> Self {
        let like = commonest(&mesh.measured.nodes);
        let both = possible.items.iter().zip(&packed.bins);
        let left_over: Vec<Resources> = both
            .filter(|(_, bin)| bin.is_none())
            .map(|(item, _)| item.requests)
            .collect();
        let (nodes, too_large) = more_bins(possible.bins[like].room, &left_over);
        Self {
            nodes,
            too_large,
            too_full: packed.too_full,
            like,
        }
    }

    fn said(&self, nodes: &[Node]) -> String {
        let mut said = String::new();
        if self.nodes > 0 {
            let instance_type = instance_type(&nodes[self.like]);
            said = format!(
                "What comes does not fit beside what stays: {} nodes more would be needed, counted as {instance_type}. ",
                self.nodes
            );
        }
        if self.too_large > 0 {
            said += &format!(
                "{} Pods would fit on no node of that type, and are in no amount. ",
                self.too_large
            );
        }
        if self.too_full > 0 {
            said += &format!(
                "On {} nodes ztunnel would not fit beside a Pod that fits on no other node. ",
                self.too_full
            );
        }
        said
    }
}

/// The first node of the type that most are of.
fn commonest(nodes: &[Node]) -> usize {
    let mut types: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        types.entry(instance_type(node)).or_insert((0, index)).0 += 1;
    }
    let most = types.into_values().max_by_key(|(count, _)| *count);
    most.map(|(_, first)| first).unwrap_or_default()
}

// === impl Packable ===

impl Packable {
    /// What is left on each node.
    fn free(&self) -> Vec<Resources> {
        let mut free: Vec<Resources> = self.bins.iter().map(|bin| bin.room).collect();
        for item in &self.items {
            if let Some(bin) = item.bin {
                free[bin] = free[bin] - item.requests;
            }
        }
        free
    }
}
