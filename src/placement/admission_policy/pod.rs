//! What a policy asks of a Pod beside the rules: as `left_alone.rs`, `explicit.rs` and `patch.rs` do.

use std::collections::BTreeMap;

use super::Named;
use super::cel::{list, text};
use crate::placement::explicit::{Choices, DATAPLANE_MODE, INJECT, REVISION, TEMPLATES};
use crate::placement::mode::Mode;

/// The labels of the Pod.
pub(super) const LABELS: &str = "has(object.metadata.labels) ? object.metadata.labels : {}";
/// What the mutations of rules with `onUnknown: next` have noted.
pub(super) const NOTES: &str =
    "(has(object.status) && has(object.status.message) ? object.status.message : '')";
/// Also removes what a Pod's author has written there: the API server does so, too.
pub(super) const CLEAR_NOTES: &str = "[JSONPatch{op: 'add', path: '/status', value: {}}]";

const IN_ORDER: [&str; 3] = [DATAPLANE_MODE, INJECT, REVISION];

/// What must hold for the rules to matter: the Pod is not left alone always, and its author has made no choice
/// that none of our labels is.
pub(super) fn conditions() -> Vec<Named> {
    let container = |list: &str| {
        format!(
            "!(has(object.spec.{list}) && object.spec.{list}.exists(c, c.name == 'istio-proxy'))"
        )
    };
    [
        (
            "not-on-the-network-of-its-node",
            "!has(object.spec.hostNetwork) || !object.spec.hostNetwork".to_owned(),
        ),
        ("not-a-mirror", lacks("annotations", "kubernetes.io/config.mirror")),
        (
            "not-a-gateway",
            lacks("labels", "gateway.networking.k8s.io/gateway-name"),
        ),
        (
            "not-on-windows",
            "!(has(object.spec.os) && object.spec.os.name == 'windows') && !(has(object.spec.nodeSelector) && 'kubernetes.io/os' in object.spec.nodeSelector && object.spec.nodeSelector['kubernetes.io/os'] == 'windows')".to_owned(),
        ),
        ("not-injected", lacks("annotations", "sidecar.istio.io/status")),
        ("no-choice-of-injection", lacks("annotations", INJECT)),
        ("no-choice-of-templates", lacks("annotations", TEMPLATES)),
        (
            "no-proxy-of-its-own",
            format!("{} && {}", container("containers"), container("initContainers")),
        ),
    ]
    .into_iter()
    .map(|(name, expression)| Named {
        name: name.to_owned(),
        expression,
    })
    .collect()
}

fn lacks(map: &str, key: &str) -> String {
    let key = text(key);
    format!("!has(object.metadata.{map}) || !({key} in object.metadata.{map})")
}

/// The labels of a Pod that are choices, as one text.
pub(super) fn chosen(labels: &str) -> String {
    let keys = list(IN_ORDER.into_iter().map(text));
    format!("{keys}.filter(k, k in {labels}).map(k, k + '=' + {labels}[k]).join(',')")
}

/// The choices, as [`chosen`] writes them, that are no choices against `mode`, which sets `ours`.
pub(super) fn agreeing(mode: Mode, ours: &BTreeMap<String, String>) -> Vec<String> {
    let keys: Vec<&str> = IN_ORDER
        .into_iter()
        .filter(|key| ours.contains_key(*key))
        .collect();
    (0..1_usize << keys.len())
        .map(|subset| {
            let chosen = keys.iter().enumerate();
            chosen
                .filter(|(bit, _)| subset >> bit & 1 == 1)
                .map(|(_, key)| (*key, ours[*key].as_str()))
                .collect::<Vec<_>>()
        })
        .filter(|labels| Choices::of_labels(labels).are_ours(mode, ours))
        .map(|labels| {
            let parts: Vec<String> = labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            parts.join(",")
        })
        .collect()
}

/// The operations that make the map where there is none.
pub(super) fn whole_map(map: &str) -> String {
    format!(
        "(has(object.metadata.{map}) ? [] : [JSONPatch{{op: 'add', path: '/metadata/{map}', value: {{}}}}])"
    )
}

/// The operation that sets the key `k` in a map to its value in `from`.
pub(super) fn add(map: &str, from: &str) -> String {
    format!(
        "JSONPatch{{op: 'add', path: '/metadata/{map}/' + jsonpatch.escapeKey(k), value: {from}[k]}}"
    )
}

/// The mutation that notes what `decides` decides, if it does.
pub(super) fn note(decides: &str) -> String {
    format!(
        "[{decides}].filter(d, d != '').map(d, JSONPatch{{op: 'add', path: '/status', value: {{'message': {NOTES} + d + ';'}}}})"
    )
}
