//! Istio's own objects, and what is wrong with others.

use std::error::Error;

use serde_json::{Value, json};

use super::{configuration, policy};
use crate::placement::outcome::{AutoInject, Template};

const INSTALLED: &str = include_str!("../../../../tests/data/istio/istio-sidecar-injector.json");

fn config_map(labels: &Value, config: &str) -> String {
    json!({
        "metadata": {"name": "istio-sidecar-injector", "labels": labels},
        "data": {"config": config, "values": "{}"},
    })
    .to_string()
}

#[test]
fn the_webhooks_of_an_installation() {
    let read = configuration(INSTALLED).unwrap().unwrap();
    assert_eq!(
        (&*read.name, &*read.revision),
        ("istio-sidecar-injector", "default")
    );
    let shown: Vec<String> = read
        .webhooks
        .iter()
        .map(|webhook| {
            let list = |requirements: &[_]| {
                let shown: Vec<String> = requirements.iter().map(ToString::to_string).collect();
                shown.join(",")
            };
            let namespaces = list(webhook.namespaces.requirements());
            format!(
                "{}: {namespaces} | {}",
                webhook.name,
                list(webhook.objects.requirements())
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "rev.namespace.sidecar-injector.istio.io: istio.io/rev in (default),!istio-injection | sidecar.istio.io/inject notin (false)",
            "rev.object.sidecar-injector.istio.io: !istio.io/rev,!istio-injection | sidecar.istio.io/inject notin (false),istio.io/rev in (default)",
            "namespace.sidecar-injector.istio.io: istio-injection in (enabled) | sidecar.istio.io/inject notin (false)",
            "object.sidecar-injector.istio.io: !istio-injection,!istio.io/rev | sidecar.istio.io/inject in (true),!istio.io/rev",
        ]
    );
}

#[test]
fn webhooks_of_others_are_none() {
    let others = json!({"metadata": {"name": "aa-meshmode"}, "webhooks": [{"name": "pods.enabled.meshmode.io"}]});
    assert_eq!(configuration(&others.to_string()).unwrap(), None);
    let empty = json!({"metadata": {"name": "empty"}});
    assert_eq!(configuration(&empty.to_string()).unwrap(), None);
}

#[test]
fn a_policy_and_its_templates() {
    let config = "\
policy: disabled
neverInjectSelector:
- matchLabels: {app: web}
- matchExpressions: [{key: app, operator: Is}]
alwaysInjectSelector: []
injectedAnnotations:
templates:
  sidecar: |
    {{- if true }}
    spec:
      containers:
      - name: istio-proxy
  grpc: 'spec: {}'
aliases: {all: [sidecar, grpc]}
";
    let labels = json!({"istio.io/rev": "1-31"});
    let (revision, policy) = policy(&config_map(&labels, config)).unwrap();
    assert_eq!(revision, "1-31");
    assert_eq!(policy.auto_inject, AutoInject::Disabled);
    // The second is no selector: Istio logs it and goes on.
    assert_eq!(policy.never.len(), 1);
    assert!(policy.always.is_empty());
    let known: Vec<_> = policy.templates.known.iter().collect();
    let expected = [
        ("grpc".to_owned(), Template::Proxyless),
        ("sidecar".to_owned(), Template::Proxy),
    ];
    assert!(
        known
            .into_iter()
            .eq(expected.iter().map(|(name, template)| (name, template)))
    );
    assert_eq!(policy.templates.default, ["sidecar"]);
    assert_eq!(policy.templates.aliases["all"], ["sidecar", "grpc"]);
}

#[test]
fn a_revision_that_is_not_named_is_the_default_one() {
    let (revision, _) = policy(&config_map(&Value::Null, "policy: enabled")).unwrap();
    assert_eq!(revision, "default");
}

#[test]
fn mistakes_name_the_place() {
    let selector = json!({
        "metadata": {"name": "x"},
        "webhooks": [{
            "name": "a.sidecar-injector.istio.io",
            "objectSelector": {"matchExpressions": [{"key": "k", "operator": "In"}]},
        }],
    });
    let error = configuration(&selector.to_string()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "objectSelector of webhook a.sidecar-injector.istio.io is no label selector"
    );
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "operator In of key k needs values");

    let error = configuration("[]").unwrap_err().to_string();
    assert_eq!(
        error,
        "this is not a MutatingWebhookConfiguration, or not its JSON"
    );
    let no_config = json!({"metadata": {"name": "x"}, "data": {}}).to_string();
    let error = policy(&no_config).unwrap_err().to_string();
    assert_eq!(error, "the ConfigMap has no key config");
    let error = policy(&config_map(&Value::Null, "["))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "key config of the ConfigMap is not the YAML that Istio reads there"
    );
}
