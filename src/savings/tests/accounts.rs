//! The scenarios, the saving and the break-even of meshes that were computed by hand.

use super::super::assumptions::NeededWaypoint;
use super::super::measured::Ambient;
use super::super::resources::{Amount, Basis};
use super::super::role::Role;
use super::{Given, near, resources};
use crate::savings::Unusable;

struct Row {
    name: &'static str,
    given: Given,
    /// Now, all sidecar, possible, all ambient.
    monthly: (f64, Option<f64>, f64, f64),
}

fn sidecars(count: f64) -> Given {
    Given::new(1).with(Role::Sidecar, "shop", "web", &[count])
}

fn waypoint(namespace: &str) -> NeededWaypoint {
    NeededWaypoint::usual(namespace, "an L7 policy")
}

/// A sidecar is 0.225, a ztunnel 0.7, a waypoint of two replicas 0.45.
#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Row> {
    let row = |name, given, monthly| Row {
        name,
        given,
        monthly,
    };
    let pilot = sidecars(20.0).with(Role::Ztunnel, "istio-system", "ztunnel", &[1.0]);
    let two_waypoints = |given: Given| given.assuming(|a| a.waypoints = vec![waypoint("shop")]);
    vec![
        row("nothing at all", Given::new(1), (0.0, Some(0.0), 0.0, 0.0)),
        row(
            "nodes without a mesh",
            Given::new(1).on_nodes(9),
            (0.0, Some(0.0), 0.0, 0.0),
        ),
        row(
            "all sidecars; ztunnel comes to both nodes",
            sidecars(20.0).on_nodes(2),
            (4.5, Some(4.5), 1.4, 1.4),
        ),
        row(
            "native sidecars are sidecars",
            Given::new(1)
                .with(Role::NativeSidecar, "shop", "web", &[20.0])
                .on_nodes(2),
            (4.5, Some(4.5), 1.4, 1.4),
        ),
        row(
            "few sidecars on many nodes: a loss",
            sidecars(4.0).on_nodes(10),
            (0.9, Some(0.9), 7.0, 7.0),
        ),
        row(
            "all are kept: nothing comes",
            sidecars(20.0).on_nodes(2).keeping(&["shop"]),
            (4.5, Some(4.5), 4.5, 1.4),
        ),
        row(
            "one of two is kept",
            sidecars(20.0)
                .with(Role::Sidecar, "shop", "wasm", &[10.0])
                .on_nodes(2)
                .keeping(&["shop/wasm"]),
            (6.75, Some(6.75), 3.65, 1.4),
        ),
        row(
            "ambient already, with a waypoint; each of 30 Pods would have a sidecar",
            sidecars(10.0)
                .with(Role::Ztunnel, "istio-system", "ztunnel", &[2.0])
                .with(Role::Waypoint, "pay", "waypoint", &[1.0])
                .on_nodes(2)
                .ambient(&[("pay", 30.0)]),
            (3.875, Some(9.0), 1.625, 1.625),
        ),
        row(
            "gateways are in no scenario",
            sidecars(20.0)
                .with(Role::Gateway, "istio-system", "ingress", &[50.0])
                .on_nodes(2),
            (4.5, Some(4.5), 1.4, 1.4),
        ),
        row(
            "a waypoint comes where there is none",
            two_waypoints(sidecars(20.0).on_nodes(2)),
            (4.5, Some(4.5), 1.85, 1.85),
        ),
        row(
            "no waypoint comes where there is one",
            two_waypoints(sidecars(20.0).on_nodes(2).with(
                Role::Waypoint,
                "shop",
                "waypoint",
                &[1.0],
            )),
            (4.725, Some(4.5), 1.625, 1.625),
        ),
        row(
            "a waypoint elsewhere is none here",
            two_waypoints(sidecars(20.0).on_nodes(2).with(
                Role::Waypoint,
                "pay",
                "waypoint",
                &[1.0],
            )),
            (4.725, Some(4.5), 2.075, 2.075),
        ),
        row(
            "nodes unknown: the ztunnels that run are all",
            pilot.clone().ambient(&[]),
            (5.2, Some(4.5), 0.7, 0.7),
        ),
        row(
            "nodes unknown, and no ztunnel: it is in no figure",
            sidecars(20.0),
            (4.5, Some(4.5), 0.0, 0.0),
        ),
        row(
            "nodes unknown, and said by somebody",
            sidecars(20.0).assuming(|assumptions| assumptions.nodes = Some(3.0)),
            (4.5, Some(4.5), 2.1, 2.1),
        ),
        row(
            "ztunnel on one of three nodes comes to two more",
            pilot.clone().on_nodes(3).ambient(&[]),
            (5.2, Some(4.5), 2.1, 2.1),
        ),
        row(
            "ztunnel on one of three nodes, where it will stay",
            pilot.clone().on_nodes(3).ztunnel_everywhere().ambient(&[]),
            (5.2, Some(4.5), 0.7, 0.7),
        ),
        row(
            "more ztunnels than nodes: none goes",
            sidecars(20.0)
                .with(Role::Ztunnel, "istio-system", "ztunnel", &[3.0])
                .on_nodes(2)
                .ambient(&[]),
            (6.6, Some(4.5), 2.1, 2.1),
        ),
        row(
            "ambient Pods that nobody counted",
            pilot.clone().on_nodes(1),
            (5.2, None, 0.7, 0.7),
        ),
        row(
            "ambient Pods in all",
            pilot
                .on_nodes(1)
                .measuring(|measured| measured.ambient = Ambient::InAll(40.0)),
            (5.2, Some(13.5), 0.7, 0.7),
        ),
        row(
            "ambient alone, without one sidecar to go by",
            Given::new(1)
                .with(Role::Ztunnel, "istio-system", "ztunnel", &[2.0])
                .on_nodes(2)
                .ambient(&[("pay", 100.0)]),
            (1.4, Some(22.5), 1.4, 1.4),
        ),
    ]
}

#[test]
fn scenarios() {
    for Row {
        name,
        given,
        monthly: (now, all_sidecar, possible, all_ambient),
    } in rows()
    {
        let account = given.account();
        let monthly = account.monthly;
        let found = format!("{name}: {monthly:?}");
        assert!(near(monthly.now, now), "{found}");
        assert_eq!(
            monthly.all_sidecar.is_some(),
            all_sidecar.is_some(),
            "{found}"
        );
        let (had, wanted) = (
            monthly.all_sidecar.unwrap_or_default(),
            all_sidecar.unwrap_or_default(),
        );
        assert!(near(had, wanted), "{found}");
        assert!(near(monthly.possible, possible), "{found}");
        assert!(near(monthly.all_ambient, all_ambient), "{found}");
        assert!(near(account.saving.central, now - possible), "{found}");
    }
}

#[test]
fn a_sidecar_of_the_own_namespace_goes_before_that_of_the_mesh() {
    let large = Amount::of(resources(1.0, 1.0), resources(1.0, 1.0));
    let given = sidecars(10.0)
        .with_amount(Role::Sidecar, "pay", "api", &[10.0], large)
        .with(Role::Ztunnel, "istio-system", "ztunnel", &[1.0])
        .ambient(&[("pay", 1.0), ("shop", 1.0), ("new", 1.0)]);
    let account = given.account();
    let sidecars = 2.25 + 20.0;
    let more = 2.0 + 0.225 + (2.25 + 20.0) / 20.0;
    assert!(near(account.monthly.all_sidecar.unwrap(), sidecars + more));
}

#[test]
fn each_basis_has_its_own_figures() {
    let each = Amount::of(resources(0.1, 0.25), resources(0.3, 0.05));
    let given = Given::new(1)
        .with_amount(Role::Sidecar, "shop", "web", &[10.0], each)
        .on_nodes(1);
    // ztunnel has no use that was measured: its request counts on each basis.
    for (basis, now) in [
        (Basis::Requests, 3.5),
        (Basis::Usage, 3.5),
        (Basis::Max, 5.5),
    ] {
        let account = given.clone().assuming(|a| a.basis = basis).account();
        assert!(near(account.monthly.now, now), "{basis:?}");
        assert!(near(account.monthly.possible, 0.7), "{basis:?}");
        let on = account.bases[&basis];
        assert!(near(on.monthly.now, now) && near(on.saving.central, now - 0.7));
        assert_eq!(account.saving, on.saving);
    }
}

#[test]
fn what_was_not_measured_is_no_basis() {
    let given = sidecars(10.0).measuring(|measured| measured.bases = &[Basis::Requests]);
    let account = given.account();
    assert_eq!(account.bases.keys().collect::<Vec<_>>(), [&Basis::Requests]);
    assert_eq!(
        account.bases[&Basis::Requests].monthly.now,
        account.monthly.now
    );
}

#[test]
fn what_comes_uses_what_those_use_that_run() {
    let ztunnel = Amount::of(resources(0.2, 0.5), resources(0.05, 0.02));
    let waypoint_each = Amount::of(resources(0.1, 0.125), resources(0.5, 0.1));
    let given = sidecars(10.0)
        .with_amount(Role::Ztunnel, "istio-system", "ztunnel", &[1.0], ztunnel)
        .with_amount(Role::Waypoint, "pay", "waypoint", &[4.0], waypoint_each)
        .on_nodes(3)
        .assuming(|a| a.waypoints = vec![waypoint("shop")]);
    for (basis, possible) in [
        // Three ztunnels, four waypoint Pods that run, two that come.
        (Basis::Requests, 3.0 * 0.7 + 6.0 * 0.225),
        (Basis::Usage, 3.0 * 0.07 + 6.0 * 0.6),
        (Basis::Max, 3.0 * 0.7 + 6.0 * 0.625),
    ] {
        let account = given.clone().assuming(|a| a.basis = basis).account();
        assert!(
            near(account.monthly.possible, possible),
            "{basis:?}: {:?}",
            account.monthly
        );
    }
}

#[test]
fn low_and_high_are_percentiles_and_a_slot_without_data_is_none() {
    // Savings of 0 to 10 by slot, and a mean by coverage.
    let counts: Vec<f64> = (0..=10).map(f64::from).collect();
    let each = Amount::of(resources(1.0, 0.0), resources(1.0, 0.0));
    let given = Given::new(11).with_amount(Role::Sidecar, "shop", "web", &counts, each);
    let saving = given.account().saving;
    assert!(near(saving.low, 1.0) && near(saving.central, 5.0) && near(saving.high, 9.0));

    let mut given = Given::new(3).with_amount(Role::Sidecar, "shop", "web", &[4.0, 1e9, 8.0], each);
    given.measured.window.coverage = vec![1.0, 0.0, 0.5];
    let account = given.account();
    assert!(near(account.monthly.now, (4.0 + 0.5 * 8.0) / 1.5));
    assert!(near(account.saving.low, 4.4) && near(account.saving.high, 7.6));
    assert_eq!(account.trend.len(), 2);
    assert_eq!(account.trend[1].start.as_second(), 1_700_000_000 + 2 * 3600);
    assert!(near(account.window.coverage, 0.5));
}

#[test]
fn a_cluster_that_grows_has_as_many_ztunnels_as_nodes_then() {
    let given = Given::new(2)
        .with(Role::Sidecar, "shop", "web", &[20.0, 40.0])
        .on_nodes(1)
        .measuring(|measured| measured.node_counts = vec![2.0, 6.0]);
    let account = given.account();
    assert!(near(account.monthly.possible, 4.0 * 0.7));
    assert_eq!(account.break_even.nodes, Some(4.0));
    assert!(near(account.break_even.sidecars_per_node.unwrap(), 7.5));
}

#[test]
fn break_even() {
    // By the charts' requests: two by cores, four by memory.
    let found = sidecars(10.0).on_nodes(4).account();
    let even = &found.break_even;
    assert!(near(even.vcpu.unwrap(), 2.0) && near(even.gib.unwrap(), 4.0));
    assert!(near(even.cost.unwrap(), 0.7 / 0.225));
    assert_eq!(found.break_even_sidecars_per_node, even.cost);
    assert_eq!(even.sidecars_per_node, Some(2.5));
    assert!(found.saving.central < 0.0, "fewer than at break-even");
    assert!(sidecars(13.0).on_nodes(4).account().saving.central > 0.0);

    let free = Amount::of(resources(0.0, 0.0), resources(0.1, 0.1));
    let given = Given::new(1).with_amount(Role::Sidecar, "shop", "web", &[10.0], free);
    let even = given.account().break_even;
    assert_eq!((even.cost, even.vcpu, even.gib), (None, None, None));
    assert_eq!((even.nodes, even.sidecars_per_node), (None, None));
}

#[test]
fn by_role_and_by_namespace() {
    let account = sidecars(10.0)
        .with(Role::NativeSidecar, "pay", "api", &[20.0])
        .with(Role::NativeSidecar, "shop", "web", &[2.0])
        .with(Role::Waypoint, "pay", "waypoint", &[1.0])
        .with(Role::Ztunnel, "istio-system", "ztunnel", &[1.0])
        .with(Role::Gateway, "istio-system", "ingress", &[3.0])
        .on_nodes(1)
        .keeping(&["shop/web"])
        .account();
    let roles = account.roles;
    assert!(near(roles.sidecar.count, 32.0) && near(roles.native_sidecar.count, 22.0));
    assert!(near(roles.gateway.cost, 0.675) && near(roles.ztunnel.gib, 0.5));
    let by_roles = roles.sidecar.cost + roles.waypoint.cost + roles.ztunnel.cost;
    assert!(near(account.monthly.now, by_roles));
    let names: Vec<&str> = account
        .namespaces
        .iter()
        .map(|namespace| namespace.namespace.as_str())
        .collect();
    assert_eq!(names, ["pay", "shop"], "the largest saving first");
    let (pay, shop) = (&account.namespaces[0], &account.namespaces[1]);
    assert!(near(pay.now, 4.725) && near(pay.possible, 0.225) && near(pay.saving, 4.5));
    assert!(near(pay.could_be_ambient, 20.0) && pay.kept.is_empty());
    assert!(near(shop.sidecars, 12.0) && near(shop.saving, 0.0));
    assert_eq!(
        shop.kept.len(),
        1,
        "both kinds of sidecar are of one workload"
    );
    assert_eq!(shop.kept[0].workload, "Deployment/web");
    assert!(near(shop.kept[0].sidecars, 12.0));
}

#[test]
fn figures_that_cannot_be_are_refused_with_their_place() {
    let nan = Amount::of(resources(f64::NAN, 0.0), resources(0.0, 0.0));
    let rows: [(&str, Given, &str); 8] = [
        (
            "no data",
            sidecars(1.0).measuring(|m| m.window.coverage = vec![0.0]),
            "nothing was measured in the window",
        ),
        (
            "no slots",
            Given::new(0)
                .measuring(|m| m.window.end = m.window.start + jiff::SignedDuration::from_hours(1)),
            "nothing was measured",
        ),
        (
            "a window of no length",
            sidecars(1.0).measuring(|m| m.window.end = m.window.start),
            "is not after its start",
        ),
        (
            "NaN",
            Given::new(1).with_amount(Role::Sidecar, "shop", "web", &[1.0], nan),
            "what shop/Deployment/web has as Sidecar is NaN; allowed: a number from 0",
        ),
        ("infinite", sidecars(f64::INFINITY), "shop/Deployment/web"),
        ("negative", sidecars(-1.0), "is -1"),
        (
            "too few slots",
            Given::new(2).with(Role::Sidecar, "shop", "web", &[1.0]),
            "has 1 slots, and the window 2",
        ),
        (
            "a price that is none",
            sidecars(1.0).assuming(|a| a.pricing = super::unit_prices(f64::NAN, 1.0)),
            "the price of a vCPU-hour is NaN",
        ),
    ];
    for (name, given, message) in rows {
        let error: Unusable = given.try_account().unwrap_err();
        assert!(error.to_string().contains(message), "{name}: {error}");
    }
}

#[test]
fn latency_is_told_and_is_in_no_amount() {
    let quiet = sidecars(20.0).on_nodes(2);
    let measured = quiet.clone().measuring(|measured| {
        measured.latency = vec![super::super::measured::MeasuredLatency {
            seen_by: "reporter=\"waypoint\"".to_owned(),
            requests_per_second: 12.0,
            p50: 3.0,
            p99: f64::NAN,
        }];
    });
    let (quiet, account) = (quiet.account(), measured.account());
    assert_eq!(account.latency.len(), quiet.latency.len() + 1);
    let first = &account.latency[0];
    assert_eq!(
        (first.p50, first.high),
        (Some(3.0), None),
        "NaN is no latency"
    );
    assert!(
        quiet
            .latency
            .iter()
            .all(|l| l.source.starts_with("estimate"))
    );
    assert_eq!(account.saving, quiet.saving);
}
