//! Each outcome and each reason, on the webhooks and selectors that Istio's profile ambient installs.

mod policy;
mod properties;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Capture, Configuration, Enablement, Injectors, Istio, Namespace, Outcome, Seen};
use crate::cluster::convert::{Opened, cni, injectors};
use crate::placement::selector::{Requirement, Selector};

/// A Pod in a namespace.
type Case<'c> = (&'c str, Value, Value);

const NAMESPACE: &str = "shop";
const ENABLED: &str = "webhook namespace.sidecar-injector.istio.io of istio-sidecar-injector";

/// As an installation has it, without revisions.
fn usual() -> Istio {
    let webhooks = include_str!("../../../tests/data/istio/istio-sidecar-injector.json");
    let cni = include_str!("../../../tests/data/istio/istio-cni-config.json");
    Istio {
        injectors: Injectors::new(
            vec![injectors::configuration(webhooks).unwrap().unwrap()],
            BTreeMap::new(),
        ),
        capture: cni::capture(cni).unwrap(),
    }
}

fn with_capture(change: impl FnOnce(&mut Enablement)) -> Istio {
    let mut enablement = Enablement::default();
    change(&mut enablement);
    Istio {
        capture: Capture::Enabled(enablement),
        ..usual()
    }
}

/// The word and the reason for a Pod with this metadata and spec.
fn outcome(istio: &Istio, (name, labels, pod): &Case<'_>) -> (&'static str, String) {
    let text = pod.to_string();
    let opened: Opened<'_> = serde_json::from_str(&text).unwrap();
    let pod = opened.into_pod().unwrap();
    let seen = Seen::of(&pod);
    let labels: BTreeMap<String, String> = serde_json::from_value(labels.clone()).unwrap();
    let namespace = Namespace {
        name,
        labels: &labels,
    };
    let outcome = Outcome::of(istio, &seen, namespace);
    (outcome.as_str(), outcome.to_string())
}

fn pod(metadata: &Value) -> Value {
    json!({"metadata": metadata, "spec": {}})
}

fn labels(labels: &Value) -> Value {
    pod(&json!({"labels": labels}))
}

fn annotations(annotations: &Value) -> Value {
    pod(&json!({"annotations": annotations}))
}

fn in_namespace<'c>(labels: &Value, pod: Value) -> Case<'c> {
    (NAMESPACE, labels.clone(), pod)
}

#[track_caller]
fn check(istio: &Istio, rows: Vec<(Case<'_>, &str, &str)>) {
    for (case, word, reason) in rows {
        let (seen_word, seen_reason) = outcome(istio, &case);
        assert_eq!((seen_word, &*seen_reason), (word, reason), "{case:?}");
    }
}

#[test]
fn who_claims_it() {
    let none = json!({});
    let enabled = json!({"istio-injection": "enabled"});
    let ambient = json!({"istio.io/dataplane-mode": "ambient"});
    let both = json!({"istio-injection": "enabled", "istio.io/dataplane-mode": "ambient"});
    let nothing = || labels(&json!({}));
    check(
        &usual(),
        vec![
            (
                in_namespace(&none, nothing()),
                "neither",
                "not injected: no label asks the injector for a sidecar; not captured: no label asks for ambient",
            ),
            (
                in_namespace(&enabled, nothing()),
                "injected",
                &format!(
                    "{ENABLED} injects template sidecar because of label istio-injection=enabled on the namespace; not captured: no label asks for ambient"
                ),
            ),
            (
                in_namespace(&ambient, nothing()),
                "captured",
                "istio-cni selects it by label istio.io/dataplane-mode=ambient on the namespace; not injected: no label asks the injector for a sidecar",
            ),
            (
                in_namespace(&both, nothing()),
                "both",
                &format!(
                    "both claim it, and the sidecar wins: {ENABLED} injects template sidecar because of label istio-injection=enabled on the namespace; istio-cni selects it by label istio.io/dataplane-mode=ambient on the namespace"
                ),
            ),
            (
                in_namespace(
                    &none,
                    labels(&json!({"istio.io/dataplane-mode": "ambient"})),
                ),
                "captured",
                "istio-cni selects it by label istio.io/dataplane-mode=ambient on the Pod; not injected: no label asks the injector for a sidecar",
            ),
            // Not a value of Istio's: the namespace decides.
            (
                in_namespace(
                    &ambient,
                    labels(&json!({"istio.io/dataplane-mode": "sidecar"})),
                ),
                "captured",
                "istio-cni selects it by label istio.io/dataplane-mode=ambient on the namespace; not injected: no label asks the injector for a sidecar",
            ),
        ],
    );
}

#[track_caller]
fn check_not_injected(case: &Case<'_>, reason: &str) {
    let (word, seen) = outcome(&usual(), case);
    assert_eq!(word, "neither", "{case:?}");
    let prefix = format!("not injected: {reason}; not captured: ");
    assert!(seen.starts_with(&prefix), "{case:?}: {seen}");
}

#[test]
fn why_no_webhook_is_asked() {
    let none = json!({});
    let old = json!({"istio.io/rev": "old"});
    let disabled = json!({"istio-injection": "disabled"});
    let inject = |value: &str| labels(&json!({"sidecar.istio.io/inject": value}));
    let old_pod = || labels(&json!({"istio.io/rev": "old", "sidecar.istio.io/inject": "true"}));
    let annotated = || annotations(&json!({"sidecar.istio.io/inject": "true"}));
    let kept_away = |label: &str| format!("{label} keeps the injector away");
    let refused = kept_away("label sidecar.istio.io/inject=false on the Pod");
    let switched_off = kept_away("label istio-injection=disabled on the namespace");
    let unknown = |on: &str| {
        format!("label istio.io/rev=old on the {on} names a revision that no injector has")
    };
    for (namespace, pod, reason) in [
        (
            &json!({"istio-injection": "enabled"}),
            inject("false"),
            &refused,
        ),
        (&disabled, inject("true"), &switched_off),
        (
            &none,
            annotated(),
            &"no label asks the injector for a sidecar".to_owned(),
        ),
        (&none, old_pod(), &unknown("Pod")),
        (&old, inject("true"), &unknown("namespace")),
        (&old, inject("false"), &refused),
        // Two labels are in the way.
        (&disabled, old_pod(), &switched_off),
    ] {
        check_not_injected(&in_namespace(namespace, pod), reason);
    }
}

#[test]
fn why_an_injector_declines() {
    let enabled = json!({"istio-injection": "enabled"});
    let host = json!({"metadata": {}, "spec": {"hostNetwork": true}});
    let annotated = annotations(&json!({"sidecar.istio.io/inject": "false"}));
    for (namespace, pod, why) in [
        (
            NAMESPACE,
            annotated,
            "annotation sidecar.istio.io/inject=false on the Pod",
        ),
        (NAMESPACE, host, "the Pod uses the network of its node"),
        (
            "kube-public",
            labels(&json!({})),
            "namespace kube-public is never injected",
        ),
    ] {
        let case = (namespace, enabled.clone(), pod);
        check_not_injected(&case, &format!("{ENABLED} declines: {why}"));
    }
}

#[test]
fn why_not_captured() {
    let ambient = json!({"istio.io/dataplane-mode": "ambient"});
    let host = json!({"metadata": {}, "spec": {"hostNetwork": true}});
    for (case, reason) in [
        (
            in_namespace(
                &ambient,
                labels(&json!({"istio.io/dataplane-mode": "none"})),
            ),
            "label istio.io/dataplane-mode=none on the Pod keeps it out",
        ),
        (
            in_namespace(
                &ambient,
                annotations(&json!({"sidecar.istio.io/status": ""})),
            ),
            "annotation sidecar.istio.io/status says that it has a sidecar",
        ),
        (
            in_namespace(&ambient, host),
            "the Pod uses the network of its node",
        ),
        (
            ("kube-system", ambient.clone(), labels(&json!({}))),
            "istio-cni excludes namespace kube-system",
        ),
    ] {
        let (word, seen) = outcome(&usual(), &case);
        assert_eq!(word, "neither", "{case:?}");
        assert!(
            seen.ends_with(&format!("; not captured: {reason}")),
            "{seen}"
        );
    }
    let case = in_namespace(&ambient, labels(&json!({})));
    for (capture, reason) in [
        (Capture::NotInstalled, "istio-cni is not installed"),
        (Capture::Disabled, "istio-cni does not capture for ztunnel"),
    ] {
        let istio = Istio { capture, ..usual() };
        let (_, seen) = outcome(&istio, &case);
        assert!(seen.ends_with(reason), "{seen}");
    }
}

#[test]
fn the_operators_own_selectors() {
    let istio = with_capture(|enablement| {
        let team = Selector::new(vec![Requirement::equal("team", "a")]);
        for selector in &mut enablement.selectors {
            selector.pods = Selector::default();
            selector.namespaces = team.clone();
        }
        enablement.excluded.clear();
    });
    let case = (
        "kube-system",
        json!({"team": "a"}),
        labels(&json!({"istio.io/dataplane-mode": "none"})),
    );
    assert_eq!(outcome(&istio, &case).0, "captured");
}

#[test]
fn the_first_by_name_injects_and_the_others_again() {
    let named = |name: &str| {
        let configuration = usual().injectors.configurations()[0].clone();
        Configuration {
            name: name.to_owned(),
            ..configuration
        }
    };
    let istio = Istio {
        injectors: Injectors::new(
            vec![
                named("istio-sidecar-injector"),
                named("istio-revision-tag-default"),
            ],
            BTreeMap::new(),
        ),
        ..usual()
    };
    let case = in_namespace(&json!({"istio-injection": "enabled"}), labels(&json!({})));
    let (_, reason) = outcome(&istio, &case);
    let tag = "webhook namespace.sidecar-injector.istio.io of istio-revision-tag-default";
    let start = format!("{tag} injects template sidecar, then {ENABLED} does because of");
    assert!(reason.starts_with(&start), "{reason}");
}

#[test]
fn no_injector_at_all() {
    let istio = Istio {
        injectors: Injectors::default(),
        ..usual()
    };
    let case = in_namespace(&json!({"istio-injection": "enabled"}), labels(&json!({})));
    let (word, reason) = outcome(&istio, &case);
    assert_eq!(word, "neither");
    assert!(
        reason.starts_with("not injected: no injector is registered;"),
        "{reason}"
    );
}

#[test]
fn the_usual_selectors_are_those_of_the_chart() {
    assert_eq!(usual().capture, Capture::default());
}
