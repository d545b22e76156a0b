//! What holds for every Pod and namespace: the table of modes in design.md, and that a prediction for a
//! placement is one for the patched Pod.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{NAMESPACE, labels, outcome, usual};
use crate::cluster::convert::Opened;
use crate::config;
use crate::placement::facts::{NoCluster, Owner};
use crate::placement::json::Object;
use crate::placement::outcome::{Istio, Seen};
use crate::placement::{Facts, Mode, Rules, decide, patch};

static RULES: LazyLock<Rules> = LazyLock::new(|| config::read(config::DEFAULT).unwrap().placement);
static USUAL: LazyLock<Istio> = LazyLock::new(usual);

/// Labels of a namespace that mean something to Istio, and values that do not.
fn namespace() -> impl Strategy<Value = Value> {
    let value = |values: &'static [&'static str]| option::of(select(values));
    (
        value(&["enabled", "disabled", "Enabled"]),
        value(&["default", "other"]),
        value(&["ambient", "none", "sidecar"]),
    )
        .prop_map(|(injection, revision, mode)| {
            let entries = [
                ("istio-injection", injection),
                ("istio.io/rev", revision),
                ("istio.io/dataplane-mode", mode),
            ];
            let entries = entries
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)));
            json!(entries.collect::<BTreeMap<_, _>>())
        })
}

/// A Pod as meshmode may meet it.
fn pod() -> impl Strategy<Value = Value> {
    let keys = [
        "istio.io/dataplane-mode",
        "sidecar.istio.io/inject",
        "sidecar.istio.io/status",
        "meshmode.io/mode",
        "meshmode.io/placement",
        "app",
    ];
    let values = ["ambient", "sidecar", "none", "true", "false", ""];
    let map = || {
        let entries =
            proptest::collection::btree_map(select(keys.to_vec()), select(values.to_vec()), 0..4);
        option::of(entries)
    };
    (map(), map(), any::<bool>()).prop_map(|(labels, annotations, host)| {
        json!({
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": {"hostNetwork": host},
        })
    })
}

proptest! {
    #[test]
    fn a_mode_means_the_same_in_every_namespace(namespace in namespace()) {
        for mode in Mode::ALL {
            let Some(set) = RULES.labels.of(mode) else { continue };
            let case = (NAMESPACE, namespace.clone(), labels(&json!(set)));
            let (word, reason) = outcome(&USUAL, &case);
            match mode {
                Mode::Ambient => prop_assert_eq!(word, "captured", "{}", reason),
                Mode::None => prop_assert_eq!(word, "neither", "{}", reason),
                // Where no injector serves the namespace, there is none.
                Mode::Sidecar => prop_assert!(["injected", "neither"].contains(&word), "{}", reason),
                Mode::Leave => {}
            }
        }
    }

    #[test]
    fn a_placed_pod_is_seen_as_the_patched_one(pod in pod()) {
        let text = pod.to_string();
        let opened: Opened<'_> = serde_json::from_str(&text).unwrap();
        let read = opened.into_pod().unwrap();
        let request = Object::default();
        let placement = decide(&RULES, &Facts {
            pod: &read,
            request: &request,
            namespace: "shop",
            owner: Owner::OfPod,
            cluster: &NoCluster,
        });
        let mut patched = pod;
        if let Some(patch) = patch(&read, &placement) {
            let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
            json_patch::patch(&mut patched, &patch).unwrap();
        }
        let text = patched.to_string();
        let opened: Opened<'_> = serde_json::from_str(&text).unwrap();
        let patched = opened.into_pod().unwrap();
        prop_assert_eq!(Seen::placed(&read, &placement), Seen::of(&patched));
    }
}
