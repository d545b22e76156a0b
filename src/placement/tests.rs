//! Placement as a whole: facts → rules → decision → patch, and the patch applied.

mod choices;
mod defaults;
mod evaluation;
mod facts;
mod given;
mod properties;
mod texts;

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::decide::Origin;
use super::explanation::Asked;
use super::facts::{Missing, NoCluster, Owner, Source};
use super::json::{Depth, Object};
use super::{Facts, Mode, Rules, decide, patch};
use crate::cluster::convert::Opened;
use crate::config;

/// The placement of the embedded configuration.
static DEFAULT: LazyLock<Rules> = LazyLock::new(|| rules(config::DEFAULT));

/// What stands behind a reason of the default's without a cluster.
const OFF: &str = " (rules off without a cluster connection: sidecar-only, namespace-mode, l7-with-waypoint, l7-without-waypoint, many-replicas)";

/// What came of one Pod.
#[derive(Debug, PartialEq)]
struct Placed {
    mode: Mode,
    rule: String,
    reason: String,
    warnings: Vec<String>,
    origin: Origin,
    missing: Vec<Missing>,
    patch: Option<Value>,
    /// The Pod after the patch.
    pod: Value,
}

/// How long this thread has computed. Whatever else the machine does, it takes no longer.
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("it does not go back")
}

fn rules(yaml: &str) -> Rules {
    config::read(yaml).expect("configuration").placement
}

/// Rules with the default's labels, and `ambient` where none decides.
fn placement(variables_and_rules: &str) -> Rules {
    rules(&file(variables_and_rules))
}

fn file(variables_and_rules: &str) -> String {
    format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {{mode: ambient, reason: nothing else}}\n{variables_and_rules}"
    )
}

fn place(rules: &Rules, pod: &Value) -> Placed {
    place_text(rules, &pod.to_string())
}

/// The decision alone, for a Pod that is too deep for a `Value`.
fn decide_text(rules: &Rules, text: &str) -> (Mode, String, String) {
    let opened: Opened<'_> = serde_json::from_str(text).expect("an object");
    let pod = opened.into_pod().expect("a Pod");
    let request = Object::default();
    let facts = Facts {
        pod: &pod,
        request: &request,
        namespace: "shop",
        owner: Owner::OfPod,
        cluster: &NoCluster,
    };
    let placement = decide(rules, &facts);
    (
        placement.mode,
        placement.rule.to_owned(),
        placement.reason.into_owned(),
    )
}

fn place_text(rules: &Rules, text: &str) -> Placed {
    place_given(rules, text, &NoCluster)
}

/// How the rules answer.
fn explain<'r>(rules: &'r Rules, text: &str, cluster: &dyn Source) -> Vec<Asked<'r>> {
    let opened: Opened<'_> = serde_json::from_str(text).expect("an object");
    let pod = opened.into_pod().expect("a Pod");
    rules.explain(&Facts {
        pod: &pod,
        request: &Object::default(),
        namespace: "shop",
        owner: Owner::OfPod,
        cluster,
    })
}

fn place_given(rules: &Rules, text: &str, cluster: &dyn Source) -> Placed {
    let request = r#"{"operation":"CREATE","namespace":"shop","dryRun":false,"userInfo":{"username":"ann","groups":["dev"]}}"#;
    let request = Depth::SHALLOW.parse(request).unwrap();
    let opened: Opened<'_> = serde_json::from_str(text).expect("an object");
    let pod = opened.into_pod().expect("a Pod");
    let facts = Facts {
        pod: &pod,
        request: request.as_object().unwrap(),
        namespace: "shop",
        owner: Owner::OfPod,
        cluster,
    };
    let placement = decide(rules, &facts);
    let bytes = patch(&pod, &placement);
    let operations = bytes.map(|bytes| serde_json::from_slice::<Value>(&bytes).expect("JSON"));
    let mut result: Value = serde_json::from_str(text).unwrap();
    if let Some(operations) = &operations {
        let parsed: json_patch::Patch =
            serde_json::from_value(operations.clone()).expect("a JSON patch");
        assert!(!parsed.0.is_empty(), "an empty patch is none");
        json_patch::patch(&mut result, &parsed).expect("the patch applies");
    }
    Placed {
        mode: placement.mode,
        rule: placement.rule.to_owned(),
        reason: placement.reason.into_owned(),
        warnings: placement.warnings,
        origin: placement.origin,
        missing: placement.missing,
        patch: operations,
        pod: result,
    }
}

fn pod(labels: &Value, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "web-", "labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
    })
}

/// What istiod's injector makes of `pod`, as far as placing could notice.
fn injected(pod: &Value) -> Value {
    let mut pod = pod.clone();
    for map in ["labels", "annotations"] {
        if !pod["metadata"][map].is_object() {
            pod["metadata"][map] = json!({});
        }
    }
    let metadata = &mut pod["metadata"];
    metadata["annotations"]["sidecar.istio.io/status"] = json!("{\"revision\":\"default\"}");
    metadata["annotations"]["istio.io/rev"] = json!("default");
    metadata["labels"]["security.istio.io/tlsMode"] = json!("istio");
    metadata["labels"]["service.istio.io/canonical-name"] = json!("web");
    if !pod["spec"].is_object() {
        pod["spec"] = json!({});
    }
    pod["spec"]["initContainers"] = json!([
        {"name": "istio-init", "image": "proxyv2"},
        {"name": "istio-proxy", "image": "proxyv2", "restartPolicy": "Always"},
    ]);
    pod
}

/// The record on a Pod.
fn record(pod: &Value) -> [&str; 3] {
    super::decide::RECORD.map(|key| pod["metadata"]["annotations"][key].as_str().unwrap_or("-"))
}
