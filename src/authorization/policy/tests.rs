//! Policies as they are read, and the places of what is wrong in them.

use std::borrow::Cow;

use super::*;

fn parse(json: &str) -> AuthorizationPolicy<'_> {
    AuthorizationPolicy::parse(json).unwrap()
}

#[test]
fn every_part_is_read() {
    let policy = parse(
        r#"{
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "managedFields": [{"x": {}}],
                     "labels": {"a": "b"}, "annotations": {"istio.io/waypoint-for": "all"}},
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "action": "DENY",
            "provider": {"name": "opa"},
            "rules": [{
                "from": [{"source": {"principals": ["a", "b"], "notNamespaces": ["c"]}}],
                "to": [{"operation": {"ports": ["80"], "methods": ["GET"]}}],
                "when": [{"key": "source.ip", "values": ["1.1.1.1"], "notValues": ["2.2.2.2"]}]
            }]
        },
        "status": {"conditions": []}
    }"#,
    );
    assert_eq!(policy.metadata.name.as_deref(), Some("p"));
    assert_eq!(policy.namespace(), Some("n"));
    assert_eq!(policy.annotation("istio.io/waypoint-for"), Some("all"));
    assert_eq!(policy.annotation("istio.io/dry-run"), None);
    assert_eq!(policy.spec.action, Action::Deny);
    assert_eq!(policy.unknown_fields(), Vec::<String>::new());

    let [rule] = policy.spec.rules.as_slice() else {
        panic!("one rule");
    };
    let (_, source) = rule.sources().next().unwrap();
    assert_eq!(source.values(SourceField::Principals).len(), 2);
    assert_eq!(&*source.values(SourceField::NotNamespaces)[0], "c");
    assert!(source.values(SourceField::IpBlocks).is_empty());
    let (_, operation) = rule.operations().next().unwrap();
    assert_eq!(&*operation.values(OperationField::Methods)[0], "GET");
    assert_eq!(&*rule.conditions()[0].key, "source.ip");
}

#[test]
fn an_absent_a_null_and_an_empty_value_stay_apart() {
    let spec = |json: &'static str| parse(json).spec;

    let rules = spec(r#"{"spec": {}}"#).rules;
    assert!(matches!(rules, Rules::Absent), "{rules:?}");
    let rules = spec(r#"{"spec": {"rules": null}}"#).rules;
    assert!(matches!(rules, Rules::Null), "{rules:?}");
    let rules = spec(r#"{"spec": {"rules": []}}"#).rules;
    assert!(matches!(&rules, Rules::Listed(none) if none.is_empty()));

    assert!(spec(r#"{"spec": {}}"#).selector.is_none());
    let selector = spec(r#"{"spec": {"selector": {}}}"#).selector.unwrap();
    assert_eq!(selector.match_labels, None);
    let selector = spec(r#"{"spec": {"selector": {"matchLabels": {}}}}"#).selector;
    assert_eq!(selector.unwrap().match_labels.unwrap().len(), 0);
}

#[test]
fn null_and_missing_parts_are_read_as_nothing() {
    let rows = [
        ("no spec", r#"{}"#),
        ("null spec", r#"{"spec": null}"#),
        ("null metadata", r#"{"metadata": null}"#),
        (
            "null maps",
            r#"{"metadata": {"labels": null, "annotations": null}}"#,
        ),
        (
            "null name",
            r#"{"metadata": {"name": null, "namespace": null}}"#,
        ),
        (
            "null selector",
            r#"{"spec": {"selector": null, "targetRefs": null}}"#,
        ),
        (
            "null labels",
            r#"{"spec": {"selector": {"matchLabels": null}}}"#,
        ),
        (
            "null clauses",
            r#"{"spec": {"rules": [{"from": null, "to": null, "when": null}]}}"#,
        ),
        (
            "null source",
            r#"{"spec": {"rules": [{"from": [{"source": null}]}]}}"#,
        ),
        (
            "null list",
            r#"{"spec": {"rules": [{"to": [{"operation": {"paths": null}}]}]}}"#,
        ),
        (
            "null values",
            r#"{"spec": {"rules": [{"when": [{"key": "k", "values": null}]}]}}"#,
        ),
    ];
    for (name, json) in rows {
        let parsed = AuthorizationPolicy::parse(json);
        assert!(parsed.is_ok(), "{name}: {parsed:?}");
    }
}

#[test]
fn actions_by_name_and_by_number() {
    let rows = [
        ("{}", Action::Allow),
        (r#"{"action": null}"#, Action::Allow),
        (r#"{"action": "ALLOW"}"#, Action::Allow),
        (r#"{"action": "DENY"}"#, Action::Deny),
        (r#"{"action": "AUDIT"}"#, Action::Audit),
        (r#"{"action": "CUSTOM"}"#, Action::Custom),
        (r#"{"action": "D\u0045NY"}"#, Action::Deny),
        (r#"{"action": 0}"#, Action::Allow),
        (r#"{"action": 1}"#, Action::Deny),
        (r#"{"action": 2}"#, Action::Audit),
        (r#"{"action": 3}"#, Action::Custom),
        (r#"{"action": 4}"#, Action::Unknown(Text::from("4"))),
        (r#"{"action": "deny"}"#, Action::Unknown(Text::from("deny"))),
        (r#"{"action": ""}"#, Action::Unknown(Text::from(""))),
    ];
    for (spec, expected) in rows {
        let json = format!(r#"{{"spec": {spec}}}"#);
        assert_eq!(parse(&json).spec.action, expected, "{spec}");
    }
}

#[test]
fn target_ref_counts_where_target_refs_are_empty() {
    let rows = [
        ("none", r#"{}"#, 0),
        ("empty", r#"{"targetRefs": []}"#, 0),
        (
            "one",
            r#"{"targetRefs": [{"kind": "Service", "name": "a"}]}"#,
            1,
        ),
        (
            "singular",
            r#"{"targetRef": {"kind": "Service", "name": "a"}}"#,
            1,
        ),
        (
            "empty and singular",
            r#"{"targetRefs": [], "targetRef": {"name": "a"}}"#,
            1,
        ),
        (
            "both",
            r#"{"targetRefs": [{}, {}], "targetRef": {"name": "a"}}"#,
            2,
        ),
    ];
    for (name, spec, expected) in rows {
        let json = format!(r#"{{"spec": {spec}}}"#);
        assert_eq!(parse(&json).spec.targets().len(), expected, "{name}");
    }
}

#[test]
fn the_fields_of_a_source_and_an_operation() {
    let source: Vec<_> = SourceField::ALL
        .iter()
        .map(|field| (field.name(), field.layer()))
        .collect();
    let l4 = |name| (name, Layer::L4);
    let http = |name| (name, Layer::Http);
    let trust_domain = |name| (name, Layer::TrustDomain);
    assert_eq!(
        source,
        [
            l4("principals"),
            l4("notPrincipals"),
            http("requestPrincipals"),
            http("notRequestPrincipals"),
            l4("namespaces"),
            l4("notNamespaces"),
            l4("serviceAccounts"),
            l4("notServiceAccounts"),
            l4("ipBlocks"),
            l4("notIpBlocks"),
            http("remoteIpBlocks"),
            http("notRemoteIpBlocks"),
            trust_domain("trustDomains"),
            trust_domain("notTrustDomains"),
        ]
    );
    let operation: Vec<_> = OperationField::ALL
        .iter()
        .map(|field| (field.name(), field.layer()))
        .collect();
    assert_eq!(
        operation,
        [
            http("hosts"),
            http("notHosts"),
            l4("ports"),
            l4("notPorts"),
            http("methods"),
            http("notMethods"),
            http("paths"),
            http("notPaths"),
        ]
    );
}

#[test]
fn unknown_fields_are_kept_with_their_path() {
    let policy = parse(
        r#"{
        "sepc": {},
        "metadata": {"unknownHere": "is skipped"},
        "spec": {
            "selector": {"matchExpressions": []},
            "targetRefs": [{}, {"port": 1}],
            "targetRef": {"sectionName": "s"},
            "provider": {"url": "u"},
            "layer": {"deep": [{}]},
            "rules": [{}, {
                "unless": 1,
                "from": [{}, {"sauce": {}, "source": {"asns": [64512], "principals": []}}],
                "to": [{"operation": {"grpcMethods": null}, "op": true}],
                "when": [{"key": "k", "regex": "r"}]
            }]
        }
    }"#,
    );
    assert_eq!(
        policy.unknown_fields(),
        [
            "sepc",
            "spec.layer",
            "spec.selector.matchExpressions",
            "spec.targetRefs[1].port",
            "spec.targetRef.sectionName",
            "spec.provider.url",
            "spec.rules[1].unless",
            "spec.rules[1].from[1].sauce",
            "spec.rules[1].from[1].source.asns",
            "spec.rules[1].to[0].op",
            "spec.rules[1].to[0].operation.grpcMethods",
            "spec.rules[1].when[0].regex",
        ]
    );
}

/// Name, JSON, error.
const MALFORMED: &[(&str, &str, &str)] = &[
    (
        "not an object",
        "[]",
        "the policy: invalid type: sequence, expected an AuthorizationPolicy, an object with metadata and spec",
    ),
    (
        "name is a number",
        r#"{"metadata": {"labels": {"a": "b"}, "name": 3}}"#,
        "metadata.name: invalid type: integer `3`, expected a string",
    ),
    (
        "annotation is a boolean",
        r#"{"metadata": {"annotations": {"x/y": true}}}"#,
        "metadata.annotations.x/y: invalid type: boolean `true`, expected a string",
    ),
    (
        "spec is a list",
        r#"{"spec": [1]}"#,
        "spec: invalid type: sequence, expected an object with rules",
    ),
    (
        "rules is an object",
        r#"{"spec": {"action": "DENY", "rules": {}}}"#,
        "spec.rules: invalid type: map, expected a sequence",
    ),
    (
        "a rule is null",
        r#"{"spec": {"rules": [{}, null]}}"#,
        "spec.rules[1]: invalid type: null, expected an object with from, to and when",
    ),
    (
        "methods is a string",
        r#"{"spec": {"rules": [{}, {"to": [{"operation": {"ports": ["}\"]"], "methods": "GET"}}]}]}}"#,
        "spec.rules[1].to[0].operation.methods: invalid type: string \"GET\", expected a sequence",
    ),
    (
        "a port is a number",
        r#"{"spec": {"rules": [{"to": [{}, {"operation": {"ports": ["80", 81]}}]}]}}"#,
        "spec.rules[0].to[1].operation.ports[1]: invalid type: integer `81`, expected a string",
    ),
    (
        "a source is a list",
        r#"{"spec": {"rules": [{"from": [{"source": ["a"]}]}]}}"#,
        "spec.rules[0].from[0].source: invalid type: sequence, expected a source, such as {\"principals\": [...]}",
    ),
    (
        "action is a list",
        r#"{"spec": {"action": ["DENY"]}}"#,
        "spec.action: invalid type: sequence, expected one of ALLOW, DENY, AUDIT, CUSTOM",
    ),
    (
        "a field twice",
        r#"{"spec": {"rules": [{"to": [{"operation": {"paths": [], "paths": []}}]}]}}"#,
        "spec.rules[0].to[0].operation.paths: duplicate field `paths`",
    ),
    (
        "several lines",
        "{\n \"spec\": {\n  \"rules\": [\n   {},\n   {\"when\": [{\"key\": 7}]}\n  ]\n }\n}",
        "spec.rules[1].when[0].key: invalid type: integer `7`, expected a string",
    ),
];

#[test]
fn an_error_names_field_value_and_what_is_allowed() {
    for (name, json, expected) in MALFORMED {
        let error = AuthorizationPolicy::parse(json).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{name}");
    }
}

#[test]
fn an_error_is_short_and_names_nothing_of_ours() {
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let long = "x".repeat(1000);
    #[rustfmt::skip]
    let rows = [
        ("nested deeply", format!(r#"{{"spec": {{"x": {}}}}}"#, deep(500)), "spec.x[0][0]…[0]: it is nested deeper than 128 levels".to_owned()),
        ("nested deeply, beside the spec", format!(r#"{{"x": {{"y": {}}}}}"#, deep(500)), "x.y[0]…[0]: it is nested deeper than 128 levels".to_owned()),
        ("a long key", format!(r#"{{"metadata": {{"labels": {{"{long}": 1}}}}}}"#), format!("metadata.labels.{}…: invalid type: integer `1`, expected a string", "x".repeat(79))),
        ("a long value", format!(r#"{{"spec": {{"rules": "{long}"}}}}"#), format!("spec.rules: invalid type: string \"{}…", "x".repeat(217))),
        ("metadata", r#"{"metadata": 1}"#.to_owned(), "metadata: invalid type: integer `1`, expected an object with a name".to_owned()),
        ("metadata as a list", r#"{"metadata": []}"#.to_owned(), String::new()),
        ("labels", r#"{"metadata": {"labels": []}}"#.to_owned(), String::new()),
        ("spec", r#"{"spec": "a"}"#.to_owned(), String::new()),
        ("selector", r#"{"spec": {"selector": []}}"#.to_owned(), String::new()),
        ("targetRefs", r#"{"spec": {"targetRefs": ["a"]}}"#.to_owned(), String::new()),
        ("targetRef", r#"{"spec": {"targetRef": []}}"#.to_owned(), String::new()),
        ("provider", r#"{"spec": {"provider": []}}"#.to_owned(), String::new()),
        ("from", r#"{"spec": {"rules": [{"from": [1]}]}}"#.to_owned(), String::new()),
        ("to", r#"{"spec": {"rules": [{"to": [[]]}]}}"#.to_owned(), String::new()),
        ("when", r#"{"spec": {"rules": [{"when": ["a"]}]}}"#.to_owned(), String::new()),
        ("no JSON", "{".to_owned(), String::new()),
    ];
    for (name, json, expected) in rows {
        let Err(error) = AuthorizationPolicy::parse(&json) else {
            assert_eq!(name, "metadata as a list");
            continue;
        };
        let text = error.to_string();
        assert!(text.chars().count() <= 512, "{name}: {text}");
        for ours in ["struct", "enum", "tuple", "Envelope", "Text", "::"] {
            assert!(!text.contains(ours), "{name}: {text}");
        }
        if !expected.is_empty() {
            assert_eq!(text, expected, "{name}");
        }
    }
}

#[test]
fn text_is_borrowed_unless_it_has_escapes() {
    let policy = parse(
        r#"{"metadata": {"annotations": {"k": "plain", "e\n": "e\t"}}, "spec": {"rules": [{"when": [{"key": "a", "values": ["v"]}]}]}}"#,
    );
    let annotations = policy.metadata.annotations.as_ref().unwrap();
    let borrowed: Vec<_> = annotations
        .iter()
        .map(|(key, value)| (is_borrowed(key), is_borrowed(value)))
        .collect();
    assert_eq!(borrowed, [(false, false), (true, true)]);
    let condition = &policy.spec.rules.as_slice()[0].conditions()[0];
    assert!(is_borrowed(&condition.key));
    assert!(is_borrowed(&condition.values.as_ref().unwrap()[0]));
}

fn is_borrowed(text: &Text<'_>) -> bool {
    matches!(text.as_cow(), Cow::Borrowed(_))
}

#[test]
fn a_namespace_is_taken_from_the_review_only_where_there_is_none() {
    let rows = [
        (r#"{}"#, "review", Some("review")),
        (
            r#"{"metadata": {"namespace": ""}}"#,
            "review",
            Some("review"),
        ),
        (
            r#"{"metadata": {"namespace": "own"}}"#,
            "review",
            Some("own"),
        ),
        (r#"{}"#, "", None),
    ];
    for (json, namespace, expected) in rows {
        let policy = parse(json).in_namespace(namespace);
        assert_eq!(policy.namespace(), expected, "{json}");
    }
}

#[test]
fn changes_by_meaning() {
    let stored = r#"{"metadata": {"annotations": {"istio.io/waypoint-for": "all"}},
        "spec": {"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["A", "B"]}}]}]}}"#;
    let rows = [
        (
            "order of keys, white space, nulls, labels, other annotations, status",
            r#"{"status": {"x": 1}, "spec":{"rules":[{"from":null,"to":[{"operation":{"methods":["A","B"]}}]}],"selector":null,"action":"DENY"},
               "metadata": {"labels": {"a": "b"}, "annotations": {"x": "y", "istio.io/waypoint-for": "all"}, "finalizers": []}}"#,
            Change::Irrelevant,
        ),
        (
            "the order of a list",
            r#"{"metadata": {"annotations": {"istio.io/waypoint-for": "all"}},
               "spec": {"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["B", "A"]}}]}]}}"#,
            Change::Spec,
        ),
        (
            "a field we do not know",
            r#"{"metadata": {"annotations": {"istio.io/waypoint-for": "all"}},
               "spec": {"action": "DENY", "new": 1, "rules": [{"to": [{"operation": {"methods": ["A", "B"]}}]}]}}"#,
            Change::Spec,
        ),
        (
            "the annotation's value",
            r#"{"metadata": {"annotations": {"istio.io/waypoint-for": "none"}},
               "spec": {"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["A", "B"]}}]}]}}"#,
            Change::Annotation,
        ),
        (
            "the annotation is gone",
            r#"{"spec": {"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["A", "B"]}}]}]}}"#,
            Change::Annotation,
        ),
        ("everything", r#"{}"#, Change::SpecAndAnnotation),
    ];
    for (name, new, expected) in rows {
        assert_eq!(changes(&parse(stored), &parse(new)), expected, "{name}");
        assert_eq!(changes_of_raw(stored, new), expected, "{name}, raw");
        assert_eq!(changes_of_raw(new, stored), expected, "{name}, raw, back");
        assert_eq!(
            changes(&parse(new), &parse(stored)),
            expected,
            "{name}, back"
        );
    }
}

#[test]
fn no_spec_and_an_empty_one_are_the_same() {
    let rows = [
        r#"{}"#,
        r#"{"spec": null}"#,
        r#"{"spec": {}}"#,
        r#"{"spec": {"rules": null}}"#,
    ];
    for old in rows {
        for new in rows {
            let change = changes(&parse(old), &parse(new));
            assert_eq!(change, Change::Irrelevant, "{old} {new}");
            assert_eq!(
                changes_of_raw(old, new),
                Change::Irrelevant,
                "{old} {new}, raw"
            );
        }
    }
}

#[test]
fn specs_too_deep_to_compare_count_as_changed() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let spec = |unknown: &str| {
        format!(r#"{{"spec": {{"rules": [{{"to": [{{"operation": {{"x": {unknown}}}}}]}}]}}}}"#)
    };
    let (one, other) = (spec(&nested(500)), spec(&nested(501)));
    assert_eq!(changes(&parse(&one), &parse(&other)), Change::Spec);
    assert_eq!(changes(&parse(&one), &parse(&one)), Change::Irrelevant);
}

#[test]
fn changes_of_what_is_no_policy_that_we_can_read() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let deep = format!(r#"{{"metadata": {{}}, "spec": {{"x": {deep}}}}}"#);
    let labelled = deep.replace(r#""metadata": {}"#, r#""metadata": {"labels": {"a": "b"}}"#);
    let ports = r#"{"spec": {"rules": [{"to": [{"operation": {"ports": [80]}}]}]}}"#;
    #[rustfmt::skip]
    let rows = [
        ("a numeric port, labelled", ports,
            r#"{"metadata": {"labels": {"a": "b"}}, "spec": {"selector": null, "rules": [{"to": [{"operation": {"ports": [80]}}]}]}}"#, Change::Irrelevant),
        ("a numeric port, another one", ports,
            r#"{"spec": {"rules": [{"to": [{"operation": {"ports": [81]}}]}]}}"#, Change::Spec),
        ("a numeric port, mended", ports,
            r#"{"spec": {"rules": [{"to": [{"operation": {"ports": ["80"]}}]}]}}"#, Change::Spec),
        ("a numeric port, annotated", ports,
            r#"{"metadata": {"annotations": {"istio.io/waypoint-for": "all"}}, "spec": {"rules": [{"to": [{"operation": {"ports": [80]}}]}]}}"#, Change::Annotation),
        ("a numeric label", r#"{"metadata": {"labels": {"a": 1}}, "spec": {}}"#,
            r#"{"metadata": {"labels": {"a": 2}}}"#, Change::Irrelevant),
        ("another numeric annotation", r#"{"metadata": {"annotations": {"a": 1}}}"#,
            r#"{"metadata": {"annotations": {"a": "1"}}}"#, Change::Irrelevant),
        ("this annotation, numeric", r#"{"metadata": {"annotations": {"istio.io/waypoint-for": 1}}}"#,
            r#"{"metadata": {"annotations": {"istio.io/waypoint-for": "1"}}}"#, Change::Annotation),
        ("the annotation written otherwise", r#"{"metadata": {"annotations": {"istio.io/waypoint-for": "a"}}}"#,
            r#"{"metadata": {"annotations": {"istio.io/waypoint-for": "\u0061"}}}"#, Change::Irrelevant),
        ("nested deeply, labelled", &deep, &labelled, Change::Irrelevant),
        ("no objects", "[1]", "[2]", Change::SpecAndAnnotation),
        ("no JSON, the same", "{", "{", Change::Irrelevant),
        ("null", "null", r#"{"spec": {}}"#, Change::SpecAndAnnotation),
    ];
    for (name, old, new, expected) in rows {
        assert_eq!(changes_of_raw(old, new), expected, "{name}");
        assert_eq!(changes_of_raw(new, old), expected, "{name}, back");
    }
}

#[test]
fn the_annotation_that_is_compared_is_the_one_that_is_judged() {
    let json = |value: &str| {
        let key = crate::authorization::WAYPOINT_FOR;
        format!(r#"{{"metadata": {{"annotations": {{"{key}": "{value}"}}}}}}"#)
    };
    let change = changes_of_raw(&json("a"), &json("b"));
    assert_eq!(change, Change::Annotation);
}
