//! Istio's own ConfigMap, and others.

use std::collections::BTreeSet;
use std::error::Error;

use serde_json::{Value, json};

use super::capture;
use crate::placement::outcome::{Capture, Enablement, EnablementSelector};
use crate::placement::selector::{Requirement, Selector};

const INSTALLED: &str = include_str!("../../../../tests/data/istio/istio-cni-config.json");

fn config_map(data: &Value) -> String {
    json!({"metadata": {"name": "istio-cni-config"}, "data": data}).to_string()
}

fn enablement(data: &Value) -> Enablement {
    match capture(&config_map(data)).unwrap() {
        Capture::Enabled(enablement) => enablement,
        other @ (Capture::Disabled | Capture::NotInstalled) => panic!("{other:?}"),
    }
}

#[test]
fn an_installation_has_the_usual_selectors() {
    assert_eq!(capture(INSTALLED).unwrap(), Capture::default());
    // Before 1.26 they were not configurable.
    let older = json!({"AMBIENT_ENABLED": "true"});
    assert_eq!(enablement(&older), Enablement::default());
}

#[test]
fn without_ambient_nothing_is_captured() {
    for data in [
        json!({}),
        json!({"AMBIENT_ENABLED": "false"}),
        json!({"AMBIENT_ENABLED": "yes"}),
    ] {
        assert_eq!(
            capture(&config_map(&data)).unwrap(),
            Capture::Disabled,
            "{data}"
        );
    }
}

#[test]
fn selectors_and_namespaces_of_an_operator() {
    let read = enablement(&json!({
        "AMBIENT_ENABLED": "True",
        "AMBIENT_ENABLEMENT_SELECTOR": "- namespaceSelector: {matchLabels: {team: a}}\n  podSelector: {}",
        "EXCLUDE_NAMESPACES": "kube-system, legacy,,",
    }));
    let team = Selector::new(vec![Requirement::equal("team", "a")]);
    let selector = EnablementSelector {
        namespaces: team,
        ..EnablementSelector::default()
    };
    assert_eq!(read.selectors, [selector]);
    let excluded = ["kube-system", "legacy"].map(str::to_owned);
    assert_eq!(read.excluded, BTreeSet::from(excluded));
}

#[test]
fn no_selectors_capture_nothing() {
    for text in ["", "[]", "null"] {
        let data = json!({"AMBIENT_ENABLED": "true", "AMBIENT_ENABLEMENT_SELECTOR": text});
        assert_eq!(enablement(&data).selectors, [], "{text:?}");
    }
}

#[test]
fn a_selector_that_is_none_is_a_mistake() {
    let text = "- podSelector: {matchExpressions: [{key: k, operator: Exists, values: [v]}]}";
    let data = json!({"AMBIENT_ENABLED": "true", "AMBIENT_ENABLEMENT_SELECTOR": text});
    let error = capture(&config_map(&data)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "podSelector of AMBIENT_ENABLEMENT_SELECTOR is no label selector"
    );
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "operator Exists of key k takes no values");
}
