//! Reviews of policies that cannot be judged.

use serde_json::{Value, json};

use super::*;
use crate::authorization::WhyUnknown;

fn review(kind: &str, operation: &str, old: &Value, object: &Value) -> String {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "namespace": "shop", "name": "p", "operation": operation,
        "kind": {"group": "security.istio.io", "version": "v1", "kind": kind},
        "object": object, "oldObject": old,
    }})
    .to_string()
}

fn answered(review: &str, stance: Stance) -> Value {
    let judged = answer(
        review.as_bytes(),
        &Settings::default(),
        &WhyUnknown::NoCluster,
        stance,
    )
    .unwrap();
    let mut answer: Value = serde_json::from_slice(&judged.answer.to_json()).unwrap();
    answer["response"].take()
}

fn stored(labels: &Value, annotations: &Value, spec: &Value) -> Value {
    json!({"metadata": {"name": "p", "namespace": "shop", "labels": labels, "annotations": annotations}, "spec": spec})
}

#[test]
fn what_was_stored_malformed_is_refused_only_for_what_changes() {
    let ports = |port: Value| json!({"rules": [{"to": [{"operation": {"ports": [port]}}]}]});
    let http = json!({"rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]});
    let none = json!({});
    let numeric = stored(&none, &none, &ports(json!(80)));
    let number = json!({"a": 1});
    let waypoint = json!({"istio.io/waypoint-for": "all"});
    let not_judged = "could not be judged";
    #[rustfmt::skip]
    let rows = [
        ("a numeric port, labelled", &numeric, stored(&json!({"a": "b"}), &json!({"x": "y"}), &ports(json!(80))), true, not_judged),
        ("a numeric port, another", &numeric, stored(&none, &none, &ports(json!(81))), false, "malformed"),
        ("a numeric port, annotated", &numeric, stored(&none, &waypoint, &ports(json!(80))), false, "malformed"),
        ("a numeric port, mended", &numeric, stored(&none, &none, &ports(json!("80"))), true, ""),
        ("a numeric port, created", &Value::Null, numeric.clone(), false, "malformed"),
        ("a numeric label stays", &stored(&number, &none, &http), stored(&number, &json!({"x": "y"}), &http), true, not_judged),
        ("a numeric label comes", &stored(&none, &none, &http), stored(&number, &none, &http), true, not_judged),
        ("a numeric label goes", &stored(&number, &none, &http), stored(&none, &none, &http), true, "needs a waypoint"),
        ("a numeric label goes, the spec changes", &stored(&number, &none, &ports(json!("80"))), stored(&none, &none, &http), false, "needs a waypoint"),
    ];
    for (name, old, new, allowed, text) in rows {
        let operation = if old.is_null() { "CREATE" } else { "UPDATE" };
        let review = review("AuthorizationPolicy", operation, old, &new);
        let response = answered(&review, Stance::Enforce);
        assert_eq!(response["allowed"], allowed, "{name}: {response}");
        let said = match allowed {
            true => &response["warnings"],
            false => &response["status"]["message"],
        };
        assert!(said.to_string().contains(text), "{name}: {response}");
        assert_eq!(said.is_null(), text.is_empty(), "{name}: {response}");
    }
}

#[test]
fn the_warning_says_why_it_could_not_be_judged() {
    let policy = stored(
        &json!({}),
        &json!({}),
        &json!({"rules": [{"to": [{"operation": {"ports": [80]}}]}]}),
    );
    let review = review("AuthorizationPolicy", "UPDATE", &policy, &policy);
    assert_eq!(
        answered(&review, Stance::Enforce)["warnings"],
        json!([
            "meshmode: the policy could not be judged, and was let through as nothing changes in its spec and its \
             annotation istio.io/waypoint-for; malformed: spec.rules[0].to[0].operation.ports[0]: \
             invalid type: integer `80`, expected a string"
        ])
    );
}

#[test]
fn answers_without_a_verdict_can_be_traced_too() {
    let malformed = json!({"spec": 1});
    let well = json!({"spec": {}});
    let policy = "AuthorizationPolicy";
    let rows = [
        (
            "malformed",
            review(policy, "CREATE", &Value::Null, &malformed),
        ),
        (
            "malformed before",
            review(policy, "UPDATE", &malformed, &malformed),
        ),
        ("another kind", review("Pod", "CREATE", &Value::Null, &well)),
        (
            "another operation",
            review(policy, "DELETE", &well, &Value::Null),
        ),
        (
            "a subresource",
            review(policy, "UPDATE", &well, &well)
                .replace(r#""uid":"#, r#""subResource":"status","uid":"#),
        ),
        (
            "a malformed review",
            review(policy, "CREATE", &Value::Null, &well).replace(r#""shop""#, "1"),
        ),
    ];
    for (name, review) in rows {
        for stance in [Stance::Enforce, Stance::Warn, Stance::Observe] {
            let response = answered(&review, stance);
            let audit = &response["auditAnnotations"];
            assert_eq!(
                (&audit["verdict"], &audit["reason"]),
                (&json!("none"), &json!("not-asked")),
                "{name}, {stance:?}"
            );
            assert!(audit["message"].is_string(), "{name}, {stance:?}: why");
        }
    }
}
