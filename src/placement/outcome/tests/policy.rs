//! What an injector does with a Pod it is asked about: its policy, and its templates.

use std::collections::BTreeMap;

use serde_json::json;

use super::{check, in_namespace, labels, outcome, pod, usual};
use crate::placement::outcome::{AutoInject, Injectors, Istio, Policy, Template};
use crate::placement::selector::{Requirement, Selector};

/// The same, with another policy.
fn with_policy(change: impl FnOnce(&mut Policy)) -> Istio {
    let mut istio = usual();
    let mut policy = Policy::default();
    change(&mut policy);
    let configurations = istio.injectors.configurations().to_vec();
    istio.injectors = Injectors::new(
        configurations,
        BTreeMap::from([("default".to_owned(), policy)]),
    );
    istio
}

#[test]
fn templates() {
    let inject = |templates: &str| {
        pod(&json!({
            "labels": {"sidecar.istio.io/inject": "true"},
            "annotations": {"inject.istio.io/templates": templates},
        }))
    };
    let none = json!({});
    let object = "webhook object.sidecar-injector.istio.io of istio-sidecar-injector";
    let because = "because of label sidecar.istio.io/inject=true on the Pod; not captured: no label asks for ambient";
    check(
        &usual(),
        vec![
            (
                in_namespace(&none, inject("gateway")),
                "injected",
                &format!("{object} injects template gateway {because}"),
            ),
            (
                in_namespace(&none, inject("grpc-simple")),
                "injected",
                &format!("{object} injects template grpc-simple (no proxy) {because}"),
            ),
            (
                in_namespace(&none, inject(" grpc-simple ,sidecar")),
                "injected",
                &format!("{object} injects template grpc-simple, sidecar {because}"),
            ),
            (
                in_namespace(&none, inject("own")),
                "refused",
                &format!(
                    "not admitted: {object} knows no template \"own\" (annotation inject.istio.io/templates)"
                ),
            ),
            (
                in_namespace(&none, inject("")),
                "refused",
                &format!(
                    "not admitted: {object} knows no template \"\" (annotation inject.istio.io/templates)"
                ),
            ),
        ],
    );
    let aliased = with_policy(|policy| {
        let names = vec!["sidecar".to_owned(), "own".to_owned()];
        policy.templates.aliases.insert("usual".to_owned(), names);
        policy
            .templates
            .known
            .insert("own".to_owned(), Template::Proxyless);
        policy.templates.default = vec!["usual".to_owned()];
    });
    let case = in_namespace(&json!({"istio-injection": "enabled"}), labels(&json!({})));
    let (_, reason) = outcome(&aliased, &case);
    assert!(
        reason.contains("injects template sidecar, own because"),
        "{reason}"
    );
}

#[test]
fn who_says_nothing_is_up_to_the_policy() {
    // An empty selector selects nothing here.
    let selectors = |app: &str| {
        let app = Selector::new(vec![Requirement::equal("app", app)]);
        vec![Selector::default(), app]
    };
    let never = Err("a selector of neverInjectSelector matches the Pod");
    let web = json!({"app": "web"});
    let asking = json!({"app": "web", "sidecar.istio.io/inject": "true"});
    for (auto_inject, never_apps, always_apps, set, expected) in [
        ("enabled", "", "", &web, Ok(())),
        ("disabled", "", "", &asking, Ok(())),
        (
            "disabled",
            "",
            "",
            &web,
            Err("its policy is disabled, and the Pod does not ask"),
        ),
        ("enabled", "web", "", &web, never),
        ("enabled", "api", "", &web, Ok(())),
        ("enabled", "web", "", &asking, Ok(())),
        ("disabled", "", "web", &web, Ok(())),
        ("disabled", "web", "web", &web, never),
        ("on", "", "", &asking, Err("its policy \"on\" is none")),
    ] {
        let istio = with_policy(|policy| {
            policy.auto_inject = AutoInject::from(auto_inject);
            policy.never = selectors(never_apps);
            policy.always = selectors(always_apps);
        });
        let enabled = json!({"istio-injection": "enabled"});
        let (word, reason) = outcome(&istio, &in_namespace(&enabled, labels(set)));
        let row = format!("{auto_inject}, never {never_apps:?}, always {always_apps:?}, {set}");
        match expected {
            Ok(()) => assert_eq!(word, "injected", "{row}: {reason}"),
            Err(why) => assert!(
                reason.contains(&format!("declines: {why};")),
                "{row}: {reason}"
            ),
        }
    }
}

#[test]
fn the_label_wins_over_the_annotation_whatever_it_says() {
    let enabled = json!({"istio-injection": "enabled"});
    for (label, word) in [
        ("", "injected"),
        ("yes", "injected"),
        ("true", "injected"),
        ("false", "neither"),
    ] {
        let pod = pod(&json!({
            "labels": {"sidecar.istio.io/inject": label},
            "annotations": {"sidecar.istio.io/inject": "false"},
        }));
        assert_eq!(
            outcome(&usual(), &in_namespace(&enabled, pod)).0,
            word,
            "{label:?}"
        );
    }
}
