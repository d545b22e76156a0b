//! What could be ambient: what people name, and what the rules say.

use std::collections::BTreeMap;

use super::super::candidates::{Candidates, Fate, Keep};
use super::super::role::Role;
use super::{Given, near, workload};

#[test]
fn keeps_are_read() {
    for text in ["shop", "shop/web", "a.b/c-d.e9"] {
        let keep: Keep = text.parse().unwrap();
        assert_eq!(keep.to_string(), text);
    }
    for (text, message) in [
        ("", "\"\": \"\" is not the name of a namespace"),
        ("/web", "\"\" is not the name of a namespace"),
        ("shop/", "\"\" is not the name of a workload"),
        ("Shop", "\"Shop\" is not the name of a namespace"),
        ("shop/we b", "\"we b\" is not the name of a workload"),
        ("-shop", "is not the name of a namespace"),
        (
            "shop/Deployment/web",
            "more than one slash; allowed: NAMESPACE or NAMESPACE/WORKLOAD",
        ),
    ] {
        let error = text.parse::<Keep>().unwrap_err().to_string();
        assert!(error.contains(message), "{text:?}: {error}");
    }
}

#[test]
fn rules_decide_and_what_they_do_not_know_keeps_its_sidecars() {
    let fate = |rule: &str| (rule.to_owned(), "so it is".to_owned());
    let fates = BTreeMap::from([
        (workload("shop", "web"), {
            let (rule, reason) = fate("default");
            Fate::Ambient { rule, reason }
        }),
        (workload("shop", "wasm"), {
            let (rule, reason) = fate("wasm-plugin-volume");
            let mode = "sidecar".to_owned();
            Fate::Keeps { mode, rule, reason }
        }),
        (
            workload("shop", "odd"),
            Fate::Unknown("its namespace cannot be read".to_owned()),
        ),
    ]);
    let account = Given::new(1)
        .with(Role::Sidecar, "shop", "web", &[8.0])
        .with(Role::Sidecar, "shop", "wasm", &[4.0])
        .with(Role::Sidecar, "shop", "odd", &[2.0])
        .with(Role::Sidecar, "shop", "gone", &[1.0])
        .assuming(|assumptions| assumptions.candidates = Candidates::ByRules(fates))
        .account();
    let shop = &account.namespaces[0];
    assert!(near(shop.could_be_ambient, 8.0) && near(account.saving.central, 8.0 * 0.225));
    let kept: Vec<(&str, &str)> = shop
        .kept
        .iter()
        .map(|kept| (kept.workload.as_str(), kept.reason.as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            (
                "Deployment/wasm",
                "rule wasm-plugin-volume gives sidecar: so it is"
            ),
            ("Deployment/odd", "its namespace cannot be read"),
            (
                "Deployment/gone",
                "the placement rules were not asked about it"
            ),
        ]
    );
    let warning = account.warnings.iter().find(|w| w.contains("nobody knows"));
    let warning = warning.unwrap();
    assert!(
        warning.starts_with("2 workloads with 3.0 sidecars"),
        "{warning}"
    );
}

#[test]
fn a_name_that_nothing_has_is_told() {
    let given = Given::new(1)
        .with(Role::Sidecar, "shop", "web", &[8.0])
        .with(Role::Gateway, "edge", "ingress", &[1.0])
        .keeping(&["shop/web", "shop/wbe", "edge"]);
    let warnings = given.account().warnings;
    let told = warnings.iter().any(|warning| {
        warning.ends_with("no workload with a sidecar is called so: shop/wbe, edge")
    });
    assert!(told, "{warnings:?}");
}
