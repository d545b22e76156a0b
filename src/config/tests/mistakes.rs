//! Every mistake, with its place.

use super::super::read;

/// `0:` in a place stands for the first line of `rules` or `variables` put under `placement`.
fn file(placement: &str) -> String {
    format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {{mode: ambient}}\n{placement}"
    )
}

fn problems(text: &str) -> Vec<String> {
    match read(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// Rows of a name, a file, and how each of its mistakes begins, in order.
fn check(rows: &[(&str, String, &[&str])]) {
    let mut failures = Vec::new();
    for (name, text, wanted) in rows {
        let found = problems(text);
        let same = found.len() == wanted.len()
            && found
                .iter()
                .zip(*wanted)
                .all(|(found, wanted)| found.starts_with(wanted));
        if !same {
            let cut: Vec<String> = found
                .iter()
                .map(|f| f.chars().take(160).collect())
                .collect();
            failures.push(format!("{name}: {cut:#?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn fields() {
    let rule = |fields: &str| file(&format!("  rules:\n    - {{name: a, {fields}}}\n"));
    check(&[
        ("unknown at the top", format!("{}x: 1\n", file("")), &["5:1: x is an unknown field; allowed: apiVersion, kind, placement, authorizationPolicies"]),
        ("unknown in placement", file("  rule: []\n"), &["5:3: placement.rule is an unknown field; allowed: variables, rules, default, modes, ownerWait"]),
        ("too long a wait", file("  ownerWait: 1001ms\n"), &["5:14: placement.ownerWait is"]),
        ("a wait in minutes", file("  ownerWait: 1m\n"), &["5:14: placement.ownerWait is"]),
        ("a wait without a unit", file("  ownerWait: '50'\n"), &["5:14: placement.ownerWait is"]),
        ("a wait that is a number", file("  ownerWait: 50\n"), &["5:14: placement.ownerWait is"]),

        ("unknown in a rule", rule("when: 'true', mode: none, if: 'x'"), &["6:43: placement.rules[0].if is an unknown field; allowed: name, when, mode, modeExpression, reason, reasonExpression, onUnknown, warningExpression"]),
        ("unknown in a variable", file("  variables:\n    - name: a\n      expression: '1'\n      value: 1\n"), &["8:7: placement.variables[0].value is an unknown field; allowed: name, expression"]),
        ("unknown in a mode", file("  modes: {ambient: {labels: {}, annotations: {}}}\n"), &["5:33: placement.modes.ambient.annotations is an unknown field; allowed: labels"]),
        ("a mode that is none", file("  modes: {leave: {labels: {}}}\n"), &["5:11: placement.modes.leave is an unknown field; allowed: ambient, sidecar, none"]),
        ("no bool", format!("{}authorizationPolicies: {{breakGlass: 'yes'}}\n", file("")), &["5:37: authorizationPolicies.breakGlass is \"yes\"; allowed: true, false"]),
        ("unknown in the policies", format!("{}authorizationPolicies: {{failopen: warn}}\n", file("")), &["5:25: authorizationPolicies.failopen is an unknown field; allowed: attachment, annotation, failOpen, breakGlass"]),
        ("unknown in the default", "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement: {default: {mode: none, why: x}}\n".to_owned(), &["3:35: placement.default.why is an unknown field; allowed: mode, reason"]),
        ("an unknown mode", rule("when: 'true', mode: Ambient"), &["6:37: placement.rules[0].mode is \"Ambient\"; allowed: ambient, sidecar, none, leave"]),
        ("a mode that YAML makes no text", rule("when: 'true', mode: null"), &["6:37: placement.rules[0].mode is empty; allowed: ambient, sidecar, none, leave"]),
        ("an unknown onUnknown", rule("when: 'true', mode: none, onUnknown: skip"), &["6:54: placement.rules[0].onUnknown is \"skip\"; allowed: leave, next"]),
        ("a condition that YAML makes no text", rule("when: true, mode: none"), &["6:23: placement.rules[0].when is true; allowed: a text"]),
        ("an empty condition", rule("when: '', mode: none"), &["6:23: placement.rules[0].when is \"\"; allowed: a text"]),
        ("too many variables", file(&format!("  variables: [{}]\n", (0..65).map(|n| format!("{{name: v{n}, expression: '1'}}")).collect::<Vec<_>>().join(", "))), &["5:14: placement.variables has 65 entries; allowed are 64"]),
        ("both modes", rule("when: 'true', mode: none, modeExpression: '\"none\"'"), &["6:37: placement.rules[0] has both mode and modeExpression; leave one"]),
        ("neither mode", rule("when: 'true'"), &["6:7: placement.rules[0] has neither mode nor modeExpression; add one"]),
        ("no condition", rule("mode: none"), &["6:7: placement.rules[0].when is missing"]),
        ("no name", file("  rules:\n    - {when: 'true', mode: none}\n"), &["6:7: placement.rules[0].name is missing"]),
        ("a name in capitals", file("  rules:\n    - {name: A, when: 'true', mode: none}\n"), &["6:14: placement.rules[0].name is \"A\"; allowed: lower-case letters, digits and dashes, at most 63"]),
        ("a reserved name", file("  rules:\n    - {name: default, when: 'true', mode: none}\n"), &["6:14: placement.rules[0].name \"default\" is what records call something else; choose another name"]),
        ("the same name", file("  rules:\n    - {name: a, when: 'true', mode: none}\n    - {name: b, when: 'true', mode: none}\n    - {name: a, when: 'true', mode: none}\n"), &["8:14: placement.rules[2].name \"a\" is the name of an earlier rule; names are unique"]),
        ("the same variable", file("  variables: [{name: a, expression: '1'}, {name: a, expression: '2'}]\n"), &["5:50: placement.variables[1].name \"a\" is declared twice"]),
        ("a variable by no name", file("  variables: [{name: a-b, expression: '1'}]\n"), &["5:22: placement.variables[0].name is \"a-b\"; allowed: letters, digits and underscores, not beginning with a digit"]),
        ("rules that are no list", file("  rules: {}\n"), &["5:10: placement.rules is a map; allowed: a list"]),
        ("a rule that is no map", file("  rules: [none]\n"), &["5:11: placement.rules[0] is \"none\"; allowed: a map of name, when,"]),
        ("labels that are no map", file("  modes: {none: {labels: []}}\n"), &["5:26: placement.modes.none.labels is a list; allowed: a map of labels"]),
        ("a label that is no text", file("  modes: {none: {labels: {a: true}}}\n"), &["5:30: placement.modes.none.labels.a is true; allowed: letters, digits, '-', '_' and '.', at most 63 (put it in quotes)"]),
        ("a label by no key", file("  modes: {none: {labels: {a/b/c: x}}}\n"), &["5:27: placement.modes.none.labels \"a/b/c\" is no label key; allowed: PREFIX/NAME or NAME"]),
        ("another version", "apiVersion: v1\nkind: MeshmodeConfiguration\n".to_owned(), &["1:13: apiVersion is \"v1\"; allowed: meshmode.io/v1alpha1"]),
        ("nothing required", "placement: {}\n".to_owned(), &["1:1: apiVersion is missing", "1:1: kind is missing", "1:12: placement.default is missing"]),
        ("a placement that is empty", "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n".to_owned(), &["3:10: placement is empty; allowed: a map of variables, rules, default, modes"]),
        ("a key that is no text", format!("{}1: x\n", file("")), &["5:1: 1 is an unknown field; allowed: "]),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn expressions() {
    check(&[
        (
            "in a plain scalar",
            file("  rules:\n    - {name: a, when: pod.x, mode: none}\n"),
            &["6:23: placement.rules[0].when \"pod\" is no variable; there are object,"],
        ),
        (
            "in single quotes",
            file("  rules:\n    - name: a\n      when: 'true || foo(1)'\n      mode: none\n"),
            &["7:25: placement.rules[0].when foo() is no function; there are "],
        ),
        (
            "in double quotes",
            file("  rules:\n    - name: a\n      when: \"object.x == pod\"\n      mode: none\n"),
            &["7:26: placement.rules[0].when \"pod\" is no variable"],
        ),
        (
            "in a literal block",
            file(
                "  rules:\n    - name: a\n      when: |\n        object.x == 1 ||\n          pod == 1\n      mode: none\n",
            ),
            &["9:11: placement.rules[0].when \"pod\" is no variable"],
        ),
        (
            "in a folded block",
            file("  rules:\n    - name: a\n      when: >-\n        pod == 1\n      mode: none\n"),
            &["8:9: placement.rules[0].when \"pod\" is no variable"],
        ),
        (
            "does not parse",
            file("  rules:\n    - name: a\n      when: 'object.x == '\n      mode: none\n"),
            &["7:26: placement.rules[0].when does not parse as CEL"],
        ),
        (
            "modeExpression",
            file("  rules:\n    - {name: a, when: 'true', modeExpression: pod}\n"),
            &["6:47: placement.rules[0].modeExpression \"pod\" is no variable"],
        ),
        (
            "warningExpression",
            file("  rules:\n    - {name: a, when: 'true', mode: none, warningExpression: pod}\n"),
            &["6:62: placement.rules[0].warningExpression \"pod\" is no variable"],
        ),
        (
            "a variable before it is declared",
            file("  variables: [{name: a, expression: variables.b}, {name: b, expression: '1'}]\n"),
            &[
                "5:46: placement.variables[0].expression variables.b is not declared before this; declared: none",
            ],
        ),
        (
            "no bool",
            file("  rules:\n    - {name: a, when: \"'x'\", mode: none}\n"),
            &[
                "6:23: placement.rules[0].when cannot be evaluated: its value is a string, not a bool",
            ],
        ),
        (
            "no string",
            file("  rules:\n    - {name: a, when: 'true', modeExpression: '1'}\n"),
            &[
                "6:47: placement.rules[0].modeExpression cannot be evaluated: its value is a int, not a string",
            ],
        ),
        (
            "wrong types",
            file(
                "  rules:\n    - {name: a, when: \"object.metadata.name + 1 == 2\", mode: none}\n",
            ),
            &[],
        ),
        (
            "no overload",
            file(
                "  rules:\n    - {name: a, when: \"object.metadata.namespace > 1\", mode: none}\n",
            ),
            &["6:23: placement.rules[0].when cannot be evaluated: found no matching overload for"],
        ),
        (
            "too deep for the parser",
            file(&format!(
                "  rules:\n    - name: a\n      when: '{}'\n      mode: none\n",
                "(".repeat(4000)
            )),
            &[
                "7:63: placement.rules[0].when does not parse as CEL: nests more than 48 brackets",
                "7:4014: placement.rules[0].when does not parse as CEL",
            ],
        ),
    ]);
}

#[test]
fn all_at_once_in_the_order_of_the_file() {
    check(&[(
        "many",
        "apiVersion: v2\nplacement:\n  rules:\n    - {name: a, when: pod, mode: x}\n    - {name: a, when: 'true'}\n  default: {mode: y}\n  extra: 1\nauthorizationPolicies: {attachment: sometimes}\n".to_owned(),
        &[
            "1:1: kind is missing",
            "1:13: apiVersion is \"v2\"",
            "4:23: placement.rules[0].when \"pod\"",
            "4:34: placement.rules[0].mode is \"x\"",
            "5:7: placement.rules[1] has neither",
            "5:14: placement.rules[1].name \"a\"",
            "6:19: placement.default.mode is \"y\"",
            "7:3: placement.extra is an unknown field",
            "8:37: authorizationPolicies.attachment is \"sometimes\"; allowed: whenNeeded, always, off",
        ],
    )]);
}

#[test]
fn yaml() {
    let deep = format!("a: {}", "[".repeat(20_000));
    check(&[
        (
            "empty",
            String::new(),
            &["1:1: is empty; allowed: a map of apiVersion"],
        ),
        (
            "only a comment",
            "# nothing\n".to_owned(),
            &["2:1: is empty; allowed: a map of apiVersion"],
        ),
        (
            "a text",
            "hello\n".to_owned(),
            &["1:1: is \"hello\"; allowed: a map of apiVersion"],
        ),
        (
            "a list",
            "- a\n".to_owned(),
            &["1:1: is a list; allowed: a map of apiVersion"],
        ),
        (
            "a tab",
            "apiVersion: x\n\tkind: y\n".to_owned(),
            &["1:13: is not YAML: "],
        ),
        ("an open quote", "apiVersion: \"x\n".to_owned(), &[""]),
        ("an open bracket", "apiVersion: [\n".to_owned(), &[""]),
        ("very deep", deep, &[""]),
        (
            "a repeated key",
            format!("{}kind: MeshmodeConfiguration\n", file("")),
            &["5:1: "],
        ),
        ("no Unicode", "\u{0}\u{1}\n".to_owned(), &[""]),
        ("two documents", format!("{}---\nx: 1\n", file("")), &[""]),
        (
            "a value of an anchor that is not there",
            "apiVersion: *x\n".to_owned(),
            &[""],
        ),
    ]);
}

#[test]
fn anchors_are_followed() {
    let text = file(
        "  rules:\n    - {name: a, when: &always 'true', mode: none}\n    - {name: b, when: *always, mode: sidecar}\n",
    );
    assert_eq!(problems(&text), Vec::<String>::new());
}

/// A problem has a place in the file, whatever the file is.
mod arbitrary {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_panics(at in 0..6000_usize, cut in 0..40_usize, put in ".{0,6}") {
            let mut characters: Vec<char> = crate::config::DEFAULT.chars().collect();
            let at = at % characters.len();
            let end = (at + cut).min(characters.len());
            characters.splice(at..end, put.chars());
            let text: String = characters.into_iter().collect();
            if let Err(problems) = crate::config::read(&text) {
                prop_assert!(!problems.is_empty());
                let lines = text.lines().count() as u64 + 1;
                for problem in problems.iter() {
                    prop_assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{}", problem);
                    prop_assert!(!problem.message.contains("the parser failed"), "{}", text);
                }
            }
        }
    }
}
