//! What becomes of an AuthorizationPolicy.

use super::*;

#[tokio::test]
async fn policies_are_judged() {
    let http = http_spec();
    let l4 = json!({"action": "ALLOW", "rules": [{"from": [{"source": {"principals": ["a/ns/b/sa/c"]}}]}]});
    let mut attached = http.clone();
    attached["targetRefs"] =
        json!([{"kind": "Gateway", "group": "gateway.networking.k8s.io", "name": "waypoint"}]);
    let for_ = |value: &str| json!({"istio.io/waypoint-for": value});
    let none = json!({});
    let (custom, audit) = (
        json!({"action": "CUSTOM", "provider": {"name": "x"}, "rules": [{}]}),
        json!({"action": "AUDIT", "rules": [{}]}),
    );
    let on_waypoint = json!({"selector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "waypoint"}}, "rules": [{}]});
    let rows = [
        (
            "HTTP, unattached",
            &none,
            &http,
            false,
            "targetRefs",
            "refuse",
        ),
        (
            "CUSTOM, unattached",
            &none,
            &custom,
            false,
            "targetRefs",
            "refuse",
        ),
        (
            "AUDIT, unattached",
            &none,
            &audit,
            false,
            "targetRefs",
            "refuse",
        ),
        (
            "selects a waypoint",
            &none,
            &on_waypoint,
            false,
            "targetRefs",
            "refuse",
        ),
        (
            "HTTP, only the annotation",
            &for_("service"),
            &http,
            true,
            "targetRefs",
            "warn",
        ),
        (
            "annotation none is none",
            &for_("none"),
            &http,
            false,
            "targetRefs",
            "refuse",
        ),
        (
            "malformed annotation",
            &for_("service:shop"),
            &http,
            false,
            "istio.io/waypoint-for",
            "refuse",
        ),
        ("HTTP, attached", &none, &attached, true, "", "allow"),
        ("L4", &none, &l4, true, "", "allow"),
    ];
    for (name, annotations, spec, allowed, text, verdict) in rows {
        let review = policy_review("CREATE", &policy(annotations, spec));
        for path in [VALIDATE, "/validate"] {
            let response = answer(name, path, &review).await;
            assert_eq!(response["allowed"], allowed, "{name}: {response}");
            assert_eq!(response.get("patch"), None, "{name}");
            let said = format!("{}{}", response["status"]["message"], warnings(&response));
            assert!(said.contains(text), "{name}: {said}");
            assert_eq!(response["auditAnnotations"]["verdict"], verdict, "{name}");
        }
        let warned = answer(name, WARN, &review).await;
        assert_eq!(warned["allowed"], true, "{name}");
        assert_eq!(warned["auditAnnotations"]["verdict"], verdict, "{name}");
        assert_eq!(
            warnings(&warned).is_empty(),
            verdict == "allow",
            "{name}: {warned}"
        );
        let observed = answer(name, OBSERVE_POLICIES, &review).await;
        assert_eq!(
            (&observed["allowed"], observed.get("warnings")),
            (&json!(true), None),
            "{name}"
        );
        assert_eq!(observed["auditAnnotations"]["verdict"], verdict, "{name}");
    }
}

/// The answer that allows with a warning, or refuses without one: its message says why.
async fn validated(name: &str, review: &Value, allowed: bool) -> Value {
    let response = answer(name, VALIDATE, review).await;
    assert_eq!(response["allowed"], allowed, "{name}: {response}");
    assert_eq!(
        warnings(&response).is_empty(),
        !allowed,
        "{name}: {response}"
    );
    response
}

#[tokio::test]
async fn an_update_is_refused_only_for_what_it_changes() {
    let old = policy(&json!({"a": "1"}), &http_spec());
    let mut finalized = policy(&json!({"a": "2"}), &http_spec());
    finalized["metadata"]["finalizers"] = json!(["x"]);
    let mut changed = old.clone();
    changed["spec"]["rules"] = json!([{"to": [{"operation": {"methods": ["PUT"]}}]}]);
    let annotated = policy(&json!({"istio.io/waypoint-for": "servce"}), &http_spec());
    for (name, object, allowed) in [
        ("another annotation and a finalizer", finalized, true),
        ("the spec", changed, false),
        ("the annotation waypoint-for", annotated, false),
    ] {
        let review = but(policy_review("UPDATE", &object), "oldObject", old.clone());
        validated(name, &review, allowed).await;
    }
}

#[tokio::test]
async fn what_is_no_policy_is_refused_unless_nothing_is_stored() {
    let well = policy(&json!({}), &http_spec());
    let rows = [
        ("a Pod", pod_review(&pod(&json!({}))), false),
        (
            "another version",
            review(
                "security.istio.io",
                "v1alpha1",
                "AuthorizationPolicy",
                "CREATE",
                &well,
            ),
            false,
        ),
        (
            "labels are a list",
            policy_review("CREATE", &json!({"metadata": {"labels": []}, "spec": "x"})),
            false,
        ),
        (
            "spec is a string",
            policy_review("CREATE", &json!({"metadata": {}, "spec": "x"})),
            false,
        ),
        (
            "rules are a string",
            policy_review("CREATE", &policy(&json!({}), &json!({"rules": "x"}))),
            false,
        ),
        (
            "annotations are a list",
            policy_review("CREATE", &policy(&json!([]), &http_spec())),
            false,
        ),
        (
            "object is null",
            policy_review("CREATE", &Value::Null),
            false,
        ),
        (
            "object is a number",
            policy_review("UPDATE", &json!(5)),
            false,
        ),
        (
            "a name that is a number",
            but(policy_review("CREATE", &well), "name", json!(5)),
            false,
        ),
        (
            "DELETE",
            but(
                policy_review("DELETE", &Value::Null),
                "oldObject",
                well.clone(),
            ),
            true,
        ),
        ("CONNECT", policy_review("CONNECT", &well), true),
        (
            "status",
            but(
                policy_review("UPDATE", &well),
                "subResource",
                json!("status"),
            ),
            true,
        ),
    ];
    for (name, review, allowed) in rows {
        let response = validated(name, &review, allowed).await;
        let warned = answer(name, WARN, &review).await;
        assert_eq!(warned["allowed"], true, "{name}");
        assert_ne!(warnings(&warned), "", "{name}");
        let observed = answer(name, OBSERVE_POLICIES, &review).await;
        assert_eq!(
            (&observed["allowed"], observed.get("warnings")),
            (&json!(true), None),
            "{name}"
        );
        for response in [response, warned, observed] {
            let audit = &response["auditAnnotations"];
            assert_eq!(audit["verdict"], "none", "{name}");
            assert_eq!(audit["reason"], "not-asked", "{name}");
            let message = audit["message"].as_str().unwrap();
            assert!(!message.is_empty(), "{name}");
            no_rust(name, message);
        }
    }
}
