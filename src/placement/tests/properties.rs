//! Arbitrary Pods through decision and patch: it always applies, and nobody else's key is touched.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::given::Given;
use super::{DEFAULT, injected, place, place_given, placement, record};
use crate::placement::decide::RECORD;
use crate::placement::facts::source::{Reason, Scope, Siblings};
use crate::placement::facts::{Missing, NoCluster, Resource, Source};
use crate::placement::{Mode, Rules};
use std::sync::LazyLock;

/// As an operator may have it: more labels than the default, and each mode reachable.
static OPERATORS: LazyLock<Rules> = LazyLock::new(|| {
    placement(concat!(
        "  rules:\n",
        "    - {name: asked, when: \"object.metadata.?annotations.hasValue() && object.metadata.annotations != null && 'meshmode.io/mode' in object.metadata.annotations\", modeExpression: \"object.metadata.annotations['meshmode.io/mode']\"}\n",
        "  modes:\n",
        "    ambient: {labels: {istio.io/dataplane-mode: ambient}}\n",
        "    sidecar: {labels: {sidecar.istio.io/inject: 'true', istio.io/rev: stable, istio.io/use-waypoint: none}}\n",
        "    none: {labels: {}}\n",
    ))
});

/// Conditions in every form that a guard can be read off, beside some of which it must not be.
const CONDITIONS: [&str; 17] = [
    "'meshmode.io/mode' in variables.annotations",
    "'kubevirt.io' in object.metadata.labels",
    "has(object.metadata.labels) && 'kubevirt.io' in object.metadata.labels",
    "'istio.io/rev' in object.metadata.labels && object.metadata.labels['a/b'] == 'x'",
    "object.metadata.labels['a/b'] == 'x' && 'istio.io/rev' in object.metadata.labels",
    "'istio.io/rev' in object.metadata.labels || 'a/b' in variables.annotations",
    "'a/b' in variables.annotations || object.metadata.annotations['a/b'] == 'x'",
    "has(object.spec.containers) && object.spec.containers.exists(c, c.name == 'web')",
    "has(object.spec.os)",
    "!('kubevirt.io' in variables.annotations)",
    "'-' in variables.annotations == false",
    "variables.annotations.exists(k, k == '~') && '~1' in variables.annotations",
    "variables.asked.size() > 0",
    "size(variables.named) > 0 && variables.annotations['a/b'] == 'x'",
    "mesh.requires.exists(r, r.scope == 'workload') || 'a/b' in variables.annotations",
    "workload.maxReplicas > 3 && variables.asked.size() > 0",
    "mesh.requires.all(r, r.scope == 'workload') && variables.named.size() >= 0",
];

/// Each condition alone, with and without its guard.
static CONDITIONS_ALONE: LazyLock<Vec<(Rules, Rules)>> = LazyLock::new(|| {
    let alone = |condition: &str, unknown: &str| {
        placement(&format!(
            "  variables:\n    - {{name: annotations, expression: \"has(object.metadata.annotations) ? object.metadata.annotations : {{}}\"}}\n    - {{name: asked, expression: \"mesh.requires.filter(r, r.reason == 'Sidecar')\"}}\n    - {{name: named, expression: \"variables.asked.map(r, r.name)\"}}\n  rules:\n    - {{name: only, when: \"{condition}\", warningExpression: \"{condition} ? 'said' : ''\", mode: sidecar, onUnknown: {unknown}}}\n"
        ))
    };
    CONDITIONS
        .iter()
        .flat_map(|condition| {
            ["next", "leave"].map(|unknown| {
                (
                    alone(condition, unknown),
                    alone(condition, unknown).unguarded(),
                )
            })
        })
        .collect()
});

/// A mesh that asks nothing of the Pod, or something; or it is not known what.
fn requirements() -> impl Strategy<Value = Given> {
    let nothing = Given::default;
    let unknown = Given {
        requires: Err(Missing::Forbidden(Resource::EnvoyFilters)),
        ..nothing()
    };
    prop::sample::select(vec![
        nothing(),
        nothing().required(Reason::Sidecar, Scope::Workload),
        nothing().required(Reason::WasmPlugin, Scope::Namespace),
        unknown,
    ])
}

fn key() -> impl Strategy<Value = String> {
    const CHOSEN: &[&str] = &[
        "istio.io/dataplane-mode",
        "sidecar.istio.io/inject",
        "istio.io/rev",
        "istio.io/use-waypoint",
        "inject.istio.io/templates",
        "meshmode.io/mode",
        "meshmode.io/placement",
        "meshmode.io/rule",
        "meshmode.io/reason",
        "mesh.company.com/force-mode",
        "deployment.company.com/replicas",
        "sidecar.istio.io/userVolume",
        "kubevirt.io",
    ];
    const RARE: &[&str] = &[
        "sidecar.istio.io/status",
        "gateway.networking.k8s.io/gateway-name",
        "kubernetes.io/config.mirror",
    ];
    prop_oneof![
        8 => prop::sample::select(CHOSEN).prop_map(str::to_owned),
        1 => prop::sample::select(RARE).prop_map(str::to_owned),
        3 => prop::sample::select(&["a/b", "~", "~1", "a~0/b", "\"", "\\", "ü/ß", "\u{1f600}", "", "-", "\u{0}", "\n"][..]).prop_map(str::to_owned),
        6 => ".{0,8}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    const CHOSEN: &[&str] = &[
        "ambient",
        "sidecar",
        "none",
        "leave",
        "true",
        "false",
        "",
        "stable",
        "high-scale",
        "11",
        "default",
        "virt-launcher",
        "cheapest mode that gives mTLS and L4 policy",
    ];
    prop_oneof![4 => prop::sample::select(CHOSEN).prop_map(str::to_owned), 1 => ".{0,12}"]
}

/// Nothing: absent; `null`; a map, perhaps empty.
fn string_map() -> impl Strategy<Value = Option<Value>> {
    let map = vec((key(), value()), 0..5).prop_map(|entries| {
        Value::Object(
            entries
                .into_iter()
                .map(|(k, v)| (k, Value::String(v)))
                .collect(),
        )
    });
    option::weighted(0.85, prop_oneof![1 => Just(Value::Null), 6 => map])
}

fn any_pod() -> impl Strategy<Value = Value> {
    let containers = option::of(vec(
        prop::sample::select(&["app", "istio-proxy", "web", "c"][..]),
        0..3,
    ));
    let spec = (
        containers.clone(),
        containers,
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.05),
        option::of(value()),
    );
    let mode = option::weighted(
        0.4,
        prop::sample::select(&["sidecar", "none", "ambient"][..]),
    );
    (
        string_map(),
        string_map(),
        mode,
        option::weighted(0.9, spec),
    )
        .prop_map(|(labels, mut annotations, mode, spec)| {
            if let (Some(Value::Object(map)), Some(mode)) = (&mut annotations, mode) {
                map.insert("meshmode.io/mode".to_owned(), json!(mode));
            }
            let mut metadata = Map::from_iter([("name".to_owned(), json!("web"))]);
            metadata.extend(labels.map(|map| ("labels".to_owned(), map)));
            metadata.extend(annotations.map(|map| ("annotations".to_owned(), map)));
            let mut pod = json!({"metadata": metadata});
            if let Some((containers, init, host, windows, class)) = spec {
                let named = |names: Vec<&str>| {
                    names
                        .into_iter()
                        .map(|name| json!({"name": name}))
                        .collect::<Vec<_>>()
                };
                let mut spec = json!({"hostNetwork": host, "priorityClassName": class});
                if let Some(containers) = containers {
                    spec["containers"] = json!(named(containers));
                }
                if let Some(init) = init {
                    spec["initContainers"] = json!(named(init));
                }
                if windows {
                    spec["os"] = json!({"name": "windows"});
                }
                pod["spec"] = spec;
            }
            pod
        })
}

/// The keys of `map` in the metadata of `pod`.
fn strings(pod: &Value, map: &str) -> Map<String, Value> {
    pod["metadata"][map]
        .as_object()
        .cloned()
        .unwrap_or_default()
}

fn holds(rules: &Rules, pod: &Value) -> Result<(), TestCaseError> {
    holds_in(rules, pod, &NoCluster)
}

fn holds_in(rules: &Rules, pod: &Value, cluster: &dyn Source) -> Result<(), TestCaseError> {
    let place = |rules: &Rules, pod: &Value| place_given(rules, &pod.to_string(), cluster);
    let placed = place(rules, pod);
    let Some(labels) = rules.labels.of(placed.mode) else {
        prop_assert_eq!(&placed.patch, &None);
        return Ok(());
    };
    prop_assert_eq!(
        record(&placed.pod),
        [placed.mode.as_str(), &placed.rule, &placed.reason]
    );
    for (key, value) in strings(pod, "labels") {
        prop_assert_eq!(
            &placed.pod["metadata"]["labels"][&key],
            &value,
            "label {} changed",
            key
        );
    }
    for (key, value) in labels {
        let there = &placed.pod["metadata"]["labels"][key];
        let before = &pod["metadata"]["labels"][key];
        prop_assert!(
            there == value || there == before,
            "label {} is {}",
            key,
            there
        );
    }
    for (key, value) in strings(pod, "annotations") {
        if !RECORD.contains(&key.as_str()) {
            prop_assert_eq!(
                &placed.pod["metadata"]["annotations"][&key],
                &value,
                "annotation {} changed",
                key
            );
        }
    }
    let mut rest = placed.pod.clone();
    for map in ["labels", "annotations"] {
        match pod["metadata"].get(map) {
            Some(before) => rest["metadata"][map] = before.clone(),
            None => drop(rest["metadata"].as_object_mut().unwrap().remove(map)),
        }
    }
    prop_assert_eq!(&rest, pod, "only labels and annotations change");
    let sidecar = (placed.mode == Mode::Sidecar).then(|| injected(&placed.pod));
    for again in sidecar.into_iter().chain([placed.pod.clone()]) {
        let second = place(rules, &again);
        prop_assert_eq!(&second.patch, &None);
        prop_assert_eq!(
            (second.mode, &second.rule, &second.reason, &second.warnings),
            (placed.mode, &placed.rule, &placed.reason, &placed.warnings)
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_default_rules_place_any_pod(pod in any_pod()) {
        holds(&DEFAULT, &pod)?;
    }

    /// Also where Pods of its revision are there, with whatever placement.
    #[test]
    fn pods_of_a_revision_are_placed_alike(pod in any_pod(), mode in prop::sample::select(&Mode::ALL[..]), rule in prop::sample::select(&["default", "gone", "many-replicas"][..])) {
        let mut pod = pod;
        pod["metadata"]["ownerReferences"] = json!([{"kind": "Job", "name": "j", "uid": "u", "controller": true}]);
        let given = Given::default().beside(mode, rule, "as decided before");
        holds_in(&DEFAULT, &pod, &given)?;
        let placed = place_given(&DEFAULT, &pod.to_string(), &given);
        prop_assert!(placed.mode == mode || placed.mode == Mode::Leave);
        let unplaced = Given { siblings: Ok(Some(Siblings::Unplaced)), ..Given::default() };
        holds_in(&DEFAULT, &pod, &unplaced)?;
    }

    #[test]
    fn a_guard_changes_no_answer(pod in any_pod(), given in requirements()) {
        let pod = pod.to_string();
        for (condition, (guarded, unguarded)) in CONDITIONS_ALONE.iter().enumerate() {
            let place = |rules| place_given(rules, &pod, &given);
            prop_assert_eq!(place(guarded), place(unguarded), "condition {}", condition / 2);
        }
    }

    #[test]
    fn an_operators_rules_place_any_pod(pod in any_pod()) {
        holds(&OPERATORS, &pod)?;
    }
}

/// The properties would hold if every Pod were left alone: most are not.
#[test]
fn arbitrary_pods_are_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut modes = std::collections::BTreeMap::new();
    let mut rules = std::collections::BTreeMap::new();
    for _ in 0..800 {
        let placed = place(
            &DEFAULT,
            &any_pod().new_tree(&mut runner).unwrap().current(),
        );
        *modes.entry(placed.mode).or_insert(0) += 1;
        *rules.entry(placed.rule).or_insert(0) += 1;
    }
    for mode in Mode::ALL {
        assert!(
            modes.get(&mode).is_some_and(|n| *n >= 8),
            "{modes:?} {rules:?}"
        );
    }
    for rule in [
        "default",
        "mode-annotation",
        "explicit-choice",
        "left-alone",
        "proxy-volume",
    ] {
        assert!(rules.contains_key(rule), "{rule}: {rules:?}");
    }
}

/// The property of guards would hold if there were none.
#[test]
fn most_conditions_have_a_guard() {
    let guards: usize = CONDITIONS_ALONE
        .iter()
        .map(|(rules, _)| rules.guards())
        .sum();
    assert_eq!(
        guards,
        13 * 2 * 2,
        "thirteen conditions, each twice, as a condition and as a warning's"
    );
    assert_eq!(
        DEFAULT.guards(),
        11,
        "every condition and warning of the default that is about the Pod alone, or looks for what the mesh requires"
    );
}
