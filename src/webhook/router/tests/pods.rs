//! What becomes of a Pod.

use super::*;

#[tokio::test]
async fn a_new_pod_is_patched_and_recorded() {
    let review = pod_review(&pod(&json!({"generateName": "web-"})));
    for path in [MUTATE, "/mutate"] {
        for dry_run in [false, true] {
            let review = but(review.clone(), "dryRun", json!(dry_run));
            let response = answer(path, path, &review).await;
            assert!(response["patch"].is_string(), "{path}: {response}");
            let audit = &response["auditAnnotations"];
            assert_eq!(audit["placement"], "ambient", "{path}");
            assert_eq!(audit["rule"], "default", "{path}");
            assert!(
                audit["reason"].as_str().unwrap().contains("cheapest"),
                "{path}"
            );
        }
    }
    let observed = answer("observed", OBSERVE, &review).await;
    assert_eq!(observed.get("patch"), None);
    assert_eq!(observed["auditAnnotations"]["placement"], "ambient");
}

#[tokio::test]
async fn a_pod_that_is_none_is_let_through_with_a_warning_and_its_uid() {
    let well = pod(&json!({}));
    let named = |kind: &str| review("", "v1", kind, "CREATE", &well);
    let rows = [
        (
            "labels are a list",
            pod_review(&pod(&json!({"labels": ["a"]}))),
            "line 1",
        ),
        (
            "a label is a number",
            pod_review(&pod(&json!({"labels": {"a": 1}}))),
            "line 1",
        ),
        (
            "annotations are a string",
            pod_review(&pod(&json!({"annotations": "a"}))),
            "line 1",
        ),
        (
            "metadata is missing",
            pod_review(&json!({"spec": {}})),
            "metadata",
        ),
        (
            "metadata is null",
            pod_review(&json!({"metadata": null})),
            "metadata",
        ),
        (
            "metadata is a list",
            pod_review(&json!({"metadata": []})),
            "line 1",
        ),
        (
            "spec is a string",
            pod_review(&json!({"metadata": {}, "spec": "x"})),
            "line 1",
        ),
        ("object is null", pod_review(&Value::Null), "object"),
        ("object is a string", pod_review(&json!("pod")), "line 1"),
        ("object is a list", pod_review(&json!([])), "line 1"),
        (
            "a Deployment",
            named("Deployment"),
            "Deployment v1 is not a Pod",
        ),
        (
            "a Pod of another group",
            review("a.b", "v1", "Pod", "CREATE", &well),
            "Pod a.b/v1",
        ),
        (
            "a Pod of another version",
            review("", "v2", "Pod", "CREATE", &well),
            "Pod v2",
        ),
        (
            "eviction",
            but(pod_review(&well), "subResource", json!("eviction")),
            "eviction",
        ),
        (
            "UPDATE",
            but(pod_review(&well), "operation", json!("UPDATE")),
            "UPDATE",
        ),
        (
            "DELETE",
            but(
                but(pod_review(&Value::Null), "operation", json!("DELETE")),
                "oldObject",
                well.clone(),
            ),
            "DELETE",
        ),
        (
            "CONNECT",
            but(
                but(
                    pod_review(&json!({"kind": "PodExecOptions"})),
                    "operation",
                    json!("CONNECT"),
                ),
                "subResource",
                json!("exec"),
            ),
            "exec",
        ),
        (
            "no operation",
            but(pod_review(&well), "operation", json!("")),
            "only CREATE",
        ),
        (
            "a name that is a number",
            but(pod_review(&well), "name", json!(5)),
            "line 1",
        ),
        (
            "a kind that is a string",
            but(pod_review(&well), "kind", json!("Pod")),
            "line 1",
        ),
    ];
    for (name, review, text) in rows {
        let response = answer(name, MUTATE, &review).await;
        assert_eq!(response["allowed"], true, "{name}");
        assert_eq!(response.get("patch"), None, "{name}");
        let warnings = warnings(&response);
        assert!(warnings.contains(text), "{name}: {warnings:?}");
        no_rust(name, &warnings);
        let observed = answer(name, OBSERVE, &review).await;
        assert_eq!(observed["allowed"], true, "{name}");
        for audit in [&response["auditAnnotations"], &observed["auditAnnotations"]] {
            assert_eq!(audit["placement"], "leave", "{name}");
            assert_eq!(audit["rule"], "not-asked", "{name}");
            assert!(
                audit["reason"].as_str().unwrap().contains(text),
                "{name}: {audit}"
            );
        }
        assert_eq!(
            observed.get("warnings"),
            None,
            "{name}: observing is silent"
        );
    }
}

#[tokio::test]
async fn warnings_fit_the_api_server() {
    let value = |text: &str| json!({"annotations": {"meshmode.io/mode": text}});
    let rows = [
        ("huge", "x".repeat(1 << 20)),
        ("unicode, 4 bytes each", "🦀".repeat(400)),
        (
            "control characters",
            "a\u{0}b\nc\r\u{1b}[31m\u{7f}\u{85}d".to_owned(),
        ),
        ("quotes", "\"'\\".to_owned()),
        ("empty", String::new()),
    ];
    for (name, text) in rows {
        let response = answer(name, MUTATE, &pod_review(&pod(&value(&text)))).await;
        assert!(
            response["patch"].is_string(),
            "{name}: the next rules decide"
        );
        assert!(
            warnings(&response).starts_with("rule mode-annotation: \""),
            "{name}: {}",
            warnings(&response)
        );
    }
}
