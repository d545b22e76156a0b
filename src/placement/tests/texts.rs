//! Long texts: what searches through them is bounded as what reads values is.

use std::time::Duration;

use serde_json::{Value, json};

use super::{computed, decide_text, placement};
use crate::placement::{Mode, Rules};

/// Keys that are in no text of these tests.
fn keys() -> Value {
    (0..20_000)
        .map(|n| (format!("k{n}"), json!("")))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn rule(variables: &str, when: &str) -> Rules {
    placement(&format!(
        "  variables: [{variables}]\n  rules: [{{name: dear, when: \"{when}\", mode: sidecar, onUnknown: leave}}]\n"
    ))
}

/// Each of these searched through 20 GB.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_text_that_is_searched_in_a_loop_takes_fuel() {
    let long = "a".repeat(1_000_000);
    let read = json!({
        "metadata": {"annotations": keys()},
        "spec": {"containers": [{"name": "app", "image": long}]},
    });
    let key = json!({"metadata": {"annotations": {&*long: ""}, "labels": keys()}});
    let element = json!({
        "metadata": {"labels": keys()},
        "spec": {"containers": [{"name": "app", "args": [long]}]},
    });
    let doubled = (1..15).fold(
        format!("{{name: v0, expression: \"'{}'\"}}", "a".repeat(64)),
        |all, n| {
            format!(
                "{all}, {{name: v{n}, expression: 'variables.v{0} + variables.v{0}'}}",
                n - 1
            )
        },
    );
    let rows = [
        (
            "read in the inner loop",
            &read,
            rule(
                "",
                "object.metadata.annotations.exists(k, object.spec.containers.exists(c, c.image.contains(k)))",
            ),
        ),
        (
            "a key, handed to the inner loop",
            &key,
            rule(
                "",
                "object.metadata.annotations.exists(k, object.metadata.labels.exists(l, k.contains(l)))",
            ),
        ),
        (
            "an element, handed to the inner loop",
            &element,
            rule(
                "",
                "object.spec.containers[0].args.exists(a, object.metadata.labels.exists(l, a.matches(l)))",
            ),
        ),
        (
            "made by variables",
            &read,
            rule(
                &doubled,
                "object.metadata.annotations.exists(k, variables.v14.contains(k))",
            ),
        ),
    ];
    for (name, pod, rules) in rows {
        let start = computed();
        let (mode, rule, reason) = decide_text(&rules, &pod.to_string());
        assert_eq!((mode, rule.as_str()), (Mode::Leave, "dear"), "{name}");
        assert!(
            reason.contains("read more than 500000 values"),
            "{name}: {reason}"
        );
        assert!(computed() - start < Duration::from_secs(30), "{name}");
    }
}

/// What a loop hands down is the same value, whatever it costs.
#[test]
fn what_a_loop_hands_to_another_is_what_it_was() {
    let pod = json!({
        "metadata": {"labels": {"a": "x", "ab": "y"}},
        "spec": {"containers": [{"name": "a", "ports": [{"on": 1}]}, {"name": "b"}]},
    });
    for when in [
        "object.metadata.labels.exists(k, object.metadata.labels.exists(l, k != l && k.contains(l)))",
        "object.spec.containers.map(c, object.spec.containers.filter(d, d.name == c.name).size()) == [1, 1]",
        "object.spec.containers.exists(c, ['on'].exists(k, has(c.ports) && c.ports[0][k] == 1))",
        "object.spec.containers.map(c, [1].map(c, c + 1)) == [[2], [2]]",
        "[1, 2].map(a, [3, 4].map(b, a * b)) == [[3, 4], [6, 8]]",
        "['a'].all(k, [k].all(l, k == l))",
    ] {
        let (mode, rule, reason) = decide_text(&rule("", when), &pod.to_string());
        assert_eq!(
            (mode, rule.as_str()),
            (Mode::Sidecar, "dear"),
            "{when}: {reason}"
        );
    }
}

/// Four annotations of the size that Kubernetes allows, each read by each of 32 rules.
#[test]
fn what_kubernetes_allows_can_be_read() {
    let long = "a".repeat(60_000);
    let pod = json!({"metadata": {"annotations": {"a": long, "b": long, "c": long, "d": long}}});
    let rules: String = (0..32)
        .map(|n| format!("    - {{name: r{n}, when: \"object.metadata.annotations.exists(k, object.metadata.annotations[k].contains('b{n}'))\", mode: none}}\n"))
        .collect();
    let (mode, rule, reason) =
        decide_text(&placement(&format!("  rules:\n{rules}")), &pod.to_string());
    assert_eq!(
        (mode, rule.as_str()),
        (Mode::Ambient, "default"),
        "{reason}"
    );
}
