//! Other policies and templates of the injector than the usual ones, in the ConfigMap that istiod watches and
//! that predictions are made from.

use std::time::Duration;

use meshmode::placement::outcome::{Outcome, Template};
use serde_json::{Value, json};

use super::mesh::{Mesh, seen_in};
use crate::support::report::Shown;
use crate::support::request::{Reply, merge, pod, pods};
use crate::support::wait_for;

/// What came of a Pod, as far as a policy decides it.
#[derive(Debug, PartialEq, Eq)]
enum Became {
    Injected(Template),
    Untouched,
    Refused,
}

const RELOADED: Duration = Duration::from_secs(20);
const CONFIG_MAP: &str = "/api/v1/namespaces/istio-system/configmaps/istio-sidecar-injector";
/// Not in the scope of meshmode: the Pods come to the injector as they are sent.
const NAMESPACE: &str = "injector-policy";

/// Each policy with each Pod.
pub(crate) async fn agrees(mesh: &Mesh) -> Shown {
    let labels = json!({"istio-injection": "enabled"});
    mesh.cluster.namespace(NAMESPACE, &labels).await;
    let labels = mesh.labels(NAMESPACE).await;
    let usual = config(mesh).await;
    let mut shown = 0;
    for (number, policy) in policies().iter().enumerate() {
        let mut config = usual.clone();
        merge(&mut config, policy);
        reload(mesh, &mut config, number).await;
        let facts = mesh.facts().await;
        for pod in asking() {
            shown += 1;
            let path = format!("{}?dryRun=All", pods(NAMESPACE));
            let reply = mesh.cluster.post(&path, &pod).await;
            seen_in(&pod, NAMESPACE, &labels, |seen, namespace| {
                let outcome = &Outcome::of(&facts, seen, namespace);
                let became = became(&reply);
                assert_eq!(
                    expected(outcome),
                    became,
                    "{policy}\n{pod}\n{outcome}\n{reply:?}"
                );
            });
        }
    }
    let mut config = usual;
    reload(mesh, &mut config, policies().len()).await;
    Shown::Cases(shown)
}

fn policies() -> Vec<Value> {
    let web = json!([{}, {"matchLabels": {"app": "web"}}]);
    vec![
        json!({"policy": "disabled"}),
        json!({"neverInjectSelector": web}),
        json!({"policy": "disabled", "alwaysInjectSelector": web}),
        json!({"neverInjectSelector": web, "alwaysInjectSelector": web}),
        json!({"neverInjectSelector": [{"matchExpressions": [{"key": "app", "operator": "Is"}]}]}),
        json!({"policy": "on"}),
        json!({"templates": {"own": "metadata: {labels: {own: 'yes'}}"}, "defaultTemplates": ["own"]}),
        json!({"aliases": {"gateway": ["grpc-simple"], "usual": ["sidecar"]}, "defaultTemplates": ["usual"]}),
    ]
}

fn asking() -> Vec<Value> {
    let inject = "sidecar.istio.io/inject";
    let templates = "inject.istio.io/templates";
    [
        json!({}),
        json!({"labels": {"app": "web"}}),
        json!({"labels": {"app": "api"}}),
        json!({"labels": {"app": "web", inject: "true"}}),
        json!({"labels": {"app": "web", inject: ""}}),
        json!({"labels": {"app": "web"}, "annotations": {inject: "true"}}),
        json!({"labels": {"app": "web"}, "annotations": {inject: "false"}}),
        json!({"annotations": {templates: "gateway"}}),
        json!({"annotations": {templates: "usual"}}),
        json!({"annotations": {templates: "own , sidecar"}}),
    ]
    .map(|metadata| pod("asking", &metadata))
    .into()
}

/// The configuration that the ConfigMap has.
async fn config(mesh: &Mesh) -> Value {
    let config_map = mesh.cluster.get(CONFIG_MAP).await;
    let text = config_map.created()["data"]["config"].as_str().unwrap();
    serde_saphyr::from_str(text).unwrap()
}

/// Puts `config` there, marked by a template of its own, and waits until istiod goes by it.
async fn reload(mesh: &Mesh, config: &mut Value, number: usize) {
    let marker = format!("policy-{number}");
    config["templates"][&marker] = json!("spec: {}");
    let change = json!({"data": {"config": config.to_string()}});
    mesh.cluster.patch(CONFIG_MAP, &change).await.created();
    wait_for("istiod reading its configuration", RELOADED, async || {
        let templates = mesh.istio.debug("inject").await?;
        let read = templates[&marker].as_str().map(drop);
        read.ok_or_else(|| mesh.istio.log_tail())
    })
    .await;
}

fn expected(outcome: &Outcome<'_>) -> Became {
    match outcome {
        Outcome::Injected(injected, _) | Outcome::Both(injected, _) => {
            Became::Injected(injected.proxy)
        }
        Outcome::Captured(..) | Outcome::Neither(..) => Became::Untouched,
        Outcome::Refused(_) => Became::Refused,
    }
}

fn became(reply: &Reply) -> Became {
    if !matches!(reply.code, 200 | 201) {
        return Became::Refused;
    }
    if reply.annotation("sidecar.istio.io/status").is_none() {
        return Became::Untouched;
    }
    let has_proxy = reply.body["spec"].to_string().contains("\"istio-proxy\"");
    Became::Injected(if has_proxy {
        Template::Proxy
    } else {
        Template::Proxyless
    })
}
