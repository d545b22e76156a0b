//! What holds for every policy.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const KEYS: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "status",
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "istio.io/waypoint-for",
    "selector",
    "matchLabels",
    "gateway.networking.k8s.io/gateway-name",
    "istio.io/gateway-name",
    "gateway.istio.io/managed",
    "targetRefs",
    "targetRef",
    "group",
    "rules",
    "action",
    "provider",
    "from",
    "source",
    "principals",
    "requestPrincipals",
    "trustDomains",
    "to",
    "operation",
    "ports",
    "methods",
    "when",
    "key",
    "values",
    "notValues",
    "unknown",
    "ключ\n",
];

fn settings_of_any_kind() -> impl Strategy<Value = Settings> {
    let attachment = [
        RequireAttachment::WhenNeeded,
        RequireAttachment::Always,
        RequireAttachment::Off,
    ];
    let annotation = [OnAnnotation::Warn, OnAnnotation::Refuse];
    let fail_open = [OnFailOpen::Refuse, OnFailOpen::Warn];
    (
        prop::sample::select(attachment.to_vec()),
        prop::sample::select(annotation.to_vec()),
        prop::sample::select(fail_open.to_vec()),
    )
        .prop_map(|(attachment, annotation, fail_open)| Settings {
            attachment,
            annotation,
            fail_open,
            ..Settings::default()
        })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,5}", "\\PC{0,6}", any::<String>(), "[a-z]{300}"]
}

/// JSON of any shape, with names that policies have.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(json!("DENY")),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        let key = prop::sample::select(KEYS).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn fields(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let name = prop::sample::select(names).prop_map(str::to_owned);
    let values = prop_oneof![
        Just(Value::Null),
        prop::collection::vec(text(), 0..3).prop_map(Value::from)
    ];
    prop::collection::btree_map(name, values, 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn rule() -> impl Strategy<Value = Value> {
    let source = fields(&[
        "principals",
        "requestPrincipals",
        "trustDomains",
        "ipBlocks",
        "asns",
    ]);
    let operation = fields(&["ports", "methods", "paths", "hosts", "verbs"]);
    let key = prop_oneof![
        Just("source.ip".to_owned()),
        Just("remote.ip".to_owned()),
        text()
    ];
    (
        prop::collection::vec(source, 0..3),
        prop::collection::vec(operation, 0..3),
        prop::collection::vec(key, 0..3),
    )
        .prop_map(|(sources, operations, keys)| {
            let from: Vec<_> = sources
                .iter()
                .map(|source| json!({"source": source}))
                .collect();
            let to: Vec<_> = operations
                .iter()
                .map(|op| json!({"operation": op}))
                .collect();
            let when: Vec<_> = keys.iter().map(|key| json!({"key": key})).collect();
            json!({"from": from, "to": to, "when": when})
        })
}

fn spec_without_targets() -> impl Strategy<Value = Value> {
    let action = prop::sample::select(vec!["ALLOW", "DENY", "AUDIT", "CUSTOM", "LOG"]);
    let label = prop::sample::select(KEYS);
    let selector = prop::option::of(prop::collection::btree_map(label, text(), 0..3));
    (action, selector, prop::collection::vec(rule(), 0..4)).prop_map(|(action, labels, rules)| {
        match labels {
            Some(labels) => {
                json!({"action": action, "selector": {"matchLabels": labels}, "rules": rules})
            }
            None => json!({"action": action, "rules": rules}),
        }
    })
}

fn annotation() -> impl Strategy<Value = Option<String>> {
    let value = prop_oneof![
        prop::sample::select(vec![
            "service",
            "all",
            "none",
            "gateway:payments/w",
            "service:a/b,gateway:c/d"
        ])
        .prop_map(str::to_owned),
        text(),
    ];
    prop::option::of(value)
}

fn with_metadata(annotation: Option<&str>, labels: &Value, spec: &Value) -> Value {
    let annotations = annotation.map_or(json!({}), |value| json!({"istio.io/waypoint-for": value}));
    json!({
        "metadata": {"name": "p", "namespace": "payments", "labels": labels, "annotations": annotations},
        "spec": spec,
    })
}

/// The same JSON with the keys of every object in the reverse order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields = map.iter().rev();
            let fields: Vec<_> = fields
                .map(|(key, value)| format!("{} : {}", Value::from(key.as_str()), reversed(value)))
                .collect();
            format!("{{ {} }}", fields.join(" , "))
        }
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(reversed).collect();
            format!("[{}]", elements.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

fn assert_is_sound(verdict: &Verdict) -> Result<(), TestCaseError> {
    let downgraded = verdict.clone().downgraded_to_warning();
    prop_assert_ne!(downgraded.answer(), Answer::Refuse);
    prop_assert_eq!(downgraded.reason(), verdict.reason());
    for warning in verdict.warnings().iter().chain(&downgraded.warnings()) {
        prop_assert!(!warning.is_empty());
        prop_assert!(warning.chars().count() <= Finding::LINE);
        prop_assert!(!warning.contains(char::is_control), "{:?}", warning);
    }
    prop_assert_eq!(
        verdict.answer() == Answer::Allow,
        verdict.reason().is_none()
    );
    prop_assert!(
        verdict
            .findings
            .is_sorted_by_key(|finding| finding.severity)
    );
    if let Some(denial) = verdict.denial() {
        prop_assert!(denial.lines().count() < 32, "{}", denial);
        prop_assert!(
            !denial.contains(|c: char| c.is_control() && c != '\n'),
            "{:?}",
            denial
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_json_that_is_a_policy_is_judged(
        metadata in any_json(), spec in any_json(), old in any_json(), settings in settings_of_any_kind(),
    ) {
        let json = json!({"metadata": metadata, "spec": spec}).to_string();
        let old = json!({"spec": old}).to_string();
        let old = AuthorizationPolicy::parse(&old).ok();
        if let Ok(policy) = AuthorizationPolicy::parse(&json) {
            assert_is_sound(&judge(&policy, old.as_ref(), &settings))?;
        }
    }

    #[test]
    fn any_text_is_a_policy_or_an_error_that_names_a_field(text in any::<String>(), json in any_json()) {
        for text in [text, json.to_string()] {
            if let Err(error) = AuthorizationPolicy::parse(&text) {
                prop_assert!(!error.field.is_empty() && !error.problem.is_empty());
            }
        }
    }

    #[test]
    fn an_update_without_a_relevant_change_is_never_refused(
        spec in spec_without_targets(), annotation in annotation(), settings in settings_of_any_kind(),
        labels in prop::collection::btree_map("[a-z]{1,3}", "[a-z]{0,3}", 0..3),
    ) {
        let old = with_metadata(annotation.as_deref(), &json!({}), &spec).to_string();
        let new = reversed(&with_metadata(annotation.as_deref(), &json!(labels), &spec));
        let verdict = judge(&parse(&new), Some(&parse(&old)), &settings);
        prop_assert_ne!(verdict.answer(), Answer::Refuse);
        assert_is_sound(&verdict)?;
    }

    #[test]
    fn targets_are_never_refused_for_lacking_attachment(
        mut spec in spec_without_targets(), annotation in annotation(),
        settings in settings_of_any_kind(), singular in any::<bool>(),
    ) {
        let target = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "w"});
        match singular {
            true => spec["targetRef"] = target,
            false => spec["targetRefs"] = json!([target]),
        }
        let json = with_metadata(annotation.as_deref(), &json!({}), &spec).to_string();
        let verdict = judge(&parse(&json), None, &settings);
        assert_is_sound(&verdict)?;
        if verdict.answer() == Answer::Refuse {
            prop_assert_eq!(verdict.reason(), Some(Code::MALFORMED_ANNOTATION));
        }
    }

    #[test]
    fn what_needs_a_waypoint_is_refused_without_attachment(
        spec in spec_without_targets(), action in prop::sample::select(vec!["AUDIT", "CUSTOM"]),
    ) {
        let mut spec = spec;
        spec["action"] = json!(action);
        let json = with_metadata(None, &json!({}), &spec).to_string();
        let verdict = judge(&parse(&json), None, &Settings::default());
        prop_assert_eq!(short(&verdict), "refuse NeedsAttachment");
    }
}
