//! Rules that cannot be evaluated, that are off, and the variables they read.

use std::time::Duration;

use serde_json::json;

use super::{computed, place, placement, pod};
use crate::placement::Mode;
use crate::placement::rules::Use;

#[test]
fn a_rule_that_errs_follows_on_unknown() {
    let rule = |when: &str, on_unknown: &str| {
        placement(&format!(
            "  rules:\n    - {{name: errs, when: \"{when}\", mode: none, onUnknown: {on_unknown}}}\n    - {{name: second, when: 'true', mode: sidecar}}\n"
        ))
    };
    let rows = [
        (
            "a missing key",
            "object.metadata.labels['no'] == 'x'",
            "No such key: no",
        ),
        (
            "a missing field",
            "object.spec.no.such == 'x'",
            "No such key: no",
        ),
        (
            "a key of a missing variable",
            "object.spec.containers[7].name == 'x'",
            "",
        ),
    ];
    for (name, when, cause) in rows {
        let left = place(&rule(when, "leave"), &pod(&json!({}), &json!({})));
        assert_eq!(
            (left.mode, left.rule.as_str()),
            (Mode::Leave, "errs"),
            "{name}"
        );
        assert!(
            left.reason
                .starts_with("rule errs could not be evaluated: "),
            "{name}: {}",
            left.reason
        );
        assert!(left.reason.contains(cause), "{name}: {}", left.reason);
        assert_eq!(left.warnings, std::slice::from_ref(&left.reason), "{name}");
        assert_eq!(left.patch, None, "{name}");
        let next = place(&rule(when, "next"), &pod(&json!({}), &json!({})));
        assert_eq!(
            (next.mode, next.rule.as_str()),
            (Mode::Sidecar, "second"),
            "{name}"
        );
        assert_eq!(next.warnings, left.warnings, "{name}");
    }
}

/// What the sample has is right, and what this Pod has is not.
#[test]
fn a_value_of_the_wrong_type_is_an_error() {
    let rows = [
        (
            "condition",
            "when: \"object.metadata.annotations['x'] == 'y' ? true : object.spec.x\", mode: none",
            "its value is a string, not a bool",
        ),
        (
            "no overload",
            "when: \"object.metadata.annotations['x'] > object.spec.n\", mode: none",
            "no matching overload",
        ),
        (
            "mode",
            "when: 'true', modeExpression: \"object.spec.n\"",
            "its value is a int, not a string",
        ),
        (
            "warning",
            "when: 'true', warningExpression: \"object.spec.n\", mode: none",
            "its value is a int, not a string",
        ),
    ];
    for (name, rule, cause) in rows {
        let rules = placement(&format!("  rules:\n    - {{name: errs, {rule}}}\n"));
        let mut pod = pod(&json!({}), &json!({"x": "z"}));
        pod["spec"]["x"] = json!("no bool");
        pod["spec"]["n"] = json!(3);
        let placed = place(&rules, &pod);
        assert_eq!(
            (placed.mode, placed.rule.as_str()),
            (Mode::Leave, "errs"),
            "{name}"
        );
        assert!(placed.reason.contains(cause), "{name}: {}", placed.reason);
    }
}

#[test]
fn a_mode_that_is_none_asks_the_next_rule() {
    let rules = placement(
        "  rules:\n    - {name: first, when: 'true', modeExpression: \"object.metadata.?annotations[?'x'].orValue('')\"}\n    - {name: second, when: 'true', mode: sidecar}\n",
    );
    let placed = place(&rules, &pod(&json!({}), &json!({"x": "turbo"})));
    assert_eq!(placed.rule, "second");
    assert_eq!(
        placed.warnings,
        [r#"rule first: "turbo" is not a mode; allowed: ambient, sidecar, none, leave"#]
    );
}

#[test]
fn rules_that_need_the_cluster_are_off_and_named() {
    let rules = placement(concat!(
        "  variables:\n",
        "    - {name: scale, expression: workload.replicas}\n",
        "    - {name: big, expression: variables.scale > 10}\n",
        "  rules:\n",
        "    - {name: by-namespace, when: \"'x' in namespaceObject.metadata.labels\", mode: none}\n",
        "    - {name: by-mesh, when: has(mesh.waypoint), mode: none}\n",
        "    - {name: by-mode, when: 'true', modeExpression: workload.labels.mode}\n",
        "    - {name: by-warning, when: 'true', mode: none, warningExpression: workload.annotations.x}\n",
        "    - {name: through-variables, when: variables.big, mode: none}\n",
        "    - {name: asked, when: \"'asked' in object.metadata.labels\", mode: none, reason: was asked}\n",
    ));
    let off = [
        "by-namespace",
        "by-mesh",
        "by-mode",
        "by-warning",
        "through-variables",
    ];
    assert_eq!(rules.needing_a_cluster().collect::<Vec<_>>(), off);
    assert_eq!(rules.names().count(), off.len() + 1);
    let note = format!(
        " (rules off without a cluster connection: {})",
        off.join(", ")
    );
    let default = place(&rules, &pod(&json!({}), &json!({})));
    assert_eq!(default.reason, format!("nothing else{note}"));
    let asked = place(&rules, &pod(&json!({"asked": ""}), &json!({})));
    assert_eq!(asked.reason, format!("was asked{note}"));
}

#[test]
fn the_request_is_read_only_where_a_rule_reads_it() {
    let unread = placement("  rules: [{name: a, when: 'true', mode: none}]\n");
    assert_eq!(unread.request(), Use::Unread);
    let read = placement(
        "  variables: [{name: user, expression: request.userInfo.username}]\n  rules: [{name: a, when: variables.user == 'ann' && 'dev' in request.userInfo.groups, mode: none}]\n",
    );
    assert_eq!(read.request(), Use::Read);
    assert_eq!(place(&read, &pod(&json!({}), &json!({}))).rule, "a");
}

#[test]
fn variables_build_on_those_before_them() {
    let rules = placement(concat!(
        "  variables:\n",
        "    - {name: labels, expression: object.metadata.labels}\n",
        "    - {name: keys, expression: \"variables.labels.map(k, k + '=' + variables.labels[k])\"}\n",
        "    - {name: text, expression: \"variables.keys[0]\"}\n",
        "  rules:\n",
        "    - {name: one, when: \"variables.text == 'a=b' && variables.keys.size() == 1\", mode: none}\n",
        "    - {name: shadowed, when: \"['x'].exists(variables, variables == 'x')\", mode: sidecar}\n",
    ));
    assert_eq!(
        place(&rules, &pod(&json!({"a": "b"}), &json!({}))).rule,
        "one"
    );
    assert_eq!(
        place(&rules, &pod(&json!({"a": "c"}), &json!({}))).rule,
        "shadowed"
    );
}

#[test]
fn a_variable_that_errs_harms_only_who_reads_it() {
    let rules = placement(concat!(
        "  variables:\n",
        "    - {name: team, expression: \"object.metadata.labels['team']\"}\n",
        "    - {name: upper, expression: variables.team.upperAscii()}\n",
        "  rules:\n",
        "    - {name: unread, when: \"'skip' in object.metadata.labels || variables.team == 'x'\", mode: none, onUnknown: next}\n",
        "    - {name: reads, when: \"variables.upper == 'X'\", mode: sidecar}\n",
    ));
    let unread = place(&rules, &pod(&json!({"skip": ""}), &json!({})));
    assert_eq!((unread.rule.as_str(), unread.warnings.len()), ("unread", 0));
    let read = place(&rules, &pod(&json!({"a": "b"}), &json!({})));
    assert_eq!((read.mode, read.rule.as_str()), (Mode::Leave, "reads"));
    assert_eq!(
        read.warnings,
        [
            "rule unread could not be evaluated: variables.team: No such key: team",
            "rule reads could not be evaluated: variables.team: No such key: team",
        ]
    );
}

/// The failure that is reported is that of the rule, not of a variable that another rule read before.
#[test]
fn an_earlier_failure_is_not_blamed_for_a_later_one() {
    let rules = placement(concat!(
        "  variables: [{name: team, expression: \"object.metadata.labels['team']\"}]\n",
        "  rules:\n",
        "    - {name: first, when: \"variables.team == 'x'\", mode: none, onUnknown: next}\n",
        "    - {name: second, when: \"object.metadata.annotations['other'] == 'x'\", mode: none}\n",
    ));
    let placed = place(&rules, &pod(&json!({}), &json!({})));
    assert_eq!(
        placed.reason,
        "rule second could not be evaluated: No such key: other"
    );
}

#[test]
fn fuel_ends_a_rule_that_reads_too_much() {
    let env: Vec<_> = (0..30_000)
        .map(|n| json!({"name": format!("E{n}"), "value": "x"}))
        .collect();
    let mut pod = pod(&json!({}), &json!({}));
    pod["spec"]["containers"] = json!([{"name": "app", "env": env}]);
    let rows = [
        (
            "nested all",
            "object.spec.containers[0].env.all(a, object.spec.containers[0].env.all(b, a.name + 'x' != b.name))",
        ),
        (
            "through a variable",
            "variables.env.all(a, variables.env.all(b, a.name + 'x' != b.name))",
        ),
        (
            "behind an optional",
            "object.spec.containers[0].env.all(a, object.?spec.?containers[?0].?env.orValue([]).all(b, a.name + 'x' != b.name))",
        ),
    ];
    let variables = "  variables: [{name: env, expression: 'object.spec.containers[0].env'}]\n";
    for (name, when) in rows {
        let rules = placement(&format!(
            "{variables}  rules:\n    - {{name: greedy, when: \"{when}\", mode: none}}\n"
        ));
        let start = computed();
        let placed = place(&rules, &pod);
        assert_eq!(
            (placed.mode, placed.rule.as_str()),
            (Mode::Leave, "greedy"),
            "{name}: {}",
            placed.reason
        );
        assert!(
            placed.reason.contains("read more than 500000 values"),
            "{name}: {}",
            placed.reason
        );
        assert!(
            computed() - start < Duration::from_secs(30),
            "{name}: {:?}",
            computed() - start
        );
    }
}

/// What a Pod's author may send must not cost the server: neither its stack, nor its time, nor its memory.
#[test]
fn a_pod_cannot_make_a_rule_cost_much() {
    let rule = |variables: &str, when: &str| {
        placement(&format!(
            "  variables: [{variables}]\n  rules: [{{name: dear, when: \"{when}\", mode: sidecar, onUnknown: leave}}]\n"
        ))
    };
    let lists = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep = format!(r#"{{"metadata":{{}},"spec":{{"x":{lists}}}}}"#);
    let many: serde_json::Map<String, serde_json::Value> =
        (0..50_000).map(|n| (format!("k{n}"), json!("v"))).collect();
    let many = json!({"metadata": {"annotations": many, "labels": many}}).to_string();
    let long = json!({"metadata": {"annotations": {"a": "a".repeat(200_000)}}}).to_string();
    let doubled = (1..30).fold(
        "{name: v0, expression: 'object.metadata.annotations.a'}".to_owned(),
        |all, n| {
            format!(
                "{all}, {{name: v{n}, expression: 'variables.v{0} + variables.v{0}'}}",
                n - 1
            )
        },
    );
    let rows = [
        ("lists in lists", &deep, rule("", "object.spec.x == []")),
        (
            "every key looked up",
            &many,
            rule(
                "",
                "object.metadata.annotations.exists(k, object.metadata.annotations[k] == 'x')",
            ),
        ),
        (
            "two long maps",
            &many,
            rule("", "object.metadata.annotations == object.metadata.labels"),
        ),
        (
            "doubled thirty times",
            &long,
            rule(&doubled, "variables.v29 == ''"),
        ),
    ];
    for (name, pod, rules) in rows {
        let start = computed();
        let (mode, rule, reason) = super::decide_text(&rules, pod);
        assert_eq!((mode, rule.as_str()), (Mode::Leave, "dear"), "{name}");
        assert!(
            reason.contains("could not be evaluated"),
            "{name}: {reason}"
        );
        // Without a bound each takes minutes, or the machine's memory.
        assert!(computed() - start < Duration::from_secs(30), "{name}");
    }
}

/// A variable that reads another only under a condition does not fail with it.
#[test]
fn variables_are_lazy_towards_each_other() {
    let rules = placement(concat!(
        "  variables:\n",
        "    - {name: count, expression: \"object.metadata.annotations['count']\"}\n",
        "    - {name: many, expression: \"'count' in object.metadata.annotations && int(variables.count) > 10\"}\n",
        "  rules: [{name: many, when: variables.many, mode: sidecar}]\n",
    ));
    let rows = [
        ("absent", json!({}), "default"),
        ("many", json!({"count": "11"}), "many"),
    ];
    for (name, annotations, rule) in rows {
        let placed = place(&rules, &pod(&json!({}), &annotations));
        assert_eq!(placed.rule, rule, "{name}");
        assert!(placed.warnings.is_empty(), "{name}");
    }
}

/// Each of 64 variables reads the two before it: what they read is found without walking every path.
#[test]
fn many_variables_are_read_in_no_time() {
    let variables = (2..64).fold(
        "{name: v0, expression: '1'}, {name: v1, expression: '1'}".to_owned(),
        |all, n| {
            format!(
                "{all}, {{name: v{n}, expression: 'variables.v{} > variables.v{} ? 1 : 2'}}",
                n - 1,
                n - 2
            )
        },
    );
    let rules = placement(&format!(
        "  variables: [{variables}]\n  rules: [{{name: a, when: variables.v63 > 0, mode: none}}]\n"
    ));
    assert_eq!(place(&rules, &pod(&json!({}), &json!({}))).rule, "a");
}
