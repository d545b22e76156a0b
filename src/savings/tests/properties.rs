//! What holds of every mesh.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::super::assumptions::NeededWaypoint;
use super::super::candidates::Candidates;
use super::super::measured::{Ambient, Measured, Placed, Proxies, Slot};
use super::super::resources::{Amount, Basis, Resources};
use super::super::role::Role;
use super::{Given, near, node, unit_prices, workload};
use crate::savings::Account;

const NAMESPACES: [&str; 3] = ["shop", "pay", "istio-system"];

/// As a mesh has it.
fn usual() -> BoxedStrategy<f64> {
    prop_oneof![Just(0.0), 0.0..20.0_f64].boxed()
}

/// Every number that there is; those that are refused are few, as an account has a hundred.
fn any() -> BoxedStrategy<f64> {
    prop_oneof![
        300 => 0.0..20.0_f64,
        100 => Just(0.0),
        100 => 0.0..1e12_f64,
        100 => select(vec![1e-300, 5e-324, 1e-9, 1e-6, 1e12, -0.0]),
        1 => select(vec![1e13, 1e300, f64::MAX, -1.0, f64::NAN, f64::INFINITY]),
        1 => prop::num::f64::ANY,
    ]
    .boxed()
}

fn resources(figure: &BoxedStrategy<f64>) -> impl Strategy<Value = Resources> + use<> {
    (figure.clone(), figure.clone()).prop_map(|(vcpu, gib)| Resources { vcpu, gib })
}

fn proxies(slots: usize, figure: &BoxedStrategy<f64>) -> impl Strategy<Value = Proxies> + use<> {
    let slot = (figure.clone(), resources(figure), resources(figure)).prop_map(
        |(count, requests, usage)| Slot {
            amount: Amount::of(requests, usage),
            count,
        },
    );
    (
        select(Role::ALL.to_vec()),
        select(NAMESPACES.to_vec()),
        select(vec!["a", "b", "c"]),
        vec(slot, slots),
    )
        .prop_map(|(role, namespace, name, slots)| Proxies {
            workload: workload(namespace, name),
            role,
            slots,
        })
}

fn placed(nodes: usize, figure: &BoxedStrategy<f64>) -> impl Strategy<Value = Placed> + use<> {
    let proxy = (select(Role::ALL.to_vec()), resources(figure));
    (
        select(NAMESPACES.to_vec()),
        select(vec!["a", "b", "c"]),
        select(vec!["Deployment", "DaemonSet", "Node", "Pod"]),
        0..nodes,
        resources(figure),
        proptest::option::of(proxy),
    )
        .prop_map(|(namespace, name, kind, node, requests, proxy)| {
            let mut workload = workload(namespace, name);
            kind.clone_into(&mut workload.kind);
            Placed {
                workload,
                node,
                requests,
                proxy,
            }
        })
}

fn ambient(figure: &BoxedStrategy<f64>) -> impl Strategy<Value = Ambient> + use<> {
    let by_namespace = vec((select(NAMESPACES.to_vec()), figure.clone()), 0..3);
    prop_oneof![
        Just(Ambient::Unknown("nobody counted".to_owned())),
        figure.clone().prop_map(Ambient::InAll),
        by_namespace.prop_map(|counts| {
            let counts = counts.into_iter();
            Ambient::ByNamespace(
                counts
                    .map(|(name, count)| (name.to_owned(), count))
                    .collect(),
            )
        }),
    ]
}

/// A mesh of these figures.
fn given(figure: BoxedStrategy<f64>) -> impl Strategy<Value = Given> {
    (1_usize..5, 0_usize..5).prop_flat_map(move |(slots, nodes)| {
        let coverage = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64];
        let pods = if nodes == 0 { 0..1 } else { 0..12 };
        let measured = (
            vec(coverage, slots),
            vec(proxies(slots, &figure), 0..8),
            vec(resources(&figure), nodes),
            vec(placed(nodes.max(1), &figure), pods),
            ambient(&figure),
            proptest::option::of(vec(figure.clone(), slots)),
        );
        let assumed = (
            figure.clone(),
            figure.clone(),
            figure.clone(),
            vec((select(NAMESPACES.to_vec()), figure.clone()), 0..3),
            select(vec![
                vec![],
                vec!["shop"],
                vec!["pay/a", "shop/b"],
                NAMESPACES.to_vec(),
            ]),
            select(Basis::ALL.to_vec()),
        );
        (measured, assumed).prop_map(move |(measured, assumed)| {
            let (coverage, proxies, allocatable, pods, ambient, node_counts) = measured;
            let (vcpu_hour, gib_hour, hours, waypoints, keeps, basis) = assumed;
            Given::new(slots)
                .keeping(&keeps)
                .measuring(|measured| {
                    measured.window.coverage = coverage;
                    measured.proxies = proxies;
                    for allocatable in allocatable {
                        measured.nodes.push(super::Node {
                            allocatable,
                            ..node("m")
                        });
                    }
                    measured.pods = pods;
                    measured.ambient = ambient;
                    measured.node_counts = node_counts.unwrap_or_default();
                })
                .assuming(|assumptions| {
                    assumptions.pricing = unit_prices(vcpu_hour, gib_hour);
                    assumptions.hours_per_month = hours;
                    assumptions.basis = basis;
                    let waypoints = waypoints.into_iter();
                    assumptions.waypoints = waypoints
                        .map(|(namespace, replicas)| NeededWaypoint {
                            replicas,
                            ..NeededWaypoint::usual(namespace, "an L7 policy")
                        })
                        .collect();
                })
        })
    })
}

/// Every number of a JSON, with its path.
fn numbers(at: &str, json: &Value, found: &mut Vec<(String, Option<f64>)>) {
    match json {
        Value::Null => found.push((at.to_owned(), None)),
        Value::Number(number) => found.push((at.to_owned(), number.as_f64())),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .for_each(|(index, value)| numbers(&format!("{at}/{index}"), value, found)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| numbers(&format!("{at}/{key}"), value, found)),
        Value::Bool(_) | Value::String(_) => {}
    }
}

/// Where an account may have no number.
const UNKNOWN: [&str; 14] = [
    "/cluster",
    "/allSidecar",
    "/breakEvenSidecarsPerNode",
    "/breakEven/cost",
    "/breakEven/vcpu",
    "/breakEven/gib",
    "/breakEven/sidecarsPerNode",
    "/breakEven/nodes",
    "/modes/ambient",
    "/nodes/count",
    "/nodes/removableNow",
    "/nodes/removablePossible",
    "/nodes/realised",
    "/p50",
];

fn amounts(account: &Account) -> Vec<f64> {
    let monthly = account.monthly;
    let saving = account.saving;
    let mut amounts = vec![
        monthly.now,
        monthly.all_sidecar.unwrap_or_default(),
        monthly.possible,
        monthly.all_ambient,
        saving.low,
        saving.central,
        saving.high,
        account.break_even.sidecar,
        account.break_even.ztunnel,
        account.roles.gateway.cost,
        account.nodes.realised.unwrap_or_default(),
    ];
    amounts.extend(account.namespaces.iter().map(|namespace| namespace.now));
    amounts.extend(account.trend.iter().map(|point| point.possible));
    amounts
}

fn without_ztunnel(measured: &mut Measured) {
    measured
        .proxies
        .retain(|proxies| proxies.role != Role::Ztunnel);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// JSON has no NaN and no infinity: serde_json writes null, which is then where no null may be.
    #[test]
    fn an_account_has_numbers_or_there_is_none(given in given(any())) {
        if let Ok(account) = given.try_account() {
            let json = serde_json::to_value(&account).unwrap();
            let mut found = Vec::new();
            numbers("", &json, &mut found);
            prop_assert!(found.len() > 50);
            for (at, number) in found {
                let known = UNKNOWN.iter().any(|unknown| at.ends_with(unknown));
                prop_assert!(number.is_some() || known, "{at} is no number");
            }
            for text in account.assumptions.iter().chain(&account.warnings).chain(&account.left_out) {
                prop_assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
            }
        }
    }

    #[test]
    fn nothing_is_saved_where_nothing_could_go(given in given(usual())) {
        let given = given.keeping(&NAMESPACES).assuming(|a| a.waypoints.clear());
        if let Ok(account) = given.try_account() {
            for on in account.bases.values() {
                prop_assert!(near(on.saving.low, 0.0) && near(on.saving.central, 0.0) && near(on.saving.high, 0.0));
            }
            prop_assert!(account.nodes.realised.is_none_or(|realised| near(realised, 0.0)));
        }
    }

    #[test]
    fn amounts_are_linear_in_prices(given in given(usual()), times in 0.0..100.0_f64) {
        if let Ok(account) = given.try_account() {
            let (vcpu, gib) = (account.prices.vcpu_hour, account.prices.gib_hour);
            let dearer = given.assuming(|a| a.pricing = unit_prices(vcpu * times, gib * times)).account();
            let sorted = |account: &Account| {
                let mut amounts = amounts(account);
                amounts.sort_by(f64::total_cmp);
                amounts
            };
            for (a, b) in sorted(&account).into_iter().zip(sorted(&dearer)) {
                prop_assert!(near(a * times, b), "{a} times {times} is not {b}");
            }
        }
    }

    #[test]
    fn what_is_free_is_no_loss(given in given(usual())) {
        let free = Resources::NONE;
        let given = given.measuring(without_ztunnel).assuming(|a| {
            a.ztunnel = free;
            a.waypoints.clear();
        });
        if let Ok(account) = given.try_account() {
            prop_assert!(account.monthly.possible <= account.monthly.now + 1e-9 * account.monthly.now);
            prop_assert!(account.saving.low >= -1e-6 && account.saving.low <= account.saving.high);
        }
    }

    /// The parts are the whole: namespaces and ztunnel, roles, the mean of the trend.
    #[test]
    fn parts_add_up(given in given(usual())) {
        if let Ok(account) = given.try_account() {
            let namespaces = account.namespaces.iter().map(|namespace| namespace.now).sum::<f64>();
            let roles = account.roles;
            prop_assert!(near(namespaces + roles.ztunnel.cost, account.monthly.now));
            let by_role = roles.sidecar.cost + roles.waypoint.cost + roles.ztunnel.cost;
            prop_assert!(near(by_role, account.monthly.now));
            prop_assert!(near(account.monthly.now - account.monthly.possible, account.saving.central));
            let sidecars = account.namespaces.iter().map(|namespace| namespace.sidecars).sum::<f64>();
            prop_assert!(near(sidecars, account.modes.sidecar));
            for namespace in &account.namespaces {
                let kept = namespace.kept.iter().map(|kept| kept.sidecars).sum::<f64>();
                prop_assert!(near(kept + namespace.could_be_ambient, namespace.sidecars));
            }
            // What namespaces save, less the ztunnels that come, is the saving.
            let saved = account.namespaces.iter().map(|namespace| namespace.saving).sum::<f64>();
            prop_assert!(saved >= account.saving.central - 1e-6 * saved.abs().max(1.0));
        }
    }

    /// ztunnel is of no namespace; without it, what namespaces save is what the mesh saves.
    #[test]
    fn namespaces_save_all_but_ztunnel(given in given(usual())) {
        let given = given.measuring(without_ztunnel).assuming(|a| a.ztunnel = Resources::NONE);
        if let Ok(account) = given.try_account() {
            let saved = account.namespaces.iter().map(|namespace| namespace.saving).sum::<f64>();
            prop_assert!(near(saved, account.saving.central));
        }
    }

    #[test]
    fn keeping_all_by_rules_or_by_name_is_the_same(given in given(usual())) {
        let by_name = given.clone().keeping(&NAMESPACES);
        let by_rules = given.assuming(|a| a.candidates = Candidates::ByRules(std::collections::BTreeMap::new()));
        if let (Ok(a), Ok(b)) = (by_name.try_account(), by_rules.try_account()) {
            prop_assert_eq!(amounts(&a), amounts(&b));
        }
    }
}

/// The properties would hold of nothing, too.
#[test]
fn most_meshes_have_an_account() {
    let mut runner = TestRunner::deterministic();
    let strategy = given(any());
    let accounts = (0..300)
        .filter(|_| {
            let given = strategy.new_tree(&mut runner).unwrap().current();
            given.try_account().is_ok()
        })
        .count();
    assert!((100..300).contains(&accounts), "{accounts} of 300");
}
