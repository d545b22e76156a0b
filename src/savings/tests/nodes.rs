//! Which nodes could go, by hand: a node has 4 vCPU and 16 GiB and costs 20.

use super::super::account::Nodes;
use super::super::assumptions::NeededWaypoint;
use super::super::measured::Placed;
use super::super::role::Role;
use super::{Given, near, node, pod, resources};

fn vcpu(count: f64) -> super::Resources {
    resources(count, 1.0)
}

/// A Pod with a sidecar of one vCPU.
fn with_sidecar(name: &str, on: usize, in_all: f64) -> Placed {
    Placed {
        proxy: Some((Role::Sidecar, resources(1.0, 0.5))),
        ..pod(name, on, vcpu(in_all))
    }
}

fn of_kind(kind: &str, on: usize, in_all: f64) -> Placed {
    let mut placed = pod("odd", on, vcpu(in_all));
    kind.clone_into(&mut placed.workload.kind);
    placed
}

/// On so many nodes; some sidecar could go if a Pod has one.
fn given(nodes: usize, pods: Vec<Placed>) -> Given {
    let sidecars = pods.iter().filter(|pod| pod.proxy.is_some()).count() as f64;
    let mut given = Given::new(1)
        .with(Role::Sidecar, "shop", "web", &[sidecars])
        .on_nodes(nodes);
    given.measured.pods = pods;
    given
}

fn nodes(given: &Given) -> Nodes {
    given.account().nodes
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn nodes_that_could_go() {
    let two = |a: f64, b: f64| vec![pod("a", 0, vcpu(a)), pod("b", 1, vcpu(b))];
    let mut held = two(1.0, 1.0);
    held.push(of_kind("Pod", 0, 0.1));
    held.push(of_kind("Pod", 1, 0.1));
    let static_on = |nodes: &[usize]| {
        let mut pods = two(1.0, 1.0);
        pods.extend(nodes.iter().map(|node| of_kind("Node", *node, 0.5)));
        pods
    };
    let daemons = vec![of_kind("DaemonSet", 0, 3.0), of_kind("DaemonSet", 1, 3.0)];
    // Name, nodes, Pods; how many could go now, and then.
    let rows: [(&str, usize, Vec<Placed>, usize, usize); 11] = [
        ("two halves fit on one", 2, two(2.0, 2.0), 1, 1),
        ("a little more does not", 2, two(2.0, 2.1), 0, 0),
        (
            "of an empty cluster one node stays",
            3,
            vec![pod("a", 0, vcpu(0.0))],
            2,
            2,
        ),
        ("Pods of DaemonSets go with their node", 2, daemons, 1, 1),
        ("Pods that nobody makes anew hold their node", 2, held, 0, 0),
        ("static Pods on one node hold it", 2, static_on(&[0]), 1, 1),
        (
            "static Pods on each node hold none",
            2,
            static_on(&[0, 1]),
            1,
            1,
        ),
        (
            "without sidecars two nodes fit on one",
            2,
            vec![with_sidecar("a", 0, 2.9), with_sidecar("b", 1, 2.9)],
            0,
            1,
        ),
        (
            "ztunnel takes the room that the sidecar leaves",
            2,
            vec![with_sidecar("a", 0, 3.0), with_sidecar("b", 1, 3.0)],
            0,
            0,
        ),
        (
            "memory counts as well",
            2,
            vec![
                pod("a", 0, resources(0.1, 9.0)),
                pod("b", 1, resources(0.1, 9.0)),
            ],
            0,
            0,
        ),
        (
            "a node that is too full gets nothing more",
            3,
            vec![
                pod("a", 0, vcpu(5.0)),
                pod("b", 1, vcpu(1.0)),
                pod("c", 2, vcpu(3.5)),
            ],
            0,
            0,
        ),
    ];
    for (name, count, pods, now, possible) in rows {
        let found = nodes(&given(count, pods));
        let removable = (found.removable_now, found.removable_possible);
        assert_eq!(removable, (Some(now), Some(possible)), "{name}: {found:?}");
        let gained = possible as f64 - now as f64;
        assert!(
            near(found.realised.unwrap(), gained * 20.0),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn money_is_by_type() {
    let mut given = given(
        3,
        vec![
            with_sidecar("a", 0, 2.9),
            with_sidecar("b", 1, 2.9),
            pod("c", 2, vcpu(4.0)),
        ],
    );
    given.measured.nodes[1] = node("small");
    given.measured.nodes[1].allocatable = resources(3.0, 8.0);
    let found = nodes(&given);
    // The emptiest goes: 2.9 of 4 are less than 2.9 of 3, but only the larger one has room for both.
    assert_eq!(found.removable.len(), 1);
    let removable = &found.removable[0];
    assert_eq!(
        (removable.instance_type.as_str(), removable.count),
        ("small", 1)
    );
    assert!(near(removable.monthly, 11.0) && near(found.realised.unwrap(), 11.0));
}

#[test]
fn what_comes_and_does_not_fit_takes_more_nodes() {
    let waypoints = |replicas: f64, vcpu: f64| {
        vec![NeededWaypoint {
            replicas,
            request: resources(vcpu, 1.0),
            ..NeededWaypoint::usual("shop", "an L7 policy")
        }]
    };
    let full = || given(1, vec![with_sidecar("a", 0, 3.9)]);
    let found = nodes(&full());
    assert_eq!(
        (found.realised, found.removable_possible),
        (Some(0.0), Some(0))
    );

    let found = nodes(&full().assuming(|a| a.waypoints = waypoints(2.0, 2.0)));
    assert!(
        near(found.realised.unwrap(), -40.0),
        "3.8 vCPU of a node hold one each: {found:?}"
    );
    assert!(
        found
            .note
            .starts_with("What comes does not fit beside what stays: 2 nodes more")
    );

    let found = nodes(&full().assuming(|a| a.waypoints = waypoints(1.0, 9.0)));
    assert!(
        found.note.starts_with("1 Pods would fit on no node"),
        "{}",
        found.note
    );
}

#[test]
fn ztunnel_makes_place_for_itself() {
    // Kept sidecars; the one that goes is small, and both nodes are full.
    let small = Placed {
        proxy: Some((Role::Sidecar, resources(0.05, 0.1))),
        ..pod("web", 0, vcpu(2.0))
    };
    let others = [(0, 2.0), (1, 2.0), (1, 2.0)].map(|(on, cores)| pod("b", on, vcpu(cores)));
    let pods = [vec![small.clone()], others.to_vec()].concat();
    let found = nodes(&given(2, pods));
    assert!(
        near(found.realised.unwrap(), -40.0),
        "one Pod of each node: {found:?}"
    );

    let found = nodes(&given(2, vec![small, pod("large", 1, vcpu(4.0))]));
    assert_eq!(found.realised, Some(0.0), "{found:?}");
    let note = "On 1 nodes ztunnel would not fit beside a Pod that fits on no other node.";
    assert!(found.note.starts_with(note), "{}", found.note);
}

#[test]
fn what_is_not_known_is_not_made_up() {
    let without_nodes = given(0, Vec::new());
    let without_pods = given(3, Vec::new());
    for (given, count, note) in [
        (without_nodes, None, "The nodes are not known"),
        (
            without_pods,
            Some(3),
            "What reserves the nodes is not known",
        ),
    ] {
        let found = nodes(&given);
        assert!(found.note.starts_with(note), "{}", found.note);
        assert_eq!(
            (found.count, found.removable_now, found.realised),
            (count, None, None)
        );
    }
}

#[test]
fn freed_is_by_requests_and_may_be_less_than_nothing() {
    let freed = nodes(
        &Given::new(1)
            .with(Role::Sidecar, "shop", "web", &[20.0])
            .on_nodes(2),
    );
    assert!(near(freed.freed_vcpu, 2.0 - 0.4) && near(freed.freed_gib, 2.5 - 1.0));
    let freed = nodes(
        &Given::new(1)
            .with(Role::Sidecar, "shop", "web", &[1.0])
            .on_nodes(2),
    );
    assert!(near(freed.freed_vcpu, -0.3) && near(freed.freed_gib, -0.875));
}
