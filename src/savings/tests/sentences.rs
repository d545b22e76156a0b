//! What an account says beside its figures.

use std::collections::BTreeMap;

use super::super::role::{Evidence, Role};
use super::super::{Account, Basis};
use super::Given;

fn sidecars() -> Given {
    Given::new(10).with(Role::Sidecar, "shop", "web", &[8.0; 10])
}

#[test]
fn each_assumption_is_told() {
    let evidence = BTreeMap::from([(Evidence::Labels, 7), (Evidence::Name, 2)]);
    let rows: [(&str, Given, &str); 8] = [
        (
            "prices",
            sidecars(),
            "A vCPU costs 1 EUR an hour and a GiB 1: a test.",
        ),
        ("hours", sidecars(), "A month has 1 hours"),
        (
            "basis",
            sidecars().assuming(|a| a.basis = Basis::Usage),
            "What a proxy uses",
        ),
        (
            "no ztunnel",
            sidecars(),
            "one counts as what its chart requests, 0.2 vCPU and 0.5 GiB",
        ),
        (
            "nodes",
            sidecars().on_nodes(3),
            "to every node at once, as soon as one workload is ambient: 3.0 nodes",
        ),
        (
            "kept",
            sidecars().keeping(&["shop"]),
            "Every workload could be ambient but those that were named: shop.",
        ),
        (
            "waypoints of all",
            sidecars().keeping(&["shop"]),
            "If all were ambient there would be no other waypoints",
        ),
        (
            "roles",
            sidecars().measuring(|measured| measured.evidence = evidence),
            "by its labels of 7, by its own name alone of 2",
        ),
    ];
    for (name, given, expected) in rows {
        let said = given.account().assumptions;
        assert!(
            said.iter().any(|s| s.contains(expected)),
            "{name}: {said:#?}"
        );
    }
}

#[test]
fn each_doubt_is_told() {
    let rows: [(&str, Given, &str); 4] = [
        (
            "unknown nodes",
            sidecars(),
            "the number of nodes is not known",
        ),
        (
            "no proxies",
            Given::new(1),
            "no container istio-proxy was found",
        ),
        (
            "a gap",
            sidecars().measuring(|m| m.window.coverage[..3].fill(0.0)),
            "only 70 % of the window has data",
        ),
        (
            "what was measured with doubts",
            sidecars().measuring(|m| m.warnings = vec!["two clusters".to_owned()]),
            "two clusters",
        ),
    ];
    for (name, given, expected) in rows {
        let said = given.account().warnings;
        assert!(
            said.iter().any(|s| s.contains(expected)),
            "{name}: {said:#?}"
        );
    }
    assert_eq!(sidecars().on_nodes(1).account().warnings, [""; 0]);
}

/// Who compares with an older report reads it by the same types.
#[test]
fn an_account_is_read_as_it_was_written() {
    let account = sidecars().on_nodes(2).account();
    let json = serde_json::to_value(&account).unwrap();
    let read: Account = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), json);
    assert_eq!(json["roles"]["nativeSidecar"]["count"], 0.0);
    assert!(json["leftOut"][0].as_str().unwrap().starts_with("Gateways"));
}
