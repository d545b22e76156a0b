//! Which rules a policy cannot have, and how the others are written.

use super::{FailurePolicy, Policy, policy};
use crate::config;

/// The policy of these `variables:` and `rules:`.
fn of(variables_and_rules: &str, failure: FailurePolicy) -> Policy {
    let yaml = format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {{mode: ambient, reason: nothing else}}\n{variables_and_rules}"
    );
    policy(
        &config::read(&yaml).expect("configuration").placement,
        failure,
    )
}

fn with_rule(when: &str, more: &str) -> Policy {
    of(
        &format!(
            "  variables:\n    - {{name: annotations, expression: \"has(object.metadata.annotations) ? object.metadata.annotations : {{}}\"}}\n    - {{name: tooMuch, expression: \"math.abs(-3)\"}}\n    - {{name: number, expression: \"3\"}}\n  rules:\n    - name: asked\n      when: {when:?}\n{more}    - {{name: second, when: 'true', mode: none}}\n"
        ),
        FailurePolicy::Ignore,
    )
}

fn left_out(policy: &Policy) -> Vec<String> {
    policy.left_out.iter().map(ToString::to_string).collect()
}

/// What a condition has, the condition, and why a policy cannot have it.
const LEFT_OUT: [[&str; 3]; 20] = [
    [
        "the workload",
        "workload.kind == 'Job'",
        "reads workload, which the API server does not know: that takes the webhook",
    ],
    [
        "the mesh",
        "has(mesh.waypoint)",
        "reads mesh, which the API server does not know: that takes the webhook",
    ],
    [
        "meshmode's own request",
        "request.name == 'web'",
        "reads request.name, which Kubernetes leaves out where meshmode has an empty text",
    ],
    [
        "the notes",
        "has(object.status.message)",
        "reads object.status, which a new Pod does not have; leave it out",
    ],
    [
        "a whole root",
        "size(object) > 3",
        "reads object as a whole, which is not the same there; read its fields",
    ],
    [
        "a function that Kubernetes lacks",
        "math.abs(object.spec.priority) > 3",
        "calls math.abs(), which Kubernetes' CEL does not have",
    ],
    [
        "a function that is not the same",
        "double(object.spec.priority) > 3.0",
        "calls double(), which does not answer alike in Kubernetes' CEL for every value",
    ],
    [
        "an escape in a pattern",
        "'a' in variables.annotations && variables.annotations['a'].matches('^\\\\d+$')",
        "has a pattern with \\d, which Kubernetes (RE2) reads otherwise or not at all",
    ],
    [
        "a field of a text",
        "!has(object.metadata.name.first)",
        "looks for a field in name, which has none: an error in meshmode, false in Kubernetes",
    ],
    [
        "a field of a label",
        "has(object.metadata.labels['a'].b)",
        "looks for a field in a, which has none: an error in meshmode, false in Kubernetes",
    ],
    [
        "an index that is no integer",
        "object.spec.containers[0.0].name == 'app'",
        "has a double as an index, which Kubernetes refuses when it checks types",
    ],
    [
        "an offset",
        "object.metadata.name.indexOf('a', 1) == 2",
        "calls indexOf() with an offset, which is an error behind the end in meshmode alone",
    ],
    [
        "a sum that must be a number",
        "'a' in variables.annotations && variables.annotations['a'] + 3 == 'x'",
        "has a comparison of values of different types, which Kubernetes refuses when it checks types",
    ],
    [
        "a computed pattern",
        "'a' in variables.annotations && 'x'.matches(variables.annotations['a'])",
        "matches a pattern that is computed; write it down",
    ],
    [
        "a comparison of types",
        "size(variables.annotations) == '3'",
        "has a comparison of values of different types, which Kubernetes refuses when it checks types",
    ],
    [
        "a list of types",
        "variables.annotations['a'] in ['1', 1]",
        "has a list of values of different types, which Kubernetes refuses when it checks types",
    ],
    [
        "a choice of types",
        "(true ? 'a' : 1) == 'a'",
        "has a choice (?:) between values of different types, which Kubernetes refuses when it checks types",
    ],
    [
        "a variable of another type",
        "variables.number == 'three'",
        "has a comparison of values of different types, which Kubernetes refuses when it checks types",
    ],
    [
        "a variable",
        "variables.tooMuch > 2",
        "reads variables.tooMuch, which calls math.abs(), which Kubernetes' CEL does not have",
    ],
    [
        "within a comprehension",
        "object.spec.containers.exists(c, math.abs(c.ports[0].containerPort) > 3)",
        "calls math.abs(), which Kubernetes' CEL does not have",
    ],
];

#[test]
fn rules_that_a_policy_cannot_have() {
    for [name, when, why] in LEFT_OUT {
        let policy = with_rule(when, "      mode: sidecar\n");
        assert_eq!(
            left_out(&policy),
            [format!("rule asked: when {why}")],
            "{name}"
        );
        assert_eq!(policy.rules, ["second"], "{name}");
        let text = format!("{:?} {:?}", policy.variables, policy.mutations);
        assert!(
            !text.contains("tooMuch") && !text.contains(" asked'"),
            "{name}: {text}"
        );
    }
}

#[test]
fn each_expression_of_a_rule_is_looked_at() {
    let mode = with_rule("true", "      modeExpression: \"string(math.abs(1))\"\n");
    let warning = "      mode: none\n      warningExpression: \"string(math.abs(1))\"\n";
    let warning = with_rule("true", warning);
    for (policy, part) in [(mode, "modeExpression"), (warning, "warningExpression")] {
        let expected =
            format!("rule asked: {part} calls math.abs(), which Kubernetes' CEL does not have");
        assert_eq!(left_out(&policy), [expected]);
    }
}

#[test]
fn a_reason_is_computed_where_it_can_be() {
    let asked = |when: &str, reason: &str| {
        let more = format!(
            "      mode: sidecar\n      reason: fixed\n      reasonExpression: {reason:?}\n"
        );
        with_rule(when, &more)
    };
    let there = "'a' in variables.annotations";
    for (name, reason, why) in [
        (
            "guarded by when",
            "'is ' + variables.annotations['a']",
            None,
        ),
        (
            "of another key",
            "'is ' + variables.annotations['b']",
            Some("may err on some Pod; guard it with has() or 'key' in map"),
        ),
        (
            "of the workload",
            "workload.name",
            Some("reads workload, which the API server does not know: that takes the webhook"),
        ),
    ] {
        let policy = asked(there, reason);
        let plain: Vec<String> = policy.plain.iter().map(ToString::to_string).collect();
        let expected: Vec<String> = why
            .map(|why| format!("rule asked: reasonExpression {why}"))
            .into_iter()
            .collect();
        assert_eq!(plain, expected, "{name}");
        assert_eq!(policy.rules, ["asked", "second"], "{name}");
        let text = format!("{:?}", policy.variables);
        assert_eq!(text.contains(reason), why.is_none(), "{name}: {text}");
    }
}

#[test]
fn the_record_names_the_rules_that_are_left_out() {
    let policy = with_rule("has(mesh.waypoint)", "      mode: sidecar\n");
    let record = policy
        .variables
        .iter()
        .find(|named| named.name == "meshmode_record");
    let record = &record.unwrap().expression;
    assert!(
        record.contains("+ ' (rules not in the admission policy: asked)'"),
        "{record}"
    );
}

#[test]
fn a_rule_is_a_mutation_of_its_own_only_where_an_error_must_not_end_the_others() {
    let guarded = "'a' in variables.annotations && variables.annotations['a'] == 'x'";
    for (when, on_unknown, mutations) in [
        (guarded, "next", 1),
        ("object.metadata.labels['a'] == 'x'", "leave", 1),
        // Empty the notes, note, patch, empty them.
        ("object.metadata.labels['a'] == 'x'", "next", 4),
    ] {
        let more = format!("      mode: sidecar\n      onUnknown: {on_unknown}\n");
        let policy = with_rule(when, &more);
        assert_eq!(policy.mutations.len(), mutations, "{when} {on_unknown}");
        assert_eq!(policy.rules, ["asked", "second"], "{when} {on_unknown}");
    }
}

#[test]
fn with_fail_a_rule_must_be_shown_to_have_a_value() {
    let annotations = "  variables:\n    - {name: annotations, expression: \"has(object.metadata.annotations) ? object.metadata.annotations : {}\"}\n";
    for (when, has_value) in [
        ("'a' in variables.annotations", true),
        (
            "'a' in variables.annotations && variables.annotations['a'].matches('x')",
            true,
        ),
        (
            "!('a' in variables.annotations) || variables.annotations['a'] == 'x'",
            false,
        ),
        (
            "'a' in variables.annotations && variables.annotations['b'] == 'x'",
            false,
        ),
        (
            "'a' in variables.annotations ? variables.annotations['a'] == 'x' : false",
            true,
        ),
        (
            "'a' in variables.annotations ? true : variables.annotations['a'] == 'x'",
            false,
        ),
        ("'a' in object.metadata.annotations", false),
        (
            "has(object.metadata.labels) && 'a' in object.metadata.labels && object.metadata.labels['a'] == 'x'",
            true,
        ),
        (
            "has(object.metadata.annotations) && 'a' in object.metadata.labels",
            false,
        ),
        (
            "has(object.spec.priorityClassName) && object.spec.priorityClassName in ['a', 'b']",
            true,
        ),
        (
            "has(object.spec.priority) && object.spec.priority == 'x'",
            false,
        ),
        ("object.spec.hostNetwork", false),
    ] {
        let rules =
            format!("{annotations}  rules:\n    - {{name: asked, when: {when:?}, mode: none}}\n");
        let policy = of(&rules, FailurePolicy::Fail);
        assert_eq!(
            policy.left_out.is_empty(),
            has_value,
            "{when}: {:?}",
            policy.left_out
        );
        if let [left_out] = policy.left_out.as_slice() {
            let said = left_out.to_string();
            assert!(
                said.starts_with("rule asked: when may err on some Pod"),
                "{said}"
            );
        }
    }
}

#[test]
fn variables_that_are_added_take_no_name_of_the_configuration() {
    let rules = "  variables:\n    - {name: meshmode_rule_1, expression: \"true\"}\n  rules:\n    - {name: asked, when: variables.meshmode_rule_1, mode: none}\n";
    let policy = of(rules, FailurePolicy::Ignore);
    let mut names: Vec<&str> = policy.variables.iter().map(|named| &*named.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.contains(&"meshmode__rule_1"), "{names:?}");
}

#[test]
fn texts_are_written_so_that_cel_reads_them_back() {
    for text in [
        "",
        "it's \"so\"",
        "back\\slash",
        "line\nbreak\ttab\u{7f}",
        "ünï €",
    ] {
        let literal = super::cel::text(text);
        let program = cel::Program::compile(&literal).unwrap();
        let value = program.execute(&cel::Context::default()).unwrap();
        assert_eq!(
            value,
            cel::Value::String(text.to_owned().into()),
            "{literal}"
        );
    }
}
