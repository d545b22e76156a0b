//! A Pod that is there, as it was before admission: without what meshmode, the injector and istio-cni have added.
//! What another one like it would get is decided on that.

use serde_json::Value;

use crate::placement::decide::RECORD;
use crate::placement::{Mode, Rules};

/// By which the injector says what it added.
const STATUS: &str = "sidecar.istio.io/status";
/// By which istio-cni says that it captured a Pod.
const REDIRECTION: &str = "ambient.istio.io/redirection";
/// The lists of the injector's annotation, and where they are in the Pod.
const ADDED: [&str; 3] = ["initContainers", "containers", "volumes"];

/// What the record on a Pod says; nothing where there is none.
pub(super) fn record(pod: &Value) -> Option<[String; 3]> {
    let annotations = pod.pointer("/metadata/annotations")?;
    let said = |key| annotations.get(key).and_then(Value::as_str);
    let mode = said(RECORD[0])?;
    let [rule, reason] = [RECORD[1], RECORD[2]].map(|key| said(key).unwrap_or_default());
    Some([mode, rule, reason].map(str::to_owned))
}

/// Takes away what was added.
pub(super) fn freshen(pod: &mut Value, rules: &Rules) {
    let mode = record(pod).and_then(|[mode, _, _]| mode.parse::<Mode>().ok());
    let ours = mode.and_then(|mode| rules.labels.of(mode));
    if let (Some(ours), Some(labels)) = (ours, map(pod, "/metadata/labels")) {
        labels.retain(|key, value| ours.get(key).map(String::as_str) != value.as_str());
    }
    let Some(annotations) = map(pod, "/metadata/annotations") else {
        return;
    };
    let status = annotations.remove(STATUS);
    annotations.retain(|key, _| !RECORD.contains(&key.as_str()) && key != REDIRECTION);
    if let Some(status) = status.as_ref().and_then(Value::as_str) {
        eject(pod, status);
    }
}

/// Takes away what the injector says that it added.
fn eject(pod: &mut Value, status: &str) {
    let status: Value = serde_json::from_str(status).unwrap_or_default();
    for list in ADDED {
        let added = status.get(list).and_then(Value::as_array);
        let there = pod.pointer_mut(&format!("/spec/{list}"));
        if let (Some(added), Some(there)) = (added, there.and_then(Value::as_array_mut)) {
            there.retain(|one| !one.get("name").is_some_and(|name| added.contains(name)));
        }
    }
}

fn map<'p>(pod: &'p mut Value, pointer: &str) -> Option<&'p mut serde_json::Map<String, Value>> {
    pod.pointer_mut(pointer)?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{DEFAULT, read};

    #[test]
    fn what_was_added_is_taken_away_and_nothing_else() {
        let rules = read(DEFAULT).unwrap().placement;
        let status = r#"{"initContainers": ["istio-init"], "containers": ["istio-proxy"], "volumes": ["istio-envoy"]}"#;
        let mut pod = json!({
            "metadata": {
                "labels": {"app": "web", "sidecar.istio.io/inject": "true", "istio.io/dataplane-mode": "none"},
                "annotations": {
                    "a": "b", STATUS: status, REDIRECTION: "enabled", "meshmode.io/placement": "sidecar",
                    "meshmode.io/rule": "proxy-volume", "meshmode.io/reason": "a volume",
                },
            },
            "spec": {
                "initContainers": [{"name": "istio-init"}, {"name": "migrate"}],
                "containers": [{"name": "web"}, {"name": "istio-proxy"}],
                "volumes": [{"name": "istio-envoy"}],
            },
        });
        assert_eq!(
            record(&pod).unwrap(),
            ["sidecar", "proxy-volume", "a volume"]
        );
        freshen(&mut pod, &rules);
        let before = json!({
            "metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}},
            "spec": {
                "initContainers": [{"name": "migrate"}], "containers": [{"name": "web"}], "volumes": [],
            },
        });
        assert_eq!(pod, before);
    }

    #[test]
    fn what_its_author_chose_stays() {
        let rules = read(DEFAULT).unwrap().placement;
        let chosen =
            json!({"metadata": {"labels": {"sidecar.istio.io/inject": "true"}}, "spec": {}});
        let mut pod = chosen.clone();
        freshen(&mut pod, &rules);
        assert_eq!(pod, chosen);
        let mut other = json!({"metadata": {
            "labels": {"sidecar.istio.io/inject": "true"}, "annotations": {"meshmode.io/placement": "ambient"},
        }});
        freshen(&mut other, &rules);
        let labels = &other["metadata"]["labels"];
        assert_eq!(
            labels["sidecar.istio.io/inject"], "true",
            "ambient would have set false"
        );
    }
}
