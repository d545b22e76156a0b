//! What no rule may touch: Pods that are left alone, and what their authors chose.

use serde_json::{Value, json};

use super::{DEFAULT, OFF, Placed, injected, place, placement, pod, record};
use crate::placement::Mode;

fn with(mut pod: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    pod.pointer_mut(parent).unwrap()[key] = value;
    pod
}

fn plain() -> Value {
    pod(&json!({"app": "web"}), &json!({}))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn some_pods_are_left_alone_always() {
    let label = |key: &str| pod(&json!({key: "x"}), &json!({"meshmode.io/mode": "sidecar"}));
    let annotation = |key: &str| {
        pod(
            &json!({}),
            &json!({key: "x", "meshmode.io/mode": "sidecar"}),
        )
    };
    let rows = [
        (
            "host network",
            with(plain(), "/spec/hostNetwork", json!(true)),
            true,
        ),
        (
            "no host network",
            with(plain(), "/spec/hostNetwork", json!(false)),
            false,
        ),
        ("a mirror", annotation("kubernetes.io/config.mirror"), true),
        ("injected", annotation("sidecar.istio.io/status"), true),
        (
            "a gateway",
            label("gateway.networking.k8s.io/gateway-name"),
            true,
        ),
        (
            "a label of the class alone",
            label("gateway.networking.k8s.io/gateway-class-name"),
            false,
        ),
        (
            "Windows by os",
            with(plain(), "/spec/os", json!({"name": "windows"})),
            true,
        ),
        (
            "Linux by os",
            with(plain(), "/spec/os", json!({"name": "linux"})),
            false,
        ),
        (
            "Windows by selector",
            with(
                plain(),
                "/spec/nodeSelector",
                json!({"kubernetes.io/os": "windows"}),
            ),
            true,
        ),
        (
            "Linux by selector",
            with(
                plain(),
                "/spec/nodeSelector",
                json!({"kubernetes.io/os": "linux"}),
            ),
            false,
        ),
    ];
    for (name, pod, left) in rows {
        let placed = place(&DEFAULT, &pod);
        assert_eq!(placed.rule == "left-alone", left, "{name}: {placed:?}");
        assert_eq!(placed.patch.is_none(), left, "{name}: {placed:?}");
        assert_eq!(placed.mode == Mode::Leave, left, "{name}: {placed:?}");
        assert!(placed.warnings.is_empty(), "{name}: {placed:?}");
    }
}

/// Each kind alone, on a Pod that the rules give `ambient`.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn an_explicit_choice_wins() {
    let label = |key: &str, value: &str| pod(&json!({"app": "web", key: value}), &json!({}));
    let annotation = |key: &str, value: &str| pod(&json!({"app": "web"}), &json!({key: value}));
    let container = |list: &str| {
        with(
            plain(),
            &format!("/spec/{list}"),
            json!([{"name": "app"}, {"name": "istio-proxy"}]),
        )
    };
    let rows = [
        (
            "capture refused",
            label("istio.io/dataplane-mode", "none"),
            "label istio.io/dataplane-mode=none",
            1,
        ),
        (
            "capture by no value",
            label("istio.io/dataplane-mode", "sidecar"),
            "label istio.io/dataplane-mode=sidecar",
            2,
        ),
        (
            "capture by an empty value",
            label("istio.io/dataplane-mode", ""),
            "label istio.io/dataplane-mode=",
            2,
        ),
        (
            "injection by label",
            label("sidecar.istio.io/inject", "true"),
            "label sidecar.istio.io/inject=true",
            1,
        ),
        (
            "injection by no value",
            label("sidecar.istio.io/inject", "yes"),
            "label sidecar.istio.io/inject=yes",
            1,
        ),
        (
            "injection by annotation",
            annotation("sidecar.istio.io/inject", "true"),
            "annotation sidecar.istio.io/inject=true",
            1,
        ),
        (
            "no injection, by annotation",
            annotation("sidecar.istio.io/inject", "false"),
            "annotation sidecar.istio.io/inject=false",
            0,
        ),
        (
            "a revision",
            label("istio.io/rev", "canary"),
            "label istio.io/rev=canary",
            1,
        ),
        (
            "templates",
            annotation("inject.istio.io/templates", "grpc-agent"),
            "annotation inject.istio.io/templates=grpc-agent",
            1,
        ),
        (
            "a proxy",
            container("containers"),
            "container istio-proxy",
            1,
        ),
        (
            "a native proxy",
            container("initContainers"),
            "container istio-proxy",
            1,
        ),
    ];
    for (name, pod, choice, warnings) in rows {
        let placed = place(&DEFAULT, &pod);
        assert_eq!(placed.rule, "explicit-choice", "{name}");
        assert_eq!(placed.mode, Mode::Leave, "{name}");
        assert_eq!(
            placed.reason,
            format!("the Pod's own choice: {choice}"),
            "{name}"
        );
        assert_eq!(placed.patch, None, "{name}");
        assert_eq!(
            placed.warnings.len(),
            warnings,
            "{name}: {:?}",
            placed.warnings
        );
    }
}

#[test]
fn a_proxy_is_found_behind_escapes_too() {
    let text = r#"{"metadata":{},"spec":{"containers":[{"name":"isti\u006f-proxy"}]}}"#;
    assert_eq!(super::place_text(&DEFAULT, text).rule, "explicit-choice");
    let text = r#"{"metadata":{},"spec":{"containers":[{"name":"app","args":["istio-proxy"]}]}}"#;
    assert_eq!(super::place_text(&DEFAULT, text).rule, "default");
}

#[test]
fn labels_equal_to_the_decision_are_ours() {
    let rows = [
        (
            "capture",
            "ambient",
            json!({"istio.io/dataplane-mode": "ambient"}),
        ),
        (
            "capture and no injection",
            "ambient",
            json!({"istio.io/dataplane-mode": "ambient", "sidecar.istio.io/inject": "false"}),
        ),
        (
            "injection",
            "sidecar",
            json!({"sidecar.istio.io/inject": "true"}),
        ),
        (
            "neither",
            "none",
            json!({"istio.io/dataplane-mode": "none", "sidecar.istio.io/inject": "false"}),
        ),
    ];
    for (name, mode, labels) in rows {
        let placed = place(&DEFAULT, &pod(&labels, &json!({"meshmode.io/mode": mode})));
        assert_eq!(placed.rule, "mode-annotation", "{name}");
        assert_eq!(record(&placed.pod)[0], mode, "{name}");
        assert!(placed.warnings.is_empty(), "{name}");
    }
}

/// Labels that leave open what the Pod becomes are a choice, though the decision would set them too:
/// `sidecar.istio.io/inject: "false"` alone is how people stay out of a mesh, it must not become ambient.
#[test]
fn labels_that_do_not_say_the_mode_are_a_choice() {
    let rows = [
        (
            "no injection",
            "ambient",
            json!({"sidecar.istio.io/inject": "false"}),
        ),
        (
            "no injection",
            "none",
            json!({"sidecar.istio.io/inject": "false"}),
        ),
        (
            "no capture",
            "sidecar",
            json!({"istio.io/dataplane-mode": "none"}),
        ),
        (
            "no capture",
            "none",
            json!({"istio.io/dataplane-mode": "none"}),
        ),
    ];
    for (name, mode, labels) in rows {
        let placed = place(&DEFAULT, &pod(&labels, &json!({"meshmode.io/mode": mode})));
        assert_eq!(placed.rule, "explicit-choice", "{name}, {mode}");
        assert_eq!(placed.patch, None, "{name}, {mode}");
        assert!(
            placed.warnings.is_empty(),
            "{name}, {mode}: {:?}",
            placed.warnings
        );
    }
}

#[test]
fn contradictions_are_said() {
    let rows = [
        (
            "label against annotation",
            pod(
                &json!({"sidecar.istio.io/inject": "true"}),
                &json!({"sidecar.istio.io/inject": "false"}),
            ),
            "label sidecar.istio.io/inject=true wins over the annotation's false",
        ),
        (
            "a label like ours against the annotation",
            pod(
                &json!({"sidecar.istio.io/inject": "false"}),
                &json!({"sidecar.istio.io/inject": "true"}),
            ),
            "label sidecar.istio.io/inject=false wins over the annotation's true",
        ),
        (
            "capture and a sidecar",
            pod(
                &json!({"istio.io/dataplane-mode": "ambient", "sidecar.istio.io/inject": "true"}),
                &json!({}),
            ),
            "label istio.io/dataplane-mode=ambient, label sidecar.istio.io/inject=true asks for ambient and for a sidecar: the sidecar wins",
        ),
        (
            "a revision without injection",
            pod(
                &json!({"istio.io/rev": "canary", "sidecar.istio.io/inject": "false"}),
                &json!({}),
            ),
            "label istio.io/rev=canary does nothing beside sidecar.istio.io/inject=false",
        ),
        (
            "a value that is none of Istio's",
            pod(&json!({"istio.io/dataplane-mode": "sidecar"}), &json!({})),
            "label istio.io/dataplane-mode=sidecar: Istio knows ambient and none only",
        ),
        (
            "a choice against the rules",
            pod(
                &json!({"istio.io/dataplane-mode": "none"}),
                &json!({"meshmode.io/mode": "ambient"}),
            ),
            "label istio.io/dataplane-mode=none wins over rule mode-annotation, which gives ambient: nothing is changed",
        ),
    ];
    for (name, pod, warning) in rows {
        let placed = place(&DEFAULT, &pod);
        assert_eq!(placed.rule, "explicit-choice", "{name}");
        assert!(
            placed.warnings.iter().any(|w| w == warning),
            "{name}: {:#?}",
            placed.warnings
        );
        assert_eq!(placed.patch, None, "{name}");
    }
}

/// The label `inject=false` refuses the sidecar that the annotation asks for: nothing contradicts ambient.
#[test]
fn a_choice_that_comes_to_the_same_is_no_contradiction_of_the_rules() {
    let pod = pod(
        &json!({"sidecar.istio.io/inject": "false"}),
        &json!({"sidecar.istio.io/inject": "true"}),
    );
    let placed = place(&DEFAULT, &pod);
    assert!(
        !placed
            .warnings
            .iter()
            .any(|warning| warning.contains("wins over rule")),
        "{:#?}",
        placed.warnings
    );
}

#[test]
fn a_record_that_somebody_else_wrote_is_not_believed() {
    let forged = json!({
        "meshmode.io/placement": "sidecar", "meshmode.io/rule": "trust-me", "meshmode.io/reason": "x",
    });
    let placed = place(&DEFAULT, &pod(&json!({}), &forged));
    let reason = format!("cheapest mode that gives mTLS and L4 policy{OFF}");
    assert_eq!(record(&placed.pod), ["ambient", "default", &reason]);
    let part = place(
        &DEFAULT,
        &pod(&json!({}), &json!({"meshmode.io/rule": "default"})),
    );
    assert_eq!(record(&part.pod), record(&placed.pod));
}

/// Where nothing may be patched, the Pod's author is told.
#[test]
fn a_forged_record_on_a_pod_that_is_left_is_said() {
    let forge = |mut pod: Value| {
        pod["metadata"]["annotations"]["meshmode.io/placement"] = json!("ambient");
        pod
    };
    let rows = [
        (
            "left alone",
            with(plain(), "/spec/hostNetwork", json!(true)),
        ),
        (
            "an explicit choice",
            pod(&json!({"sidecar.istio.io/inject": "true"}), &json!({})),
        ),
        (
            "left by a rule",
            pod(&json!({}), &json!({"meshmode.io/mode": "leave"})),
        ),
    ];
    for (name, pod) in rows {
        let placed = place(&DEFAULT, &forge(pod));
        assert_eq!(placed.patch, None, "{name}");
        let warning =
            "annotation meshmode.io/placement was not written by meshmode and records nothing";
        assert!(
            placed.warnings.iter().any(|w| w == warning),
            "{name}: {:?}",
            placed.warnings
        );
    }
}

#[test]
fn a_second_call_changes_nothing() {
    let with_labels = |labels: &str| {
        placement(&format!(
            "  modes: {{sidecar: {{labels: {labels}}}}}\n  rules: [{{name: all, when: 'true', mode: sidecar}}]\n"
        ))
    };
    let waypoint = "{istio.io/dataplane-mode: none, sidecar.istio.io/inject: 'true', istio.io/use-waypoint: none}";
    let revision =
        "{istio.io/dataplane-mode: none, sidecar.istio.io/inject: 'true', istio.io/rev: stable}";
    let none = pod(&json!({}), &json!({}));
    let kept = pod(
        &json!({"istio.io/use-waypoint": "mine", "x": "y"}),
        &json!({}),
    );
    let sidecar = pod(&Value::Null, &json!({"meshmode.io/mode": "sidecar"}));
    let rows = [
        ("by default", super::rules(crate::config::DEFAULT), &none),
        (
            "a sidecar by default",
            super::rules(crate::config::DEFAULT),
            &sidecar,
        ),
        ("with a waypoint", with_labels(waypoint), &none),
        ("with a waypoint that is kept", with_labels(waypoint), &kept),
        ("with a revision", with_labels(revision), &none),
        ("without labels", with_labels("{}"), &none),
    ];
    for (name, rules, pod) in rows {
        let first = place(&rules, pod);
        assert!(first.patch.is_some(), "{name}");
        for (when, again) in [
            ("again", first.pod.clone()),
            ("injected", injected(&first.pod)),
        ] {
            // A sidecar in a Pod that was given none is somebody else's doing.
            if when == "injected" && first.mode != Mode::Sidecar {
                assert_eq!(place(&rules, &again).rule, "left-alone", "{name}");
                continue;
            }
            let second = place(&rules, &again);
            assert_eq!(second.patch, None, "{name}, {when}: {second:?}");
            let said = |placed: &Placed| {
                (
                    placed.mode,
                    placed.rule.clone(),
                    placed.reason.clone(),
                    placed.warnings.clone(),
                )
            };
            assert_eq!(said(&second), said(&first), "{name}, {when}");
        }
    }
}

#[test]
fn labels_that_an_operator_adds() {
    let rules = placement(
        "  modes: {sidecar: {labels: {sidecar.istio.io/inject: 'true', istio.io/rev: stable, istio.io/use-waypoint: none}}}\n  rules: [{name: all, when: 'true', mode: sidecar}]\n",
    );
    let set = place(&rules, &plain());
    assert_eq!(
        set.pod["metadata"]["labels"],
        json!({"app": "web", "sidecar.istio.io/inject": "true", "istio.io/rev": "stable", "istio.io/use-waypoint": "none"})
    );
    let same = place(&rules, &pod(&json!({"istio.io/rev": "stable"}), &json!({})));
    assert_eq!(same.rule, "all", "a revision equal to ours is ours");
    let other = place(&rules, &pod(&json!({"istio.io/rev": "canary"}), &json!({})));
    assert_eq!(other.rule, "explicit-choice");
    let kept = place(
        &rules,
        &pod(&json!({"istio.io/use-waypoint": "mine"}), &json!({})),
    );
    assert_eq!(kept.rule, "all");
    assert_eq!(
        kept.pod["metadata"]["labels"]["istio.io/use-waypoint"],
        "mine"
    );
    assert_eq!(
        kept.warnings,
        ["label istio.io/use-waypoint=mine is kept, though mode sidecar would set none"]
    );
}
