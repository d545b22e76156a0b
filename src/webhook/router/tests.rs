//! Every promise of the webhook's HTTP, as tables with named rows, through the router as it is served.

#![expect(clippy::too_many_lines, reason = "tables, a row each")]

use std::cell::RefCell;
use std::io::{ErrorKind, Write};
use std::sync::Once;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::ServiceExt as _;

use super::*;
use crate::authorization::WhyUnknown;
use crate::cluster::Cluster;
use crate::config::DEFAULT;
use crate::placement::facts::NoCluster;
use crate::telemetry::logs::Json;
use crate::webhook::body::MAX_BODY_BYTES;
use crate::webhook::load::Limits;
use crate::webhook::testing::{Coming, PATIENCE, Served, active, counted};

mod load;

const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";
const MUTATE: &str = "/mutate/pods";
const OBSERVE: &str = "/observe/pods";
const VALIDATE: &str = "/validate/authorizationpolicies";
const WARN: &str = "/warn/authorizationpolicies";
const OBSERVE_POLICIES: &str = "/observe/authorizationpolicies";

/// What came back.
struct Answered {
    code: u16,
    headers: HeaderMap,
    json: Value,
}

fn app() -> App {
    let metrics = Arc::default();
    App {
        configuration: Arc::new(ArcSwap::from_pointee(active(DEFAULT))),
        cluster: Arc::new(NoCluster),
        facts: Arc::new(WhyUnknown::NoCluster),
        load: Arc::new(Load::new(Limits::default(), Arc::clone(&metrics))),
        metrics,
    }
}

async fn send(router: Router, request: Request<Body>) -> Answered {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answered {
        code: parts.status.as_u16(),
        headers: parts.headers,
        json: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

async fn post(path: &str, body: impl Into<Body>) -> Answered {
    send(router(app()), request(path, body)).await
}

fn request(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap()
}

/// Answers `review`, checking what holds for every answer.
async fn answer(name: &str, path: &str, review: &Value) -> Value {
    let answered = post(path, review.to_string()).await;
    assert_eq!(answered.code, 200, "{name}: {}", answered.json);
    assert_eq!(
        answered.headers[header::CONTENT_TYPE],
        "application/json",
        "{name}"
    );
    let Value::Object(mut envelope) = answered.json else {
        panic!("{name}: no object")
    };
    let response = envelope.remove("response").unwrap();
    let rest = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"});
    assert_eq!(Value::Object(envelope), rest, "{name}");
    assert_eq!(response["uid"], review["request"]["uid"], "{name}");
    assert!(response["allowed"].is_boolean(), "{name}: {response}");
    check_patch(name, &response);
    check_texts(name, &response);
    response
}

/// Both or neither, and a list of operations; never where the object is refused.
fn check_patch(name: &str, response: &Value) {
    let (kind, patch) = (response.get("patchType"), response.get("patch"));
    assert_eq!(kind.is_some(), patch.is_some(), "{name}: {response}");
    if let (Some(kind), Some(patch)) = (kind, patch) {
        assert_eq!(kind, "JSONPatch", "{name}");
        assert_eq!(response["allowed"], true, "{name}");
        let patch = STANDARD.decode(patch.as_str().unwrap()).unwrap();
        let patch: Vec<Value> = serde_json::from_slice(&patch).unwrap();
        assert!(!patch.is_empty(), "{name}: an empty patch is none");
    }
    let refused = response["allowed"] == false;
    assert_eq!(response.get("status").is_some(), refused, "{name}");
    if refused {
        let status = &response["status"];
        assert_eq!(
            (&status["code"], &status["reason"]),
            (&json!(403), &json!("Forbidden"))
        );
        assert_ne!(status["message"].as_str().unwrap(), "", "{name}");
    }
}

/// What the API server does with texts: it drops warnings with control characters, cuts all when they are
/// too many, and drops annotations whose key is no qualified name.
fn check_texts(name: &str, response: &Value) {
    let warnings = response.get("warnings").and_then(Value::as_array);
    for text in warnings
        .into_iter()
        .flatten()
        .map(|text| text.as_str().unwrap())
    {
        assert!(!text.is_empty(), "{name}");
        assert!(text.chars().count() <= 256, "{name}: {text}");
        assert!(!text.contains(char::is_control), "{name}: {text:?}");
    }
    assert!(
        warnings.is_none_or(|warnings| warnings.len() <= 16),
        "{name}"
    );
    let annotations = response.get("auditAnnotations").and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        assert!(
            key.len() <= 63 && key.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{name}: {key}"
        );
        assert!(value.as_str().unwrap().chars().count() <= 1024, "{name}");
    }
}

fn review(group: &str, version: &str, kind: &str, operation: &str, object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": {"group": group, "version": version, "resource": "things"},
            "requestKind": {"group": group, "version": version, "kind": kind},
            "name": "",
            "namespace": "shop",
            "operation": operation,
            "userInfo": {"username": "system:admin", "extra": {"a": ["b"]}},
            "object": object,
            "oldObject": null,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        },
    })
}

fn pod_review(object: &Value) -> Value {
    review("", "v1", "Pod", "CREATE", object)
}

fn pod(metadata: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [{"name": "web", "image": "web"}]},
    })
}

fn policy_review(operation: &str, object: &Value) -> Value {
    review(
        "security.istio.io",
        "v1",
        "AuthorizationPolicy",
        operation,
        object,
    )
}

fn policy(annotations: &Value, spec: &Value) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "p", "namespace": "shop", "annotations": annotations},
        "spec": spec,
    })
}

/// Needs a waypoint: an HTTP attribute.
fn http_spec() -> Value {
    json!({"action": "ALLOW", "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]})
}

fn but(mut review: Value, field: &str, value: Value) -> Value {
    review["request"][field] = value;
    review
}

/// Messages are for people, who know no types of ours.
#[track_caller]
fn no_rust(name: &str, text: &str) {
    for leak in [
        "struct",
        "Envelope",
        "GroupVersionKind",
        "OnlyUid",
        "must be there",
    ] {
        assert!(!text.contains(leak), "{name}: {text}");
    }
}

fn warnings(response: &Value) -> String {
    let all = response.get("warnings").and_then(Value::as_array);
    let texts = all.into_iter().flatten().map(|text| text.as_str().unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

// === Pods ===

#[track_caller]
fn has_lines(metrics: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            metrics.lines().any(|found| found == *line),
            "{line} is not in\n{metrics}"
        );
    }
}

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

// === AuthorizationPolicies ===

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
        let response = answer(name, VALIDATE, &review).await;
        assert_eq!(response["allowed"], allowed, "{name}: {response}");
        assert_eq!(
            warnings(&response).is_empty(),
            !allowed,
            "{name}: {response}"
        );
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
        let response = answer(name, VALIDATE, &review).await;
        assert_eq!(response["allowed"], allowed, "{name}: {response}");
        assert_eq!(
            warnings(&response).is_empty(),
            !allowed,
            "{name}: {response}"
        );
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

// === HTTP ===

/// A `Status` with this code, as the API server writes them, whose message has `text`.
#[track_caller]
fn is_status(name: &str, answered: &Answered, code: u16, text: &str) {
    assert_eq!(answered.code, code, "{name}: {}", answered.json);
    assert_eq!(
        answered.headers[header::CONTENT_TYPE],
        "application/json",
        "{name}"
    );
    let status = &answered.json;
    assert_eq!(
        (
            &status["kind"],
            &status["apiVersion"],
            &status["status"],
            &status["code"]
        ),
        (
            &json!("Status"),
            &json!("v1"),
            &json!("Failure"),
            &json!(code)
        ),
        "{name}"
    );
    let message = status["message"].as_str().unwrap();
    assert!(message.contains(text), "{name}: {message}");
    no_rust(name, message);
    assert!(
        message.chars().count() < 2000,
        "{name}: {} characters",
        message.len()
    );
}

#[tokio::test]
async fn a_body_that_is_no_review_is_a_400_that_says_why() {
    let well = pod_review(&pod(&json!({})));
    let envelope = |field: &str, value: Value| {
        let mut review = well.clone();
        review[field] = value;
        review.to_string().into_bytes()
    };
    let no_uid = but(well.clone(), "uid", Value::Null);
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "line 1 column 0"),
        ("a word", b"hello".to_vec(), "line 1 column 1"),
        (
            "cut off",
            b"{\n  \"kind\": \"AdmissionReview\",\n  \"requ".to_vec(),
            "line 3 column",
        ),
        (
            "two",
            [well.to_string(), well.to_string()].concat().into_bytes(),
            "column",
        ),
        (
            "not UTF-8",
            b"{\"kind\": \"\xff\"}".to_vec(),
            "UTF-8 at byte 10",
        ),
        ("a byte order mark", "\u{feff}{}".into(), "line 1 column 1"),
        (
            "a list",
            b"[]".to_vec(),
            "the body is not an AdmissionReview: invalid type: sequence, expected an AdmissionReview at",
        ),
        (
            "a list of a request's values",
            envelope("request", json!(["uid", null])),
            "invalid type: sequence, expected the request of an AdmissionReview at",
        ),
        (
            "null",
            b"null".to_vec(),
            "the body is not an AdmissionReview",
        ),
        (
            "a string",
            b"\"x\"".to_vec(),
            "invalid type: string \"x\", expected an AdmissionReview at",
        ),
        ("an empty object", b"{}".to_vec(), "apiVersion"),
        (
            "v1beta1",
            envelope("apiVersion", json!("admission.k8s.io/v1beta1")),
            "admissionReviewVersions: [v1]",
        ),
        (
            "another kind",
            envelope("kind", json!("Pod")),
            "Pod of admission.k8s.io/v1",
        ),
        (
            "request is missing",
            b"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}".to_vec(),
            "no request",
        ),
        (
            "request is null",
            envelope("request", Value::Null),
            "no request",
        ),
        (
            "request is a list",
            envelope("request", json!([])),
            "line 1",
        ),
        ("uid is null", no_uid.to_string().into_bytes(), "line 1"),
        (
            "kind is endless",
            envelope("kind", json!("x".repeat(1 << 20))),
            "meshmode: xxx",
        ),
        (
            "deep",
            [b"[".repeat(1 << 20), b"]".repeat(1 << 20)].concat(),
            "line 1",
        ),
    ];
    for (name, body, text) in rows {
        for path in [MUTATE, VALIDATE] {
            is_status(name, &post(path, body.clone()).await, 400, text);
        }
    }
}

#[tokio::test]
async fn other_requests_are_refused_with_their_code() {
    let body = || pod_review(&pod(&json!({}))).to_string();
    for (path, _) in ROUTES {
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let request = Request::builder().method(method).uri(path);
            let answered = send(router(app()), request.body(Body::empty()).unwrap()).await;
            is_status(path, &answered, 405, method);
            assert_eq!(answered.headers[header::ALLOW], "POST", "{method} {path}");
        }
    }
    for path in [
        "/",
        "/mutate/",
        "/mutate/pods/",
        "/Mutate",
        "/metrics",
        "/validate/%70ods",
    ] {
        let answered = post(path, body()).await;
        is_status(path, &answered, 404, path);
        for (route, _) in ROUTES {
            is_status(path, &answered, 404, route);
        }
    }
    for content_type in [
        "",
        "text/plain",
        "application/yaml",
        "application/jsonx",
        "multipart/json",
        "\u{fffd}",
    ] {
        let request = Request::post(MUTATE)
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body()))
            .unwrap();
        is_status(
            content_type,
            &send(router(app()), request).await,
            415,
            "application/json",
        );
    }
    let none = Request::post(MUTATE).body(Body::from(body())).unwrap();
    is_status("none", &send(router(app()), none).await, 415, "none");
    for content_type in [
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json ; a=b",
    ] {
        let mut request = request("/mutate/pods?timeout=5s", body());
        let value = HeaderValue::from_static(content_type);
        request.headers_mut().insert(header::CONTENT_TYPE, value);
        assert_eq!(
            send(router(app()), request).await.code,
            200,
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_a_413_and_one_at_the_limit_is_read() {
    let review = pod_review(&pod(&json!({}))).to_string();
    let padded = |length: usize| {
        let mut body = review.clone().into_bytes();
        body.resize(length, b' ');
        Bytes::from(body)
    };
    let at_the_limit = post(MUTATE, padded(MAX_BODY_BYTES)).await;
    assert_eq!(at_the_limit.code, 200, "{}", at_the_limit.json);
    let above = padded(MAX_BODY_BYTES + 1);
    is_status(
        "whole",
        &post(MUTATE, above.clone()).await,
        413,
        "7340032 bytes",
    );
    let chunks = above.chunks(1 << 16).map(Bytes::copy_from_slice).collect();
    is_status(
        "chunked",
        &post(MUTATE, Body::new(Chunks(chunks))).await,
        413,
        "7340032 bytes",
    );
}

/// A body of unknown length.
struct Chunks(std::collections::VecDeque<Bytes>);

impl axum::body::HttpBody for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(
            self.0
                .pop_front()
                .map(|chunk| Ok(hyper::body::Frame::data(chunk))),
        )
    }
}

/// A body that is never whole: after `chunk` it says nothing more, or `chunk` again every second.
struct Endless {
    chunk: Option<Bytes>,
    pause: Option<tokio::time::Interval>,
}

impl axum::body::HttpBody for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.poll_tick(context));
            return std::task::Poll::Ready(
                self.chunk
                    .clone()
                    .map(|chunk| Ok(hyper::body::Frame::data(chunk))),
            );
        }
        match self.chunk.take() {
            Some(chunk) => std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(chunk)))),
            None => std::task::Poll::Pending,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_a_408() {
    let every_second = || Some(tokio::time::interval(Duration::from_secs(1)));
    let chunk = |text: &'static [u8]| Some(Bytes::from_static(text));
    for (name, chunk, pause) in [
        ("nothing at all", None, None),
        ("half a body", chunk(b"{"), None),
        ("a byte a second", chunk(b" "), every_second()),
    ] {
        let start = tokio::time::Instant::now();
        let answered = post(MUTATE, Body::new(Endless { chunk, pause }));
        let answered = tokio::time::timeout(Duration::from_secs(60), answered).await;
        let answered = answered.unwrap_or_else(|_| panic!("{name}: still waiting"));
        is_status(name, &answered, 408, "10s");
        assert_eq!(start.elapsed().as_secs(), 10, "{name}");
    }
}

// === panics, logs, metrics ===

/// Panics on a review whose namespace is `panic`.
fn fragile(app: &App, route: Route, body: &[u8], attempt: Attempt) -> Result<Decided, NotAReview> {
    assert!(
        !String::from_utf8_lossy(body).contains("\"panic\""),
        "a test panics"
    );
    decide(app, route, body, attempt)
}

/// What this thread logs from its start on. One subscriber for the process, as a second one of a thread makes
/// tracing forget what the first wants to see.
struct Log;

struct Writer;

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| Write::write(logged, bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// In the form that `meshmode serve --log-format json` has.
    fn start() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let builder = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::INFO)
                .with_writer(|| Writer)
                .event_format(Json);
            tracing::subscriber::set_global_default(builder.finish()).unwrap();
        });
        LOGGED.take();
        Self
    }

    #[expect(
        clippy::unused_self,
        reason = "there is a log only once it was started"
    )]
    fn text(&self) -> String {
        String::from_utf8(LOGGED.with_borrow(Clone::clone)).unwrap()
    }
}

#[tokio::test]
async fn a_panic_is_a_500_a_count_and_a_log_line_with_the_uid() {
    let log = Log::start();
    let app = app();
    let router = super::with(app.clone(), fragile, MAX_BODY_TIME);
    let well = pod_review(&pod(&json!({})));
    let bad = but(well.clone(), "namespace", json!("panic"));
    let answered = send(router.clone(), request(MUTATE, bad.to_string())).await;
    is_status("panic", &answered, 500, UID);
    let answered = send(router, request(MUTATE, well.to_string())).await;
    assert_eq!(answered.code, 200, "afterwards");
    let metrics = app.metrics.to_text();
    has_lines(
        &metrics,
        &[
            "meshmode_panics_total 1",
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"panicked\"} 1",
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"answered\"} 1",
        ],
    );
    let text = log.text();
    let line = text
        .lines()
        .find(|line| line.contains("\"ERROR\""))
        .unwrap();
    assert!(line.contains(UID), "{line}");
}

#[tokio::test]
async fn the_log_tells_what_was_done_from_what_would_be() {
    let log = Log::start();
    let left = pod(&json!({"annotations": {"meshmode.io/mode": "leave"}}));
    let rows = [
        (MUTATE, pod(&json!({})), false, "placed a Pod"),
        (MUTATE, pod(&json!({})), true, "placed a Pod"),
        (MUTATE, left.clone(), false, "left a Pod alone"),
        (OBSERVE, pod(&json!({})), true, "would place a Pod"),
        (OBSERVE, left, false, "would leave a Pod alone"),
    ];
    for (index, (path, object, dry_run, message)) in rows.into_iter().enumerate() {
        let review = but(pod_review(&object), "dryRun", json!(dry_run));
        post(path, review.to_string()).await;
        let text = log.text();
        let line: Value = serde_json::from_str(text.lines().nth(index).unwrap()).unwrap();
        assert_eq!(
            (&line["message"], &line["dry_run"]),
            (&json!(message), &json!(dry_run)),
            "{path}"
        );
    }
    let policy = policy_review("CREATE", &policy(&json!({}), &http_spec()));
    post(VALIDATE, but(policy, "dryRun", json!(true)).to_string()).await;
    let text = log.text();
    let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&line["message"], &line["dry_run"]),
        (&json!("judged a policy"), &json!(true))
    );
}

#[tokio::test]
async fn a_log_line_is_one_line_with_each_field_once() {
    let log = Log::start();
    let evil = "Pod\n2026-11-23T00:00:00Z ERROR forged\u{1b}[31m";
    let object = policy(&json!({}), &http_spec());
    for (path, review) in [
        (MUTATE, pod_review(&pod(&json!({"name": "web"})))),
        (MUTATE, review("", "v1", evil, "CREATE", &Value::Null)),
        (VALIDATE, policy_review("CREATE", &object)),
        (VALIDATE, review("", "v1", evil, "CREATE", &object)),
        (VALIDATE, json!({"kind": evil})),
    ] {
        post(path, review.to_string()).await;
    }
    let text = log.text();
    assert_eq!(text.lines().count(), 5, "{text}");
    for line in text.lines() {
        assert_eq!(line.matches("\"message\":").count(), 1, "{line}");
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_counted_and_logged() {
    let log = Log::start();
    let app = app();
    let router = router(app.clone());
    let stalled = Endless {
        chunk: None,
        pause: None,
    };
    let rows = [
        (
            415,
            Request::post(MUTATE).body(Body::from("{}")).unwrap(),
            "send application/json",
        ),
        (
            413,
            request(MUTATE, vec![b' '; MAX_BODY_BYTES + 1]),
            "7340032 bytes",
        ),
        (
            408,
            request(MUTATE, Body::new(stalled)),
            "not there after 10s",
        ),
        (
            400,
            request(MUTATE, Body::new(Broken(ErrorKind::InvalidInput))),
            "could not be read",
        ),
    ];
    for (index, (code, request, error)) in rows.into_iter().enumerate() {
        assert_eq!(send(router.clone(), request).await.code, code);
        let text = log.text();
        let line: Value = serde_json::from_str(text.lines().nth(index).unwrap()).unwrap();
        assert_eq!(
            (&line["level"], &line["code"]),
            (&json!("WARN"), &json!(code)),
            "{line}"
        );
        assert!(line["error"].as_str().unwrap().contains(error), "{line}");
        assert!(
            line["message"]
                .as_str()
                .unwrap()
                .contains("check who sends it"),
            "{line}"
        );
    }
    for kind in [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset] {
        send(router.clone(), request(MUTATE, Body::new(Broken(kind)))).await;
    }
    assert_eq!(
        log.text().lines().count(),
        4,
        "who hung up is no news: {}",
        log.text()
    );
    let metrics = app.metrics.to_text();
    has_lines(
        &metrics,
        &[
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"rejected\"} 4",
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"aborted\"} 2",
            "meshmode_review_duration_seconds_count{task=\"place\"} 4",
        ],
    );
}

/// A body that ends with an error.
struct Broken(ErrorKind);

impl axum::body::HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::Error::from(self.0))))
    }
}

#[tokio::test]
async fn every_request_is_counted_once() {
    let app = app();
    let router = router(app.clone());
    let well = pod_review(&pod(&json!({}))).to_string();
    for body in [&well, "{", &well] {
        send(router.clone(), request(MUTATE, body.to_owned())).await;
    }
    send(router.clone(), request(OBSERVE, well)).await;
    let refused = policy_review("CREATE", &policy(&json!({}), &http_spec())).to_string();
    send(router.clone(), request(OBSERVE_POLICIES, refused)).await;
    let metrics = app.metrics.to_text();
    has_lines(
        &metrics,
        &[
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"answered\"} 2",
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"rejected\"} 1",
            "meshmode_reviews_total{task=\"judge\",stance=\"observe\",outcome=\"answered\"} 1",
            "meshmode_placements_total{stance=\"enforce\",mode=\"ambient\",rule=\"default\"} 2",
            "meshmode_placements_total{stance=\"observe\",mode=\"ambient\",rule=\"default\"} 1",
            "meshmode_review_duration_seconds_count{task=\"place\"} 4",
        ],
    );
    assert!(
        metrics.contains("meshmode_verdicts_total{stance=\"observe\",verdict=\"refuse\""),
        "{metrics}"
    );
}

// === on connections ===

async fn serve(router: Router, app: &App) -> Served {
    Served::start(router, Arc::clone(&app.metrics), PATIENCE).await
}

const HALF: &[u8] = b"POST /mutate/pods HTTP/1.1\r\nhost: localhost\r\n\
    content-type: application/json\r\ncontent-length: 9\r\n\r\n{";

#[tokio::test]
async fn a_stalled_body_ends_its_connection_with_a_408() {
    let app = app();
    let router = super::with(app.clone(), decide, Duration::from_millis(50));
    let served = serve(router, &app).await;
    let mut stream = served.connect("http/1.1").await;
    stream.write_all(HALF).await.unwrap();
    let mut answer = String::new();
    let ended = stream.read_to_string(&mut answer);
    let ended = tokio::time::timeout(Duration::from_secs(5), ended).await;
    assert!(ended.is_ok(), "still open after {answer}");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    served.end().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted_as_such() {
    let app = app();
    let served = serve(router(app.clone()), &app).await;
    let mut stream = served.connect("http/1.1").await;
    stream.write_all(HALF).await.unwrap();
    drop(stream);
    let aborted = "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"aborted\"}";
    counted(&app.metrics, &format!("{aborted} 1")).await;

    let stream = served.connect("h2").await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let mut connections = tokio::task::JoinSet::new();
    connections.spawn(connection);
    let url = "https://localhost/mutate/pods";
    let broken = Body::new(Broken(ErrorKind::TimedOut));
    let given_up = sender.send_request(request(url, broken)).await;
    assert!(given_up.is_err(), "there is no answer to no body");
    counted(&app.metrics, &format!("{aborted} 2")).await;
    let well = pod_review(&pod(&json!({}))).to_string();
    let after = sender.send_request(request(url, well)).await.unwrap();
    assert_eq!(after.status(), 200, "afterwards, on the same connection");
    drop(sender);
    served.end().await;
}

#[tokio::test]
async fn a_stalled_body_harms_no_sibling_on_its_http2_connection() {
    let app = app();
    let router = super::with(app.clone(), decide, Duration::from_millis(50));
    let served = serve(router, &app).await;
    let stream = served.connect("h2").await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let mut connections = tokio::task::JoinSet::new();
    connections.spawn(connection);
    let stalled = Body::new(Endless {
        chunk: Some(Bytes::from_static(b"{")),
        pause: None,
    });
    let url = "https://localhost/mutate/pods";
    let mut other = sender.clone();
    let late = other.send_request(request(url, stalled));
    let well = pod_review(&pod(&json!({}))).to_string();
    let sibling = sender.send_request(request(url, well));
    let (late, sibling) = tokio::join!(late, sibling);
    assert_eq!(
        (
            late.unwrap().status().as_u16(),
            sibling.unwrap().status().as_u16()
        ),
        (408, 200)
    );
    drop((sender, other));
    served.end().await;
}

#[tokio::test]
async fn a_panic_harms_no_sibling_on_its_http2_connection() {
    let app = app();
    let served = serve(super::with(app.clone(), fragile, MAX_BODY_TIME), &app).await;
    let stream = served.connect("h2").await;
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let mut connections = tokio::task::JoinSet::new();
    connections.spawn(connection);

    let well = pod_review(&pod(&json!({})));
    let bad = but(well.clone(), "namespace", json!("panic"));
    let mut siblings = tokio::task::JoinSet::new();
    for index in 0..40 {
        let (review, expected) = if index % 4 == 0 {
            (&bad, 500)
        } else {
            (&well, 200)
        };
        let mut sender = sender.clone();
        let request = request("https://localhost/mutate/pods", review.to_string());
        siblings.spawn(async move {
            (
                sender
                    .send_request(request)
                    .await
                    .map(|answer| answer.status().as_u16()),
                expected,
            )
        });
    }
    while let Some(ended) = siblings.join_next().await {
        let (code, expected) = ended.unwrap();
        assert_eq!(code.unwrap(), expected);
    }
    let mut sender = sender;
    let after = sender
        .send_request(request("https://localhost/mutate/pods", well.to_string()))
        .await
        .unwrap();
    assert_eq!(after.status(), 200, "afterwards, on the same connection");
    drop(sender);
    served.end().await;
}

// === what the cluster says ===

const CONFIGURED: (&str, &str) = ("configuration", "5af1");

#[tokio::test]
async fn every_answer_names_the_configuration() {
    let named = |kind: &str| review("", "v1", kind, "CREATE", &pod(&json!({})));
    for (name, path, review) in [
        ("a Pod", MUTATE, pod_review(&pod(&json!({})))),
        ("observed", OBSERVE, pod_review(&pod(&json!({})))),
        ("no Pod", MUTATE, named("Service")),
        ("malformed", MUTATE, pod_review(&json!([]))),
        (
            "a policy",
            VALIDATE,
            policy_review("CREATE", &policy(&json!({}), &http_spec())),
        ),
        ("no policy", VALIDATE, named("Service")),
        ("a workload", WORKLOADS, workload_review("ambient")),
        ("no workload", WORKLOADS, named("Service")),
    ] {
        let response = answer(name, path, &review).await;
        let (key, hash) = CONFIGURED;
        assert_eq!(
            response["auditAnnotations"][key], hash,
            "{name}: {response}"
        );
    }
}

const WORKLOADS: &str = "/validate/workloads";

fn workload_review(mode: &str) -> Value {
    let template = json!({"metadata": {"annotations": {"meshmode.io/mode": mode}}, "spec": {}});
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": template},
    });
    but(
        review("apps", "v1", "Deployment", "CREATE", &object),
        "name",
        json!("web"),
    )
}

#[tokio::test]
async fn workloads_are_advised_about_and_never_refused() {
    let log = Log::start();
    let app = app();
    for (path, mode, warned) in [
        (WORKLOADS, "sidecars", true),
        (WORKLOADS, "sidecar", false),
        ("/observe/workloads", "sidecars", false),
    ] {
        let review = workload_review(mode);
        let answered = send(router(app.clone()), request(path, review.to_string())).await;
        let response = &answered.json["response"];
        assert_eq!(response["allowed"], true, "{path} {mode}");
        assert_eq!(response.get("patch"), None, "{path} {mode}");
        assert_eq!(!warnings(response).is_empty(), warned, "{path}: {response}");
    }
    has_lines(
        &app.metrics.to_text(),
        &[
            "meshmode_reviews_total{task=\"advise\",stance=\"warn\",outcome=\"answered\"} 2",
            "meshmode_reviews_total{task=\"advise\",stance=\"observe\",outcome=\"answered\"} 1",
        ],
    );
    let text = log.text();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "what is well is no news: {text}");
    for line in lines {
        assert_eq!(
            (&line["workload"], &line["kind"]),
            (&json!("web"), &json!("Deployment"))
        );
        assert!(line["said"].as_str().unwrap().contains("sidecars"));
    }
}

#[tokio::test]
async fn a_placement_is_remembered_where_it_is_carried_out() {
    let owner = |controller| {
        json!([{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9", "uid": "uid-1",
            "controller": controller,
        }])
    };
    let labels = json!({"pod-template-hash": "5d8f9"});
    let owned = |controller| {
        pod_review(&pod(
            &json!({"labels": labels, "ownerReferences": owner(controller)}),
        ))
    };
    let chosen = json!({"pod-template-hash": "5d8f9", "istio.io/dataplane-mode": "none"});
    let chosen = pod_review(&pod(
        &json!({"labels": chosen, "ownerReferences": owner(true)}),
    ));
    for (name, path, review, expected) in [
        ("of a revision", MUTATE, owned(true), true),
        ("owned, not controlled", MUTATE, owned(false), false),
        ("bare", MUTATE, pod_review(&pod(&json!({}))), false),
        (
            "dry run",
            MUTATE,
            but(owned(true), "dryRun", json!(true)),
            false,
        ),
        ("observed", OBSERVE, owned(true), false),
        ("its own choice", MUTATE, chosen, false),
    ] {
        let cluster = Arc::new(Coming::after(Duration::ZERO));
        let app = App {
            cluster: cluster.clone(),
            ..app()
        };
        send(router(app), request(path, review.to_string())).await;
        let remembered = cluster.remembered();
        assert_eq!(remembered.len(), usize::from(expected), "{name}");
        for (revision, decided) in remembered {
            assert_eq!((&*revision.owner, &*revision.hash), ("uid-1", "5d8f9"));
            assert_eq!(
                (decided.mode.as_str(), &*decided.rule),
                ("ambient", "many-replicas")
            );
            assert!(decided.reason.contains("replicas"), "{decided:?}");
        }
    }
}

const OWNED: &str =
    "{name: big, when: workload.replicas > 10, mode: none, reason: it is big, onUnknown: next}";

/// An app with a rule that reads the workload, in this cluster.
fn app_in(cluster: &Arc<Coming>) -> App {
    let text = format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  ownerWait: 40ms\n  rules:\n  - {OWNED}\n  default: {{mode: ambient, reason: a test}}\n"
    );
    App {
        configuration: Arc::new(ArcSwap::from_pointee(active(&text))),
        cluster: cluster.clone(),
        ..app()
    }
}

/// A Pod is left as its Deployment was not seen in time: the next one of its revision is not placed because it
/// was, and before the watch has told of the first.
#[tokio::test(start_paused = true)]
async fn what_is_left_is_left_for_its_revision() {
    let owner = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9", "uid": "uid-1", "controller": true,
    }]);
    let metadata = json!({"labels": {"pod-template-hash": "5d8f9"}, "ownerReferences": owner});
    let review = pod_review(&pod(&metadata)).to_string();
    let coming = Arc::new(Coming::after(Duration::from_secs(1)));
    let rule = OWNED.replace("onUnknown: next", "onUnknown: leave");
    let text = format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  rules:\n  - {rule}\n  default: {{mode: ambient, reason: a test}}\n"
    );
    let app = App {
        configuration: Arc::new(ArcSwap::from_pointee(active(&text))),
        ..app_in(&coming)
    };
    let first = send(router(app.clone()), request(MUTATE, review.clone())).await;
    let first = &first.json["response"]["auditAnnotations"];
    assert_eq!(
        (&first["placement"], &first["rule"]),
        (&json!("leave"), &json!("big"))
    );
    let left = ["meshmode_left_for_missing_facts_total 1"];
    has_lines(&app.metrics.to_text(), &left);
    // As a real one keeps it.
    let cluster = Cluster::default();
    for (revision, decided) in coming.remembered() {
        cluster.remember(&revision, decided);
    }
    let app = App {
        cluster: Arc::new(cluster),
        ..app
    };
    let second = send(router(app.clone()), request(MUTATE, review)).await;
    let second = &second.json["response"]["auditAnnotations"];
    for key in ["placement", "rule", "reason"] {
        assert_eq!(second[key], first[key], "{second}");
    }
    // Not again for each Pod of the revision.
    has_lines(&app.metrics.to_text(), &left);
    assert_eq!(coming.remembered().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pod_waits_a_moment_for_its_workload() {
    let log = Log::start();
    let owner = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9", "uid": "uid-1", "controller": true,
    }]);
    let metadata = json!({"labels": {"pod-template-hash": "5d8f9"}, "ownerReferences": owner});
    let review = pod_review(&pod(&metadata)).to_string();
    let ms = Duration::from_millis;
    let seen = "meshmode_owner_wait_seconds_count{outcome=\"seen\"} 1";
    let given_up = "meshmode_owner_wait_seconds_count{outcome=\"given-up\"} 1";
    for (name, timeout, comes, rule, took, counted) in [
        ("there", "3s", Some(ms(0)), "big", ms(0), None),
        ("it comes", "3s", Some(ms(20)), "big", ms(20), Some(seen)),
        (
            "too late",
            "3s",
            Some(ms(41)),
            "default",
            ms(40),
            Some(given_up),
        ),
        (
            "no time for it",
            "50ms",
            Some(ms(30)),
            "default",
            ms(13),
            Some(given_up),
        ),
        ("not to be expected", "3s", None, "default", ms(0), None),
    ] {
        let cluster = Arc::new(comes.map_or_else(Coming::never, Coming::after));
        let app = app_in(&cluster);
        let start = tokio::time::Instant::now();
        let path = format!("{MUTATE}?timeout={timeout}");
        let answered = send(router(app.clone()), request(&path, review.clone())).await;
        assert_eq!(start.elapsed(), took, "{name}");
        let audit = &answered.json["response"]["auditAnnotations"];
        assert_eq!(audit["rule"], rule, "{name}: {audit}");
        let metrics = app.metrics.to_text();
        let waits = metrics
            .lines()
            .filter(|line| line.starts_with("meshmode_owner_wait_seconds_count"));
        assert_eq!(waits.collect::<Vec<_>>(), Vec::from_iter(counted), "{name}");
        let once =
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"answered\"} 1";
        let placed = format!(
            "meshmode_placements_total{{stance=\"enforce\",mode=\"{}\",rule=\"{rule}\"}} 1",
            audit["placement"].as_str().unwrap()
        );
        has_lines(&metrics, &[once, &placed]);
        let remembered: Vec<_> = cluster
            .remembered()
            .into_iter()
            .map(|one| one.1.rule)
            .collect();
        assert_eq!(
            remembered,
            [rule.into()],
            "{name}: once, and what was answered"
        );
        let text = log.text();
        let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(
            (&line["rule"], &line["from"]),
            (&json!(rule), &json!("rules")),
            "{name}"
        );
        assert_eq!(
            line["missing"].is_string(),
            rule == "default",
            "{name}: {line}"
        );
        assert_eq!(
            line["waited"].is_string(),
            counted.is_some(),
            "{name}: {line}"
        );
    }
}
